package merge_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// Two versions of a program, of which the newer merges by parts what the older keeps as one
// value.
type wholeDoc struct {
	Tags   []string
	Seen   []string
	Prefs  map[string]int `merge:"atomic"`
	Lines  []wholeLine
	Street string
	City   *string
	Stock  int
}

type wholeLine struct {
	Key  string
	Qty  int
	Sold int
	Tags []string
}

type partsDoc struct {
	Tags   []string `merge:"set"`
	Seen   []string `merge:"union"`
	Prefs  map[string]int
	Lines  []partsLine `merge:"keyed=Key"`
	Street string      `merge:"group=address"`
	City   string      `merge:"group=address"`
	Stock  int         `merge:"additive"`
}

type partsLine struct {
	Key  string
	Qty  int
	Sold int      `merge:"additive"`
	Tags []string `merge:"set"`
}

// A mixedEvent is one write, of a whole field by the older program or of a part by the newer.
type mixedEvent struct {
	stamp      lww.Stamp
	from       hlc.Timestamp // what its writer's clock said before
	life       lww.Stamp     // of the record, as its writer saw it
	row        lww.Stamp     // of the element of Lines
	field      string
	key, part  string   // of the newer program; a part is a field of an element
	n          int      // what was set or added
	s, t       string   // Street and City
	gone       bool     // a removal, or a delete
	whole      wholeDoc // of the older program
	old        bool
	everything bool // the delete of the record
}

// A mixedSite is a replica that runs one of the two versions, and for the model the numbers
// of all events that reached it.
type mixedSite struct {
	name     vclock.Replica
	clock    *recorder
	before   hlc.Timestamp           // what the clock said before the step
	old      *merge.Record[wholeDoc] // nil if it runs the newer version
	next     *merge.Record[partsDoc]
	known    map[int]bool
	deleted  hlc.Timestamp // the pair that it waits to forget rows under
	reading  hlc.Timestamp
	messages []mixedMessage // deltas that it sent
	forms    []mixedForm
}

// A mixedForm is what a user of the newer version was shown, and has not saved yet.
type mixedForm struct {
	value partsDoc
	token merge.Token
	known map[int]bool
}

type mixedMessage struct {
	bytes []byte
	ids   []int
}

type mixedHistory struct {
	events []mixedEvent
	sites  []*mixedSite
	whole  *merge.Plan[wholeDoc]
	parts  *merge.Plan[partsDoc]
}

func newMixedHistory(tb testing.TB) *mixedHistory {
	tb.Helper()
	h := &mixedHistory{whole: recordPlan(tb, merge.Options[wholeDoc]{}), parts: recordPlan(tb, merge.Options[partsDoc]{})}
	for i, name := range []vclock.Replica{"eu", "us", "ap"} {
		s := &mixedSite{name: name, clock: &recorder{now: hlc.Timestamp(i * i * 5)}, known: map[int]bool{}}
		if i == 0 {
			s.old = h.whole.NewRecord()
		} else {
			s.next = h.parts.NewRecord()
		}
		h.sites = append(h.sites, s)
	}
	return h
}

func (s *mixedSite) writer() lww.Writer { return lww.Writer{Replica: s.name, Clock: s.clock} }

func (s *mixedSite) bytes(t require.TestingT) []byte {
	var b []byte
	var err error
	if s.old != nil {
		b, err = s.old.MarshalBinary()
	} else {
		b, err = s.next.MarshalBinary()
	}
	require.NoError(t, err)
	return b
}

// merge merges b into s, which tells before what that changes.
func (s *mixedSite) merge(t require.TestingT, b []byte) {
	if s.old != nil {
		mergeExplained(t, s.old, b)
	} else {
		mergeExplained(t, s.next, b)
	}
}

func mergeExplained[T any](t require.TestingT, r *merge.Record[T], b []byte) {
	o := r.Clone()
	require.NoError(t, o.UnmarshalBinary(b))
	paths, report := r.Changed(o), r.Explain(o)
	before, there := r.Get()
	require.Equal(t, r.Merge(o), len(paths) > 0, "%v", paths)
	if after, stays := r.Get(); there && stays && !reflect.DeepEqual(before, after) {
		require.NotEmpty(t, report.Changes, "%+v became %+v", before, after)
	}
}

