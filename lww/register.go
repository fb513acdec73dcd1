package lww

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A Register holds one value, the one written last: of concurrent writes the
// one with the larger [Stamp] wins.
//
// The zero Register is empty and ready to use. A Register is not safe for
// concurrent use: see the package comment. All operations take O(1) time for a
// value of bounded size. A Register is its own delta: send it whole. It has no
// delete: for that, use a [Map], whose methods say the rest.
type Register[V any] struct{ registerState[V] }

// A registerState is what a Register holds, so that a Register in a struct has its
// JSON there.
type registerState[V any] struct {
	stamp Stamp
	value V      // zero if bad
	enc   string // kept beside the value
	bad   bool   // V cannot hold the value
}

// Set sets the value, unless it is v: see Writes in the package comment.
func (r *Register[V]) Set(w Writer, v V) error {
	w.mustBeValid()
	var next Register[V]
	var err error
	if next.value, next.enc, err = value.Replace(v, r.enc); err != nil {
		return fmt.Errorf("lww: value type %w", err)
	}
	if !r.stamp.IsZero() && !r.bad && sameValue(&r.value, r.enc, &next.value, next.enc) {
		return nil
	}
	if next.stamp, err = w.Next(r.stamp.Time); err != nil {
		return err
	}
	r.Merge(&next)
	return nil
}

// Touch writes the value again under a new stamp: see [Map.Touch].
func (r *Register[V]) Touch(w Writer) error {
	if r.stamp.IsZero() {
		return ErrAbsent
	}
	s, err := w.Next(r.stamp.Time)
	if err != nil {
		return err
	}
	r.stamp = s
	return nil
}

// SetAt sets a value under a stamp from elsewhere, or returns why it is
// invalid.
func (r *Register[V]) SetAt(v V, s Stamp) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("lww: %w", err)
	}
	next := Register[V]{registerState[V]{stamp: s}}
	var err error
	if next.value, next.enc, err = value.Store(v); err != nil {
		return fmt.Errorf("lww: value type %w", err)
	}
	r.Merge(&next)
	return nil
}

// Get returns the value, and whether there is one that V can hold.
func (r *Register[V]) Get() (V, bool) { return r.value, !r.stamp.IsZero() && !r.bad }

// Check returns a [*content.ValueError] if there is a value that V cannot hold.
func (r *Register[V]) Check() error {
	if r.bad {
		return fmt.Errorf("lww: %w", value.Unreadable[V](r.enc))
	}
	return nil
}

// Stamp returns the stamp of the value, or zero if there is none.
func (r *Register[V]) Stamp() Stamp { return r.stamp }

// Merge joins o into r and reports whether r changed. It does not allocate.
func (r *Register[V]) Merge(o *Register[V]) bool {
	if r.compare(o) >= 0 {
		return false
	}
	*r = *o
	return true
}

// compare returns the order of the versions in r and o.
func (r *Register[V]) compare(o *Register[V]) int {
	if order := r.stamp.Compare(o.stamp); order != 0 || r.stamp.IsZero() {
		return order
	}
	return value.Compare(&r.value, r.enc, &o.value, o.enc)
}

// Equal reports whether r and o hold the same value under the same stamp.
func (r *Register[V]) Equal(o *Register[V]) bool { return r.compare(o) == 0 }

// Clone returns a copy of r that shares nothing with it but the value.
func (r *Register[V]) Clone() *Register[V] {
	c := *r
	return &c
}

