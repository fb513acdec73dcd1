package vclock_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// deploy carries a set to a program of another version, in bytes or in JSON.
func deploy[V, W any](t *testing.T, from *vclock.DVVSet[V], text bool) *vclock.DVVSet[W] {
	t.Helper()
	data, err := from.MarshalBinary()
	require.NoError(t, err)
	to := new(vclock.DVVSet[W])
	if text {
		doc, err := from.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, to.UnmarshalJSON(doc))
	} else {
		require.NoError(t, to.UnmarshalBinary(data))
	}
	again, err := to.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again, "another version writes other bytes")
	return to
}

// TestDVVSetEvolution follows a value through V1, V2, V1 and V2, where it meets a
// concurrent one: nothing is lost.
func TestDVVSetEvolution(t *testing.T) {
	type one struct {
		Name string `json:"name"`
		Age  int8
	}
	type two struct {
		Level *int
		Age   int64
		Full  string `json:"full" rejoin:"name=name"`
	}
	level := 3
	for _, text := range []bool{false, true} {
		a := new(vclock.DVVSet[one])
		_, err := a.Put("eu", vclock.Clock{}, one{"Ann", 30})
		require.NoError(t, err)
		b := deploy[one, two](t, a, text)
		_, err = b.Put("eu", b.Context(), two{&level, 31, "Ann"})
		require.NoError(t, err)
		_, err = b.Put("us", a.Context(), two{nil, 32, "Bob"})
		require.NoError(t, err)

		a = deploy[two, one](t, b, text)
		all := slices.Collect(a.Values())
		require.Equal(t, []one{{"Ann", 31}, {"Bob", 32}}, all)
		seen := vclock.Clock{}.With("eu", 2)
		_, err = a.Put("eu", seen, one{"Ann", 40}) // knows of Ann only
		require.NoError(t, err)

		b = deploy[one, two](t, a, text)
		require.Equal(t, []two{{&level, 40, "Ann"}, {nil, 32, "Bob"}}, slices.Collect(b.Values()))
	}
}

// TestDVVSetUnreadable: a value that V cannot hold is refused, or kept by who asks for
// that, and stops nothing else.
func TestDVVSetUnreadable(t *testing.T) {
	var a vclock.DVVSet[string]
	_, err := a.Put("eu", vclock.Clock{}, "x")
	require.NoError(t, err)
	data, err := a.MarshalBinary()
	require.NoError(t, err)
	doc, err := a.MarshalJSON()
	require.NoError(t, err)
	several := a.Clone()
	_, err = several.Put("us", vclock.Clock{}, "y")
	require.NoError(t, err)
	two, err := several.MarshalBinary()
	require.NoError(t, err)
	require.ErrorContains(t, new(vclock.DVVSet[int]).UnmarshalBinary(two), "key eu:1", "the first of them")

	var b vclock.DVVSet[int]
	_, err = b.MergeBinary(data)
	for _, err := range []error{b.UnmarshalBinary(data), b.UnmarshalJSON(doc), err} {
		require.ErrorIs(t, err, content.ErrUnreadable)
		require.Zero(t, b)
	}
	for _, in := range [][]byte{data, doc} {
		var b, c vclock.DVVSet[int]
		require.ErrorIs(t, b.UnmarshalLenient(in), content.ErrUnreadable)
		changed, err := c.MergeLenient(in)
		require.True(t, changed)
		require.ErrorContains(t, err, "unreadable value of key eu:1: stored string, want int")
		require.True(t, b.Equal(&c))
		require.Empty(t, slices.Collect(b.Values()))
		require.Equal(t, 1, b.Len())
		require.ErrorIs(t, b.Check(), content.ErrUnreadable)
		again, err := b.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, again)
		_, err = b.Put("us", b.Context(), 5)
		require.NoError(t, err)
		require.NoError(t, b.Check())
		require.Equal(t, "[5]", b.String())
	}
}

// TestDVVSetJSONByValue: a set in a struct has its JSON there.
func TestDVVSetJSONByValue(t *testing.T) {
	type row struct{ Versions vclock.DVVSet[string] }
	var r row
	_, err := r.Versions.Put("eu", vclock.Clock{}, "x")
	require.NoError(t, err)
	doc, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"Versions":{"past":{"eu":"1"},"siblings":[{"dot":"eu:1","value":"x"}]}}`, string(doc))
}
