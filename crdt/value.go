package crdt

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A Value is what an [ORMap] holds: a pointer to a causal type, to any depth,
// as in ORMap[string, *ORMap[string, *PNCounter]]. V is that pointer type. The
// interface is closed: types of your own are values of a [GMap].
type Value[V any] interface {
	causal

	// fresh returns an empty value that belongs to r, sealed, at the key with a
	// scope. It works on a nil receiver.
	fresh(r *root, scope uint32) V

	// swap exchanges what two states hold.
	swap(o V)

	// whole returns the value itself, or the state that it stands for if it is the delta of
	// one change, which has no root.
	whole() V

	// join joins the store of o into the value's and reports whether that changed
	// it. Contexts stay as they are. O may be a nil pointer: a value without
	// content that the other side has seen all removals of.
	join(o V, j *merging) bool

	// pick puts what the root of rec has seen of the value into rec, an empty value
	// of a root with the same indexes, which it may have see more where the content of a
	// dot does not come alone.
	pick(rec V)

	// clear removes what c covers of the value's content, tells c the dots, and
	// puts what must be remembered of it into rec, an empty value of c.delta.
	clear(c *clearing, rec V)

	// equal reports whether two values hold the same, where j relates the indexes
	// of their roots. It changes nothing.
	equal(o V, j *merging) bool

	// copy returns a sealed copy of the value in r, which has the same indexes as
	// the value's root, at the key with a scope.
	copy(r *root, scope uint32) V
}

// A causal is what of a [Value] does not name its type: what is written with it is compiled
// once, where what takes a Value is compiled for each type of values that a program has.
type causal interface {
	rootOf() *root

	// recycle makes the value what fresh makes, in the memory that it has.
	recycle(r *root, scope uint32)

	// open lets the value be changed, and has each change joined into rec, a
	// value of its type in the delta under construction. Seal ends that.
	open(rec causal)
	seal()

	// live reports whether the value shows anything: a key is in a map while its
	// value is live. IsEmpty reports whether it holds nothing at all, residues
	// included: the map then forgets the key.
	live() bool
	isEmpty() bool

	// dots calls yield with every dot in the value's store: each stands for one
	// change in one place. Events adds a readable description of the change.
	dots(yield func(dot))
	events(yield func(d dot, what string))

	// scopeOf returns the scope of the key that the value is at.
	scopeOf() uint32

	// kinds appends the kind of the value and of the values in it. It works on a
	// nil receiver.
	kinds(b []byte) []byte

	// encode appends the store to e, decode reads it into an empty value and
	// fails d unless the store is one that encode writes, and has seen its dots.
	// EncodeJSON and decodeJSON do the same with one JSON value.
	encode(e *encoder)
	decode(d *decoder)
	encodeJSON(e *encoder)
	decodeJSON(d *decoder, p []byte) error

	// scan reads what decode does into the value, in place of what it was, without keeping
	// elements, and reports whether there is anything. The result may only be joined into
	// another value, or asked for its dots if it is no map. It fails d where decode does,
	// but does not validate again what d trusts.
	scan(d *decoder) bool

	// joined returns a flag of the map that the value is in: set, while that is joined, on
	// values that the peer has too.
	joined() *bool

	// compact drops the residues that c allows to drop and reports whether there
	// were any. Stats adds what the value holds to st.
	compact(c *compacting) bool
	stats(st *Stats)
}

// A maker makes the values of one type.
type maker interface {
	fresh(r *root) causal              // an empty one that belongs to r
	part(of causal, seen *root) causal // what seen has seen of one, as pick tells
	kinds(b []byte) []byte
}

// makerOf makes the values of type V.
type makerOf[V Value[V]] struct{}

func (makerOf[V]) fresh(r *root) causal {
	var none V
	return none.fresh(r, 0)
}

func (makerOf[V]) part(of causal, seen *root) causal {
	var none V
	d := none.fresh(seen, 0)
	of.(V).pick(d)
	return d
}

func (makerOf[V]) kinds(b []byte) []byte {
	var none V
	return none.kinds(b)
}

// A mode says how a value may be used.
type mode uint8

const (
	alone  mode = iota // a state: it is changed and merged as it is
	sealed             // a value in a map: it is for reading
	opened             // a value in a map, inside Update: it is for changing
	busy               // a map that is running an Update of one of its keys
)

// A node is what makes a type a causal one: the root that it belongs to, and,
// for a value in a map, what it may be used for. Causal types embed it.
type node struct {
	root *root  // nil as long as a state alone has seen nothing
	rec  causal // where changes are recorded, if mode is opened
	mode mode
	mark bool // set only while the map that holds the value is joined

	scope uint32 // of the key in a map that the value is at; see keyScope
}