// AppendBinary implements [encoding.BinaryAppender].
func (r *Register[V]) AppendBinary(b []byte) ([]byte, error) {
	b, err := r.stamp.AppendBinary(appendHead(b, typeRegister, ""))
	if err != nil || r.stamp.IsZero() {
		return b, err
	}
	e := value.NewEncoder[V]()
	e.Note(&r.value, r.enc)
	return e.Append(e.AppendTables(b), &r.value, r.enc), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (r *Register[V]) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. A name and a string
// that r has already are not allocated.
func (r *Register[V]) UnmarshalBinary(data []byte) error {
	next, bad, err := decodeRegister(data, &r.registerState)
	return r.take(next, bad, err, false)
}

// UnmarshalLenient decodes either form: see [Map.UnmarshalLenient].
func (r *Register[V]) UnmarshalLenient(data []byte) error {
	if text := bytes.TrimSpace(data); len(text) > 0 && text[0] == '{' {
		next, bad, err := decodeRegisterJSON[V](text)
		return r.take(next, bad, err, true)
	}
	next, bad, err := decodeRegister(data, &r.registerState)
	return r.take(next, bad, err, true)
}

// MergeBinary joins the state that data encodes into r, and reports whether r
// changed.
func (r *Register[V]) MergeBinary(data []byte) (changed bool, err error) {
	var o Register[V]
	next, bad, err := decodeRegister(data, &r.registerState)
	if err := o.take(next, bad, err, false); err != nil {
		return false, err
	}
	return r.Merge(&o), nil
}

// MergeLenient joins what [Register.UnmarshalLenient] accepts, with its error.
func (r *Register[V]) MergeLenient(data []byte) (changed bool, err error) {
	var o Register[V]
	err = o.UnmarshalLenient(data)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		return false, err
	}
	return r.Merge(&o), err
}

// take makes next the state of r, if there is no error, or only that of a value that
// V cannot hold and the caller is lenient.
func (r *Register[V]) take(next registerState[V], bad *content.ValueError, err error, lenient bool) error {
	next.bad = bad != nil
	if err == nil && (bad == nil || lenient) {
		r.registerState = next
	}
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("lww: decode Register: %w", wire.Damaged(err))
	}
	return nil
}

// decodeRegister decodes what [Register.AppendBinary] wrote. Strings that are those of old
// are not copied.
func decodeRegister[V any](data []byte, old *registerState[V]) (next registerState[V], bad *content.ValueError, err error) {
	m := scratches.Get().(*scratch)
	defer m.release()
	in := m.reader(data)
	readHead(in, typeRegister, "")
	next.stamp = readStamp(in, old.stamp.Replica)
	if v, ok := any(&next.value).(*string); ok && !next.stamp.IsZero() {
		*v = *any(&old.value).(*string)
	}
	if in.Err() == nil && !next.stamp.IsZero() {
		d := value.NewDecoder[V](in)
		next.enc, bad = d.Next(&next.value)
		d.Close()
	}
	return next, bad, in.Close()
}

// MarshalJSON implements [json.Marshaler]: see Encodings in the package
// comment.
func (r registerState[V]) MarshalJSON() ([]byte, error) {
	if r.stamp.IsZero() {
		return []byte("{}"), nil
	}
	kinds := make(value.Kinds)
	value.NoteKinds(kinds, &r.value, r.enc)
	b := []byte{'{'}
	if len(kinds) > 0 {
		b = append(kinds.AppendJSON(append(b, `"fields":`...)), ',')
	}
	b, beside, err := value.AppendJSON(append(b, `"value":`...), &r.value, r.enc, kinds)
	if err != nil {
		return nil, fmt.Errorf("lww: encode Register: %w", err)
	}
	b = value.AppendString(append(value.AppendBeside(b, beside), `,"stamp":`...), r.stamp.String())
	return append(b, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Register[V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	next, bad, err := decodeRegisterJSON[V](data)
	return r.take(next, bad, err, false)
}

func decodeRegisterJSON[V any](data []byte) (next registerState[V], bad *content.ValueError, err error) {
	var text, beside []byte
	var kinds value.Kinds
	err = value.DecodeObject(data, func(name string, p []byte) (err error) {
		switch name {
		case "value":
			text = p
		case "bytes":
			beside, err = value.DecodeBeside(p)
		case "fields":
			kinds, err = value.ParseKinds(p)
		case "stamp":
			next.stamp, err = decodeStampJSON(p)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	switch {
	case err != nil:
	case (text == nil) != next.stamp.IsZero() || text == nil && (beside != nil || kinds != nil):
		err = errors.New("value and stamp go together")
	case text != nil:
		next.value, next.enc, bad, err = value.LoadJSON[V](text, beside, kinds)
	}
	return next, bad, err
}

// decodeStampJSON returns the valid stamp in a JSON string.
func decodeStampJSON(p []byte) (Stamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return Stamp{}, err
	}
	return ParseStamp(text)
}
