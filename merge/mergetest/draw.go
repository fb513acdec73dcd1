package mergetest

import (
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// Values returns a generator of a T: two or three values of each basic type,
// lists and maps of up to two elements, nil or empty, too, and a few times, two
// of them one instant in two zones unless they are keys. It leaves unexported
// fields and types that marshal themselves zero.
func Values[T any]() *rapid.Generator[T] {
	return rapid.Custom(func(t *rapid.T) T {
		var v T
		drawer{t}.fill(reflect.ValueOf(&v).Elem(), 0)
		return v
	})
}

// A drawer draws values by reflection.
type drawer struct{ t *rapid.T }

// drawDepth bounds how deep drawn values are, for types that contain themselves.
const drawDepth = 6

func (d drawer) below(n int) int { return rapid.IntRange(0, n-1).Draw(d.t, "choice") }

func draw[V any](d drawer, values ...V) reflect.Value {
	return reflect.ValueOf(values[d.below(len(values))])
}

// fill draws a value for v, which is zero.
func (d drawer) fill(v reflect.Value, depth int) {
	if depth > drawDepth || !v.CanSet() {
		return
	}
	at := time.Unix(1, 0).UTC()
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(draw(d, time.Time{}, at, at.Add(time.Nanosecond), at.In(time.FixedZone("x", 3600))))
		return
	case marshals(v.Type()):
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.below(2) == 1)
	case reflect.String:
		v.Set(draw(d, "", "a", "b").Convert(v.Type()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1, -1.5, math.Copysign(0, -1)}[d.below(4)])
	case reflect.Pointer:
		if d.below(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			d.fill(v.Elem(), depth+1)
		}
	case reflect.Interface:
		if n := d.below(5); v.NumMethod() == 0 && n > 0 {
			v.Set(reflect.ValueOf([]any{1.0, "a", map[string]any{"a": true}, []any{"a"}}[n-1]))
		}
	case reflect.Slice, reflect.Map:
		d.fillContainer(v, depth)
	case reflect.Array:
		for i := range v.Len() {
			d.fill(v.Index(i), depth+1)
		}
	case reflect.Struct:
		for _, f := range v.Fields() {
			d.fill(f, depth+1)
		}
	default:
		if v.CanInt() {
			v.SetInt([]int64{0, 1, 2, -1}[d.below(4)])
		} else if v.CanUint() {
			v.SetUint([]uint64{0, 1, 2}[d.below(3)])
		}
	}
}

func (d drawer) fillContainer(v reflect.Value, depth int) {
	n := d.below(4) - 1
	if n < 0 {
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), 0, n))
	} else {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for range n {
		d.add(v, depth)
	}
}

// add adds an element to a list, or an entry to a map that is not nil.
func (d drawer) add(v reflect.Value, depth int) {
	elem := reflect.New(v.Type().Elem()).Elem()
	d.fill(elem, depth+1)
	if v.Kind() == reflect.Slice {
		v.Set(reflect.Append(v, elem))
		return
	}
	key := reflect.New(v.Type().Key()).Elem()
	d.fill(key, depth+1)
	plainTimes(key)
	v.SetMapIndex(key, elem)
}

// plainTimes puts the times in v, a key of a map, into UTC, as package merge
// wants them.
func plainTimes(v reflect.Value) {
	switch {
	case !v.CanSet():
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(v.Interface().(time.Time).UTC()))
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			plainTimes(v.Index(i))
		}
	case v.Kind() == reflect.Struct:
		for _, f := range v.Fields() {
			plainTimes(f)
		}
	}
}

// change draws a change to one part of v, as a user changes one field of a form,
// one element of a list or one entry of a map.
func (d drawer) change(v reflect.Value, depth int) {
	switch {
	case v.Kind() == reflect.Struct && !marshals(v.Type()) && v.Type() != reflect.TypeFor[time.Time]():
		var fields []reflect.Value
		for _, f := range v.Fields() {
			if f.CanSet() {
				fields = append(fields, f)
			}
		}
		if len(fields) > 0 {
			d.change(fields[d.below(len(fields))], depth+1)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil() && d.below(3) > 0:
		d.change(v.Elem(), depth+1)
	case v.Kind() == reflect.Slice && v.Len() > 0 && d.below(4) > 0:
		d.changeList(v, depth)
	case v.Kind() == reflect.Map && v.Len() > 0 && d.below(4) > 0:
		d.changeMap(v, depth)
	default:
		fresh := reflect.New(v.Type()).Elem()
		if d.fill(fresh, depth); !v.CanSet() || marshals(v.Type()) {
			return
		}
		v.Set(fresh)
	}
}

func (d drawer) changeList(v reflect.Value, depth int) {
	i := d.below(v.Len())
	switch d.below(4) {
	case 0:
		d.add(v, depth)
	case 1:
		v.Set(reflect.AppendSlice(v.Slice(0, i), v.Slice(i+1, v.Len())))
	case 2:
		d.change(v.Index(i), depth+1)
	case 3:
		d.move(v, i)
	}
}

// move moves an element of a list, which gets room of its own: others may share it.
func (d drawer) move(v reflect.Value, from int) {
	out := reflect.MakeSlice(v.Type(), 0, v.Len())
	to := d.below(v.Len())
	for i := range v.Len() {
		if i == to && to < from {
			out = reflect.Append(out, v.Index(from))
		}
		if i != from {
			out = reflect.Append(out, v.Index(i))
		}
		if i == to && to >= from {
			out = reflect.Append(out, v.Index(from))
		}
	}
	v.Set(out)
}

func (d drawer) changeMap(v reflect.Value, depth int) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return compareText(keyOf(a.Interface()), keyOf(b.Interface())) })
	key := keys[d.below(len(keys))]
	switch d.below(3) {
	case 0:
		d.add(v, depth)
	case 1:
		v.SetMapIndex(key, reflect.Value{})
	case 2:
		elem := reflect.New(v.Type().Elem()).Elem()
		elem.Set(v.MapIndex(key))
		d.change(elem, depth+1)
		v.SetMapIndex(key, elem)
	}
}

// marshals reports whether a type has an encoding of its own, so that not every
// value of its kind need be one of it.
func marshals(typ reflect.Type) bool {
	at := reflect.PointerTo(typ)
	return slices.ContainsFunc([]reflect.Type{
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.TextMarshaler](),
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[driver.Valuer](),
	}, at.Implements)
}
