package value

import (
	"fmt"
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

func quickAs[T any](clone func(T) T, same func(x, y T) bool) *quick {
	return &quick{
		fill: func(dst any, src reflect.Value) {
			*dst.(*T) = clone(typed[T](src))
		},
		same: func(a, b reflect.Value) bool {
			return same(typed[T](a), typed[T](b))
		},
	}
}

// typed returns v, which is a T, without a copy on the heap. It panics if v is of another
// type, which would be lost.
func typed[T any](v reflect.Value) T {
	x, ok := reflect.TypeAssert[T](v)
	if !ok {
		panic(fmt.Sprintf("value: %v is no %v", v.Type(), reflect.TypeFor[T]()))
	}
	return x
}
