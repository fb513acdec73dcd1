package resolver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Kind says what was done concurrently. The set of kinds is open: a conflict
// of three versions may be "create/update/delete".
type Kind string

// Kinds of conflicts. A create is a write by somebody who was shown no value.
const (
	CreateCreate Kind = "create/create"
	CreateUpdate Kind = "create/update"
	CreateDelete Kind = "create/delete"
	UpdateUpdate Kind = "update/update"
	UpdateDelete Kind = "update/delete"
	DeleteDelete Kind = "delete/delete"

	// Tied means that the latest versions carry the same time, so that time does
	// not say which is the last.
	Tied Kind = "tied"
	// Forked means that versions with one stamp differ: two lineages of states
	// write under one replica name, and one of them has to stop.
	Forked Kind = "forked"
)

// A Conflict is what a rule decides: two or more versions of which none was
// written by someone who had been shown another.
//
// There is no local and no remote version: a rule that knew where it runs would
// decide differently elsewhere.
type Conflict[T any] struct {
	ID  ID
	Key string
	// Kind is Tied, Forked, or else the same as Ops, which says what was done.
	Kind, Ops Kind
	// Versions are in ascending order of their stamps, so the last is the latest.
	Versions []Version[T]
	// Same reports that all versions have the same content. That is no conflict
	// for most rules, but if both of two shops sold the last item, it is.
	Same bool
	// Base is the value that every writer started from, nil if there was none.
	// It is known only if BaseKnown is set: if all versions were written with
	// [Siblings.Edit], by writers who had been shown the same, or all create.
	Base      *T
	BaseKnown bool

	entries []entry[T] // of Versions
	lent    bool       // this is a copy in the hands of a rule that may have changed it
}

// ErrChanged is what a [RuleError] wraps about a rule that changed what it was
// given.
var ErrChanged = errors.New("changed what it was given")

func newConflict[T any](key string, entries []entry[T]) *Conflict[T] {
	c := &Conflict[T]{Key: key, entries: entries, Versions: make([]Version[T], len(entries)), Same: true}
	var scratch [256]byte
	b := wire.AppendBytes(scratch[:0], key)
	var done [3]bool // creates, updates, deletes
	forked, shared := false, true
	for i := range entries {
		e := &entries[i]
		c.Versions[i] = e.Version
		b = appendStamp(b, e.Stamp)
		if i > 0 {
			c.Same = c.Same && e.Deleted == entries[0].Deleted && e.value == entries[0].value
			shared = shared && e.Past.Equal(entries[0].Past) && (e.Base == nil) == (entries[0].Base == nil) && e.base == entries[0].base
			if e.Stamp == entries[i-1].Stamp {
				forked = true
				b = append(append(b, entries[i-1].enc...), e.enc...)
			}
		}
		switch {
		case e.Deleted:
			done[2] = true
		case e.Past.found:
			done[1] = true
		default:
			done[0] = true
		}
	}
	c.ID = hashID(b)
	c.Ops = kindOf(done)
	c.Kind = c.Ops
	if n := len(entries); forked {
		c.Kind = Forked
	} else if n > 1 && entries[n-1].Stamp.Time == entries[n-2].Stamp.Time {
		c.Kind = Tied
	}
	if first := &entries[0]; shared && (first.Base != nil || !first.Past.found) {
		c.Base, c.BaseKnown = first.Base, true
	}
	return c
}

// kindOf names what was done, without allocating for one or two kinds.
func kindOf(done [3]bool) Kind {
	switch done {
	case [3]bool{true, false, false}:
		return CreateCreate
	case [3]bool{false, true, false}:
		return UpdateUpdate
	case [3]bool{false, false, true}:
		return DeleteDelete
	case [3]bool{true, true, false}:
		return CreateUpdate
	case [3]bool{true, false, true}:
		return CreateDelete
	case [3]bool{false, true, true}:
		return UpdateDelete
	default:
		return "create/update/delete"
	}
}

// String returns the kind, the key, and the versions, one line each.
func (c *Conflict[T]) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s conflict over %q\n", c.Kind, c.Key)
	for i := range c.Versions {
		v := &c.Versions[i]
		if v.Deleted {
			fmt.Fprintf(&b, "%d  %v  deleted\n", i, v.Stamp)
		} else {
			fmt.Fprintf(&b, "%d  %v  %v\n", i, v.Stamp, v.Value)
		}
	}
	return b.String()
}

// copied returns a copy of c whose values the caller may do anything to, and the
// versions that were copied, as they are to remain.
func (c *Conflict[T]) copied() (*Conflict[T], []entry[T], error) {
	entries, err := c.known()
	if err != nil {
		return nil, nil, err
	}
	d := *c
	d.entries, d.lent = entries, true
	d.Versions = slices.Clone(c.Versions)
	for i := range d.Versions {
		v, e := &d.Versions[i], &entries[i]
		if err := copyValue(&v.Value, &e.Value); err != nil {
			return nil, nil, err
		}
		if e.Base != nil {
			v.Base = new(T)
			if err := copyValue(v.Base, e.Base); err != nil {
				return nil, nil, err
			}
		}
		v.Settles = slices.Clone(e.Settles)
	}
	if c.Base != nil && len(d.Versions) > 0 {
		d.Base = d.Versions[0].Base
	}
	return &d, entries, nil
}

// values returns copies of all values.
func (c *Conflict[T]) values() ([]T, error) {
	entries, err := c.known()
	if err != nil {
		return nil, err
	}
	values := make([]T, len(entries))
	for i := range entries {
		if err := copyValue(&values[i], &entries[i].Value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// known returns the entries of c.Versions. They are at hand unless an application
// made c by hand. It is an error if c is a copy and no longer what it was.
func (c *Conflict[T]) known() ([]entry[T], error) {
	switch {
	case c.lent && changed(c.Versions, c.entries):
		return nil, ErrChanged
	case c.entries != nil:
		return c.entries, nil
	}
	entries := make([]entry[T], len(c.Versions))
	for i, v := range c.Versions {
		var err error
		if entries[i], err = newEntry(v); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// changed reports whether versions, those of a copy, are no longer what they
// were.
func changed[T any](versions []Version[T], entries []entry[T]) bool {
	if len(versions) != len(entries) {
		return true
	}
	for i := range versions {
		v, e := &versions[i], &entries[i]
		switch {
		case v.Stamp != e.Stamp, v.Deleted != e.Deleted, v.Epoch != e.Epoch, !v.Past.Equal(e.Past), !slices.Equal(v.Settles, e.Settles), (v.Base == nil) != (e.Base == nil):
			return true
		case !e.Deleted && differs(&v.Value, &e.Value, e.value), e.Base != nil && differs(v.Base, e.Base, e.base):
			return true
		}
	}
	return false
}
