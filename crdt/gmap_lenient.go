package crdt

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// UnmarshalLenient is like [MVRegister.UnmarshalLenient], if V has one.
func (m *GMap[K, V]) UnmarshalLenient(data []byte) error {
	d, bad, err := decodeGMap[K, V](data)
	if err != nil {
		return fmt.Errorf("crdt: decode GMap: %w", wire.Damaged(err))
	}
	m.gMapState = d.gMapState
	if bad != nil {
		return fmt.Errorf("crdt: decode GMap: %w", bad)
	}
	return nil
}

// decodeGMap reads bytes or JSON.
func decodeGMap[K comparable, V State[V]](data []byte) (*GMap[K, V], *content.ValueError, error) {
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		_, decode, err := jsonForm[V]()
		if err != nil {
			return nil, nil, err
		}
		return parseGMap[K](text, decode)
	}
	if err := cmp.Or(value.CheckKeyType[K](), checkBinary[V]()); err != nil {
		return nil, nil, err
	}
	return readGMap[K, V](data)
}

// MergeLenient is Merge of what [GMap.UnmarshalLenient] decodes.
func (m *GMap[K, V]) MergeLenient(data []byte) (changed bool, err error) {
	var o GMap[K, V]
	err = o.UnmarshalLenient(data)
	if err != nil && !errors.Is(err, content.ErrUnreadable) {
		return false, err
	}
	return m.Merge(&o), err
}

// Unreadable returns an iterator over the keys whose values fail their Check.
func (m *GMap[K, V]) Unreadable() iter.Seq2[K, *content.ValueError] {
	m = m.orEmpty()
	return func(yield func(K, *content.ValueError) bool) {
		for k, v := range m.All() {
			c, ok := any(v).(interface{ Check() error })
			if !ok {
				return
			}
			bad, ok := errors.AsType[*content.ValueError](c.Check())
			if ok && !yield(k, first(nil, bad, k)) {
				return
			}
		}
	}
}

// Check returns an error of [GMap.Unreadable], or nil. It takes O(n).
func (m *GMap[K, V]) Check() error {
	for _, bad := range m.Unreadable() {
		return fmt.Errorf("crdt: %w", bad)
	}
	return nil
}

// decodeState decodes p into v, which is empty: leniently if v can, and else by plain.
// It returns why a value is not readable.
func decodeState(v any, p []byte, plain func(p []byte) error) (bad *content.ValueError, err error) {
	l, ok := v.(interface{ UnmarshalLenient(data []byte) error })
	if !ok {
		return nil, plain(p)
	}
	err = l.UnmarshalLenient(p)
	if bad, ok := errors.AsType[*content.ValueError](err); ok {
		return bad, nil
	}
	return nil, err
}

// first returns bad, or if that is nil next with the key k in front of its place.
func first[K comparable](bad, next *content.ValueError, k K) *content.ValueError {
	if bad != nil || next == nil {
		return bad
	}
	located := *next // which may be that of v
	d := decoder{bad: &located}
	d.locate(value.AppendKeyJSON(nil, k))
	return &located
}
