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
