package merge_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

type (
	queue struct {
		Jobs  []job `merge:"keyed=ID"`
		Notes map[string]note
	}
	job struct {
		ID   string
		Done bool
		Name string
		By   string
	}
	note struct{ Text string }
)

// A worker is a member with one record, and what it collects by.
type worker struct {
	rec              *merge.Record[queue]
	m                *vclock.Matrix
	clock            *hlc.Clock
	deleted, reading uint64
}

func newWorkers(p *merge.Plan[queue], now *hlc.Timestamp, names ...vclock.Replica) []*worker {
	out := make([]*worker, len(names))
	for i, name := range names {
		out[i] = &worker{
			rec: p.NewRecord(), m: vclock.NewMatrix(name, names...),
			clock: &hlc.Clock{Physical: now.Time},
		}
	}
	return out
}

func (w *worker) writer() lww.Writer { return lww.Writer{Replica: w.m.Owner(), Clock: w.clock} }

// from merges what another worker sends.
func (w *worker) from(t *testing.T, o *worker) {
	t.Helper()
	now := o.clock.Now()
	o.m.Record(uint64(now))
	w.rec.Merge(o.rec)
	require.NoError(t, w.clock.Advance(max(now, o.rec.Latest())))
	_, err := w.m.Merge(o.m)
	require.NoError(t, err)
	w.m.Record(uint64(w.clock.Now()))
}

// collect forgets under the pair that was taken last, if that may be used, and takes another.
func (w *worker) collect(t *testing.T) {
	t.Helper()
	if w.m.Floor() >= w.reading {
		require.NoError(t, w.rec.CompactRows(hlc.Timestamp(w.deleted), hlc.Timestamp(w.m.Floor())))
		w.deleted, w.reading = w.m.Horizon()
	}
}

// TestRowsDoNotGrow adds and removes 100,000 lines by three members who collect: what is
// left takes at most 1.2 times the bytes of a record that never held more.
func TestRowsDoNotGrow(t *testing.T) {
	const batch = 100
	rounds := 1000 // REJOIN_EXHAUSTIVE has ten times as many
	if os.Getenv("REJOIN_EXHAUSTIVE") > "0" {
		rounds *= 10
	}
	if raceEnabled {
		rounds = 100
	}
	now := hlc.Timestamp(1) << 40
	p := merge.MustCompile(merge.Options[queue]{Record: true})
	all := newWorkers(p, &now, "ap", "eu", "us")
	fill := func(q *queue, round int) error {
		q.Jobs, q.Notes = q.Jobs[:0], map[string]note{}
		for i := range batch / 2 {
			id := fmt.Sprintf("job-%07d", round*batch/2+i)
			q.Jobs = append(q.Jobs, job{ID: id, Name: "resize"})
			q.Notes[id] = note{"x"}
		}
		return nil
	}
	exchange := func() {
		for range 2 {
			for i, w := range all {
				w.from(t, all[(i+1)%len(all)])
			}
		}
		for _, w := range all {
			w.collect(t)
		}
	}
	largest := 0
	for round := range rounds {
		now += 1 << 20
		w := all[round%len(all)]
		require.NoError(t, w.rec.Update(w.writer(), func(q *queue) error { return fill(q, round) }))
		if round%10 == 9 {
			exchange()
			data, err := all[0].rec.MarshalBinary()
			require.NoError(t, err)
			largest = max(largest, len(data))
		}
	}
	for range 3 {
		now += 1 << 20
		exchange()
	}
	plain := p.NewRecord()
	left, _ := all[0].rec.Get()
	require.NoError(t, plain.Update(all[0].writer(), func(q *queue) error { *q = left; return nil }))
	want, err := plain.MarshalBinary()
	require.NoError(t, err)
	for _, w := range all {
		data, err := w.rec.MarshalBinary()
		require.NoError(t, err)
		require.LessOrEqual(t, 10*len(data), 12*len(want), "%d bytes for %d", len(data), len(want))
		got, _ := w.rec.Get()
		require.Equal(t, left, got)
	}
	require.Less(t, largest, 60*len(want), "what was deleted in two rounds of ten batches")
}