// redeploy has s run the other version.
func (h *mixedHistory) redeploy(t require.TestingT, s *mixedSite) {
	b := s.bytes(t)
	if s.old != nil {
		s.old, s.next = nil, h.parts.NewRecord()
	} else {
		s.old, s.next = h.whole.NewRecord(), nil
	}
	s.merge(t, b)
}

// life returns the delete of the record that s knows of, be it from what was written after it.
func (h *mixedHistory) life(s *mixedSite) (life lww.Stamp) {
	for id := range s.known {
		e := &h.events[id]
		began := e.life
		if e.everything {
			began = e.stamp
		}
		if began.After(life) {
			life = began
		}
	}
	return life
}

// about returns what s knows of a field, or of a part of one, in the life of the record.
func (h *mixedHistory) about(s *mixedSite, is func(*mixedEvent) bool) (out []*mixedEvent) {
	life := h.life(s)
	for id := range s.known {
		if e := &h.events[id]; !e.everything && e.life == life && is(e) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *mixedEvent) int { return a.stamp.Compare(b.stamp) })
	return out
}

// assigned returns the newest value of a whole field, and when it was assigned.
func (h *mixedHistory) assigned(s *mixedSite, field string) (wholeDoc, lww.Stamp) {
	all := h.about(s, func(e *mixedEvent) bool { return e.old && e.field == field })
	if len(all) == 0 {
		return wholeDoc{}, lww.Stamp{}
	}
	e := all[len(all)-1]
	return e.whole, e.stamp
}

// partsOf returns what the newer programs wrote to a part of a field.
func (h *mixedHistory) partsOf(s *mixedSite, field, key string) []*mixedEvent {
	return h.about(s, func(e *mixedEvent) bool { return !e.old && e.field == field && e.key == key })
}

// latestOf returns the newest of some events, and when it was.
func latestOf(events []*mixedEvent) (mixedEvent, lww.Stamp) {
	if len(events) == 0 {
		return mixedEvent{}, lww.Stamp{}
	}
	return *events[len(events)-1], events[len(events)-1].stamp
}

var mixedKeys = []string{"x", "y", "z"}

// has says whether an element is in a set: the newest write about it wins, and an assignment
// of the whole list is one about each element.
func has(list []string, at lww.Stamp, key string, own []*mixedEvent) bool {
	if e, stamp := latestOf(own); stamp.After(at) {
		return !e.gone
	}
	return slices.Contains(list, key)
}

// line is the model of an element of Lines.
func (h *mixedHistory) line(s *mixedSite, key string) (l partsLine, ok bool) {
	w, at := h.assigned(s, "Lines")
	life := h.row(s, key)
	own := slices.DeleteFunc(h.partsOf(s, "Lines", key), func(e *mixedEvent) bool { return e.gone && e.part == "" || e.row != life })
	l.Key = key
	i := slices.IndexFunc(w.Lines, func(l wholeLine) bool { return l.Key == key })
	old := wholeLine{}
	if !at.After(life) {
		i, at = -1, lww.Stamp{}
	}
	if ok = i >= 0; ok {
		old = w.Lines[i]
		l.Qty, l.Sold = old.Qty, old.Sold
	}
	// Who wrote to an element saw it, and says so. Only an assigned list is told by itself what it lacks.
	ok = ok || at.IsZero() && len(own) > 0 || keeps(own, at)
	for _, e := range own {
		if e.part == "Qty" && e.stamp.After(at) {
			l.Qty = e.n
		}
	}
	total := map[vclock.Replica]*mixedEvent{}
	for _, e := range own {
		if e.part == "Sold" {
			total[e.stamp.Replica] = e
		}
	}
	for _, e := range own {
		// Where the list that was assigned has no such element, counts of before are over.
		if e.part == "Sold" && (i >= 0 || total[e.stamp.Replica].stamp.After(at)) && !restarted(own, e) {
			l.Sold += e.n
		}
	}
	for _, k := range mixedKeys {
		if has(old.Tags, at, k, slices.DeleteFunc(slices.Clone(own), func(e *mixedEvent) bool { return e.part != "Tags."+k })) {
			l.Tags = append(l.Tags, k)
		}
	}
	return l, ok
}

