package resolver

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A Kind says what was done concurrently. The set of kinds is open: of three
// versions it may be "create/update/delete". A create is a write by somebody
// who was shown no value.
type Kind string

// Kinds of conflicts.
const (
	CreateCreate Kind = "create/create"
	CreateUpdate Kind = "create/update"
	CreateDelete Kind = "create/delete"
	UpdateUpdate Kind = "update/update"
	UpdateDelete Kind = "update/delete"
	DeleteDelete Kind = "delete/delete"

	Tied   Kind = "tied"   // the latest versions carry the same time
	Forked Kind = "forked" // versions with one stamp differ: two lineages use one name, and one has to stop
)

// A Conflict is what a rule decides: two or more versions of which none was
// written by someone who had been shown another. None is called local: a rule
// that knew where it runs would decide differently elsewhere.
type Conflict[T any] struct {
	ID  ID
	Key string
	// Kind is Tied, Forked, or else the same as Ops, which says what was done.
	Kind, Ops Kind
	// Versions are in ascending order of their stamps: the last is the latest.
	Versions []Version[T]
	// Same reports that all versions have the same content: no conflict for most
	// rules.
	Same bool
	// Base is what there was when all that every two of the writers had both been
	// shown was merged, and nothing else; nil if nothing. It is known if all versions
	// create, or go back to it by [Siblings.Edit].
	Base      *T
	BaseKnown bool // whether Base is known

	entries []entry[T]          // of Versions
	common  common[T]           // what Base was
	bad     *content.ValueError // of the first version with a value that T cannot hold
	lent    bool                // this is a copy in the hands of a rule that may have changed it
}

// ErrChanged is what a [RuleError] wraps about a rule that changed its
// argument.
var ErrChanged = errors.New("changed what it was given")

func newConflict[T any](key string, entries []entry[T]) *Conflict[T] {
	c := &Conflict[T]{Key: key, entries: entries, Versions: make([]Version[T], len(entries)), Same: true}
	var scratch [256]byte
	b := wire.AppendBytes(scratch[:0], key)
	var done [3]bool // creates, updates, deletes
	forked := false
	for i := range entries {
		e := &entries[i]
		c.Versions[i] = e.Version
		if c.bad == nil {
			c.bad = e.unreadable()
		}
		b = appendStamp(b, e.Stamp)
		if i > 0 {
			c.Same = c.Same && e.stored.same(entries[0].stored)
			if e.Stamp == entries[i-1].Stamp {
				forked = true
				b = e.append(entries[i-1].append(b))
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
	c.common = commonOf(entries)
	c.Base, c.BaseKnown = c.common.base(), c.common.known
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
		v.Settles = slices.Clone(e.Settles)
	}
	if c.Base != nil {
		d.Base = new(T)
		if err := copyValue(d.Base, c.Base); err != nil {
			return nil, nil, err
		}
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
	case c.lent && changed(c.Versions, c.Base, c.entries, &c.common):
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

// changed reports whether versions and base, those of a copy, are no longer what
// they were.
func changed[T any](versions []Version[T], base *T, entries []entry[T], was *common[T]) bool {
	if len(versions) != len(entries) || (base == nil) != (was.value == nil) || base != nil && !same(base, was.base()) {
		return true
	}
	for i := range versions {
		v, e := &versions[i], &entries[i]
		if v.Stamp != e.Stamp || v.Deleted != e.Deleted || v.Epoch != e.Epoch || !v.Past.Equal(e.Past) || !slices.Equal(v.Settles, e.Settles) {
			return true
		}
		if !e.Deleted && !same(&v.Value, &e.Value) {
			return true
		}
	}
	return false
}
