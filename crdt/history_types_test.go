package crdt_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

var (
	elemNames = []string{"p", "q", "r"}
	drawElem  = rapid.SampledFrom(elemNames)
	keys      = []string{"k", "l"}
	drawKey   = rapid.SampledFrom(keys)
)

type tags = crdt.ORSet[string]

func everything(*event) bool { return true }

// elemsIn returns the elements of the events of a kind, each once.
func elemsIn(standing []*event, what string) []string {
	in := map[string]bool{}
	for _, e := range standing {
		if e.what == what {
			in[e.elem] = true
		}
	}
	return slices.Sorted(maps.Keys(in))
}

func orsetSubject() subject[*crdt.ORSet[string]] {
	type set = crdt.ORSet[string]
	return subject[*set]{
		fresh: func() *set { return new(set) },
		act: func(t *rapid.T, s *set, c *scene) *set {
			elem := drawElem.Draw(t, "elem")
			same := func(e *event) bool { return e.elem == elem }
			switch rapid.IntRange(0, 6).Draw(t, "op") {
			case 0:
				c.did("remove", "", nil, same)
				return s.Remove(c.name, elem)
			case 1:
				c.did("remove", "", c.client, same)
				return must(s.RemoveSeen(c.name, c.client.context, elem))
			case 2:
				c.did("clear", "", nil, everything)
				return s.Clear(c.name)
			case 3:
				c.did("clear", "", c.client, everything)
				return must(s.ClearSeen(c.name, c.client.context))
			}
			c.did("add", elem, nil, same)
			return s.Add(c.name, elem)
		},
		show: func(s *set) []string { return slices.Collect(s.All()) },
		want: func(_ string, standing []*event) []string { return elemsIn(standing, "add") },
		read: (*set).Context,
	}
}

// rwsetSubject: an element is in if it has adds in force and no removes, and every
// change of an element undoes what it saw of it.
func rwsetSubject() subject[*crdt.RWSet[string]] {
	type set = crdt.RWSet[string]
	return subject[*set]{
		fresh: func() *set { return new(set) },
		act:   actRWSet,
		show:  func(s *set) []string { return slices.Collect(s.All()) },
		want: func(_ string, standing []*event) []string {
			removed := elemsIn(standing, "remove")
			return slices.DeleteFunc(elemsIn(standing, "add"), func(e string) bool { return slices.Contains(removed, e) })
		},
		compact: (*set).Compact,
		residues: func(l log, path string, stable vclock.Clock) ids {
			gone, kept := map[string][]int{}, map[string]bool{}
			for _, e := range l.inForce() {
				switch {
				case e.path != path:
				case e.what == "remove" && stable.Contains(e.dot):
					gone[e.elem] = append(gone[e.elem], e.id)
				default:
					kept[e.elem] = true
				}
			}
			all := ids{}
			for elem, removes := range gone {
				for _, id := range removes {
					if !kept[elem] {
						all[id] = true
					}
				}
			}
			return all
		},
		read: (*set).Context,
	}
}

func actRWSet(t *rapid.T, s *crdt.RWSet[string], c *scene) *crdt.RWSet[string] {
	elem := drawElem.Draw(t, "elem")
	same := func(e *event) bool { return e.elem == elem }
	switch rapid.IntRange(0, 7).Draw(t, "op") {
	case 0:
		c.did("remove", elem, nil, same)
		return s.Remove(c.name, elem)
	case 1:
		c.did("remove", elem, c.client, same)
		return must(s.RemoveSeen(c.name, c.client.context, elem))
	case 2:
		c.did("add", elem, c.client, same).late = c.tooLate("remove", same)
		return must(s.AddSeen(c.name, c.client.context, elem))
	case 3, 4:
		return actRWSetClear(t, s, c)
	}
	c.did("add", elem, nil, same)
	return s.Add(c.name, elem)
}

// actRWSetClear removes every element that is in, or that a client saw added, by
// an event each.
func actRWSetClear(t *rapid.T, s *crdt.RWSet[string], c *scene) *crdt.RWSet[string] {
	seen := c.client
	if rapid.Bool().Draw(t, "whole") {
		seen = nil
	}
	for _, elem := range elemNames {
		same := func(e *event) bool { return e.path == c.path && e.elem == elem }
		adds, _ := c.undoing(seen, func(e *event) bool { return same(e) && e.what == "add" })
		if seen == nil && s.Contains(elem) || seen != nil && len(adds) > 0 {
			c.did("remove", elem, seen, same)
		}
	}
	var d *crdt.RWSet[string]
	if seen == nil {
		d = s.Clear(c.name)
	} else {
		d = must(s.ClearSeen(c.name, seen.context))
	}
	for dot, what := range crdt.Events(d) {
		for _, e := range c.done {
			if strings.Contains(what, strconv.Quote(e.elem)) {
				e.dot = dot
			}
		}
	}
	return d
}

