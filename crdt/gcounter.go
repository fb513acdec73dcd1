package crdt

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"

	"github.com/rejoin-go/rejoin/internal/int128"
)

// A GCounter is a counter that only grows: every increment counts, wherever it
// was made and however often it is delivered. Each replica has a total of its
// own, which only it raises; the value is the sum of the totals, and merging
// takes the larger total of each replica. The zero GCounter is empty and ready
// to use. Add takes O(log n) for n replicas, O(1) while one replica keeps
// adding; Total and Merge take O(n). See Shapiro et al., 2011, section 3.1.1.
type GCounter struct {
	_ nocopy.NoCopy
	gCounterState
}

// A gCounterState is what a GCounter holds, so that one in a struct has its JSON there.
type gCounterState struct {
	one   [1]share // the content of a delta, unless all is used or the total is 0
	all   []share  // sorted by replica, totals above 0
	last  int      // index of the share that was added to last
	spare []share  // memory of what c was before it was decoded into: see unmarshal
}

// A share is what one replica has added.
type share struct {
	replica vclock.Replica
	total   uint64
	below   uint64 // not 0 if it is a closed one: see Close
}

func compareShares(a, b *share) int { return cmp.Compare(a.replica, b.replica) }

func joinShare(x, y *share) bool {
	if x.below != y.below {
		more := y.below > x.below
		if more {
			*x = *y
		}
		return more
	}
	grows := y.total > x.total
	x.total = max(x.total, y.total)
	return grows
}

// shares returns the content of c in either form. The result is only read.
func (c *GCounter) shares() []share {
	if c == nil {
		return nil
	}
	if c.all == nil && c.one[0].total > 0 {
		return c.one[:]
	}
	return c.all
}

// expand makes c.all the content of c.
func (c *GCounter) expand() {
	if c.all == nil && c.one[0].total > 0 {
		c.all = []share{c.one[0]}
		c.one[0] = share{}
	}
}

// Add adds n on behalf of r, and returns the delta. A total stops at 2⁶⁴−1.
func (c *GCounter) Add(r vclock.Replica, n uint64) *GCounter {
	var d share
	c.add(r, n, &d)
	return &GCounter{gCounterState: gCounterState{one: [1]share{d}}}
}

//go:noinline
func (c *GCounter) add(r vclock.Replica, n uint64, d *share) {
	i := c.last
	if i >= len(c.all) || c.all[i].replica != r {
		if i = c.locate(r, n); i < 0 {
			return
		}
	}
	s := &c.all[i]
	if isClosed(*s) {
		return
	}
	if s.total += n; s.total < n {
		s.total = math.MaxUint64
	}
	*d = *s
}

// locate returns the index of the share of r, which it creates, or -1 if there
// is nothing to add.
func (c *GCounter) locate(r vclock.Replica, n uint64) int {
	checkReplica(r)
	c.expand()
	i, found := slices.BinarySearchFunc(c.all, r, func(s share, r vclock.Replica) int { return cmp.Compare(s.replica, r) })
	if !found {
		if n == 0 || closes(c.all, r) {
			return -1
		}
		c.all = slices.Insert(c.all, i, share{replica: r})
	}
	c.last = i
	return i
}

// Total returns the sum, or 2⁶⁴−1 if it is larger, and whether it is exact.
func (c *GCounter) Total() (n uint64, exact bool) {
	var sum int128.Int
	exact = true
	for _, s := range c.shares() {
		sum = sum.AddUint(s.total)
		exact = exact && s.total < math.MaxUint64
	}
	n, fits := sum.Uint64()
	return n, exact && fits
}

// All returns an iterator over the replicas, by name, and their totals.
func (c *GCounter) All() iter.Seq2[vclock.Replica, uint64] {
	return func(yield func(vclock.Replica, uint64) bool) {
		for _, s := range c.shares() {
			if !yield(s.replica, s.total) {
				return
			}
		}
	}
}

// Merge joins y into c and reports whether that changed c.
func (c *GCounter) Merge(y *GCounter) bool {
	c.expand()
	all, changed := joinSorted(c.all, open(y.shares(), c.all), compareShares, joinShare)
	c.all = open(all, all)
	return changed
}

// Clone returns a copy that shares no memory with c.
func (c *GCounter) Clone() *GCounter {
	return &GCounter{gCounterState: gCounterState{all: slices.Clone(c.shares())}}
}

// Equal reports whether c and y are the same state.
func (c *GCounter) Equal(y *GCounter) bool { return slices.Equal(c.shares(), y.shares()) }

