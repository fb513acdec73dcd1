package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// LastWriterWins is a [Func] that keeps the version with the largest stamp, a
// delete like any other. It always decides.
func LastWriterWins[T any](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "last writer wins", Text: "the version with the latest time stands, at equal times that of the larger replica name"}
		return Decision[T]{}, nil
	}
	d := c.Keep(len(c.Versions)-1, "latest")
	d.rule = "last writer wins"
	return d, nil
}

// FirstWriterWins is a [Func] that keeps the version with the smallest stamp, a
// delete like any other. It always decides.
func FirstWriterWins[T any](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "first writer wins", Text: "the version with the earliest time stands, at equal times that of the smaller replica name"}
		return Decision[T]{}, nil
	}
	d := c.Keep(0, "earliest")
	d.rule = "first writer wins"
	return d, nil
}

// DeleteWins is a [Func] that decides for the latest delete if there is one, and
// passes if there is none.
func DeleteWins[T any](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "delete wins", Text: "a delete stands against concurrent writes"}
		return Decision[T]{}, nil
	}
	return c.latest("delete wins", "deleted", func(v *Version[T]) bool { return v.Deleted }), nil
}

// UpdateWins is a [Func] that decides for the latest version that is no delete if
// there is also a delete, and passes if there is none or nothing else.
func UpdateWins[T any](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "update wins", Text: "the latest write stands against concurrent deletes"}
		return Decision[T]{}, nil
	}
	if !c.deletes() {
		return c.passBy("update wins", "nothing was deleted"), nil
	}
	return c.latest("update wins", "latest that is no delete", func(v *Version[T]) bool { return !v.Deleted }), nil
}

// Manual is a [Func] that lets a person decide everything.
func Manual[T any](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "manual", Text: "a person decides"}
		return Decision[T]{}, nil
	}
	d := c.Defer("a person decides")
	d.rule = "manual"
	return d, nil
}

// latest decides for the last version that ok accepts, or passes.
func (c *Conflict[T]) latest(rule, reason string, ok func(*Version[T]) bool) Decision[T] {
	for i := len(c.Versions) - 1; i >= 0; i-- {
		if ok(&c.Versions[i]) {
			d := c.Keep(i, reason)
			d.rule = rule
			return d
		}
	}
	return c.passBy(rule, "no version is "+reason)
}

func (c *Conflict[T]) passBy(rule, reason string) Decision[T] {
	d := c.Pass(reason)
	d.rule = rule
	return d
}

func (c *Conflict[T]) deletes() bool {
	return slices.ContainsFunc(c.Versions, func(v Version[T]) bool { return v.Deleted })
}

// MaxBy returns a [Func] that keeps the version for which by is largest, such as
// a version number that the application keeps in its records; name says what by
// is. Of several with the largest, the latest stands. It passes if there is a
// delete, which has no number. NaN is never kept against a number.
//
//go:noinline
func MaxBy[T any, K cmp.Ordered](name string, by func(T) K) Func[T] {
	return chooseBy("max by "+name, "the version with the largest "+name+" stands, of equals the latest", by, 1)
}

// MinBy is [MaxBy] for the smallest. Neither is NaN kept against a number here.
//
//go:noinline
func MinBy[T any, K cmp.Ordered](name string, by func(T) K) Func[T] {
	return chooseBy("min by "+name, "the version with the smallest "+name+" stands, of equals the latest", by, -1)
}

//go:noinline
func chooseBy[T any, K cmp.Ordered](rule, text string, by func(T) K, sign int) Func[T] {
	return func(_ context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: rule, Text: text}
			return Decision[T]{}, nil
		}
		if c.deletes() {
			return c.passBy(rule, "a delete has none"), nil
		}
		entries, err := c.known()
		if err != nil {
			return Decision[T]{}, &RuleError{Rule: rule, Err: err}
		}
		best, equals := 0, 0
		var most K
		given := new(T)
		for i := range entries {
			k, err := askValue(by, given, &entries[i])
			if err != nil {
				return Decision[T]{}, &RuleError{Rule: rule, Err: err}
			}
			switch order := compareBy(k, most, sign); {
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
		d.rule = rule
		return d, nil
	}
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
	if k = by(*given); differs(given, &e.Value, e.value) {
		return k, ErrChanged
	}
	return k, nil
}

// PreferReplica returns a [Func] that keeps the latest version of the first of
// the given replicas that wrote one. A name stands for its incarnations, too. It
// passes if none of them wrote.
//
//go:noinline
func PreferReplica[T any](replicas ...vclock.Replica) Func[T] {
	order := slices.Clone(replicas)
	return func(_ context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: "prefer replica", Text: fmt.Sprintf("what was written at %s stands, in this order", replicaList(order))}
			return Decision[T]{}, nil
		}
		for _, r := range order {
			if d := c.writtenBy(r, "prefer replica"); d.Action == Keep {
				return d, nil
			}
		}
		return c.passBy("prefer replica", "written by none of them"), nil
	}
}