// tooLate reports whether this site has seen a removal that matches, and the client
// has not: what the client adds may arrive where that is forgotten.
func (c *scene) tooLate(what string, match func(*event) bool) bool {
	return slices.ContainsFunc(c.log.below(c.path), func(e *event) bool {
		return e.what == what && match(e) && !c.client.covers(e)
	})
}

// on is what a flag shows.
func on(enabled bool) []string {
	if enabled {
		return []string{"on"}
	}
	return nil
}

// A flag is what the two flags have in common.
type flag[S any] interface {
	crdt.Value[S]
	causal
	Enable(r vclock.Replica) S
	EnableSeen(r vclock.Replica, seen crdt.Context) (S, error)
	Disable(r vclock.Replica) S
	DisableSeen(r vclock.Replica, seen crdt.Context) (S, error)
	Enabled() bool
}

func actFlag[S flag[S]](t *rapid.T, f S, c *scene) S {
	switch rapid.IntRange(0, 4).Draw(t, "op") {
	case 0:
		c.did("disable", "", nil, everything)
		return f.Disable(c.name)
	case 1:
		c.did("disable", "", c.client, everything)
		return must(f.DisableSeen(c.name, c.client.context))
	case 2:
		c.did("enable", "", c.client, everything).late = c.tooLate("disable", everything)
		return must(f.EnableSeen(c.name, c.client.context))
	}
	c.did("enable", "", nil, everything)
	return f.Enable(c.name)
}

func ewflagSubject() subject[*crdt.EWFlag] {
	return subject[*crdt.EWFlag]{
		fresh: func() *crdt.EWFlag { return new(crdt.EWFlag) },
		act:   actFlag[*crdt.EWFlag],
		show:  func(f *crdt.EWFlag) []string { return on(f.Enabled()) },
		want:  func(_ string, standing []*event) []string { return on(len(elemsIn(standing, "enable")) > 0) },
		read:  (*crdt.EWFlag).Context,
	}
}

func dwflagSubject() subject[*crdt.DWFlag] {
	return subject[*crdt.DWFlag]{
		fresh: func() *crdt.DWFlag { return new(crdt.DWFlag) },
		act:   actFlag[*crdt.DWFlag],
		show:  func(f *crdt.DWFlag) []string { return on(f.Enabled()) },
		want: func(_ string, standing []*event) []string {
			return on(len(elemsIn(standing, "enable")) > 0 && len(elemsIn(standing, "disable")) == 0)
		},
		compact: (*crdt.DWFlag).Compact,
		residues: func(l log, path string, stable vclock.Clock) ids {
			gone := ids{}
			for _, e := range l.inForce() {
				switch {
				case e.path != path:
				case e.what == "enable":
					return nil // it has lost against a disable
				case stable.Contains(e.dot):
					gone[e.id] = true
				}
			}
			return gone
		},
		read: (*crdt.DWFlag).Context,
	}
}

func mvregisterSubject() subject[*crdt.MVRegister[string]] {
	type register = crdt.MVRegister[string]
	return subject[*register]{
		fresh: func() *register { return new(register) },
		act: func(t *rapid.T, m *register, c *scene) *register {
			elem := drawElem.Draw(t, "value")
			switch rapid.IntRange(0, 4).Draw(t, "op") {
			case 0:
				c.did("clear", "", nil, everything)
				return m.Clear(c.name)
			case 1:
				c.did("clear", "", c.client, everything)
				return must(m.ClearSeen(c.name, c.client.context))
			case 2:
				c.did("set", elem, c.client, everything)
				d, err := m.SetSeen(c.name, c.client.context, elem)
				require.NoError(t, err)
				return d
			}
			c.did("set", elem, nil, everything)
			d, err := m.Set(c.name, elem)
			require.NoError(t, err)
			return d
		},
		show: func(m *register) []string { return slices.Collect(m.Values()) },
		want: func(_ string, standing []*event) []string { return elemsIn(standing, "set") },
		read: (*register).Context,
	}
}