func (n *node) scopeOf() uint32 { return n.scope }

func (n *node) joined() *bool { return &n.mark }

func (n *node) rootOf() *root { return n.root }

func (n *node) open(rec causal) { n.rec, n.mode = rec, opened }

func (n *node) seal() { n.rec, n.mode = nil, sealed }

// write returns the root to change and the index of the replica that changes it.
// Every mutator begins with it. It panics if the value may not be changed now,
// or if name is not valid.
func (n *node) write(name vclock.Replica) (*root, uint32) {
	r := n.change()
	i := r.write(name)
	if r.owner != "" && r.owner != name {
		otherWriter(r.owner, name)
	}
	return r, i
}

// changeFor is write for a change that mints nothing: see root.isOver.
func (n *node) changeFor(name vclock.Replica) *root {
	r := n.change()
	checkReplica(name)
	if r.owner != "" && r.owner != name {
		otherWriter(r.owner, name)
	}
	return r
}

// otherWriter panics: the delta of an Update is of one replica, and so has to be all
// that is in it.
func otherWriter(owner, name vclock.Replica) {
	panic(fmt.Sprintf("crdt: a value inside an ORMap is changed for replica %q in an Update for %q: use the same in both", string(name), string(owner)))
}

// change returns the root to change, for a change that names no replica.
func (n *node) change() *root {
	n.checkMode()
	if n.root == nil {
		n.root = new(root)
	}
	return n.root
}

// checkMode panics if the value may not be changed now.
func (n *node) checkMode() {
	switch n.mode {
	case alone, opened:
	case sealed:
		panic("crdt: a value inside an ORMap is changed outside Update: call Update(r, key, func(v V) { … }) on the map")
	case busy:
		panic("crdt: an ORMap is changed inside its own Update: change the value that Update hands out")
	}
}

// replaceable panics if the value may not be replaced by a state that was decoded.
// One in a map has the context of the map, in which the dots of another state are
// other events, and a replacement would have no delta.
func (n *node) replaceable() {
	if n.mode == opened {
		panic("crdt: a value inside an ORMap is decoded into: decode into a new one, or into the map")
	}
	n.checkMode()
}

// receive returns the root to join another state into, and panics if one of the
// two is a value in a map: such a value has the context of its whole map, which
// would speak for everything that the value does not hold.
func (n *node) receive(o *node) *root {
	switch {
	case n.inMap():
		panic("crdt: Merge into a value inside an ORMap: merge the maps, or Update the key")
	case o.inMap():
		panic("crdt: Merge of a value inside an ORMap: merge the maps, or Clone the value first")
	}
	return n.change()
}

// inMap reports whether the value belongs to a map.
func (n *node) inMap() bool { return n.mode == sealed || n.mode == opened }

// A clearing is the removal of a value in progress: of everything in it, or of
// what a client had seen.
type clearing struct {
	root    *root   // the state's
	delta   *root   // the delta's: what is removed goes into its context
	replica uint32  // who removes, in root
	all     bool    // everything goes; else
	seen    Context // only what this covers
}

// covers reports whether the removal is of the event d.
func (c *clearing) covers(d dot) bool { return c.all || c.seen.has(c.root.name(d)) }

// drop tells the delta that d is removed.
func (c *clearing) drop(d dot) { c.delta.see(c.delta.dot(c.root.name(d))) }

// tag mints a dot for what a value has to remember of the removal in one place. The
// second result is the same dot in terms of the delta. It returns false if there is no
// dot left.
func (c *clearing) tag() (ours, delta dot, ok bool) {
	if ours, ok = c.root.mint(); !ok {
		return dot{}, dot{}, false
	}
	c.drop(ours)
	return ours, c.delta.dot(c.root.name(ours)), true
}

// reach calls yield with the dots that a state of v alone must have seen: those it
// holds, and of each residue the latest dot that was undone.
func reach(v causal, yield func(dot)) {
	v.dots(yield)
	if v, ok := v.(interface{ undone(yield func(dot)) }); ok {
		v.undone(yield)
	}
}

// look counts the dots in both that v holds, and reports whether v may hold what
// the peer removed: a map counts what is in its values as it is joined.
func (j *merging) look(v interface{ dots(yield func(dot)) }) bool {
	before := j.found
	switch h := v.(type) {
	case interface{ nests() bool }:
		return h.nests()
	case interface{ holds(d dot) bool }:
		for _, d := range j.both {
			if h.holds(d) {
				j.found++
			}
		}
	default:
		v.dots(func(d dot) {
			if slices.Contains(j.both, d) {
				j.found++
			}
		})
	}
	return j.found > before
}
