package value

import (
	"fmt"
	"math"
	"reflect"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// settled reports whether every value of kind k is a key as it stands.
func settled(k reflect.Kind) bool {
	return reflect.Bool <= k && k <= reflect.Uintptr || k == reflect.String
}

// width returns the encoded size of a kind of fixed size, and 0 for others.
func width(k reflect.Kind) int {
	switch k {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return 1
	case reflect.Int16, reflect.Uint16:
		return 2
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return 4
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr, reflect.Float64:
		return 8
	default:
		return 0
	}
}

// flip maps signed integers to unsigned ones of the same order.
func flip(n int64) uint64 { return uint64(n) ^ 1<<63 }

// appendUint appends the low width bytes of n, big-endian.
func appendUint(b []byte, n uint64, width int) []byte {
	n <<= 64 - 8*width
	for range width {
		b = append(b, byte(n>>56))
		n <<= 8
	}
	return b
}

func takeUint(r *wire.Reader, width int) uint64 {
	var n uint64
	for _, c := range r.Take(width) {
		n = n<<8 | uint64(c)
	}
	return n
}

// orderFloat maps the IEEE bits of a float of width bytes to an integer of the
// same order. Negative zero becomes zero.
func orderFloat(f float64, width int) uint64 {
	f += 0 // −0 + 0 = 0
	if width == 4 {
		bits := math.Float32bits(float32(f))
		if bits>>31 == 1 {
			return uint64(^bits)
		}
		return uint64(bits | 1<<31)
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// unorderFloat inverts [orderFloat].
func unorderFloat(n uint64, width int) float64 {
	if width == 4 {
		if n>>31 == 1 {
			return float64(math.Float32frombits(uint32(n) &^ (1 << 31)))
		}
		return float64(math.Float32frombits(^uint32(n)))
	}
	if n>>63 == 1 {
		return math.Float64frombits(n &^ (1 << 63))
	}
	return math.Float64frombits(^n)
}

// appendScalar appends v if its size is fixed by its kind, or if it is a string
// or an array of bytes, and reports whether it did. It keeps v off the heap.
func appendScalar(b []byte, v reflect.Value) ([]byte, bool) {
	w := width(v.Kind())
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1), true
		}
		return append(b, 0), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendUint(b, uint64(v.Int())^1<<(8*w-1), w), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return appendUint(b, v.Uint(), w), true
	case reflect.Float32, reflect.Float64:
		return appendUint(b, orderFloat(v.Float(), w), w), true
	case reflect.String:
		return append(b, v.String()...), true
	case reflect.Array:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return b, false
		}
		for i := range v.Len() {
			b = append(b, byte(v.Index(i).Uint()))
		}
		return b, true
	default:
		return b, false
	}
}

