package resolver_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestContextEqual tells contexts apart by whatever they say.
func TestContextEqual(t *testing.T) {
	var all []resolver.Context
	for _, text := range []string{
		`{}`, `{"found":true}`, `{"epoch":"1"}`, `{"epoch":"1","of":"1"}`, `{"past":{"eu":"1"}}`, `{"past":{"eu":"2"}}`,
		`{"dot":"1970-01-01T00:00:00.000000001Z@eu"}`, `{"dot":"1970-01-01T00:00:00.000000001Z@us"}`,
	} {
		var c resolver.Context
		require.NoError(t, c.UnmarshalJSON([]byte(text)))
		all = append(all, c)
	}
	for i, c := range all {
		for j, d := range all {
			require.Equal(t, i == j, c.Equal(d), "%v %v", c, d)
		}
	}
}

// TestContextRefused reads bytes and JSON that no context has, and those at the limit.
func TestContextRefused(t *testing.T) {
	with := func(n uint64) []byte {
		clock, err := vclock.Clock{}.With("eu", n).MarshalBinary()
		require.NoError(t, err)
		return slices.Concat([]byte{1, 0, 0, 0, byte(len(clock))}, clock)
	}
	was := resolver.Context{}
	c := was
	require.NoError(t, c.UnmarshalBinary(with(1<<63-1)))
	c = was
	require.ErrorContains(t, c.UnmarshalBinary(with(1<<63)), "time 9223372036854775808 is out of range")
	broken := with(1)
	broken[5] = 99
	require.ErrorContains(t, c.UnmarshalBinary(broken), "resolver: decode Context: ")
	flags := with(1)
	flags[1] = 4
	require.ErrorContains(t, c.UnmarshalBinary(flags), "unknown flags 0x4")
	for text, want := range map[string]string{
		`{"of":"1"}`:        "versions of epoch 1 were shown in epoch 0",
		`{"epoch":"0"}`:     "is not a positive number in decimal digits",
		`{"epoch":"01"}`:    "is not a positive number in decimal digits",
		`{"epoch":1}`:       `member "epoch"`,
		`{"found":false}`:   "is not true",
		`{"past":null}`:     "no clock",
		`{"past":{}}`:       "no clock",
		`{"past":{"eu":1}}`: `member "past"`,
		`{"dot":5}`:         `member "dot"`,
		`{"more":5}`:        "unknown member",
		`{"past":{"eu":"9"},"dot":"1970-01-01T00:00:00.000000009Z@eu"}`: "is in the past",
	} {
		require.ErrorContains(t, c.UnmarshalJSON([]byte(text)), want, text)
	}
	require.NoError(t, c.UnmarshalJSON([]byte("null")))
	require.True(t, c.Equal(was), "unchanged")
	require.NoError(t, c.UnmarshalJSON([]byte(`{"past":{"eu":"8"},"dot":"1970-01-01T00:00:00.000000009Z@eu"}`)))
}
