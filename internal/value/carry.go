package value

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// carry appends the full form of v where it replaces the stored value old: the
// bytes stay wherever v is what they decode to, and so do fields that the type
// does not know. A field under an earlier name stays there until it changes.
// Old is a valid full form and may be of any kind.
// V was written in full before, so that nothing here is nested too deep.
func (p *plan) carry(b, old []byte, v reflect.Value) ([]byte, error) {
	fresh, err := p.appendFull(make([]byte, 0, len(old)+16), v, 0)
	if err != nil {
		return b, err
	}
	return p.carryOver(b, fresh, old, v)
}

// carryOver is carry where fresh is the full form of v.
func (p *plan) carryOver(b, fresh, old []byte, v reflect.Value) ([]byte, error) {
	if bytes.Equal(fresh, old) {
		return append(b, fresh...), nil
	}
	x := reflect.New(p.typ).Elem()
	if _, bad := p.read(x, old); bad == nil {
		now, err := p.appendFull(make([]byte, 0, len(old)), x, 0)
		switch {
		case err != nil:
		case bytes.Equal(now, fresh):
			return append(b, old...), nil
		case bytes.Equal(now, old): // there is nothing that the type does not know, or writes in another way
			return append(b, fresh...), nil
		}
	}
	return p.carryParts(b, fresh, old, v)
}

// carryParts is carryOver for a value that is to be looked at part by part.
func (p *plan) carryParts(b, fresh, old []byte, v reflect.Value) ([]byte, error) {
	c := code(old[0])
	switch {
	case p.own != formNone:
	case p.kind == KindPointer && !v.IsNil() && code(fresh[0]) != codeOpt:
		return p.elem.carry(b, old, v.Elem())
	case p.kind == KindStruct && c == codeStruct:
		return p.carryStruct(b, old[1:], v)
	case c == codeMap && code(fresh[0]) == codeMap:
		return p.carryMap(b, old[1:], v)
	case c == codeList && code(fresh[0]) == codeList:
		return p.carryList(b, old[1:], v)
	}
	return append(b, fresh...), nil
}

func (p *plan) carryStruct(b, old []byte, v reflect.Value) ([]byte, error) {
	n, old, _ := readCount(old)
	var members []member
	for i := range p.fields {
		f := &p.fields[i]
		m, err := f.carryField(old, n, f.in(v))
		if err != nil {
			return b, within(f.path, err)
		}
		if m.full != nil {
			members = append(members, m)
		}
	}
	for range n {
		var m member
		m, old = nextMember(old)
		if _, known := p.byName[string(m.name)]; !known {
			members = append(members, m)
		}
	}
	sortMembers(members)
	b = binary.AppendUvarint(append(b, byte(codeStruct)), uint64(len(members)))
	for _, m := range members {
		b = append(wire.AppendBytes(b, m.name), m.full...)
	}
	return b, nil
}

// carryField returns what to store of a field, nothing if that is zero.
func (f *planField) carryField(old []byte, n int, v reflect.Value) (m member, err error) {
	was := f.stored(old, n)
	switch {
	case was == nil && f.isZero(v):
		return member{}, nil
	case was == nil:
		full, err := f.appendFull(nil, v, 0)
		return member{[]byte(f.name), full}, err
	case f.isZero(v):
		// What decodes to zero without being absent stays.
		x := reflect.New(f.typ).Elem()
		if _, bad := f.read(x, was.full); bad == nil && f.isZero(x) {
			return *was, nil
		}
		return member{}, nil
	}
	full, err := f.carry(nil, was.full, v)
	if bytes.Equal(full, was.full) {
		return *was, err
	}
	return member{[]byte(f.name), full}, err
}

func (p *plan) carryMap(b, old []byte, v reflect.Value) ([]byte, error) {
	n, old, _ := readCount(old)
	were := make(map[string][]byte, n)
	for range n {
		rest, _ := skipFull(old, 0)
		key := old[:len(old)-len(rest)]
		old, _ = skipFull(rest, 0)
		were[string(key)] = rest[:len(rest)-len(old)]
	}
	var entries []member
	for it := v.MapRange(); it.Next(); {
		k, err := p.key.appendFull(nil, it.Key(), 0)
		if err != nil {
			return b, err
		}
		var e []byte
		if was, ok := were[string(k)]; ok {
			e, err = p.elem.carry(nil, was, it.Value())
		} else {
			e, err = p.elem.appendFull(nil, it.Value(), 0)
		}
		if err != nil {
			return b, err
		}
		entries = append(entries, member{k, e})
	}
	sortMembers(entries)
	b = binary.AppendUvarint(append(b, byte(codeMap)), uint64(len(entries)))
	for _, e := range entries {
		b = append(append(b, e.name...), e.full...)
	}
	return b, nil
}

// carryList keeps the bytes of each element that equals one of the old, each
// used once and in order. Elements of an array are the old ones in their places.
func (p *plan) carryList(b, old []byte, v reflect.Value) ([]byte, error) {
	n, old, _ := readCount(old)
	were, seen := make([][]byte, n), make([][]byte, n)
	for i := range n {
		rest, _ := skipFull(old, 0)
		were[i], old = old[:len(old)-len(rest)], rest
		x := reflect.New(p.elem.typ).Elem()
		if _, bad := p.elem.read(x, were[i]); bad == nil {
			seen[i], _ = p.elem.appendFull(nil, x, 0)
		}
	}
	b = binary.AppendUvarint(append(b, byte(codeList)), uint64(v.Len()))
	fresh := make([][]byte, v.Len())
	for i := range fresh {
		var err error
		if fresh[i], err = p.elem.appendFull(nil, v.Index(i), 0); err != nil {
			return b, err
		}
	}
	from := match(seen, fresh)
	if p.kind == KindArray {
		for i := range from {
			from[i] = -1
		}
	}
	for i := range fresh {
		switch {
		case from[i] >= 0:
			b = append(b, were[from[i]]...)
		case p.kind == KindArray && len(fresh) == n:
			var err error
			if b, err = p.elem.carry(b, were[i], v.Index(i)); err != nil {
				return b, err
			}
		default:
			b = append(b, fresh[i]...)
		}
	}
	return b, nil
}

// match returns for each of the new elements which old one it is, or -1. Nothing of an old
// one says that it could not be read.
func match(old, fresh [][]byte) []int {
	from := make([]int, len(fresh))
	at := make(map[string][]int, len(old))
	for i, o := range old {
		at[string(o)] = append(at[string(o)], i)
	}
	for i, f := range fresh {
		from[i] = -1
		if left := at[string(f)]; len(left) > 0 {
			from[i], at[string(f)] = left[0], left[1:]
		}
	}
	return from
}

func sortMembers(members []member) {
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
}
