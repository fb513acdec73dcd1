package content

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// ErrUnreadable says that there is a value that its type cannot hold: a
// [*ValueError] wraps it.
var ErrUnreadable = wire.ErrUnreadable

// A ValueError says which stored value a type cannot hold, and why.
type ValueError = value.ValueError

// A TypeError says why a type, or a value of it, cannot be content. The write that
// returns it has changed nothing.
type TypeError = value.TypeError

// A Codec is what a program hands over for a type that it does not own, or that does not
// say it itself: how values are encoded, compared and added up. What no rule and no state
// asks for may be nil.
type Codec[T any] struct {
	// Encode returns the bytes of a value that is not the zero T: the same for equal
	// values, on every node and at every call. If it and Decode are nil, T keeps the form
	// that it has.
	Encode func(T) ([]byte, error)
	// Decode returns the value with the given bytes, which it may keep. It returns
	// an error for any that Encode does not write, and both do for values that take too
	// long to compare, add or print: some decimals hold two billion digits in 16 bytes.
	Decode func([]byte) (T, error)

	// Compare orders values, none of which is nil, as [cmp.Compare] does, for the rules max
	// and min of package merge. It may return 0 for values that differ: of those the newest
	// wins.
	Compare func(a, b T) int

	// Add and Negate are for the rule additive of package merge. Add must be commutative and
	// associative, which a sum of floats is not; the zero T is its neutral element, and is
	// given to neither. Negate returns what adds up to nothing with its argument. Neither
	// modifies its arguments. Where one number has several forms, as 0 and 0.0 of a decimal, a
	// sum in a record has the one that adding makes.
	Add    func(a, b T) T
	Negate func(T) T
}

// Register makes c the codec of T, in every package of the module, at any depth of a value.
// T may be a pointer; its nil is zero.
//
// Register is called before any value of T, or of a type that holds T, is stored or
// decoded, and before a plan of one is compiled: by the main function, say. It panics if
// there was one, if T has another codec, and if of Encode and Decode, or of Add and Negate,
// one is nil.
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
