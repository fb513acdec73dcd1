package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// CheckKeyType returns an error that names the type, and the field inside it, if
// values of K cannot be keys.
func CheckKeyType[K comparable]() error {
	t := reflect.TypeFor[K]()
	if settled(t.Kind()) {
		return nil
	}
	if err := checkType(t, ""); err != nil {
		return fmt.Errorf("key type %s: %w", t, err)
	}
	return nil
}

// Normalize returns the key that k is stored as, which differs from k only in
// that negative zeros are zeros. It returns an error if K cannot be a key, if k
// holds a NaN, or if k marshals itself and does not come back equal.
func Normalize[K comparable](k K) (K, error) {
	if settled(reflect.TypeFor[K]().Kind()) {
		return k, nil
	}
	return normalize(k)
}

func normalize[K comparable](k K) (K, error) {
	v := reflect.ValueOf(&k).Elem()
	if err := normalizeKind(v, ""); err != nil {
		var zero K
		return zero, fmt.Errorf("key type %s: %w", v.Type(), err)
	}
	return k, nil
}

// AppendKey appends the canonical bytes of k, which must be a result of
// [Normalize], [DecodeKey] or [DecodeKeyJSON]. It panics if k is none of these
// and has no canonical bytes.
func AppendKey[K comparable](b []byte, k K) []byte {
	switch p := any(&k).(type) {
	case *string:
		return append(b, *p...)
	case *int:
		return binary.BigEndian.AppendUint64(b, flip(int64(*p)))
	case *int64:
		return binary.BigEndian.AppendUint64(b, flip(*p))
	case *uint64:
		return binary.BigEndian.AppendUint64(b, *p)
	}
	if b, ok := appendScalar(b, reflect.ValueOf(k)); ok {
		return b
	}
	return appendSlow(b, k)
}

func appendSlow[K comparable](b []byte, k K) []byte {
	v := reflect.ValueOf(&k).Elem()
	b, err := appendKind(b, v, true)
	if err != nil {
		panic(fmt.Sprintf("value: key type %s: %v", v.Type(), err))
	}
	return b
}

// DecodeKey returns the key whose canonical bytes are p, all of it.
func DecodeKey[K comparable](p []byte) (K, error) {
	var k K
	switch d := any(&k).(type) {
	case *string:
		*d = string(p)
		return k, nil
	case *int64:
		if len(p) == 8 {
			*d = int64(binary.BigEndian.Uint64(p) ^ 1<<63)
			return k, nil
		}
	case *uint64:
		if len(p) == 8 {
			*d = binary.BigEndian.Uint64(p)
			return k, nil
		}
	}
	r := wire.NewReader(p)
	if decodeScalar(r, reflect.ValueOf(&k).Elem()) {
		return checked(k, r.Close())
	}
	return decodeSlow[K](p)
}

// IsKey reports whether [DecodeKey] takes p, which does not get any further.
func IsKey[K comparable](p []byte) bool {
	switch any((*K)(nil)).(type) {
	case *string:
		return true
	case *int64, *uint64:
		return len(p) == 8
	}
	_, err := DecodeKey[K](bytes.Clone(p))
	return err == nil
}

// ReadKey sets dst to the key whose canonical bytes are p, which r has at offset at. A
// string may be a part of a copy of what r reads, and stays if it is the same already.
func ReadKey[K comparable](dst *K, r *wire.Reader, at int, p []byte) error {
	if s, ok := any(dst).(*string); ok {
		*s = r.StringOr(at, len(p), *s)
		return nil
	}
	k, err := DecodeKey[K](p)
	*dst = k
	return err
}

func decodeSlow[K comparable](p []byte) (K, error) {
	var k K
	r := wire.NewReader(p)
	decodeKind(r, reflect.ValueOf(&k).Elem(), true)
	return checked(k, r.Close())
}

// checked returns k, or the zero value and err with the name of k's type.
func checked[V any](v V, err error) (V, error) {
	if err != nil {
		var zero V
		return zero, fmt.Errorf("%s: %w", reflect.TypeFor[V](), err)
	}
	return v, nil
}

// CompareKeys returns the order of the canonical bytes of a and b, which must
// have some: see [AppendKey].
func CompareKeys[K comparable](a, b K) int {
	switch p := any(&a).(type) {
	case *string:
		return strings.Compare(*p, *any(&b).(*string))
	case *int:
		return cmp.Compare(*p, *any(&b).(*int))
	case *int64:
		return cmp.Compare(*p, *any(&b).(*int64))
	case *uint64:
		return cmp.Compare(*p, *any(&b).(*uint64))
	}
	if v := reflect.ValueOf(a); v.Kind() == reflect.String {
		return strings.Compare(v.String(), reflect.ValueOf(b).String())
	}
	var x, y [64]byte
	return bytes.Compare(AppendKey(x[:0], a), AppendKey(y[:0], b))
}
