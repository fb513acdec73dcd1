package value

import (
	"encoding/binary"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A single is what the tables of a state are that holds one flat struct: a function of
// the fields that are not zero. States with one value are read and written often, and
// have few such tables.
type single struct {
	mask   uint64 // of the fields that are not zero
	tables string
	steps  []step
}

// maxSingles bounds how many tables are remembered for a type, whoever sends others.
const maxSingles = 16

// remember keeps s for the next value of the same fields.
func (p *plan) remember(s single) {
	old := p.singles.Load()
	var all []single
	if old != nil {
		all = append(all, *old...)
	}
	if len(all) < maxSingles {
		all = append(all, s)
		p.singles.CompareAndSwap(old, &all) // else somebody else remembers something
	}
}

// known returns what is remembered.
func (p *plan) known() []single {
	if all := p.singles.Load(); all != nil {
		return *all
	}
	return nil
}

// flatMask returns which fields of a flat struct are not zero.
func (p *plan) flatMask(v reflect.Value) (mask uint64) {
	for i := range p.fields {
		if f := &p.fields[i]; !f.isZero(f.in(v)) {
			mask |= 1 << i
		}
	}
	return mask
}

// AppendOne appends what an [Encoder] of this value alone does.
func AppendOne[V any](b []byte, v *V, kept string) []byte {
	if kept == "" {
		if c := basicCode(v); c != codeNil {
			b = append(binary.AppendUvarint(b, 1<<c), 0, 0)
			return appendBasic(b, v)
		}
		if p, _ := planFor[V](); p.flat() {
			x := reflect.ValueOf(v).Elem()
			mask := p.flatMask(x)
			for _, s := range p.known() {
				if s.mask == mask {
					return p.appendFlatBody(append(b, s.tables...), x)
				}
			}
			return appendOneSlow(b, v, "", func(tables []byte) {
				var steps []step
				for i := range p.fields {
					if f := &p.fields[i]; mask>>i&1 == 1 {
						steps = append(steps, step{flatCode(f.kind), f})
					}
				}
				p.remember(single{mask, string(tables), steps})
			})
		}
	}
	return appendOneSlow(b, v, kept, func([]byte) {})
}

func appendOneSlow[V any](b []byte, v *V, kept string, tables func([]byte)) []byte {
	e := NewEncoder[V]()
	e.Note(v, kept)
	at := len(b)
	b = e.AppendTables(b)
	tables(b[at:])
	return e.Append(b, v, kept)
}

// appendFlatBody appends the fields of a flat struct that are not zero.
func (p *plan) appendFlatBody(b []byte, v reflect.Value) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		fv := f.in(v)
		if f.isZero(fv) {
			continue
		}
		switch f.kind {
		case KindBool:
		case KindInt:
			b = appendInt(b, fv.Int())
		case KindUint:
			b = AppendUint(b, fv.Uint())
		case KindFloat:
			b = appendContentFloat(b, fv.Float())
		case KindComplex:
			b = appendContentFloat(appendContentFloat(b, real(fv.Complex())), imag(fv.Complex()))
		case KindString:
			b = wire.AppendBytes(b, fv.String())
		case KindBytes, KindTime, KindSlice, KindArray, KindMap, KindPointer, KindStruct, KindRaw, KindOpaque, KindDocument: // are not flat
		}
	}
	return b
}

// ReadOne reads what [AppendOne] wrote into v, as a [Decoder] does. Errors are those
// of r.
func ReadOne[V any](r *wire.Reader, v *V) (kept string, bad *ValueError) {
	if r.Err() != nil {
		return "", nil
	}
	p, _ := planFor[V]()
	b := r.Unread()
	if p.flat() {
		x := reflect.ValueOf(v).Elem()
		for _, s := range p.known() {
			if len(b) < len(s.tables) || string(b[:len(s.tables)]) != s.tables {
				continue
			}
			if rest, ok := nextFlat(r, x, s.steps, b[len(s.tables):]); ok {
				r.Take(len(b) - len(rest))
				return "", nil
			}
			x.SetZero()
			break
		}
	}
	own := wire.NewReader(b) // so that r may stay where it is
	d := NewDecoder[V](own)
	tables := len(b) - own.Len()
	kept, bad = d.Next(v)
	d.Close()
	if err := own.Err(); err != nil {
		r.Fail("%w", err)
		return "", nil
	}
	r.Take(len(b) - own.Len())
	if kept == "" && p.flat() && len(d.shapes) == 1 && d.shapes[0].steps != nil {
		p.remember(single{p.flatMask(reflect.ValueOf(v).Elem()), string(b[:tables]), d.shapes[0].steps})
	}
	return kept, bad
}
