package merge

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
)

// A version is what one side has at a place in a document: a value or nothing.
type version struct {
	value any
	there bool
}

// A docFrame is one place in a document being merged.
type docFrame struct {
	rule  *docRule // may be nil
	base  version
	in    []version // newest first
	known bool
}

// ruleID returns the rule in force, ruleFields if there is none.
func (fr *docFrame) ruleID() ruleID {
	if fr.rule == nil || fr.rule.rule.id == ruleNone {
		return ruleFields
	}
	return fr.rule.rule.id
}

// documentField merges a field that holds a document.
func (r *run) documentField(f *field, fr *frame) {
	d := docFrame{rule: f.doc, known: fr.known, in: make([]version, len(fr.in))}
	if fr.known {
		d.base = version{value.Document(fr.base), true}
	}
	for i, v := range fr.in {
		d.in[i] = version{value.Document(v), true}
	}
	r.trail = append(r.trail, step{f: f})
	out := r.document(&d)
	r.trail = r.trail[:len(r.trail)-1]
	if fr.dst.Kind() == reflect.Map && allNil(fr.in) {
		out.value = nil
	}
	value.SetDocument(fr.dst, out.value)
}

// document merges what the sides have at one place.
func (r *run) document(fr *docFrame) version {
	id := fr.ruleID()
	switch def := id.def(); {
	case def.op == opZero:
		return version{}
	case def.document == nil:
		return r.chooseDocument(fr, id)
	case def.parts == nil || fr.all(def.parts):
		return fr.container(func(fr *docFrame) any { return def.document(r, fr) })
	}
	return r.chooseDocument(fr.whole(), ruleLWW)
}

// whole returns the frame of a value that merges as a whole although its rule is for the
// parts of it: without those that are not merged.
func (fr *docFrame) whole() *docFrame {
	at := *fr
	at.base.value, at.in = fr.rule.merged(fr.base.value), slices.Clone(fr.in)
	for i := range at.in {
		at.in[i].value = fr.rule.merged(at.in[i].value)
	}
	return &at
}

func isObjectValue(x any) bool { _, ok := x.(map[string]any); return ok }
func isArrayValue(x any) bool  { _, ok := x.([]any); return ok }

// all reports whether all values there are of a sort; if they are not, the
// sorts are in conflict and one whole value wins.
func (fr *docFrame) all(sort func(any) bool) bool {
	if fr.base.there && !sort(fr.base.value) {
		return false
	}
	return !slices.ContainsFunc(fr.in, func(v version) bool { return v.there && !sort(v.value) })
}

// changed reports whether a version differs from the base.
func (fr *docFrame) changed(v version) bool {
	return v.there != fr.base.there || v.there && !value.SameDocument(v.value, fr.base.value)
}

// container merges a value that is there or not as a whole, as a row is: a
// delete beats a change unless the rule says keep.
func (fr *docFrame) container(merge func(*docFrame) any) version {
	in := slices.Clone(fr.in)
	in = slices.DeleteFunc(in, func(v version) bool { return !v.there })
	deleted := fr.base.there && len(in) < len(fr.in)
	keep := fr.rule != nil && fr.rule.rule.keep
	if len(in) == 0 || deleted && (!keep || !slices.ContainsFunc(in, fr.changed)) {
		return version{}
	}
	sub := *fr
	sub.in = in
	return version{merge(&sub), true}
}

// within returns the frame of a key below fr.
func (fr *docFrame) within(key string) *docFrame {
	at := func(v version) version {
		m, _ := v.value.(map[string]any)
		x, ok := m[key]
		return version{x, ok}
	}
	sub := &docFrame{rule: fr.rule.at(key), known: fr.known, base: at(fr.base), in: make([]version, len(fr.in))}
	for i, v := range fr.in {
		sub.in[i] = at(v)
	}
	return sub
}

func (r *run) object(fr *docFrame) any {
	keys := make(map[string]bool)
	for _, v := range append(slices.Clone(fr.in), fr.base) {
		m, _ := v.value.(map[string]any)
		for k := range m {
			keys[k] = true
		}
	}
	out := make(map[string]any, len(keys))
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if v := r.below(fr.within(k), value.QuoteKey(k)); v.there {
			out[k] = v.value
		}
	}
	return out
}

// below merges a place one step further down.
func (r *run) below(fr *docFrame, name string) version {
	r.trail = append(r.trail, step{doc: name})
	v := r.document(fr)
	r.trail = r.trail[:len(r.trail)-1]
	return v
}

// personHere is person for the place where the run is.
func (r *run) personHere(reason string) {
	r.undecided = append(r.undecided, undecided{r.path(""), reason})
}

