package peerbench

import (
	"fmt"
	"testing"

	govector "github.com/DistributedClocks/GoVector/govec/vclock"
	"github.com/stretchr/testify/require"
	"github.com/syncthing/syncthing/lib/protocol"

	"github.com/rejoin-go/rejoin/vclock"
)

const replicas = 8

// vectors are one clock of eight replicas in the forms of three libraries.
// Syncthing's has integers for replicas, the others the same strings.
type vectors struct {
	rejoin    vclock.Clock
	syncthing protocol.Vector
	govector  govector.VClock
}

// newVectors returns a clock in which replica i has the number seq(i). It comes
// from bytes, as a clock from another replica does, so its names are not in the
// memory of any other.
func newVectors(tb testing.TB, seq func(i int) uint64) vectors {
	v := vectors{govector: govector.New()}
	for i := range replicas {
		name := fmt.Sprintf("eu-west-%d", i)
		v.rejoin = v.rejoin.With(vclock.Replica(name), seq(i))
		v.syncthing.Counters = append(v.syncthing.Counters, protocol.Counter{ID: protocol.ShortID(i + 1), Value: seq(i)})
		v.govector.Set(name, seq(i))
	}
	b, err := v.rejoin.MarshalBinary()
	require.NoError(tb, err)
	v.rejoin = vclock.Clock{}
	require.NoError(tb, v.rejoin.UnmarshalBinary(b))
	return v
}

func older(i int) uint64 { return 1000 + uint64(i) }

func newer(i int) uint64 { return 1001 + uint64(i) }

// apart is concurrent to older; that shows at the last replica only.
func apart(i int) uint64 {
	if i == replicas-1 {
		return 1
	}
	return newer(i)
}

func TestVectorsAgree(t *testing.T) {
	a, b, c := newVectors(t, older), newVectors(t, newer), newVectors(t, apart)
	require.Equal(t, vclock.Before, a.rejoin.Compare(b.rejoin))
	require.Equal(t, protocol.Lesser, a.syncthing.Compare(b.syncthing))
	require.True(t, a.govector.Compare(b.govector, govector.Descendant))

	require.Equal(t, vclock.Concurrent, a.rejoin.Compare(c.rejoin))
	require.True(t, a.syncthing.Concurrent(c.syncthing))
	require.True(t, a.govector.Compare(c.govector, govector.Concurrent))
}

func BenchmarkClockCompare(b *testing.B) {
	for name, other := range map[string]func(int) uint64{"equal": older, "before": newer, "concurrent": apart} {
		x, y := newVectors(b, older), newVectors(b, other)
		run(b, name, map[string]func(){
			"rejoin":    func() { _ = x.rejoin.Compare(y.rejoin) },
			"syncthing": func() { _ = x.syncthing.Compare(y.syncthing) },
			"govector":  func() { _ = x.govector.Compare(y.govector, govector.Equal|govector.Descendant) },
		})
	}
}

// BenchmarkClockJoin leaves both arguments as they are where they are
// concurrent, so the others copy first; Merge of a part changes nothing there.
func BenchmarkClockJoin(b *testing.B) {
	x, part, other := newVectors(b, newer), newVectors(b, older), newVectors(b, apart)
	x.rejoin = x.rejoin.With("eu-west-0", 1)
	x.syncthing.Counters[0].Value = 1
	x.govector.Set("eu-west-0", 1)
	run(b, "concurrent", map[string]func(){
		"rejoin":    func() { _ = x.rejoin.Join(other.rejoin) },
		"syncthing": func() { _ = x.syncthing.Copy().Merge(other.syncthing) },
		"govector":  func() { x.govector.Copy().Merge(other.govector) },
	})
	x = newVectors(b, newer)
	run(b, "part", map[string]func(){
		"rejoin":    func() { _ = x.rejoin.Join(part.rejoin) },
		"syncthing": func() { _ = x.syncthing.Merge(part.syncthing) },
		"govector":  func() { x.govector.Merge(part.govector) },
	})
}

func BenchmarkClockEncode(b *testing.B) {
	x := newVectors(b, older)
	run(b, "marshal", map[string]func(){
		"rejoin":    func() { _, _ = x.rejoin.MarshalBinary() },
		"syncthing": func() { _, _ = x.syncthing.Marshal() },
		"govector":  func() { _ = x.govector.Bytes() },
	})
}

func BenchmarkClockDecode(b *testing.B) {
	x := newVectors(b, older)
	ours, err := x.rejoin.MarshalBinary()
	require.NoError(b, err)
	theirs, err := x.syncthing.Marshal()
	require.NoError(b, err)
	gob := x.govector.Bytes()
	run(b, "unmarshal", map[string]func(){
		"rejoin": func() {
			var c vclock.Clock
			_ = c.UnmarshalBinary(ours)
		},
		"syncthing": func() {
			var v protocol.Vector
			_ = v.Unmarshal(theirs)
		},
		"govector": func() { _, _ = govector.FromBytes(gob) },
	})
}
