package merge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// requireSince requires that what b has and a has not makes of a what b would, and
// is nothing that b does not hold.
func requireSince[T any](t require.TestingT, a, b *merge.Record[T]) {
	want, got, same, fromBytes := a.Clone(), a.Clone(), b.Clone(), a.Clone()
	want.Merge(b)
	delta := b.Since(a)
	got.Merge(delta)
	require.True(t, got.Equal(want), "a delta has not the effect of the record")
	require.False(t, same.Merge(delta), "a delta has more than the record")
	data, err := delta.MarshalBinary()
	require.NoError(t, err)
	changed, err := fromBytes.MergeBinary(data)
	require.NoError(t, err)
	require.Equal(t, !a.Equal(want), changed)
	require.True(t, fromBytes.Equal(want), "the bytes of a delta have not the effect of the delta")
	_, err = fromBytes.MergeBinary(data[:len(data)-1])
	require.Error(t, err)
	require.True(t, fromBytes.Equal(want), "damaged bytes changed a record")
}

type tagged struct {
	Name string
	City string
	Tags []string `merge:"set"`
}

// TestRecordSinceSize: one field of a record of a thousand tags travels alone.
func TestRecordSinceSize(t *testing.T) {
	t.Parallel()
	p := recordPlan(t, merge.Options[tagged]{})
	r := p.NewRecord()
	w := writer("eu")
	require.NoError(t, r.Update(w, func(v *tagged) error {
		v.Name, v.City = "Ann", "Bath"
		for i := range 1000 {
			v.Tags = append(v.Tags, fmt.Sprintf("tag-%06d", i))
		}
		return nil
	}))
	peer := r.Clone()
	require.NoError(t, r.Update(w, set(func(v *tagged) { v.City = "London" })))
	delta := r.Since(peer)
	data, err := delta.MarshalBinary()
	require.NoError(t, err)
	whole, err := r.MarshalBinary()
	require.NoError(t, err)
	t.Logf("one field takes %d bytes, the record %d", len(data), len(whole))
	require.LessOrEqual(t, len(data), 64)
	got := p.NewRecord()
	require.NoError(t, got.UnmarshalBinary(data))
	require.True(t, peer.Merge(got))
	require.True(t, peer.Equal(r))

	none, err := r.Since(r.Clone()).MarshalBinary()
	require.NoError(t, err)
	empty, err := p.NewRecord().MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, empty, none)
}

// TestRecordSinceRemovalInARow: who hears only that an element of a row was removed knows
// that there is such a row, and not yet what else is in it.
func TestRecordSinceRemovalInARow(t *testing.T) {
	p := recordPlan(t, merge.Options[partsDoc]{})
	eu := p.NewRecord()
	w := writer("eu")
	require.NoError(t, eu.Update(w, set(func(v *partsDoc) { v.Lines = []partsLine{{Key: "y", Qty: 2, Tags: []string{"x"}}} })))
	made := eu.Clone()
	require.NoError(t, eu.Update(w, set(func(v *partsDoc) { v.Lines[0].Tags = nil })))
	us := p.NewRecord()
	us.Merge(reread(t, p, eu.Since(made)))
	require.Equal(t, []partsLine{{Key: "y"}}, value(t, us).Lines)
	us.Merge(made)
	require.True(t, us.Equal(eu))
	require.Equal(t, []partsLine{{Key: "y", Qty: 2}}, value(t, us).Lines)
}

// TestRecordSinceHorizon: what was forgotten is no delta: where the horizons differ, all of the record is sent.
func TestRecordSinceHorizon(t *testing.T) {
	p := recordPlan(t, merge.Options[tagged]{})
	old := p.NewRecord()
	w := writer("eu")
	require.NoError(t, old.Update(w, set(func(v *tagged) { v.Name, v.Tags = "Ann", []string{"a", "b"} })))
	require.NoError(t, old.Update(w, set(func(v *tagged) { v.Tags = []string{"a"} })))
	for _, compact := range []func(*merge.Record[tagged]) error{
		func(r *merge.Record[tagged]) error { return r.Compact(2) },
		func(r *merge.Record[tagged]) error { return r.CompactRows(1, 2) },
	} {
		r := old.Clone()
		require.NoError(t, compact(r))
		require.True(t, r.Since(old).Equal(r))
		require.True(t, old.Since(r).Equal(old))
		requireSince(t, old, r)
		old = r
		require.NoError(t, r.Clone().Update(w, set(func(v *tagged) { v.City = "Bath" })))
		require.Zero(t, r.Since(r.Clone()).Horizon(), "a delta has none")
	}
}

// A replica sends what it wrote, and later what a peer has not acknowledged, instead of
// whole records.
func ExampleRecord_Since() {
	plan := merge.MustCompile(merge.Options[tagged]{Record: true})
	eu, us := plan.NewRecord(), plan.NewRecord()
	w := writer("eu")
	edit := func(f func(*tagged)) {
		if err := eu.Update(w, func(v *tagged) error { f(v); return nil }); err != nil {
			panic(err)
		}
	}
	edit(func(v *tagged) { v.Name, v.Tags = "Ann", []string{"new", "vip"} })
	us.Merge(eu)
	acknowledged := eu.Clone() // what us is known to have

	edit(func(v *tagged) { v.City = "Bath" }) // a message that is lost
	edit(func(v *tagged) { v.Tags = []string{"vip"} })
	delta := eu.Since(acknowledged)
	us.Merge(delta)
	v, _ := us.Get()
	fmt.Println(v.Name, v.City, v.Tags, us.Equal(eu))
	// Output: Ann Bath [vip] true
}
