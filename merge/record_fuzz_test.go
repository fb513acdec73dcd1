package merge_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// fullSample returns a record that holds something of every kind, siblings,
// facts and versions beside each other included.
func fullSample(tb testing.TB, p *merge.Plan[sample]) *merge.Record[sample] {
	tb.Helper()
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(tb, a.Delete(writer("ap")))
	b.Merge(a)
	fill := func(n int) func(*sample) {
		return func(s *sample) {
			*s = sample{
				Name: "n\xff", From: n, First: n, Fixed: n, High: -n, Low: n, Tier: "b", Keep: n, Stock: -n, Seen: []string{"x"},
				Tags: []string{"x", "y"}, Note: n, Even: n, Gone: lattice{uint8(n)}, Bits: uint8(n), Prefs: map[string]int{"p": 1 << 30},
				Box: &sampleRow{Qty: n}, Lines: []sampleLine{{"k", sampleRow{Stock: 1}}}, Cells: map[string]sampleRow{"": {High: n}},
			}
		}
	}
	require.NoError(tb, a.Update(writer("eu"), set(fill(1))))
	require.NoError(tb, b.Update(writer("us"), set(fill(2))))
	require.NoError(tb, b.Update(writer("us"), set(func(s *sample) { s.Tags, s.Prefs, s.Lines, s.Box = nil, nil, nil, nil })))
	a.Merge(b)
	return a
}

// requireSound checks that a decoded state is one that merges, shows, reports
// and encodes.
func requireSound(t *testing.T, p *merge.Plan[sample], r *merge.Record[sample]) {
	t.Helper()
	empty := p.NewRecord()
	empty.Merge(r)
	require.True(t, empty.Equal(r))
	require.False(t, r.Merge(empty))
	full := fullSample(t, p)
	requireJoin(t, r, full, empty)
	full.Explain(r)
	r.Changed(full)
	_ = r.Check()
	for path := range r.Unknown() {
		r.Clone().Forget(path)
	}
	r.Stamp("Lines.k.Qty")
	v, token := r.Snapshot()
	text, err := token.MarshalText()
	require.NoError(t, err)
	var back merge.Token
	require.NoError(t, back.UnmarshalText(text))
	next := v
	next.Name += "!"
	if v.Name += ""; r.Apply(lww.Writer{Replica: "zz", Clock: &ticks{now: r.Latest()}}, back, v, next) == nil {
		got, _ := r.Get()
		require.Equal(t, next.Name, got.Name)
	}
	reread(t, p, r)
}

func FuzzRecordUnmarshalBinary(f *testing.F) {
	p := samplePlan(f)
	empty, full := p.NewRecord(), fullSample(f, p)
	for _, r := range []*merge.Record[sample]{empty, full} {
		b, err := r.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := p.NewRecord()
		if r.UnmarshalBinary(b) == nil {
			requireSound(t, p, r)
		}
	})
}

func FuzzRecordUnmarshalJSON(f *testing.F) {
	p := samplePlan(f)
	empty, full := p.NewRecord(), fullSample(f, p)
	for _, r := range []*merge.Record[sample]{empty, full} {
		b, err := r.MarshalJSON()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := p.NewRecord()
		if r.UnmarshalJSON(b) == nil {
			requireSound(t, p, r)
		}
	})
}

func FuzzTokenUnmarshalText(f *testing.F) {
	p, older := samplePlan(f), recordPlan(f, merge.Options[oldSample]{})
	for _, r := range []*merge.Record[sample]{p.NewRecord(), fullSample(f, p)} {
		_, token := r.Snapshot()
		b, err := token.MarshalText()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var token merge.Token
		if token.UnmarshalText(b) != nil {
			return
		}
		back, err := token.MarshalText()
		require.NoError(t, err)
		if !bytes.Equal(b, back) {
			t.Fatalf("accepted %q, which encodes as %q", b, back)
		}
		full := fullSample(t, p)
		applyToken(t, full, token, func(s *sample) { s.Name, s.Note, s.Lines = "!", 9, nil })
		applyToken(t, exchange(t, full, older), token, func(s *oldSample) { s.Name, s.Lines = "!", nil })
	})
}

// applyToken saves a form with a token that nobody gave out.
func applyToken[T any](t *testing.T, r *merge.Record[T], token merge.Token, change func(*T)) {
	t.Helper()
	before := r.Clone()
	read, _ := r.Get()
	next, _ := r.Get()
	change(&next)
	if r.Apply(lww.Writer{Replica: "zz", Clock: &ticks{now: r.Latest()}}, token, read, next) != nil {
		require.True(t, r.Equal(before))
	}
}

// TestRecordHostile changes every byte of an encoding, and cuts it everywhere.
func TestRecordHostile(t *testing.T) {
	p := samplePlan(t)
	full := fullSample(t, p)
	b, err := full.MarshalBinary()
	require.NoError(t, err)
	for i := range b {
		r := p.NewRecord()
		require.Error(t, r.UnmarshalBinary(b[:i]), "cut at %d", i)
		require.True(t, r.Equal(p.NewRecord()))
		for _, c := range []byte{0, 1, b[i] + 1, b[i] ^ 0x80, 0xff} {
			m := bytes.Clone(b)
			m[i] = c
			if r := p.NewRecord(); r.UnmarshalBinary(m) == nil {
				again, err := r.MarshalBinary()
				require.NoError(t, err)
				back := p.NewRecord()
				require.NoError(t, back.UnmarshalBinary(again))
				require.True(t, back.Equal(r))
			}
		}
	}
	require.ErrorContains(t, p.NewRecord().UnmarshalBinary(append(bytes.Clone(b), 0)), "trailing")
}
