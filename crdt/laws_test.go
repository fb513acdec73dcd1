package crdt_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// The kits of this file put every type of the package through random histories
// against a model that knows what each replica has seen and nothing about how the
// type works.

var letters = rapid.SampledFrom([]string{"p", "q"})

// args returns the sorted arguments of the events of an operation, each once.
func args(events []crdttest.Event, op string) []string {
	set := map[string]bool{}
	for _, e := range events {
		if e.Op == op {
			set[e.Arg.(string)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestGSetLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*crdt.GSet[string]]{
		New: func() *crdt.GSet[string] { return new(crdt.GSet[string]) },
		Ops: []crdttest.Operation[*crdt.GSet[string]]{
			crdttest.Op("Add", rapid.StringN(0, 1, 1), func(s *crdt.GSet[string], _ vclock.Replica, e string) (*crdt.GSet[string], error) {
				return s.Add(e), nil
			}),
		},
		Value: func(s *crdt.GSet[string]) any { return slices.Sorted(s.All()) },
		Model: func(seen []crdttest.Event) any { return args(seen, "Add") },
	}
	kit.Check(t)
}

// TestTwoPSetLaws takes a remove to count only if it found its element, and an add
// to count only if it did not find it removed.
func TestTwoPSetLaws(t *testing.T) {
	t.Parallel()
	var counts func(e crdttest.Event) bool
	counting := func(events []crdttest.Event, x any, op string) bool {
		return slices.ContainsFunc(events, func(e crdttest.Event) bool { return e.Op == op && e.Arg == x && counts(e) })
	}
	counts = func(e crdttest.Event) bool {
		gone := counting(e.Past(), e.Arg, "Remove")
		if e.Op == "Add" {
			return !gone
		}
		return gone || counting(e.Past(), e.Arg, "Add")
	}
	kit := crdttest.Kit[*crdt.TwoPSet[string]]{
		New: func() *crdt.TwoPSet[string] { return new(crdt.TwoPSet[string]) },
		Ops: []crdttest.Operation[*crdt.TwoPSet[string]]{
			crdttest.Op("Add", letters, func(s *crdt.TwoPSet[string], _ vclock.Replica, e string) (*crdt.TwoPSet[string], error) {
				return s.Add(e), nil
			}),
			crdttest.Op("Remove", letters, func(s *crdt.TwoPSet[string], _ vclock.Replica, e string) (*crdt.TwoPSet[string], error) {
				return s.Remove(e), nil
			}),
		},
		Value: func(s *crdt.TwoPSet[string]) any { return slices.Sorted(s.All()) },
		Model: func(seen []crdttest.Event) any {
			return slices.DeleteFunc(args(seen, "Add"), func(x string) bool {
				return !counting(seen, x, "Add") || counting(seen, x, "Remove")
			})
		},
	}
	kit.Check(t)
}

// sameElement says that an operation overrides what it saw done to its element, and
// Clear what it saw done to any.
func sameElement(later, earlier crdttest.Event) bool {
	return later.Op == "Clear" || later.Arg == earlier.Arg
}

func TestORSetLaws(t *testing.T) {
	t.Parallel()
	type set = crdt.ORSet[string]
	kit := crdttest.Kit[*set]{
		New: func() *set { return new(set) },
		Ops: []crdttest.Operation[*set]{
			crdttest.Op("Add", letters, func(s *set, r vclock.Replica, e string) (*set, error) { return s.Add(r, e), nil }),
			crdttest.Op("Remove", letters, func(s *set, r vclock.Replica, e string) (*set, error) { return s.Remove(r, e), nil }),
			crdttest.Op("Clear", nil, func(s *set, r vclock.Replica, _ struct{}) (*set, error) { return s.Clear(r), nil }),
			crdttest.OpSeen("Remove", letters, (*set).Context, func(s *set, r vclock.Replica, seen crdt.Context, e string) (*set, error) {
				return s.RemoveSeen(r, seen, e)
			}),
			crdttest.OpSeen("Clear", nil, (*set).Context, func(s *set, r vclock.Replica, seen crdt.Context, _ struct{}) (*set, error) {
				return s.ClearSeen(r, seen)
			}),
		},
		Value: func(s *set) any { return slices.Sorted(s.All()) },
		Model: func(seen []crdttest.Event) any { return args(crdttest.Standing(seen, sameElement), "Add") },
	}
	kit.Check(t)
}

func TestRWSetLaws(t *testing.T) {
	t.Parallel()
	type set = crdt.RWSet[string]
	kit := crdttest.Kit[*set]{
		New: func() *set { return new(set) },
		Ops: []crdttest.Operation[*set]{
			crdttest.Op("Add", letters, func(s *set, r vclock.Replica, e string) (*set, error) { return s.Add(r, e), nil }),
			crdttest.Op("Remove", letters, func(s *set, r vclock.Replica, e string) (*set, error) { return s.Remove(r, e), nil }),
			crdttest.OpSeen("Add", letters, (*set).Context, func(s *set, r vclock.Replica, seen crdt.Context, e string) (*set, error) {
				return s.AddSeen(r, seen, e)
			}),
			crdttest.OpSeen("Remove", letters, (*set).Context, func(s *set, r vclock.Replica, seen crdt.Context, e string) (*set, error) {
				return s.RemoveSeen(r, seen, e)
			}),
		},
		Value: func(s *set) any { return slices.Sorted(s.All()) },
		Model: func(seen []crdttest.Event) any {
			standing := crdttest.Standing(seen, sameElement)
			removed := args(standing, "Remove")
			return slices.DeleteFunc(args(standing, "Add"), func(e string) bool { return slices.Contains(removed, e) })
		},
	}
	kit.Check(t)
}

// A place is a key and an element of the value there.
type place struct{ Key, Elem string }

var places = rapid.Custom(func(t *rapid.T) place {
	return place{letters.Draw(t, "key"), letters.Draw(t, "element")}
})

type (
	gsets  = crdt.GMap[string, *crdt.GSet[string]]
	nested = crdt.GMap[string, *gsets]
)

func addTo(e string) func(*crdt.GSet[string]) *crdt.GSet[string] {
	return func(s *crdt.GSet[string]) *crdt.GSet[string] { return s.Add(e) }
}

// elems returns the elements of the sets in m.
func elems(m *gsets) map[string][]string {
	all := map[string][]string{}
	for k, s := range m.All() {
		all[k] = slices.Sorted(s.All())
	}
	return all
}

func TestGMapLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*gsets]{
		New: func() *gsets { return new(gsets) },
		Ops: []crdttest.Operation[*gsets]{
			crdttest.Op("Update", places, func(m *gsets, _ vclock.Replica, p place) (*gsets, error) {
				return m.Update(p.Key, addTo(p.Elem)), nil
			}),
			crdttest.Op("Create", letters, func(m *gsets, _ vclock.Replica, k string) (*gsets, error) {
				return m.MergeAt(k, new(crdt.GSet[string])), nil
			}),
		},
		Value: func(m *gsets) any { return elems(m) },
		Model: func(seen []crdttest.Event) any {
			all := map[string][]string{}
			for _, e := range seen {
				if k, created := e.Arg.(string); created {
					all[k] = append(all[k], []string(nil)...)
				}
				if p, updated := e.Arg.(place); updated {
					all[p.Key] = append(all[p.Key], p.Elem)
				}
			}
			for k, elems := range all {
				slices.Sort(elems)
				all[k] = slices.Compact(elems)
			}
			return all
		},
	}
	kit.Check(t)
}

func TestNestedGMapLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*nested]{
		New: func() *nested { return new(nested) },
		Ops: []crdttest.Operation[*nested]{
			crdttest.Op("Update", places, func(m *nested, _ vclock.Replica, p place) (*nested, error) {
				return m.Update(p.Key, func(in *gsets) *gsets { return in.Update(p.Elem, addTo("x")) }), nil
			}),
			crdttest.Op("UpdateWhole", places, func(m *nested, _ vclock.Replica, p place) (*nested, error) {
				return m.Update(p.Key, func(in *gsets) *gsets { in.Update(p.Elem, addTo("y")); return nil }), nil
			}),
		},
		Value: func(m *nested) any {
			all := map[string]map[string][]string{}
			for k, in := range m.All() {
				all[k] = elems(in)
			}
			return all
		},
	}
	kit.Check(t)
}

// TestForeignGMapLaws has values of a type that is not of this package, has no
// deltas, and no encoding but in a second variant.
func TestForeignGMapLaws(t *testing.T) {
	t.Parallel()
	t.Run("bare", func(t *testing.T) {
		foreignKit(func() *high { return new(high) }, func(h *high, n int64) { h.set(n) }).Check(t)
	})
	t.Run("encoded", func(t *testing.T) {
		foreignKit(func() *wiredHigh { return new(wiredHigh) }, func(h *wiredHigh, n int64) { h.set(n) }).Check(t)
	})
}