// keeps reports whether an element that is in no list assigned at a time has something that
// was written later, and not removed.
func keeps(own []*mixedEvent, at lww.Stamp) bool {
	return slices.ContainsFunc(own, func(e *mixedEvent) bool {
		isNewest := !slices.ContainsFunc(own, func(f *mixedEvent) bool { return f.part == e.part && f.stamp.After(e.stamp) })
		return e.stamp.After(at) && (e.s == "placed" || !e.gone && (isNewest || e.part == "Qty" || e.part == "Sold"))
	})
}

// restarted reports whether the writer of e, who counted from nothing later, has given it up.
func restarted(own []*mixedEvent, e *mixedEvent) bool {
	return slices.ContainsFunc(own, func(f *mixedEvent) bool {
		return f.part == "Sold" && f.s == "restart" && f.stamp.Replica == e.stamp.Replica && f.stamp.After(e.stamp)
	})
}

// counted reports whether Stock was assigned after a replica added to it for the last time.
func (h *mixedHistory) counted(s *mixedSite) bool {
	last := map[vclock.Replica]lww.Stamp{}
	for _, e := range h.partsOf(s, "Stock", "") {
		last[e.stamp.Replica] = e.stamp
	}
	_, at := h.assigned(s, "Stock")
	for _, stamp := range last {
		if at.After(stamp) {
			return true
		}
	}
	return false
}

// hear has an event reach s, and what its writer had counted before of the same, which is
// what a total says.
func (h *mixedHistory) hear(s *mixedSite, id int) {
	s.known[id] = true
	e := &h.events[id]
	for i := range h.events[:id] {
		f := &h.events[i]
		if e.counts() && f.counts() && f.field == e.field && f.key == e.key && f.life == e.life && f.row == e.row && f.stamp.Replica == e.stamp.Replica {
			s.known[i] = true
		}
	}
}

func (e *mixedEvent) counts() bool { return !e.old && (e.field == "Stock" || e.part == "Sold") }

// isOver reports whether what s has counted of an element was before the list was assigned
// without it.
func (h *mixedHistory) isOver(s *mixedSite, key string) bool {
	w, at := h.assigned(s, "Lines")
	life := h.row(s, key)
	own := slices.DeleteFunc(h.partsOf(s, "Lines", key), func(e *mixedEvent) bool {
		return e.part != "Sold" || e.stamp.Replica != s.name || e.row != life
	})
	_, last := latestOf(own)
	return at.After(life) && at.After(last) && !slices.ContainsFunc(w.Lines, func(l wholeLine) bool { return l.Key == key })
}

// row returns the delete of an element that s knows of, likewise.
func (h *mixedHistory) row(s *mixedSite, key string) (life lww.Stamp) {
	for _, e := range h.partsOf(s, "Lines", key) {
		began := e.row
		if e.gone && e.part == "" {
			began = e.stamp
		}
		if began.After(life) {
			life = began
		}
	}
	return life
}

// value is the model: what the newer version shows of what s knows.
func (h *mixedHistory) value(s *mixedSite) (v partsDoc) {
	tags, tagsAt := h.assigned(s, "Tags")
	seen, _ := h.assigned(s, "Seen")
	prefs, prefsAt := h.assigned(s, "Prefs")
	for _, k := range mixedKeys {
		if has(tags.Tags, tagsAt, k, h.partsOf(s, "Tags", k)) {
			v.Tags = append(v.Tags, k)
		}
		if slices.Contains(seen.Seen, k) || len(h.partsOf(s, "Seen", k)) > 0 {
			v.Seen = append(v.Seen, k)
		}
		n, ok := prefs.Prefs[k]
		if e, at := latestOf(h.partsOf(s, "Prefs", k)); at.After(prefsAt) {
			n, ok = e.n, !e.gone
		}
		if ok {
			if v.Prefs == nil {
				v.Prefs = map[string]int{}
			}
			v.Prefs[k] = n
		}
		if l, ok := h.line(s, k); ok {
			v.Lines = append(v.Lines, l)
		}
	}
	group, groupAt := latestOf(h.partsOf(s, "address", ""))
	v.Street, v.City = group.s, group.t
	if w, at := h.assigned(s, "Street"); at.After(groupAt) {
		v.Street = w.Street
	}
	if w, at := h.assigned(s, "City"); at.After(groupAt) {
		v.City = ""
		if w.City != nil {
			v.City = *w.City
		}
	}
	w, _ := h.assigned(s, "Stock")
	v.Stock = w.Stock
	for _, e := range h.partsOf(s, "Stock", "") {
		v.Stock += e.n
	}
	return v
}

