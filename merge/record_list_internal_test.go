package merge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
	"github.com/rejoin-go/rejoin/vclock"
)

type counted struct{ now hlc.Timestamp }

func (c *counted) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.now = max(c.now, after) + 1
	return c.now, nil
}

// A listSite writes to one list.
type listSite struct {
	clock   *counted
	list    cell.Cell
	order   []string
	longest int // place, in bytes
	written int // places
}

func newListSite() *listSite { return &listSite{clock: &counted{}, list: cell.Cell{Kind: cell.Rows}} }

// insert adds an element at a position, as a replica.
func (s *listSite) insert(tb testing.TB, r vclock.Replica, at int) {
	tb.Helper()
	key := fmt.Sprintf("%06d", len(s.order))
	l := listEdit{at: spot{&s.list, &s.list}}
	for i, k := range s.order {
		l.next = append(l.next, listItem{key: k, read: i, row: s.list.Kid(k, cell.Row)})
	}
	l.next = slices.Insert(l.next, at, listItem{key: key, read: -1})
	s.order = slices.Insert(s.order, at, key)
	require.True(tb, l.moves())
	rows, err := l.place(&edit{w: lww.Writer{Replica: r, Clock: s.clock}})
	require.NoError(tb, err)
	for _, row := range rows {
		s.written++
		s.longest = max(s.longest, len(row.Kids[0].Value))
		i, found := slices.BinarySearchFunc(s.list.Kids, row.Key, func(c cell.Cell, key string) int { return strings.Compare(c.Key, key) })
		if found {
			s.list.Kids[i].Kids = row.Kids
		} else {
			s.list.Kids = slices.Insert(s.list.Kids, i, row)
		}
	}
}

func (s *listSite) requireOrder(tb testing.TB) {
	tb.Helper()
	var shown []string
	for _, p := range inOrder(&s.list, nil) {
		shown = append(shown, p.row.Key)
	}
	require.Equal(tb, s.order, shown)
}

// TestPlacesStayShort adds elements in patterns, and bounds the bytes of a place
// and the places written as the documentation of Record does.
func TestPlacesStayShort(t *testing.T) {
	n := 1_000
	replicas := []vclock.Replica{"eu", "us", "ap"}
	rnd := uint32(1)
	next := func(n int) int {
		rnd = rnd*1_664_525 + 1_013_904_223
		return int(rnd>>8) % n
	}
	last := [2]int{0, 0}
	for _, pattern := range []struct {
		name    string
		longest int
		moved   int // places written for each element, in hundredths
		at      func(i int) (vclock.Replica, int)
	}{
		{"at the end", 3, 100, func(i int) (vclock.Replica, int) { return "eu", i }},
		{"at the end, by three", 8, 100, func(i int) (vclock.Replica, int) { return replicas[i%3], i }},
		{"at the front", 3, 100, func(int) (vclock.Replica, int) { return "eu", 0 }},
		{"at the front, by three", 8, 100, func(i int) (vclock.Replica, int) { return replicas[i%3], 0 }},
		{"after the first", 8, 100, func(i int) (vclock.Replica, int) { return "eu", min(i, 1) }},
		{"before the last", 8, 100, func(i int) (vclock.Replica, int) { return "eu", max(i-1, 0) }},
		{"in the middle", longPlace, 900, func(i int) (vclock.Replica, int) { return "eu", i / 2 }},
		{"anywhere, by three", longPlace, 100, func(i int) (vclock.Replica, int) { return replicas[next(3)], next(i + 1) }},
		{"between the last two", longPlace, 900, func(i int) (vclock.Replica, int) {
			at := i
			if i >= 2 {
				at = max(last[0], last[1])
			}
			last = [2]int{at, last[0]}
			if last[1] >= at {
				last[1]++
			}
			return "eu", at
		}},
	} {
		t.Run(pattern.name, func(t *testing.T) {
			s := newListSite()
			for i := range n {
				r, at := pattern.at(i)
				s.insert(t, r, at)
			}
			s.requireOrder(t)
			require.LessOrEqual(t, s.longest, pattern.longest)
			require.LessOrEqual(t, s.written*100/n, pattern.moved)
			t.Log("longest", s.longest, "places written for each", strconv.FormatFloat(float64(s.written)/float64(n), 'f', 2, 64))
		})
	}
}
