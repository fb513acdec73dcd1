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

// A Codec is the encoding of a type that has no binary form of its own, or not the
// one that is to be stored.
type Codec[T any] struct {
	// Encode returns the bytes of a value that is not zero: the same for equal
	// values, on every node and at every call.
	Encode func(T) ([]byte, error)
	// Decode returns the value with the given bytes, which it may keep. It returns
	// an error for any that Encode does not write.
	Decode func([]byte) (T, error)
}

// Register makes c the encoding of T as content, in every package of the module, at
// any depth of a value. T may be a pointer; its nil is zero.
//
// Register is called before any value of T, or of a type that holds T, is stored or
// decoded: by the main function, say. It panics if there was one, if T has another
// codec, and if Encode or Decode is nil.
func Register[T any](c Codec[T]) {
	if c.Encode == nil || c.Decode == nil {
		panic("content: a codec needs Encode and Decode")
	}
	value.Register(reflect.TypeFor[T](), &value.Codec{
		Encode: func(v reflect.Value) ([]byte, error) { return c.Encode(v.Interface().(T)) },
		Decode: func(p []byte, dst reflect.Value) error {
			v, err := c.Decode(p)
			if err == nil {
				dst.Set(reflect.ValueOf(&v).Elem())
			}
			return err
		},
	})
}
