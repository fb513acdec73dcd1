package merge

import (
	"fmt"
	"math"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// The rules that nothing asks for but the table.
const (
	ruleFirst = ruleAtomic + 1 + iota
	ruleImmutable
	ruleMax
	ruleMin
	ruleRank
	ruleNonzero
	ruleAdditive
)

// A ruleDef is what there is to say of one rule. A rule of leaves stands nowhere
// else but in the tables of testdata and the package comment; rules that say
// what a field consists of have a class besides.
type ruleDef struct {
	name  string                  // in a tag; of a custom rule the function that makes it
	tag   bool                    // a tag can name it
	arg   string                  // how a tag writes its argument, empty if it takes none
	parse func(*rule) error       // reads the argument; nil if any text will do
	keep  bool                    // a tag may say keep
	fits  func(reflect.Type) bool // whether a field of the type can have it

	// In a plan.
	op       opcode                    // of leaves; zero: by the type of the field
	choose   chooseFunc                // which version the result is; nil for the newest change
	order    func(chooser) orderFunc   // what it compares before stamps; nil if nothing
	down     bool                      // it prefers the smaller value
	oldest   bool                      // of equal versions the oldest one counts
	person   bool                      // it may leave the choice to a person
	combines bool                      // its result is made from all changes
	adds     bool                      // no side alone will do in place of the result
	document func(*run, *docFrame) any // how it merges parts of a document; nil if it chooses
	parts    func(any) bool            // what documents it does that to; nil for all
	typed    bool                      // it is not for documents

	record recordRule
}

// def returns the entry of a rule.
func (id ruleID) def() ruleDef {
	switch id {
	case ruleNone:
		return ruleDef{}
	case ruleLWW:
		return lwwRule()
	case ruleAtomic:
		return atomicRule()
	case ruleFirst:
		return firstRule()
	case ruleImmutable:
		return immutableRule()
	case ruleMax:
		return maxRule()
	case ruleMin:
		return minRule()
	case ruleRank:
		return rankRule()
	case ruleNonzero:
		return nonzeroRule()
	case ruleAdditive:
		return additiveRule()
	case ruleUnion:
		return unionRule()
	case ruleSet:
		return setRule()
	case ruleKeyed:
		return keyedRule()
	case ruleFields:
		return fieldsRule()
	case ruleGroup:
		return groupRule()
	case ruleManual:
		return manualRule()
	case ruleJoin:
		return joinRule()
	case ruleIgnore:
		return ignoreRule()
	case rulePrefer:
		return preferRule()
	case ruleJoinFunc:
		return joinFuncRule()
	case ruleFunc:
		return funcRule()
	}
	return ruleDef{}
}

func lwwRule() ruleDef {
	return ruleDef{name: "lww", tag: true, fits: anyType, choose: chooseNewest, record: recordRule{kind: inRegister}}
}

func atomicRule() ruleDef {
	return ruleDef{name: "atomic", tag: true, fits: anyType, choose: chooseNewest, record: recordRule{kind: inRegister}}
}

func firstRule() ruleDef {
	return ruleDef{
		name: "first", tag: true, fits: anyType, op: opLeaf, choose: chooseFirst, oldest: true,
		record: recordRule{kind: in(cell.First), refuses: refusesUnset, stays: "it is set already"},
	}
}

func immutableRule() ruleDef {
	return ruleDef{
		name: "immutable", tag: true, fits: anyType, op: opLeaf, choose: chooseImmutable, oldest: true, person: true,
		record: recordRule{kind: in(cell.Immutable), refuses: refusesUnset, stays: "it is set already"},
	}
}

func maxRule() ruleDef {
	return ruleDef{
		name: "max", tag: true, fits: isOrdered, op: opLeaf, choose: chooseLargest, order: byOrder,
		record: recordRule{
			kind: ordered(cell.Max), refuses: refusesNone, stays: "the value is not above the present one", prefers: prefersLarger,
		},
	}
}

func minRule() ruleDef {
	return ruleDef{
		name: "min", tag: true, fits: isOrdered, op: opLeaf, choose: chooseLargest, order: byOrder, down: true,
		record: recordRule{
			kind: ordered(cell.Min), refuses: refusesNone, stays: "the value is not below the present one", prefers: prefersLarger,
		},
	}
}

func rankRule() ruleDef {
	return ruleDef{
		name: "rank", tag: true, arg: "a<b<c", parse: (*rule).parseRanks,
		fits: func(typ reflect.Type) bool { return typ.Kind() == reflect.String },
		op:   opLeaf, choose: chooseRank, order: byRank, person: true,
		record: recordRule{
			kind: in(cell.Choice), refuses: refusesUnlisted, stays: "the value ranks below the present one",
			listed: func(p *recordPart, content string) bool {
				_, ok := p.f.rule.rankOf(content)
				return ok
			},
			prefers: func(p *recordPart, a, b string) int {
				x, _ := p.f.rule.rankOf(a)
				y, _ := p.f.rule.rankOf(b)
				return x - y
			},
		},
	}
}

func nonzeroRule() ruleDef {
	return ruleDef{
		name: "nonzero", tag: true, fits: anyType, op: opLeaf, choose: chooseNonzero, order: byZero,
		record: recordRule{
			kind: inRegister,
			refuses: func(p *recordPart, next reflect.Value) string {
				if p.f.shape.IsZero(next) {
					return "zero does not replace a value"
				}
				return ""
			},
			unchanged: func(p *recordPart, read, next reflect.Value) bool { // −0 and 0
				return p.f.shape.IsZero(read) && p.f.shape.IsZero(next)
			},
		},
	}
}

func additiveRule() ruleDef {
	return ruleDef{
		name: "additive", tag: true, fits: isAddable, op: opAdditive, combines: true, adds: true, person: true,
		document: (*run).sum, record: recordRule{kind: inSums},
	}
}

func unionRule() ruleDef {
	return ruleDef{name: "union", tag: true, fits: isList, op: opSet, combines: true, document: (*run).setArray, parts: isArrayValue, record: recordRule{kind: in(cell.Union)}}
}

func setRule() ruleDef {
	return ruleDef{name: "set", tag: true, fits: isList, op: opSet, combines: true, document: (*run).setArray, parts: isArrayValue, record: recordRule{kind: in(cell.Set)}}
}

func keyedRule() ruleDef {
	return ruleDef{
		name: "keyed", tag: true, arg: "Field", keep: true, fits: isKeyedList, op: opKeyed, document: (*run).keyedArray,
		parts: isArrayValue, record: recordRule{kind: in(cell.Rows)},
	}
}

func fieldsRule() ruleDef {
	return ruleDef{
		name: "fields", tag: true, keep: true, fits: hasFields, op: opPointer, document: (*run).object, parts: isObjectValue, record: recordRule{kind: in(cell.Row)},
	}
}

func groupRule() ruleDef {
	return ruleDef{name: "group", tag: true, arg: "name", fits: anyType, op: opGroup, typed: true, record: recordRule{kind: inRegister}}
}

func manualRule() ruleDef {
	return ruleDef{name: "manual", tag: true, fits: anyType, op: opLeaf, choose: chooseManual, person: true, record: recordRule{kind: in(cell.Manual)}}
}

func joinRule() ruleDef {
	return ruleDef{
		name: "join", tag: true, fits: func(typ reflect.Type) bool { return findJoin(typ) != nil },
		op: opJoin, combines: true, adds: true, person: true, typed: true, record: recordRule{kind: in(cell.State)},
	}
}

func ignoreRule() ruleDef {
	return ruleDef{name: "-", tag: true, fits: anyType, op: opZero, record: recordRule{never: "is not merged"}}
}

func preferRule() ruleDef {
	return ruleDef{
		name: "Prefer", op: opLeaf, choose: chooseLargest, order: byOrder, typed: true,
		record: recordRule{kind: in(cell.Choice), stays: "the present value is preferred", prefers: prefersLarger},
	}
}

func joinFuncRule() ruleDef {
	return ruleDef{name: "Join", op: opJoinFunc, combines: true, adds: true, typed: true, record: recordRule{kind: in(cell.State)}}
}

func funcRule() ruleDef {
	return ruleDef{
		name: "Func", op: opFunc, choose: chooseManual, person: true, typed: true,
		record: recordRule{never: "needs the base, which a record does not keep"},
	}
}

func anyType(reflect.Type) bool { return true }

// isAddable reports whether changes of values of typ, or of what it points to, can be
// added up.
func isAddable(typ reflect.Type) bool {
	if adderOf(typ) == nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	k := typ.Kind()
	return k >= reflect.Int && k <= reflect.Uint64 || adderOf(typ) != nil
}

// isList reports whether typ is a list of distinct elements.
func isList(typ reflect.Type) bool {
	return typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8 && value.Elementable(typ.Elem()) == nil
}

// isKeyedList reports whether typ is a list of structs that can have a key.
func isKeyedList(typ reflect.Type) bool {
	if typ.Kind() != reflect.Slice {
		return false
	}
	e := structOf(typ.Elem())
	return e != nil && !value.IsOneValue(e)
}

// hasFields reports whether values of typ can be merged part by part.
func hasFields(typ reflect.Type) bool {
	if typ.Kind() == reflect.Map {
		return value.Elementable(typ.Key()) == nil
	}
	e := structOf(typ)
	return e != nil && !value.IsTime(e) || value.IsAny(typ)
}

func inRegister(*field) cell.Kind { return cell.Register }

// inSums returns the kind of cell for additive: in one, totals of integers are added up without
// the program.
func inSums(f *field) cell.Kind {
	if f.adder != nil {
		return cell.Sums
	}
	return cell.Totals
}

func in(kind cell.Kind) func(*field) cell.Kind {
	return func(*field) cell.Kind { return kind }
}

// ordered returns the kind of cell for max and min: the given one, which
// compares bytes, if these sort as the rule does.
func ordered(kind cell.Kind) func(*field) cell.Kind {
	return func(f *field) cell.Kind {
		s := f.shape
		if s.Kind == value.KindPointer {
			s = s.Elem
		}
		if f.order.handed != nil {
			return cell.Choice
		}
		switch s.Kind {
		case value.KindBool, value.KindInt, value.KindUint, value.KindFloat, value.KindString, value.KindTime:
			return kind
		case value.KindComplex, value.KindBytes, value.KindArray, value.KindSlice, value.KindMap, value.KindPointer,
			value.KindStruct, value.KindRaw, value.KindDocument, value.KindOpaque:
		}
		return cell.Choice
	}
}

func refusesUnset(p *recordPart, next reflect.Value) string {
	if p.f.shape.IsZero(next) {
		return "zero means that nobody has set it"
	}
	return ""
}

func refusesUnlisted(p *recordPart, next reflect.Value) string {
	if _, ok := p.f.rule.rankOf(next.String()); !ok {
		return fmt.Sprintf("%q is not in the rank", next.String())
	}
	return ""
}

func refusesNone(_ *recordPart, next reflect.Value) string {
	if isNil(next) {
		return "nil is no value to compare"
	}
	next = reflect.Indirect(next)
	if next.CanFloat() && math.IsNaN(next.Float()) {
		return "NaN is no value to compare"
	}
	return ""
}

// prefersLarger compares two values as the rule of the field does.
func prefersLarger(p *recordPart, a, b string) int {
	x, y := reflect.New(p.f.typ).Elem(), reflect.New(p.f.typ).Elem()
	p.decode(x, a)
	p.decode(y, b)
	return p.f.compareBy(x, y)
}
