package value

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// appendInt appends an integer so that bytes sort as the integers do.
func appendInt(b []byte, v int64) []byte {
	if v >= 0 {
		return AppendUint(b, uint64(v))
	}
	return appendNegative(b, uint64(^v))
}

// appendNegative appends ^mag.
func appendNegative(b []byte, mag uint64) []byte {
	n := (bits.Len64(mag) + 7) / 8
	b = append(b, 0x7f-byte(n))
	for i := n - 1; i >= 0; i-- {
		b = append(b, ^byte(mag>>(8*i)))
	}
	return b
}

// AppendUint appends v in bytes of the same order.
func AppendUint(b []byte, v uint64) []byte {
	n := (bits.Len64(v) + 7) / 8
	b = append(b, 0x80+byte(n))
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

// ReadInt reads one integer: mag, or ^mag if neg.
func ReadInt(p []byte) (neg bool, mag uint64, rest []byte, err error) {
	if len(p) == 0 {
		return false, 0, nil, errCanonical
	}
	n := int(p[0]) - 0x80
	if neg = n < 0; neg {
		n = 0x7f - int(p[0])
	}
	if n > 8 || n >= len(p) {
		return false, 0, nil, errCanonical
	}
	for _, c := range p[1 : 1+n] {
		if neg {
			c = ^c
		}
		mag = mag<<8 | uint64(c)
	}
	if n > 0 && mag>>(8*(n-1)) == 0 {
		return false, 0, nil, errCanonical
	}
	return neg, mag, p[1+n:], nil
}

// AppendFloat appends the bits of f, negated or with the sign flipped, so that
// bytes sort as the numbers do, −0 below 0 and the NaNs below all.
func AppendFloat(b []byte, f float64) []byte {
	u := math.Float64bits(f)
	if u>>63 == 1 {
		u = ^u
	} else {
		u |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(b, u+nanSpan)
}

// nanSpan is the number of positive NaNs, which lie above all numbers; adding
// it turns them round to below the negative ones.
const nanSpan = 1<<52 - 1

// ReadFloat reads what AppendFloat appends.
func ReadFloat(p []byte) float64 {
	u := binary.BigEndian.Uint64(p) - nanSpan
	if u>>63 == 1 {
		u &^= 1 << 63
	} else {
		u = ^u
	}
	return math.Float64frombits(u)
}