// oldValue is what the older version shows: what was assigned, and the members of the group.
func (h *mixedHistory) oldValue(s *mixedSite) (v wholeDoc) {
	for _, f := range mixedFields {
		w, _ := h.assigned(s, f.name)
		f.take(&v, w)
	}
	group, groupAt := latestOf(h.partsOf(s, "address", ""))
	if _, at := h.assigned(s, "Street"); groupAt.After(at) {
		v.Street = group.s
	}
	if _, at := h.assigned(s, "City"); groupAt.After(at) {
		v.City = &group.t
	}
	return v
}

// A mixedField is one of the older version.
type mixedField struct {
	name string
	take func(dst *wholeDoc, from wholeDoc)
	draw func(t *rapid.T, v *wholeDoc)
}

var mixedFields = []mixedField{
	{"Tags", func(v *wholeDoc, w wholeDoc) { v.Tags = w.Tags }, func(t *rapid.T, v *wholeDoc) { v.Tags = drawKeys(t) }},
	{"Seen", func(v *wholeDoc, w wholeDoc) { v.Seen = w.Seen }, func(t *rapid.T, v *wholeDoc) { v.Seen = drawKeys(t) }},
	{"Prefs", func(v *wholeDoc, w wholeDoc) { v.Prefs = w.Prefs }, func(t *rapid.T, v *wholeDoc) {
		v.Prefs = nil
		for _, k := range drawKeys(t) {
			if v.Prefs == nil {
				v.Prefs = map[string]int{}
			}
			v.Prefs[k] = rapid.IntRange(0, 2).Draw(t, "n")
		}
	}},
	{"Lines", func(v *wholeDoc, w wholeDoc) { v.Lines = w.Lines }, func(t *rapid.T, v *wholeDoc) {
		v.Lines = nil
		for _, k := range drawKeys(t) {
			v.Lines = append(v.Lines, wholeLine{k, rapid.IntRange(0, 2).Draw(t, "qty"), rapid.IntRange(0, 2).Draw(t, "sold"), drawKeys(t)})
		}
	}},
	{"Street", func(v *wholeDoc, w wholeDoc) { v.Street = w.Street }, func(t *rapid.T, v *wholeDoc) { v.Street = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "s") }},
	{"City", func(v *wholeDoc, w wholeDoc) { v.City = w.City }, func(t *rapid.T, v *wholeDoc) {
		if v.City = nil; rapid.Bool().Draw(t, "city") {
			v.City = new(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "t"))
		}
	}},
	{"Stock", func(v *wholeDoc, w wholeDoc) { v.Stock = w.Stock }, func(t *rapid.T, v *wholeDoc) { v.Stock = rapid.IntRange(-2, 5).Draw(t, "n") }},
}

func drawKeys(t *rapid.T) (out []string) {
	for _, k := range mixedKeys {
		if rapid.Bool().Draw(t, k) {
			out = append(out, k)
		}
	}
	return out
}

// clone returns a copy of h to go on with.
func (h *mixedHistory) clone() *mixedHistory {
	c := *h
	c.events, c.sites = slices.Clip(h.events), nil
	for _, s := range h.sites {
		t, clock := *s, *s.clock
		t.clock, t.known = &clock, maps.Clone(s.known)
		if s.old != nil {
			t.old = s.old.Clone()
		} else {
			t.next = s.next.Clone()
		}
		c.sites = append(c.sites, &t)
	}
	return &c
}

