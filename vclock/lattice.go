package vclock

import "slices"

// Compare returns how the history of c relates to that of d: [Before] means
// that c is part of d. It does not allocate.
func (c Clock) Compare(d Clock) Order {
	if c.names == d.names {
		return compareSeqs(c.seqs, d.seqs)
	}
	order, _, _ := c.relate(d)
	return order
}

// Equal reports whether c and d have the same entries.
func (c Clock) Equal(d Clock) bool { return c.names == d.names && slices.Equal(c.seqs, d.seqs) }

// Covers reports whether c has every event of d: is equal to it or after it.
func (c Clock) Covers(d Clock) bool {
	switch c.Compare(d) {
	case Equal, After:
		return true
	case Before, Concurrent:
	}
	return false
}

// Join returns the least clock that covers c and d: the union of the histories,
// of each entry the larger number. It is commutative, associative and
// idempotent. It returns one of the two, without allocating, if that covers the
// other.
func (c Clock) Join(d Clock) Clock {
	if c.names == d.names {
		return c.joinSame(d)
	}
	order, common, commonBytes := c.relate(d)
	switch order {
	case Equal, After:
		return c
	case Before:
		return d
	case Concurrent:
	}
	var b builder
	b.seqs = make([]uint64, 0, len(c.seqs)+len(d.seqs)-common)
	b.names.Grow(len(c.names) + len(d.names) - commonBytes)
	for p := (pairs{c, d}); p.more(); {
		r, n, m := p.next()
		b.push(r, max(n, m))
	}
	return b.clock()
}

// joinSame joins two clocks with the same names.
func (c Clock) joinSame(d Clock) Clock {
	switch compareSeqs(c.seqs, d.seqs) {
	case Equal, After:
		return c
	case Before:
		return d
	case Concurrent:
	}
	seqs := make([]uint64, len(c.seqs)) // slices.Clone takes a third longer
	theirs := d.seqs[:len(seqs)]
	for i, n := range c.seqs {
		seqs[i] = max(n, theirs[i])
	}
	return Clock{c.names, seqs}
}

// Meet returns the greatest clock that c and d both cover: the events of both,
// of each entry the smaller number. Laws and memory are as for Join.
func (c Clock) Meet(d Clock) Clock {
	switch c.Compare(d) {
	case Equal, Before:
		return c
	case After:
		return d
	case Concurrent:
	}
	if c.names == d.names {
		seqs := slices.Clone(c.seqs)
		for i, n := range d.seqs {
			seqs[i] = min(seqs[i], n)
		}
		return Clock{c.names, seqs}
	}
	_, common, commonBytes := c.relate(d)
	if common == 0 {
		return Clock{}
	}
	var b builder
	b.seqs = make([]uint64, 0, common)
	b.names.Grow(commonBytes)
	for p := (pairs{c, d}); p.more(); {
		if r, n, m := p.next(); n > 0 && m > 0 {
			b.push(r, min(n, m))
		}
	}
	return b.clock()
}

// compareSeqs compares the numbers of two clocks with the same names.
func compareSeqs(c, d []uint64) Order {
	var before, after Order
	d = d[:len(c)]
	for i, n := range c {
		if n < d[i] {
			before = Before
		}
		if n > d[i] {
			after = After
		}
	}
	return before | after
}

// relate compares c and d and measures what they have in common: how many
// names, and how many bytes these take.
func (c Clock) relate(d Clock) (order Order, common, commonBytes int) {
	i, j := 0, 0
	left, right := c.names, d.names
	for left != "" && right != "" {
		r, restLeft := cutName(left)
		s, restRight := cutName(right)
		switch {
		case r == s:
			order |= compareSeqs(c.seqs[i:i+1], d.seqs[j:j+1])
			common++
			commonBytes += 1 + len(r)
			i, left = i+1, restLeft
			j, right = j+1, restRight
		case r < s:
			order |= After
			i, left = i+1, restLeft
		default:
			order |= Before
			j, right = j+1, restRight
		}
	}
	if left != "" {
		order |= After
	}
	if right != "" {
		order |= Before
	}
	return order, common, commonBytes
}

// pairs walks two clocks in step: c and d are what is left of them.
type pairs struct{ c, d Clock }

func (p *pairs) more() bool { return len(p.c.seqs)+len(p.d.seqs) > 0 }

// next returns the next replica in ascending order and its numbers, one of
// which may be 0.
func (p *pairs) next() (r Replica, n, m uint64) {
	switch {
	case len(p.d.seqs) == 0:
		r, n = cutEntry(&p.c)
		return r, n, 0
	case len(p.c.seqs) == 0:
		r, m = cutEntry(&p.d)
		return r, 0, m
	}
	rc, _ := cutName(p.c.names)
	rd, _ := cutName(p.d.names)
	switch {
	case rc == rd:
		_, m = cutEntry(&p.d)
		r, n = cutEntry(&p.c)
	case rc < rd:
		r, n = cutEntry(&p.c)
	default:
		r, m = cutEntry(&p.d)
	}
	return r, n, m
}

// cutEntry removes the first entry from c and returns it.
func cutEntry(c *Clock) (r Replica, n uint64) {
	r, c.names = cutName(c.names)
	n, c.seqs = c.seqs[0], c.seqs[1:]
	return r, n
}
