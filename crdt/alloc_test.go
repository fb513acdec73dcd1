package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// TestSetAllocs: a delta that is dropped costs no allocation, one that is kept
// costs one, and merging equal states none.
func TestSetAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep mutators from being inlined")
	}
	var s crdt.ORSet[string]
	var w crdt.RWSet[string]
	var kept *crdt.ORSet[string]
	seen := s.Context()
	s.Add("a", "x")
	w.Add("a", "x")
	o := s.Clone()
	s.Merge(o)
	for _, test := range []struct {
		name string
		f    func()
		want float64
	}{
		{"ORSet.Add", func() { s.Add("a", "x") }, 0},
		{"ORSet.Add and Remove", func() { s.Add("a", "y"); s.Remove("a", "y") }, 0},
		{"ORSet.RemoveSeen", func() { _, _ = s.RemoveSeen("a", seen, "x") }, 0},
		{"ORSet.Contains", func() { s.Contains("x") }, 0},
		{"ORSet.Merge", func() { s.Merge(o) }, 0},
		{"ORSet.Add, kept", func() { kept = s.Add("a", "x") }, 1},
		{"RWSet.Add", func() { w.Add("a", "x") }, 0},
		{"RWSet.Remove", func() { w.Remove("a", "x") }, 0},
		{"RWSet.AddSeen", func() { _, _ = w.AddSeen("a", seen, "x") }, 0},
	} {
		require.Equal(t, test.want, testing.AllocsPerRun(100, test.f), "%s", test.name)
	}
	require.NotNil(t, kept)
}
