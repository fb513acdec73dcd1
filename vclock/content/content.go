package content

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// ErrUnreadable says that a type cannot hold a value: a [*ValueError] wraps it.
var ErrUnreadable = wire.ErrUnreadable

// A ValueError says which stored value a type cannot hold, and why.
type ValueError = value.ValueError

// A TypeError says why a type, or a value of it, cannot be content. The write
// that returns it has changed nothing.
type TypeError = value.TypeError

// A Codec is what a program hands over for a type that does not say itself how
// values are encoded, compared and added up. What nothing asks for may be nil.
type Codec[T any] struct {
	// Encode returns the bytes of a value that is not the zero T, the same for
	// equal values at every call and node. If it and Decode are nil, T keeps the
	// form that it has.
	Encode func(T) ([]byte, error)
	// Decode returns the value with the given bytes, which it may keep. It returns
	// an error for any that Encode does not write, and both do for values that take
	// too long to compare, add or print: some decimals hold two billion digits in
	// 16 bytes.
	Decode func([]byte) (T, error)

	// Compare orders values, none of them nil, as [cmp.Compare] does, for the rules
	// max and min of package merge. Of values that differ and for which it returns
	// 0 the newest wins.
	Compare func(a, b T) int

	// Add and Negate are for the rule additive of package merge. Add must be
	// commutative and associative, which a sum of floats is not; zero is neutral,
	// and given to neither. Negate returns what adds up to nothing with its
	// argument. Neither modifies its arguments. Of a number with several forms, as
	// 0 and 0.0, a sum in a record has the one that adding makes.
	Add    func(a, b T) T
	Negate func(T) T
}

// Register makes c the codec of T, in every package of the module, at any depth
// of a value. T may be a pointer, whose nil is zero. Call it, in main, say,
// before a value of T, or of a type that holds T, is stored or decoded, and
// before a plan of one is compiled. It panics if it comes later, if T has a
// codec, and if only one of Encode and Decode, or of Add and Negate, is nil.
func Register[T any](c Codec[T]) {
	if (c.Encode == nil) != (c.Decode == nil) || (c.Add == nil) != (c.Negate == nil) {
		panic("content: a codec needs both Encode and Decode, both Add and Negate, or neither")
	}
	at := func(v reflect.Value) T { return v.Interface().(T) }
	set := func(dst reflect.Value, v T) { dst.Set(reflect.ValueOf(&v).Elem()) }
	var r value.Codec
	if c.Encode != nil {
		r.Encode = func(v reflect.Value) ([]byte, error) { return c.Encode(at(v)) }
		r.Decode = func(p []byte, dst reflect.Value) error {
			v, err := c.Decode(p)
			if err == nil {
				set(dst, v)
			}
			return err
		}
	}
	if c.Compare != nil {
		r.Compare = func(a, b reflect.Value) int { return c.Compare(at(a), at(b)) }
	}
	if c.Add != nil {
		r.Add = func(dst, a, b reflect.Value) { set(dst, c.Add(at(a), at(b))) }
		r.Negate = func(dst, v reflect.Value) { set(dst, c.Negate(at(v))) }
	}
	value.Register(reflect.TypeFor[T](), &r)
}
