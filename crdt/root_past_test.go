package crdt_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestStep writes every number after every other near the ends of incarnations, and reads
// it back; and all pairs of varints near those ends are read as what is written that way, or
// not at all.
func TestStep(t *testing.T) {
	var near []uint64
	for _, end := range []uint64{0, 60, 1 << 13, life(1, 0), life(2, 0), life(2, 100), life(300, 0), life(1<<16-1, 0), crdt.MaxSeq} {
		for n := max(end, 3) - 3; n <= end+3 && n <= crdt.MaxSeq; n++ {
			near = append(near, n)
		}
	}
	near = append(near, crdt.MaxSeq+1) // the first that is not covered
	read := 0
	for _, from := range near {
		for _, to := range near {
			if to <= from {
				continue
			}
			b := crdt.AppendStep(nil, from, to)
			got, n, err := crdt.ReadStep(append(b, 7), from)
			require.NoError(t, err, "%d after %d", to, from)
			require.Equal(t, []any{to, len(b)}, []any{got, n})
			if same := from>>32 == to>>32; same {
				require.LessOrEqual(t, len(b), 5)
			} else if to&(1<<32-1) < 64 && to>>32-from>>32 <= 128 {
				require.Len(t, b, 2)
			}
			for cut := range b {
				_, _, err := crdt.ReadStep(b[:cut], from)
				require.Error(t, err)
			}
		}
		for _, u := range near {
			for _, lives := range append(near, 1<<63) {
				for bit := range uint64(2) {
					p := binary.AppendUvarint(nil, u<<1|bit)
					if bit == 1 {
						p = binary.AppendUvarint(p, lives)
					}
					to, n, err := crdt.ReadStep(p, from)
					if err != nil {
						continue
					}
					read++
					require.Equal(t, p[:n], crdt.AppendStep(nil, from, to), "%d after %d", to, from)
				}
			}
		}
	}
	require.NotZero(t, read)
}

// TestLongNames: names of many replicas leave out what they share, whatever of it is the end of
// one or the beginning of another.
func TestLongNames(t *testing.T) {
	names := []vclock.Replica{"a", "ab", "abc", "abd", "b", "ba", "é", "ê", "pod-1", "pod-10", "pod-2", "zz"}
	for n := range len(names) + 1 {
		var s crdt.ORSet[string]
		for i, name := range names[:n] {
			s.Add(name, fmt.Sprint(i))
		}
		requireReadBack(t, &s)
		seen := s.Context()
		b, err := seen.AppendBinary(nil)
		require.NoError(t, err)
		var again crdt.Context
		require.NoError(t, again.UnmarshalBinary(b))
		require.Equal(t, seen.Clock(), again.Clock())
	}
}

// requireReadBack decodes the bytes of s, and each mutation of them is refused or the bytes
// of a state.
func requireReadBack(t *testing.T, s *crdt.ORSet[string]) {
	t.Helper()
	b := encoded(t, s)
	again := new(crdt.ORSet[string])
	require.NoError(t, again.UnmarshalBinary(b))
	require.Equal(t, b, encoded(t, again))
	for p := range mutations(b) {
		if x := new(crdt.ORSet[string]); x.UnmarshalBinary(p) == nil {
			require.Equal(t, p, encoded(t, x))
		}
	}
}
