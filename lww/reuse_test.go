package lww_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// requireReused checks that used, which states were decoded into before, takes data as a
// new state does, and that with an error it stays as it is.
func requireReused[S any, P coded[S]](t require.TestingT, used P, data []byte) {
	var fresh S
	werr := P(&fresh).UnmarshalBinary(data)
	held := P(used.Clone())
	before, _ := used.MarshalBinary()
	err := used.UnmarshalBinary(data)
	after, _ := used.MarshalBinary()
	if werr != nil {
		require.EqualError(t, err, werr.Error(), "% x", data)
		require.Equal(t, before, after, "% x", data)
		require.True(t, used.Equal(held))
		return
	}
	require.NoError(t, err, "% x", data)
	require.Equal(t, data, after)
	require.True(t, used.Equal(&fresh))
	require.False(t, used.Merge(&fresh))
	for range 2 { // the memory that the clone was made of may have its turn later
		require.NoError(t, used.UnmarshalBinary(data))
	}
	kept, _ := held.MarshalBinary()
	require.Equal(t, before, kept, "decoding into a state changed its clone")
}

// TestReusedExhaustive decodes all pairs of states of a small domain one after the other
// into one Map.
func TestReusedExhaustive(t *testing.T) {
	var rows [][]byte
	for _, s := range domain([]string{"k", "l"}, versions([]string{"", "x"}, at(1, "a"), at(2, "b"), at(3, "c")), 1) {
		rows = append(rows, encodedMap(s.build(t)))
	}
	var used lww.Map[string, string]
	for _, a := range rows {
		for _, b := range rows {
			for _, p := range [][]byte{a, b} {
				require.NoError(t, used.UnmarshalBinary(p))
				got, _ := used.MarshalBinary()
				if string(got) != string(p) {
					require.Equal(t, p, got)
				}
			}
		}
	}
}

// TestReusedHistories: maps of any size, changed between, and damaged bytes.
func TestReusedHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m, used lww.Map[string, string]
		var structs, usedStructs lww.Map[column, []string]
		var set, usedSet lww.Set[int64]
		var reg, usedReg lww.Register[string]
		key := rapid.StringMatching(`[a-f]{0,2}`)
		stamp := rapid.Custom(func(t *rapid.T) lww.Stamp {
			return at(hlc.Timestamp(rapid.Uint64Range(1, 5000).Draw(t, "time")), rapid.SampledFrom([]vclock.Replica{"a", "eu", "eu#1", "us", "zz", "b1", "b2", "b3", "b4", "b5"}).Draw(t, "replica"))
		})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			k, s := key.Draw(t, "key"), stamp.Draw(t, "stamp")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				m, structs, set = lww.Map[string, string]{}, lww.Map[column, []string]{}, lww.Set[int64]{}
			case 1:
				_, _ = m.DeleteAt(k, s)
				_, _ = structs.DeleteAt(column{k, 1}, s)
				_, _ = used.DeleteAt(k, s)
			case 2:
				_, _ = used.PutAt(k, "another", s)
				_, _ = usedStructs.PutAt(column{k, 2}, nil, s)
				_, _ = usedSet.AddAt(9, s)
			default:
				for i := range rapid.IntRange(1, 12).Draw(t, "keys") {
					k := k + string(rune('a'+i))
					_, _ = m.PutAt(k, k, s)
					_, _ = structs.PutAt(column{k, int64(i)}, []string{k}, s)
					_, _ = set.AddAt(int64(i), s)
				}
				_ = reg.SetAt(k, s)
			}
			requireReusedOrDamaged(t, &used, encodedMap(&m))
			requireReusedOrDamaged(t, &usedStructs, encodedMap(&structs))
			p, _ := set.MarshalBinary()
			requireReusedOrDamaged(t, &usedSet, p)
			p, _ = reg.MarshalBinary()
			requireReusedOrDamaged(t, &usedReg, p)
		}
	})
}

// requireReusedOrDamaged is requireReused, of data or, first, of bytes that are nearly data.
func requireReusedOrDamaged[S any, P coded[S]](t *rapid.T, used P, data []byte) {
	if rapid.Bool().Draw(t, "damaged") {
		bad := slices.Clone(data)
		i := rapid.IntRange(0, len(bad)-1).Draw(t, "at")
		if bad[i] ^= byte(rapid.IntRange(0, 255).Draw(t, "bits")); rapid.Bool().Draw(t, "short") {
			bad = bad[:i]
		}
		requireReused(t, used, bad)
	}
	requireReused(t, used, data)
}

// TestReusedKeeps: a value that one has read from a state stays when the state is used for
// another row.
func TestReusedKeeps(t *testing.T) {
	row := func(text string) []byte {
		var m lww.Map[string, []string]
		put(t, &m, frozen("eu", noon), "k", []string{text})
		return encodedMap(&m)
	}
	var m lww.Map[string, []string]
	var kept [][]string
	for _, text := range []string{"a", "b", "c", "d"} {
		require.NoError(t, m.UnmarshalBinary(row(text)))
		v, _ := m.At("k")
		kept = append(kept, v)
	}
	require.Equal(t, [][]string{{"a"}, {"b"}, {"c"}, {"d"}}, kept)
}

// TestReusedLarge: of a large state no second memory is kept.
func TestReusedLarge(t *testing.T) {
	var large, small, used lww.Map[string, string]
	for _, k := range skus(0, 5000) {
		put(t, &large, frozen("eu", noon), k, "a value")
	}
	put(t, &small, frozen("eu", noon), "k", "v")
	for range 3 {
		requireReused(t, &used, encodedMap(&large))
		requireReused(t, &used, encodedMap(&small))
	}
}
