package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// fillTotal sets dst to the sum of all changes, or to the nearest number that
// its type has.
func fillTotal(dst reflect.Value, c *cell.Cell) {
	sum := c.Sum()
	if dst.CanInt() {
		bits := dst.Type().Bits()
		n, _ := sum.Int64()
		dst.SetInt(min(max(n, int64(-1)<<(bits-1)), int64(1)<<(bits-1)-1))
		return
	}
	n, _ := sum.Uint64()
	dst.SetUint(min(n, ^uint64(0)>>(64-dst.Type().Bits())))
}
