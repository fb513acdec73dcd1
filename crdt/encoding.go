package crdt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// stateVersion is the format of the bytes of a state. Those of a causal one are:
//
//	field    bytes
//	version  1, now 3
//	kind     1, and after that of an ORMap those of its values; with 0x80 added, a varint
//	         and the fields of keys or elements follow, as those are structs
//	context  as in Context.AppendBinary, from the number of replicas on
//	store    the rest
//
// In the store a replica is its place in the context, whose names ascend.
const stateVersion = 3

// An encoder writes one state.
type encoder struct {
	buf   []byte
	err   error // of the first value that has no JSON
	root  *root
	order []uint32 // the indexes in root of the replicas in the context, by name
	place []uint32 // the inverse: by index, the place in order

	resets map[resetter]indexed // of the counter at hand

	// Room for what small states need.
	few   struct{ order, place [fewNames]uint32 }
	out   [512]byte
	block []byte
	keys  []byte // of the maps at hand, one in the other
}

func newEncoder(b []byte, r *root) *encoder {
	e := &encoder{buf: b}
	e.begin(r)
	return e
}

// begin prepares to write a state of r.
func (e *encoder) begin(r *root) {
	e.root = r
	if r == nil {
		return
	}
	n := len(r.names)
	if n <= fewNames {
		e.order, e.place = r.appendSorted(e.few.order[:0], r.seen), e.few.place[:n]
	} else {
		e.order, e.place = r.sorted(), make([]uint32, n)
	}
	for at, i := range e.order {
		e.place[i] = uint32(at)
	}
}

// encoders has encoders that are not in use, and decoders the like.
//
//nolint:gochecknoglobals // memory to use again, without meaning
var (
	encoders = sync.Pool{New: func() any { return new(encoder) }}
	decoders = sync.Pool{New: func() any { return new(decoder) }}
)

func (e *encoder) byte(c byte)      { e.buf = append(e.buf, c) }
func (e *encoder) uvarint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) bytes(p []byte)   { e.buf = wire.AppendBytes(e.buf, p) }

// dot appends d: the place of its replica, and its number.
func (e *encoder) dot(d dot) {
	e.uvarint(uint64(e.place[d.replica]))
	e.step(0, d.seq)
}

func (e *encoder) varint(n int64) { e.buf = binary.AppendVarint(e.buf, n) }

func (e *encoder) step(from, to uint64) { e.buf = appendStep(e.buf, from, to) }

// compare returns the order of two dots by name and number.
func (e *encoder) compare(a, b dot) int {
	if p, q := e.place[a.replica], e.place[b.replica]; p != q {
		return compareSeq(uint64(p), uint64(q))
	}
	return compareSeq(a.seq, b.seq)
}

// dots sorts ds by name and number.
func (e *encoder) sort(ds []dot) { slices.SortFunc(ds, e.compare) }

// context appends the context of the state.
func (e *encoder) context() {
	e.uvarint(uint64(len(e.order)))
	last := vclock.Replica("")
	for _, i := range e.order {
		name := e.root.names[i]
		e.buf, last = appendRuns(appendName(e.buf, len(e.order), last, name), &e.root.seen[i]), name
	}
}

// A decoder reads one state. The places in its context are the indexes of root.
type decoder struct {
	*wire.Reader
	reader   wire.Reader // what Reader points to
	root     *root
	trusted  bool                // the store has been validated
	bad      *content.ValueError // of the first value that its type cannot hold
	kinds    [16]byte            // room for the kinds of ordinary types
	reuse    *root               // memory for the root, or nil
	text     blockText           // of the elements of small pages
	census                       // of the values in maps that were scanned
	tallies  slab[tally]
	counters slab[PNCounter]
	resets   []dot // of the counter at hand: the latest of each resetter, by index

	known [fewNames]vclock.Replica // in the last state that d read: often those of the next
}

func newDecoder(data []byte) *decoder {
	d := new(decoder)
	d.begin(data)
	return d
}

// begin prepares to read data.
func (d *decoder) begin(data []byte) {
	d.reader = *wire.NewReader(data)
	d.Reader = &d.reader
}

// dot reads what encoder.dot wrote, and fails if it is not in the context.
func (d *decoder) dot() dot {
	at, seq := d.Uvarint(), readStep(d.Reader, 0)
	if at >= uint64(len(d.root.names)) || !d.root.seen[at].contains(seq) {
		d.Fail("a dot is not in the context")
		return dot{}
	}
	return dotOf(uint32(at), seq)
}

// named returns the dot that text names, if it is in the context.
func (d *decoder) named(text string) (dot, error) {
	name, err := vclock.ParseDot(text)
	if err != nil {
		return dot{}, err
	}
	i, ok := d.root.lookup(name.Replica)
	if !ok || !d.root.seen[i].contains(name.Seq) {
		return dot{}, fmt.Errorf("dot %s is not in the context", text)
	}
	return dotOf(i, name.Seq), nil
}