func foreignKit[V interface {
	crdt.State[V]
	get() int64
}](fresh func() V, set func(V, int64)) *crdttest.Kit[*crdt.GMap[int64, V]] {
	type foreign = crdt.GMap[int64, V]
	small := rapid.Int64Range(-1, 1)
	return &crdttest.Kit[*foreign]{
		New: func() *foreign { return new(foreign) },
		Ops: []crdttest.Operation[*foreign]{
			crdttest.Op("Update", small, func(m *foreign, _ vclock.Replica, n int64) (*foreign, error) {
				var none V
				return m.Update(n&1, func(v V) V { set(v, n); return none }), nil
			}),
			crdttest.Op("MergeAt", small, func(m *foreign, _ vclock.Replica, n int64) (*foreign, error) {
				v := fresh()
				set(v, n)
				return m.MergeAt(n&1, v), nil
			}),
		},
		Value: func(m *foreign) any {
			all := map[int64]int64{}
			for k, v := range m.All() {
				all[k] = v.get()
			}
			return all
		},
	}
}

// within says that an operation overrides what it saw done to its element, Delete
// what it saw done to its key, and Clear everything.
func within(later, earlier crdttest.Event) bool {
	if k, deleted := later.Arg.(string); deleted {
		p, ok := earlier.Arg.(place)
		return ok && p.Key == k
	}
	return later.Op == "Clear" || later.Arg == earlier.Arg
}

// standingPlaces returns the elements of each key that stands after Adds.
func standingPlaces(seen []crdttest.Event) map[string][]string {
	all := map[string][]string{}
	for _, e := range crdttest.Standing(seen, within) {
		if p, ok := e.Arg.(place); ok && e.Op == "Add" && !slices.Contains(all[p.Key], p.Elem) {
			all[p.Key] = append(all[p.Key], p.Elem)
			slices.Sort(all[p.Key])
		}
	}
	return all
}

func TestORMapLaws(t *testing.T) {
	t.Parallel()
	type (
		set   = crdt.ORSet[string]
		outer = crdt.ORMap[string, *set]
	)
	kit := crdttest.Kit[*outer]{
		New: func() *outer { return new(outer) },
		Ops: []crdttest.Operation[*outer]{
			crdttest.Op("Add", places, func(m *outer, r vclock.Replica, p place) (*outer, error) {
				return m.Update(r, p.Key, func(s *set) { s.Add(r, p.Elem) }), nil
			}),
			crdttest.Op("Remove", places, func(m *outer, r vclock.Replica, p place) (*outer, error) {
				return m.Update(r, p.Key, func(s *set) { s.Remove(r, p.Elem) }), nil
			}),
			crdttest.Op("Delete", letters, func(m *outer, r vclock.Replica, k string) (*outer, error) {
				return m.Delete(r, k), nil
			}),
			crdttest.Op("Clear", nil, func(m *outer, r vclock.Replica, _ struct{}) (*outer, error) { return m.Clear(r), nil }),
			crdttest.OpSeen("Delete", letters, (*outer).Context, func(m *outer, r vclock.Replica, seen crdt.Context, k string) (*outer, error) {
				return m.DeleteSeen(r, seen, k)
			}),
		},
		Value: func(m *outer) any {
			all := map[string][]string{}
			for k, s := range m.All() {
				all[k] = slices.Sorted(s.All())
			}
			return all
		},
		Model: func(seen []crdttest.Event) any { return standingPlaces(seen) },
	}
	kit.Check(t)
}

// TestNestedORMapLaws has the elements of the other test as keys of maps that hold
// one element each.
func TestNestedORMapLaws(t *testing.T) {
	t.Parallel()
	type (
		set   = crdt.ORSet[string]
		inner = crdt.ORMap[string, *set]
		outer = crdt.ORMap[string, *inner]
	)
	kit := crdttest.Kit[*outer]{
		New: func() *outer { return new(outer) },
		Ops: []crdttest.Operation[*outer]{
			crdttest.Op("Add", places, func(m *outer, r vclock.Replica, p place) (*outer, error) {
				return m.Update(r, p.Key, func(in *inner) { in.Update(r, p.Elem, func(s *set) { s.Add(r, "x") }) }), nil
			}),
			crdttest.Op("DeleteInner", places, func(m *outer, r vclock.Replica, p place) (*outer, error) {
				return m.Update(r, p.Key, func(in *inner) { in.Delete(r, p.Elem) }), nil
			}),
			crdttest.Op("Delete", letters, func(m *outer, r vclock.Replica, k string) (*outer, error) {
				return m.Delete(r, k), nil
			}),
		},
		Value: func(m *outer) any {
			all := map[string][]string{}
			for k, in := range m.All() {
				for e := range in.All() {
					all[k] = append(all[k], e)
				}
				slices.Sort(all[k])
			}
			return all
		},
		Model: func(seen []crdttest.Event) any { return standingPlaces(seen) },
	}
	kit.Check(t)
}
