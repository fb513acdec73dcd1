package merge_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

type (
	keptAll struct {
		Lines []keptLine         `merge:"keyed=Key,keep"`
		Cells map[string]keptBox `merge:"fields,keep"`
		Plain map[string]int     `merge:"fields,keep"`
		Box   *keptBox           `merge:"fields,keep"`
	}
	keptLine struct {
		Key  string
		A, B int
		N    int      `merge:"additive"`
		High int      `merge:"max"`
		Tags []string `merge:"set"`
		Box  *keptBox `merge:"fields,keep"`
	}
	keptBox struct{ A, B int }
)

// A keptEvent is a write of a leaf, or the delete of a row.
type keptEvent struct {
	row, leaf  string
	n          int
	removed    bool // an element
	deletes    bool // the row
	at         lww.Stamp
	life, over lww.Stamp    // of the row, and of the row above
	seen       map[int]bool // what the writer had seen
}

// A keptSite is a replica, and for the model the numbers of the events that it knows.
type keptSite struct {
	name  vclock.Replica
	rec   *merge.Record[keptAll]
	known map[int]bool
}

// A keptHistory is the slow and obvious meaning of keep: a row is there while one of its
// leaves shows a write that none of the deletes had seen.
type keptHistory struct {
	events []keptEvent
	sites  []*keptSite
	clocks map[vclock.Replica]*recorder
}

// above returns the row that a row is in, "" for the record.
func above(row string) string {
	if row == "Lines.x.Box" {
		return "Lines.x"
	}
	return ""
}

// A keptRow is what a site knows of a row.
type keptRow struct {
	life, over lww.Stamp
	there      bool
	deletes    []int
	leaves     map[string]int // the write that each leaf shows; of sums, of each replica
	next       lww.Stamp      // the life of the row if it is made now
	below      *keptRow
	summed     int
}

func (h *keptHistory) row(known map[int]bool, name string) *keptRow {
	if up := above(name); up != "" {
		return h.row(known, up).below
	}
	return h.rowIn(known, name, lww.Stamp{})
}

// rowIn is row in a life of the row above.
func (h *keptHistory) rowIn(known map[int]bool, name string, over lww.Stamp) *keptRow {
	r := &keptRow{leaves: map[string]int{}, over: over}
	for id := range known {
		if e := &h.events[id]; e.row == name && e.over == r.over && e.life.After(r.life) {
			r.life = e.life
		}
	}
	r.next = r.life
	for id := range known {
		e := &h.events[id]
		switch {
		case e.row != name || e.over != r.over || e.life != r.life:
		case e.deletes:
			if r.deletes = append(r.deletes, id); e.at.After(r.next) {
				r.next = e.at
			}
		default:
			leaf := e.leaf
			if leaf == "N" {
				leaf += string(e.at.Replica)
				r.summed += e.n
			}
			was, ok := r.leaves[leaf]
			better := !ok || e.at.After(h.events[was].at)
			if leaf == "High" && ok && e.n != h.events[was].n {
				better = e.n > h.events[was].n
			}
			if better {
				r.leaves[leaf] = id
			}
		}
	}
	if name == "Lines.x" {
		r.below = h.rowIn(known, "Lines.x.Box", r.life)
	}
	r.there = len(r.leaves) > 0 && (len(r.deletes) == 0 || h.isUnseen(r, r.deletes))
	if r.there {
		r.next = r.life
	}
	return r
}

// isUnseen reports whether a leaf in a row shows what none of the deletes had seen.
func (h *keptHistory) isUnseen(r *keptRow, deletes []int) bool {
	for _, id := range r.leaves {
		if !h.events[id].removed && !slices.ContainsFunc(deletes, func(d int) bool { return h.events[d].seen[id] }) {
			return true
		}
	}
	return r.below != nil && r.below.there && h.isUnseen(r.below, deletes)
}

func (h *keptHistory) value(r *keptRow, leaf string) int {
	if id, ok := r.leaves[leaf]; ok && !h.events[id].removed {
		return h.events[id].n
	}
	return 0
}

// shows returns what a site has to show.
func (h *keptHistory) shows(known map[int]bool) (v keptAll) {
	box := func(r *keptRow) *keptBox { return &keptBox{h.value(r, "A"), h.value(r, "B")} }
	if r := h.row(known, "Lines.x"); r.there {
		l := keptLine{Key: "x", A: h.value(r, "A"), B: h.value(r, "B"), N: r.summed, High: h.value(r, "High")}
		if h.value(r, "tag") != 0 {
			l.Tags = []string{"tag"}
		}
		if r.below.there {
			l.Box = box(r.below)
		}
		v.Lines = []keptLine{l}
	}
	if r := h.row(known, "Cells.x"); r.there {
		v.Cells = map[string]keptBox{"x": *box(r)}
	}
	if r := h.row(known, "Plain.x"); r.there {
		v.Plain = map[string]int{"x": h.value(r, "")}
	}
	if r := h.row(known, "Box"); r.there {
		v.Box = box(r)
	}
	return v
}