// pncounterSubject counts in powers of two, so that equal values are equal sets of
// increments.
func pncounterSubject() subject[*crdt.PNCounter] {
	return subject[*crdt.PNCounter]{
		fresh: func() *crdt.PNCounter { return new(crdt.PNCounter) },
		act:   actPNCounter,
		show: func(x *crdt.PNCounter) []string {
			if n, _ := x.Total(); n != 0 {
				return []string{fmt.Sprint(n)}
			}
			return nil
		},
		want: func(_ string, standing []*event) []string {
			var n int64
			for _, e := range standing {
				n += e.n
			}
			if n == 0 {
				return nil
			}
			return []string{fmt.Sprint(n)}
		},
		clear:   clearPNCounter,
		compact: (*crdt.PNCounter).Compact,
		read:    (*crdt.PNCounter).Context,
	}
}

func actPNCounter(t *rapid.T, x *crdt.PNCounter, c *scene) *crdt.PNCounter {
	op := rapid.IntRange(0, 4).Draw(t, "op")
	if op < 2 {
		seen := c.client
		if op == 0 {
			seen = nil
		}
		e := &event{at: c.name, path: c.path, what: "reset"}
		e.undid, e.truly = clearPNCounter(c, seen)
		c.done = append(c.done, e)
		if op == 0 {
			return x.Reset(c.name)
		}
		return must(x.ResetSeen(c.name, seen.context))
	}
	own, made := addsOf(c.log, c.path, c.name), 0
	for _, e := range c.log {
		if e.what == "add" {
			made++
		}
	}
	e := &event{at: c.name, path: c.path, what: "add", n: 1 << min(made, 60)}
	e.first = e
	if last := own.lastStanding(c.log); last != nil {
		e.first = last.first
	}
	c.done = append(c.done, e)
	c.tellSum(own)
	return x.Add(c.name, e.n)
}

// tellSum notes that a delta tells the sum of some increments, and what was undone of
// them.
func (c *scene) tellSum(all adds) {
	undone, told := c.log.undone(true), ids{}
	for _, e := range all {
		c.told[e.id] = e
		if undone[e.id] {
			told[e.id] = true
		}
	}
	c.told[-len(c.told)] = &event{at: c.name, path: c.path, what: "told", undid: told, truly: told}
}

// Adds are the increments of one replica in one counter, in order.
type adds []*event

func addsOf(l log, path string, r vclock.Replica) adds {
	var all adds
	for _, e := range l.below(path) {
		if e.path == path && e.what == "add" && e.at == r {
			all = append(all, e)
		}
	}
	return all
}

// lastStanding returns the last one if any is in force.
func (a adds) lastStanding(l log) *event {
	undone := l.undone(true)
	if !slices.ContainsFunc(a, func(e *event) bool { return !undone[e.id] }) {
		return nil
	}
	return a[len(a)-1]
}

// clearPNCounter: a reset undoes the sums that it finds. For a client that was shown
// less of one, it undoes the part that was shown, if the context tells that, and its
// delta tells the sum.
func clearPNCounter(c *scene, seen *client) (undid, truly ids) {
	undid = ids{}
	for _, r := range c.names {
		all := addsOf(c.log, c.path, r)
		last := all.lastStanding(c.log)
		if last == nil {
			continue
		}
		upto := last
		if seen != nil && !seen.context.Contains(last.dot) {
			there := addsOf(seen.log, c.path, r)
			if len(there) == 0 {
				continue
			}
			shown := there[len(there)-1] // be it counting or undone
			if shown.first != last.first {
				continue
			}
			if shown.dot.Seq < last.dot.Seq {
				upto = shown // else it was shown more, of which this state has a part
			}
		}
		part := slices.DeleteFunc(slices.Clone(all), func(e *event) bool { return e.dot.Seq > upto.dot.Seq })
		if part.lastStanding(c.log) == nil {
			continue
		}
		for _, e := range part {
			undid[e.id] = true
		}
		if upto != last {
			c.tellSum(all) // which begins with what is undone
		}
	}
	return undid, undid
}

func gsetSubject() subject[*crdt.GSet[string]] {
	type set = crdt.GSet[string]
	return subject[*set]{
		fresh: func() *set { return new(set) },
		act: func(t *rapid.T, s *set, c *scene) *set {
			elem := drawElem.Draw(t, "elem")
			c.done = append(c.done, &event{path: c.path, what: "add", elem: elem})
			return s.Add(elem)
		},
		show: func(s *set) []string { return slices.Collect(s.All()) },
		want: func(_ string, standing []*event) []string { return elemsIn(standing, "add") },
	}
}

