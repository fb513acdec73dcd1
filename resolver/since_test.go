package resolver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/resolver"
)

// TestSinceLeavesOutOthers: a large version that nothing happened to does not travel with
// one beside it, and what a peer has needs no bytes but an empty set's.
func TestSinceLeavesOutOthers(t *testing.T) {
	t.Parallel()
	eu, us := newRegion("eu", 1<<20), newRegion("us", 2<<20)
	_, err := us.set.Write(us.writer(), resolver.Context{}, strings.Repeat("x", 1000))
	require.NoError(t, err)
	eu.set.Merge(us.set)
	acknowledged := eu.set.Clone()
	require.Zero(t, eu.set.Since(acknowledged).Len())

	wrote, err := eu.set.Write(eu.writer(), resolver.Context{}, "b")
	require.NoError(t, err)
	delta := eu.set.Since(acknowledged)
	require.Equal(t, []resolver.Version[string]{wrote.Version}, delta.Versions())
	data, err := delta.MarshalBinary()
	require.NoError(t, err)
	require.Less(t, len(data), 100)

	require.True(t, us.set.Merge(delta))
	require.True(t, us.set.Equal(eu.set))
	_, err = us.set.Write(us.writer(), us.set.Context(), "both")
	require.NoError(t, err)
	require.True(t, eu.set.Merge(us.set.Since(eu.set)))
	require.True(t, us.set.Equal(eu.set))
}

// TestSinceHasWhatWritersHadSeen: a delta is a set of its own, which knows of all that the
// writers of its versions had been shown, though nothing of that is new to the peer.
func TestSinceHasWhatWritersHadSeen(t *testing.T) {
	t.Parallel()
	check := func(s, old *resolver.Siblings[string]) *resolver.Siblings[string] {
		t.Helper()
		delta := s.Since(old)
		data, err := delta.MarshalBinary()
		require.NoError(t, err)
		var decoded resolver.Siblings[string]
		require.NoError(t, decoded.UnmarshalBinary(data))
		merged := old.Clone()
		merged.Merge(&decoded)
		require.True(t, merged.Equal(s))
		return delta
	}
	// A version that nothing happened to comes before the one that is new.
	line := write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "a")
	line = write(t, line, at("us", 2), line.Context(), "b")
	old := join(line, write(t, &resolver.Siblings[string]{}, at("ap", 2), resolver.Context{}, "beside"))
	delta := check(join(old, write(t, line, at("us", 10), line.Context(), "c")), old)
	require.Equal(t, "eu:1,us:10", delta.Clock().String())

	// Two write over one version of a conflict. The peer has heard of one of them.
	conflict := join(write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "a"), write(t, &resolver.Siblings[string]{}, at("us", 2), resolver.Context{}, "b"))
	r, _ := manual()
	seen := resolve(t, r, conflict).Context
	old = join(conflict, write(t, conflict, at("af", 11), seen, "d"))
	delta = check(join(old, write(t, conflict, at("ap", 10), seen, "c")), old)
	require.Equal(t, "ap:10,us:2", delta.Clock().String())

	// One writes over an edit in a conflict, and its version carries on what that was made from.
	row := write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "a")
	old = join(row, write(t, &resolver.Siblings[string]{}, at("ap", 2), resolver.Context{}, "beside"))
	_, err := old.Edit(at("us", 3), row.Context(), "a", "b")
	require.NoError(t, err)
	delta = check(write(t, old, at("us", 10), resolve(t, r, old).Context, "c"), old)
	require.Equal(t, "eu:1,us:10", delta.Clock().String())
}

// A replica sends what it wrote, and later what a peer has not acknowledged, instead of
// whole sets.
func ExampleSiblings_Since() {
	var eu, us resolver.Siblings[string]
	w := writer("eu")
	acknowledged := us.Clone() // what us is known to have

	first, err := eu.Write(w, resolver.Context{}, "new") // a message that is lost
	if err != nil {
		panic(err)
	}
	if _, err := eu.Write(w, first.Context, "paid"); err != nil {
		panic(err)
	}
	us.Merge(eu.Since(acknowledged))
	fmt.Println(us.Versions()[0].Value, us.Equal(&eu))
	// Output: paid true
}
