package merge

import (
	"maps"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// mapping merges a map key by key.
func (r *run) mapping(f *field, fr *frame) {
	switch {
	case f.plain && mergeBasic(fr):
	case allNil(fr.in):
		fr.dst.SetZero()
	case f.plain:
		f.leafMap(fr)
	default:
		r.rowMap(f, fr)
	}
}

// mergeBasic merges the commonest types of maps without reflection, and
// reports whether the map is one of them.
func mergeBasic(fr *frame) bool {
	switch dst := fr.dst.Addr().Interface().(type) {
	case *map[string]string:
		*dst = mergeMaps[string](fr)
	case *map[string]bool:
		*dst = mergeMaps[bool](fr)
	case *map[string]int:
		*dst = mergeMaps[int](fr)
	case *map[string]int64:
		*dst = mergeMaps[int64](fr)
	default:
		return false
	}
	return true
}

// mergeMaps merges maps of leaves: of each key the newest side that changed it
// wins, absence being a value.
func mergeMaps[V comparable](fr *frame) map[string]V {
	var buf [4]map[string]V
	in, size, some := buf[:0], 0, false
	for _, v := range fr.in {
		m, _ := reflect.TypeAssert[map[string]V](v)
		in, size, some = append(in, m), max(size, len(m)), some || m != nil
	}
	if !some {
		return nil
	}
	var before map[string]V
	if fr.known {
		before, _ = reflect.TypeAssert[map[string]V](fr.base)
	}
	out := maps.Clone(in[0])
	if out == nil {
		out = make(map[string]V, size)
	}
	for i := 1; i < len(in); i++ {
		if fr.known {
			older(out, before, in[:i], in[i])
		} else {
			missing(out, in[i])
		}
	}
	return out
}

// missing adds to out the entries of one side that no newer one has.
func missing[V comparable](out, side map[string]V) {
	for k, v := range side {
		if _, ok := out[k]; !ok {
			out[k] = v
		}
	}
}

// older adds to out the changes of one side to keys that no newer one changed.
func older[V comparable](out, before map[string]V, newer []map[string]V, side map[string]V) {
	changed := func(k string, was V, had bool) bool {
		for _, m := range newer {
			if v, ok := m[k]; ok != had || ok && v != was {
				return true
			}
		}
		return false
	}
	kept := 0
	for k, v := range side {
		was, had := before[k]
		if had {
			kept++
		}
		if (!had || v != was) && !changed(k, was, had) {
			out[k] = v
		}
	}
	if kept == len(before) {
		return
	}
	for k, was := range before {
		if _, ok := side[k]; !ok && !changed(k, was, true) {
			delete(out, k)
		}
	}
}

// leafMap is mergeMaps for all types.
func (f *field) leafMap(fr *frame) {
	leaf := f.elem.fields[0].shape
	out := reflect.MakeMapWithSize(f.typ, fr.in[0].Len())
	v := reflect.New(f.typ.Elem()).Elem()
	versions := make([]reflect.Value, len(fr.in))
	for _, key := range fr.keys() {
		var was reflect.Value
		if fr.known {
			was = fr.base.MapIndex(key)
		}
		win := versions[:0]
		for _, m := range fr.in {
			if x := m.MapIndex(key); differs(leaf, x, was, fr.known) {
				win = append(win, x)
				break
			}
		}
		if len(win) == 0 {
			win = append(win, fr.in[0].MapIndex(key))
		}
		if win[0].IsValid() {
			v.SetZero()
			leaf.Fill(v, value.Addressable(win[0]))
			out.SetMapIndex(key, v)
		}
	}
	fr.dst.Set(out)
}

// differs reports whether an entry counts as changed. Without a base an absent
// one is one that never was.
func differs(s *value.Type, x, was reflect.Value, known bool) bool {
	switch {
	case !x.IsValid():
		return known && was.IsValid()
	case !was.IsValid():
		return true
	}
	return !s.Same(value.Addressable(x), value.Addressable(was))
}

// keys returns the keys of a map in all versions, once each.
func (fr *frame) keys() []reflect.Value {
	var out []reflect.Value
	add := func(earlier []reflect.Value, m reflect.Value) {
		for it := m.MapRange(); it.Next(); {
			k := it.Key()
			if !slices.ContainsFunc(earlier, func(e reflect.Value) bool { return e.MapIndex(k).IsValid() }) {
				out = append(out, k)
			}
		}
	}
	for i, m := range fr.in {
		add(fr.in[:i], m)
	}
	if fr.known {
		add(fr.in, fr.base)
	}
	return out
}

// rowMap merges a map of rows: an entry is there or not as a whole, and a
// delete beats a change.
func (r *run) rowMap(f *field, fr *frame) {
	n := len(fr.in)
	out := reflect.MakeMapWithSize(f.typ, fr.in[0].Len())
	for _, key := range fr.keys() {
		in, who := r.take(n)[:0], r.takeInts(n)[:0]
		for i, m := range fr.in {
			if v := m.MapIndex(key); v.IsValid() {
				in, who = append(in, value.Addressable(v)), append(who, fr.who[i])
			}
		}
		var base reflect.Value
		if fr.known {
			if v := fr.base.MapIndex(key); v.IsValid() {
				base = value.Addressable(v)
			}
		}
		if f.remains(base, in, n) {
			v := reflect.New(f.elem.typ).Elem()
			r.trail = append(r.trail, step{f: f, key: key})
			r.element(f.elem, v, base, fr.known, in, who)
			r.trail = r.trail[:len(r.trail)-1]
			out.SetMapIndex(key, v)
		}
		r.give(n)
		r.giveInts(n)
	}
	fr.dst.Set(out)
}