// note records what s wrote at once.
func (h *mixedHistory) note(s *mixedSite, life lww.Stamp, events ...mixedEvent) (ids []int) {
	for _, e := range events {
		e.stamp, e.life, e.from = lww.Stamp{Time: s.clock.last, Replica: s.name}, life, s.before
		s.known[len(h.events)] = true
		ids = append(ids, len(h.events))
		h.events = append(h.events, e)
	}
	return ids
}

// writeOld draws a write of the older version.
func (h *mixedHistory) writeOld(t *rapid.T, s *mixedSite) {
	f := rapid.SampledFrom(mixedFields).Draw(t, "field")
	before, life := s.old.Clone(), h.life(s)
	var next wholeDoc
	require.NoError(t, s.old.Update(s.writer(), set(func(v *wholeDoc) { f.draw(t, v); next = *v })))
	if s.old.Equal(before) {
		return
	}
	ids := h.note(s, life, mixedEvent{field: f.name, old: true, whole: next})
	b, err := s.old.Since(before).MarshalBinary()
	require.NoError(t, err)
	s.messages = append(s.messages, mixedMessage{b, ids})
}

// writeNew draws a write of the newer version. What is written reads back, and one write has
// one stamp unless something that it is about is ahead of the clock: so it changes one thing.
func (h *mixedHistory) writeNew(t *rapid.T, s *mixedSite) {
	before, life := s.next.Clone(), h.life(s)
	was, next := value0(s.next), partsDoc{}
	k, n := rapid.SampledFrom(mixedKeys).Draw(t, "key"), rapid.IntRange(1, 3).Draw(t, "n")
	var e mixedEvent
	err := s.next.Update(s.writer(), set(func(v *partsDoc) {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			e = mixedEvent{field: "Tags", key: k, gone: slices.Contains(v.Tags, k)}
			v.Tags = toggle(v.Tags, k)
		case 1:
			e = mixedEvent{field: "Seen", key: k}
			if !slices.Contains(v.Seen, k) {
				v.Seen = toggle(v.Seen, k)
			}
		case 2:
			e = mixedEvent{field: "Prefs", key: k, n: n - 1}
			if _, ok := v.Prefs[k]; ok && n == 3 {
				e.n, e.gone = 0, true
				delete(v.Prefs, k)
				break
			}
			if v.Prefs == nil {
				v.Prefs = map[string]int{}
			}
			v.Prefs[k] = n - 1
		case 3:
			e = mixedEvent{field: "address", s: fmt.Sprint(n), t: v.City}
			v.Street = e.s
		case 4:
			e = mixedEvent{field: "Stock", n: n - 2}
			v.Stock += n - 2
		default:
			e = h.writeLine(t, s, v, k, n)
		}
		next = *v
		next.Lines = slices.Clone(v.Lines)
	}))
	require.NoError(t, err)
	if s.next.Equal(before) {
		return
	}
	slices.Sort(next.Tags)
	slices.Sort(next.Seen)
	next = withoutEmpty(next)
	require.Equal(t, next, value0(s.next), "what was set over %+v", was)
	ids := h.note(s, life, e)
	b, err := s.next.Since(before).MarshalBinary()
	require.NoError(t, err)
	s.messages = append(s.messages, mixedMessage{b, ids})
}

// writeLine draws a change of an element of Lines.
func (h *mixedHistory) writeLine(t *rapid.T, s *mixedSite, v *partsDoc, k string, n int) mixedEvent {
	e := mixedEvent{field: "Lines", key: k, row: h.row(s, k), n: n}
	i := slices.IndexFunc(v.Lines, func(l partsLine) bool { return l.Key == k })
	if i >= 0 && rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		e.gone = true
		v.Lines = slices.Delete(v.Lines, i, i+1)
		return e
	}
	isNew := i < 0
	if isNew {
		i = len(v.Lines)
		v.Lines = append(v.Lines, partsLine{Key: k})
		s.clock.now = max(s.clock.now, s.next.Latest()) // so that its place gets the same stamp
	}
	l := &v.Lines[i]
	switch rapid.IntRange(0, 2).Draw(t, "part") {
	case 0:
		e.part, l.Qty = "Qty", l.Qty+n
		e.n = l.Qty
	case 1:
		e.part = "Sold"
		if h.isOver(s, k) {
			e.s = "restart"
		}
		l.Sold += n
	case 2:
		tag := rapid.SampledFrom(mixedKeys).Draw(t, "tag")
		l.Tags = slices.Clone(l.Tags)
		e.part, e.gone = "Tags."+tag, slices.Contains(l.Tags, tag)
		l.Tags = toggle(l.Tags, tag)
		_, at := h.assigned(s, "Lines")
		own := slices.DeleteFunc(h.partsOf(s, "Lines", k), func(f *mixedEvent) bool {
			return f.gone && f.part == "" || f.row != e.row || f.part == e.part && f.s != "placed"
		})
		if isNew || e.gone && at.After(e.row) && !keeps(own, at) { // what says where it stands is written, too
			e.s = "placed"
		}
		slices.Sort(l.Tags)
		if len(l.Tags) == 0 {
			l.Tags = nil
		}
	}
	return e
}

