package resolver

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// Fields returns a Rule that merges the versions field by field, three ways:
// what one side changed since the base stays, what both changed is up to the
// plan, and what that leaves to a person is deferred. The base of two versions
// is what Conflict.Base says, however often each side has used [Siblings.Edit]
// since. Of several versions, those that have most in common are merged first.
//
// It passes if there is a delete, and, with a reason that ends in "fields: base
// unknown", where an edit does not say what it was made from, or a chain of
// edits in several regions was longer than what versions carry: see
// [FieldsWithoutBase].
//
// Additive fields are exact always. Those for which the plan chooses between
// values are exact only if a key in conflict is edited, or its outcome written
// back, by one region alone, such as the home of [HomeWins]: one stamp for a
// value does not say which of its fields are new. Else use [merge.Record].
func Fields[T any](plan *merge.Plan[T]) Rule[T] {
	return defined[T](&fields[T]{"fields", "merged field by field, over what they have in common", plan, true})
}

// FieldsWithoutBase returns a Rule that merges the versions field by field as
// if nothing had been there before, for conflicts that [Fields] passes on.
// Where the plan chooses, the latest version's value stands, edited or not, so
// edits get lost; additive fields are added up with what they had in common. It
// passes if there is a delete.
//
//	Chain(Fields(plan), FieldsWithoutBase(plan))
func FieldsWithoutBase[T any](plan *merge.Plan[T]) Rule[T] {
	return defined[T](&fields[T]{"fields without base", "merged field by field as if nothing had been there", plan, false})
}

type fields[T any] struct {
	named, text string
	plan        *merge.Plan[T]
	based       bool // three ways or not at all
}

func (r *fields[T]) name() string { return r.named }

func (r *fields[T]) policy() Policy {
	p := Policy{Name: r.named, Text: r.text}
	for line := range strings.Lines(r.plan.String()) {
		path, rule, _ := strings.Cut(strings.TrimSpace(line), " ")
		p.Parts = append(p.Parts, Policy{Name: path, Text: strings.TrimSpace(rule)})
	}
	return p
}

func (r *fields[T]) decide(_ context.Context, c *Conflict[T]) (Decision[T], error) {
	if c.deletes() {
		return c.Pass("a delete has none"), nil
	}
	if c.bad != nil {
		return c.passUnread(r.named), nil
	}
	entries, err := c.known()
	if err != nil {
		return Decision[T]{}, err
	}
	m := merging[T]{plan: r.plan, entries: entries, copies: r.plan.Custom() || typeOf[T]() == nil}
	var v T
	switch {
	case !r.based:
		v, err = m.mergeAll(nil)
	case c.common.known, c.entries == nil && c.BaseKnown:
		v, err = m.mergeAll(c.Base)
	default:
		v, err = m.mergeByParts()
	}
	if errors.Is(err, errBaseUnknown) {
		d := c.Pass(err.Error())
		d.note = r.named + ": " + err.Error()
		return d, nil
	}
	if conflict, ok := errors.AsType[*merge.ConflictError](err); ok {
		return c.Defer(conflict.Error()), nil
	}
	d := c.Use(v, "merged")
	if !r.based {
		d.Reason = "merged without base"
	}
	d.good = !m.copies // it is made of values that are stored
	return d, err
}

var errBaseUnknown = errors.New("base unknown")

// A merging is one merge of versions by a plan.
type merging[T any] struct {
	plan    *merge.Plan[T]
	entries []entry[T]
	// copies says that the plan asks functions of the application, which might
	// change what they are given.
	copies bool
}

// A part is a version, or several that are merged: with all that their writers had
// been shown, and the largest stamp.
type part[T any] struct {
	value T
	stamp lww.Stamp
	past  vclock.Clock
}

func (m *merging[T]) parts() ([]part[T], error) {
	parts := make([]part[T], len(m.entries))
	for i := range m.entries {
		e := &m.entries[i]
		parts[i] = part[T]{e.Value, e.Stamp, e.Past.past}
		if m.copies {
			if err := copyValue(&parts[i].value, &e.Value); err != nil {
				return nil, err
			}
		}
	}
	return parts, nil
}

// mergeAll merges all versions at once.
func (m *merging[T]) mergeAll(base *T) (v T, err error) {
	sides := make([]merge.Side[T], len(m.entries))
	for i := range m.entries {
		e, side := &m.entries[i], &sides[i]
		side.Value, side.Stamp = e.Value, e.Stamp
		if m.copies {
			err = errors.Join(err, copyValue(&side.Value, &e.Value))
		}
	}
	if base, err = m.given(base, err); err != nil {
		return v, err
	}
	return m.plan.Merge(base, sides...)
}

// given returns the base to be given to the plan.
func (m *merging[T]) given(base *T, err error) (*T, error) {
	if base == nil || !m.copies || err != nil {
		return base, err
	}
	given := new(T)
	return given, copyValue(given, base)
}

// mergeByParts merges the versions that have most in common first, and the result
// with those that have most in common with it, until one is left.
func (m *merging[T]) mergeByParts() (v T, err error) {
	if len(m.entries) > maxMerged || !comparablePasts(m.entries) {
		return v, errBaseUnknown
	}
	parts, err := m.parts()
	if err != nil {
		return v, err
	}
	for len(parts) > 1 {
		group, past := closest(parts)
		base := commonAt(m.entries, past)
		if !base.known {
			return v, errBaseUnknown
		}
		if parts, err = m.mergeParts(parts, group, base.base()); err != nil {
			return v, err
		}
	}
	return parts[0].value, nil
}

// closest returns which parts have most in common, and what: two of them, or all
// that have it, if any two of those have that and no more.
func closest[T any](parts []part[T]) (group []int, past vclock.Clock) {
	for i := range parts {
		for j := range i {
			meet := parts[i].past.Meet(parts[j].past)
			if c := compareClocks(meet, past); group == nil || c > 0 {
				group, past = []int{j, i}, meet
			}
		}
	}
	var all []int
	for i := range parts {
		if parts[i].past.Covers(past) {
			all = append(all, i)
		}
	}
	for _, i := range all {
		for _, j := range all {
			if i < j && !parts[i].past.Meet(parts[j].past).Equal(past) {
				return group, past
			}
		}
	}
	return all, past
}

// mergeParts returns parts with those of a group, in ascending order, merged.
func (m *merging[T]) mergeParts(parts []part[T], group []int, base *T) ([]part[T], error) {
	sides := make([]merge.Side[T], len(group))
	var merged part[T]
	for i, g := range group {
		p := &parts[g]
		sides[i] = merge.Side[T]{Value: p.value, Stamp: p.stamp}
		merged.past = merged.past.Join(p.past)
		if p.stamp.After(merged.stamp) {
			merged.stamp = p.stamp
		}
	}
	base, err := m.given(base, nil)
	if err != nil {
		return nil, err
	}
	if merged.value, err = m.plan.Merge(base, sides...); err != nil {
		return nil, err
	}
	rest := []part[T]{merged}
	for i, p := range parts {
		if !slices.Contains(group, i) {
			rest = append(rest, p)
		}
	}
	return rest, nil
}
