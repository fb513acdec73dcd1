package crdt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
)

// encode appends the store of a set. FORMAT.md documents the layout.
// With marks, behind the live dots of a page stand those of them that are
// removals: how many, 1 byte, then their offsets, 1 byte each, ascending.
func (s *store[E]) encode(e *encoder, marks bool) {
	if s == nil {
		e.uvarint(0)
		return
	}
	logs := 0
	for i := range s.logs {
		if len(s.logs[i].pages) > 0 {
			logs++
		}
	}
	e.uvarint(uint64(logs))
	next := 0
	block := e.block
	var buf []E
	for at, i := range e.order {
		l := s.log(i)
		if l == nil || len(l.pages) == 0 {
			continue
		}
		e.uvarint(uint64(at - next))
		e.uvarint(uint64(len(l.pages) - 1))
		next = at + 1
		num := uint64(0)
		for _, p := range l.pages {
			e.uvarint(p.num - num)
			num = p.num + 1
			e.page(p.live, p.mark, marks)
			block = s.kind.appendBlock(block[:0], p.listed(&buf))
			e.bytes(block)
		}
	}
	e.block = block[:0]
}

// page appends which dots of a page are live, and which of them are marked.
func (e *encoder) page(live, mark [2]uint64, marks bool) {
	n := bits.OnesCount64(live[0]) + bits.OnesCount64(live[1])
	e.byte(byte(n))
	switch {
	case n <= fewLive:
		offsets(live, func(off uint) { e.byte(byte(off)) })
	case n < pageSize:
		e.buf = binary.LittleEndian.AppendUint64(e.buf, live[0])
		e.buf = binary.LittleEndian.AppendUint64(e.buf, live[1])
	}
	if marks {
		e.byte(byte(bits.OnesCount64(mark[0]) + bits.OnesCount64(mark[1])))
		offsets(mark, func(off uint) { e.byte(byte(off)) })
	}
}

// fewLive is the largest number of live dots in a page that are listed.
const fewLive = 16

// A pageHead is what stands before the block of a page.
type pageHead struct {
	num        uint64
	live, mark [2]uint64
	count      int
}

// pageHead reads what encoder.page wrote. The dots are numbers of the replica
// whose context is seen.
func (d *decoder) pageHead(num uint64, seen *runs, marks bool) pageHead {
	h := pageHead{num: num, count: int(d.Byte())}
	switch {
	case h.count == 0 || h.count > pageSize:
		d.Fail("%d live dots in a page", h.count)
		return h
	case h.count <= fewLive:
		h.live = d.offsets(h.count)
	case h.count < pageSize:
		if p := d.Take(16); p != nil {
			h.live = [2]uint64{binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])}
		}
		if bits.OnesCount64(h.live[0])+bits.OnesCount64(h.live[1]) != h.count {
			d.Fail("the bits of a page are not %d", h.count)
		}
	default:
		h.live = [2]uint64{^uint64(0), ^uint64(0)}
	}
	if num == 0 && h.live[0]&1 != 0 {
		d.Fail("a dot has the number 0")
	}
	if h.live[0]&^seen.word(2*num)|h.live[1]&^seen.word(2*num+1) != 0 {
		d.Fail("a dot is not in the context")
	}
	if marks {
		h.mark = d.offsets(int(d.Byte()))
		if h.mark[0]&^h.live[0]|h.mark[1]&^h.live[1] != 0 {
			d.Fail("a removal is not live")
		}
	}
	return h
}

// offsets reads n ascending offsets.
func (d *decoder) offsets(n int) (words [2]uint64) {
	last := -1
	for _, c := range d.Take(n) {
		if int(c) <= last || c >= pageSize {
			d.Fail("offset %d after %d in a page", c, last)
			return words
		}
		last = int(c)
		words[c>>6] |= 1 << (c & 63)
	}
	return words
}

// logHeads reads the logs of a store: it calls log for each with the place of
// its replica and the number of its pages, after begin with the number of logs.
func (d *decoder) logHeads(begin func(logs int), log func(replica uint32, pages int)) {
	at := uint64(0)
	n := d.Count(4)
	begin(n)
	for range n {
		gap := d.Uvarint()
		if gap >= uint64(len(d.root.names))-at { // not at+gap, which may wrap to a place that was there
			d.Fail("a log is of no replica in the context")
			return
		}
		at += gap
		pages := d.Uvarint()
		if pages >= uint64(d.Len()) {
			d.Fail("count of pages %d exceeds what %d bytes can hold", pages, d.Len())
		}
		if d.Err() != nil {
			return
		}
		log(uint32(at), int(pages)+1)
		at++
	}
}

