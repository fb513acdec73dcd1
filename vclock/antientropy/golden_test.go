package antientropy_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// TestGolden holds the messages of exchanges between tables of all sizes against those in
// testdata: peers of two versions of a program understand each other, and which kind of
// message is the shortest is decided as ever. Of long messages the file has the beginning,
// the length and a fingerprint.
func TestGolden(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, tt := range []struct{ n, differ int }{
		{0, 0},
		{1, 0},
		{1, 1},
		{20, 2},
		{32, 1},
		{33, 0},
		{33, 1},
		{33, 33},
		{40, 3},
		{100, 6},
		{300, 1},
		{300, 20},
		{300, 300},
		{2000, 3},
		{2000, 60},
		{5000, 1},
		{5000, 400},
		{5000, 4000},
	} {
		a, b := map[string]int{}, map[string]int{}
		for i := range tt.n {
			a[fmt.Sprintf("key-%d", i)] = i + 1
		}
		for i := range tt.n {
			switch key := fmt.Sprintf("key-%d", i); {
			case i >= tt.differ:
				b[key] = i + 1
			case i%3 == 0:
				b[key] = i + 2
			case i%3 == 1:
				delete(a, key)
				b[key] = i + 1
			}
		}
		fmt.Fprintf(&got, "%d keys, of which %d differ\n", tt.n, tt.differ)
		x, y := newSide(a), newSide(b)
		tables := [2]*antientropy.Table{&x.table, &y.table}
		msg := tables[0].Ask(uint64(tt.n))
		for to := 1; msg != nil; to = 1 - to {
			if len(msg) <= 40 {
				fmt.Fprintf(&got, "%x", msg)
			} else {
				fmt.Fprintf(&got, "%x… %d bytes, %016x", msg[:16], len(msg), antientropy.Fingerprint(msg))
			}
			reply, send, err := tables[to].Answer(msg)
			require.NoError(t, err)
			if len(send) > 0 {
				fmt.Fprintf(&got, " gets %d keys, %016x", len(send), antientropy.Fingerprint([]byte(strings.Join(send, " "))))
			}
			got.WriteByte('\n')
			msg = reply
		}
	}
	want, err := os.ReadFile("testdata/exchanges.txt")
	require.NoError(t, err, "%s", got.String())
	require.Equal(t, string(want), got.String())
}
