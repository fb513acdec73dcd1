package merge_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A sample has a field of every rule that a record can have.
type sample struct {
	Name  string
	From  int      `merge:"group=span"`
	To    int      `merge:"group=span"`
	First int      `merge:"first"`
	Fixed int      `merge:"immutable"`
	High  int      `merge:"max"`
	Low   int      `merge:"min"`
	Tier  string   `merge:"rank=a<b<c"`
	Keep  int      `merge:"nonzero"`
	Stock int      `merge:"additive"`
	Seen  []string `merge:"union"`
	Tags  []string `merge:"set"`
	Note  int      `merge:"manual"`
	Even  int      // prefers even numbers
	Gone  lattice  // merges by itself
	Bits  uint8    // joined by or
	Prefs map[string]int
	Box   *sampleRow
	Lines []sampleLine `merge:"keyed=Key"`
	Cells map[string]sampleRow
}

type sampleRow struct {
	Qty   int
	Stock int `merge:"additive"`
	High  int `merge:"max"`
}

type sampleLine struct {
	Key string
	sampleRow
}

// A lattice is a type with a Merge method of its own.
type lattice struct{ Bits uint8 }

func (l *lattice) Merge(m lattice) { l.Bits |= m.Bits }

func samplePlan(tb testing.TB) *merge.Plan[sample] {
	tb.Helper()
	even := func(n int) int { return (n + 1) % 2 }
	return recordPlan(tb, merge.Options[sample]{Overrides: []merge.Override[sample]{
		merge.Field(func(s *sample) *int { return &s.Even }, merge.Prefer("even", func(a, b int) int { return cmp.Compare(even(a), even(b)) })),
		merge.Field(func(s *sample) *uint8 { return &s.Bits }, merge.Join("or", func(a, b uint8) uint8 { return a | b })),
	}})
}

// An event is one write: of a field of a row, or the delete of a row. The rows
// are "" for the record and "Box", "Lines.x" and so on for those below.
type event struct {
	row, field string
	key        string // of an element or entry
	deleted    bool
	n, m       int
	s          string
	stamp      lww.Stamp
	lives      [2]lww.Stamp // of the record and of the row, as the writer saw them
	seen       map[int]bool // all that the writer had seen
}

// A site is one replica with what it knows: a record, and for the model the
// numbers of all events that reached it.
type site struct {
	name  vclock.Replica
	clock *recorder
	rec   *merge.Record[sample]
	known map[int]bool
	forms []form
}

// A form is what a user was shown at a site, and has not saved yet.
type form struct {
	value sample
	token merge.Token
	known map[int]bool
}

func (s *site) writer() lww.Writer { return lww.Writer{Replica: s.name, Clock: s.clock} }

// A recorder is a clock that remembers what it gave out last.
type recorder struct{ now, last hlc.Timestamp }

func (c *recorder) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.now = max(c.now, after) + 1
	c.last = c.now
	return c.now, nil
}

type history struct {
	events []event
	sites  []*site
}

// lives returns the lives of the record and of a row below it.
func (h *history) lives(s *site, row string) (lives [2]lww.Stamp) {
	for id := range s.known {
		if e := &h.events[id]; e.deleted && e.row == "" && e.field == "" && e.stamp.After(lives[0]) {
			lives[0] = e.stamp
		}
	}
	for id := range s.known {
		e := &h.events[id]
		if row != "" && e.deleted && e.row == row && e.field == "" && e.lives[0] == lives[0] && e.stamp.After(lives[1]) {
			lives[1] = e.stamp
		}
	}
	return lives
}

// visible returns the writes of a row that belong to its present life, oldest
// first.
func (h *history) visible(s *site, row, field, key string) []*event {
	lives := h.lives(s, row)
	var out []*event
	for id := range s.known {
		e := &h.events[id]
		if e.row == row && e.lives == lives && (field == "*" || e.field == field) && (key == "*" || e.key == key) && (!e.deleted || e.field != "") {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *event) int { return a.stamp.Compare(b.stamp) })
	return out
}

