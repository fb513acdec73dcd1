package crdt_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

type point struct {
	X, Y int16
	Tag  string
}

type (
	inner   = crdt.ORMap[int8, *crdt.RWSet[string]]
	deepMap = crdt.ORMap[string, *inner]
)

// goldenORSet has what the layout distinguishes: an element added twice at once,
// a removed one, a gap, a page with few live dots and a full one, elements that share and do
// not.
func goldenORSet() *crdt.ORSet[string] {
	var x, y crdt.ORSet[string]
	for i := range 260 {
		x.Add("eu", string(rune('a'+i%26))+string(rune('0'+i/26)))
	}
	x.Remove("eu", "c0")
	for i := 130; i < 259; i++ {
		x.Remove("eu", string(rune('a'+i%26))+string(rune('0'+i/26)))
	}
	y.Add("us", "lost")
	y.Add("us", "a0")
	y.Add("us", "a0 with a tail that is long enough for another byte")
	x.Merge(y.Add("us", "\xff"))
	x.Merge(y.Add("us", "a0"))
	return &x
}

func goldenRWSet() *crdt.RWSet[int64] {
	var x, y crdt.RWSet[int64]
	for _, n := range []int64{0, -1, 1 << 40, 7} {
		x.Add("eu", n)
	}
	y.Merge(&x)
	x.Remove("eu", 7)
	y.Add("us", 7)
	y.Remove("us", 9)
	x.Merge(&y)
	return &x
}

func goldenORMap() *deepMap {
	var m deepMap
	m.Update("eu", "cart", func(v *inner) {
		v.Update("eu", 1, func(s *crdt.RWSet[string]) { s.Add("eu", "milk") })
		v.Update("eu", -1, func(s *crdt.RWSet[string]) { s.Add("eu", "eggs"); s.Remove("eu", "milk") })
	})
	m.Update("us", "", func(v *inner) {
		v.Update("us", 0, func(s *crdt.RWSet[string]) { s.Add("us", "") })
	})
	m.Delete("us", "nothing")
	return &m
}

func TestSetGolden(t *testing.T) {
	golden(t, "orset", goldenORSet(), new(crdt.ORSet[string]))
	golden(t, "orset_empty", new(crdt.ORSet[string]), new(crdt.ORSet[string]))
	golden(t, "rwset", goldenRWSet(), new(crdt.RWSet[int64]))
	golden(t, "ormap", goldenORMap(), new(deepMap))
	var points crdt.ORSet[point]
	points.Add("eu", point{1, -1, "home"})
	points.Add("eu", point{1, -1, "host"})
	golden(t, "orset_struct", &points, new(crdt.ORSet[point]))
	text, err := goldenORSet().Context().MarshalText()
	require.NoError(t, err)
	require.Equal(t, "AwACAmV1kAgCdXMBAgAAAAE", string(text))
}

// fuzzState checks what decodes: it has these bytes and no others, comes back
// from JSON, merges as bytes as it does as a state, and can be changed.
func fuzzState[S state[S]](t *testing.T, fresh func() S, data []byte, touch func(S)) {
	t.Helper()
	x, y := fresh(), fresh()
	err := x.UnmarshalBinary(data)
	fuzzUsed(t, fresh, data, err)
	changed, merr := y.MergeBinary(data)
	require.Equal(t, err == nil, merr == nil, "%v, %v", err, merr)
	if err != nil {
		require.False(t, changed)
		require.True(t, y.Equal(fresh()))
		return
	}
	require.True(t, x.Equal(y))
	b, err := x.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, b)
	text, err := x.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalJSON(text))
	require.True(t, x.Equal(y))
	require.False(t, x.Merge(y))
	z := x.Clone()
	touch(z)
	changed, err = z.MergeBinary(data)
	require.NoError(t, err)
	require.False(t, changed)
	y.Merge(z)
	require.True(t, y.Equal(z))
}

