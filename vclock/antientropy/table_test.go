package antientropy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// A side is a store of numbers, of which the larger wins, and its table.
type side struct {
	states map[string]int
	table  antientropy.Table
}

func newSide(states map[string]int) *side {
	s := &side{states: map[string]int{}}
	for k, v := range states {
		s.put(k, v)
	}
	return s
}

func (s *side) put(key string, v int) {
	if v > s.states[key] {
		s.states[key] = v
		s.table.Put(key, antientropy.Fingerprint([]byte(strconv.Itoa(v))))
	}
}

// An exchange is what two sides sent each other.
type exchange struct {
	messages, bytes int
	sent            [2][]string // keys, by side
}

// run has a ask b. Between two messages it calls meanwhile. States arrive with the
// message that they are sent with, or late, after all messages.
func run(tb testing.TB, a, b *side, salt uint64, late bool, meanwhile func()) (x exchange) {
	tb.Helper()
	sides := [2]*side{a, b}
	msg := a.table.Ask(salt)
	for to := 1; msg != nil; to = 1 - to {
		x.messages++
		x.bytes += len(msg)
		require.Less(tb, x.messages, 20)
		meanwhile()
		reply, send, err := sides[to].table.Answer(msg)
		require.NoError(tb, err)
		for _, key := range send {
			v, peer := sides[to].states[key], sides[1-to]
			if arrive := func() { peer.put(key, v) }; late {
				defer arrive()
			} else {
				arrive()
			}
		}
		x.sent[to] = append(x.sent[to], send...)
		msg = reply
	}
	return x
}

// differing returns the keys that a side has and the other has not, or otherwise.
func differing(a, b map[string]int) (keys []string) {
	for k, v := range a {
		if b[k] != v {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// check runs one exchange and compares what was sent with what differed: all of
// it, and no more.
func check(tb testing.TB, a, b map[string]int, salt uint64) exchange {
	tb.Helper()
	fromA, fromB := differing(a, b), differing(b, a)
	x, y := newSide(a), newSide(b)
	got := run(tb, x, y, salt, salt%2 == 0, func() {})
	require.True(tb, maps.Equal(x.states, y.states))
	slices.Sort(got.sent[0])
	slices.Sort(got.sent[1])
	require.Equal(tb, fromA, got.sent[0])
	require.Equal(tb, fromB, got.sent[1])
	again := run(tb, x, y, salt+1, false, func() {})
	require.Equal(tb, 2, again.messages)
	require.LessOrEqual(tb, again.bytes, 30)
	return got
}

func TestTableExhaustive(t *testing.T) {
	t.Parallel()
	keys := []string{"x", "y", "z"}
	var all []map[string]int
	for c := range 27 {
		m := map[string]int{}
		for i, n := 0, c; i < 3; i, n = i+1, n/3 {
			if n%3 > 0 {
				m[keys[i]] = n % 3
			}
		}
		all = append(all, m)
	}
	for _, a := range all {
		for _, b := range all {
			check(t, a, b, 1)
			check(t, a, b, 2)
		}
	}
}

// differ returns two stores of n keys that differ in d of them: a third only in
// the one, a third only in the other, the rest in both.
func differ(n, d int, rng *rand.Rand) (a, b map[string]int) {
	a = make(map[string]int, n)
	for i := range n {
		a[fmt.Sprintf("key-%d", i)] = 1 + rng.IntN(100)
	}
	b = maps.Clone(a)
	for i := range d {
		key := fmt.Sprintf("key-%d", i)
		switch i % 3 {
		case 0:
			delete(a, key)
		case 1:
			delete(b, key)
		default:
			b[key] += 1000
		}
	}
	return a, b
}

func TestTableSizes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 8, 31, 33, 100, 1000, 5000} {
		for _, d := range []int{0, 1, 2, 10, 40, 100, 1000, 5000} {
			if d > n {
				continue
			}
			a, b := differ(n, d, rng)
			x := check(t, a, b, rng.Uint64())
			y := check(t, b, a, rng.Uint64())
			if testing.Verbose() {
				t.Logf("n %d, differing %d: %d messages, %d bytes; the other way %d, %d", n, d, x.messages, x.bytes, y.messages, y.bytes)
			}
		}
		a, _ := differ(n, 0, rng)
		check(t, a, nil, rng.Uint64())
		check(t, nil, a, rng.Uint64())
	}
}

func TestTableChangesMeanwhile(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		n := rng.IntN(3000)
		m, o := differ(n, rng.IntN(1+n/2), rng)
		a, b := newSide(m), newSide(o)
		change := func() {
			for range rng.IntN(5) {
				[]*side{a, b}[rng.IntN(2)].put(fmt.Sprintf("key-%d", rng.IntN(n+20)), 1+rng.IntN(1e6))
			}
		}
		run(t, a, b, rng.Uint64(), rng.IntN(2) == 0, change)
		run(t, a, b, rng.Uint64(), false, func() {}) // once it is quiet, one exchange is enough
		require.Equal(t, a.states, b.states)
	}
}

