package merge

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// A ruleID is one of the rules that a tag can name, or one of the kinds
// of custom rule.
type ruleID uint8

// The rules that the code asks for. All others stand in the table of rules alone, and their
// numbers between these.
const (
	ruleNone ruleID = iota
	ruleLWW
	ruleAtomic
)

const (
	ruleUnion ruleID = 128 + iota
	ruleSet
	ruleKeyed
	ruleFields
	ruleGroup
	ruleManual // which nothing asks for: errors name the rules in this order
	ruleJoin
	ruleIgnore
	rulePrefer
	ruleJoinFunc
	ruleFunc
)

// String returns the name of the rule in a tag, or of the function that makes it.
func (id ruleID) String() string { return id.def().name }

// usage returns how a rule is written.
func (id ruleID) usage() string {
	if arg := id.def().arg; arg != "" {
		return id.String() + "=" + arg
	}
	return id.String()
}

func usages(ids []ruleID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.usage()
	}
	return out
}

// A rule is one rule with its arguments.
type rule struct {
	id     ruleID
	arg    string         // rank, keyed, group: the text after the equals sign
	ranks  map[string]int // rank: position of each value, from 1
	keep   bool           // keyed, fields: a change survives a delete
	custom *custom        // the kinds of custom rule
}

// A custom is a Rule without its type parameter.
type custom struct {
	id    ruleID
	name  string
	typ   reflect.Type
	wrong string // what is wrong with the rule itself, or nothing

	compare func(a, b reflect.Value) int           // Prefer; the values are addressable
	join    func(dst, v reflect.Value)             // Join: dst becomes join(dst, v)
	call    func(c *call, dst reflect.Value) error // Func: dst becomes the result
	always  bool                                   // Func: called for every change
}

// A call is what a Func is told, without its type parameter.
type call struct {
	path   string
	base   reflect.Value // invalid if unknown
	sides  []reflect.Value
	who    []int       // for each side, its index in stamps
	stamps []lww.Stamp // of the sides of the merge
}

// String returns the rule as a tag writes it, or the name of a custom rule.
func (r *rule) String() string {
	s := ""
	switch {
	case r.custom != nil:
		return r.custom.name
	case r.arg != "":
		s = r.id.String() + "=" + r.arg
	default:
		s = r.id.String()
	}
	if r.keep {
		s += ",keep"
	}
	return s
}

// A tag is the parsed text of a merge tag.
type tag struct {
	text string
	rule rule // id is ruleNone if the tag names no rule
	name string
}

// parseTag parses the comma-separated items of a tag: a rule, "keep", and
// "name=".
func parseTag(text string) (tag, error) {
	t := tag{text: text}
	if text == "" {
		return t, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		word, arg, hasArg := strings.Cut(item, "=")
		if word == "name" && arg != "" {
			t.name = arg
			continue
		}
		if item == "keep" {
			t.rule.keep = true
			continue
		}
		id := ruleByName(word)
		switch {
		case id == ruleNone:
			return t, errUnknown
		case t.rule.id != ruleNone:
			return t, fmt.Errorf("names two rules, %s and %s", t.rule.id, word)
		}
		def := id.def()
		switch {
		case def.arg != "" && arg == "":
			return t, fmt.Errorf("needs an argument: %s", id.usage())
		case def.arg == "" && hasArg:
			return t, fmt.Errorf("%s takes no argument", word)
		}
		t.rule.id, t.rule.arg = id, arg
		if def.parse != nil {
			if err := def.parse(&t.rule); err != nil {
				return t, err
			}
		}
	}
	if id := t.rule.id; t.rule.keep && !id.def().keep {
		return t, fmt.Errorf("keep goes with keyed or fields")
	}
	return t, nil
}

var errUnknown = fmt.Errorf("unknown rule")

func ruleByName(word string) ruleID {
	for _, id := range tagRules() {
		if id.def().name == word {
			return id
		}
	}
	return ruleNone
}

