package resolver

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/codec"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
)

// ErrNoStamp is returned by [Siblings.Seed] for a row without a time, and by the
// decoders for a version without a stamp. No version is taken for the oldest
// because nobody knows how old it is.
var ErrNoStamp = errors.New("resolver: version without a stamp")

// A Version is one write of a key, with what its writer knew.
//
// A Version is immutable: neither it nor what its fields refer to may be
// changed.
type Version[T any] struct {
	Value   T    // what was written; zero if Deleted
	Deleted bool // the write was a delete

	// Stamp names the write. Its time is after everything that the writer had
	// been shown.
	Stamp lww.Stamp
	// Past is what the writer had been shown.
	Past Context
	// Epoch is that of the writer.
	Epoch uint64
	// Base is the value that the writer started from, if it said so.
	Base *T
	// Settles lists the versions that a person decided between, if this is
	// the decision, in ascending order.
	Settles []lww.Stamp
}

// String returns the stamp and the value, for people.
func (v Version[T]) String() string {
	if v.Deleted {
		return fmt.Sprintf("%v deleted", v.Stamp)
	}
	return fmt.Sprintf("%v %v", v.Stamp, v.Value)
}

// An entry is a version in a set, with its canonical bytes.
type entry[T any] struct {
	Version[T]
	enc   string // all of it
	value string // the end of enc: the bytes of Value, or nothing
	base  string // the part of enc with the bytes of Base, or nothing
}

// compare orders entries by stamp. Two versions with one stamp come from two
// lineages of one replica; their bytes order them.
func (e *entry[T]) compare(f *entry[T]) int {
	return cmp.Or(e.Stamp.Compare(f.Stamp), cmp.Compare(e.enc, f.enc))
}

const (
	versionDeleted = 1 << 0
	versionBase    = 1 << 1
	versionSettles = 1 << 2
)

// newEntry returns the entry of v, which must have a valid stamp, with its
// values in canonical form.
func newEntry[T any](v Version[T]) (entry[T], error) {
	flags := byte(0)
	var value, base []byte
	var err error
	if v.Deleted {
		flags |= versionDeleted
		v.Value = *new(T)
	} else if v.Value, value, err = encodeValue(v.Value); err != nil {
		return entry[T]{}, err
	}
	if v.Base != nil {
		flags |= versionBase
		b := *v.Base
		if b, base, err = encodeValue(b); err != nil {
			return entry[T]{}, err
		}
		v.Base = &b
	}
	if v.Settles != nil {
		flags |= versionSettles
	}
	enc := appendStamp([]byte{flags}, v.Stamp)
	enc = binary.AppendUvarint(enc, v.Epoch)
	enc = wire.AppendBytes(enc, v.Past.append(nil))
	if v.Settles != nil {
		enc = binary.AppendUvarint(enc, uint64(len(v.Settles)))
		for _, s := range v.Settles {
			enc = appendStamp(enc, s)
		}
	}
	at := len(enc)
	if v.Base != nil {
		enc = wire.AppendBytes(enc, base)
		at = len(enc)
	}
	e := entry[T]{Version: v, enc: string(append(enc, value...))}
	e.base, e.value = e.enc[at-len(base):at], e.enc[at:]
	return e, nil
}

// decodeEntry returns the entry that newEntry encoded.
//
//	field    bytes
//	flags    1       1: deleted; 2: has a base; 4: settles a conflict
//	stamp    varies  see [lww.Stamp.AppendBinary]
//	epoch    varint
//	length   varint
//	past     length  see [Context.AppendBinary], without its version byte
//	count    varint  if it settles a conflict, followed by
//	settled  varies  as many stamps, in ascending order
//	length   varint  if it has a base
//	base     length  likewise
//	value    the rest, unless deleted
func decodeEntry[T any](p []byte) (entry[T], error) {
	e := entry[T]{enc: string(p)}
	r := wire.NewReader(p)
	flags := r.Byte()
	if flags&^(versionDeleted|versionBase|versionSettles) != 0 {
		r.Fail("unknown flags %#x", flags)
	}
	e.Deleted = flags&versionDeleted != 0
	e.Stamp = readStamp(r)
	e.Epoch = r.Uvarint()
	past := wire.NewReader(r.Bytes())
	if r.Err() == nil {
		e.Past = readContext(past)
		if err := past.Close(); err != nil {
			r.Fail("past: %w", err)
		}
	}
	if flags&versionSettles != 0 {
		const leastStamp = 10 // a time, a length, a name of one byte
		e.Settles = make([]lww.Stamp, r.Count(leastStamp))
		for i := range e.Settles {
			e.Settles[i] = readStamp(r)
		}
	}
	if flags&versionBase != 0 {
		base := r.Bytes()
		e.base = e.enc[r.Offset()-len(base) : r.Offset()]
		b, err := codec.DecodeValue[T](base)
		if e.Base = &b; err != nil {
			r.Fail("base: %w", err)
		}
	}
	if !e.Deleted && r.Err() == nil {
		var err error
		e.value = e.enc[r.Offset():]
		if e.Value, err = codec.DecodeValue[T](r.Take(r.Len())); err != nil {
			r.Fail("value: %w", err)
		}
	}
	if err := r.Close(); err != nil {
		return e, err
	}
	return e, e.check()
}

