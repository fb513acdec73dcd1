package merge

import (
	"maps"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A docPlace is one place of a document in all versions.
type docPlace struct {
	docFrame
	who    []int
	result version
}

func (x *explainer) documentField(f *field, at place) {
	d := docPlace{docFrame: docFrame{rule: f.doc, known: at.known}, who: at.who, result: version{value.Document(at.result), true}}
	if at.known {
		d.base = version{value.Document(at.base), true}
	}
	for _, v := range at.in {
		d.in = append(d.in, version{value.Document(v), true})
	}
	x.run.trail = append(x.run.trail, step{f: f})
	x.document(&d)
	x.run.trail = x.run.trail[:len(x.run.trail)-1]
}

func (x *explainer) document(at *docPlace) {
	id := at.ruleID()
	if id == ruleIgnore {
		return
	}
	there := slices.DeleteFunc(slices.Clone(at.in), func(v version) bool { return !v.there })
	deleted := at.base.there && len(there) < len(at.in)
	created := !at.base.there && len(there) == 1
	inside := id == ruleFields && at.all(isObjectValue) || id == ruleKeyed && at.all(isArrayValue)
	if !inside || created || !at.result.there {
		x.documentValue(at, id)
		return
	}
	if deleted {
		x.documentValue(at, id)
	}
	if id == ruleKeyed {
		x.keyedDocument(at)
		return
	}
	keys := make(map[string]bool)
	for _, v := range append(slices.Clone(at.in), at.base) {
		m, _ := v.value.(map[string]any)
		for k := range m {
			keys[k] = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		sub := &docPlace{docFrame: *at.within(k), who: at.who}
		m, _ := at.result.value.(map[string]any)
		sub.result.value, sub.result.there = m[k]
		x.below(sub, value.QuoteKey(k))
	}
}

func (x *explainer) below(at *docPlace, name string) {
	x.run.trail = append(x.run.trail, step{doc: name})
	x.document(at)
	x.run.trail = x.run.trail[:len(x.run.trail)-1]
}

func (x *explainer) keyedDocument(at *docPlace) {
	member := at.rule.rule.arg
	l := &docLists{names: make(map[string]string)}
	baseKeys, baseAt := x.run.docList(l, at.base, member)
	resultKeys, resultAt := x.run.docList(l, at.result, member)
	inKeys, inAt := make([][]string, len(at.in)), make([]map[string]any, len(at.in))
	for i, v := range at.in {
		inKeys[i], inAt[i] = x.run.docList(l, v, member)
	}
	if l.twice != "" {
		x.documentValue(at, ruleKeyed)
		return
	}
	for _, k := range docOrder(at.known, baseKeys, inKeys) {
		pick := func(m map[string]any) version { v, ok := m[k]; return version{v, ok} }
		sub := &docPlace{docFrame: docFrame{rule: at.rule.element(l.names[k]), known: at.known, base: pick(baseAt)}, who: at.who, result: pick(resultAt)}
		for _, m := range inAt {
			sub.in = append(sub.in, pick(m))
		}
		x.below(sub, l.names[k])
	}
	named := func(keys []string) []string {
		out := make([]string, len(keys))
		for i, k := range keys {
			out[i] = l.names[k]
		}
		return out
	}
	orders := make([][]string, len(inKeys))
	for i, keys := range inKeys {
		orders[i] = named(keys)
	}
	x.giveUp(&fact{rule: &at.rule.rule, who: at.who, known: at.known}, named(baseKeys), orders, named(resultKeys))
}

// documentValue explains a value that merges as a whole.
func (x *explainer) documentValue(at *docPlace, id ruleID) {
	at = &docPlace{docFrame: *at.whole(), who: at.who, result: at.result}
	n := len(at.in)
	ru := &rule{id: ruleLWW}
	if at.rule != nil && at.rule.rule.id != ruleNone {
		ru = &at.rule.rule
	} else if at.all(isObjectValue) {
		ru = &rule{id: ruleFields}
	}
	fa := fact{rule: ru, who: at.who, known: at.known, changed: make([]bool, n), stands: make([]bool, n)}
	same := func(a, b version) bool {
		return a.there == b.there && (!a.there || value.SameDocument(a.value, b.value))
	}
	some := false
	for i, v := range at.in {
		fa.changed[i] = at.known && !same(v, at.base) || !at.known && v.there
		some = some || at.known && fa.changed[i] || !at.known && slices.ContainsFunc(at.in, func(o version) bool { return !same(v, o) })
		fa.stands[i] = same(v, at.result)
	}
	if !some {
		return
	}
	fa.value = func(i int) any {
		v := at.result
		if i == base {
			v = at.base
		} else if i < n {
			v = at.in[i]
		}
		if !v.there {
			return Absent{}
		}
		return value.CopyDocument(v.value)
	}
	if order := id.def().order; order != nil {
		fa.order = order(docValues{&at.docFrame, id})
	} else if (id == ruleFields || id == ruleKeyed) && !at.result.there {
		fa.order = func(i, j int) int { return value.CompareBool(fa.stands[i], fa.stands[j]) }
	}
	x.add(&fa)
}
