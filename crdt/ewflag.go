package crdt

import (
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"
)

// An EWFlag is an enable-wins flag: where one replica enables it and another
// concurrently disables it, it is enabled. Disabling undoes the enables that
// its replica had seen and no others. The zero EWFlag is disabled and ready to
// use. Enable and Disable take O(c) for c changes made concurrently, Merge O(c
// log c + r) with r replicas. The state is O(c + r). In an [ORMap] its key is
// there while it is enabled. See Almeida et al., 2018, section 7.
type EWFlag struct {
	_ nocopy.NoCopy
	ewFlagState
}

// An ewFlagState is what an EWFlag holds, so that one in a struct has its JSON there.
type ewFlagState struct {
	node
	cell cell[struct{}]
	op   cellOp[struct{}] // the whole state, if it is the delta of one change
}

// Enable enables f on behalf of r and returns the delta.
func (f *EWFlag) Enable(r vclock.Replica) *EWFlag {
	var d EWFlag
	f.enable(r, nil, &d.op)
	return &d
}

// EnableSeen is [EWFlag.Enable] for a client: enables not covered stay, too.
func (f *EWFlag) EnableSeen(r vclock.Replica, seen Context) (*EWFlag, error) {
	var d EWFlag
	return &d, f.enableSeen(r, &seen, &d.op)
}

// Disable disables f on behalf of r and returns the delta.
func (f *EWFlag) Disable(r vclock.Replica) *EWFlag {
	var d EWFlag
	f.disable(r, nil, &d.op)
	return &d
}

// DisableSeen is [EWFlag.Disable] for a client: enables not covered stay.
func (f *EWFlag) DisableSeen(r vclock.Replica, seen Context) (*EWFlag, error) {
	var d EWFlag
	return &d, f.disableSeen(r, &seen, &d.op)
}

// Enabled reports whether f is enabled.
func (f *EWFlag) Enabled() bool { return f != nil && (len(f.cell) > 0 || f.op.minted.Seq > 0) }

// Context returns what f has seen, for a client that reads it now.
func (f *EWFlag) Context() Context { return contextOf(&f.whole().node, f.whole()) }

// HasSeen reports whether f has seen all that seen covers: see [Context].
func (f *EWFlag) HasSeen(seen Context) bool { return f.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that f has seen, or 0.
func (f *EWFlag) LastOf(r vclock.Replica) uint64 { return f.whole().root.lastOf(r) }

// Usable returns nil if r can change f, and else a [*vclock.MemberError].
func (f *EWFlag) Usable(r vclock.Replica) error { return f.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that f has not seen.
func (f *EWFlag) Speaks(o *EWFlag, sealed vclock.Closing) bool {
	return speaks(f.whole().root, o.whole().root, sealed)
}

// Merge joins o into f and reports whether that changed f.
func (f *EWFlag) Merge(o *EWFlag) bool {
	if o == nil || f == o {
		return false
	}
	r := f.receive(&o.node)
	f.ready()
	if !o.op.isEmpty() {
		return f.cell.apply(r, &o.op)
	}
	if o.root == nil {
		return false
	}
	j := r.merging(o.root)
	changed := f.join(o, j)
	return j.finish() || changed
}

// Clone returns a copy that shares no memory with f.
func (f *EWFlag) Clone() *EWFlag {
	if f == nil {
		return new(EWFlag)
	}
	c := &EWFlag{ewFlagState: ewFlagState{cell: slices.Clone(f.cell), op: f.op.clone()}}
	switch {
	case f.inMap():
		c.root = f.root.bare()
		f.dots(func(d dot) { c.root.see(d) })
	case f.root != nil:
		c.root = f.root.clone()
	}
	return c
}

// Equal reports whether f and o are the same state.
func (f *EWFlag) Equal(o *EWFlag) bool {
	f, o = f.state(), o.state()
	j, ok := f.root.pair(o.root)
	return ok && f.equal(o, j)
}

// ready gives a delta of one change the form of a state, to change it.
func (f *EWFlag) ready() {
	if !f.op.isEmpty() {
		f.cell.apply(f.root, &f.op)
		f.op = cellOp[struct{}]{}
	}
}

// whole returns f, or, for a delta of one change, a state that equals it.
func (f *EWFlag) whole() *EWFlag {
	if f == nil {
		return new(EWFlag)
	}
	if f.op.isEmpty() {
		return f
	}
	c := &EWFlag{ewFlagState: ewFlagState{node: node{root: new(root)}}}
	c.cell.apply(c.root, &f.op)
	return c
}

// state returns f as a state of its own, without changing it.
func (f *EWFlag) state() *EWFlag {
	if f != nil && f.inMap() {
		return f.Clone()
	}
	return f.whole()
}

func (f *EWFlag) enable(name vclock.Replica, seen *Context, d *cellOp[struct{}]) {
	r, _ := f.write(name)
	f.ready()
	f.cell.set(r, struct{}{}, seen, d)
	f.record(d)
}

func (f *EWFlag) disable(name vclock.Replica, seen *Context, d *cellOp[struct{}]) {
	r := f.changeFor(name)
	if f.ready(); r.isOver(name) {
		return
	}
	f.cell.erase(r, seen, d)
	f.record(d)
}

func (f *EWFlag) enableSeen(name vclock.Replica, seen *Context, d *cellOp[struct{}]) error {
	f.change()
	if err := f.admits(seen); err != nil {
		return err
	}
	f.enable(name, seen, d)
	return nil
}

func (f *EWFlag) disableSeen(name vclock.Replica, seen *Context, d *cellOp[struct{}]) error {
	f.change()
	if err := f.admits(seen); err != nil {
		return err
	}
	f.disable(name, seen, d)
	return nil
}

func (f *EWFlag) live() bool { return len(f.cell) > 0 }

func (f *EWFlag) record(d *cellOp[struct{}]) {
	if f.mode == opened {
		rec := f.rec.(*EWFlag)
		rec.ready()
		rec.cell.apply(rec.root, d)
	}
}

func (*EWFlag) fresh(r *root, scope uint32) *EWFlag {
	return &EWFlag{ewFlagState: ewFlagState{node: node{root: r, mode: sealed, scope: scope}}}
}

func (f *EWFlag) recycle(r *root, scope uint32) {
	clear(f.cell)
	f.ewFlagState = ewFlagState{node: node{root: r, mode: sealed, scope: scope}, cell: f.cell[:0]}
}

func (f *EWFlag) swap(o *EWFlag) { f.ewFlagState, o.ewFlagState = o.ewFlagState, f.ewFlagState }

func (f *EWFlag) join(o *EWFlag, j *merging) bool {
	if o == nil {
		return f.cell.join(nil, j)
	}
	return f.cell.join(o.cell, j)
}

func (f *EWFlag) clear(c *clearing, _ *EWFlag) { f.cell.clear(c) }

func (f *EWFlag) isEmpty() bool { return len(f.cell) == 0 }

func (f *EWFlag) dots(yield func(dot)) { f.cell.dots(yield) }

func (f *EWFlag) equal(o *EWFlag, j *merging) bool {
	return f.cell.equal(o.cell, j, func(_, _ struct{}) bool { return true })
}

func (f *EWFlag) copy(r *root, scope uint32) *EWFlag {
	c := f.fresh(r, scope)
	c.cell = slices.Clone(f.cell)
	return c
}
