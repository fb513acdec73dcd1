package value

import (
	"maps"
	"reflect"
	"slices"
)

// A quick copies and compares values of a type that is often held, without looking at
// its parts by reflection.
type quick struct {
	fill func(dst any, src reflect.Value) // dst is the address of a value
	same func(a, b reflect.Value) bool
}

// quickOf returns the quick of typ, or nil.
func quickOf(typ reflect.Type) *quick {
	switch typ {
	case reflect.TypeFor[[]string]():
		return quickSlice[string]()
	case reflect.TypeFor[[]int]():
		return quickSlice[int]()
	case reflect.TypeFor[[]int64]():
		return quickSlice[int64]()
	case reflect.TypeFor[map[string]string]():
		return quickMap[string]()
	case reflect.TypeFor[map[string]bool]():
		return quickMap[bool]()
	case reflect.TypeFor[map[string]int]():
		return quickMap[int]()
	case reflect.TypeFor[map[string]int64]():
		return quickMap[int64]()
	case reflect.TypeFor[*bool]():
		return quickPointer[bool]()
	case reflect.TypeFor[*string]():
		return quickPointer[string]()
	case reflect.TypeFor[*int]():
		return quickPointer[int]()
	case reflect.TypeFor[*int64]():
		return quickPointer[int64]()
	default:
		return nil
	}
}

func quickSlice[E comparable]() *quick {
	return quickAs(slices.Clone[[]E], func(x, y []E) bool { return (x == nil) == (y == nil) && slices.Equal(x, y) })
}

func quickMap[V comparable]() *quick {
	return quickAs(maps.Clone[map[string]V], func(x, y map[string]V) bool { return (x == nil) == (y == nil) && maps.Equal(x, y) })
}

func quickPointer[E comparable]() *quick {
	clone := func(x *E) *E {
		if x == nil {
			return nil
		}
		return new(*x)
	}
	return quickAs(clone, func(x, y *E) bool { return x == y || x != nil && y != nil && *x == *y })
}

// quickAs is the quick of T. Of what is not a T it would make the zero value: the
// types that quickOf knows are those of the values.
func quickAs[T any](clone func(T) T, same func(x, y T) bool) *quick {
	return &quick{
		fill: func(dst any, src reflect.Value) {
			x, _ := reflect.TypeAssert[T](src)
			*dst.(*T) = clone(x)
		},
		same: func(a, b reflect.Value) bool {
			x, _ := reflect.TypeAssert[T](a)
			y, _ := reflect.TypeAssert[T](b)
			return same(x, y)
		},
	}
}