// pageNum reads the number of a page, which is next at least.
func (d *decoder) pageNum(next uint64) uint64 {
	gap := d.Uvarint()
	if gap > maxSeq>>pageBits || next+gap > maxSeq>>pageBits {
		d.Fail("page %d exceeds the largest number", gap)
		return 0
	}
	return next + gap
}

// decode reads what encode wrote into an empty store.
func (s *store[E]) decode(d *decoder, marks bool) {
	var free []E
	s.decodePages(d, marks, func(p *page[E], block []byte, n int) (err error) {
		d.text.left = d.Len()
		if n <= fewLive && s.kind.small && cap(p.elems) < n {
			room := n + 1 // for one that is added
			if cap(free) < room {
				free = make([]E, 0, min(3*fewLive, room+room*d.Len()/(len(block)+4))) // as if all that follows were pages like this one
			}
			p.elems, free = free[:0:room], free[room:cap(free)][:0]
		}
		p.elems, err = s.kind.decodeBlock(p.elems[:0], &d.text, block, n)
		return err
	})
	if d.Err() == nil {
		s.reindex()
	}
}

// scan makes s what encode wrote, as far as it takes to know that it is valid,
// unless d trusts it, and to join it into another store. It uses the memory of what
// it scanned before.
func (s *store[E]) scan(d *decoder, marks bool) bool {
	old := s.pages
	if s.packed == nil {
		s.packed = new(packed[E])
	}
	s.logs, s.pages, s.packed.blocks = s.logs[:0], s.pages[:1], append(s.packed.blocks[:0], nil)
	recycle := func() {
		if n := len(s.pages); n < len(old) {
			s.spare = old[n]
		}
	}
	recycle()
	s.decodePages(d, marks, func(_ *page[E], block []byte, n int) error {
		recycle()
		s.packed.blocks = append(s.packed.blocks, block)
		if d.trusted {
			return nil
		}
		return s.kind.checkBlock(block, n)
	})
	return len(s.pages) > 1
}

// nextLog adds a log for a replica above those that have one. It uses the memory
// of one that was there before.
func (s *store[E]) nextLog(replica uint32) *pagelog[E] {
	n := len(s.logs)
	if n == cap(s.logs) {
		s.logs = append(s.logs, pagelog[E]{})
	}
	s.logs = s.logs[:n+1]
	l := &s.logs[n]
	*l = pagelog[E]{replica, l.nums[:0], l.pages[:0]}
	return l
}

// unpack decodes the elements of a page of s, which need not be packed.
func (s *store[E]) unpack(p *page[E]) {
	if s.packed == nil {
		return
	}
	var err error
	if p.elems, err = s.kind.decodeBlock(nil, new(blockText), s.packed.blocks[p.id], p.count()); err != nil {
		panic(fmt.Sprintf("crdt: a valid block does not decode: %v", err))
	}
}

// decodePages reads what encode wrote into an empty store, except for the
// elements: block gets those of each page.
func (s *store[E]) decodePages(d *decoder, marks bool, block func(p *page[E], block []byte, n int) error) {
	var r room[E]
	begin := func(logs int) {
		if logs > 0 && logs <= mostRoom && s.packed == nil && cap(s.logs) == 0 {
			r = s.makeRoom(logs)
		}
		s.logs = slices.Grow(s.logs, logs)
	}
	d.logHeads(begin, func(replica uint32, pages int) {
		l := s.nextLog(replica)
		if at := len(s.logs) - 1; at < len(r.pages) && pages == 1 {
			l.nums, l.pages = r.nums[at:at:at+1], r.lists[at:at:at+1]
			s.spare = &r.pages[at]
		}
		n := min(pages, d.Len()/5) // no page takes less
		l.nums, l.pages, s.pages = slices.Grow(l.nums, n), slices.Grow(l.pages, n), slices.Grow(s.pages, n)
		next := uint64(0)
		for range pages {
			h := d.pageHead(d.pageNum(next), &d.root.seen[replica], marks)
			data := d.Bytes()
			if d.Err() != nil {
				return
			}
			if s.packed == nil {
				s.again()
			}
			p := s.addPage(l, len(l.pages), h.num)
			p.live, p.mark = h.live, h.mark
			if err := block(p, data, h.count); err != nil {
				d.Fail("block: %w", err)
				return
			}
			next = h.num + 1
		}
	})
}

// A room is memory for a small store with a page for each of a few replicas. With the rest of
// the store and its index, which makeRoom hands over, it is one allocation in place of many.
type room[E comparable] struct {
	nums  []uint64
	lists []*page[E]
	pages []page[E]
}

// mostRoom is the most replicas that there is a room for.
const mostRoom = 4