func last(events []*event) *event {
	if len(events) == 0 {
		return &event{}
	}
	return events[len(events)-1]
}

func first(events []*event) *event {
	if len(events) == 0 {
		return &event{}
	}
	return events[0]
}

// extreme returns the largest n by sign times value, or 0.
func extreme(events []*event, sign int) int {
	if len(events) == 0 {
		return 0
	}
	return slices.MaxFunc(events, func(a, b *event) int { return sign * cmp.Compare(a.n, b.n) }).n
}

func added(events []*event) (n int) {
	for _, e := range events {
		n += e.n
	}
	return n
}

func either(events []*event) (n int) {
	for _, e := range events {
		n |= e.n
	}
	return n
}

// unseen returns the events that none of the others had seen.
func (h *history) unseen(events []*event) (out []*event) {
	for _, e := range events {
		if !slices.ContainsFunc(events, func(f *event) bool {
			return f != e && slices.ContainsFunc(slices.Collect(maps.Keys(f.seen)), func(id int) bool { return &h.events[id] == e })
		}) {
			out = append(out, e)
		}
	}
	return out
}

// row is the model of a row below the record: present if it was written in its
// present life.
func (h *history) row(s *site, name string) (sampleRow, bool) {
	r := sampleRow{
		Qty:   last(h.visible(s, name, "Qty", "")).n,
		Stock: added(h.visible(s, name, "Stock", "")),
		High:  extreme(h.visible(s, name, "High", ""), 1),
	}
	return r, len(h.visible(s, name, "*", "*")) > 0
}

// value is the model: what a site must show for what it knows.
func (h *history) value(s *site) (v sample, ok bool) {
	of := func(field string) []*event { return h.visible(s, "", field, "") }
	v.Name, v.From, v.To = last(of("Name")).s, last(of("span")).n, last(of("span")).m
	v.First, v.Fixed = first(of("First")).n, first(of("Fixed")).n
	v.High, v.Low = extreme(of("High"), 1), extreme(of("Low"), -1)
	for _, e := range of("Tier") {
		v.Tier = max(v.Tier, e.s)
	}
	v.Keep, v.Stock = last(of("Keep")).n, added(of("Stock"))
	v.Note = last(h.unseen(of("Note"))).n
	v.Gone.Bits, v.Bits = uint8(either(of("Gone"))), uint8(either(of("Bits")))
	even := slices.DeleteFunc(of("Even"), func(e *event) bool { return e.n%2 != 0 })
	if v.Even = last(of("Even")).n; len(even) > 0 {
		v.Even = last(even).n
	}
	for _, k := range []string{"x", "y"} {
		if len(h.visible(s, "", "Seen", k)) > 0 {
			v.Seen = append(v.Seen, k)
		}
		if e := last(h.visible(s, "", "Tags", k)); e.field != "" && !e.deleted {
			v.Tags = append(v.Tags, k)
		}
		if e := last(h.visible(s, "", "Prefs", k)); e.field != "" && !e.deleted {
			if v.Prefs == nil {
				v.Prefs = map[string]int{}
			}
			v.Prefs[k] = e.n
		}
		if r, ok := h.row(s, "Lines."+k); ok {
			v.Lines = append(v.Lines, sampleLine{k, r})
		}
		if r, ok := h.row(s, "Cells."+k); ok {
			if v.Cells == nil {
				v.Cells = map[string]sampleRow{}
			}
			v.Cells[k] = r
		}
	}
	if r, ok := h.row(s, "Box"); ok {
		v.Box = &r
	}
	lives := h.lives(s, "")
	for id := range s.known {
		e := &h.events[id]
		ok = ok || e.lives[0] == lives[0] && (e.row != "" || !e.deleted || e.field != "")
	}
	return v, ok
}