// TestCompactRows shows what one is told who edits a row that was forgotten meanwhile, and
// who makes it again.
func TestCompactRows(t *testing.T) {
	p := merge.MustCompile(merge.Options[queue]{Record: true})
	r := p.NewRecord()
	w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
	add := func(q *queue) error {
		q.Jobs = append(q.Jobs, job{ID: "a"})
		q.Notes = map[string]note{"n": {}}
		return nil
	}
	require.ErrorContains(t, r.CompactRows(2, 1), "deleted")
	require.ErrorContains(t, r.CompactRows(1, 1), "empty")
	require.NoError(t, r.Update(w, add))
	read, token := r.Snapshot()
	old := r.Clone()
	require.NoError(t, r.Update(w, func(q *queue) error { *q = queue{}; return nil }))
	_, tokenOfNone := r.Snapshot()
	h := r.Latest()
	require.NoError(t, r.CompactRows(h, h))
	require.NoError(t, r.CompactRows(h-1, h), "one that is earlier changes nothing")
	require.ErrorContains(t, r.CompactRows(h, hlc.Max), "no write could follow")

	edited := queue{Jobs: []job{{ID: "a", Done: true}}, Notes: read.Notes}
	var stale *merge.StaleError
	require.ErrorAs(t, r.Apply(w, token, read, edited), &stale)
	require.Equal(t, "Jobs.a", stale.Path)
	require.Equal(t, lww.Stamp{Time: h}, stale.Life)
	require.ErrorContains(t, stale, "Jobs.a was deleted after it was read, or has not arrived here: deletes up to")
	require.ErrorAs(t, r.Apply(w, token, read, queue{}), &stale, "nor can it be deleted: it may not have arrived")

	require.False(t, r.Merge(old), "what was sent before does not come back")
	require.NoError(t, r.Apply(w, tokenOfNone, queue{}, queue{Jobs: []job{{ID: "a"}}}))
	again, tokenOfAgain := r.Snapshot()
	require.Equal(t, []job{{ID: "a"}}, again.Jobs)
	require.ErrorAs(t, r.Apply(w, token, read, edited), &stale, "it was made again since")
	edited.Notes = nil
	require.NoError(t, r.Apply(w, tokenOfAgain, again, edited))
	require.False(t, r.Merge(old))
	got, _ := r.Get()
	require.Equal(t, edited.Jobs, got.Jobs)
	require.False(t, errors.Is(stale, merge.ErrOverflow))
}

// TestOpenLives merges a row that was made where its delete is forgotten with what those
// have who still know it.
func TestOpenLives(t *testing.T) {
	p := merge.MustCompile(merge.Options[queue]{Record: true})
	clock := new(hlc.Clock)
	eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	write := func(r *merge.Record[queue], w lww.Writer, jobs ...job) {
		t.Helper()
		require.NoError(t, r.Update(w, func(q *queue) error { q.Jobs = jobs; return nil }))
	}
	a := p.NewRecord()
	write(a, eu, job{ID: "a", By: "ann"})
	late := a.Clone()
	write(a, eu)
	b := a.Clone()
	h := a.Latest()
	require.NoError(t, a.CompactRows(h, h))
	before := a.Clone()
	write(a, eu, job{ID: "a", Name: "x"})
	write(b, us, job{ID: "a", Done: true})
	delta := a.Since(before)

	both := []job{{ID: "a", Name: "x", Done: true}}
	for name, merged := range map[string][]*merge.Record[queue]{
		"states":               {a, b},
		"states, other way":    {b, a},
		"delta":                {b, delta},
		"delta first":          {delta, b},
		"late message":         {b, late, delta, late},
		"late message, states": {b, late, a, late},
	} {
		r := p.NewRecord()
		for _, o := range merged {
			r.Merge(o)
		}
		got, _ := r.Get()
		require.Equal(t, both, got.Jobs, name)
	}
	require.NotEmpty(t, b.Changed(a))
	require.True(t, b.Explain(a).Changes != nil)

	write(b, us)
	for _, r := range []*merge.Record[queue]{b.Clone(), a.Clone()} {
		r.Merge(a)
		r.Merge(b)
		got, _ := r.Get()
		require.Empty(t, got.Jobs, "a later delete is one of that row")
	}
}

