package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// What decodes is a state: it has these bytes and no others, merges into an
// empty state as it is, and reads without panic.
func FuzzGCounter(f *testing.F) {
	f.Add([]byte("\x03\x0c\x00"))
	f.Add([]byte("\x03\x0c\x02\x02eu\x01\x02us\xac\x02"))
	f.Add([]byte("\x03\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
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
		_, _ = x.Total()
		text, err := x.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, y.UnmarshalJSON(text))
		require.True(t, x.Equal(&y))
	})
}

func FuzzBoundedCounter(f *testing.F) {
	f.Add([]byte("\x03\x0d\x00\x00\x00\x00"))
	f.Add(encoded(f, goldenBounded()))
	f.Add(encoded(f, crdt.AtMost(100)))
	f.Add([]byte("\x03\x0d\x00\x00\x02\x01a\x01\x00\x01b\x01\x00\x01\x00\x01\x00\x01\x01\x00")) // taken nothing
	f.Fuzz(func(t *testing.T, data []byte) {
		var x, y crdt.BoundedCounter
		if x.UnmarshalBinary(data) != nil {
			return
		}
		require.Equal(t, data, encoded(t, &x))
		y.Merge(&x)
		require.True(t, x.Equal(&y))
		n, _ := x.Total()
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

// fuzzCausal checks what decodes into x: it has these bytes and no others, in
// JSON it is the same state, it merges into y, an empty state, as it is, and it can
// be used.
func fuzzCausal[S interface {
	crdt.State[S]
	UnmarshalBinary(data []byte) error
	MarshalBinary() ([]byte, error)
	UnmarshalJSON(p []byte) error
	MarshalJSON() ([]byte, error)
	MergeBinary(data []byte) (bool, error)
	Verify(o S) error
	Stats() crdt.Stats
	LastOf(r vclock.Replica) uint64
}](t *testing.T, data []byte, x, y, z S, use func(S),
) {
	t.Helper()
	if x.UnmarshalBinary(data) != nil {
		_, err := y.MergeBinary(data)
		require.Error(t, err)
		require.True(t, y.Equal(z))
		return
	}
	b, err := x.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, b)
	y.Merge(x)
	require.True(t, x.Equal(y))
	_, err = z.MergeBinary(data)
	require.NoError(t, err)
	require.True(t, x.Equal(z))
	require.NoError(t, x.Verify(z))
	require.Equal(t, len(data), x.Stats().Bytes)
	text, err := x.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalJSON(text), "%s", text)
	require.True(t, x.Equal(y), "%s", text)
	if x.LastOf("eu") > 1<<47 || x.LastOf("fuzz") > 1<<47 {
		return // the last number of a replica cannot be followed by another
	}
	use(x)
	b, err = x.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalBinary(b))
	require.True(t, x.Equal(y))
}

func seed(f *testing.F, states ...interface{ MarshalBinary() ([]byte, error) }) {
	f.Helper()
	for _, s := range states {
		b, err := s.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
	}
}

func FuzzPNCounter(f *testing.F) {
	seed(f, new(crdt.PNCounter), goldenPNCounter())
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(crdt.PNCounter), new(crdt.PNCounter), new(crdt.PNCounter), func(c *crdt.PNCounter) {
			_, _ = c.Total()
			c.Add("fuzz", 1)
			c.Reset("eu")
			c.Add("eu", -1)
		})
	})
}

func FuzzEWFlag(f *testing.F) {
	seed(f, new(crdt.EWFlag), goldenEWFlag())
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(crdt.EWFlag), new(crdt.EWFlag), new(crdt.EWFlag), func(f *crdt.EWFlag) {
			f.Disable("eu")
			f.Enable("eu")
			require.True(t, f.Enabled())
		})
	})
}

func FuzzDWFlag(f *testing.F) {
	seed(f, new(crdt.DWFlag), goldenDWFlag())
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(crdt.DWFlag), new(crdt.DWFlag), new(crdt.DWFlag), func(f *crdt.DWFlag) {
			f.Enable("eu")
			f.Disable("eu")
			require.False(t, f.Enabled())
		})
	})
}

func FuzzMVRegister(f *testing.F) {
	seed(f, new(crdt.MVRegister[string]), goldenMVRegister("blue", "red"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(crdt.MVRegister[string]), new(crdt.MVRegister[string]), new(crdt.MVRegister[string]),
			func(m *crdt.MVRegister[string]) {
				_, err := m.Set("eu", "new")
				require.NoError(t, err)
				require.Equal(t, 1, m.Len())
			})
	})
}

func FuzzMVRegisterJSON(f *testing.F) {
	type value = map[string]int
	seed(f, new(crdt.MVRegister[value]), goldenMVRegister(value{"a": 1}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(crdt.MVRegister[value]), new(crdt.MVRegister[value]), new(crdt.MVRegister[value]),
			func(m *crdt.MVRegister[value]) { m.Clear("eu") })
	})
}

func FuzzCountersInMap(f *testing.F) {
	var m counters
	countAt(&m, "us", "k", 3)
	m.Delete("eu", "k")
	countAt(&m, "eu", "l", 4)
	seed(f, new(counters), &m)
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzCausal(t, data, new(counters), new(counters), new(counters), func(m *counters) {
			m.Delete("eu", "k")
			countAt(m, "eu", "k", 5)
			n, _ := valueAt(m, "k")
			require.Equal(t, int64(5), n)
		})
	})
}