// A message that is late or comes again makes nobody send what does not differ.
func TestTableStaleMessages(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	m, o := differ(2000, 60, rng)
	a, b := newSide(m), newSide(o)
	var msgs [][]byte
	msg := a.table.Ask(7)
	for to := 1; msg != nil; to = 1 - to {
		msgs = append(msgs, msg)
		msg, _, _ = []*side{a, b}[to].table.Answer(msg)
	}
	require.Len(t, msgs, 4)
	run(t, a, b, 8, false, func() {})
	require.Equal(t, a.states, b.states)
	for _, msg := range msgs {
		for _, s := range []*side{a, b} {
			_, send, err := s.table.Answer(msg)
			require.NoError(t, err)
			require.LessOrEqual(t, len(send), 60)
		}
	}
}

func TestTableDelete(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	m, _ := differ(3000, 0, rng)
	a, b := newSide(m), newSide(nil)
	for key := range m {
		if rng.IntN(10) > 0 {
			a.table.Delete(key)
			a.table.Delete(key)
			delete(a.states, key)
		}
	}
	a.table.Delete("never there")
	b.table.Delete("never there")
	for key, v := range a.states {
		b.put(key, v)
	}
	require.Equal(t, len(a.states), a.table.Len())
	require.Equal(t, 2, run(t, a, b, 1, false, func() {}).messages)
	for key := range a.states {
		a.table.Delete(key)
	}
	a.states = map[string]int{}
	require.Zero(t, a.table.Len())
	run(t, a, b, 1, false, func() {})
	require.Equal(t, b.states, a.states)
}

// TestTableOfAnotherSize asks a small store about a large one: it answers with as few
// fingerprints as it is worth. And what has the same sum, as a forged message may say, but
// not as many keys, is not the same.
func TestTableOfAnotherSize(t *testing.T) {
	t.Parallel()
	var small, large antientropy.Table
	for i := range 5000 {
		if i < 40 {
			small.Put(strconv.Itoa(i), uint64(i))
		}
		large.Put(strconv.Itoa(i), uint64(i))
	}
	for _, tables := range [][2]*antientropy.Table{{&small, &large}, {&large, &small}} {
		reply, _, err := tables[0].Answer(tables[1].Ask(1))
		require.NoError(t, err)
		require.Less(t, len(reply), 50)
	}

	msg := small.Ask(1)
	same, _, err := small.Answer(msg)
	require.NoError(t, err)
	require.Len(t, same, 2)
	msg[len(msg)-1]++
	reply, _, err := small.Answer(msg)
	require.NoError(t, err)
	require.Greater(t, len(reply), len(same))
}

// TestTableBudget holds the figures that the documentation gives: 100 keys of many.
// BenchmarkExchange has a million.
func TestTableBudget(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var a, b antientropy.Table
	for i := range n {
		key := "key-" + strconv.Itoa(i)
		a.Put(key, uint64(i)<<20)
		b.Put(key, uint64(i)<<20)
	}
	worst, fails := 0, 0
	for salt := range uint64(20) {
		for i := range 100 {
			b.Put("key-"+strconv.Itoa(i*997+int(salt)), uint64(i*1000+int(salt)+1)*977)
		}
		msg, total, messages, sent := a.Ask(salt), 0, 0, [2]int{}
		for to := 1; msg != nil; to = 1 - to {
			messages++
			total += len(msg)
			reply, send, err := []*antientropy.Table{&a, &b}[to].Answer(msg)
			require.NoError(t, err)
			sent[to] += len(send)
			msg = reply
		}
		require.Equal(t, [2]int{100, 100}, sent)
		if messages > 4 {
			fails++
		}
		worst = max(worst, total)
		for i := range 100 {
			key := i*997 + int(salt)
			b.Put("key-"+strconv.Itoa(key), uint64(key)<<20)
		}
	}
	t.Logf("at most %d bytes, %d of 20 exchanges in more than 4 messages", worst, fails)
	require.LessOrEqual(t, worst, 8<<10)
	require.LessOrEqual(t, fails, 1)
}
