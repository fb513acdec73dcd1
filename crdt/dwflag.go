package crdt

import (
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/vclock"
)

// A DWFlag is a disable-wins flag: where one replica enables it and another
// concurrently disables it, it is disabled. Enabling undoes the disables that
// its replica had seen and no others. The zero DWFlag is disabled and ready to
// use; to disable it affects concurrent enables. Disables are remembered until
// [DWFlag.Compact]. Costs are those of an [EWFlag]. In an [ORMap] its key is
// there while it is enabled. See Almeida et al., 2018, section 7.
type DWFlag struct {
	_ nocopy.NoCopy
	dwFlagState
}

// A dwFlagState is what a DWFlag holds, so that one in a struct has its JSON there.
type dwFlagState struct {
	node
	cell cell[bool]
	op   cellOp[bool] // the whole state, if it is the delta of one change
}

// Enable enables f on behalf of r and returns the delta.
func (f *DWFlag) Enable(r vclock.Replica) *DWFlag {
	var d DWFlag
	f.enable(r, nil, &d.op)
	return &d
}

// EnableSeen is [DWFlag.Enable] for a client: disables not covered stay.
func (f *DWFlag) EnableSeen(r vclock.Replica, seen Context) (*DWFlag, error) {
	var d DWFlag
	return &d, f.enableSeen(r, &seen, &d.op)
}

// Disable disables f on behalf of r and returns the delta.
func (f *DWFlag) Disable(r vclock.Replica) *DWFlag {
	var d DWFlag
	f.disable(r, nil, &d.op)
	return &d
}

// DisableSeen is [DWFlag.Disable] for a client. It wins over enables that stay.
func (f *DWFlag) DisableSeen(r vclock.Replica, seen Context) (*DWFlag, error) {
	var d DWFlag
	return &d, f.disableSeen(r, &seen, &d.op)
}

// Enabled reports whether f is enabled.
func (f *DWFlag) Enabled() bool {
	return f != nil && (isOn(f.cell) || f.op.minted.Seq > 0 && f.op.value)
}

// isOn reports whether there is an enable, and no disable that wins over it.
func isOn(c cell[bool]) bool {
	return len(c) > 0 && !slices.ContainsFunc(c, func(w written[bool]) bool { return !w.value })
}

// Context returns what f has seen, for a client that reads it now.
func (f *DWFlag) Context() Context { return contextOf(&f.whole().node, f.whole()) }

// HasSeen reports whether f has seen all that seen covers: see [Context].
func (f *DWFlag) HasSeen(seen Context) bool { return f.whole().root.hasSeen(seen) }

// LastOf returns the largest number of a dot of r that f has seen, or 0.
func (f *DWFlag) LastOf(r vclock.Replica) uint64 { return f.whole().root.lastOf(r) }

// Usable returns nil if r can change f, and else a [*vclock.MemberError].
func (f *DWFlag) Usable(r vclock.Replica) error { return f.whole().root.usable(r) }

// Speaks reports whether o has seen sealed events that f has not seen.
func (f *DWFlag) Speaks(o *DWFlag, sealed vclock.Closing) bool {
	return speaks(f.whole().root, o.whole().root, sealed)
}

// Merge joins o into f and reports whether that changed f.
func (f *DWFlag) Merge(o *DWFlag) bool {
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
func (f *DWFlag) Clone() *DWFlag {
	if f == nil {
		return new(DWFlag)
	}
	c := &DWFlag{dwFlagState: dwFlagState{cell: slices.Clone(f.cell), op: f.op.clone()}}
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
func (f *DWFlag) Equal(o *DWFlag) bool {
	f, o = f.state(), o.state()
	j, ok := f.root.pair(o.root)
	return ok && f.equal(o, j)
}

// ready gives a delta of one change the form of a state, to change it.
func (f *DWFlag) ready() {
	if !f.op.isEmpty() {
		f.cell.apply(f.root, &f.op)
		f.op = cellOp[bool]{}
	}
}

// whole returns f, or, for a delta of one change, a state that equals it.
func (f *DWFlag) whole() *DWFlag {
	if f == nil {
		return new(DWFlag)
	}
	if f.op.isEmpty() {
		return f
	}
	c := &DWFlag{dwFlagState: dwFlagState{node: node{root: new(root)}}}
	c.cell.apply(c.root, &f.op)
	return c
}

// state returns f as a state of its own, without changing it.
func (f *DWFlag) state() *DWFlag {
	if f != nil && f.inMap() {
		return f.Clone()
	}
	return f.whole()
}

func (f *DWFlag) enable(name vclock.Replica, seen *Context, d *cellOp[bool]) {
	f.set(name, true, seen, d)
}

func (f *DWFlag) disable(name vclock.Replica, seen *Context, d *cellOp[bool]) {
	f.set(name, false, seen, d)
}

func (f *DWFlag) set(name vclock.Replica, on bool, seen *Context, d *cellOp[bool]) {
	r, _ := f.write(name)
	f.ready()
	f.cell.set(r, on, seen, d)
	f.record(d)
}

func (f *DWFlag) enableSeen(name vclock.Replica, seen *Context, d *cellOp[bool]) error {
	f.change()
	if err := f.admits(seen); err != nil {
		return err
	}
	f.enable(name, seen, d)
	return nil
}

func (f *DWFlag) disableSeen(name vclock.Replica, seen *Context, d *cellOp[bool]) error {
	f.change()
	if err := f.admits(seen); err != nil {
		return err
	}
	f.disable(name, seen, d)
	return nil
}

func (f *DWFlag) live() bool { return isOn(f.cell) }

func (f *DWFlag) record(d *cellOp[bool]) {
	if f.mode == opened {
		rec := f.rec.(*DWFlag)
		rec.ready()
		rec.cell.apply(rec.root, d)
	}
}

func (*DWFlag) fresh(r *root, scope uint32) *DWFlag {
	return &DWFlag{dwFlagState: dwFlagState{node: node{root: r, mode: sealed, scope: scope}}}
}

func (f *DWFlag) recycle(r *root, scope uint32) {
	clear(f.cell)
	f.dwFlagState = dwFlagState{node: node{root: r, mode: sealed, scope: scope}, cell: f.cell[:0]}
}

func (f *DWFlag) swap(o *DWFlag) { f.dwFlagState, o.dwFlagState = o.dwFlagState, f.dwFlagState }

func (f *DWFlag) join(o *DWFlag, j *merging) bool {
	if o == nil {
		return f.cell.join(nil, j)
	}
	return f.cell.join(o.cell, j)
}

func (f *DWFlag) clear(c *clearing, _ *DWFlag) { f.cell.clear(c) }

func (f *DWFlag) isEmpty() bool { return len(f.cell) == 0 }

func (f *DWFlag) dots(yield func(dot)) { f.cell.dots(yield) }

func (f *DWFlag) equal(o *DWFlag, j *merging) bool {
	return f.cell.equal(o.cell, j, func(a, b bool) bool { return a == b })
}

func (f *DWFlag) copy(r *root, scope uint32) *DWFlag {
	c := f.fresh(r, scope)
	c.cell = slices.Clone(f.cell)
	return c
}
