package resolver

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// Seed adopts a row that was written before there were siblings: its value, and
// when it was last changed. Regions that adopt equal rows have one version,
// under the replica "seed-" and a hash of the row; others have creates that
// conflict. To adopt a row again has no effect. A row stays through a
// promotion, whatever the cut, unless a later write was outside of it. Its key
// is never reaped: once forgotten, it would come back with the next adoption,
// or with a late message.
//
// It returns [ErrNoStamp] if changed is zero or above [hlc.Max], or why value
// cannot be encoded, and leaves s as it was.
func (s *Siblings[T]) Seed(value T, changed hlc.Timestamp) error {
	if changed == 0 || changed > hlc.Max {
		return fmt.Errorf("%w: row changed at %d", ErrNoStamp, uint64(changed))
	}
	row, err := store(value, nil)
	if err != nil {
		return fmt.Errorf("resolver: %w", err)
	}
	r := vclock.Replica(seedPrefix + hashID(binary.BigEndian.AppendUint64(row.appendFull(nil), uint64(changed))).String())
	e := entry[T]{Version[T]{Value: row.v, stored: row, Stamp: lww.Stamp{Time: changed, Replica: r}, Epoch: s.epoch}}
	s.Merge(&Siblings[T]{
		past:  vclock.Clock{}.With(r, uint64(changed)),
		level: s.level, epoch: s.epoch, floor: changed, entries: []entry[T]{e},
	})
	return nil
}

const seedPrefix = "seed-"

// adopted reports whether r is what Seed writes under.
func adopted(r vclock.Replica) bool {
	hash, ok := strings.CutPrefix(string(r), seedPrefix)
	return ok && new(ID).UnmarshalText([]byte(hash)) == nil
}
