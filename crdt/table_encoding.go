package crdt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// appendKeys appends the number of keys, then each with its length before it.
func appendKeys[K comparable](b []byte, keys []K) []byte {
	b = binary.AppendUvarint(b, uint64(len(keys)))
	var buf []byte
	for _, k := range keys {
		buf = value.AppendKey(buf[:0], k)
		b = wire.AppendBytes(b, buf)
	}
	return b
}

// readTable reads what appendKeys wrote for keys in the order of their bytes.
func readTable[K comparable](r *wire.Reader) table[K] {
	n := r.Count(1)
	var t table[K]
	t.grow(min(n, r.Len()/3)) // few keys take less
	var before []byte
	for i := range n {
		p := r.Bytes()
		if i > 0 && bytes.Compare(before, p) >= 0 {
			r.Fail("key %x does not follow %x in order", p, before)
		}
		k := readKey[K](r, p)
		if r.Err() != nil {
			break
		}
		t.add(k)
		before = p
	}
	return t
}

// A keyList is what appendKeys wrote, validated.
type keyList struct {
	len  int
	keys []byte
}

// readKeyList fails r where readTable does, but decodes nothing that it does not
// have to. R reads data.
func readKeyList[K comparable](r *wire.Reader, data []byte) keyList {
	l := keyList{len: r.Count(1)}
	from := r.Offset()
	var before []byte
	for i := range l.len {
		p := r.Bytes()
		if i > 0 && bytes.Compare(before, p) >= 0 {
			r.Fail("key %x does not follow %x in order", p, before)
		}
		if r.Err() == nil {
			if err := checkKey[K](p); err != nil {
				r.Fail("key: %w", err)
			}
		}
		if r.Err() != nil {
			return keyList{}
		}
		before = p
	}
	l.keys = data[from:r.Offset()]
	return l
}

// all returns an iterator over the keys' bytes.
func (l keyList) all() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r := wire.NewReader(l.keys)
		for range l.len {
			if !yield(r.Bytes()) {
				return
			}
		}
	}
}

// common returns a key that is in both lists, if there is one.
func (l keyList) common(o keyList) ([]byte, bool) {
	x, y := wire.NewReader(l.keys), wire.NewReader(o.keys)
	p, q := x.Bytes(), y.Bytes()
	for i, k := 0, 0; i < l.len && k < o.len; {
		switch c := bytes.Compare(p, q); {
		case c == 0:
			return p, true
		case c < 0:
			p, i = x.Bytes(), i+1
		default:
			q, k = y.Bytes(), k+1
		}
	}
	return nil, false
}

// checkKey returns an error where [value.DecodeKey] does.
func checkKey[K comparable](p []byte) error {
	if _, ok := any((*K)(nil)).(*string); ok {
		return nil
	}
	_, err := value.DecodeKey[K](p)
	return err
}

// readKey decodes p, which was just read.
func readKey[K comparable](r *wire.Reader, p []byte) K {
	var k K
	if r.Err() != nil {
		return k
	}
	k, err := value.DecodeKey[K](p)
	if err != nil {
		r.Fail("key: %w", err)
	}
	return k
}

// appendKeysJSON appends a list of keys.
func appendKeysJSON[K comparable](b []byte, keys []K) []byte {
	b = append(b, '[')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = value.AppendKeyJSON(b, k)
	}
	return append(b, ']')
}

var (
	errNotList       = errors.New("not a list")
	errUnknownMember = errors.New("unknown member")
	errNoEntry       = errors.New("not an object with key and value")
	errNoBase64      = errors.New("not an object with base64")
)

// decodeList decodes a list; null is none.
func decodeList[T any](data []byte, list *[]T) error {
	if err := json.Unmarshal(data, list); err != nil {
		return err
	}
	if *list == nil {
		return errNotList
	}
	return nil
}

// addJSON adds the keys of a list, which must all be new.
func (t *table[K]) addJSON(list []json.RawMessage) error {
	for i, p := range list {
		k, err := value.DecodeKeyJSON[K](p)
		if err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		if t.find(k) >= 0 {
			return fmt.Errorf("key %d: %s is there twice", i, p)
		}
		t.add(k)
	}
	return nil
}
