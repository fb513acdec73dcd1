package antientropy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// crowded returns a table of n keys whose ids begin with the same bits: more than ranges can
// tell apart.
func crowded(n int) *Table {
	t := &Table{buckets: make([][]entry, 1), sums: make([]uint64, 1<<sumBits)}
	for i := range n {
		e := entry{id: 0xabcdef<<40 | uint64(i)<<10, item: mix(uint64(i)), key: string(rune('a' + i))}
		t.buckets[0] = append(t.buckets[0], e)
		t.add(e.id, e.item)
		t.n++
	}
	return t
}

// TestDeepRanges: ranges are split as long as the parts are ones that a message may have, and
// then listed, whether they were compared by fingerprints or by a sketch that was too small.
func TestDeepRanges(t *testing.T) {
	a, b := crowded(20), crowded(20)
	for i := range b.buckets[0] {
		e := &b.buckets[0][i]
		b.add(e.id, 1)
		e.item++
	}
	for depth := uint(16); depth <= maxPrefix; depth++ {
		rs := ranges{depth: depth, of: []prefix{prefixOf(0xabcdef<<40, depth)}}
		want := kindRanges
		if depth+splitWidth > maxPrefix {
			want = kindList
		}
		narrowed := a.narrow(rs, 1, 7)
		full := newSketch(0, 7)
		a.eachIn(rs, func(e *entry) { full.add(markOf(e, 7), 1) })
		tooSmall, send, err := b.Answer(full.append(rs.append(head(kindSketch, 7))))
		require.NoError(t, err)
		require.Empty(t, send)
		for name, msg := range map[string][]byte{"narrowed": narrowed, "sketch": tooSmall} {
			m, err := readMessage(msg)
			require.NoError(t, err, "%s at %d bits", name, depth)
			require.Equal(t, want, m.kind, "%s at %d bits", name, depth)
		}
	}

	// However deep, all is sent in the end.
	sent := [2]int{}
	msg := a.narrow(ranges{depth: 16, of: []prefix{0xabcd}}, 1, 7)
	for to := 1; msg != nil; to = 1 - to {
		reply, send, err := []*Table{a, b}[to].Answer(msg)
		require.NoError(t, err)
		sent[to] += len(send)
		msg = reply
	}
	require.Equal(t, [2]int{20, 20}, sent)
}