// write makes one write at s, to the record and to the model, unless the model
// says that it would not show: then the record must refuse it.
func (h *history) write(t *rapid.T, s *site, e event, change func(*sample), refused bool) {
	before := s.rec.Clone()
	old, _ := s.rec.Get()
	e.lives = h.lives(s, e.row)
	err := s.rec.Update(s.writer(), set(change))
	if refused {
		we, ok := errors.AsType[*merge.WriteError](err)
		require.True(t, ok, "write of %+v over %+v: %v", e, old, err)
		require.NotEmpty(t, we.Path)
		require.True(t, s.rec.Equal(before))
		return
	}
	require.NoError(t, err)
	if s.rec.Equal(before) {
		return // nothing differed
	}
	h.record(s, e)
}

func (h *history) record(s *site, e event) { h.recordSeen(s, e, s.known) }

// recordSeen records an event of a writer that had seen others than the site.
func (h *history) recordSeen(s *site, e event, seen map[int]bool) {
	e.stamp = lww.Stamp{Time: s.clock.last, Replica: s.name}
	e.seen = maps.Clone(seen)
	s.known[len(h.events)] = true
	h.events = append(h.events, e)
}

// leaf draws a write to a field of one value.
func (h *history) leaf(t *rapid.T, s *site) {
	old, _ := s.rec.Get()
	n := rapid.IntRange(-1, 3).Draw(t, "n")
	isSet := func(field string) bool { return len(h.visible(s, "", field, "")) > 0 }
	field := rapid.SampledFrom([]string{
		"Name", "span", "First", "Fixed", "High", "Low", "Tier", "Keep", "Stock", "Note", "Even", "Gone", "Bits",
	}).Draw(t, "field")
	e := event{field: field, n: n}
	switch field {
	case "Name":
		e.s = fmt.Sprint(n)
		h.write(t, s, e, func(v *sample) { v.Name = e.s }, false)
	case "span":
		e.m = rapid.IntRange(0, 1).Draw(t, "m")
		h.write(t, s, e, func(v *sample) { v.From, v.To = n, e.m }, false)
	case "First":
		h.write(t, s, e, func(v *sample) { v.First = n }, old.First != n && (isSet(field) || n == 0))
	case "Fixed":
		h.write(t, s, e, func(v *sample) { v.Fixed = n }, old.Fixed != n && (isSet(field) || n == 0))
	case "High":
		h.write(t, s, e, func(v *sample) { v.High = n }, n < old.High && isSet(field))
	case "Low":
		h.write(t, s, e, func(v *sample) { v.Low = n }, n > old.Low && isSet(field))
	case "Tier":
		e.s = []string{"zzz", "", "a", "b", "c"}[n+1]
		h.write(t, s, e, func(v *sample) { v.Tier = e.s }, e.s == "zzz" || e.s < old.Tier)
	case "Keep":
		h.write(t, s, e, func(v *sample) { v.Keep = n }, n == 0 && old.Keep != 0)
	case "Stock":
		h.write(t, s, e, func(v *sample) { v.Stock += n }, false)
	case "Note":
		h.write(t, s, e, func(v *sample) { v.Note = n }, false)
	case "Even":
		h.write(t, s, e, func(v *sample) { v.Even = n }, n%2 != 0 && old.Even%2 == 0 && isSet(field))
	case "Gone":
		e.n = 1 << (n + 1)
		h.write(t, s, e, func(v *sample) { v.Gone.Bits |= uint8(e.n) }, false)
	case "Bits":
		e.n = 1 << (n + 1)
		h.write(t, s, e, func(v *sample) { v.Bits |= uint8(e.n) }, false)
	}
}

