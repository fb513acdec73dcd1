package crdt

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// AppendBinary implements [encoding.BinaryAppender].
func (c *BoundedCounter) AppendBinary(b []byte) ([]byte, error) {
	c = c.orEmpty()
	all := c.holdings()
	b = append(appendGrownHead(b, kindBoundedCounter, ""), value.Bit(c.bound.upper))
	b = binary.AppendVarint(b, c.bound.at)
	b = binary.AppendUvarint(b, uint64(len(all)))
	for i := range all {
		b = wire.AppendBytes(b, all[i].replica)
		b = binary.AppendUvarint(b, uint64(all[i].minted))
		b = binary.AppendUvarint(b, uint64(all[i].spent))
	}
	place := func(b []byte, r vclock.Replica) []byte {
		i, _ := slices.BinarySearchFunc(all, r, func(h holding, r vclock.Replica) int { return cmp.Compare(h.replica, r) })
		return binary.AppendUvarint(b, uint64(i))
	}
	b = binary.AppendUvarint(b, uint64(len(c.moves)))
	for _, a := range c.moves {
		b = place(b, a.owner)
		b = binary.AppendUvarint(b, uint64(a.backed))
		for _, moves := range [][]move{a.given, a.taken} {
			b = binary.AppendUvarint(b, uint64(len(moves)))
			for _, m := range moves {
				b = binary.AppendUvarint(place(b, m.to), uint64(m.n))
			}
		}
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c *BoundedCounter) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (c *BoundedCounter) UnmarshalBinary(data []byte) error {
	x, err := readBounded(data)
	if err != nil {
		return fmt.Errorf("crdt: decode BoundedCounter: %w", wire.Damaged(err))
	}
	c.boundedCounterState = x.boundedCounterState
	return nil
}

// MergeBinary is Merge of a binary form, which it decodes first.
func (c *BoundedCounter) MergeBinary(data []byte) (bool, error) {
	x, err := readBounded(data)
	if err != nil {
		return false, fmt.Errorf("crdt: merge BoundedCounter: %w", wire.Damaged(err))
	}
	return c.Merge(x), nil
}

// readBounded reads what AppendBinary wrote.
func readBounded(data []byte) (*BoundedCounter, error) {
	var x BoundedCounter
	r := wire.NewReader(data)
	readGrownHead(r, kindBoundedCounter, "")
	side := r.Byte()
	if side > 1 {
		r.Fail("side %d of the bound is neither 0 nor 1", side)
	}
	x.bound.upper = side == 1
	u := r.Uvarint()
	x.bound.at = int64(u>>1) ^ -int64(u&1)
	x.all = readHoldings(r)
	x.moves = readLedger(r, x.all)
	if err := r.Close(); err != nil {
		return nil, err
	}
	return &x, x.adopt()
}

func readAmount(r *wire.Reader) int64 {
	n := r.Uvarint()
	if n > math.MaxInt64 {
		r.Fail("amount %d exceeds 63 bits", n)
	}
	return int64(n)
}

func readHoldings(r *wire.Reader) []holding {
	n := r.Count(4)
	if n == 0 {
		return nil
	}
	all := make([]holding, 0, n)
	for range n {
		e := entry{readReplica(r, ""), readAmount(r), readAmount(r)}
		if k := len(all); k > 0 && all[k-1].replica >= e.replica {
			r.Fail("replica %q follows %q", e.replica, all[k-1].replica)
		}
		if r.Err() != nil {
			return nil
		}
		all = append(all, holding{entry: e})
	}
	return all
}

// readPlace reads a place in the list of replicas that is larger than the one
// before it.
func readPlace(r *wire.Reader, all []holding, before int) int {
	i := r.Uvarint()
	switch {
	case i >= uint64(len(all)):
		r.Fail("place %d in a list of %d replicas", i, len(all))
		return 0
	case int(i) <= before:
		r.Fail("place %d follows %d", i, before)
	}
	return int(i)
}

func readLedger(r *wire.Reader, all []holding) ledger {
	n := r.Count(6)
	if n == 0 {
		return nil
	}
	l := make(ledger, 0, n)
	before := -1
	for range n {
		i := readPlace(r, all, before)
		before = i
		backed := readAmount(r)
		given, taken := readMoves(r, all), readMoves(r, all)
		if r.Err() != nil {
			return nil
		}
		l = append(l, account{all[i].replica, backed, given, taken})
	}
	return l
}

func readMoves(r *wire.Reader, all []holding) []move {
	n := r.Count(2)
	if n == 0 {
		return nil
	}
	moves := make([]move, 0, n)
	before := -1
	for range n {
		before = readPlace(r, all, before)
		amount := readAmount(r)
		if r.Err() != nil {
			return nil
		}
		moves = append(moves, move{all[before].replica, amount})
	}
	return moves
}

// adopt completes a decoded state, or returns an error if it is not one that
// mutators and merges can make.
func (c *BoundedCounter) adopt() error {
	named := make(map[vclock.Replica]bool)
	for _, a := range c.moves {
		named[a.owner] = true
		if len(a.given)+len(a.taken) == 0 {
			return fmt.Errorf("account of replica %q without a move", string(a.owner))
		}
		if i, found := c.search(a.owner); a.backed > 0 && (!found || c.all[i].minted < a.backed) {
			return fmt.Errorf("account of replica %q is backed by more than it minted", string(a.owner))
		}
		for _, m := range slices.Concat(a.given, a.taken) {
			named[m.to] = true
			if m.to == a.owner {
				return fmt.Errorf("replica %q moved rights to itself", string(a.owner))
			}
		}
		for _, m := range a.given {
			if m.n == 0 {
				return fmt.Errorf("replica %q gave nothing to %q", string(a.owner), string(m.to))
			}
		}
	}
	c.settle()
	for i := range c.all {
		if h := &c.all[i]; h.minted == 0 && h.spent == 0 && !named[h.replica] {
			return fmt.Errorf("replica %q did nothing", string(h.replica))
		}
	}
	return nil
}

type boundedJSON struct {
	AtLeast  *decimal                       `json:"atLeast,omitempty"`
	AtMost   *decimal                       `json:"atMost,omitempty"`
	Replicas map[vclock.Replica]*escrowJSON `json:"replicas"`
}

type escrowJSON struct {
	Minted decimal                    `json:"minted"`
	Spent  decimal                    `json:"spent"`
	Backed *decimal                   `json:"backed,omitempty"`
	Given  map[vclock.Replica]decimal `json:"given,omitempty"`
	Taken  map[vclock.Replica]decimal `json:"taken,omitempty"`
}

// MarshalJSON implements [json.Marshaler], as in
//
//	{"atLeast":"0","replicas":{"us":{"minted":"9","spent":"1","backed":"9","given":{"eu":"4"}}}}
func (c boundedCounterState) MarshalJSON() ([]byte, error) {
	return (&BoundedCounter{boundedCounterState: c}).marshalJSON()
}

func (c *BoundedCounter) marshalJSON() ([]byte, error) {
	at := decimal(c.bound.at)
	out := boundedJSON{AtLeast: &at, Replicas: make(map[vclock.Replica]*escrowJSON)}
	if c.bound.upper {
		out.AtLeast, out.AtMost = nil, &at
	}
	for _, h := range c.holdings() {
		out.Replicas[h.replica] = &escrowJSON{Minted: decimal(h.minted), Spent: decimal(h.spent)}
	}
	for _, a := range c.moves {
		backed := decimal(a.backed)
		e := out.Replicas[a.owner]
		e.Backed, e.Given, e.Taken = &backed, movesJSON(a.given), movesJSON(a.taken)
	}
	return json.Marshal(out)
}

func movesJSON(moves []move) map[vclock.Replica]decimal {
	out := make(map[vclock.Replica]decimal, len(moves))
	for _, m := range moves {
		out[m.to] = decimal(m.n)
	}
	return out
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *BoundedCounter) UnmarshalJSON(data []byte) error {
	if isNull(data) {
		return nil
	}
	x, err := parseBounded(data)
	if err != nil {
		return fmt.Errorf("crdt: decode BoundedCounter: %w", wire.Damaged(err))
	}
	c.boundedCounterState = x.boundedCounterState
	return nil
}

func parseBounded(data []byte) (*BoundedCounter, error) {
	m, err := membersOf(data, "atLeast", "atMost", "replicas")
	if err != nil {
		return nil, err
	}
	lower, upper, replicas := m[0], m[1], m[2]
	switch {
	case (lower == nil) == (upper == nil):
		return nil, errors.New("want one of atLeast and atMost")
	case replicas == nil:
		return nil, errors.New(`no member "replicas"`)
	}
	x := new(BoundedCounter)
	var at decimal
	if err := parseNumeral(slices.Concat(lower, upper), &at); err != nil {
		return nil, err
	}
	x.bound = bound{upper: lower == nil, at: int64(at)}
	if err := value.DecodeObject(replicas, x.parseReplica); err != nil {
		return nil, err
	}
	slices.SortFunc(x.all, func(a, b holding) int { return compareHoldings(&a, &b) })
	slices.SortFunc(x.moves, func(a, b account) int { return compareAccounts(&a, &b) })
	for _, a := range x.moves {
		for _, m := range slices.Concat(a.given, a.taken) {
			if _, listed := x.search(m.to); !listed {
				return nil, fmt.Errorf("replica %q moved rights to %q, which is not listed", string(a.owner), string(m.to))
			}
		}
	}
	return x, x.adopt()
}

// parseReplica adds what a state has of one replica.
func (c *BoundedCounter) parseReplica(name string, text []byte) error {
	r := vclock.Replica(name)
	if !r.IsValid() {
		return errors.New("invalid replica")
	}
	m, err := membersOf(text, "minted", "spent", "backed", "given", "taken")
	if err != nil {
		return err
	}
	var numbers [3]int64
	moved := m[2] != nil || m[3] != nil || m[4] != nil
	for i := range numbers {
		if i == 2 && !moved {
			break
		}
		if numbers[i], err = parseAmount(m[i]); err != nil {
			return err
		}
	}
	c.all = append(c.all, holding{entry: entry{r, numbers[0], numbers[1]}})
	if !moved {
		return nil
	}
	a := account{owner: r, backed: numbers[2]}
	if a.given, err = parseMoves(m[3]); err != nil {
		return err
	}
	if a.taken, err = parseMoves(m[4]); err != nil {
		return err
	}
	c.moves = append(c.moves, a)
	return nil
}

// parseMoves reads moves of rights, sorted by replica. P may be nil, but not an
// object without any.
func parseMoves(p []byte) ([]move, error) {
	if p == nil {
		return nil, nil
	}
	var moves []move
	err := value.DecodeObject(p, func(name string, value []byte) error {
		n, err := parseAmount(value)
		moves = append(moves, move{vclock.Replica(name), n})
		return err
	})
	if err == nil && moves == nil {
		err = errors.New("no moves")
	}
	slices.SortFunc(moves, func(a, b move) int { return compareMoves(&a, &b) })
	return moves, err
}

// parseAmount reads a number that is not negative.
func parseAmount(p []byte) (int64, error) {
	if p == nil {
		return 0, errors.New("lacks a member")
	}
	var n decimal
	err := parseNumeral(p, &n)
	if err == nil && n < 0 {
		err = fmt.Errorf("%d is negative", n)
	}
	return int64(n), err
}
