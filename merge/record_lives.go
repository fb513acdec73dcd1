package merge

import (
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// LastOf returns the time of the latest write by a replica that r holds, or
// zero. If it is after the last write that the replica itself knows of, another
// lineage uses the name: see [vclock.Replica]. It misses what others overwrote.
// It takes O(n).
func (r *Record[T]) LastOf(by vclock.Replica) hlc.Timestamp { return r.state.root.LastOf(by) }

// Verify returns an error that names a field, element or entry which r and o
// hold with one stamp and different values (of an additive field, what one
// replica added), or nil. There is none unless two lineages use one replica, or
// one wrote over an entry from the future. What two lineages have counted just
// as far at one time cannot be seen. It takes O(n).
func (r *Record[T]) Verify(o *Record[T]) error {
	if field, at := r.state.root.Forked(&o.state.root); !at.IsZero() {
		return fmt.Errorf("merge: %s: stamp %v stands for two writes", field, at)
	}
	return nil
}

// Speaks reports whether o has sealed writes that r lacks. Ask it of what does
// not come from a member with its matrix, and refuse what does: see
// [vclock.Matrix.Sealed]. It takes O(n) for o.
func (r *Record[T]) Speaks(o *Record[T], sealed vclock.Closing) bool {
	return r.state.root.Speaks(&o.state.root, func(s lww.Stamp) bool {
		return s.Time > r.state.horizon && sealed.IsOverAt(s.Replica, uint64(s.Time))
	})
}
