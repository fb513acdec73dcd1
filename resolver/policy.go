package resolver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/vclock"
)

// LastWriterWins is a [Rule] that keeps the largest stamp, be it of a delete.
func LastWriterWins[T any]() Definition[T] { return lastWriterWins[T]{} }

type lastWriterWins[T any] struct{}

func (lastWriterWins[T]) name() string { return "last writer wins" }

func (lastWriterWins[T]) policy() Policy {
	return Policy{Name: "last writer wins", Text: "the version with the latest time stands, at equal times that of the larger replica name"}
}

func (lastWriterWins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	return c.Keep(len(c.Versions)-1, "latest"), nil
}

// FirstWriterWins is a [Rule] that keeps the smallest stamp, be it of a delete.
func FirstWriterWins[T any]() Definition[T] { return firstWriterWins[T]{} }

type firstWriterWins[T any] struct{}

func (firstWriterWins[T]) name() string { return "first writer wins" }

func (firstWriterWins[T]) policy() Policy {
	return Policy{Name: "first writer wins", Text: "the version with the earliest time stands, at equal times that of the smaller replica name"}
}

func (firstWriterWins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	return c.Keep(0, "earliest"), nil
}

// DeleteWins is a [Rule] that keeps the latest delete, and passes without one.
func DeleteWins[T any]() Definition[T] { return deleteWins[T]{} }

type deleteWins[T any] struct{}

func (deleteWins[T]) name() string { return "delete wins" }

func (deleteWins[T]) policy() Policy {
	return Policy{Name: "delete wins", Text: "a delete stands against concurrent writes"}
}

func (deleteWins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	return c.latest("deleted", func(v *Version[T]) bool { return v.Deleted }), nil
}

// UpdateWins is a [Rule] that keeps the latest version that is no delete. It
// passes if there is no delete, and if all versions are deletes.
func UpdateWins[T any]() Definition[T] { return updateWins[T]{} }

type updateWins[T any] struct{}

func (updateWins[T]) name() string { return "update wins" }

func (updateWins[T]) policy() Policy {
	return Policy{Name: "update wins", Text: "the latest write stands against concurrent deletes"}
}

func (updateWins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if !c.deletes() {
		return c.Pass("nothing was deleted"), nil
	}
	return c.latest("latest that is no delete", func(v *Version[T]) bool { return !v.Deleted }), nil
}

// Manual is a [Rule] that lets a person decide everything.
func Manual[T any]() Definition[T] { return manual[T]{} }

type manual[T any] struct{}

func (manual[T]) name() string   { return "manual" }
func (manual[T]) policy() Policy { return Policy{Name: "manual", Text: "a person decides"} }

