package merge

import (
	"fmt"
	"slices"
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

// A listSite writes to one list. It keeps what an edit reads of it from one to the next: that
// would be read anew for each, and is not what is tested.
type listSite struct {
	clock   *counted
	list    cell.Cell
	next    []listItem
	longest int // place, in bytes
	written int // places
}

// newListSite returns a site with room for n elements.
func newListSite(n int) *listSite {
	return &listSite{clock: &counted{}, list: cell.Cell{Kind: cell.Rows, Kids: make([]cell.Cell, 0, n)}, next: make([]listItem, 0, n)}
}

// insert adds an element at a position, as a replica.
func (s *listSite) insert(tb testing.TB, r vclock.Replica, at int) {
	tb.Helper()
	n := len(s.next)
	for i := range s.next {
		s.next[i].read, s.next[i].move = i, false
	}
	key := fmt.Sprintf("%06d", n) // behind all others
	s.next = slices.Insert(s.next, at, listItem{key: key, read: -1})
	l := listEdit{at: spot{now: &s.list, seen: &s.list}, next: s.next}
	require.True(tb, l.moves())
	rows, err := l.place(&edit{w: lww.Writer{Replica: r, Clock: s.clock}})
	require.NoError(tb, err)
	for _, row := range rows {
		s.written++
		s.longest = max(s.longest, len(row.Kids[0].Value))
		if row.Key == key {
			s.list.Kids = append(s.list.Kids, row)
			s.next[at].row = &s.list.Kids[n]
		} else {
			s.list.Kid(row.Key, cell.Row).Kids = row.Kids
		}
	}
}

func (s *listSite) requireOrder(tb testing.TB) {
	tb.Helper()
	var shown, order []string
	for _, p := range inOrder(&s.list, nil) {
		shown = append(shown, p.row.Key)
	}
	for _, n := range s.next {
		order = append(order, n.key)
	}
	require.Equal(tb, order, shown)
}

// A pattern is an order in which elements are added to a list, and what the documentation of
// Record bounds by it.
type pattern struct {
	name    string
	longest int // place, in bytes
	moved   int // most places written for each of 1,000 elements
	most    int // and of 10,000
	at      func(i int) (vclock.Replica, int)
}

// patterns returns all of them, each to be used once.
func patterns() []pattern {
	replicas := []vclock.Replica{"eu", "us", "ap"}
	rnd := uint32(1)
	next := func(n int) int {
		rnd = rnd*1_664_525 + 1_013_904_223
		return int(rnd>>8) % n
	}
	last := [2]int{0, 0}
	return []pattern{
		{"at the end", 3, 1, 1, func(i int) (vclock.Replica, int) { return "eu", i }},
		{"at the end, by three", 8, 1, 1, func(i int) (vclock.Replica, int) { return replicas[i%3], i }},
		{"at the front", 3, 1, 1, func(int) (vclock.Replica, int) { return "eu", 0 }},
		{"at the front, by three", 8, 1, 1, func(i int) (vclock.Replica, int) { return replicas[i%3], 0 }},
		{"after the first", 8, 1, 1, func(i int) (vclock.Replica, int) { return "eu", min(i, 1) }},
		{"before the last", 8, 1, 1, func(i int) (vclock.Replica, int) { return "eu", max(i-1, 0) }},
		{"in the middle", longPlace, 5, 10, func(i int) (vclock.Replica, int) { return "eu", i / 2 }},
		{"anywhere, by three", longPlace, 1, 1, func(i int) (vclock.Replica, int) { return replicas[next(3)], next(i + 1) }},
		{"between the last two", longPlace, 5, 10, func(i int) (vclock.Replica, int) {
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
	}
}

// add adds n elements in the order of p, and requires that places are as long as p says, and up
// to most were written for each.
func (p *pattern) add(tb testing.TB, n, most int) *listSite {
	tb.Helper()
	s := newListSite(n)
	for i := range n {
		r, at := p.at(i)
		s.insert(tb, r, at)
	}
	s.requireOrder(tb)
	require.LessOrEqual(tb, s.longest, p.longest)
	require.LessOrEqual(tb, s.written, most*n)
	return s
}

// TestPlacesStayShort adds elements in patterns, and bounds the bytes of a place
// and the places written as the documentation of Record does.
func TestPlacesStayShort(t *testing.T) {
	for _, p := range patterns() {
		t.Run(p.name, func(t *testing.T) { p.add(t, 1_000, p.moved) })
	}
}

// BenchmarkPlaces does the same with 10,000 elements, and tells the longest place and how many
// places were written for each element. The time is that of finding and choosing places alone.
func BenchmarkPlaces(b *testing.B) {
	for i, p := range patterns() {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				s := patterns()[i].add(b, 10_000, p.most)
				b.ReportMetric(float64(s.longest), "B/longest")
				b.ReportMetric(float64(s.written)/10_000, "places/insert")
			}
		})
	}
}
