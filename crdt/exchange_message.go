package crdt

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// exchangeVersion is the format of messages:
//
//	field    bytes
//	kind     1: its number, and 16 times the version, now 3
//	type     1, and after that of an ORMap those of its values, as in a state
//	rest     by kind
//
//	kind     rest
//	1 same   nothing: the receiver has all that the sender has
//	2 ask    8: salt, 8: fingerprint of the context and the live dots
//	3 whole  a state, which asks for what it lacks
//	4 ranges 8: salt, the context, then of each replica in it: runs of ranges
//	5 pages  8: salt, shares, then varint: replicas, then of each: name, blocks; then 1: 0,
//	         or 1 and a state
//	6 bits   varint: replicas, then of each: name, bitmaps; then 1: 0, or 1 and a state
//	7 delta  a state
//
//	runs     varint: 1, and the print, for the first page alone, or twice how many, then of each,
//	         ascending:
//	  gap    varint: pages before each range
//	  pages  varint: in each range, less one
//	  more   varint: ranges, less one, then of each:
//	  print  3: fingerprint of what is live of them
//
//	shares   what the sender has of the receiver's context:
//	  rest   1: 1 if all of what is not listed here, or 0 if nothing of it
//	  part   as a context, what it has of replicas that it has some dots of
//	  other  varint: names, then the names of replicas of which it has all or nothing, if the
//	         others have it not
//
//	blocks   varint: how many, then of each, ascending:
//	  gap    varint: pages before it
//	  pages  varint: in it, less one
//	  live   varint: how many are live, as far as both have seen their dots, then of each
//	    gap    varint: pages before it; left out if all are live
//	    print  3: fingerprint of what is live in it
//
//	bitmaps  varint: how many, then of each, ascending:
//	  gap    varint: pages before it
//	  form   1: 0 bits, 1 dead ones, 2 live ones, 3 one dot; and 4, but not to 3, if it begins with
//	         bits that tell which dots it is of; else it is of all of the page
//	  which  bits 16: little-endian, set for what is live; one dot 1: its offset, and 0x80 if it is
//	         live; else the number of offsets, 1, then the offsets, 1 each, ascending
//
// A state is as in AppendBinary, without version and type. Lists of names are as in contexts. Sizes are big-endian.
const exchangeVersion = 3

const (
	_ byte = iota
	kindSame
	kindAsk
	kindWhole
	kindRanges
	kindPages
	kindBits
	kindDelta
)

const (
	printSize = 3
	printMask = 1<<(8*printSize) - 1
	maxPage   = maxSeq >> pageBits
)

// A message is one that was read. What it has beside its kind goes by that.
type message struct {
	maker   maker
	kind    byte
	salt    uint64
	print   uint64        // ask
	context *root         // ranges
	ranges  [][]pageRange // ranges, by index in context
	shares                // pages
	blocks  []blocksOf    // pages
	bits    []bitsOf      // bits

	root  *root  // of delta, or nil
	delta causal // whole, pages, bits, delta

	bad *content.ValueError // of a value in delta that its type cannot hold
}

func appendUint64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func (x *exchange) head(kind byte) []byte {
	return x.state.kinds([]byte{exchangeVersion<<4 | kind})
}

func appendPrint(b []byte, p uint64) []byte {
	return append(b, byte(p>>16), byte(p>>8), byte(p))
}

func readPrint(d *wire.Reader) uint64 {
	p := d.Take(printSize)
	if p == nil {
		return 0
	}
	return uint64(p[0])<<16 | uint64(p[1])<<8 | uint64(p[2])
}

// readNames reads a list of names, as appendName wrote them, and calls yield after each.
func readNames(d *wire.Reader, yield func(name vclock.Replica)) {
	var text, last []byte
	n := d.Count(2)
	for range n {
		if text, last = readName(d, n, text, last); d.Err() != nil {
			return
		}
		if yield(vclock.Replica(last)); d.Err() != nil {
			return
		}
	}
}

// readPages reads n pages, less one, that begin gap pages after next.
func readPages(d *wire.Reader, next uint64) (first, n uint64) {
	gap, more := d.Uvarint(), d.Uvarint()
	if gap > maxPage || more > maxPage || next+gap+more > maxPage {
		d.Fail("pages exceed the largest number")
		return 0, 0
	}
	return next + gap, more + 1
}

