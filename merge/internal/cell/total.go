package cell

import (
	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/internal/value"
)

// Sum returns the sum of all replicas' changes.
func (c *Cell) Sum() (sum int128.Int) {
	for i := range c.Kids {
		sum = sum.Plus(ReadTotal(c.Kids[i].Value))
	}
	return sum
}

// ReadTotal reads what [AppendTotal] wrote, or 0 from other bytes.
func ReadTotal(content string) int128.Int {
	neg, mag, rest, err := value.ReadInt([]byte(content))
	switch {
	case err != nil || len(rest) > 0:
		return int128.Int{}
	case neg:
		return int128.Of(-1).Minus(int128.OfUint(mag))
	}
	return int128.OfUint(mag)
}

// AppendTotal appends a total as an integer is appended, and reports whether it
// fits: from −2⁶⁴ to 2⁶⁴−1.
func AppendTotal(b []byte, v int128.Int) ([]byte, bool) {
	if n, ok := v.Uint64(); ok {
		return value.AppendUint(b, n), true
	}
	n, ok := int128.Of(-1).Minus(v).Uint64()
	if !ok {
		return b, false
	}
	p := value.AppendUint(nil, n)
	for i := range p[1:] {
		p[1+i] = ^p[1+i]
	}
	p[0] = 0x7f - (p[0] - 0x80)
	return append(b, p...), true
}

func isTotal(content string) bool {
	_, _, rest, err := value.ReadInt([]byte(content))
	return err == nil && len(rest) == 0
}