// AppendBinary implements [encoding.BinaryAppender].
func (c *GCounter) AppendBinary(b []byte) ([]byte, error) {
	shares := c.shares()
	kind := kindGCounter
	if slices.ContainsFunc(shares, isClosed) {
		kind = kindClosedGCounter
	}
	b = appendGrownHead(b, kind, "")
	b = binary.AppendUvarint(b, uint64(len(shares)))
	for _, s := range shares {
		b = wire.AppendBytes(b, s.replica)
		b = binary.AppendUvarint(b, s.total)
		if kind == kindClosedGCounter {
			b = binary.AppendUvarint(b, s.below)
		}
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c *GCounter) MarshalBinary() ([]byte, error) {
	size := 1 + binary.MaxVarintLen64
	for _, s := range c.shares() {
		size += 1 + len(s.replica) + wire.UvarintLen(s.total)
	}
	return c.AppendBinary(make([]byte, 0, size))
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (c *GCounter) UnmarshalBinary(data []byte) error {
	all, err := readShares(data, c.spare)
	if err != nil {
		c.spare = all
		return fmt.Errorf("crdt: decode GCounter: %w", wire.Damaged(err))
	}
	spare := c.all
	if max(len(data), cap(spare)) > mostSpare {
		spare = nil
	}
	c.gCounterState = gCounterState{all: all, spare: spare}
	return nil
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (c *GCounter) MergeBinary(data []byte) (bool, error) {
	all, err := readShares(data, nil)
	if err != nil {
		return false, fmt.Errorf("crdt: merge GCounter: %w", wire.Damaged(err))
	}
	return c.Merge(&GCounter{gCounterState: gCounterState{all: all}}), nil
}

// readShares reads what AppendBinary wrote, in the memory of spare.
func readShares(data []byte, spare []share) ([]share, error) {
	r := wire.NewReader(data)
	closed := readCounterHead(r)
	n := r.Count(3)
	all := slices.Grow(spare[:0], n)
	for i := range n {
		s := share{replica: readReplica(r, all[:n][i].replica), total: r.Uvarint()}
		if closed {
			s.below = r.Uvarint()
		}
		switch n := len(all); {
		case s.total == 0:
			r.Fail("replica %q has a total of 0", s.replica)
		case n > 0 && all[n-1].replica >= s.replica:
			r.Fail("replica %q follows %q", s.replica, all[n-1].replica)
		}
		if r.Err() != nil {
			break
		}
		all = append(all, s)
	}
	if err := checkShares(all, closed); err != nil && r.Err() == nil {
		r.Fail("%w", err)
	}
	return all, r.Close()
}

// MarshalJSON implements [json.Marshaler], as in {"eu":"3","us":["4","2"]}: a
// list has the total of closed incarnations and the first that is open.
func (c gCounterState) MarshalJSON() ([]byte, error) {
	return (&GCounter{gCounterState: c}).marshalJSON()
}

func (c *GCounter) marshalJSON() ([]byte, error) {
	totals := make(map[vclock.Replica]any)
	for _, s := range c.shares() {
		totals[s.replica] = natural(s.total)
		if isClosed(s) {
			totals[s.replica] = []natural{natural(s.total), natural(s.below)}
		}
	}
	return json.Marshal(totals)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *GCounter) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	var all []share
	err := value.DecodeObject(data, func(name string, value []byte) error {
		s, err := parseShare(name, value)
		all = append(all, s)
		return err
	})
	slices.SortFunc(all, func(a, b share) int { return compareShares(&a, &b) })
	if err == nil {
		err = checkShares(all, slices.ContainsFunc(all, isClosed))
	}
	if err != nil {
		return fmt.Errorf("crdt: decode GCounter: %w", wire.Damaged(err))
	}
	*c = GCounter{gCounterState: gCounterState{all: all}}
	return nil
}

// parseShare reads the total of one replica.
func parseShare(name string, text []byte) (share, error) {
	s := share{replica: vclock.Replica(name)}
	parts := []json.RawMessage{text}
	var err error
	if isList := len(text) > 0 && text[0] == '['; isList {
		if err = decodeList(text, &parts); err == nil && len(parts) != 2 {
			err = fmt.Errorf("%d numbers of replica %q, want 2", len(parts), name)
		}
	}
	var numbers [2]natural
	for i := range parts {
		if err == nil {
			err = parseNumeral(parts[i], &numbers[i])
		}
		if err == nil && (numbers[i] == 0 || !s.replica.IsValid()) {
			err = fmt.Errorf("invalid total %d of replica %q", numbers[i], name)
		}
	}
	s.total, s.below = uint64(numbers[0]), uint64(numbers[1])
	return s, err
}
