package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// What decodes is a state: it has these bytes and no others, merges into an
// empty state as it is, and reads without panic.
func FuzzGCounter(f *testing.F) {
	f.Add([]byte("\x01\x00"))
	f.Add([]byte("\x01\x02\x02eu\x01\x02us\xac\x02"))
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var x, y crdt.GCounter
		if x.UnmarshalBinary(data) != nil {
			return
		}
		b, err := x.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, b)
		y.Merge(&x)
		require.True(t, x.Equal(&y))
		_, _ = x.Value()
		text, err := x.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, y.UnmarshalJSON(text))
		require.True(t, x.Equal(&y))
	})
}

func FuzzBoundedCounter(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00"))
	f.Add(encoded(f, goldenBounded()))
	f.Add(encoded(f, crdt.AtMost(100)))
	f.Add([]byte("\x01\x00\x00\x02\x01a\x01\x00\x01b\x01\x00\x01\x00\x01\x00\x01\x01\x00")) // taken nothing
	f.Fuzz(func(t *testing.T, data []byte) {
		var x, y crdt.BoundedCounter
		if x.UnmarshalBinary(data) != nil {
			return
		}
		require.Equal(t, data, encoded(t, &x))
		y.Merge(&x)
		require.True(t, x.Equal(&y))
		n, _ := x.Value()
		if at, upper := x.Bound(); upper {
			require.LessOrEqual(t, n, at)
		} else {
			require.GreaterOrEqual(t, n, at)
		}
		text, err := x.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, y.UnmarshalJSON(text))
		require.True(t, x.Equal(&y))
		for r := range x.Holders() {
			_, _ = x.Transfer(r, "fuzz", 1)
			_, _ = x.Sub(r, 1)
			_, _ = x.Reclaim(r, "fuzz")
			_, _ = x.Add(r, 1)
		}
		require.NoError(t, y.UnmarshalBinary(encoded(t, &x)))
	})
}
