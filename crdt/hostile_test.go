package crdt_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestHostileAllocation: what a decoder allocates is bounded by what it reads,
// for states that are as small as they can be for what they hold, and for
// input that lies about its counts.
func TestHostileAllocation(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters allocate")
	}
	const n = 20_000
	var ints crdt.ORSet[int8]
	var copies, sparse, packed crdt.ORSet[string]
	var keys crdt.ORMap[string, *crdt.ORSet[bool]]
	for i := range n {
		ints.Merge(ints.Add(vclock.Replica(fmt.Sprint("r", i%200)), int8(i)))
		copies.Add("r", strings.Repeat("x", 127+i%2*(i%100))+fmt.Sprint(i))
		sparse.Add("r", fmt.Sprint(i))
		packed.Add("r", strings.Repeat("x", 120)+fmt.Sprint(i))
	}
	for i := range n {
		if i%128 != 5 {
			sparse.Remove("r", fmt.Sprint(i))
		}
		keys.Update("r", fmt.Sprint(i), func(s *crdt.ORSet[bool]) { s.Add("r", true) })
	}
	lie := "\xff\xff\xff\xff\x07"
	for name, test := range map[string]struct {
		data   []byte
		decode func([]byte) error
	}{
		"integers":      {encoded(t, &ints), new(crdt.ORSet[int8]).UnmarshalBinary},
		"long strings":  {encoded(t, &copies), new(crdt.ORSet[string]).UnmarshalBinary},
		"sparse pages":  {encoded(t, &sparse), new(crdt.ORSet[string]).UnmarshalBinary},
		"front coding":  {encoded(t, &packed), new(crdt.ORSet[string]).UnmarshalBinary},
		"small values":  {encoded(t, &keys), new(crdt.ORMap[string, *crdt.ORSet[bool]]).UnmarshalBinary},
		"many replicas": {[]byte("\x03\x01" + lie), new(crdt.ORSet[string]).UnmarshalBinary},
		"many spans":    {[]byte("\x03\x01\x01\x01a\x01" + lie), new(crdt.ORSet[string]).UnmarshalBinary},
		"many logs":     {[]byte("\x03\x01\x01\x01a\x04" + lie), new(crdt.ORSet[string]).UnmarshalBinary},
		"many pages":    {[]byte("\x03\x01\x01\x01a\x04\x01\x00" + lie), new(crdt.ORSet[string]).UnmarshalBinary},
		"a large block": {[]byte("\x03\x01\x01\x01a\x04\x01\x00\x00\x00\x01\x01" + lie), new(crdt.ORSet[string]).UnmarshalBinary},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := test.decode(test.data)
			runtime.ReadMemStats(&after)
			used := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes, %d allocated, error %v", len(test.data), used, err)
			require.LessOrEqual(t, used, uint64(128*len(test.data)+16<<10))
		})
	}
}
