package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// elements is what a store has to know about its element type.
type elements[E comparable] struct {
	text    bool // a string type
	integer bool // an integer type of any size
	signed  bool
	spare   int  // of an integer type: bits that it has less than 64
	small   bool // values take no more than 64 bytes
	special bool // values need to be normalized or checked as they enter
}

// elementsOf panics if E cannot be an element.
func elementsOf[E comparable]() elements[E] {
	if err := value.CheckKeyType[E](); err != nil {
		panic(fmt.Sprintf("crdt: %v", err))
	}
	t := reflect.TypeFor[E]()
	k := elements[E]{small: t.Size() <= 64}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		k.integer, k.signed, k.spare = true, true, 64-t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		k.integer, k.spare = true, 64-t.Bits()
	case reflect.String:
		k.text = true
	case reflect.Bool:
	default:
		k.special = true
	}
	return k
}

// enter returns the value that e is stored as, and panics if e has none.
func (k elements[E]) enter(e E) E {
	if !k.special {
		return e
	}
	n, err := value.Normalize(e)
	if err != nil {
		panic(fmt.Sprintf("crdt: %v", err))
	}
	return n
}

// maxShared bounds what a string takes over from the one before, so that a block
// unpacks to 64 times its size at most.
const maxShared = 127

// appendBlock appends the elements of a page. FORMAT.md documents the
// layout.
func (k elements[E]) appendBlock(b []byte, elems []E) []byte {
	if k.integer {
		return k.appendIntegers(b, elems)
	}
	if es, ok := any(elems).([]string); ok {
		return appendStrings(b, es)
	}
	var last, cur []byte
	for _, e := range elems {
		cur = value.AppendKey(cur[:0], e)
		b = appendFront(b, last, cur)
		last, cur = cur, last
	}
	return b
}

func appendStrings(b []byte, elems []string) []byte {
	last := ""
	for _, e := range elems {
		b = appendFront(b, last, e)
		last = e
	}
	return b
}

// appendFront appends cur, which follows last.
func appendFront[S ~string | ~[]byte](b []byte, last, cur S) []byte {
	shared, limit := 0, min(len(last), len(cur), maxShared)
	for shared < limit && last[shared] == cur[shared] {
		shared++
	}
	suffix := len(cur) - shared
	b = append(b, byte(min(shared, 15)<<4|min(suffix, 15)))
	if shared >= 15 {
		b = binary.AppendUvarint(b, uint64(shared-15))
	}
	if suffix >= 15 {
		b = binary.AppendUvarint(b, uint64(suffix-15))
	}
	return append(b, cur[shared:]...)
}

var errBlock = errors.New("elements do not fill it in their canonical form")

// front reads the sizes of one element that follows one of size last, and
// returns what is left of p from the suffix on.
func front(p []byte, last int) (shared, suffix int, rest []byte, err error) {
	if len(p) == 0 {
		return 0, 0, nil, errBlock
	}
	shared, suffix = int(p[0]>>4), int(p[0]&15)
	p = p[1:]
	if shared == 15 {
		shared, p = moreSize(p)
	}
	if suffix == 15 {
		suffix, p = moreSize(p)
	}
	if shared < 0 || suffix < 0 || shared > min(last, maxShared) || suffix > len(p) {
		err = errBlock
	}
	return shared, suffix, p, err
}

// moreSize reads the rest of a size of at least 15 and returns -1 if there is no
// shortest varint that a size may have.
func moreSize(p []byte) (int, []byte) {
	n, used := binary.Uvarint(p)
	if used <= 0 || used > 1 && p[used-1] == 0 || n > 1<<31-1-15 {
		return -1, p
	}
	return int(n) + 15, p[used:]
}

// longest reports whether a suffix does not begin with what it could have
// shared.
func longest(last, suffix []byte, shared int) bool {
	return len(suffix) == 0 || shared == maxShared || shared == len(last) || last[shared] != suffix[0]
}

// decodeBlock returns the n elements of a block, in the memory of elems, which is empty. The
// strings of small blocks are parts of text.
func (k elements[E]) decodeBlock(elems []E, text *blockText, p []byte, n int) ([]E, error) {
	if len(p) < n {
		return elems, errBlock
	}
	if k.small {
		elems = slices.Grow(elems, n)
	}
	if k.integer {
		return k.decodeIntegers(elems, p, n)
	}
	if es, ok := any(&elems).(*[]string); ok {
		var err error
		*es, err = decodeStrings(*es, text, p, n)
		return elems, err
	}
	var cur []byte
	for range n {
		shared, suffix, rest, err := front(p, len(cur))
		if err != nil {
			return elems, err
		}
		if !longest(cur, rest[:suffix], shared) {
			return elems, errBlock
		}
		cur = append(cur[:shared], rest[:suffix]...)
		p = rest[suffix:]
		e, err := value.DecodeKey[E](cur)
		if err != nil {
			return elems, err
		}
		elems = append(elems, e)
	}
	if len(p) > 0 {
		return elems, errBlock
	}
	return elems, nil
}

