package cell

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
)

// TestIsPlace takes for a place what writing again what was read gives, and nothing else.
func TestIsPlace(t *testing.T) {
	piece := rapid.SampledFrom([]string{"", "\x00", "\x01", "\x02", "\x03\x02", "\x80", "\x81\x00", "\x80\x01", "\x02eu", "\x00\x02us", "\x00\x02eu", "\x01\x01"})
	places := 0
	for seed := range 20_000 {
		at := func(i int) string { return piece.Example(seed*4 + i) }
		text := at(0) + at(1) + at(2) + at(3)
		c := &Cell{Value: text, Stamp: lww.Stamp{Time: 1, Replica: "eu"}}
		p := ReadPlace(c)
		want := text == "" || len(p) > 0 && string(p.Append(nil, "eu")) == text &&
			!slices.ContainsFunc(p, func(l Level) bool { return !l.Replica.IsValid() })
		require.Equal(t, want, isPlace(c), "%q", text)
		if want {
			places++
		}
	}
	require.Greater(t, places, 500)
}
