package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// adderOf returns what was handed over to add values of typ up, or nil.
func adderOf(typ reflect.Type) *value.Codec {
	if c := value.CodecOf(typ); c.Add != nil {
		return &c
	}
	return nil
}

// plus adds v to sum. Zero adds nothing.
func (f *field) plus(sum, v reflect.Value) {
	switch {
	case v.IsZero():
	case sum.IsZero():
		sum.Set(v)
	default:
		f.adder.Add(sum, sum, v)
	}
}

// change adds to sum what leads from one value to another.
func (f *field) change(sum, from, to reflect.Value) {
	change := reflect.New(f.typ).Elem()
	if !from.IsZero() {
		f.adder.Negate(change, from)
	}
	f.plus(change, to)
	f.plus(sum, change)
}

// sumOf adds the changes of all sides to the base by a codec.
func (r *run) sumOf(f *field, fr *frame) {
	if !fr.known {
		f.fill(fr.dst, fr.in[0])
		for _, v := range fr.in[1:] {
			if !f.shape.Same(v, fr.in[0]) {
				r.person(f, "changes cannot be added up without a base")
				return
			}
		}
		return
	}
	sum, changed := reflect.New(f.typ).Elem(), 0
	sum.Set(fr.base)
	for _, v := range fr.in {
		if f.shape.Same(v, fr.base) {
			continue
		}
		if changed++; changed == 1 {
			sum.Set(v)
			continue
		}
		f.change(sum, fr.base, v)
	}
	if changed == 0 {
		sum.Set(fr.in[0])
	}
	f.fill(fr.dst, sum)
}

// sum sets dst, which is zero, to the sum of all replicas, and reports whether it could
// read them all.
func (p *recordPart) sum(dst reflect.Value, c *cell.Cell) bool {
	total, all := reflect.New(p.f.typ).Elem(), true
	for i := range c.Kids {
		v := reflect.New(p.f.typ).Elem()
		if !p.f.loadExact(v, c.Kids[i].Value) {
			all = false
			continue
		}
		p.f.plus(total, v)
	}
	p.f.fill(dst, total)
	return all
}

// sum returns the writer's total after a change from read to next.
func (e *edit) sum(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	if isNil(next) {
		return nil, p.refuse("nil is no sum")
	}
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	total := reflect.New(p.f.typ).Elem()
	if own := at.now.Kid(string(s.Replica), cell.Sum); own != nil {
		v := reflect.New(p.f.typ).Elem()
		if !p.f.loadExact(v, own.Value) {
			return nil, p.refuse("what " + string(s.Replica) + " has added is of another type")
		}
		p.f.plus(total, v)
	}
	p.f.change(total, read, next)
	content, err := p.f.store(total, "")
	if err != nil {
		return nil, err
	}
	kid := cell.Cell{Key: string(s.Replica), Kind: cell.Sum, Stamp: s, Value: content}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{kid}}, nil
}