// form shows a user the value, or saves what one has changed of it since it was shown.
func (h *mixedHistory) form(t *rapid.T, s *mixedSite) {
	switch {
	case s.next == nil:
		return
	case len(s.forms) == 0 || rapid.Bool().Draw(t, "open"):
		v, token := s.next.Snapshot()
		s.forms = append(s.forms, mixedForm{v, token, maps.Clone(s.known)})
		return
	}
	f := rapid.SampledFrom(s.forms).Draw(t, "form")
	then, next := &mixedSite{name: s.name, known: f.known}, f.value
	k, n := rapid.SampledFrom(mixedKeys).Draw(t, "key"), rapid.IntRange(1, 3).Draw(t, "n")
	var e mixedEvent
	switch i := slices.IndexFunc(next.Lines, func(l partsLine) bool { return l.Key == k }); {
	case n == 1:
		e = mixedEvent{field: "Tags", key: k, gone: slices.Contains(next.Tags, k)}
		next.Tags = toggle(next.Tags, k)
	case n == 2:
		e = mixedEvent{field: "Stock", n: n}
		next.Stock += n
	case i >= 0:
		e = mixedEvent{field: "Lines", key: k, row: h.row(then, k), n: next.Lines[i].Qty + n}
		next.Lines = slices.Clone(next.Lines)
		if e.gone = rapid.Bool().Draw(t, "delete"); e.gone {
			next.Lines = slices.Delete(next.Lines, i, i+1)
		} else {
			e.part, next.Lines[i].Qty = "Qty", e.n
		}
	default:
		return
	}
	before := s.next.Clone()
	err := s.next.Apply(s.writer(), f.token, f.value, next)
	_, there := h.line(s, e.key)
	switch stale := h.life(s) != h.life(then) || e.row != h.row(s, e.key); {
	case e.field != "Lines" && h.life(s) == h.life(then), !stale && there:
		require.NoError(t, err)
		h.note(s, h.life(s), e)
	case e.gone && h.life(s) == h.life(then) && !there:
		require.NoError(t, err, "it is gone already")
		require.True(t, before.Equal(s.next))
	default:
		require.ErrorAs(t, err, new(*merge.StaleError))
		require.True(t, before.Equal(s.next))
	}
}

// withoutEmpty returns v with nil for what is empty, as a record returns it.
func withoutEmpty(v partsDoc) partsDoc {
	if len(v.Tags) == 0 {
		v.Tags = nil
	}
	if len(v.Prefs) == 0 {
		v.Prefs = nil
	}
	if len(v.Lines) == 0 {
		v.Lines = nil
	}
	return v
}

func toggle(list []string, k string) []string {
	if i := slices.Index(list, k); i >= 0 {
		return slices.Delete(slices.Clone(list), i, i+1)
	}
	return append(list, k)
}