// A blockText is the array that strings of small blocks are parts of.
type blockText struct {
	strings.Builder
	left int // bytes that follow, of blocks and others
}

// maxText is the largest size of such an array.
const maxText = 1024

// room returns an array with room for the strings of a block of size bytes.
func (t *blockText) room(total, size int) *strings.Builder {
	if total > maxText/4 {
		own := new(strings.Builder)
		own.Grow(total)
		return own
	}
	if t.Cap()-t.Len() < total {
		t.Reset()
		t.Grow(min(maxText, total+total*min(t.left, maxText)/max(1, size))) // as if all that follows were blocks like this one
	}
	return &t.Builder
}

// decodeStrings gives the strings of a block one array, and those of several small blocks, so
// that one that outlives the others holds on to no more than its block, or 1 KB.
func decodeStrings(elems []string, text *blockText, p []byte, n int) ([]string, error) {
	total, err := checkStrings(p, n)
	if err != nil {
		return elems, err
	}
	if again, ok := sameStrings(elems[:cap(elems)], p, n); ok {
		return again, nil
	}
	all := text.room(total, len(p))
	from := all.Len()
	for range n {
		shared, suffix, rest, _ := front(p, all.Len()-from)
		last := from
		from = all.Len()
		all.WriteString(all.String()[last : last+shared])
		all.Write(rest[:suffix])
		elems = append(elems, all.String()[from:])
		p = rest[suffix:]
	}
	return elems, nil
}

// sameStrings reports whether a block, which has been checked, has the first n of strings, and
// returns these.
func sameStrings(old []string, p []byte, n int) ([]string, bool) {
	if len(old) < n {
		return nil, false
	}
	last := ""
	for _, e := range old[:n] {
		shared, suffix, rest, _ := front(p, len(last))
		if len(e) != shared+suffix || e[:shared] != last[:shared] || e[shared:] != string(rest[:suffix]) {
			return nil, false
		}
		last, p = e, rest[suffix:]
	}
	return old[:n], true
}

func (k elements[E]) appendIntegers(b []byte, elems []E) []byte {
	switch es := any(elems).(type) {
	case []int:
		return appendDeltas(b, es)
	case []int32:
		return appendDeltas(b, es)
	case []int64:
		return appendDeltas(b, es)
	case []uint32:
		return appendDeltas(b, es)
	case []uint64:
		return appendDeltas(b, es)
	}
	last := uint64(0)
	for _, e := range elems {
		n := k.bits(e)
		b = binary.AppendUvarint(b, zigzag(n-last))
		last = n
	}
	return b
}

func appendDeltas[I int | int32 | int64 | uint32 | uint64](b []byte, elems []I) []byte {
	last := uint64(0)
	for _, e := range elems {
		b = binary.AppendUvarint(b, zigzag(uint64(e)-last))
		last = uint64(e)
	}
	return b
}

// bits returns an integer as 64 bits, sign-extended.
func (k elements[E]) bits(e E) uint64 {
	v := reflect.ValueOf(e)
	if k.signed {
		return uint64(v.Int())
	}
	return v.Uint()
}

func zigzag(n uint64) uint64   { return n<<1 ^ uint64(int64(n)>>63) }
func unzigzag(n uint64) uint64 { return n>>1 ^ -(n & 1) }

func (k elements[E]) decodeIntegers(elems []E, p []byte, n int) ([]E, error) {
	if err := k.checkBlock(p, n); err != nil {
		return elems, err
	}
	switch es := any(&elems).(type) {
	case *[]int:
		*es = undeltas(*es, p)
	case *[]int32:
		*es = undeltas(*es, p)
	case *[]int64:
		*es = undeltas(*es, p)
	case *[]uint32:
		*es = undeltas(*es, p)
	case *[]uint64:
		*es = undeltas(*es, p)
	default:
		for _, n := range undeltas([]uint64(nil), p) {
			elems = append(elems, k.integerOf(n))
		}
	}
	return elems, nil
}

// undeltas appends the integers in p, which has been checked.
func undeltas[I int | int32 | int64 | uint32 | uint64](elems []I, p []byte) []I {
	last := uint64(0)
	for len(p) > 0 {
		z, used := binary.Uvarint(p)
		p = p[used:]
		last += unzigzag(z)
		elems = append(elems, I(last))
	}
	return elems
}

// integerOf returns the element with the given bits.
func (k elements[E]) integerOf(n uint64) (e E) {
	if v := reflect.ValueOf(&e).Elem(); k.signed {
		v.SetInt(int64(n))
	} else {
		v.SetUint(n)
	}
	return e
}
