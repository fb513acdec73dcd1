package merge

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
)

// ErrOverflow is what a [WriteError] unwraps to if a sum would not fit its
// type.
var ErrOverflow = errors.New("merge: sum does not fit the type")

// A WriteError reports a write to a [Record] that could not show, such as one
// that lowers a maximum (see the package comment). Nothing of the call was
// applied. [Record.Update], [Record.Apply], [Record.Seed] and [Record.Touch]
// return it.
type WriteError struct {
	Path   string // the field
	Rule   string // its rule
	Reason string
	err    error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("merge: write to %s: rule %q: %s", e.Path, e.Rule, e.Reason)
}

// Unwrap returns [ErrOverflow] or nil.
func (e *WriteError) Unwrap() error { return e.err }

// A StaleError reports a change, by [Record.Apply], to a row, an element or an
// entry that was deleted, even if made again, since the caller read it. Nothing
// of the call was applied.
type StaleError struct {
	Path string // the row, "" for the record itself
	// Life is the delete that the caller had not seen, without a replica where it may
	// be one of those up to its time, which are forgotten: see [Record.CompactRows].
	// If the caller read elsewhere, the row may also not have arrived; if an older
	// program has a whole list in one value, it may be the write of one without the
	// element.
	Life lww.Stamp
}

func (e *StaleError) Error() string {
	if e.Life.Replica == "" {
		return fmt.Sprintf("merge: %s was deleted after it was read, or has not arrived here: deletes up to %v are forgotten", whole(e.Path), e.Life.Time)
	}
	return fmt.Sprintf("merge: %s was deleted at %v, after it was read", whole(e.Path), e.Life)
}

// An OtherRecordError reports that [Record.Apply] was given what was read from
// another record, where a field with rule immutable differs, and applied
// nothing. To try again will not help. If two replicas set such a field at
// once, each is another record to the other until they have merged.
type OtherRecordError struct {
	Path string // the field
}

func (e *OtherRecordError) Error() string {
	return fmt.Sprintf("merge: %s was read with a value that it has not here: that was another record", e.Path)
}

// A BehindError reports that [Record.Apply] was given what has not reached the
// record here, and applied nothing: merge the state that it was read from, or
// try again when it has arrived. If it never does, it is of another record.
type BehindError struct {
	Path  string    // what was read and is not there, "" for the record itself
	Stamp lww.Stamp // of what is not there, zero if unknown
}

func (e *BehindError) Error() string {
	if e.Stamp.IsZero() {
		return fmt.Sprintf("merge: %s was read with a value that has not arrived here", whole(e.Path))
	}
	return fmt.Sprintf("merge: %s was read after %v, which has not arrived here", whole(e.Path), e.Stamp)
}

// whole returns a path, or what the empty one stands for.
func whole(path string) string { return cmp.Or(path, "the record") }

// A pathed error is one that has a path.
type pathed interface {
	error
	below(name string) // what it is about is below name
}

func (e *WriteError) below(name string)       { e.Path = value.JoinPath(name, e.Path) }
func (e *StaleError) below(name string)       { e.Path = value.JoinPath(name, e.Path) }
func (e *BehindError) below(name string)      { e.Path = value.JoinPath(name, e.Path) }
func (e *OtherRecordError) below(name string) { e.Path = value.JoinPath(name, e.Path) }

// within returns err, about what is below name, as an error about what is
// below the row that name belongs to; nil if err is.
func within(name string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[pathed](err); ok {
		e.below(name)
		return err
	}
	if _, ok := errors.AsType[*stampError](err); ok {
		return err
	}
	return value.Below(name, err)
}

// isPathed reports whether err has a path of its own.
func isPathed(err error) bool {
	_, ok := errors.AsType[pathed](err)
	return ok
}

// A stampError is one of the writer's clock, which is about no path.
type stampError struct{ error }

func (e *stampError) Unwrap() error { return e.error }

// overflow returns the error of an additive field.
func (p *recordPart) overflow(reason string) error {
	return &WriteError{Rule: p.f.rule.String(), Reason: reason, err: ErrOverflow}
}
