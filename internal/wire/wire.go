// Package wire reads the primitives that the module's binary encodings are
// made of, and refuses every form but the one that the encoder writes.
//
// A state has one encoding only if each of its parts has, so a [Reader] takes
// shortest varints and nothing else, checks every length against the bytes
// that are left before anything of that size is allocated, and reports what is
// wrong at which offset.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// AppendBytes appends the length of p as a varint, then p.
func AppendBytes[B ~string | ~[]byte](b []byte, p B) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

// UvarintLen returns the number of bytes that [binary.AppendUvarint] appends
// for v.
func UvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// A Reader consumes one encoding from front to back.
//
// The first error sticks: from then on every read returns a zero value, so a
// decoder may read a whole record and look at [Reader.Err] once, provided that
// it allocates by [Reader.Count] only. A Reader is not safe for concurrent use.
type Reader struct {
	buf []byte
	off int
	err error

	text   string // of an input of one window: a copy of what begins in buf at textAt
	textAt int
	packed *strings.Builder // of a longer input: strings, one after the other
}

// window is the size of the memory that strings of an input are parts of: there is one
// allocation for many, and a string that is left of them keeps no more alive.
const window = 1024

// StringAt returns the n bytes at offset off of the input as a string. It is made for
// offsets that ascend.
func (r *Reader) StringAt(off, n int) string {
	if len(r.buf) > window {
		return r.pack(off, n)
	}
	if off < r.textAt || off+n > r.textAt+len(r.text) {
		if n > window/4 {
			return string(r.buf[off : off+n])
		}
		r.text, r.textAt = string(r.buf[off:min(len(r.buf), off+window)]), off
	}
	at := off - r.textAt
	return r.text[at : at+n]
}

// StringOr returns what StringAt does, and old in its place where the two are the same: who
// reads one row after the other meets the same names again.
func (r *Reader) StringOr(off, n int, old string) string {
	if n == len(old) && string(r.buf[off:off+n]) == old {
		return old
	}
	return r.StringAt(off, n)
}

// pack returns the n bytes at offset off, beside other strings: what stands between them in the
// input takes no room.
func (r *Reader) pack(off, n int) string {
	if n > window/4 {
		return string(r.buf[off : off+n])
	}
	if r.packed == nil {
		r.packed = new(strings.Builder) // of copies of r too, which must not overwrite
	}
	if r.packed.Len()+n > r.packed.Cap() {
		r.packed.Reset()
		r.packed.Grow(min(window, len(r.buf)-off))
	}
	r.packed.Write(r.buf[off : off+n])
	s := r.packed.String()
	return s[len(s)-n:]
}

// NewReader returns a Reader over b, which it does not modify.
func NewReader(b []byte) *Reader { return &Reader{buf: b} }

// Err returns the first error met, or nil.
func (r *Reader) Err() error { return r.err }

// Len returns the number of bytes not yet read.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Offset returns the number of bytes read.
func (r *Reader) Offset() int { return r.off }

// Unread returns the bytes not yet read. The result aliases the input.
func (r *Reader) Unread() []byte { return r.buf[r.off:] }

// Fail records an error at the current offset unless there is one already. It is
// an [ErrDamaged] unless it wraps one of the other errors of this package.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = Damaged(fmt.Errorf("offset %d: %w", r.off, fmt.Errorf(format, args...)))
		r.off = len(r.buf)
	}
}

// Close returns the first error met; bytes left unread are one.
func (r *Reader) Close() error {
	if n := r.Len(); n > 0 {
		r.Fail("%d trailing bytes", n)
	}
	return r.err
}

// Version reads the version byte that a stand-alone encoding begins with and
// fails unless it is want.
func (r *Reader) Version(want byte) {
	off := r.off
	if got := r.Byte(); r.err == nil && got != want {
		r.off = off
		r.Fail("%w %d, want %d", ErrVersion, got, want)
	}
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.Len() < 1 {
		r.truncated()
		return 0
	}
	c := r.buf[r.off]
	r.off++
	return c
}

// Uint64 reads eight bytes, big-endian.
func (r *Reader) Uint64() uint64 {
	if r.Len() < 8 {
		r.truncated()
		return 0
	}
	v := binary.BigEndian.Uint64(r.buf[r.off:])
	r.off += 8
	return v
}

// Uvarint reads a varint in its shortest form.
func (r *Reader) Uvarint() uint64 {
	if r.off < len(r.buf) && r.buf[r.off] < 0x80 {
		r.off++
		return uint64(r.buf[r.off-1])
	}
	return r.longUvarint()
}

// longUvarint reads a varint of two bytes or more.
func (r *Reader) longUvarint() uint64 {
	if p := r.buf[r.off:]; len(p) > 1 && p[1]-1 < 0x7f {
		r.off += 2
		return uint64(p[0]&0x7f) | uint64(p[1])<<7
	}
	v, n := binary.Uvarint(r.buf[r.off:])
	switch {
	case n == 0:
		r.truncated()
		return 0
	case n < 0:
		r.Fail("varint exceeds 64 bits")
		return 0
	case n > 1 && r.buf[r.off+n-1] == 0:
		r.Fail("varint is not in its shortest form")
		return 0
	}
	r.off += n
	return v
}

// UvarintAt reads a varint in its shortest form at offset i of p, and returns the offset of
// what follows, which is beyond the end if there is no such varint. It is for those who walk
// over bytes that they do not decode, and ask once at the end.
func UvarintAt(p []byte, i int) (v uint64, next int) {
	if i < len(p) && p[i] < 0x80 {
		return uint64(p[i]), i + 1
	}
	if k := i + 1; k < len(p) && p[k]-1 < 0x7f {
		return uint64(p[i]&0x7f) | uint64(p[k])<<7, i + 2
	}
	if i < len(p) {
		if v, n := binary.Uvarint(p[i:]); n > 0 && p[i+n-1] != 0 {
			return v, i + n
		}
	}
	return 0, len(p) + 1
}

// Count reads the number of items that follow, each at least size bytes long,
// and fails if the bytes left cannot hold them. Size must be positive.
func (r *Reader) Count(size int) int {
	off := r.off
	n := r.Uvarint()
	if left := r.Len(); n > uint64(left/size) {
		r.off = off
		r.Fail("count %d exceeds what %d bytes can hold", n, left)
		return 0
	}
	return int(n)
}

// Take reads n bytes. The result aliases the input.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > r.Len() {
		r.truncated()
		return nil
	}
	p := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return p
}

// Bytes reads what [AppendBytes] wrote. The result aliases the input.
func (r *Reader) Bytes() []byte { return r.Take(r.Count(1)) }

var errTruncated = errors.New("unexpected end of input")

func (r *Reader) truncated() { r.Fail("%w", errTruncated) }