// TestTwoTimes is why rows are forgotten under two times: us changes a job that it has not
// heard is deleted, and what it sent then arrives after all have forgotten the delete.
func TestTwoTimes(t *testing.T) {
	p := merge.MustCompile(merge.Options[queue]{Record: true})
	clock := new(ticks)
	eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	a := p.NewRecord()
	require.NoError(t, a.Update(eu, func(q *queue) error { q.Jobs = []job{{ID: "a", Name: "x"}}; return nil }))
	b := a.Clone()
	require.NoError(t, a.Update(eu, func(q *queue) error { q.Jobs = nil; return nil }))
	deleted := a.Latest()
	require.NoError(t, b.Update(us, func(q *queue) error { q.Jobs[0].Done = true; return nil }))
	late := b.Clone()
	require.Greater(t, late.Latest(), deleted)
	b.Merge(a)

	early := b.Clone()
	require.NoError(t, early.CompactRows(deleted, deleted), "before the floor has come up to the change")
	require.True(t, early.Merge(late))
	require.NoError(t, b.CompactRows(deleted, late.Latest()))
	require.False(t, b.Merge(late))
	got, _ := early.Get()
	require.Len(t, got.Jobs, 1, "the job is back")
	got, _ = b.Get()
	require.Empty(t, got.Jobs)
}

// TestRowsWithoutAStamp makes a row that holds nothing in a row that all have seen: what has no
// stamp of its own is not forgotten with that.
func TestRowsWithoutAStamp(t *testing.T) {
	type box struct{ Size int }
	type line struct {
		SKU, Name string
		Box       *box
	}
	type cart struct {
		Lines []line `merge:"keyed=SKU"`
	}
	p := merge.MustCompile(merge.Options[cart]{Record: true})
	for name, write := range map[string]func(r *merge.Record[cart], w lww.Writer) error{
		"update": func(r *merge.Record[cart], w lww.Writer) error {
			return r.Update(w, func(c *cart) error { c.Lines[0].Box = &box{}; return nil })
		},
		"touch": func(r *merge.Record[cart], w lww.Writer) error { return r.Touch(w, "Lines.x.Box") },
	} {
		clock := new(ticks)
		eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
		a := p.NewRecord()
		require.NoError(t, a.Update(eu, func(c *cart) error { c.Lines = []line{{SKU: "x", Name: "n"}}; return nil }))
		b := a.Clone()
		require.NoError(t, a.CompactRows(a.Latest(), a.Latest()))
		require.NoError(t, write(b, us), name)
		c := a.Clone()
		before := c.Clone()
		require.NoError(t, write(c, us), name)
		delta := c.Since(before)
		for _, merged := range [][2]*merge.Record[cart]{{a.Clone(), b}, {b.Clone(), a}, {a.Clone(), delta}} {
			merged[0].Merge(merged[1])
			got, _ := merged[0].Get()
			require.NotNil(t, got.Lines[0].Box, name)
		}
	}
}

// TestMapBecomesList reads entries that hold nothing, and so have no place, as a list: what is
// put in front of them, and a swap, are where they were put.
func TestMapBecomesList(t *testing.T) {
	type old struct{ L map[string]note }
	type element struct{ ID, Text string }
	type list struct {
		L []element `merge:"keyed=ID"`
	}
	w := lww.Writer{Replica: "eu", Clock: new(ticks)}
	r := merge.MustCompile(merge.Options[old]{Record: true}).NewRecord()
	require.NoError(t, r.Update(w, func(v *old) error { v.L = map[string]note{"x": {}, "y": {}}; return nil }))
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	for _, want := range [][]element{{{ID: "n"}, {ID: "x"}, {ID: "y"}}, {{ID: "y"}, {ID: "x"}}, {{ID: "x"}, {ID: "n"}, {ID: "y"}}} {
		s := merge.MustCompile(merge.Options[list]{Record: true}).NewRecord()
		require.NoError(t, s.UnmarshalBinary(data))
		require.NoError(t, s.Update(w, func(v *list) error { v.L = want; return nil }))
		got, _ := s.Get()
		require.Equal(t, want, got.L)
	}
}

// TestTokenWithAnOpenLife refuses a token with what only a record has.
func TestTokenWithAnOpenLife(t *testing.T) {
	data, err := hex.DecodeString("04000200026575020100010102014d0d014e0d01010001016b03010101016104")
	require.NoError(t, err)
	require.ErrorContains(t, new(merge.Token).UnmarshalBinary(data), "a value in a token")
}
