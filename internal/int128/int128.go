// Package int128 has sums of 64-bit integers that cannot wrap.
package int128

import (
	"math"
	"math/bits"
)

// An Int is a 128-bit integer in two's complement: wide enough for the sum of
// more 64-bit integers than any state has. The zero value is 0.
type Int struct {
	hi int64
	lo uint64
}

// Of returns n.
func Of(n int64) Int { return Int{n >> 63, uint64(n)} }

// OfUint returns n.
func OfUint(n uint64) Int { return Int{0, n} }

// Add returns x + n.
func (x Int) Add(n int64) Int { return x.Plus(Of(n)) }

// AddUint returns x + n.
func (x Int) AddUint(n uint64) Int { return x.Plus(OfUint(n)) }

// Plus returns x + y.
func (x Int) Plus(y Int) Int {
	lo, carry := bits.Add64(x.lo, y.lo, 0)
	return Int{x.hi + y.hi + int64(carry), lo}
}

// Minus returns x − y.
func (x Int) Minus(y Int) Int {
	lo, borrow := bits.Sub64(x.lo, y.lo, 0)
	return Int{x.hi - y.hi - int64(borrow), lo}
}

// Negative reports whether x is below 0.
func (x Int) Negative() bool { return x.hi < 0 }

// Int64 returns the integer nearest to x and whether it is x.
func (x Int) Int64() (n int64, exact bool) {
	switch {
	case x.hi == int64(x.lo)>>63:
		return int64(x.lo), true
	case x.hi < 0:
		return math.MinInt64, false
	}
	return math.MaxInt64, false
}

// Uint64 returns the unsigned integer nearest to x and whether it is x.
func (x Int) Uint64() (n uint64, exact bool) {
	switch {
	case x.hi < 0:
		return 0, false
	case x.hi > 0:
		return math.MaxUint64, false
	}
	return x.lo, true
}
