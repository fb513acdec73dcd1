package crdt

import (
	"math"
	"math/bits"
)

// A wide is a 128-bit integer in two's complement: a sum of 64-bit integers
// that cannot wrap, because no state has 2^63 of them.
type wide struct {
	hi int64
	lo uint64
}

func (w wide) add(n int64) wide { return w.plus(wide{n >> 63, uint64(n)}) }

func (w wide) addUnsigned(n uint64) wide { return w.plus(wide{0, n}) }

func (w wide) plus(v wide) wide {
	lo, carry := bits.Add64(w.lo, v.lo, 0)
	return wide{w.hi + v.hi + int64(carry), lo}
}

func (w wide) minus(v wide) wide {
	lo, borrow := bits.Sub64(w.lo, v.lo, 0)
	return wide{w.hi - v.hi - int64(borrow), lo}
}

func (w wide) negative() bool { return w.hi < 0 }

// int64 returns the integer nearest to w and whether it is w.
func (w wide) int64() (n int64, exact bool) {
	switch {
	case w.hi == int64(w.lo)>>63:
		return int64(w.lo), true
	case w.hi < 0:
		return math.MinInt64, false
	}
	return math.MaxInt64, false
}

// uint64 returns the unsigned integer nearest to w, which is not negative, and
// whether it is w.
func (w wide) uint64() (n uint64, exact bool) {
	if w.hi > 0 {
		return math.MaxUint64, false
	}
	return w.lo, true
}