// twopsetSubject: an add counts unless its element was seen removed, and a remove if
// its element was there or removed before.
func twopsetSubject() subject[*crdt.TwoPSet[string]] {
	type set = crdt.TwoPSet[string]
	want := func(_ string, standing []*event) []string {
		removed := elemsIn(standing, "remove")
		return slices.DeleteFunc(elemsIn(standing, "add"), func(e string) bool { return slices.Contains(removed, e) })
	}
	return subject[*set]{
		fresh: func() *set { return new(set) },
		act: func(t *rapid.T, s *set, c *scene) *set {
			elem := drawElem.Draw(t, "elem")
			here := slices.DeleteFunc(c.log.below(c.path), func(e *event) bool { return e.path != c.path })
			if rapid.Bool().Draw(t, "remove") {
				if slices.Contains(elemsIn(here, "add"), elem) || slices.Contains(elemsIn(here, "remove"), elem) {
					c.done = append(c.done, &event{path: c.path, what: "remove", elem: elem})
				}
				return s.Remove(elem)
			}
			if !slices.Contains(elemsIn(here, "remove"), elem) {
				c.done = append(c.done, &event{path: c.path, what: "add", elem: elem})
			}
			return s.Add(elem)
		},
		show: func(s *set) []string { return slices.Collect(s.All()) },
		want: want,
	}
}

// gcounterSubject: the delta of an increment tells of all that its replica added
// before.
func gcounterSubject() subject[*crdt.GCounter] {
	totals := func(all map[vclock.Replica]uint64) []string {
		var lines []string
		for r, n := range all {
			lines = append(lines, fmt.Sprint(r, "=", n))
		}
		return lines
	}
	return subject[*crdt.GCounter]{
		fresh: func() *crdt.GCounter { return new(crdt.GCounter) },
		act: func(t *rapid.T, x *crdt.GCounter, c *scene) *crdt.GCounter {
			n := rapid.Int64Range(0, 3).Draw(t, "n")
			c.done = append(c.done, &event{at: c.name, path: c.path, what: "add", n: n})
			c.tells(func(e *event) bool { return e.what == "add" && e.at == c.name })
			return x.Add(c.name, uint64(n))
		},
		show: func(x *crdt.GCounter) []string {
			n, exact := x.Total()
			return append(totals(maps.Collect(x.All())), fmt.Sprint(n, exact))
		},
		want: func(_ string, standing []*event) []string {
			all, sum := map[vclock.Replica]uint64{}, int64(0)
			for _, e := range standing {
				if e.n > 0 {
					all[e.at] += uint64(e.n)
				}
				sum += e.n
			}
			return append(totals(all), fmt.Sprint(sum, true))
		},
	}
}

// inORMap returns the subject of a map whose values are of another.
func inORMap[V interface {
	crdt.Value[V]
	causal
}](values subject[V]) subject[*crdt.ORMap[string, V]] {
	type outer = crdt.ORMap[string, V]
	if values.clear == nil {
		values.clear = func(c *scene, seen *client) (undid, truly ids) { return c.undoing(seen, everything) }
	}
	sub := subject[*outer]{
		fresh: func() *outer { return new(outer) },
		show: func(m *outer) []string {
			var lines []string
			for k, v := range m.All() {
				lines = append(lines, k)
				for _, line := range values.show(v) {
					lines = append(lines, k+"/"+line)
				}
			}
			return lines
		},
		want: func(path string, standing []*event) []string {
			var lines []string
			for _, k := range keys {
				here := slices.DeleteFunc(slices.Clone(standing), func(e *event) bool { return !strings.HasPrefix(e.path, path+k+"/") })
				below := values.want(path+k+"/", here)
				if len(below) > 0 {
					lines = append(lines, k)
				}
				for _, line := range below {
					lines = append(lines, k+"/"+line)
				}
			}
			return lines
		},
		clear: func(c *scene, seen *client) (undid, truly ids) {
			undid, truly = ids{}, ids{}
			for _, k := range keys {
				u, v := values.clear(c.in(k), seen)
				maps.Copy(undid, u)
				maps.Copy(truly, v)
			}
			return undid, truly
		},
		compact: (*outer).Compact,
		read:    (*outer).Context,
	}
	sub.act = func(t *rapid.T, m *outer, c *scene) *outer { return actORMap(t, m, c, values, sub) }
	if values.residues != nil {
		sub.residues = func(l log, path string, stable vclock.Clock) ids {
			gone := ids{}
			for _, k := range keys {
				maps.Copy(gone, values.residues(l, path+k+"/", stable))
			}
			return gone
		}
	}
	if values.compact == nil {
		sub.compact = nil
	}
	return sub
}