func (e *encoder) ranges(all []pageRange) {
	type run struct {
		gap, n uint64
		of     []pageRange
	}
	var list []run
	next := uint64(0)
	for i, r := range all {
		gap := r.first - next
		next = r.first + r.n
		if k := len(list) - 1; k >= 0 && list[k].gap == gap && list[k].n == r.n {
			list[k].of = all[i-len(list[k].of) : i+1]
			continue
		}
		list = append(list, run{gap, r.n, all[i : i+1]})
	}
	if len(all) == 1 && all[0].first == 0 && all[0].n == 1 {
		e.uvarint(1)
		e.buf = appendPrint(e.buf, all[0].print)
		return
	}
	e.uvarint(uint64(len(list)) << 1)
	for _, r := range list {
		e.uvarint(r.gap)
		e.uvarint(r.n - 1)
		e.uvarint(uint64(len(r.of) - 1))
		for _, p := range r.of {
			e.buf = appendPrint(e.buf, p.print)
		}
	}
}

func readRanges(d *wire.Reader) (all []pageRange) {
	next, lastGap, lastN := uint64(0), uint64(0), uint64(0)
	u := d.Uvarint()
	if u == 1 {
		return []pageRange{{0, 1, readPrint(d)}}
	}
	switch n := u >> 1; {
	case u&1 == 1:
		d.Fail("runs of ranges of form %d", u)
		return nil
	case n > uint64(d.Len()/(3+printSize)):
		d.Fail("count of runs %d exceeds what %d bytes can hold", n, d.Len())
		return nil
	}
	for range u >> 1 {
		first, n := readPages(d, next)
		gap := first - next
		if gap == lastGap && n == lastN { // n is never 0
			d.Fail("two runs of ranges that are one")
		}
		lastGap, lastN = gap, n
		more := d.Uvarint()
		if d.Err() != nil {
			return nil
		}
		if more >= uint64(d.Len()/printSize) || more >= (maxPage+1-next)/(gap+n) { // a product would wrap
			d.Fail("%d more ranges than there can be", more)
			return nil
		}
		for range more + 1 {
			all = append(all, pageRange{next + gap, n, readPrint(d)})
			next += gap + n
		}
	}
	if len(all) == 1 && all[0].first == 0 && all[0].n == 1 {
		d.Fail("the first page alone as a run")
	}
	return all
}

// shares is what one side has of the context of the other.
type shares struct {
	rest  bool // all of what is not listed, or nothing
	names []vclock.Replica
	seen  []runs
	other []vclock.Replica
}

// shared returns, by the indexes of r, what the sender has seen of what r has.
func (s *shares) shared(r *root) []runs {
	all := make([]runs, len(r.names))
	for i, name := range r.names {
		k, partly := slices.BinarySearch(s.names, name)
		_, other := slices.BinarySearch(s.other, name)
		switch {
		case partly:
			all[i] = s.seen[k]
		case other != s.rest:
			all[i] = r.seen[i]
		}
	}
	return all
}

func (s *shares) append(b []byte) []byte {
	if s.rest {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(s.names)))
	last := vclock.Replica("")
	for i, name := range s.names {
		b, last = appendRuns(appendName(b, len(s.names), last, name), &s.seen[i]), name
	}
	b, last = binary.AppendUvarint(b, uint64(len(s.other))), ""
	for _, name := range s.other {
		b, last = appendName(b, len(s.other), last, name), name
	}
	return b
}

func readShared(d *wire.Reader) (s shares) {
	switch c := d.Byte(); c {
	case 0, 1:
		s.rest = c == 1
	default:
		d.Fail("shares of form %d", c)
	}
	n := d.Count(3)
	s.names, s.seen = readReplicas(d, n, nil, make([]vclock.Replica, 0, n), make([]runs, 0, n))
	readNames(d, func(name vclock.Replica) {
		if _, twice := slices.BinarySearch(s.names, name); twice {
			d.Fail("replica %q appears twice", string(name))
		}
		s.other = append(s.other, name)
	})
	return s
}

// A block is n consecutive pages of one replica, and the fingerprints of those that
// are live.
type block struct {
	first, n uint64
	pages    []printedPage
}

type printedPage struct{ num, print uint64 }

type blocksOf struct {
	name   vclock.Replica
	blocks []block
}

// A pagesMessage is what there is in a message of pages.
type pagesMessage struct {
	salt      uint64
	part      shares
	all, none []vclock.Replica
	blocks    []blocksOf
	delta     []byte
}

// share notes what of the peer's dots of a replica the sender has. Names ascend.
func (m *pagesMessage) share(name vclock.Replica, shared, theirs *runs) {
	switch {
	case shared.isEmpty():
		m.none = append(m.none, name)
	case shared.equal(theirs):
		m.all = append(m.all, name)
	default:
		m.part.names, m.part.seen = append(m.part.names, name), append(m.part.seen, *shared)
	}
}