func (manual[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	return c.Defer("a person decides"), nil
}

// latest decides for the last version that ok accepts, or passes.
func (c *Conflict[T]) latest(reason string, ok func(*Version[T]) bool) Decision[T] {
	for i := len(c.Versions) - 1; i >= 0; i-- {
		if ok(&c.Versions[i]) {
			return c.Keep(i, reason)
		}
	}
	return c.Pass("no version is " + reason)
}

func (c *Conflict[T]) deletes() bool {
	return slices.ContainsFunc(c.Versions, func(v Version[T]) bool { return v.Deleted })
}

// MaxBy returns a Rule that keeps the version for which by is largest, such as
// a version number that the value holds; name says what by is. Of equals the
// latest stands; NaN is never kept against a number. It passes if there is a
// delete.
func MaxBy[T any, K cmp.Ordered](name string, by func(T) K) Rule[T] {
	return defined[T](&chooseBy[T, K]{Policy{Name: "max by " + name, Text: "the version with the largest " + name + " stands, of equals the latest"}, by, 1})
}

// MinBy is [MaxBy] for the smallest. Here, too, a number is kept against NaN.
func MinBy[T any, K cmp.Ordered](name string, by func(T) K) Rule[T] {
	return defined[T](&chooseBy[T, K]{Policy{Name: "min by " + name, Text: "the version with the smallest " + name + " stands, of equals the latest"}, by, -1})
}

type chooseBy[T any, K cmp.Ordered] struct {
	described Policy
	by        func(T) K
	sign      int
}

func (r *chooseBy[T, K]) name() string   { return r.described.Name }
func (r *chooseBy[T, K]) policy() Policy { return r.described }

func (r *chooseBy[T, K]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.deletes() {
		return c.Pass("a delete has none"), nil
	}
	if c.bad != nil {
		return c.passUnread(r.described.Name), nil
	}
	entries, err := c.known()
	if err != nil {
		return Decision[T]{}, err
	}
	best, equals := 0, 0
	var most K
	given := new(T)
	for i := range entries {
		k, err := askValue(r.by, given, &entries[i])
		if err != nil {
			return Decision[T]{}, err
		}
		switch order := compareBy(k, most, r.sign); {
		case i == 0, order > 0:
			best, most, equals = i, k, 1
		case order == 0:
			best, equals = i, equals+1
		}
	}
	d := c.Keep(best, fmt.Sprint(most))
	if equals > 1 {
		d.Reason = fmt.Sprintf("%v, latest of %d", most, equals)
	}
	return d, nil
}

// compareBy compares k and l in the order that sign says, NaN first.
func compareBy[K cmp.Ordered](k, l K, sign int) int {
	if k != k || l != l {
		return cmp.Compare(k, l)
	}
	return cmp.Compare(k, l) * sign
}

// askValue returns what by says of the value of e, of which it gets a copy.
func askValue[T, K any](by func(T) K, given *T, e *entry[T]) (k K, err error) {
	if err := copyValue(given, &e.Value); err != nil {
		return k, err
	}
	if k = by(*given); !same(given, &e.Value) {
		return k, ErrChanged
	}
	return k, nil
}

// PreferReplica returns a Rule that keeps the latest version of the first of
// the replicas that wrote one, incarnations included. It passes if none did.
func PreferReplica[T any](replicas ...vclock.Replica) Rule[T] {
	return defined[T](prefer[T](slices.Clone(replicas)))
}

type prefer[T any] []vclock.Replica

func (prefer[T]) name() string { return "prefer replica" }

func (r prefer[T]) policy() Policy {
	names := make([]string, len(r))
	for i, name := range r {
		names[i] = string(name)
	}
	return Policy{Name: "prefer replica", Text: fmt.Sprintf("what was written at %s stands, in this order", strings.Join(names, ", "))}
}

func (r prefer[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	for _, name := range r {
		if d := c.writtenBy(name); d.Action == Keep {
			return d, nil
		}
	}
	return c.Pass("written by none of them"), nil
}

// HomeWins returns a Rule that keeps the latest version by the home of the key,
// incarnations included, and passes if there is none. Home must be a function
// of the key, such as [Home].
func HomeWins[T any](home func(key string) vclock.Replica) Rule[T] {
	return defined[T](homeWins[T](home))
}

type homeWins[T any] func(key string) vclock.Replica

func (homeWins[T]) name() string { return "home wins" }

func (homeWins[T]) policy() Policy {
	return Policy{Name: "home wins", Text: "what was written in the home region of the key stands"}
}

func (r homeWins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	return c.writtenBy(r(c.Key)), nil
}

func (c *Conflict[T]) writtenBy(r vclock.Replica) Decision[T] {
	return c.latest("by "+string(r), func(v *Version[T]) bool {
		name, _ := v.Stamp.Replica.Lineage()
		return v.Stamp.Replica == r || name == r
	})
}

// Join is a [Rule] for values that merge by themselves, such as a record of
// package merge or a grow-only set: it merges all versions, and passes if there
// is a delete. A value that numbers the changes of a replica, as most types of
// package crdt do, is safe here only if each replica goes on from its own last
// value: a write that starts from what another region shows may use a number
// twice (see [vclock.Replica]). Such a value is better off without [Siblings]
// around it.
func Join[T interface{ Merge(other T) bool }]() Definition[T] { return joins[T]{} }

type joins[T interface{ Merge(other T) bool }] struct{}

func (joins[T]) name() string   { return "join" }
func (joins[T]) policy() Policy { return Policy{Name: "join", Text: "the values merge by themselves"} }

func (joins[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.deletes() {
		return c.Pass("a delete has nothing to merge"), nil
	}
	if c.bad != nil {
		return c.passUnread("join"), nil
	}
	values, err := c.values()
	if err != nil {
		return Decision[T]{}, err
	}
	v := values[0]
	for _, o := range values[1:] {
		v.Merge(o)
	}
	return c.Use(v, "merged"), nil
}