// entry draws a write to a set or a map of leaves.
func (h *history) entry(t *rapid.T, s *site) {
	k, n := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "n")
	old, _ := s.rec.Get()
	e := event{key: k, n: n, deleted: n == 0}
	drop := func(l []string) []string { return slices.DeleteFunc(l, func(s string) bool { return s == k }) }
	switch e.field = rapid.SampledFrom([]string{"Seen", "Tags", "Prefs"}).Draw(t, "field"); e.field {
	case "Seen":
		if e.deleted {
			h.write(t, s, e, func(v *sample) { v.Seen = drop(v.Seen) }, slices.Contains(old.Seen, k))
			return
		}
		h.write(t, s, e, func(v *sample) { v.Seen = append(drop(v.Seen), k) }, false)
	case "Tags":
		h.write(t, s, e, func(v *sample) {
			if v.Tags = drop(v.Tags); !e.deleted {
				v.Tags = append(v.Tags, k)
			}
		}, false)
	case "Prefs":
		h.write(t, s, e, func(v *sample) {
			if v.Prefs == nil {
				v.Prefs = map[string]int{}
			}
			if v.Prefs[k] = n; e.deleted {
				delete(v.Prefs, k)
			}
		}, false)
	}
}

// changeRow draws a write to a row, which exists or is to be made.
func changeRow(t *rapid.T, name string, r *sampleRow) (e event, refused bool) {
	n := rapid.IntRange(1, 3).Draw(t, "n")
	e = event{row: name, n: n}
	switch e.field = rapid.SampledFrom([]string{"Qty", "Stock", "High"}).Draw(t, "field"); e.field {
	case "Qty":
		r.Qty = n
	case "Stock":
		r.Stock += n
	case "High":
		refused = n < r.High
		r.High = n
	}
	return e, refused
}

// below draws a write to, or the delete of, a row below the record.
func (h *history) below(t *rapid.T, s *site) {
	k := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key")
	name := rapid.SampledFrom([]string{"Box", "Lines." + k, "Cells." + k}).Draw(t, "row")
	r, present := h.row(s, name)
	if present && rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
		h.write(t, s, event{row: name, deleted: true}, func(v *sample) {
			v.Lines = slices.DeleteFunc(v.Lines, func(l sampleLine) bool { return name == "Lines."+l.Key })
			maps.DeleteFunc(v.Cells, func(key string, _ sampleRow) bool { return name == "Cells."+key })
			if name == "Box" {
				v.Box = nil
			}
		}, false)
		return
	}
	e, refused := changeRow(t, name, &r)
	h.write(t, s, e, func(v *sample) {
		switch name[0] {
		case 'B':
			v.Box = &r
		case 'L':
			v.Lines = slices.DeleteFunc(v.Lines, func(l sampleLine) bool { return l.Key == k })
			v.Lines = append(v.Lines, sampleLine{k, r})
		case 'C':
			if v.Cells == nil {
				v.Cells = map[string]sampleRow{}
			}
			v.Cells[k] = r
		}
	}, refused)
}

// open shows the value to a user.
func open(t *rapid.T, s *site) {
	v, token := s.rec.Snapshot()
	text, err := token.MarshalText()
	require.NoError(t, err)
	f := form{value: v, known: maps.Clone(s.known)}
	require.NoError(t, f.token.UnmarshalText(text))
	s.forms = append(s.forms, f)
}

// save draws a change that a user makes to an old form. It applies to what the
// user saw, and is refused if the row was deleted since.
func (h *history) save(t *rapid.T, s *site) {
	if len(s.forms) == 0 {
		return
	}
	f := rapid.SampledFrom(s.forms).Draw(t, "form")
	then := &site{known: f.known}
	k := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "key")
	e := event{row: rapid.SampledFrom([]string{"", "", "Box", "Lines." + k}).Draw(t, "row"), n: rapid.IntRange(1, 3).Draw(t, "n")}
	next := copySample(f)
	if e.row == "" {
		switch e.field = rapid.SampledFrom([]string{"Name", "Note", "Stock"}).Draw(t, "field"); e.field {
		case "Name":
			e.s = next.Name + "'"
			next.Name = e.s
		case "Note":
			e.n += next.Note
			next.Note = e.n
		case "Stock":
			next.Stock += e.n
		}
	} else {
		r, present := h.row(then, e.row)
		e.deleted = present && rapid.Bool().Draw(t, "delete")
		if !e.deleted {
			e.field = "Stock"
			r.Stock += e.n
		}
		setRow(&next, e.row, k, &r, e.deleted)
	}
	e.lives = h.lives(then, e.row)
	before, clock := s.rec.Clone(), *s.clock
	err := s.rec.Apply(s.writer(), f.token, f.value, next)
	short := before.Clone()
	read, sent := shown(f.value, next)
	require.Equal(t, err, short.Apply(lww.Writer{Replica: s.name, Clock: &clock}, f.token, read, sent), "%+v of %+v", sent, read)
	require.True(t, s.rec.Equal(short), "%+v of %+v", sent, read)
	if lives := h.lives(s, e.row); e.deleted && lives[0] == e.lives[0] && lives != e.lives {
		if _, present := h.row(s, e.row); !present { // deleted already
			require.NoError(t, err)
			require.True(t, s.rec.Equal(before))
			return
		}
	}
	if h.lives(s, e.row) != e.lives {
		_, ok := errors.AsType[*merge.StaleError](err)
		require.True(t, ok, "%+v: %v", e, err)
		require.True(t, s.rec.Equal(before))
		return
	}
	require.NoError(t, err)
	h.recordSeen(s, e, f.known)
}

