package crdttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
)

type (
	guestV1 struct {
		Name  string
		Seats int8
		Note  string
	}
	guestV2 struct {
		Seats int64
		Title string `rejoin:"name=Name"`
		Tags  []string
	}
	guestV3 struct { // cannot read the seats of others
		Name  string
		Seats string
	}
	guestV4 struct { // has another field under a name that is in use
		Name string
		Note []string
	}
)

// TestEvolution checks a pair of types that may run side by side, and tells those that
// may not.
func TestEvolution(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "p", "q"})
	one := rapid.Custom(func(t *rapid.T) guestV1 {
		return guestV1{word.Draw(t, "name"), rapid.Int8Range(0, 2).Draw(t, "seats"), word.Draw(t, "note")}
	})
	two := rapid.Custom(func(t *rapid.T) guestV2 {
		return guestV2{int64(rapid.Int8().Draw(t, "seats")), word.Draw(t, "name"), rapid.SliceOfN(word, 0, 2).Draw(t, "tags")}
	})
	crdttest.CheckEvolution(t, one, two)
	require.ErrorContains(t, crdttest.FindEvolution(one, rapid.Just(guestV3{})), "field Seats: stored int")
	require.ErrorContains(t, crdttest.FindEvolution(one, rapid.Just(guestV4{})), "field Note: stored string")
}
