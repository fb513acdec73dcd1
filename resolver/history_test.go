package resolver_test

import (
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A pair is a value whose fields tell what was merged: every edit of N adds a power
// of two of its own, and every edit of F sets a number of its own.
type pair struct {
	F int
	N int64 `merge:"additive"`
}

// A tale is a random or exhaustive history of one key, with the truth beside it.
type tale struct {
	sets  []*resolver.Siblings[pair]
	known []uint64 // by region: the edits that reached it
	stale []reader // by region: a client that read some time ago
	now   *ticks
	saw   []uint64 // by edit: those that its writer had been shown
	ofF   uint64   // the edits of F
}

// A reader is a client with what it was shown.
type reader struct {
	out   resolver.Outcome[pair]
	knows uint64
	read  bool
}

func newTale(regions int, synced bool) *tale {
	h := &tale{known: make([]uint64, regions), stale: make([]reader, regions), now: new(ticks)}
	for range regions {
		h.sets = append(h.sets, &resolver.Siblings[pair]{})
	}
	if synced {
		h.edit(0, "N", h.read(0), true)
		for i := range h.sets {
			h.merge(i, 0)
		}
	}
	return h
}

func (h *tale) clone() *tale {
	c := *h
	now := *h.now
	c.now = &now
	c.sets = make([]*resolver.Siblings[pair], len(h.sets))
	for i, s := range h.sets {
		c.sets[i] = s.Clone()
	}
	c.known = append([]uint64(nil), h.known...)
	c.stale = append([]reader(nil), h.stale...)
	c.saw = append([]uint64(nil), h.saw...)
	return &c
}

func (*tale) region(i int) vclock.Replica { return []vclock.Replica{"eu", "us", "ap"}[i] }

var threeWays = resolver.Fields(merge.MustCompile(merge.Options[pair]{}))

func (h *tale) read(i int) reader {
	out, err := resolver.New(threeWays).Resolve(bg, "k", h.sets[i])
	if err != nil {
		panic(err)
	}
	return reader{out, h.known[i], true}
}

// edit lets a client of region i edit what it was shown, and reports whether it could:
// a client is not shown what nobody can merge.
func (h *tale) edit(i int, field string, r reader, based bool) bool {
	if r.out.Ticket != nil || len(h.saw) > 60 {
		return false
	}
	id := len(h.saw)
	next := r.out.Value
	next.N += 1 << id
	if field == "F" {
		next.F = id + 1
		h.ofF |= 1 << id
	}
	w := resolver.Writer{Writer: lww.Writer{Replica: h.region(i), Clock: h.now}}
	var err error
	if based {
		_, err = h.sets[i].Edit(w, r.out.Context, r.out.Value, next)
	} else {
		_, err = h.sets[i].Write(w, r.out.Context, next)
	}
	if err != nil {
		panic(err)
	}
	h.saw = append(h.saw, r.knows)
	h.known[i] |= r.knows | 1<<id
	return true
}

func (h *tale) merge(to, from int) bool {
	h.known[to] |= h.known[from]
	return h.sets[to].Merge(h.sets[from])
}

// verdict says what is wrong with what a region shows: nothing, "N" or "F"; or that
// it shows nothing, "refused" or "created twice".
func (h *tale) verdict(i int) string {
	out := h.read(i).out
	switch {
	case out.Ticket != nil && strings.Contains(out.Ticket.Reason, "without a base"):
		return "created twice" // of which the plan adds up nothing
	case out.Ticket != nil:
		return "refused"
	case out.Value.N != int64(h.known[i]):
		return "N"
	}
	edits := h.known[i] & h.ofF
	if edits == 0 {
		if out.Value.F != 0 {
			return "F"
		}
		return ""
	}
	if out.Value.F == 0 || edits&(1<<(out.Value.F-1)) == 0 {
		return "F"
	}
	for rest := edits; rest != 0; rest &= rest - 1 {
		if id := bits.TrailingZeros64(rest); h.saw[id]&(1<<(out.Value.F-1)) != 0 {
			return "F" // somebody had seen it, and set another
		}
	}
	return ""
}

// steps are what can happen next, each by a name.
func (h *tale) steps(stale bool) map[string]func(*tale) bool {
	all := map[string]func(*tale) bool{}
	for i := range h.sets {
		for _, field := range []string{"F", "N"} {
			all[fmt.Sprintf("%v edits %s", h.region(i), field)] = func(h *tale) bool { return h.edit(i, field, h.read(i), true) }
		}
		for j := range h.sets {
			if i != j {
				all[fmt.Sprintf("%v hears %v", h.region(i), h.region(j))] = func(h *tale) bool { return h.merge(i, j) }
			}
		}
		if stale {
			all[fmt.Sprintf("%v reads", h.region(i))] = func(h *tale) bool {
				h.stale[i] = h.read(i)
				return true
			}
			all[fmt.Sprintf("%v edits N as read", h.region(i))] = func(h *tale) bool {
				return h.stale[i].read && h.edit(i, "N", h.stale[i], true)
			}
			all[fmt.Sprintf("%v edits F as read", h.region(i))] = func(h *tale) bool {
				return h.stale[i].read && h.edit(i, "F", h.stale[i], true)
			}
			all[fmt.Sprintf("%v writes", h.region(i))] = func(h *tale) bool { return h.edit(i, "N", h.read(i), false) }
		}
	}
	return all
}

// disputed reports whether a step is an edit of a key in conflict by another region
// than eu.
func (h *tale) disputed(step string) bool {
	for i, s := range h.sets {
		if i > 0 && s.Len() > 1 && strings.HasPrefix(step, string(h.region(i))) && !strings.Contains(step, "hears") {
			return true
		}
	}
	return false
}

// TestFieldsExhaustive plays all histories of a few steps, over two and three regions,
// from nothing and from a value that all have, and compares what is merged with what
// was truly edited: every edit of a sum counts once, and no value is shown that
// somebody had seen and replaced.
func TestFieldsExhaustive(t *testing.T) {
	depth := map[int]int{2: 6, 3: 4}
	more, _ := strconv.Atoi(os.Getenv("REJOIN_EXHAUSTIVE"))
	if more > 0 {
		depth = map[int]int{2: 7, 3: 7} // some minutes
	}
	if testing.Short() || more < 0 {
		depth = map[int]int{2: 5, 3: 3}
	}
	for regions, steps := range depth {
		for _, synced := range []bool{false, true} {
			t.Run(fmt.Sprintf("regions=%d/synced=%v", regions, synced), func(t *testing.T) {
				nodes, refused := 0, 0
				var play func(h *tale, left int, path []string)
				play = func(h *tale, left int, path []string) {
					nodes++
					for i := range h.sets {
						switch v := h.verdict(i); v {
						case "", "created twice":
						case "refused":
							refused++
						default:
							t.Fatalf("%s is wrong at %v: %+v after %s", v, h.region(i), h.read(i).out.Value, strings.Join(path, ", "))
						}
					}
					if left == 0 {
						return
					}
					for name, step := range h.steps(false) {
						next := h.clone()
						if len(path) == 0 && !strings.HasPrefix(name, "eu edits") && !synced {
							continue // regions are alike but for their names
						}
						if step(next) {
							play(next, left-1, append(path, name))
						}
					}
				}
				play(newTale(regions, synced), steps, nil)
				t.Logf("%d nodes, %d refused", nodes, refused)
				require.Zero(t, refused)
			})
		}
	}
}

// TestFieldsRandom plays long histories, with clients that write under what they
// read long ago and with writes that say nothing of what they were made from. Sums
// are exact in all, or refused; other values are where one region alone edits a key
// in conflict.
func TestFieldsRandom(t *testing.T) {
	conflicts, refused, flipped := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		stale, home := rapid.Bool().Draw(t, "stale"), rapid.Bool().Draw(t, "home")
		h := newTale(rapid.IntRange(2, 3).Draw(t, "regions"), rapid.Bool().Draw(t, "synced"))
		all := h.steps(stale)
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		for range rapid.IntRange(8, 24).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "step")
			if home && h.disputed(name) {
				continue
			}
			all[name](h)
			for i := range h.sets {
				if h.sets[i].Len() < 2 {
					continue
				}
				conflicts++
				switch v := h.verdict(i); v {
				case "N":
					t.Fatalf("%v shows %+v, edits are %b", h.region(i), h.read(i).out.Value, h.known[i])
				case "F":
					if home && !stale {
						t.Fatalf("%v shows %+v, which somebody had replaced", h.region(i), h.read(i).out.Value)
					}
					flipped++
				case "refused":
					refused++
				}
			}
		}
	})
	t.Logf("%d conflicts, %d refused, %d with a value that somebody had replaced", conflicts, refused, flipped)
}

