package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
)

// twopset returns a set with some elements present and some removed.
func twopset(present, removed []string) *crdt.TwoPSet[string] {
	s := new(crdt.TwoPSet[string])
	for _, e := range slices.Concat(present, removed) {
		s.Add(e)
	}
	for _, e := range removed {
		s.Remove(e)
	}
	return s
}

func TestTwoPSet(t *testing.T) {
	var eu, us crdt.TwoPSet[string]
	added := eu.Add("order 1")
	us.Merge(added)
	gone := us.Remove("order 1")

	require.True(t, eu.Merge(gone))
	require.Equal(t, 0, eu.Len())
	require.True(t, eu.Removed("order 1"))
	require.False(t, eu.Contains("order 1"))

	require.True(t, eu.Add("order 1").Equal(new(crdt.TwoPSet[string])), "removing is final")
	require.True(t, us.Remove("order 2").Equal(new(crdt.TwoPSet[string])), "what is absent cannot be removed")
	require.False(t, us.Removed("order 2"))
	require.True(t, eu.Equal(&us))

	require.Equal(t, []int{1, 0}, []int{added.Len(), gone.Len()})
	require.True(t, gone.Removed("order 1"))
	require.True(t, added.Contains("order 1"))
	require.False(t, added.Equal(gone))
	require.True(t, added.Merge(gone))
	require.True(t, added.Equal(gone))
}

func TestTwoPSetGolden(t *testing.T) {
	golden(t, "twopset", twopset([]string{"us", ""}, []string{"eu", "asia"}), new(crdt.TwoPSet[string]))
	golden(t, "twopset_empty", new(crdt.TwoPSet[string]), new(crdt.TwoPSet[string]))
}

func TestTwoPSetRefusesBytes(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "unexpected end of input"},
		{"unknown version", "\x04\x00\x00", "unknown format version 4"},
		{"one list", "\x03\x0a\x00", "unexpected end of input"},
		{"removed not sorted", "\x03\x0a\x00\x02\x01b\x01a", "key 61 does not follow 62"},
		{"in both lists", "\x03\x0a\x01\x01a\x01\x01a", `"a" is both present and removed`},
		{"trailing bytes", "\x03\x0a\x00\x00\x00", "1 trailing bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := twopset([]string{"p"}, []string{"q"})
			require.ErrorContains(t, s.UnmarshalBinary([]byte(tt.data)), tt.want)
			require.True(t, s.Equal(twopset([]string{"p"}, []string{"q"})), "an error leaves the receiver alone")
		})
	}
}

func TestTwoPSetRefusesJSON(t *testing.T) {
	for _, text := range []string{`[]`, `{"present":null}`, `{"present":["p"],"removed":["p"]}`, `{"more":[]}`, `{"present":[1],"removed":[]}`, `{"present":[],"removed":[1]}`, `{"present":[]}`, `{"removed":[]}`, `{"present":[],"removed":[],"more":[]}`} {
		s := twopset([]string{"p"}, nil)
		require.ErrorIs(t, s.UnmarshalJSON([]byte(text)), crdt.ErrDamaged, text)
		require.True(t, s.Contains("p"))
	}
	require.ErrorContains(t, new(crdt.TwoPSet[string]).UnmarshalJSON([]byte(`{"present":[]}`)), `decode TwoPSet: no member "removed"`)
}

func FuzzTwoPSet(f *testing.F) {
	f.Add(bytesOf(f, twopset(nil, nil)))
	f.Add(bytesOf(f, twopset([]string{"p", "q", ""}, []string{"r"})))
	f.Fuzz(func(t *testing.T, p []byte) {
		require.NoError(t, crdttest.Decode(func() *crdt.TwoPSet[string] { return twopset([]string{"p"}, []string{"q"}) }, p))
	})
}

// A delta that nobody looks at is free.
func TestTwoPSetAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep mutators from being inlined")
	}
	x := twopset([]string{"p"}, []string{"q"})
	y := x.Clone()
	delta := x.Remove("q")
	for name, f := range map[string]func(){
		"Add":         func() { x.Add("p") },
		"Remove":      func() { x.Remove("q") },
		"Contains":    func() { _ = x.Contains("p") },
		"Merge delta": func() { y.Merge(delta) },
		"Merge state": func() { y.Merge(x) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}