// shown returns read and next without the fields that are alike in both.
func shown(read, next sample) (sample, sample) {
	r, n := reflect.ValueOf(&read).Elem(), reflect.ValueOf(&next).Elem()
	for i := range r.NumField() {
		if reflect.DeepEqual(r.Field(i).Interface(), n.Field(i).Interface()) {
			r.Field(i).SetZero()
			n.Field(i).SetZero()
		}
	}
	return read, next
}

// copySample returns a second copy of what a form shows.
func copySample(f form) sample {
	v := f.value
	v.Lines = slices.Clone(v.Lines)
	if v.Box != nil {
		box := *v.Box
		v.Box = &box
	}
	return v
}

// setRow puts r into v, or deletes it.
func setRow(v *sample, name, k string, r *sampleRow, deleted bool) {
	if name == "Box" {
		if v.Box = r; deleted {
			v.Box = nil
		}
		return
	}
	v.Lines = slices.DeleteFunc(v.Lines, func(l sampleLine) bool { return l.Key == k })
	if !deleted {
		v.Lines = append(v.Lines, sampleLine{k, *r})
	}
}

func mergeSites(into, from *site) {
	into.rec.Merge(from.rec)
	maps.Copy(into.known, from.known)
}

// compact compacts s to a time that a matrix of all clocks would call safe: s
// has everything up to it, and nobody writes below it any more.
func (h *history) compact(t *rapid.T, s *site) {
	safe := s.clock.now
	for _, o := range h.sites {
		safe = min(safe, o.clock.now)
	}
	for id := range h.events {
		if e := &h.events[id]; !s.known[id] {
			safe = min(safe, e.stamp.Time-1)
		}
	}
	if len(s.known) > 0 && safe > 0 {
		require.NoError(t, s.rec.Compact(safe))
	}
}

func newHistory(p *merge.Plan[sample], names ...vclock.Replica) *history {
	h := &history{}
	for _, n := range names {
		h.sites = append(h.sites, &site{name: n, clock: &recorder{}, rec: p.NewRecord(), known: map[int]bool{}})
	}
	return h
}

// step draws one step of a history.
func (h *history) step(t *rapid.T) {
	s := rapid.SampledFrom(h.sites).Draw(t, "at")
	switch rapid.IntRange(0, 16).Draw(t, "step") {
	case 0, 1, 2, 3:
		h.leaf(t, s)
	case 4, 5:
		h.entry(t, s)
	case 6, 7, 8:
		h.below(t, s)
	case 9:
		if rapid.IntRange(0, 2).Draw(t, "really") == 0 {
			before := s.rec.Clone()
			require.NoError(t, s.rec.Delete(s.writer()))
			if !s.rec.Equal(before) { // it was there, or nobody had deleted it yet
				h.record(s, event{deleted: true})
			}
		}
	case 10:
		h.compact(t, s)
	case 11:
		open(t, s)
	case 12, 13:
		h.save(t, s)
	default:
		mergeSites(s, rapid.SampledFrom(h.sites).Draw(t, "from"))
	}
	h.check(t, s)
}

