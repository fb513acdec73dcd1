package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
)

// shapeFor compiles the shape of V.
func shapeFor[V any]() (*value.Type, error) {
	c := value.Compiler{}
	s, err := c.Compile(reflect.TypeFor[V]())
	if err != nil {
		return nil, err
	}
	return s, s.Codable()
}

// AppendLeaf appends the canonical bytes of v.
func AppendLeaf[V any](b []byte, v *V) ([]byte, error) {
	s, err := shapeFor[V]()
	if err != nil {
		return nil, err
	}
	return s.Append(b, reflect.ValueOf(v).Elem())
}

// DecodeLeaf decodes what AppendLeaf wrote.
func DecodeLeaf[V any](p []byte) (V, error) {
	var v V
	s, err := shapeFor[V]()
	if err == nil {
		err = s.Decode(reflect.ValueOf(&v).Elem(), p)
	}
	return v, err
}

// CompareLeaf orders two values as ties between sides are.
func CompareLeaf[V any](a, b *V) int {
	s, err := shapeFor[V]()
	if err != nil {
		panic(err)
	}
	return s.Compare(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}
