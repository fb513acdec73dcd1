package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
)

// total returns the sum of all replicas' changes.
func total(c *cell) (sum int128) {
	for i := range c.kids {
		v := readTotal(c.kids[i].value)
		sum.plus(v)
	}
	return sum
}

// fillTotal sets dst to the sum of all changes, or to the nearest number that
// its type has.
func fillTotal(dst reflect.Value, c *cell) {
	sum := total(c)
	if dst.CanInt() {
		bits := dst.Type().Bits()
		lo, hi := int64(-1)<<(bits-1), int64(1)<<(bits-1)-1
		v, ok := sum.int64()
		if !ok {
			v = hi
			if sum.negative() {
				v = lo
			}
		}
		dst.SetInt(min(max(v, lo), hi))
		return
	}
	hi := ^uint64(0) >> (64 - dst.Type().Bits())
	switch {
	case sum.negative():
	case sum.hi != 0 || sum.lo > hi:
		dst.SetUint(hi)
	default:
		dst.SetUint(sum.lo)
	}
}

// readTotal reads what [appendTotal] wrote, or 0 from other bytes.
func readTotal(content string) (v int128) {
	neg, mag, rest, err := value.ReadInt([]byte(content))
	if err != nil || len(rest) > 0 {
		return v
	}
	if v.lo = mag; neg {
		v.lo, v.hi = ^mag, ^uint64(0)
	}
	return v
}

// appendTotal appends a total as an integer is appended, and reports whether it
// fits: from −2⁶⁴ to 2⁶⁴−1.
func appendTotal(b []byte, v int128) ([]byte, bool) {
	switch v.hi {
	case 0:
		return value.AppendUint(b, v.lo), true
	case ^uint64(0):
		p := value.AppendUint(nil, ^v.lo)
		for i := range p[1:] {
			p[1+i] = ^p[1+i]
		}
		p[0] = 0x7f - (p[0] - 0x80)
		return append(b, p...), true
	}
	return b, false
}

func (x *int128) negative() bool { return x.hi>>63 == 1 }

func (x *int128) plus(y int128) {
	x.addUint(y.lo)
	x.hi += y.hi
}