// dotIn reads a JSON string that names a dot in the context.
func (d *decoder) dotIn(p []byte) (dot, error) {
	text, err := value.DecodeString(p)
	if err != nil {
		return dot{}, err
	}
	return d.named(text)
}

// context reads the context into a new root.
func (d *decoder) context() {
	n := d.Count(3)
	switch {
	case d.reuse != nil:
		d.root, d.reuse = d.reuse, nil
		d.root.recycle()
	case n > 0 && n <= len(smallRoot{}.names):
		r := new(smallRoot)
		r.root.names, r.root.seen = r.names[:0], r.seen[:0]
		d.root = &r.root
	default:
		d.root = &root{names: make([]vclock.Replica, 0, n), seen: make([]runs, 0, n)}
	}
	r := d.root
	r.names, r.seen = readReplicas(d.Reader, n, d.known[:], r.names, r.seen)
	if n > fewNames {
		r.reindex(n)
	} else {
		r.index = nil
		copy(d.known[:], r.names)
	}
}

// A smallRoot is a root with room for a few replicas beside it.
type smallRoot struct {
	root
	names [4]vclock.Replica
	seen  [4]runs
}

// newRoot returns a root that has seen seen of names, which are valid and all
// different. It keeps both.
func newRoot(names []vclock.Replica, seen []runs) *root {
	r := &root{names: names, seen: seen}
	if len(names) > fewNames {
		r.reindex(len(names))
	}
	return r
}

// appendCausal appends a whole state: v, whose root is r.
func appendCausal(b []byte, r *root, v causal) []byte { return appendWhole(b, r, v, false) }

// appendWhole appends what appendCausal does, or, in a message that has told the kind, the rest.
func appendWhole(b []byte, r *root, v causal, bare bool) []byte {
	e := encoders.Get().(*encoder)
	defer e.release()
	e.begin(r)
	e.buf = b
	if b == nil {
		e.buf = e.out[:0]
	}
	if !bare {
		e.buf = v.kinds(append(e.buf, stateVersion))
	}
	e.context()
	v.encode(e)
	if b == nil && len(e.buf) <= len(e.out) {
		return bytes.Clone(e.buf)
	}
	return e.buf
}

// keptKeys is the most bytes of keys for which an encoder keeps memory to use again.
const keptKeys = 4096

// release gives e back. What it wrote must not be in its own memory.
func (e *encoder) release() {
	e.buf, e.err, e.root, e.order, e.place = nil, nil, nil, nil, nil
	if len(e.resets) > keptResets {
		e.resets = nil
	}
	if e.keys = e.keys[:0]; cap(e.keys) > keptKeys {
		e.keys = nil
	}
	encoders.Put(e)
}

// readLenient reads what appendCausal or causalJSON wrote. It keeps values that their
// type cannot hold, and returns the error of the first of them beside the state.
func readLenient[V Value[V]](data []byte) (V, error) {
	x, err := readEither(makerOf[V]{}, data)
	v, _ := x.(V)
	return v, err
}

// readEither is readLenient for a value of whatever type.
func readEither(of maker, data []byte) (v causal, err error) {
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') { // a list is damaged
		v, bad, err := parseCausal(of, text)
		return v, decoded("crdt: decode %s from JSON: %w", of, bad, err)
	}
	v, bad, err := decodeWhole(of, data, false, nil)
	return v, decoded("crdt: decode %s: %w", of, bad, err)
}

// decoded returns the error of decoding, or else that of a value that cannot be read.
func decoded(format string, of maker, bad *content.ValueError, err error) error {
	if err == nil && bad != nil {
		err = bad
	}
	if err != nil {
		err = fmt.Errorf(format, typeName(of), wire.Damaged(err))
	}
	return err
}

// decodeWhole reads what appendWhole wrote, and returns the first value in it that its type
// cannot hold. It reads into spare if that is not nil: a state that is of no use any more but
// for its memory.
func decodeWhole(of maker, data []byte, bare bool, spare causal) (v causal, bad *content.ValueError, err error) {
	d := decoders.Get().(*decoder)
	defer d.release()
	d.begin(data)
	if spare != nil {
		d.reuse = spare.rootOf()
	}
	if bare {
		d.context()
	} else {
		readHead(d, of)
	}
	if v = spare; v == nil {
		v = of.fresh(d.root)
	} else {
		v.recycle(d.root, 0)
	}
	if d.Err() == nil {
		v.decode(d)
	}
	err = d.Close()
	if err == nil {
		err = distinct(&d.census, v, d.root)
	}
	return v, d.bad, err
}