// docValues is the chooser of documents.
type docValues struct {
	fr *docFrame
	id ruleID
}

func (d docValues) at(i int) version {
	if i == base {
		return d.fr.base
	}
	return d.fr.in[i]
}

func (d docValues) same(i, j int) bool {
	a, b := d.at(i), d.at(j)
	return a.there == b.there && (!a.there || value.SameDocument(a.value, b.value))
}

func (d docValues) zero(i int) bool {
	v := d.at(i)
	return !v.there || value.ZeroDocument(v.value)
}

// order compares by kind, then by value; null, NaN and absence always lose.
func (d docValues) order(i, j int) int {
	a, b := d.at(i), d.at(j)
	if none(a) || none(b) {
		return -value.CompareBool(none(a), none(b))
	}
	c := cmp.Compare(value.DocumentKind(a.value), value.DocumentKind(b.value))
	if c == 0 && value.DocumentKind(a.value) == value.DocNumber {
		x, _ := value.DecimalOf(a.value)
		y, _ := value.DecimalOf(b.value)
		c = x.Compare(y)
	} else if c == 0 {
		c = value.CompareDocument(a.value, b.value)
	}
	if d.id.def().down {
		return -c
	}
	return c
}

func none(v version) bool {
	if !v.there || v.value == nil {
		return true
	}
	f, ok := v.value.(float64)
	return ok && math.IsNaN(f)
}

func (d docValues) rank(i int) (int, bool) {
	v := d.at(i)
	s, ok := v.value.(string)
	if !ok && (v.there && v.value != nil) {
		return 0, false
	}
	return d.fr.rule.rule.rankOf(s)
}

// chooseDocument merges by a rule that takes one of the versions.
func (r *run) chooseDocument(fr *docFrame, id ruleID) version {
	if !fr.known {
		sub := *fr
		sub.in = slices.DeleteFunc(slices.Clone(fr.in), func(v version) bool { return !v.there })
		fr = &sub
	}
	if len(fr.in) == 0 {
		return version{}
	}
	d := docValues{fr, id}
	win, reason := id.def().choose(d, len(fr.in), fr.known)
	if reason != "" {
		r.personHere(reason)
	}
	v := d.at(win)
	return version{value.CopyDocument(v.value), v.there}
}

// sum adds up the changes of all sides; a number that was absent is 0.
func (r *run) sum(fr *docFrame) any {
	d := docValues{fr: fr}
	newest := fr.in[nextChange(d, -1, len(fr.in), fr.known)%len(fr.in)].value
	if !fr.known {
		if disagree(d, 0, len(fr.in), false) {
			r.personHere("changes cannot be added up without a base")
		}
		return value.CopyDocument(newest)
	}
	before, ok := int64(0), true
	if fr.base.there {
		before, ok = exactInteger(fr.base.value)
	}
	sum := int128.Of(before)
	for _, v := range fr.in {
		x, whole := exactInteger(v.value)
		ok = ok && whole
		sum = sum.Add(x).Minus(int128.Of(before))
	}
	if total, fits := sum.Int64(); ok && fits {
		if x, ok := numberLike(newest, total); ok {
			return x
		}
	}
	if nextChange(d, -1, len(fr.in), true) < len(fr.in) {
		r.personHere("the changes do not add up to an integer that fits")
	}
	return value.CopyDocument(newest)
}

// maxFloatInteger is the largest integer up to which a float64 holds all.
const maxFloatInteger = 1 << 53

// exactInteger returns the value of a number that is known to be that integer.
func exactInteger(x any) (int64, bool) {
	if value.DocumentKind(x) != value.DocNumber {
		return 0, false
	}
	d, _ := value.DecimalOf(x)
	v, ok := d.Integer()
	switch x.(type) {
	case float64, float32:
		ok = ok && v <= maxFloatInteger && v >= -maxFloatInteger
	}
	return v, ok
}

// numberLike returns n as a number of the type of x, if it fits.
func numberLike(x any, n int64) (any, bool) {
	switch x.(type) {
	case json.Number:
		return json.Number(strconv.FormatInt(n, 10)), true
	case float64:
		return float64(n), n <= maxFloatInteger && n >= -maxFloatInteger
	case float32:
		return float32(n), n <= 1<<24 && n >= -1<<24
	}
	v := reflect.New(reflect.TypeOf(x)).Elem()
	if v.CanInt() {
		v.SetInt(n)
		return v.Interface(), !v.OverflowInt(n)
	}
	v.SetUint(uint64(n))
	return v.Interface(), n >= 0 && !v.OverflowUint(uint64(n))
}