// compact forgets what is safe: all members have what was deleted up to then, and who wrote
// without having it wrote before the horizon.
func (h *mixedHistory) compact(t require.TestingT, s *mixedSite) {
	safe := func(s *mixedSite) hlc.Timestamp {
		safe := s.clock.now
		for _, o := range h.sites {
			safe = min(safe, o.clock.now)
		}
		for id := range h.events {
			if e := &h.events[id]; !s.known[id] {
				safe = min(safe, e.from)
			}
		}
		return safe
	}
	horizon, deleted := safe(s), hlc.Timestamp(0)
	if len(s.known) == 0 || horizon == 0 {
		return
	}
	if s.reading > 0 && horizon >= s.reading {
		deleted = s.deleted
	}
	if s.reading == 0 || deleted > 0 {
		s.deleted, s.reading = hlc.Max, 0
		for _, o := range h.sites {
			s.deleted, s.reading = min(s.deleted, safe(o)), max(s.reading, o.clock.now)
		}
	}
	if s.old != nil {
		require.NoError(t, s.old.CompactRows(min(deleted, horizon), horizon))
	} else {
		require.NoError(t, s.next.CompactRows(min(deleted, horizon), horizon))
	}
}

// check compares s with the model.
func (h *mixedHistory) check(t require.TestingT, s *mixedSite) {
	if s.old != nil {
		got := value0(s.old)
		require.Equal(t, h.oldValue(s), got)
		return
	}
	got := value0(s.next)
	slices.SortFunc(got.Lines, func(a, b partsLine) int { return cmp.Compare(a.Key, b.Key) })
	require.Equal(t, h.value(s), got)
	doubts := slices.DeleteFunc(mixedDoubts(t, s.next.Check()), func(path string) bool { return strings.HasSuffix(path, ".Sold") })
	require.Equal(t, h.counted(s), slices.Equal(doubts, []string{"Stock"}), "%v", doubts)
	require.True(t, len(doubts) == 0 || h.counted(s), "%v", doubts)
}

func (h *mixedHistory) step(t *rapid.T) {
	s := rapid.SampledFrom(h.sites).Draw(t, "at")
	s.before = s.clock.now
	switch rapid.IntRange(0, 12).Draw(t, "step") {
	case 0, 1, 2, 3:
		if s.old != nil {
			h.writeOld(t, s)
		} else {
			h.writeNew(t, s)
		}
	case 4:
		h.compact(t, s)
	case 5:
		h.redeploy(t, s)
	case 6, 7:
		from := rapid.SampledFrom(h.sites).Draw(t, "from")
		if len(from.messages) > 0 {
			m := rapid.SampledFrom(from.messages).Draw(t, "message")
			s.merge(t, m.bytes)
			for _, id := range m.ids {
				h.hear(s, id)
			}
		}
	case 8:
		if rapid.IntRange(0, 4).Draw(t, "really") == 0 {
			h.delete(t, s)
		}
	case 9:
		h.form(t, s)
	default:
		from := rapid.SampledFrom(h.sites).Draw(t, "from")
		s.merge(t, from.bytes(t))
		maps.Copy(s.known, from.known)
	}
	h.check(t, s)
}

func (h *mixedHistory) delete(t *rapid.T, s *mixedSite) {
	var err error
	s.clock.last = 0
	if s.old != nil {
		err = s.old.Delete(s.writer())
	} else {
		err = s.next.Delete(s.writer())
	}
	require.NoError(t, err)
	if s.clock.last > 0 {
		h.note(s, lww.Stamp{}, mixedEvent{everything: true, gone: true})
	}
}

// TestRecordMixedVersions drives three replicas, of which some keep fields as one value and some
// merge them by parts, through random histories of writes, deltas that come in any order or
// never, deletes, compactions and deployments. After every step the newer version shows of each
// part the newest write about it, and the older one what was assigned, and of a group its members; in the end all have the
// same bytes.
func TestRecordMixedVersions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newMixedHistory(t)
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			h.step(rt)
		}
		for range 2 {
			for _, s := range h.sites {
				for _, from := range h.sites {
					s.merge(rt, from.bytes(rt))
					maps.Copy(s.known, from.known)
				}
			}
		}
		var all []*merge.Record[partsDoc]
		for _, s := range h.sites {
			h.check(rt, s)
			r := h.parts.NewRecord()
			require.NoError(rt, r.UnmarshalBinary(s.bytes(rt)))
			all = append(all, r)
		}
		require.True(rt, all[0].Equal(all[1]))
		require.True(rt, all[0].Equal(all[2]))
		require.Equal(rt, value0(all[0]), value0(all[1]))
	})
}

