package crdt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// AppendBinary implements [encoding.BinaryAppender], in O(n).
func (c *PNCounter) AppendBinary(b []byte) ([]byte, error) {
	c = c.state()
	return appendCausal(b, c.root, c), nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c *PNCounter) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (c *PNCounter) UnmarshalBinary(data []byte) error {
	return unmarshal(&c.node, c, data)
}

// MarshalJSON has the increments of a replica, after the first up to the last,
// their sum, and what is undone: up to which, of which sum, by which reset:
//
//	[{"replica": "eu", "after": "0", "last": "5", "sum": "12", "undoneTo": "3", "undone": "4", "reset": "us:3"}]
func (c pnCounterState) MarshalJSON() ([]byte, error) {
	return (&PNCounter{pnCounterState: c}).marshalJSON()
}

func (c *PNCounter) marshalJSON() ([]byte, error) {
	c = c.state()
	return causalJSON(c.root, c)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *PNCounter) UnmarshalJSON(p []byte) error {
	if isNull(p) {
		return nil
	}
	v, err := readCausalJSON[*PNCounter](p)
	if err == nil {
		c.adopt(v)
	}
	return err
}

// adopt makes c the state v, which nobody else has.
func (c *PNCounter) adopt(v *PNCounter) {
	c.replaceable()
	*c = PNCounter{pnCounterState: pnCounterState{node: node{root: v.root}, tallies: v.tallies}}
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (c *PNCounter) MergeBinary(data []byte) (bool, error) {
	r := c.receive(new(node))
	c.ready()
	return mergeBinary(r, c, data)
}

// Compact drops what c remembers of resets that seen covers.
func (c *PNCounter) Compact(seen Context) bool {
	c.change()
	c.ready()
	cl, ok := c.root.compacting(seen)
	return ok && c.compact(cl)
}

// Stats returns the statistics of c. Its elements are the replicas counting.
func (c *PNCounter) Stats() Stats {
	c = c.state()
	live := 0
	for i := range c.tallies {
		if c.tallies[i].isLive() {
			live++
		}
	}
	return statsOf(c.root, c, live)
}

// Verify returns an error if c and o hold an increment with different sums.
func (c *PNCounter) Verify(o *PNCounter) error {
	c, o = c.whole(), o.whole()
	return verify(c.root, c, o.root, o)
}

func (*PNCounter) kinds(b []byte) []byte { return append(b, kindPNCounter) }

// sorted returns the tallies by the names of their replicas.
func (c *PNCounter) sorted(e *encoder) []tally {
	order := func(a, b tally) int {
		return cmp.Or(cmp.Compare(e.place[a.replica], e.place[b.replica]), cmp.Compare(a.line, b.line))
	}
	if slices.IsSortedFunc(c.tallies, order) {
		return c.tallies
	}
	return slices.SortedFunc(slices.Values(c.tallies), order)
}

// A tally is written in one of these forms.
const (
	formCounting = iota
	formReduced
	formUndone
)

// Its form stands in formWidth bits, beside whether it is of one increment, which needs no span.
const (
	formMask   = 3
	formSingle = 4
	formWidth  = 3
)

func (t *tally) form() (form uint64) {
	switch {
	case !t.isLive():
		form = formUndone
	case t.hasReset():
		form = formReduced
	}
	if max(t.last, t.upto)-t.start == 1 {
		form |= formSingle
	}
	return form
}

func (c *PNCounter) encode(e *encoder) {
	e.uvarint(uint64(len(c.tallies)))
	clear(e.resets)
	at := uint32(0)
	for _, t := range c.sorted(e) {
		place := e.place[t.replica]
		e.uvarint(uint64(place-at)<<formWidth | t.form())
		at = place
		end := max(t.last, t.upto)
		e.step(0, end)
		if span := end - t.start; span > 1 {
			e.uvarint(span)
		}
		if t.isLive() {
			e.varint(t.total)
		}
		if !t.hasReset() {
			continue
		}
		if t.isLive() {
			e.uvarint(t.last - t.upto)
		}
		e.varint(t.base)
		e.reset(t.tag)
	}
}

// A resetter is an incarnation that reset a counter. It minted a dot for each tally, in the
// order in which they are encoded.
type resetter struct {
	replica uint32
	life    uint64
}

// reset appends the dot of a reset: the index of the resetter, which are numbered as they
// come. The dot itself follows for a new one, and for others how far it is from the next.
func (e *encoder) reset(tag dot) {
	by := resetter{tag.replica, lifeOf(tag.seq)}
	last, known := e.resets[by]
	switch {
	case !known:
		if e.resets == nil {
			e.resets = map[resetter]indexed{}
		}
		last.index = uint64(len(e.resets))
		e.uvarint(last.index << 1)
		e.dot(tag)
	case tag.seq == last.seq+1:
		e.uvarint(last.index << 1)
	default:
		e.uvarint(last.index<<1 | 1)
		e.varint(int64(tag.seq - last.seq - 1))
	}
	last.seq = tag.seq
	e.resets[by] = last
}

// indexed is the index of a resetter, and its latest number.
type indexed struct{ index, seq uint64 }

// keptResets is the most resetters for which encoders and decoders keep memory to use again.
const keptResets = 256

// reset reads what encoder.reset wrote.
func (d *decoder) reset() (tag dot) {
	u := d.Uvarint()
	i := u >> 1
	switch {
	case i < uint64(len(d.resets)):
		last := d.resets[i]
		tag = dotOf(last.replica, last.seq+1)
		if u&1 == 1 {
			tag.seq += uint64(varint(d.Reader))
		}
		if u&1 == 1 && tag.seq == last.seq+1 || lifeOf(tag.seq) != lifeOf(last.seq) || !d.root.seen[tag.replica].contains(tag.seq) {
			d.Fail("reset %d does not follow %d", tag.seq, last.seq)
		}
	case i == uint64(len(d.resets)) && u&1 == 0:
		tag = d.dot()
		d.resets = append(d.resets, dot{})
	default:
		d.Fail("a reset by incarnation %d of %d", i, len(d.resets))
		return tag
	}
	d.resets[i] = tag
	return tag
}

func (c *PNCounter) decode(d *decoder) {
	n := d.Count(3)
	if cap(c.tallies) < n {
		c.tallies = d.tallies.take(n)
	}
	d.resets = d.resets[:0]
	at := uint64(0)
	for i := range n {
		u := d.Uvarint()
		if u>>formWidth >= uint64(len(d.root.names))-at {
			d.Fail("place of a replica exceeds the context")
			return
		}
		at += u >> formWidth
		t := tally{replica: uint32(at)}
		t.decode(d, u)
		if i > 0 && compareTally(c.tallies[i-1], t) >= 0 {
			d.Fail("places of replicas do not ascend")
		}
		if err := t.check(d.root); err != nil {
			d.Fail("%w", err)
		}
		if d.Err() != nil {
			return
		}
		c.tallies = append(c.tallies, t)
	}
	resetters := len(d.resets)
	byLife := func(x, y dot) int {
		return cmp.Or(cmp.Compare(x.replica, y.replica), cmp.Compare(lifeOf(x.seq), lifeOf(y.seq)))
	}
	slices.SortFunc(d.resets, byLife)
	if len(slices.CompactFunc(d.resets, func(x, y dot) bool { return byLife(x, y) == 0 })) < resetters {
		d.Fail("an incarnation that reset has two indexes")
	}
}

func (t *tally) decode(d *decoder, form uint64) {
	end, span := readStep(d.Reader, 0), uint64(1)
	if form&formSingle == 0 {
		if span = d.Uvarint(); span == 1 {
			d.Fail("the span of one increment")
		}
	}
	t.start = end - span
	switch form & formMask {
	case formUndone:
		t.upto, t.base, t.tag = end, varint(d.Reader), d.reset()
	case formCounting:
		t.last, t.total = end, varint(d.Reader)
	case formReduced:
		t.last, t.total = end, varint(d.Reader)
		t.upto, t.base, t.tag = t.last-d.Uvarint(), varint(d.Reader), d.reset()
		if t.upto == 0 {
			d.Fail("nothing was undone")
		}
	default:
		d.Fail("unknown form %d", form)
	}
	t.line = lifeOf(t.start + 1)
}

func (c *PNCounter) rootOf() *root { return c.whole().root }

func (c *PNCounter) scan(d *decoder) bool {
	c.tallies = c.tallies[:0]
	c.decode(d)
	return len(c.tallies) > 0
}

// varint reads a zigzag varint in its shortest form.
func varint(r *wire.Reader) int64 {
	u := r.Uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// check returns an error unless t is what counts and resets make of a tally, and
// r has seen its dots. Decoding the tag has looked it up.
func (t *tally) check(r *root) error {
	seen := &r.seen[t.replica]
	switch {
	case t.last > maxSeq || t.upto > maxSeq || t.last == 0 && t.upto == 0:
		return errors.New("an increment is not in the range of numbers")
	case (t.upto > 0) != t.hasReset() || t.upto == 0 && t.base != 0:
		return errors.New("something was undone without a reset")
	case !t.isLive() && !seen.contains(t.upto), t.isLive() && !seen.contains(t.last):
		return errors.New("an increment is not in the context")
	case t.start >= max(t.last, t.upto):
		return errors.New("a sum includes no increment")
	case !t.isLive():
		return nil
	case t.hasReset() && (t.upto <= t.start || t.upto >= t.last):
		return errors.New("what was undone is not a part of the sum")
	}
	return nil
}

func (c *PNCounter) encodeJSON(e *encoder) {
	e.text("[")
	for i, t := range c.sorted(e) {
		e.comma(i)
		e.text(`{"replica":`)
		e.string(string(e.root.names[t.replica]))
		e.buf = fmt.Appendf(e.buf, `,"after":"%d"`, t.start)
		if t.isLive() {
			e.buf = fmt.Appendf(e.buf, `,"last":"%d","sum":"%d"`, t.last, t.total)
		}
		if t.hasReset() {
			e.buf = fmt.Appendf(e.buf, `,"undoneTo":"%d","undone":"%d"`, t.upto, t.base)
		}
		if t.hasReset() {
			e.text(`,"reset":`)
			e.string(e.root.name(t.tag).String())
		}
		e.text("}")
	}
	e.text("]")
}

func (c *PNCounter) decodeJSON(d *decoder, p []byte) error {
	items, err := list(p)
	if err != nil {
		return err
	}
	for k, item := range items {
		t, err := d.tallyIn(item)
		if err == nil {
			err = t.check(d.root)
		}
		if err != nil {
			return fmt.Errorf("item %d: %w", k, err)
		}
		i, found := c.find(t.replica, t.line)
		if found {
			return fmt.Errorf("replica %q appears twice", string(d.root.names[t.replica]))
		}
		c.tallies = slices.Insert(c.tallies, i, t)
	}
	return nil
}

// tallyIn reads one item of the list that encodeJSON wrote, with all members of
// its form and no others.
func (d *decoder) tallyIn(p []byte) (t tally, err error) {
	m, err := membersOf(p, "replica", "after", "last", "sum", "undoneTo", "undone", "reset")
	if err != nil {
		return t, err
	}
	name, counts, undone, reset := m[0], m[2:4], m[4:6], m[6]
	live := counts[0] != nil || counts[1] != nil
	var after, last, upto natural
	var sum, base decimal
	err = parseNumerals(m[1:2], &after)
	if err == nil && live {
		err = parseNumerals(counts, &last, &sum)
	}
	if err == nil && (!live || undone[0] != nil || undone[1] != nil || reset != nil) {
		if err = parseNumerals(undone, &upto, &base); err == nil {
			t.tag, err = d.dotIn(reset)
		}
	}
	if err != nil {
		return t, err
	}
	replica, err := value.DecodeString(name)
	if err != nil {
		return t, err
	}
	var known bool
	if t.replica, known = d.root.lookup(vclock.Replica(replica)); !known {
		return t, fmt.Errorf("replica %.64q is not in the context", replica)
	}
	t.start, t.last, t.total = uint64(after), uint64(last), int64(sum)
	t.upto, t.base = uint64(upto), int64(base)
	t.line = lifeOf(t.start + 1)
	return t, nil
}

// parseNumerals reads one JSON string into each of into.
func parseNumerals(values [][]byte, into ...numeral) error {
	for i, n := range into {
		if values[i] == nil {
			return errors.New("lacks a member")
		}
		if err := parseNumeral(values[i], n); err != nil {
			return err
		}
	}
	return nil
}

func (c *PNCounter) events(yield func(d dot, what string)) {
	for i := range c.tallies {
		t := &c.tallies[i]
		if t.isLive() {
			yield(t.countDot(), fmt.Sprintf("an increment to %d", t.total))
		}
		if t.hasReset() {
			of := c.root.name(dotOf(t.replica, t.upto))
			yield(t.tag, fmt.Sprintf("a reset of %d up to %s", t.base, of))
		}
	}
}

func (c *PNCounter) compact(cl *compacting) bool {
	before := len(c.tallies)
	c.tallies = slices.DeleteFunc(c.tallies, func(t tally) bool { return !t.isLive() && cl.drops(t.tag) })
	return len(c.tallies) < before
}

func (c *PNCounter) stats(st *Stats) {
	for i := range c.tallies {
		if c.tallies[i].isLive() {
			st.Dots++
		} else {
			st.Residues++
		}
	}
}