// check returns an error for what no version can be.
func (v *Version[T]) check() error {
	switch {
	case !v.Stamp.IsValid():
		return ErrNoStamp
	case v.Past.latest() >= v.Stamp.Time:
		return fmt.Errorf("version %v is not after its past", v.Stamp)
	case v.Settles != nil && len(v.Settles) == 0:
		return fmt.Errorf("version %v settles nothing", v.Stamp)
	}
	for i, s := range v.Settles {
		if !s.IsValid() || i > 0 && s.Compare(v.Settles[i-1]) <= 0 || !v.Past.covers(s) {
			return fmt.Errorf("version %v settles %v, which is out of order or not in its past", v.Stamp, s)
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler]. Members that are zero are left out.
//
//	{"stamp":"2026-11-23T12:08:55.123456789Z@us","epoch":"1","value":…,"deleted":true,
//	 "base":…,"past":{"past":{"eu":"…"}},"settles":["…@eu","…@us"]}
func (v Version[T]) MarshalJSON() ([]byte, error) {
	o := objectWriter{}
	o.text("stamp", v.Stamp.String())
	o.epoch("epoch", v.Epoch)
	if v.Deleted {
		o.raw("deleted", []byte("true"))
	} else if err := appendValueJSON(&o, "value", v.Value); err != nil {
		return nil, err
	}
	if v.Base != nil {
		if err := appendValueJSON(&o, "base", *v.Base); err != nil {
			return nil, err
		}
	}
	if past, _ := v.Past.MarshalJSON(); len(past) > len("{}") { // never an error
		o.raw("past", past)
	}
	if v.Settles != nil {
		enc, err := json.Marshal(v.Settles)
		if err != nil {
			return nil, fmt.Errorf("resolver: encode Version: %w", err)
		}
		o.raw("settles", enc)
	}
	return o.end(), nil
}

func appendValueJSON[T any](o *objectWriter, name string, v T) error {
	enc, err := codec.AppendValueJSON(nil, v)
	if err != nil {
		return fmt.Errorf("resolver: encode Version: %w", err)
	}
	o.raw(name, enc)
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts what
// [Version.MarshalJSON] writes, in any order of members and with any white
// space, and leaves v unchanged if it returns an error. As usual, null changes
// nothing.
func (v *Version[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var w Version[T]
	found := false
	err := codec.DecodeObject(data, func(name string, value []byte) (err error) {
		switch name {
		case "stamp":
			w.Stamp, err = decodeStamp(value)
		case "epoch":
			w.Epoch, err = decodeEpoch(value)
		case "value":
			found = true
			w.Value, err = codec.DecodeValueJSON[T](value)
		case "deleted":
			w.Deleted, err = true, decodeTrue(value)
		case "base":
			var b T
			b, err = codec.DecodeValueJSON[T](value)
			w.Base = &b
		case "past":
			err = w.Past.UnmarshalJSON(value)
		case "settles":
			err = json.Unmarshal(value, &w.Settles)
		default:
			err = errors.New("unknown member")
		}
		return err
	})
	if err == nil && found == w.Deleted {
		err = errors.New(`needs either "value" or "deleted"`)
	}
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return fmt.Errorf("resolver: decode Version: %w", wire.Damaged(err))
	}
	*v = w
	return nil
}

// stampsOf returns the distinct stamps of versions in ascending order.
func stampsOf[T any](versions []Version[T]) []lww.Stamp {
	stamps := make([]lww.Stamp, len(versions))
	for i := range versions {
		stamps[i] = versions[i].Stamp
	}
	slices.SortFunc(stamps, lww.Stamp.Compare)
	return slices.Compact(stamps)
}