func actORMap[V crdt.Value[V]](t *rapid.T, m *crdt.ORMap[string, V], c *scene, values subject[V], sub subject[*crdt.ORMap[string, V]]) *crdt.ORMap[string, V] {
	k, seen := drawKey.Draw(t, "key"), c.client
	undo := func(how func(*scene, *client) (undid, truly ids), at *scene, seen *client) {
		e := &event{at: c.name, path: c.path, what: "undo"}
		e.undid, e.truly = how(at, seen)
		c.done = append(c.done, e)
	}
	switch rapid.IntRange(0, 9).Draw(t, "op") {
	case 0:
		undo(values.clear, c.in(k), nil)
		return m.Delete(c.name, k)
	case 1:
		undo(values.clear, c.in(k), seen)
		return must(m.DeleteSeen(c.name, seen.context, k))
	case 2:
		undo(sub.clear, c, nil)
		return m.Clear(c.name)
	case 3:
		undo(sub.clear, c, seen)
		return must(m.ClearSeen(c.name, seen.context))
	}
	return m.Update(c.name, k, func(v V) {
		in := c.in(k)
		values.act(t, v, in)
		c.done = append(c.done, in.done...)
	})
}

// inGMap returns the subject of a grow-only map whose values are of another.
func inGMap[V crdt.State[V]](values subject[V]) subject[*crdt.GMap[string, V]] {
	type outer = crdt.GMap[string, V]
	return subject[*outer]{
		fresh: func() *outer { return new(outer) },
		act: func(t *rapid.T, m *outer, c *scene) *outer {
			k := drawKey.Draw(t, "key")
			in := c.in(k)
			d := m.Update(k, func(v V) V { return values.act(t, v, in) })
			c.done = append(c.done, append(in.done, &event{path: in.path, what: "make"})...)
			return d
		},
		show: func(m *outer) []string {
			var lines []string
			for k, v := range m.All() {
				lines = append(lines, k)
				for _, line := range values.show(v) {
					lines = append(lines, k+"/"+line)
				}
			}
			return lines
		},
		want: func(path string, standing []*event) []string {
			var lines []string
			for _, k := range keys {
				here := slices.DeleteFunc(slices.Clone(standing), func(e *event) bool { return !strings.HasPrefix(e.path, path+k+"/") })
				if len(here) == 0 {
					continue
				}
				lines = append(lines, k)
				for _, line := range values.want(path+k+"/", here) {
					lines = append(lines, k+"/"+line)
				}
			}
			return lines
		},
	}
}

// causalHistories runs the histories of a type alone, in a map, and in a map of maps.
func causalHistories[V interface {
	crdt.Value[V]
	causal
	encodedState[V]
}](t *testing.T, sub func() subject[V]) {
	t.Helper()
	t.Run("alone", func(t *testing.T) { histories(t, sub()) })
	t.Run("in a map", func(t *testing.T) { histories(t, inORMap(sub())) })
	t.Run("in a map of maps", func(t *testing.T) { histories(t, inORMap(inORMap(sub()))) })
}

func TestORSetHistories(t *testing.T)      { causalHistories(t, orsetSubject) }
func TestRWSetHistories(t *testing.T)      { causalHistories(t, rwsetSubject) }
func TestEWFlagHistories(t *testing.T)     { causalHistories(t, ewflagSubject) }
func TestDWFlagHistories(t *testing.T)     { causalHistories(t, dwflagSubject) }
func TestMVRegisterHistories(t *testing.T) { causalHistories(t, mvregisterSubject) }
func TestCounterHistories(t *testing.T)    { causalHistories(t, pncounterSubject) }

// grownHistories is causalHistories in a grow-only map.
func grownHistories[V encodedState[V]](t *testing.T, sub func() subject[V]) {
	t.Helper()
	t.Run("alone", func(t *testing.T) { histories(t, sub()) })
	t.Run("in a map", func(t *testing.T) { histories(t, inGMap(sub())) })
	t.Run("in a map of maps", func(t *testing.T) { histories(t, inGMap(inGMap(sub()))) })
}

func TestGSetHistories(t *testing.T)     { grownHistories(t, gsetSubject) }
func TestTwoPSetHistories(t *testing.T)  { grownHistories(t, twopsetSubject) }
func TestGCounterHistories(t *testing.T) { grownHistories(t, gcounterSubject) }
