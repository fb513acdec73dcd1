package resolvertest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/resolver/resolvertest"
)

type (
	ticketV1 struct {
		Title string
		Seats int8
		Note  string
	}
	ticketV2 struct {
		Seats int64
		Title string
		Tags  []string
	}
	ticketV3 struct { // cannot read the seats of others
		Title string
		Seats string
	}
)

// TestEvolution checks a pair of types that may run side by side, and tells one that
// may not.
func TestEvolution(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "p"})
	one := rapid.Custom(func(t *rapid.T) ticketV1 {
		return ticketV1{word.Draw(t, "title"), rapid.Int8().Draw(t, "seats"), word.Draw(t, "note")}
	})
	two := rapid.Custom(func(t *rapid.T) ticketV2 {
		return ticketV2{int64(rapid.Int8().Draw(t, "seats")), word.Draw(t, "title"), rapid.SliceOfN(word, 0, 2).Draw(t, "tags")}
	})
	resolvertest.CheckEvolution(t, one, two)
	err := resolvertest.Evolve[ticketV1, ticketV3](ticketV1{"p", 7, ""})
	require.ErrorContains(t, err, "field Seats: stored int")
	require.NoError(t, resolvertest.Evolve[ticketV1, ticketV3](ticketV1{"p", 0, "kept"}))
}
