package crdttest_test

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Max remembers the largest number written to it anywhere. The author forgot
// that a reset is not larger than what it resets.
type Max struct{ n int }

func (m *Max) Set(n int) *Max { m.n = max(m.n, n); return m.Clone() }
func (m *Max) Reset() *Max    { m.n = 0; return m.Clone() }

func (m *Max) Merge(o *Max) bool {
	changed := o.n > m.n
	m.n = max(m.n, o.n)
	return changed
}

func (m *Max) Equal(o *Max) bool { return m.n == o.n }
func (m *Max) Clone() *Max       { return &Max{n: m.n} }

func Example() {
	kit := &crdttest.Kit[*Max]{
		New: func() *Max { return new(Max) },
		Ops: []crdttest.Operation[*Max]{
			crdttest.Op("Set", rapid.IntRange(1, 3), func(m *Max, _ vclock.Replica, n int) (*Max, error) {
				return m.Set(n), nil
			}),
			crdttest.Op("Reset", nil, func(m *Max, _ vclock.Replica, _ struct{}) (*Max, error) {
				return m.Reset(), nil
			}),
		},
		Value: func(m *Max) any { return m.n },
	}
	// In a test: kit.Check(t)
	fmt.Println(kit.Run(1, 100))
	// Output:
	// crdttest: broken law: an update is an inflation: x ⊔ m(x) = m(x)
	//   1. a: Set 1
	//   2. a: Reset
	// x is 1
	// m(x) is 0
	// x ⊔ m(x) is 1
}