func mixedDoubts(t require.TestingT, err error) (out []string) {
	if err == nil {
		return nil
	}
	var conflict *merge.ConflictError
	require.ErrorAs(t, err, &conflict)
	for _, c := range conflict.Report.Changes {
		out = append(out, c.Path)
	}
	return out
}

// TestRecordMixedExhaustive goes through all histories of some steps in which an older program
// assigns a list, with an element or without, a newer one changes the element, they exchange
// what they have, and forget. REJOIN_EXHAUSTIVE is a number of further steps.
func TestRecordMixedExhaustive(t *testing.T) {
	more, _ := strconv.Atoi(os.Getenv("REJOIN_EXHAUSTIVE"))
	assign := func(field string, w wholeDoc) func(*mixedHistory) {
		return func(h *mixedHistory) {
			s := h.sites[0]
			before, life := s.old.Clone(), h.life(s)
			require.NoError(t, s.old.Update(s.writer(), set(func(v *wholeDoc) { v.Tags, v.Lines = w.Tags, w.Lines })))
			if !s.old.Equal(before) {
				h.note(s, life, mixedEvent{field: field, old: true, whole: w})
			}
		}
	}
	change := func(change func(h *mixedHistory, s *mixedSite, v *partsDoc) mixedEvent) func(*mixedHistory) {
		return func(h *mixedHistory) {
			s := h.sites[1]
			before, life, e := s.next.Clone(), h.life(s), mixedEvent{}
			s.clock.now = max(s.clock.now, before.Latest())
			require.NoError(t, s.next.Update(s.writer(), set(func(v *partsDoc) { e = change(h, s, v) })))
			if !s.next.Equal(before) {
				h.note(s, life, e)
			}
		}
	}
	exchange := func(into, from int) func(*mixedHistory) {
		return func(h *mixedHistory) {
			h.sites[into].merge(t, h.sites[from].bytes(t))
			maps.Copy(h.sites[into].known, h.sites[from].known)
		}
	}
	common := []func(*mixedHistory){
		exchange(0, 1), exchange(1, 0),
		func(h *mixedHistory) { h.compact(t, h.sites[0]) },
		func(h *mixedHistory) { h.compact(t, h.sites[1]) },
	}
	for name, steps := range map[string][]func(*mixedHistory){
		"set": {
			assign("Tags", wholeDoc{}), assign("Tags", wholeDoc{Tags: []string{"x"}}),
			change(func(_ *mixedHistory, _ *mixedSite, v *partsDoc) mixedEvent {
				e := mixedEvent{field: "Tags", key: "x", gone: len(v.Tags) > 0}
				v.Tags = toggle(v.Tags, "x")
				return e
			}),
		},
		"keyed": {
			assign("Lines", wholeDoc{}), assign("Lines", wholeDoc{Lines: []wholeLine{{Key: "x", Qty: 1}}}),
			change(func(h *mixedHistory, s *mixedSite, v *partsDoc) mixedEvent {
				e := mixedEvent{field: "Lines", key: "x", row: h.row(s, "x"), part: "Qty", n: 2}
				if len(v.Lines) == 0 {
					v.Lines = []partsLine{{Key: "x"}}
				}
				v.Lines[0].Qty += 2
				e.n = v.Lines[0].Qty
				return e
			}),
			change(func(h *mixedHistory, s *mixedSite, v *partsDoc) mixedEvent {
				v.Lines = nil
				return mixedEvent{field: "Lines", key: "x", row: h.row(s, "x"), gone: true}
			}),
		},
	} {
		steps = append(steps, common...)
		histories := 0
		var walk func(h *mixedHistory, depth int)
		walk = func(h *mixedHistory, depth int) {
			if depth == 0 {
				histories++
				return
			}
			for _, step := range steps {
				next := h.clone()
				for _, s := range next.sites {
					s.before = s.clock.now
				}
				step(next)
				for _, s := range next.sites {
					next.check(t, s)
				}
				walk(next, depth-1)
			}
		}
		h := newMixedHistory(t)
		h.sites = h.sites[:2]
		walk(h, max(5+more, 1))
		t.Logf("%s: %d histories", name, histories)
	}
}
