package lww

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// A Register holds one value, the one written last: of concurrent writes the one
// with the larger [Stamp] wins.
//
// The zero Register is empty and ready to use. A Register is not safe for
// concurrent use: it may be read, and be the argument of Merge, from several
// goroutines at once, while a write excludes everything else. All operations
// take O(1) time for a value of bounded size. Registers share values with the
// states that they merged: a value must not be changed after it was set.
//
// A Register is its own delta: send it whole. It has no delete; where there is
// one, use a [Map].
type Register[V any] struct {
	stamp Stamp
	value V
	enc   string // canonical bytes of value, or "" if kinds cover V
}

// Set sets the value. Its stamp is above the one it replaces, so that r reads
// back as v whatever was there before.
//
// It returns an error, and leaves r as it was, if v cannot be encoded or if w's
// clock has no time to give. It panics if w is invalid: see [Writer.Next].
func (r *Register[V]) Set(w Writer, v V) error {
	next := Register[V]{}
	var err error
	if next.value, next.enc, _, err = encodeValue(v); err != nil {
		return fmt.Errorf("lww: value type %w", err)
	}
	if next.stamp, err = w.Next(r.stamp.Time); err != nil {
		return err
	}
	r.Merge(&next)
	return nil
}

// SetAt sets a value that was stamped elsewhere: in another system, or by this
// one before. It has no effect if r holds a later one. It returns an error, and
// leaves r as it was, if v cannot be encoded or s is invalid.
func (r *Register[V]) SetAt(v V, s Stamp) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("lww: %w", err)
	}
	next := Register[V]{stamp: s}
	var err error
	if next.value, next.enc, _, err = encodeValue(v); err != nil {
		return fmt.Errorf("lww: value type %w", err)
	}
	r.Merge(&next)
	return nil
}

// Value returns the value, and whether there is one.
func (r *Register[V]) Value() (V, bool) { return r.value, !r.stamp.IsZero() }

// Stamp returns the stamp of the value, or the zero Stamp if there is none.
func (r *Register[V]) Stamp() Stamp { return r.stamp }

// Merge joins o into r and reports whether r changed. It does not modify o,
// which may be r itself. Merge is commutative, associative and idempotent up to
// [Register.Equal]. It does not allocate.
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
	if !codec.ByKind[V]() {
		return cmp.Compare(r.enc, o.enc)
	}
	if sameValue(&r.value, &o.value) {
		return 0
	}
	var x, y [64]byte
	p, _ := codec.AppendValue(x[:0], r.value) // kinds cover V: there is no error
	q, _ := codec.AppendValue(y[:0], o.value)
	return bytes.Compare(p, q)
}

// Equal reports whether r and o hold the same value under the same stamp.
func (r *Register[V]) Equal(o *Register[V]) bool { return r.compare(o) == 0 }

// Clone returns a copy of r that shares nothing with it but the value, which
// must not be changed anyway.
func (r *Register[V]) Clone() *Register[V] {
	c := *r
	return &c
}

// AppendBinary implements [encoding.BinaryAppender]. It never returns an error.
//
//	field    bytes
//	version  1       is 1
//	stamp    9 to 264, as in [Stamp.AppendBinary]
//	value    the rest, its canonical bytes
//
// An empty register has the zero stamp and no value.
func (r *Register[V]) AppendBinary(b []byte) ([]byte, error) {
	b, err := r.stamp.AppendBinary(append(b, 1))
	if err != nil || r.stamp.IsZero() {
		return b, err
	}
	if r.enc != "" {
		return append(b, r.enc...), nil
	}
	return codec.AppendValue(b, r.value)
}

// MarshalBinary implements [encoding.BinaryMarshaler]. See
// [Register.AppendBinary].
func (r *Register[V]) MarshalBinary() ([]byte, error) { return r.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what [Register.AppendBinary] writes, and leaves r unchanged if it returns an
// error.
func (r *Register[V]) UnmarshalBinary(data []byte) error {
	in := wire.NewReader(data)
	in.Version(1)
	next := Register[V]{stamp: readStamp(in)}
	if in.Err() == nil && !next.stamp.IsZero() {
		var err error
		if next.value, next.enc, err = decodeValue[V](in.Take(in.Len())); err != nil {
			in.Fail("%w", err)
		}
	}
	if err := in.Close(); err != nil {
		return fmt.Errorf("lww: decode Register: %w", wire.Damaged(err))
	}
	*r = next
	return nil
}

// decodeValue returns the value with the canonical bytes p, and a copy of these
// if kinds do not cover V.
func decodeValue[V any](p []byte) (V, string, error) {
	v, err := codec.DecodeValue[V](p)
	if err != nil || codec.ByKind[V]() {
		return v, "", err
	}
	return v, string(p), nil
}

// MarshalJSON implements [json.Marshaler]. An empty register is {}.
//
//	{"value":"ann@example.com","stamp":"2026-11-23T12:08:55.123456789Z@us"}
func (r *Register[V]) MarshalJSON() ([]byte, error) {
	if r.stamp.IsZero() {
		return []byte("{}"), nil
	}
	b, err := codec.AppendValueJSON([]byte(`{"value":`), r.value)
	if err != nil {
		return nil, fmt.Errorf("lww: encode Register: %w", err)
	}
	b = codec.AppendString(append(b, `,"stamp":`...), r.stamp.String())
	return append(b, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Register.MarshalJSON] writes, in any order and with any white space, and
// leaves r unchanged if it returns an error. As usual, null changes nothing.
func (r *Register[V]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var next Register[V]
	hasValue := false
	err := codec.DecodeObject(data, func(name string, value []byte) (err error) {
		switch name {
		case "value":
			hasValue = true
			if next.value, err = codec.DecodeValueJSON[V](value); err == nil {
				next.value, next.enc, _, err = encodeValue(next.value)
			}
		case "stamp":
			next.stamp, err = decodeStampJSON(value)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil && hasValue == next.stamp.IsZero() {
		err = errors.New("value and stamp go together")
	}
	if err != nil {
		return fmt.Errorf("lww: decode Register: %w", wire.Damaged(err))
	}
	*r = next
	return nil
}

// decodeStampJSON returns the valid stamp in a JSON string.
func decodeStampJSON(p []byte) (Stamp, error) {
	var text string
	if err := json.Unmarshal(p, &text); err != nil {
		return Stamp{}, err
	}
	return ParseStamp(text)
}
