package wire

import (
	"errors"
	"fmt"
)

// The ways in which bytes can be unfit for a decoder. Each public package that
// decodes exports the first three under these names.
var (
	// ErrVersion says that bytes are of a format version that this program does
	// not know: a newer program wrote them. They are as good as any to that one.
	ErrVersion = errors.New("unknown format version")
	// ErrType says that bytes are those of another type, or of a key or element
	// whose fields are others.
	ErrType = errors.New("bytes of another type")
	// ErrDamaged says that no version of a type writes such bytes.
	ErrDamaged = errors.New("damaged bytes")
	// ErrUnreadable says that there is a value that its type cannot hold.
	ErrUnreadable = errors.New("unreadable value")
)

// Damaged returns err as an [ErrDamaged], unless it is one of the other errors
// or nil. It does not change the text.
func Damaged(err error) error {
	if err == nil || errors.Is(err, ErrVersion) || errors.Is(err, ErrType) || errors.Is(err, ErrUnreadable) || errors.Is(err, ErrDamaged) {
		return err
	}
	return &damage{err}
}

// OfType returns an [ErrType] with the given text.
func OfType(format string, args ...any) error {
	return &otherType{fmt.Sprintf(format, args...)}
}

type damage struct{ err error }

func (d *damage) Error() string   { return d.err.Error() }
func (d *damage) Unwrap() []error { return []error{d.err, ErrDamaged} }

type otherType struct{ text string }

func (t *otherType) Error() string { return t.text }
func (*otherType) Unwrap() error   { return ErrType }
