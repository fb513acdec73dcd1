package merge

import (
	"fmt"
	"reflect"

	"github.com/rejoin-go/rejoin/lww"
)

// A Token says what a reader of a [Record] had seen of it: which lives, and
// which siblings of the fields with rule manual. It goes with the value to
// wherever that is edited, as in a form, and comes back to [Record.Apply].
//
// The zero Token has seen nothing and goes with a record that never held
// anything. A Token is opaque and immutable. Its size is O(d + s) for d deletes
// and s siblings that the record remembers.
type Token struct{ root cell }

// Snapshot returns the value, the zero T if there is none, and what
// [Record.Apply] needs to know with it.
func (r *Record[T]) Snapshot() (T, Token) {
	v, _ := r.Value()
	return v, Token{r.root.lives()}
}

// lives returns what of c a token holds.
func (c *cell) lives() cell {
	d := cell{key: c.key, kind: c.kind, typ: c.typ, stamp: c.stamp}
	switch c.kind {
	case cellRow, cellRows, cellManual:
		for i := range c.kids {
			k := &c.kids[i]
			switch k.kind {
			case cellRow, cellRows, cellManual:
				kid := k.lives()
				if len(kid.kids) > 0 || !kid.stamp.IsZero() {
					d.kids = append(d.kids, kid)
				}
			case cellReplica:
				d.kids = append(d.kids, cell{key: k.key, kind: k.kind, stamp: k.stamp})
			default:
			}
		}
	default:
	}
	d.live = d.kind == cellRow && len(d.kids) > 0
	return d
}

// Apply writes what changed between read, which the caller got together with
// seen from [Record.Snapshot], and next. Whatever was merged or written
// meanwhile stays, unless it is the same field.
//
// There is no way to set a record to a value without saying what was read: it
// would revert everything that arrived meanwhile.
//
// Apply returns a [*StaleError] if what it changes was deleted since, whether
// it was made again or not, and otherwise the errors of [Record.Update]. The
// record is then as it was. Read must be what Snapshot returned, unchanged.
func (r *Record[T]) Apply(w lww.Writer, seen Token, read, next T) error {
	r.top()
	return r.write(w, &seen.root, &read, &next)
}

// Seed joins into r a value that existed before it was replicated, as if it had
// been written under the given stamp: regions that each adopt their copy of a
// row under one and the same stamp get equal records, and differing copies
// converge. Fields that are zero stay unwritten. Without it, the first write of
// each region would count an additive field once per region.
//
// The replica of the stamp should be one that nobody writes under. Seed has no
// effect on what was written later or deleted. It returns the errors of
// [Record.Update], an error for an invalid stamp and a [*lww.HorizonError] for
// one at or below the horizon; the record is then as it was.
func (r *Record[T]) Seed(value T, stamp lww.Stamp) error {
	top := r.top()
	if !stamp.IsValid() {
		return fmt.Errorf("merge: invalid stamp of replica %q and time %d", string(stamp.Replica), uint64(stamp.Time))
	}
	if stamp.Time <= r.horizon {
		return &lww.HorizonError{Stamp: stamp, Horizon: r.horizon}
	}
	v := reflect.ValueOf(&value).Elem()
	if err := r.validate(v); err != nil {
		return err
	}
	e := edit{shared: stamp, seed: true}
	d, err := e.row(top, "", spot{}, reflect.Value{}, v)
	if err != nil {
		return reported(err)
	}
	r.join(d)
	return nil
}