// HomeWins returns a [Func] that keeps the latest version that the home of the
// key wrote, incarnations included, and passes if it wrote none. Home must be a
// function of the key; see [Home].
//
//go:noinline
func HomeWins[T any](home func(key string) vclock.Replica) Func[T] {
	return func(_ context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: "home wins", Text: "what was written in the home region of the key stands"}
			return Decision[T]{}, nil
		}
		return c.writtenBy(home(c.Key), "home wins"), nil
	}
}

func (c *Conflict[T]) writtenBy(r vclock.Replica, rule string) Decision[T] {
	return c.latest(rule, "by "+string(r), func(v *Version[T]) bool { return isIncarnation(v.Stamp.Replica, r) })
}

// isIncarnation reports whether s is r or an incarnation of it.
func isIncarnation(s, r vclock.Replica) bool {
	n, ok := strings.CutPrefix(string(s), string(r))
	if !ok || n == "" {
		return ok
	}
	return n[0] == '#' && len(n) > 1 && strings.Trim(n[1:], "0123456789") == ""
}

func replicaList(replicas []vclock.Replica) string {
	names := make([]string, len(replicas))
	for i, r := range replicas {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Fields returns a [Func] that merges the versions field by field: three ways if
// the base is known. What the plan leaves to a person is deferred. It passes if
// there is a delete.
//
//go:noinline
func Fields[T any](plan *merge.Plan[T]) Func[T] {
	return func(_ context.Context, c *Conflict[T]) (Decision[T], error) {
		if c.probe != nil {
			*c.probe = Policy{Name: "fields", Text: "merged field by field"}
			for line := range strings.Lines(plan.String()) {
				path, rule, _ := strings.Cut(strings.TrimSpace(line), " ")
				c.probe.Parts = append(c.probe.Parts, Policy{Name: path, Text: strings.TrimSpace(rule)})
			}
			return Decision[T]{}, nil
		}
		if c.deletes() {
			return c.passBy("fields", "a delete has none"), nil
		}
		base, sides, err := c.sides(plan.Custom())
		if err != nil {
			return Decision[T]{}, &RuleError{Rule: "fields", Err: err}
		}
		v, err := plan.Merge(base, sides...)
		d := c.Use(v, "merged")
		if conflict, ok := errors.AsType[*merge.ConflictError](err); ok {
			d = c.Defer(conflict.Error())
		} else if err != nil {
			return d, &RuleError{Rule: "fields", Err: err}
		}
		d.rule = "fields"
		return d, nil
	}
}

// sides returns what a plan merges. These are copies if the plan asks functions
// of the application, which might change them.
func (c *Conflict[T]) sides(custom bool) (base *T, sides []merge.Side[T], err error) {
	entries, err := c.known()
	if err != nil {
		return nil, nil, err
	}
	custom = custom || layoutOf[T]() == nil
	base, sides = c.Base, make([]merge.Side[T], len(entries))
	for i := range entries {
		e, side := &entries[i], &sides[i]
		side.Value, side.Stamp = e.Value, e.Stamp
		if custom {
			err = errors.Join(err, copyValue(&side.Value, &e.Value))
		}
	}
	if base != nil && custom {
		base = new(T)
		err = errors.Join(err, copyValue(base, c.Base))
	}
	return base, sides, err
}

// Join is a [Func] for values that merge by themselves, such as a record of
// package merge or a grow-only set: it merges all versions. It passes if there
// is a delete.
//
// A value that numbers the changes of a replica, as most types of package crdt
// do, is safe here only if each replica goes on from its own last value. A write
// that starts from what another region shows may use a number twice: see
// [vclock.Replica]. Such a value is better replicated by its own Merge, without
// Siblings around it.
func Join[T interface{ Merge(other T) bool }](_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.probe != nil {
		*c.probe = Policy{Name: "join", Text: "the values merge by themselves"}
		return Decision[T]{}, nil
	}
	if c.deletes() {
		return c.passBy("join", "a delete has nothing to merge"), nil
	}
	values, err := c.values()
	if err != nil {
		return Decision[T]{}, &RuleError{Rule: "join", Err: err}
	}
	v := values[0]
	for _, o := range values[1:] {
		v.Merge(o)
	}
	d := c.Use(v, "merged")
	d.rule = "join"
	if layoutOf[T]() == nil {
		if _, err := codec.EncodeValue(v); err != nil {
			return d, fmt.Errorf("uses a value that cannot be encoded: %w", err)
		}
		d.good = true // what merges by itself decodes what it encodes
	}
	return d, nil
}
