package merge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// ticks is a clock that the test sets: each time is one more than the last.
type ticks struct{ now hlc.Timestamp }

func (c *ticks) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	if after > c.now+1000 { // ahead, as of a clock that refuses to be dragged along
		return after + 1, nil
	}
	c.now = max(c.now, after) + 1
	return c.now, nil
}

func writer(r vclock.Replica) lww.Writer {
	return lww.Writer{Replica: r, Clock: &ticks{}}
}

func recordPlan[T any](tb testing.TB, opts merge.Options[T]) *merge.Plan[T] {
	tb.Helper()
	opts.Record = true
	p, err := merge.Compile(opts)
	require.NoError(tb, err)
	return p
}

// set returns a callback for Update that never fails.
func set[T any](f func(*T)) func(*T) error {
	return func(v *T) error {
		f(v)
		return nil
	}
}

// reread returns what is left of a record that went through its encodings.
func reread[T any](t require.TestingT, p *merge.Plan[T], r *merge.Record[T]) *merge.Record[T] {
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	fromBinary := p.NewRecord()
	require.NoError(t, fromBinary.UnmarshalBinary(b))
	require.True(t, fromBinary.Equal(r))
	b2, err := fromBinary.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, b2)
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	fromJSON := p.NewRecord()
	require.NoError(t, fromJSON.UnmarshalJSON(js), "%s", js)
	require.True(t, fromJSON.Equal(r), "%s", js)
	return fromBinary
}

func value[T any](t require.TestingT, r *merge.Record[T]) T {
	v, ok := r.Get()
	require.True(t, ok)
	return v
}

func TestRecordMixed(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	eu, us := writer("eu"), writer("us")
	a := p.NewRecord()
	want := newMixed()
	want.Seen = want.Seen.UTC()
	require.NoError(t, a.Update(eu, set(func(m *mixed) { *m = newMixed() })))
	require.ElementsMatch(t, want.Tags, value(t, a).Tags)
	want.Tags = value(t, a).Tags
	require.Equal(t, want, value(t, a))

	b := reread(t, p, a)
	require.False(t, b.Merge(a))
	require.NoError(t, a.Update(eu, set(func(m *mixed) {
		m.Email, m.Stock, m.Lines[1].Qty = "ada@example.org", 98, 5
		m.Prefs["theme"] = "light"
		delete(m.Prefs, "tz")
		m.Lines = append(m.Lines, mixedLine{SKU: "new"})
	})))
	require.NoError(t, b.Update(us, set(func(m *mixed) {
		m.Visits, m.Stock, m.Seen, m.Address.City, m.Gift = 13, 97, time.Unix(5, 0), "Bath", nil
		m.Lines = m.Lines[1:]
	})))
	ab, ba := a.Clone(), b.Clone()
	require.True(t, ab.Merge(b))
	require.True(t, ba.Merge(a))
	require.True(t, ab.Equal(ba))
	require.False(t, ab.Merge(ba))
	got := value(t, reread(t, p, ab))
	want.Email, want.Stock, want.Visits, want.Seen, want.Address.City, want.Gift = "ada@example.org", 95, 13, time.Unix(5, 0).UTC(), "Bath", nil
	delete(want.Prefs, "tz")
	want.Prefs["theme"] = "light"
	want.Lines = append(want.Lines[1:], mixedLine{SKU: "new"})
	want.Lines[0].Qty = 5
	require.Equal(t, want, got)
}

func TestRecordCallbackFails(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	r := p.NewRecord()
	failed := errors.New("no")
	require.ErrorIs(t, r.Update(writer("eu"), func(m *mixed) error { m.Name = "x"; return failed }), failed)
	require.True(t, r.Equal(p.NewRecord()))
	require.NoError(t, r.Update(writer("eu"), set(func(*mixed) {})))
	require.True(t, r.Equal(p.NewRecord()))
}
