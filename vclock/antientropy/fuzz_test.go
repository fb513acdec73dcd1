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

// TestAnswerRefusesForged refuses messages that no table makes, and takes those at the
// limits.
func TestAnswerRefusesForged(t *testing.T) {
	t.Parallel()
	salt := make([]byte, 8)
	of := func(kind byte, parts ...[]byte) []byte {
		return slices.Concat(append([][]byte{{1, kind}, salt}, parts...)...)
	}
	prints := func(n int) []byte { return make([]byte, 3*n) }
	mark := func(first, last byte) []byte { return []byte{first, 0, 0, 0, 0, 0, 0, last} }
	all := []byte{0, 1, 0} // the one range of no bits
	m, _ := differ(100, 0, rand.New(rand.NewPCG(1, 2)))
	for name, tt := range map[string]struct {
		msg  []byte
		want string
	}{
		"another version":         {[]byte{2, 1}, "unknown format version 2"},
		"kind 0":                  {of(0), "message of unknown kind 0"},
		"kind 7":                  {of(7), "message of unknown kind 7"},
		"equal, and more":         {of(1), "8 trailing bytes"},
		"width":                   {of(3, []byte{8}, all, prints(256)), ""},
		"too wide":                {of(3, []byte{9}, all, prints(512)), "ranges of 0 and 9 bits, more than 24"},
		"depth and width":         {of(3, []byte{8}, []byte{16, 1, 0}, prints(256)), ""},
		"too deep for the width":  {of(3, []byte{8}, []byte{17, 1, 0}, prints(256)), "ranges of 17 and 8 bits, more than 24"},
		"depth":                   {of(3, []byte{0}, []byte{24, 1, 0}, prints(1)), ""},
		"too deep":                {of(4, []byte{25, 1, 0}, []byte{0}), "ranges of 25 bits, more than 24"},
		"no ranges":               {of(4, []byte{0, 0}, []byte{0}), "no ranges"},
		"two ranges":              {of(4, []byte{1, 2, 0, 0}, []byte{0}), ""},
		"range of more bits":      {of(4, []byte{1, 1, 2}, []byte{0}), "range 2 is not of 1 bits"},
		"three ranges of one bit": {of(4, []byte{1, 3, 0, 0, 0}, []byte{0}), "range 0 is not of 1 bits"},
		"range around the end": {
			of(4, []byte{1, 2, 0}, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, []byte{0}), "range 18446744073709551615 is not of 1 bits",
		},
		"marks":                {of(4, all, []byte{2}, mark(0, 1), mark(0, 2)), ""},
		"mark twice":           {of(4, all, []byte{2}, mark(0, 1), mark(0, 1)), "entries do not ascend"},
		"marks out of order":   {of(4, all, []byte{2}, mark(0, 2), mark(0, 1)), "entries do not ascend"},
		"mark in a range":      {of(4, []byte{1, 1, 1}, []byte{1}, mark(0x80, 0)), ""},
		"mark in no range":     {of(4, []byte{1, 1, 1}, []byte{1}, mark(0x7f, 0)), "a mark is in none of the ranges"},
		"more marks than said": {of(4, all, []byte{1}, mark(0, 1), mark(0, 2)), "8 trailing bytes"},
		"keys":                 {of(6, []byte{1}, make([]byte, 5)), ""},
		"no keys":              {of(6, []byte{0}), "no keys"},
		"key twice":            {of(6, []byte{2}, make([]byte, 10)), "entries do not ascend"},
	} {
		for _, s := range []*side{newSide(nil), newSide(m)} {
			reply, send, err := s.table.Answer(tt.msg)
			if tt.want == "" {
				require.NoError(t, err, name)
				continue
			}
			require.ErrorContains(t, err, tt.want, name)
			require.ErrorContains(t, err, "antientropy: message: offset ")
			require.Nil(t, reply, name)
			require.Nil(t, send, name)
		}
	}
}