// decodeScalar reads what [appendScalar] wrote, a string being all that is
// left, and reports whether v is of such a kind.
func decodeScalar(r *wire.Reader, v reflect.Value) bool {
	w := width(v.Kind())
	switch v.Kind() {
	case reflect.Bool:
		n := r.Byte()
		if n > 1 {
			r.Fail("bool is %d, want 0 or 1", n)
		}
		v.SetBool(n == 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := int64(takeUint(r, w)<<(64-8*w)^1<<63) >> (64 - 8*w)
		if r.Err() == nil && v.OverflowInt(n) {
			r.Fail("%d overflows %s", n, v.Kind())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n := takeUint(r, w)
		if r.Err() == nil && v.OverflowUint(n) {
			r.Fail("%d overflows %s", n, v.Kind())
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		f := unorderFloat(takeUint(r, w), w)
		if f != f || f == 0 && math.Signbit(f) {
			r.Fail("%v is not in canonical form", f)
		}
		v.SetFloat(f)
	case reflect.String:
		v.SetString(string(r.Take(r.Len())))
	case reflect.Array:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return false
		}
		for i, c := range r.Take(v.Len()) {
			v.Index(i).SetUint(uint64(c))
		}
	default:
		return false
	}
	return true
}

// appendKind appends the addressable v. Where something follows, whole is
// false, and strings and opaque values get their length before them.
func appendKind(b []byte, v reflect.Value, whole bool) ([]byte, error) {
	if v.Kind() == reflect.String && !whole {
		return wire.AppendBytes(b, v.String()), nil
	}
	if b, ok := appendScalar(b, v); ok {
		return b, nil
	}
	var err error
	switch {
	case v.Kind() == reflect.Array:
		for i := 0; i < v.Len() && err == nil; i++ {
			b, err = appendKind(b, v.Index(i), false)
		}
		return b, err
	case v.Kind() == reflect.Struct && exported(v):
		for i := 0; i < v.NumField() && err == nil; i++ {
			b, err = appendKind(b, v.Field(i), false)
		}
		return b, err
	case v.Kind() != reflect.Struct:
		return b, refuseKind(v.Kind())
	case whole:
		return marshal(b, v.Addr().Interface())
	}
	enc, err := marshal(nil, v.Addr().Interface())
	return wire.AppendBytes(b, enc), err
}

// decodeKind reads what [appendKind] wrote into the addressable v.
func decodeKind(r *wire.Reader, v reflect.Value, whole bool) {
	switch {
	case v.Kind() == reflect.String && !whole:
		v.SetString(string(r.Bytes()))
	case decodeScalar(r, v):
	case v.Kind() == reflect.Array:
		for i := 0; i < v.Len() && r.Err() == nil; i++ {
			decodeKind(r, v.Index(i), false)
		}
	case v.Kind() == reflect.Struct && exported(v):
		for i := 0; i < v.NumField() && r.Err() == nil; i++ {
			decodeKind(r, v.Field(i), false)
		}
	case v.Kind() != reflect.Struct:
		r.Fail("%w", refuseKind(v.Kind()))
	case whole:
		decodeOpaque(r, r.Take(r.Len()), v)
	default:
		decodeOpaque(r, r.Bytes(), v)
	}
}

// normalizeKind replaces negative zeros in the addressable v. Path names v
// inside the key.
func normalizeKind(v reflect.Value, path string) error {
	switch k := v.Kind(); {
	case settled(k):
		return nil
	case k == reflect.Float32, k == reflect.Float64:
		f := v.Float()
		if f != f {
			return at(path, errNaN)
		}
		v.SetFloat(f + 0) // −0 + 0 = 0
		return nil
	case k == reflect.Array:
		if v.Len() == 0 || settled(v.Type().Elem().Kind()) {
			return checkType(v.Type(), path)
		}
		for i := range v.Len() {
			if err := normalizeKind(v.Index(i), path); err != nil {
				return err
			}
		}
		return nil
	case k == reflect.Struct && exported(v):
		for i := range v.NumField() {
			f := v.Field(i)
			if settled(f.Kind()) {
				continue
			}
			if err := normalizeKind(f, join(path, v.Type().Field(i).Name)); err != nil {
				return err
			}
		}
		return nil
	case k == reflect.Struct:
		return at(path, roundTrip(v))
	default:
		return at(path, refuseKind(k))
	}
}

// checkType returns an error if values of type t cannot be keys.
func checkType(t reflect.Type, path string) error {
	switch k := t.Kind(); {
	case settled(k), k == reflect.Float32, k == reflect.Float64:
		return nil
	case k == reflect.Array:
		return checkType(t.Elem(), path)
	case k == reflect.Struct && exported(reflect.Zero(t)):
		for f := range t.Fields() {
			if err := checkType(f.Type, join(path, f.Name)); err != nil {
				return err
			}
		}
		return nil
	case k == reflect.Struct:
		return at(path, checkOpaque(t))
	default:
		return at(path, refuseKind(k))
	}
}

// exported reports whether all fields of the struct v are exported: whether
// kinds cover it. It runs for every key, so it does without [reflect.Value.Fields],
// which allocates.
func exported(v reflect.Value) bool {
	n := v.NumField()
	for i := range n {
		if !v.Field(i).CanInterface() {
			return false
		}
	}
	return true
}

func refuseKind(k reflect.Kind) error {
	return fmt.Errorf("kind %s is not supported", k)
}

// at adds the field that an error is about.
func at(path string, err error) error {
	if err == nil || path == "" {
		return err
	}
	return fmt.Errorf("field %s: %w", path, err)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