func (r *rule) parseRanks() error {
	values := strings.Split(r.arg, "<")
	r.ranks = make(map[string]int, len(values))
	for i, v := range values {
		if r.ranks[v] != 0 {
			return fmt.Errorf("lists %q twice", v)
		}
		r.ranks[v] = i + 1
	}
	if len(values) < 2 {
		return fmt.Errorf("needs at least two values: rank=a<b")
	}
	return nil
}

// rankOf returns the position of a value of a ranked field. A value that the
// rule does not list comes from a newer program; the empty string is what a
// field holds that nobody has set, and ranks below all others.
func (r *rule) rankOf(s string) (n int, listed bool) {
	n = r.ranks[s]
	return n, n > 0 || s == ""
}

// allRules lists the rules that have an entry in the table.
func allRules() (ids []ruleID) {
	for id := ruleLWW; id <= ruleFunc; id++ {
		if id.String() != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// tagRules lists what a tag may name, for the error about one that it may not.
func tagRules() []ruleID {
	return slices.DeleteFunc(allRules(), func(id ruleID) bool { return !id.def().tag })
}

// leafRules lists the rules that a leaf of type typ can have.
func leafRules(typ reflect.Type) []ruleID {
	return slices.DeleteFunc(tagRules(), func(id ruleID) bool { return !id.def().fits(typ) })
}

// structOf returns the struct type that typ is or points to, or nil.
func structOf(typ reflect.Type) reflect.Type {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() == reflect.Struct {
		return typ
	}
	return nil
}

// isOrdered reports whether max and min can choose among values of typ, or of
// what it points to.
func isOrdered(typ reflect.Type) bool {
	if value.CodecOf(typ).Compare != nil {
		return true
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch k := typ.Kind(); {
	case k >= reflect.Bool && k <= reflect.Float64 && k != reflect.Uintptr, k == reflect.String, value.IsTime(typ):
		return true
	}
	return value.CodecOf(typ).Compare != nil || compareMethod(typ) >= 0
}

// compareMethod returns the index, among the methods of *typ, of a method
// Compare that orders typ as [time.Time.Compare] does, or -1.
func compareMethod(typ reflect.Type) int {
	p := reflect.PointerTo(typ)
	m, ok := p.MethodByName("Compare")
	if ok && value.IsFunc(m.Type, []reflect.Type{p, typ}, reflect.TypeFor[int]()) {
		return m.Index
	}
	return -1
}

// An order compares the values of one type for max and min. Nil and NaN are no values
// and lose either way.
type order struct {
	shape  *value.Type
	handed func(a, b reflect.Value) int // handed over for the type, or nil
	inside bool                         // or for what it points to
	method int                          // index of the method Compare, or -1
	down   bool                         // min
}

func newOrder(s *value.Type, down bool) *order {
	typ := s.Go
	o := &order{shape: s, handed: value.CodecOf(typ).Compare, method: -1, down: down}
	if o.handed == nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
		o.handed, o.inside = value.CodecOf(typ).Compare, true
	}
	if k := typ.Kind(); o.handed == nil && (k == reflect.Struct || k == reflect.Array) {
		o.method = compareMethod(typ)
	}
	return o
}

// compare returns +1 if a is to be chosen over b.
func (o *order) compare(a, b reflect.Value) int {
	if isNil(a) || isNil(b) {
		return -value.CompareBool(isNil(a), isNil(b))
	}
	s := o.shape
	if o.inside {
		a, b, s = a.Elem(), b.Elem(), s.Elem
	}
	c := 0
	switch {
	case o.handed != nil:
		c = o.handed(a, b)
	case s.Kind == value.KindFloat:
		x, y := a.Float(), b.Float()
		if x != x || y != y {
			return -value.CompareBool(x != x, y != y)
		}
		c = cmp.Compare(x, y)
	case s.Kind == value.KindTime:
		c = value.Wall(a).Compare(value.Wall(b))
	case o.method >= 0:
		c = int(value.Addressable(a).Addr().Method(o.method).Call([]reflect.Value{b})[0].Int())
	default:
		c = s.Compare(a, b)
	}
	if o.down {
		return -c
	}
	return c
}

// isNil reports whether v is nil, of a type that has one.
func isNil(v reflect.Value) bool {
	switch k := v.Kind(); k {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return v.IsNil()
	default:
		return false
	}
}