// fuzzUsed checks that decoding data into a state that was decoded into before is what it is
// into a new one, which has returned err.
func fuzzUsed[S state[S]](t *testing.T, fresh func() S, data []byte, err error) {
	t.Helper()
	used := fresh()
	before, merr := used.MarshalBinary()
	require.NoError(t, merr)
	for range 3 {
		require.NoError(t, used.UnmarshalBinary(before))
		uerr := used.UnmarshalBinary(data)
		after, merr := used.MarshalBinary()
		require.NoError(t, merr)
		if err != nil {
			require.EqualError(t, uerr, err.Error())
			require.Equal(t, before, after)
			continue
		}
		require.NoError(t, uerr)
		require.Equal(t, data, after)
		x := fresh()
		require.NoError(t, x.UnmarshalBinary(data))
		require.True(t, used.Equal(x))
	}
}

// fuzzJSON checks that JSON which is read is a state.
func fuzzJSON[S state[S]](t *testing.T, fresh func() S, text []byte) {
	t.Helper()
	x, y := fresh(), fresh()
	if x.UnmarshalJSON(text) != nil {
		return
	}
	data, err := x.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalBinary(data))
	require.True(t, x.Equal(y))
}

func FuzzORSet(f *testing.F) {
	f.Add(encoded(f, goldenORSet()))
	f.Add(encoded(f, new(crdt.ORSet[string])))
	f.Add([]byte("\x02\x01\x01\x02eu\x02\x00\x01\x00\x00\x02\x01\x02\x04\x01a\x11b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzState(t, func() *crdt.ORSet[string] { return new(crdt.ORSet[string]) }, data, func(s *crdt.ORSet[string]) {
			for e := range s.All() {
				require.True(t, s.Contains(e))
				s.Remove("fuzz", e)
				require.False(t, s.Contains(e))
				s.Add("fuzz", e)
				break
			}
			require.Equal(t, s.Len(), s.Stats().Elements)
		})
	})
}

func FuzzORSetInt(f *testing.F) {
	var s crdt.ORSet[int8]
	s.Add("eu", 127)
	s.Add("eu", -128)
	f.Add(encoded(f, &s))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzState(t, func() *crdt.ORSet[int8] { return new(crdt.ORSet[int8]) }, data, func(*crdt.ORSet[int8]) {})
	})
}

func FuzzORSetStruct(f *testing.F) {
	var s crdt.ORSet[point]
	s.Add("eu", point{1, 2, "x"})
	f.Add(encoded(f, &s))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzState(t, func() *crdt.ORSet[point] { return new(crdt.ORSet[point]) }, data, func(*crdt.ORSet[point]) {})
	})
}

func FuzzRWSet(f *testing.F) {
	f.Add(encoded(f, goldenRWSet()))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzState(t, func() *crdt.RWSet[int64] { return new(crdt.RWSet[int64]) }, data, func(s *crdt.RWSet[int64]) {
			s.Clear("fuzz")
			require.Zero(t, s.Len())
		})
	})
}

func FuzzORMap(f *testing.F) {
	f.Add(encoded(f, goldenORMap()))
	f.Add(encoded(f, new(deepMap)))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzState(t, func() *deepMap { return new(deepMap) }, data, func(m *deepMap) {
			for key, v := range m.All() {
				require.NotZero(t, v.Len())
				require.True(t, v.Clone().Equal(v))
				m.Delete("fuzz", key)
				require.False(t, m.Contains(key))
				break
			}
		})
	})
}

func FuzzSetJSON(f *testing.F) {
	for _, x := range []json.Marshaler{goldenORSet(), goldenRWSet(), goldenORMap()} {
		text, err := x.MarshalJSON()
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fuzzJSON(t, func() *crdt.ORSet[string] { return new(crdt.ORSet[string]) }, text)
		fuzzJSON(t, func() *crdt.RWSet[int64] { return new(crdt.RWSet[int64]) }, text)
		fuzzJSON(t, func() *deepMap { return new(deepMap) }, text)
	})
}

func FuzzContext(f *testing.F) {
	f.Add(encoded(f, goldenORSet().Context()))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c crdt.Context
		if c.UnmarshalBinary(data) != nil {
			return
		}
		require.Equal(t, data, encoded(t, c))
		text, err := c.MarshalText()
		require.NoError(t, err)
		var d crdt.Context
		require.NoError(t, d.UnmarshalText(text))
		require.Equal(t, data, encoded(t, d))
	})
}