func (h *history) check(t require.TestingT, s *site) {
	want, ok := h.value(s)
	got, exists := s.rec.Get()
	require.Equal(t, ok, exists)
	slices.SortFunc(got.Lines, func(a, b sampleLine) int { return cmp.Compare(a.Key, b.Key) })
	require.Equal(t, want, got)
}

// TestRecordHistories drives three replicas through random histories of
// writes, deletes, writes after deletes, forms saved late, merges and
// compactions. After every
// step the replica shows what the model says, and in the end all have the same
// bytes in whatever order they merge.
func TestRecordHistories(t *testing.T) {
	p := samplePlan(t)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(p, "eu", "us", "ap")
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			before := []*merge.Record[sample]{h.sites[0].rec.Clone(), h.sites[1].rec.Clone(), h.sites[2].rec.Clone()}
			h.step(t)
			for i, s := range h.sites {
				requireSince(t, before[i], s.rec)
			}
		}
		requireJoin(t, h.sites[0].rec, h.sites[1].rec, h.sites[2].rec)
		for i, s := range h.sites {
			requireSince(t, s.rec, h.sites[(i+1)%3].rec)
		}
		for _, s := range h.sites {
			for _, from := range h.sites {
				mergeSites(s, from)
			}
		}
		for _, s := range h.sites {
			for _, from := range slices.Backward(h.sites) {
				mergeSites(s, from)
			}
			h.check(t, s)
			reread(t, p, s.rec)
			require.True(t, s.rec.Equal(h.sites[0].rec))
		}
	})
}

// requireJoin checks that Merge is a join on three states, and leaves its
// argument alone.
func requireJoin[T any](t require.TestingT, a, b, c *merge.Record[T]) {
	join := func(x, y *merge.Record[T]) *merge.Record[T] {
		z, before := x.Clone(), y.Clone()
		changed := z.Merge(y)
		require.True(t, y.Equal(before), "argument changed")
		require.Equal(t, !z.Equal(x), changed, "what Merge reports")
		return z
	}
	ab := join(a, b)
	require.True(t, ab.Equal(join(b, a)), "commutative")
	require.True(t, join(ab, c).Equal(join(a, join(b, c))), "associative")
	require.True(t, join(ab, b).Equal(ab), "idempotent")
	require.True(t, join(a, a).Equal(a), "idempotent")
}

// TestRecordSharedIdentity has two replicas write under one name, as no
// program may. What they show is anybody's guess, but Merge stays a join.
func TestRecordSharedIdentity(t *testing.T) {
	p := samplePlan(t)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(p, "eu", "eu", "us")
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			s := rapid.SampledFrom(h.sites).Draw(t, "at")
			n := rapid.IntRange(1, 3).Draw(t, "n")
			change := func(v *sample) {
				v.Name, v.From, v.Low, v.Stock, v.Note, v.Tags = fmt.Sprint(n), n, v.Low-n, v.Stock+n, n, []string{fmt.Sprint(n)}
				v.Gone.Bits |= uint8(n)
				v.Even, v.Prefs = 2*n, map[string]int{"p": n}
				v.Lines = []sampleLine{{fmt.Sprint(n % 2), sampleRow{Qty: n}}}
				if v.Fixed == 0 {
					v.Fixed, v.First = n, n
				}
			}
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				require.NoError(t, s.rec.Delete(s.writer()))
			case 1:
				if at := s.rec.Latest(); at > 0 {
					require.NoError(t, s.rec.Compact(at-1))
				}
			case 2:
				s.rec.Merge(rapid.SampledFrom(h.sites).Draw(t, "from").rec)
			default:
				require.NoError(t, s.rec.Update(s.writer(), set(change)))
			}
			requireJoin(t, h.sites[0].rec, h.sites[1].rec, h.sites[2].rec)
		}
	})
}