// write has a site write a leaf of a row, which is made if it is not there.
func (h *keptHistory) write(t *testing.T, s *keptSite, name, leaf string, n int) {
	t.Helper()
	if up := above(name); up != "" && !h.row(s.known, up).there {
		return
	}
	r, kept := h.row(s.known, name), map[int]bool(nil)
	switch {
	case leaf == "High" && (n <= h.value(r, "High") || !r.there),
		leaf == "delete" && !r.there, leaf == "untag" && (!r.there || h.value(r, "tag") == 0), leaf == "tag" && r.there && h.value(r, "tag") != 0:
		return
	}
	kept = maps.Clone(s.known)
	err := s.rec.Update(lww.Writer{Replica: s.name, Clock: h.clocks[s.name]}, func(v *keptAll) error {
		edit(v, name, leaf, n)
		return nil
	})
	require.NoError(t, err)
	e := keptEvent{
		row: name, leaf: leaf, n: n, at: lww.Stamp{Time: h.clocks[s.name].last, Replica: s.name}, life: r.next, over: r.over, seen: kept,
	}
	switch leaf {
	case "delete":
		e.deletes = true
	case "untag":
		e.leaf, e.removed = "tag", true
	}
	add := func(e keptEvent) {
		s.known[len(h.events)] = true
		h.events = append(h.events, e)
	}
	add(e)
	switch {
	case !r.there && name == "Lines.x", r.there && !e.deletes && !h.row(s.known, name).there: // a removal
		e.leaf, e.removed = "*", false
		add(e)
	}
	if up := above(name); up != "" && !h.row(s.known, up).there {
		e = keptEvent{row: up, leaf: "*", at: e.at, life: h.row(s.known, up).life}
		add(e)
	}
}

// edit writes n to a leaf of a row of v.
func edit(v *keptAll, name, leaf string, n int) {
	box := func(b *keptBox) *keptBox {
		if leaf == "delete" {
			return nil
		}
		if b == nil {
			b = new(keptBox)
		}
		if leaf == "A" {
			b.A = n
		} else {
			b.B = n
		}
		return b
	}
	switch name {
	case "Box":
		v.Box = box(v.Box)
	case "Plain.x":
		if v.Plain = map[string]int{"x": n}; leaf == "delete" {
			v.Plain = nil
		}
	case "Cells.x":
		c := v.Cells["x"]
		if v.Cells = map[string]keptBox{}; leaf != "delete" {
			v.Cells["x"] = *box(&c)
		}
	case "Lines.x.Box":
		v.Lines[0].Box = box(v.Lines[0].Box)
	case "Lines.x":
		if leaf == "delete" {
			v.Lines = nil
			return
		}
		if len(v.Lines) == 0 {
			v.Lines = []keptLine{{Key: "x"}}
		}
		switch l := &v.Lines[0]; leaf {
		case "A":
			l.A = n
		case "B":
			l.B = n
		case "N":
			l.N += n
		case "High":
			l.High = n
		case "tag":
			l.Tags = []string{"tag"}
		case "untag":
			l.Tags = nil
		}
	}
}

// TestRecordKeepModel compares records with the meaning of keep in random histories of three
// replicas with clocks of their own, state by state, and has them merged in all orders at the
// end. REJOIN_EXHAUSTIVE has a hundred times as many.
func TestRecordKeepModel(t *testing.T) {
	p := recordPlan(t, merge.Options[keptAll]{})
	n := 3000
	if os.Getenv("REJOIN_EXHAUSTIVE") > "0" {
		n *= 100
	}
	rows := map[string][]string{
		"Lines.x": {"A", "B", "N", "High", "tag", "untag", "delete", "delete"}, "Lines.x.Box": {"A", "B", "delete"},
		"Cells.x": {"A", "B", "delete"}, "Plain.x": {"", "delete"}, "Box": {"A", "B", "delete"},
	}
	names := slices.Sorted(maps.Keys(rows))
	for seed := range n {
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		h := &keptHistory{clocks: map[vclock.Replica]*recorder{}}
		for i, name := range []vclock.Replica{"ap", "eu", "us"} {
			h.sites = append(h.sites, &keptSite{name: name, rec: p.NewRecord(), known: map[int]bool{}})
			h.clocks[name] = &recorder{now: hlc.Timestamp(1 + i*rnd.IntN(8))}
		}
		only := names
		if seed%2 == 0 {
			only = names[rnd.IntN(len(names)):][:1]
		}
		if slices.Contains(only, "Lines.x.Box") {
			only = append(slices.Clone(only), "Lines.x")
		}
		var trace []string
		for step := range 6 + rnd.IntN(10) {
			s := h.sites[rnd.IntN(3)]
			if rnd.IntN(3) == 0 {
				o := h.sites[rnd.IntN(3)]
				trace = append(trace, fmt.Sprintf("%s merges %s", s.name, o.name))
				s.rec.Merge(exchange(t, o.rec, p))
				maps.Copy(s.known, o.known)
			} else {
				row := only[rnd.IntN(len(only))]
				leaf := rows[row][rnd.IntN(len(rows[row]))]
				trace = append(trace, fmt.Sprintf("%s: %s %s %d", s.name, row, leaf, step+1))
				h.write(t, s, row, leaf, step+1)
			}
			require.Equal(t, h.shows(s.known), value0(s.rec), "seed %d: %q", seed, trace)
			require.True(t, exchange(t, s.rec, p).Equal(s.rec), "seed %d: %q", seed, trace)
		}
		converge(t, h, trace)
	}
}

// converge merges what the sites hold in all orders.
func converge(t *testing.T, h *keptHistory, trace []string) {
	t.Helper()
	known := map[int]bool{}
	for _, s := range h.sites {
		maps.Copy(known, s.known)
	}
	var first *merge.Record[keptAll]
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		a, b := h.sites[order[0]].rec.Clone(), h.sites[order[1]].rec.Clone()
		b.Merge(h.sites[order[2]].rec)
		a.Merge(b)
		require.False(t, a.Merge(b))
		if first == nil {
			first = a
		}
		require.True(t, a.Equal(first), "%q", trace)
		require.Equal(t, h.shows(known), value0(a), "%q", trace)
		old := h.sites[order[1]].rec.Clone()
		old.Merge(first.Since(old))
		require.True(t, old.Equal(first), "%q", trace)
	}
}