func (m *pagesMessage) append(b []byte) []byte {
	b = appendUint64(b, m.salt)
	m.part.rest, m.part.other = true, m.none
	if len(m.none) > len(m.all) {
		m.part.rest, m.part.other = false, m.all
	}
	b = m.part.append(b)
	slices.SortFunc(m.blocks, func(a, b blocksOf) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	b = binary.AppendUvarint(b, uint64(len(m.blocks)))
	last := vclock.Replica("")
	for _, of := range m.blocks {
		b, last = appendBlocks(appendName(b, len(m.blocks), last, of.name), of.blocks), of.name
	}
	return appendDelta(b, m.delta)
}

// appendDelta appends the state that a message may end with.
func appendDelta(b, delta []byte) []byte {
	if delta == nil {
		return append(b, 0)
	}
	return append(append(b, 1), delta...)
}

func appendBlocks(b []byte, blocks []block) []byte {
	b = binary.AppendUvarint(b, uint64(len(blocks)))
	next := uint64(0)
	for _, k := range blocks {
		b = binary.AppendUvarint(b, k.first-next)
		b = binary.AppendUvarint(b, k.n-1)
		b = binary.AppendUvarint(b, uint64(len(k.pages)))
		num := k.first
		for _, p := range k.pages {
			if uint64(len(k.pages)) < k.n {
				b = binary.AppendUvarint(b, p.num-num)
			}
			b = appendPrint(b, p.print)
			num = p.num + 1
		}
		next = k.first + k.n
	}
	return b
}

func readBlocks(d *wire.Reader) (blocks []block) {
	next := uint64(0)
	for range d.Count(3) {
		k := block{}
		k.first, k.n = readPages(d, next)
		live := d.Uvarint()
		if live > k.n || live > uint64(d.Len()/printSize) {
			d.Fail("%d live pages, more than there can be", live)
		}
		if d.Err() != nil {
			return nil
		}
		next = k.first + k.n
		k.pages = make([]printedPage, 0, live)
		num := k.first
		for range live {
			if live < k.n {
				gap := d.Uvarint()
				if gap >= next-num {
					d.Fail("a page is not in its block")
					return nil
				}
				num += gap
			}
			k.pages = append(k.pages, printedPage{num, readPrint(d)})
			num++
			if d.Err() != nil {
				return nil
			}
		}
		blocks = append(blocks, k)
	}
	return blocks
}

// A pageBitmap is which of the dots in a page that seen has are live.
type pageBitmap struct {
	num        uint64
	seen, live [2]uint64
}

type bitsOf struct {
	name  vclock.Replica
	pages []pageBitmap
}

// A bitsMessage is what there is in a message of bits.
type bitsMessage struct {
	pages []bitsOf
	delta []byte
}

func (m *bitsMessage) append(b []byte) []byte {
	slices.SortFunc(m.pages, func(a, b bitsOf) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	b = binary.AppendUvarint(b, uint64(len(m.pages)))
	last := vclock.Replica("")
	for _, of := range m.pages {
		b, last = appendName(b, len(m.pages), last, of.name), of.name
		b = binary.AppendUvarint(b, uint64(len(of.pages)))
		next := uint64(0)
		for i := range of.pages {
			p := &of.pages[i]
			b = p.append(binary.AppendUvarint(b, p.num-next))
			next = p.num + 1
		}
	}
	return appendDelta(b, m.delta)
}

const (
	formBits byte = iota
	formDead
	formLive
	formOne
	formSome
)

// full returns the dots of a page that there are.
func full(num uint64) [2]uint64 {
	if num == 0 {
		return [2]uint64{^uint64(1), ^uint64(0)}
	}
	return [2]uint64{^uint64(0), ^uint64(0)}
}

func (p *pageBitmap) dead() [2]uint64 {
	return [2]uint64{p.seen[0] &^ p.live[0], p.seen[1] &^ p.live[1]}
}

// form returns how p is written: as short as possible.
func (p *pageBitmap) form() byte {
	f, dead, live := formBits, bitCount(p.dead()), bitCount(p.live)
	switch {
	case dead+live == 1:
		return formOne
	case dead <= live && dead < 15:
		f = formDead
	case live < 15:
		f = formLive
	}
	if p.seen != full(p.num) {
		f += formSome
	}
	return f
}

func appendWords(b []byte, words [2]uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, words[0])
	return binary.LittleEndian.AppendUint64(b, words[1])
}

func readWords(d *wire.Reader) (words [2]uint64) {
	if p := d.Take(16); p != nil {
		words[0], words[1] = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
	}
	return words
}

func (p *pageBitmap) append(b []byte) []byte {
	form := p.form()
	b = append(b, form)
	if form >= formSome {
		b = appendWords(b, p.seen)
	}
	list := p.live
	switch form % formSome {
	case formBits:
		return appendWords(b, p.live)
	case formDead:
		list = p.dead()
	case formOne:
		offsets(p.seen, func(off uint) { b = append(b, byte(off)|byte(bitCount(p.live)<<pageBits)) })
		return b
	}
	b = append(b, byte(bitCount(list)))
	offsets(list, func(off uint) { b = append(b, byte(off)) })
	return b
}

func readBitmap(d *decoder, num uint64) pageBitmap {
	form := d.Byte()
	p := pageBitmap{num: num, seen: full(num)}
	if form == formOne {
		c := d.Byte()
		p.seen, p.live = [2]uint64{}, [2]uint64{}
		p.seen[c>>6&1] = 1 << (c & 63)
		if c>>pageBits == 1 {
			p.live = p.seen
		}
	}
	if form >= formSome {
		p.seen = readWords(d.Reader)
	}
	switch form % formSome {
	case formBits:
		p.live = readWords(d.Reader)
	case formDead:
		dead := d.offsets(int(d.Byte()))
		p.live = [2]uint64{p.seen[0] &^ dead[0], p.seen[1] &^ dead[1]}
		if (dead[0]&^p.seen[0])|(dead[1]&^p.seen[1]) != 0 {
			d.Fail("a dead dot is not in the bitmap")
		}
	case formLive:
		p.live = d.offsets(int(d.Byte()))
	}
	if most := full(num); p.live[0]&^p.seen[0]|p.live[1]&^p.seen[1]|p.seen[0]&^most[0] != 0 || p.form() != form {
		d.Fail("bitmap in form %d", form)
	}
	return p
}

func readBits(d *decoder) (pages []pageBitmap) {
	next := uint64(0)
	for range d.Count(3) {
		pages = append(pages, readBitmap(d, d.pageNum(next)))
		if d.Err() != nil {
			return nil
		}
		next = pages[len(pages)-1].num + 1
	}
	return pages
}

func readMessage(of maker, data []byte) (*message, error) {
	d := newDecoder(data)
	m := &message{maker: of, kind: d.Byte() & 15}
	if d.Err() == nil && data[0]>>4 != exchangeVersion {
		d.Fail("%w %d, want %d", wire.ErrVersion, data[0]>>4, exchangeVersion)
	}
	if d.Err() == nil {
		readKinds(d.Reader, of.kinds(nil))
	}
	switch m.kind {
	case kindSame:
	case kindAsk:
		m.salt, m.print = d.Uint64(), d.Uint64()
	case kindWhole, kindDelta:
	case kindRanges:
		m.salt = d.Uint64()
		d.context()
		m.context = d.root
		m.ranges = make([][]pageRange, len(m.context.names))
		for i := range m.ranges {
			m.ranges[i] = readRanges(d.Reader)
		}
	case kindPages:
		m.salt = d.Uint64()
		m.shares = readShared(d.Reader)
		readNames(d.Reader, func(name vclock.Replica) {
			m.blocks = append(m.blocks, blocksOf{name, readBlocks(d.Reader)})
		})
	case kindBits:
		readNames(d.Reader, func(name vclock.Replica) { m.bits = append(m.bits, bitsOf{name, readBits(d)}) })
	default:
		d.Fail("message of unknown kind %d", m.kind)
	}
	return m, m.finish(d)
}

// finish reads the state that a message may end with.
func (m *message) finish(d *decoder) (err error) {
	follows := m.kind == kindWhole || m.kind == kindDelta
	if m.kind == kindPages || m.kind == kindBits {
		c := d.Byte()
		if follows = c == 1; c > 1 {
			d.Fail("state of form %d", c)
		}
	}
	if follows && d.Err() == nil {
		if m.delta, m.bad, err = decodeWhole(m.maker, d.Take(d.Len()), true, nil); err != nil {
			d.Fail("decode %s: %w", typeName(m.maker), err)
		} else {
			m.root = m.delta.rootOf()
		}
	}
	return d.Close()
}

// removed adds to the delta that a dot is dead.
func (m *message) removed(name vclock.Replica, seq uint64) {
	if m.root == nil {
		m.root = new(root)
		m.delta = m.maker.fresh(m.root)
	}
	m.root.seen[m.root.intern(name)].add(seq, seq)
}
