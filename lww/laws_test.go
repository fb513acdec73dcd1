package lww_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// The kits of this file put the types through random histories. Their model knows
// the writes that a replica has seen, works out the stamp of each, and takes the
// largest.

// A ticker gives out the next time. Concurrent writes thus get equal times.
type ticker struct{}

func (ticker) Next(after hlc.Timestamp) (hlc.Timestamp, error) { return after + 1, nil }

func writer(r vclock.Replica) lww.Writer { return lww.Writer{Replica: r, Clock: ticker{}} }

// An edit is the argument of an operation. Those under a stamp of their own have a
// time, and collide: same stamp, another value.
type edit struct {
	Key, Value string
	Time       hlc.Timestamp
}

var (
	letters = rapid.SampledFrom([]string{"p", "q"})
	edits   = rapid.Custom(func(t *rapid.T) edit {
		return edit{Key: letters.Draw(t, "key"), Value: letters.Draw(t, "value")}
	})
	stampedEdits = rapid.Custom(func(t *rapid.T) edit {
		return edit{letters.Draw(t, "key"), letters.Draw(t, "value"), hlc.Timestamp(rapid.IntRange(1, 3).Draw(t, "time"))}
	})
)

// elsewhere returns the stamp that a write brings.
func (w edit) elsewhere() lww.Stamp { return lww.Stamp{Time: w.Time, Replica: "b"} }

// A version is what a write makes of a key: by stamp, then by whether it deletes,
// then by value.
type version struct {
	key     string
	stamp   lww.Stamp
	deleted bool
	value   string
}

func compareVersions(x, y version) int {
	rank := map[bool]int{true: 1}
	return cmp.Or(x.stamp.Compare(y.stamp), cmp.Compare(rank[x.deleted], rank[y.deleted]), cmp.Compare(x.value, y.value))
}

// latest returns the latest version of every key among the writes in events.
func latest(events []crdttest.Event) map[string]version {
	best := map[string]version{}
	for _, e := range events {
		v := versionOf(e)
		if v.stamp.IsZero() {
			continue // there was nothing to touch
		}
		if old, ok := best[v.key]; !ok || compareVersions(v, old) > 0 {
			best[v.key] = v
		}
	}
	return best
}

// versionOf returns the version that e made: above the one it replaced unless it
// has a stamp of its own, and that one itself if it asserts what is there.
func versionOf(e crdttest.Event) version {
	w := e.Arg.(edit)
	v := version{key: w.Key, deleted: e.Op == "Delete" || e.Op == "DeleteAt"}
	if e.Op == "Put" || e.Op == "PutAt" {
		v.value = w.Value
	}
	if v.stamp = w.elsewhere(); w.Time > 0 {
		return v
	}
	old := latest(e.Past())[w.Key]
	switch {
	case e.Op == "Touch":
		if old.deleted || old.stamp.IsZero() {
			return old
		}
		v.value = old.value
	case !old.stamp.IsZero() && old.deleted == v.deleted && old.value == v.value:
		return old
	}
	v.stamp = lww.Stamp{Time: old.stamp.Time + 1, Replica: e.Replica}
	return v
}

// touched returns what Touch does, which may be nothing.
func touched[S any](delta S, err error) (S, error) {
	if errors.Is(err, lww.ErrAbsent) {
		return *new(S), nil
	}
	return delta, err
}

type rows = lww.Map[string, string]

var rowsOps = []crdttest.Operation[*rows]{
	crdttest.Op("Put", edits, func(m *rows, r vclock.Replica, w edit) (*rows, error) {
		return m.Put(writer(r), w.Key, w.Value)
	}),
	crdttest.Op("Delete", edits, func(m *rows, r vclock.Replica, w edit) (*rows, error) {
		return m.Delete(writer(r), w.Key)
	}),
	crdttest.Op("Touch", edits, func(m *rows, r vclock.Replica, w edit) (*rows, error) {
		return touched(m.Touch(writer(r), w.Key))
	}),
	crdttest.Op("PutAt", stampedEdits, func(m *rows, _ vclock.Replica, w edit) (*rows, error) {
		return m.PutAt(w.Key, w.Value, w.elsewhere())
	}),
	crdttest.Op("DeleteAt", stampedEdits, func(m *rows, _ vclock.Replica, w edit) (*rows, error) {
		return m.DeleteAt(w.Key, w.elsewhere())
	}),
}

func TestMapLaws(t *testing.T) {
	kit := crdttest.Kit[*rows]{
		New:   func() *rows { return new(rows) },
		Ops:   rowsOps,
		Value: func(m *rows) any { return maps.Collect(m.All()) },
		Model: func(seen []crdttest.Event) any {
			all := map[string]string{}
			for k, v := range latest(seen) {
				if !v.deleted {
					all[k] = v.value
				}
			}
			return all
		},
	}
	kit.Check(t)
}

// TestCompactedMapLaws compacts at any time, safe or not: data may be lost, but
// replicas still agree.
func TestCompactedMapLaws(t *testing.T) {
	compact := crdttest.Op("Compact", rapid.Uint64Range(1, 3), func(m *rows, _ vclock.Replica, horizon uint64) (*rows, error) {
		return nil, m.Compact(hlc.Timestamp(horizon))
	})
	kit := crdttest.Kit[*rows]{
		New: func() *rows { return new(rows) },
		Ops: append(slices.Clone(rowsOps), compact),
	}
	kit.Check(t)
}

func TestSetLaws(t *testing.T) {
	type set = lww.Set[string]
	kit := crdttest.Kit[*set]{
		New: func() *set { return new(set) },
		Ops: []crdttest.Operation[*set]{
			crdttest.Op("Add", edits, func(s *set, r vclock.Replica, w edit) (*set, error) { return s.Add(writer(r), w.Key) }),
			crdttest.Op("Delete", edits, func(s *set, r vclock.Replica, w edit) (*set, error) { return s.Remove(writer(r), w.Key) }),
			crdttest.Op("Touch", edits, func(s *set, r vclock.Replica, w edit) (*set, error) { return touched(s.Touch(writer(r), w.Key)) }),
			crdttest.Op("AddAt", stampedEdits, func(s *set, _ vclock.Replica, w edit) (*set, error) { return s.AddAt(w.Key, w.elsewhere()) }),
		},
		Value: func(s *set) any { return slices.Sorted(s.All()) },
		Model: func(seen []crdttest.Event) any {
			var in []string
			for k, v := range latest(seen) {
				if !v.deleted {
					in = append(in, k)
				}
			}
			slices.Sort(in)
			return in
		},
	}
	kit.Check(t)
}

// TestRegisterLaws has a type without deltas.
func TestRegisterLaws(t *testing.T) {
	type register = lww.Register[string]
	kit := crdttest.Kit[*register]{
		New: func() *register { return new(register) },
		Ops: []crdttest.Operation[*register]{
			crdttest.Op("Set", letters, func(x *register, r vclock.Replica, v string) (*register, error) {
				return nil, x.Set(writer(r), v)
			}),
			crdttest.Op("Touch", letters, func(x *register, r vclock.Replica, _ string) (*register, error) {
				return touched[*register](nil, x.Touch(writer(r)))
			}),
			crdttest.Op("SetAt", stampedEdits, func(x *register, _ vclock.Replica, w edit) (*register, error) {
				return nil, x.SetAt(w.Value, w.elsewhere())
			}),
		},
		Value: func(x *register) any { v, _ := x.Get(); return v },
	}
	kit.Check(t)
}
