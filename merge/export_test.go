package merge

import "reflect"

// shapeFor compiles the shape of V.
func shapeFor[V any]() (*shape, error) {
	c := shapes{of: make(map[reflect.Type]*shape)}
	s, err := c.compile(reflect.TypeFor[V]())
	if err != nil {
		return nil, err
	}
	return s, s.codable()
}

// AppendLeaf appends the canonical bytes of v.
func AppendLeaf[V any](b []byte, v *V) ([]byte, error) {
	s, err := shapeFor[V]()
	if err != nil {
		return nil, err
	}
	return s.append(b, reflect.ValueOf(v).Elem())
}

// DecodeLeaf decodes what AppendLeaf wrote.
func DecodeLeaf[V any](p []byte) (V, error) {
	var v V
	s, err := shapeFor[V]()
	if err == nil {
		err = s.decode(reflect.ValueOf(&v).Elem(), p)
	}
	return v, err
}

// CompareLeaf orders two values as ties between sides are.
func CompareLeaf[V any](a, b *V) int {
	s, err := shapeFor[V]()
	if err != nil {
		panic(err)
	}
	return s.compare(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}