// A contact is edited in two regions that cannot reach each other, once here and
// twice there. All edits are there in the end, as
// https://github.com/couchbase/couchbase-lite-android/issues/1293 asks for.
func TestFieldsAfterSeveralEdits(t *testing.T) {
	type contact struct{ Name, City, Phone string }
	r := resolver.New(resolver.Chain(resolver.Fields(merge.MustCompile(merge.Options[contact]{})), resolver.LastWriterWins))
	now := new(ticks)
	edit := func(s *resolver.Siblings[contact], by vclock.Replica, change func(*contact)) {
		out := resolve(t, r, s)
		next := out.Value
		change(&next)
		_, err := s.Edit(resolver.Writer{Writer: lww.Writer{Replica: by, Clock: now}}, out.Context, out.Value, next)
		require.NoError(t, err)
	}
	var eu, us resolver.Siblings[contact]
	_, err := eu.Write(at("eu", 1), resolver.Context{}, contact{"Ann", "Lisbon", "555-0100"})
	require.NoError(t, err)
	*now = 1
	us.Merge(&eu)
	edit(&us, "us", func(c *contact) { c.Phone = "555-0199" })
	for range 20 {
		edit(&eu, "eu", func(c *contact) { c.City += "!" })
	}
	edit(&eu, "eu", func(c *contact) { c.City = "Porto" })
	edit(&eu, "eu", func(c *contact) { c.Name = "Anne" })
	eu.Merge(&us)
	out := resolve(t, r, &eu)
	require.Equal(t, contact{"Anne", "Porto", "555-0199"}, out.Value)
	require.Equal(t, "fields", out.Rule)
	require.Equal(t, "merged", out.Reason)
	require.Equal(t, contact{"Ann", "Lisbon", "555-0100"}, *out.Conflict.Base)
}

