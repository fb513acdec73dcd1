package int128_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/int128"
)

// TestSums adds and subtracts as package big does.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, want := int128.Int{}, new(big.Int)
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				n := rapid.Int64().Draw(t, "n")
				x = x.Add(n)
				want.Add(want, big.NewInt(n))
			case 1:
				n := rapid.Uint64().Draw(t, "n")
				x = x.AddUint(n)
				want.Add(want, new(big.Int).SetUint64(n))
			case 2:
				n := rapid.Int64().Draw(t, "n")
				x = x.Minus(int128.Of(n))
				want.Sub(want, big.NewInt(n))
			default:
				n := rapid.Uint64().Draw(t, "n")
				x = x.Minus(int128.OfUint(n))
				want.Sub(want, new(big.Int).SetUint64(n))
			}
		}
		require.Equal(t, want.Sign() < 0, x.Negative())
		n, exact := x.Int64()
		require.Equal(t, want.IsInt64(), exact)
		if exact {
			require.Equal(t, want.Int64(), n)
		} else {
			require.Equal(t, map[bool]int64{true: math.MinInt64, false: math.MaxInt64}[want.Sign() < 0], n)
		}
		u, exact := x.Uint64()
		require.Equal(t, want.IsUint64(), exact)
		if exact {
			require.Equal(t, want.Uint64(), u)
		} else {
			require.Equal(t, map[bool]uint64{true: 0, false: math.MaxUint64}[want.Sign() < 0], u)
		}
	})
}
