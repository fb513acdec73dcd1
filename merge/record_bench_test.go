package merge_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// mixedRecords returns the record of a mixed struct, decoded apart so that the
// two share no memory, and one that both sides of it were written to.
func mixedRecords(tb testing.TB) (p *merge.Plan[mixed], a, same, other *merge.Record[mixed]) {
	tb.Helper()
	p = recordPlan(tb, merge.Options[mixed]{})
	a = p.NewRecord()
	eu := lww.Writer{Replica: "eu", Clock: &ticks{now: 1_795_000_000_123_456_789}}
	us := lww.Writer{Replica: "us", Clock: &ticks{now: 1_795_000_005_987_654_321}}
	require.NoError(tb, a.Update(eu, set(func(m *mixed) { *m = newMixed() })))
	other = a.Clone()
	require.NoError(tb, a.Update(eu, set(func(m *mixed) { m.Email, m.Stock, m.Lines[1].Qty = "ada@example.org", 98, 5 })))
	require.NoError(tb, other.Update(us, set(func(m *mixed) { m.Visits, m.Stock, m.Address.City = 13, 97, "Bath" })))
	a.Merge(other)
	b, err := a.MarshalBinary()
	require.NoError(tb, err)
	same = p.NewRecord()
	require.NoError(tb, same.UnmarshalBinary(b))
	return p, a, same, other
}

// BenchmarkRecord measures records of the mixed struct; the baselines are
// comparing and encoding its bare value.
func BenchmarkRecord(b *testing.B) {
	p, a, same, other := mixedRecords(b)
	v, _ := a.Get()
	w, _ := same.Get()
	enc, err := a.MarshalBinary()
	require.NoError(b, err)
	js, err := json.Marshal(v)
	require.NoError(b, err)
	buf := make([]byte, 0, 2*len(enc))
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
	run("merge/equal", func() { a.Merge(same) })
	run("merge/dominated", func() { a.Merge(other) })
	run("merge/diverged", func() {
		c := other.Clone()
		c.Merge(a)
	})
	run("reflect.DeepEqual", func() { _ = reflect.DeepEqual(v, w) })
	run("Value", func() { v, _ = a.Get() })
	writer := writer("eu")
	run("Update/nothing", func() { _ = a.Update(writer, func(*mixed) error { return nil }) })
	run("Update/field", func() {
		_ = a.Clone().Update(writer, func(m *mixed) error { m.Visits++; return nil })
	})
	run("Explain", func() { _ = other.Explain(a) })
	run("AppendBinary", func() { buf, _ = a.AppendBinary(buf[:0]) })
	run("json.Marshal", func() { _, _ = json.Marshal(v) })
	run("UnmarshalBinary", func() { _ = p.NewRecord().UnmarshalBinary(enc) })
	run("json.Unmarshal", func() { _ = json.Unmarshal(js, new(mixed)) })
	b.Logf("bytes: record %d, JSON of the bare value %d", len(enc), len(js))
}

// TestRecordSize keeps the record, with all stamps, below the JSON of its bare
// value.
func TestRecordSize(t *testing.T) {
	_, a, _, _ := mixedRecords(t)
	enc, err := a.MarshalBinary()
	require.NoError(t, err)
	js, err := json.Marshal(value(t, a))
	require.NoError(t, err)
	require.Less(t, len(enc), len(js))
}

// TestRecordAllocs merges what is known already.
func TestRecordAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage allocates")
	}
	p, a, same, other := mixedRecords(t)
	require.Zero(t, testing.AllocsPerRun(100, func() { a.Merge(same) }), "equal")
	require.Zero(t, testing.AllocsPerRun(100, func() { a.Merge(other) }), "dominated")
	w, change := writer("eu"), set(func(m *mixed) { m.Visits++ })
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = a.Clone().Update(w, change) }), 12.0, "a field, and a copy of the value")
	if raceEnabled {
		return // memory is not always used again
	}
	buf := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf, _ = a.AppendBinary(buf[:0]) }))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = p.NewRecord().UnmarshalBinary(buf) }), 12.0, "the cells of each row and field")
}
