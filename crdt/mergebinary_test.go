package crdt_test

import (
	"encoding"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// A byteState is a state that merges bytes.
type byteState[S any] interface {
	crdt.State[S]
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	MergeBinary(data []byte) (bool, error)
}

// mergesMutated checks with bytes that are nearly those of y that x merges what
// fresh decodes, with the same effect and report, and refuses the rest unchanged.
func mergesMutated[S byteState[S]](t *testing.T, name string, fresh func() S, x, y S) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		before, good := encoded(t, x), 0
		for p := range mutations(encoded(t, y)) {
			z, o, want := x.Clone(), fresh(), x.Clone()
			changed, merr := z.MergeBinary(p)
			err := o.UnmarshalBinary(p)
			require.Equal(t, err == nil, merr == nil, "% x: %v, %v", p, err, merr)
			if err != nil {
				require.False(t, changed)
				require.Equal(t, before, encoded(t, z), "% x", p)
				continue
			}
			good++
			require.Equal(t, want.Merge(o), changed, "% x", p)
			require.Equal(t, encoded(t, want), encoded(t, z), "% x", p)
		}
		require.NotZero(t, good)
	})
}

// TestMergeBinaryMutated: MergeBinary of every type refuses what UnmarshalBinary
// refuses and merges what it accepts. That of maps has a test of its own.
func TestMergeBinaryMutated(t *testing.T) {
	mergesMutated(t, "ORSet", func() *tags { return new(tags) }, new(tags).Add("eu", "a0"), goldenORSet())
	type removing = crdt.RWSet[int64]
	mergesMutated(t, "RWSet", func() *removing { return new(removing) }, new(removing).Remove("eu", 3), goldenRWSet())
	mergesMutated(t, "EWFlag", func() *crdt.EWFlag { return new(crdt.EWFlag) }, new(crdt.EWFlag).Enable("eu"), goldenEWFlag())
	mergesMutated(t, "DWFlag", func() *crdt.DWFlag { return new(crdt.DWFlag) }, new(crdt.DWFlag).Disable("us"), goldenDWFlag())
	type register = crdt.MVRegister[string]
	mergesMutated(t, "MVRegister", func() *register { return new(register) }, goldenMVRegister("x", "y"), goldenMVRegister("blue", "red"))
	mergesMutated(t, "PNCounter", func() *crdt.PNCounter { return new(crdt.PNCounter) }, new(crdt.PNCounter).Add("eu", 1), goldenPNCounter())
	var total crdt.GCounter
	total.Add("eu", 300)
	total.Add("us", 1)
	mergesMutated(t, "GCounter", func() *crdt.GCounter { return new(crdt.GCounter) }, new(crdt.GCounter).Add("eu", 7), &total)
	mergesMutated(t, "BoundedCounter", func() *crdt.BoundedCounter { return new(crdt.BoundedCounter) }, goldenBounded().Clone(), goldenBounded())

	type growing = crdt.GSet[string]
	var some, more growing
	for _, e := range []string{"", "p", "pq", "q", "r", "s", "t", "u", "v", "w"} {
		some.Add(e)
		more.Add(e + e)
	}
	mergesMutated(t, "GSet", func() *growing { return new(growing) }, &some, &more)
	type numbers = crdt.GSet[int16]
	mergesMutated(t, "GSet of integers", func() *numbers { return new(numbers) }, new(numbers).Add(1), new(numbers).Add(256))
	type phases = crdt.TwoPSet[string]
	var ours, theirs phases
	for i, e := range []string{"", "p", "pq", "q", "r", "s"} {
		ours.Add(e)
		theirs.Add(e)
		if i%2 == 0 {
			theirs.Remove(e)
		}
	}
	ours.Remove("q")
	mergesMutated(t, "TwoPSet", func() *phases { return new(phases) }, &ours, &theirs)
	type visits = crdt.GMap[string, *crdt.GCounter]
	var here, there visits
	for _, k := range []string{"", "home", "shop"} {
		there.MergeAt(k, &total)
	}
	here.MergeAt("home", new(crdt.GCounter).Add("us", 5))
	mergesMutated(t, "GMap", func() *visits { return new(visits) }, &here, &there)
	type foreign = crdt.GMap[int64, *wiredHigh]
	var low, high foreign
	for i := range int64(5) {
		h := new(wiredHigh)
		h.set(i)
		low.MergeAt(i/2, h)
		high.MergeAt(i, h)
	}
	mergesMutated(t, "GMap of a foreign type", func() *foreign { return new(foreign) }, &low, &high)
}
