package antientropy_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// FuzzAnswer answers a message of anybody, and the replies to that: nothing panics,
// and nothing is allocated that the length of the message, or of the table, does not
// explain.
func FuzzAnswer(f *testing.F) {
	var tables [3]*antientropy.Table
	for i, n := range []int{0, 20, 2000} {
		m, _ := differ(n, 0, rand.New(rand.NewPCG(1, 2)))
		tables[i] = &newSide(m).table
	}
	m, o := differ(2000, 60, rand.New(rand.NewPCG(1, 2)))
	sides := [2]*side{newSide(m), newSide(o)}
	msg := sides[0].table.Ask(3)
	for to := 1; msg != nil; to = 1 - to {
		f.Add(msg)
		msg, _, _ = sides[to].table.Answer(msg)
	}
	f.Add(tables[1].Ask(1))
	f.Add([]byte{1, 1})
	f.Add([]byte{1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 1, 0})
	f.Fuzz(func(t *testing.T, msg []byte) {
		for i := range tables {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			reply, _, err := tables[i].Answer(msg)
			runtime.ReadMemStats(&after)
			require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(64*len(msg)+100*tables[i].Len()+1<<15))
			if err != nil {
				require.Nil(t, reply)
			}
			for k := range tables {
				if reply != nil {
					_, _, err := tables[k].Answer(reply)
					require.NoError(t, err)
				}
			}
		}
	})
}

func TestAnswerRefuses(t *testing.T) {
	t.Parallel()
	m, o := differ(2000, 60, rand.New(rand.NewPCG(1, 2)))
	sides := [2]*side{newSide(m), newSide(o)}
	msg := sides[0].table.Ask(3)
	for to := 1; msg != nil; to = 1 - to {
		for n := range msg {
			_, _, err := sides[to].table.Answer(msg[:n])
			require.Error(t, err)
		}
		_, _, err := sides[to].table.Answer(append(slices.Clip(msg), 0))
		require.Error(t, err)
		msg, _, _ = sides[to].table.Answer(msg)
	}
}