// Two regions go on from an edit that a third has not heard of. What these two have in
// common is more than what all three have: they are merged first, and then with the third.
func TestFieldsByParts(t *testing.T) {
	type contact struct{ Name, City, Phone, Zip string }
	r := resolver.New(resolver.Fields(merge.MustCompile(merge.Options[contact]{})))
	first := contact{"Ann", "Lisbon", "555-0100", "1000"}
	edit := func(from *resolver.Siblings[contact], w resolver.Writer, base, v contact) *resolver.Siblings[contact] {
		s := from.Clone()
		_, err := s.Edit(w, s.Context(), base, v)
		require.NoError(t, err)
		return s
	}
	zero := write(t, &resolver.Siblings[contact]{}, at("ap", 1), resolver.Context{}, first)
	second := contact{"Ann", "Lisbon", "555-0199", "1000"}
	one := edit(zero, at("af", 5), first, second)
	sets := []*resolver.Siblings[contact]{
		edit(one, at("eu", 10), second, contact{"Anne", "Lisbon", "555-0199", "1000"}),
		edit(one, at("us", 11), second, contact{"Ann", "Porto", "555-0199", "1000"}),
		edit(zero, at("sa", 12), first, contact{"Ann", "Lisbon", "555-0100", "4000"}),
	}
	for range sets {
		sets = append(sets[1:], sets[0])
		out := resolve(t, r, join(sets...))
		require.Equal(t, "fields: merged", out.Rule+": "+out.Reason)
		require.Equal(t, contact{"Anne", "Porto", "555-0199", "4000"}, out.Value)
		require.False(t, out.Conflict.BaseKnown, "of all three")
	}

	// So many are merged by parts, and no more.
	for n := len(sets); n < 33; n++ {
		sets = append(sets, edit(zero, at(vclock.Replica(fmt.Sprint("r", n)), 9), first, contact{"Ann", "Lisbon", "555-0100", "2000"}))
	}
	out := resolve(t, r, join(sets[:32]...))
	require.Equal(t, "merged", out.Reason)
	require.Equal(t, contact{"Anne", "Porto", "555-0199", "4000"}, out.Value)
	require.Equal(t, "base unknown", resolve(t, r, join(sets...)).Reason)
}

// Where nobody said what an edit was made from, no rule says "merged".
func TestFieldsBaseUnknown(t *testing.T) {
	plan := merge.MustCompile(merge.Options[pair]{})
	first := write(t, &resolver.Siblings[pair]{}, at("ap", 1), resolver.Context{}, pair{1, 10})
	s := join(write(t, first, at("eu", 2), first.Context(), pair{2, 9}), write(t, first, at("us", 3), first.Context(), pair{1, 8}))
	log := &resolver.MemoryLog{}
	for want, rule := range map[string]resolver.Rule[pair]{
		"fields: base unknown":                           resolver.Fields(plan),
		"last writer wins: latest; fields: base unknown": resolver.Chain(resolver.DeleteWins, resolver.Fields(plan), resolver.LastWriterWins),
		"manual: a person decides; fields: base unknown": resolver.Chain(resolver.Fields(plan), resolver.Manual),
		"fields without base: merge: conflict: N: changes cannot be added up without a base; fields: base unknown": resolver.Chain(resolver.Fields(plan), resolver.FieldsWithoutBase(plan)),
	} {
		out := resolve(t, &resolver.Reconciler[pair]{Rule: rule, Log: log}, s)
		require.Equal(t, want, out.Rule+": "+out.Reason)
		last := log.Entries()[len(log.Entries())-1]
		require.Equal(t, out.Reason, last.Reason)
	}
	type note struct{ A, B string }
	without := resolver.New(resolver.FieldsWithoutBase(merge.MustCompile(merge.Options[note]{})))
	create := write(t, &resolver.Siblings[note]{}, at("ap", 1), resolver.Context{}, note{"a", "b"})
	out := resolve(t, without, join(write(t, create, at("eu", 2), create.Context(), note{"x", "b"}), write(t, create, at("us", 3), create.Context(), note{"a", "y"})))
	require.Equal(t, note{"a", "y"}, out.Value, "the edit of eu is lost")
	require.Equal(t, "merged without base", out.Reason)
}