// makeRoom gives s, which is empty, memory for a few replicas.
func (s *store[E]) makeRoom(replicas int) room[E] {
	if replicas == 1 {
		r := new(struct {
			logs  [1]pagelog[E]
			nums  [1]uint64
			lists [1]*page[E]
			ids   [2]*page[E]
			pages [1]page[E]
			index smallIndex
			slots [2 * minSlots]uint64
		})
		r.index.slots = r.slots[:]
		s.logs, s.pages, s.index.room = r.logs[:0], r.ids[:1], &r.index
		return room[E]{r.nums[:], r.lists[:], r.pages[:]}
	}
	r := new(struct {
		logs  [mostRoom]pagelog[E]
		nums  [mostRoom]uint64
		lists [mostRoom]*page[E]
		ids   [mostRoom + 1]*page[E]
		pages [mostRoom]page[E]
		index smallIndex
		slots [4 * minSlots]uint64
	})
	r.index.slots = r.slots[:]
	s.logs, s.pages, s.index.room = r.logs[:0], r.ids[:1], &r.index
	return room[E]{r.nums[:], r.lists[:], r.pages[:]}
}

// reindex builds the index of a store whose dots are placed.
func (s *store[E]) reindex() {
	n := 0
	for _, p := range s.pages[1:] {
		n += p.count()
	}
	s.index.reserve(n)
	for _, p := range s.pages[1:] {
		offsets(p.live, func(off uint) { s.link(p.ref(off), p.elem(off)) })
	}
}

// encodeJSON appends the elements, each with its dots, in the order of the first
// of them:
//
//	[{"element": "milk", "dots": ["eu:3", "us:4"]}, …]
//
// In an RWSet a second list, "removed", has the dots that are removals.
func (s *store[E]) encodeJSON(e *encoder, marks bool) {
	type item struct {
		head           ref
		added, removed []dot
		first          dot
	}
	var items []item
	s.heads(func(head ref, _ E) bool {
		it := item{head: head}
		s.refs(head, func(x ref) {
			if s.pages[x.page()].marked(x.off()) {
				it.removed = append(it.removed, s.dot(x))
			} else {
				it.added = append(it.added, s.dot(x))
			}
		})
		e.sort(it.added)
		e.sort(it.removed)
		it.first = slices.MinFunc(slices.Concat(it.added, it.removed), e.compare)
		items = append(items, it)
		return true
	})
	slices.SortFunc(items, func(a, b item) int { return e.compare(a.first, b.first) })
	e.text("[")
	for i, it := range items {
		e.comma(i)
		e.text(`{"element":`)
		e.buf = value.AppendKeyJSON(e.buf, s.elem(it.head))
		e.text(`,"dots":`)
		e.dotsJSON(it.added)
		if marks {
			e.text(`,"removed":`)
			e.dotsJSON(it.removed)
		}
		e.text("}")
	}
	e.text("]")
}

// decodeJSON reads what encodeJSON wrote into an empty store.
func (s *store[E]) decodeJSON(d *decoder, p []byte, marks bool) error {
	items, err := list(p)
	if err != nil {
		return err
	}
	for i, item := range items {
		if err := s.decodeItem(d, item, marks); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func (s *store[E]) decodeItem(d *decoder, item json.RawMessage, marks bool) error {
	names := []string{"element", "dots", "removed"}
	if !marks {
		names = names[:2]
	}
	m, err := members(item, names...)
	if err != nil {
		return err
	}
	elem, err := value.DecodeKeyJSON[E](m[0])
	if err != nil {
		return err
	}
	if _, ok := s.lookupElem(elem); ok {
		return errors.New("appears twice")
	}
	total := 0
	for k, p := range m[1:] {
		dots, err := d.dotsIn(p)
		if err != nil {
			return err
		}
		for _, x := range dots {
			if _, ok := s.lookup(x); ok {
				return fmt.Errorf("dot %s appears twice", d.root.name(x))
			}
			s.insert(x, elem, k == 1)
		}
		total += len(dots)
	}
	if total == 0 {
		return errors.New("has no dots")
	}
	return nil
}

// events describes every dot with its element.
func (s *store[E]) events(yield func(d dot, what string)) {
	if s == nil {
		return
	}
	for _, p := range s.pages[1:] {
		if p == nil {
			continue
		}
		offsets(p.live, func(off uint) {
			verb := "add "
			if p.marked(off) {
				verb = "remove "
			}
			yield(p.dot(off), verb+string(bytes.TrimSpace(value.AppendKeyJSON(nil, p.elem(off)))))
		})
	}
}

// stats adds what s holds to st.
func (s *store[E]) stats(st *Stats) {
	s.dots(func(dot) { st.Dots++ })
}
