package value

import (
	"maps"
	"reflect"
	"slices"
)

// A quick copies and compares values of a type that is often held, without looking at
// its parts by reflection. Its functions take addresses of values.
type quick struct {
	fill func(dst, src any)
	same func(a, b any) bool
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
	default:
		return nil
	}
}

func quickSlice[E comparable]() *quick {
	return &quick{
		fill: func(dst, src any) { *dst.(*[]E) = slices.Clone(*src.(*[]E)) },
		same: func(a, b any) bool {
			x, y := *a.(*[]E), *b.(*[]E)
			return (x == nil) == (y == nil) && slices.Equal(x, y)
		},
	}
}

func quickMap[V comparable]() *quick {
	return &quick{
		fill: func(dst, src any) { *dst.(*map[string]V) = maps.Clone(*src.(*map[string]V)) },
		same: func(a, b any) bool {
			x, y := *a.(*map[string]V), *b.(*map[string]V)
			return (x == nil) == (y == nil) && maps.Equal(x, y)
		},
	}
}
