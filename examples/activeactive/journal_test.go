package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A journal remembers every write that was acknowledged, and reads all of them
// back. A write without an answer may have been made or not: whatever it would
// have done, the regions may show it, and must agree.
type journal struct {
	mu      sync.Mutex
	sums    map[string]*tally          // by row and field: points, lines of carts, stock
	tags    map[string]map[string]bool // by profile
	last    map[string]*sequence       // by row and field: flags and orders, written by one client each
	doubled map[string][2]string       // orders that were paid twice, and the two payments
	acked   map[string]int             // writes by region
}

// A tally is a sum, and how far what is not known may move it.
type tally struct{ sum, low, high int64 }

// A sequence is the values that one client wrote one after the other, from the
// last that was acknowledged on.
type sequence struct{ possible []string }

func newJournal() *journal {
	return &journal{
		sums: map[string]*tally{}, tags: map[string]map[string]bool{}, last: map[string]*sequence{},
		doubled: map[string][2]string{}, acked: map[string]int{},
	}
}

// add notes a change of a sum.
func (j *journal) add(row, field string, n int64, sure bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.sums[row+" "+field]
	if t == nil {
		t = &tally{}
		j.sums[row+" "+field] = t
	}
	switch {
	case sure:
		t.sum += n
	case n > 0:
		t.high += n
	default:
		t.low += n
	}
}

// tag notes a tag of a profile.
func (j *journal) tag(row, tag string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.tags[row] == nil {
		j.tags[row] = map[string]bool{}
	}
	j.tags[row][tag] = true
}

// set notes a value that replaces those before.
func (j *journal) set(row, field, value string, sure bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.last[row+" "+field]
	if s == nil {
		s = &sequence{}
		if !sure {
			s.possible = []string{""}
		}
		j.last[row+" "+field] = s
	}
	if sure {
		s.possible = nil
	}
	s.possible = append(s.possible, value)
}

// done counts an acknowledged write.
func (j *journal) done(region string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acked[region]++
}

// check reads everything back in a region and returns what is not as it was
// acknowledged.
func (j *journal) check(ctx context.Context, s *supervisor, region string) (checked int, wrong []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	shown := map[string]map[string]string{} // by row, what the region shows of each field
	read := func(key string) string {
		row, field, _ := strings.Cut(key, " ")
		if shown[row] == nil {
			fields, err := s.fields(ctx, region, row)
			if err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v", row, err))
				fields = map[string]string{}
			}
			shown[row] = fields
		}
		checked++
		return shown[row][field]
	}
	for _, key := range slices.Sorted(maps.Keys(j.sums)) {
		t := j.sums[key]
		var n int64
		_, _ = fmt.Sscan(read(key), &n) // a line that is not there is 0
		if n < t.sum+t.low || n > t.sum+t.high {
			wrong = append(wrong, fmt.Sprintf("%s is %d, want %d (%+d%+d)", key, n, t.sum, t.low, t.high))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(j.last)) {
		if got := read(key); !slices.Contains(j.last[key].possible, got) {
			wrong = append(wrong, fmt.Sprintf("%s is %q, want one of %q", key, got, j.last[key].possible))
		}
	}
	for row, tags := range j.tags {
		for tag := range tags {
			if read(row+" #"+tag) == "" {
				wrong = append(wrong, fmt.Sprintf("%s lacks the tag %s", row, tag))
			}
		}
	}
	return checked, wrong
}

// fields returns what a region shows of a row.
func (s *supervisor) fields(ctx context.Context, region, row string) (map[string]string, error) {
	out := map[string]string{}
	get := func(into any) error { return s.call(ctx, region, http.MethodGet, "/"+row, nil, into) }
	switch kindOf(row) {
	case profileKind:
		var p Profile
		err := get(&p)
		out["points"] = fmt.Sprint(p.Points)
		for _, tag := range p.Tags {
			out["#"+tag] = "there"
		}
		return out, err
	case cartKind:
		var lines []cartLine
		err := get(&lines)
		for _, l := range lines {
			out[l.SKU] = fmt.Sprint(l.Count)
		}
		return out, err
	case stockKind:
		var v stockView
		err := get(&v)
		out["left"] = fmt.Sprint(v.Left)
		if err == nil && (v.Left < 0 || !v.Exact) {
			err = fmt.Errorf("oversold: %+v", v)
		}
		return out, err
	case flagKind:
		var flags map[string]flagView
		err := get(&flags)
		for k, v := range flags {
			out[k] = v.Value
		}
		return out, err
	}
	var v orderView
	err := get(&v)
	if v.Order != nil {
		out["status"] = v.Order.Status
	}
	return out, err
}

// checkRefunds returns orders that were paid twice and of which not exactly one
// payment was refunded.
func (j *journal) checkRefunds(s *supervisor) (wrong []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for row, payments := range j.doubled {
		n := 0
		for _, p := range payments {
			if s.refunds["refund "+p] > 0 {
				n++
			}
		}
		if n != 1 {
			wrong = append(wrong, fmt.Sprintf("%s was paid twice, and %d of the payments refunded", row, n))
		}
	}
	return wrong
}