// unreadable takes notice of a value that its type cannot hold, and reports whether
// bad says that.
func (d *decoder) unreadable(bad *content.ValueError) bool {
	if d.bad == nil {
		d.bad = bad
	}
	return bad != nil
}

// locate puts the key of a map, in JSON, before what cannot be read in its value.
func (d *decoder) locate(key []byte) {
	path := string(key)
	if d.bad.Key != "" {
		path += "/" + d.bad.Key
	}
	d.bad.Key = path
}

// release gives d back.
func (d *decoder) release() {
	d.reader, d.root, d.trusted, d.bad = wire.Reader{}, nil, false, nil
	d.reuse, d.text = nil, blockText{}
	d.forget()
	d.tallies, d.counters = slab[tally]{}, slab[PNCounter]{}
	if cap(d.resets) > keptResets {
		d.resets = nil
	}
	decoders.Put(d)
}

// distinct returns an error if v, of root r, has a dot that stands for changes in
// two places. No merge makes one of states that have none.
func distinct(c *census, v causal, r *root) error {
	if !canRepeat(v) {
		return nil
	}
	c.expect(r)
	c.add(v)
	return c.check(r)
}

// canRepeat reports whether a dot of v may have more than one place: in a map, and
// in a counter that remembers resets.
func canRepeat(v causal) bool {
	if c, ok := v.(*PNCounter); ok {
		return slices.ContainsFunc(c.tallies, func(t tally) bool { return t.hasReset() })
	}
	return isMap(v)
}

func isMap(v causal) bool {
	m, ok := v.(interface{ nests() bool })
	return ok && m.nests()
}

// A census is the dots of values: by replica index their numbers, each of which
// stands for a change in one place.
type census struct {
	changes [][]uint64
	change  func(d dot) // note, as a function value that is made once
	room    int         // for the numbers of a replica, when the first comes
}

// expect makes room for the dots of values of r.
func (c *census) expect(r *root) {
	if n := len(r.names); n <= cap(c.changes) {
		c.changes = c.changes[:n]
	} else {
		c.changes = make([][]uint64, n)
	}
	if c.change == nil {
		c.change = c.note
	}
}

func (c *census) note(d dot) {
	seqs := &c.changes[d.replica]
	if *seqs == nil {
		*seqs = make([]uint64, 0, c.room)
	}
	*seqs = append(*seqs, d.seq)
}

// fewSeqs bounds the memory that a census keeps for the next one.
const fewSeqs = 64

// forget forgets the dots, and keeps a little memory.
func (c *census) forget() {
	if len(c.changes) > fewNames {
		c.changes = nil
	}
	for i := range c.changes {
		if cap(c.changes[i]) > fewSeqs {
			c.changes[i] = nil
		}
		c.changes[i] = c.changes[i][:0]
	}
	c.room = 0
}

// add adds the dots of v.
func (c *census) add(v interface{ dots(yield func(dot)) }) { v.dots(c.change) }

// check returns an error that names, by r, a dot that is there twice.
func (c *census) check(r *root) error {
	for i, seqs := range c.changes {
		slices.Sort(seqs)
		for k, seq := range seqs {
			if k > 0 && seq == seqs[k-1] {
				return fmt.Errorf("dot %s stands for changes in two places", r.name(dotOf(uint32(i), seq)))
			}
		}
	}
	return nil
}

// readPacked validates what appendCausal wrote, as readCausal does, to merge it
// into a state of r, and returns it in the form in which it joins other values, and
// where its store begins in data.
func readPacked(of maker, data []byte) (v causal, d *decoder, store int, err error) {
	d = newDecoder(data)
	readHead(d, of)
	store = d.Offset()
	v = of.fresh(d.root)
	nests := isMap(v)
	if d.Err() == nil {
		if nests {
			d.expect(d.root)
		}
		v.scan(d)
	}
	switch err = d.Close(); {
	case err != nil:
	case nests:
		err = d.check(d.root) // the map has added its values
	default:
		err = distinct(&d.census, v, d.root)
	}
	return v, d, store, decoded("crdt: merge %s: %w", of, d.bad, err)
}

// mergeBinary joins what appendCausal wrote into x, a state of r that is not a
// map, and reports whether that changed the two.
func mergeBinary[V Value[V]](r *root, x V, data []byte) (bool, error) {
	peer, d, _, err := readPacked(makerOf[V]{}, data)
	if err != nil {
		return false, err
	}
	j := r.merging(d.root)
	changed := x.join(peer.(V), j)
	return j.finish() || changed, nil
}

// readHead reads what stands before the store of a state that of makes.
func readHead(d *decoder, of maker) {
	d.Version(stateVersion)
	if d.Err() == nil {
		readKinds(d.Reader, of.kinds(d.kinds[:0]))
	}
	d.context()
}
