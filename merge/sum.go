package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// Additive returns a rule that adds up the changes of all sides, as the rule additive
// does, for numbers of the application's own: decimals, [math/big.Int], amounts of
// several currencies. Add must be commutative and associative and have zero as its
// neutral element, negate must give what adds up to zero with its argument, and
// neither may modify its arguments: of floats they would not. A nil pointer counts as zero.
//
// Without a base a person has to decide, unless all sides agree. A change of one side
// alone is taken as it is, however it is written. A [Record] accepts the rule, and keeps a
// sum for each replica, in the binary, text or JSON form of F.
//
//	merge.Additive("sum", decimal.Zero, decimal.Decimal.Add, decimal.Decimal.Neg)
func Additive[F any](name string, zero F, add func(a, b F) F, negate func(F) F) Rule[F] {
	c := newCustom[F](ruleSum, "Additive", name, add == nil || negate == nil)
	c.name = "additive " + name
	at := func(v reflect.Value) F {
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return zero
		}
		return *v.Addr().Interface().(*F)
	}
	c.add = func(dst, from, to reflect.Value) {
		change := at(to)
		if from.IsValid() {
			change = add(change, negate(at(from)))
		}
		*dst.Addr().Interface().(*F) = add(at(dst), change)
	}
	c.zero = reflect.ValueOf(&zero).Elem()
	return Rule[F]{c}
}

// sumRule is the entry of [Additive].
func sumRule() ruleDef {
	return ruleDef{
		name: "Additive", op: opSum, combines: true, adds: true, person: true, typed: true, kind: in(cell.Sums),
	}
}

// sumOf adds the changes of all sides to the base by a custom rule.
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
		f.rule.custom.add(sum, fr.base, v)
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
	total.Set(p.f.rule.custom.zero)
	for i := range c.Kids {
		v := reflect.New(p.f.typ).Elem()
		if !p.f.loadExact(v, c.Kids[i].Value) {
			all = false
			continue
		}
		p.f.rule.custom.add(total, reflect.Value{}, v)
	}
	p.f.fill(dst, total)
	return all
}

// sum returns the writer's total after a change from read to next.
func (e *edit) sum(p *recordPart, at spot, read, next reflect.Value) (*cell.Cell, error) {
	s, err := e.stamp(at.now.LatestOrZero())
	if err != nil {
		return nil, err
	}
	total := reflect.New(p.f.typ).Elem()
	total.Set(p.f.rule.custom.zero)
	if own := at.now.Kid(string(s.Replica), cell.Sum); own != nil {
		v := reflect.New(p.f.typ).Elem()
		if !p.f.loadExact(v, own.Value) {
			return nil, p.refuse("what " + string(s.Replica) + " has added is of another type")
		}
		p.f.rule.custom.add(total, reflect.Value{}, v)
	}
	p.f.rule.custom.add(total, value.Addressable(read), value.Addressable(next))
	content, err := p.f.store(total, "")
	if err != nil {
		return nil, err
	}
	kid := cell.Cell{Key: string(s.Replica), Kind: cell.Sum, Stamp: s, Value: content}
	return &cell.Cell{Key: p.key, Kind: p.kind, Type: p.typ, Kids: []cell.Cell{kid}}, nil
}
