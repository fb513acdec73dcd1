package mergetest

import (
	"bytes"
	"fmt"
	"hash/fnv"

	"github.com/rejoin-go/rejoin/merge"
)

// end checks what must hold at the end of a history.
func (r *recordRun[T]) end() *LawError {
	for _, check := range []func() *LawError{r.checkConvergence, r.checkHostile} {
		if failure := check(); failure != nil {
			return failure
		}
		for _, s := range r.sites {
			if key(s.rec) != s.key {
				return broken(Aliasing, "a copy of the record of %s was changed, and now that is %s", s.name, text(s.rec))
			}
		}
	}
	return nil
}

// checkConvergence lets every site merge every other, each in another order.
func (r *recordRun[T]) checkConvergence() *LawError {
	var first *merge.Record[T]
	var seen writeSet
	var said string
	n := len(r.sites)
	for i, s := range r.sites {
		seen |= s.seen
		x := s.rec.Clone()
		for j := range n {
			if x.Merge(r.sites[(i+j+1)%n].rec); i%2 == 1 {
				x.Merge(r.sites[(i+n-j)%n].rec)
			}
		}
		doc, err := x.MarshalJSON()
		if err != nil {
			return broken(RoundTrip, "the JSON of %s: %v", text(x), err)
		}
		if _, failure := r.travel(x, inJSON); failure != nil {
			return failure
		}
		check := fmt.Sprint(x.Check())
		if i == 0 {
			first, said = x, check+string(doc)
		}
		switch {
		case key(x) != key(first) || check+string(doc) != said || !x.Equal(first) || !first.Equal(x) || shows(x) != shows(first):
			return broken(Converges, "after all have merged all, a is %s\n"+s.name+" is %s", texts(first, x)...)
		}
	}
	return r.checkModel(first, seen, "every replica, after all have merged all,")
}

// checkHostile decodes damaged encodings of the largest record into copies of it.
func (r *recordRun[T]) checkHostile() *LawError {
	largest := r.sites[0]
	for _, s := range r.sites {
		if len(s.key) > len(largest.key) {
			largest = s
		}
	}
	doc, err := largest.rec.MarshalJSON()
	if err != nil {
		return nil // convergence has looked at it
	}
	for _, in := range damaged([]byte(largest.key)) {
		if failure := r.checkDecode(largest.state, in, (*merge.Record[T]).UnmarshalBinary); failure != nil {
			return failure
		}
	}
	for _, in := range damaged(doc) {
		if failure := r.checkDecode(largest.state, in, (*merge.Record[T]).UnmarshalJSON); failure != nil {
			return failure
		}
	}
	return nil
}

// checkDecode decodes a damaged encoding. Most damage must be refused; what looks
// like a state of its own must be one that merges.
func (r *recordRun[T]) checkDecode(s state[T], in []byte, decode func(*merge.Record[T], []byte) error) *LawError {
	into, given := s.rec.Clone(), bytes.Clone(in)
	failure := contain(func() *LawError {
		err := decode(into, given)
		switch {
		case !bytes.Equal(in, given):
			return broken(Argument, "decoding changed its input")
		case err != nil && key(into) != s.key:
			return broken(Hostile, "the error is %v\nand the receiver became %s", err, text(into))
		case err != nil:
			return nil
		}
		if _, failure := r.travel(into, inBinary); failure != nil {
			return broken(Hostile, "accepted, but %s", failure.Detail)
		}
		into.Get()
		both := s.rec.Clone()
		both.Merge(into)
		into.Merge(s.rec)
		if key(both) != key(into) {
			return broken(Hostile, "accepted, but merging what was decoded depends on the order: %s, %s", text(both), text(into))
		}
		return nil
	})
	if failure != nil {
		failure.Detail = fmt.Sprintf("decoding %q:\n%s", in, failure.Detail)
	}
	return failure
}

// damaged returns inputs that are nearly p: cut short, continued, and with bytes
// changed. They depend on p only.
func damaged(p []byte) [][]byte {
	h := fnv.New64a()
	_, _ = h.Write(p) // a hash never fails
	state := h.Sum64()
	below := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's linear congruential generator
		return int(state>>33) % n
	}
	all := [][]byte{nil, append(bytes.Clone(p), 0)}
	for range min(len(p), 32) {
		i := below(len(p))
		q := bytes.Clone(p)
		q[i] = []byte{0, q[i] + 1, q[i] ^ 0x80, byte(below(256))}[below(4)]
		all = append(all, p[:i:i], q, append(p[:i:i], p[i+1:]...))
	}
	return all
}
