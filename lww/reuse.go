package lww

import "github.com/rejoin-go/rejoin/vclock/content"

// Who decodes one row after the other decodes into the same state: into the memory of what
// it was before the last row, so that it stays as it is if there is an error. A state
// that was decoded into thus has two memories, which take turns.

// mostSpare is the size of encoded states up to which the memory of the last one is kept:
// that of rows.
const mostSpare = 1 << 16

// unmarshal makes c what decodeBinary returns, unless that is an error or a value that V
// cannot hold.
func (c *core[K, V]) unmarshal(data []byte, set bool) (*content.ValueError, error) {
	if c.spare == nil && cap(c.entries) == 0 || len(data) > mostSpare {
		next, bad, err := decodeBinary[K, V](data, set)
		if bad == nil && err == nil {
			*c = next
		}
		return bad, err
	}
	next := c.spare
	if c.spare = nil; next == nil {
		next = new(core[K, V])
	}
	next.recycle()
	bad, err := next.decode(data, set)
	if bad != nil || err != nil {
		c.spare = next
		return bad, err
	}
	*c, *next = *next, *c
	if cap(next.entries) <= mostSpare/smallest {
		c.spare = next
	}
	return nil, nil
}

// recycle empties c but for its memory, in which remind finds what was there.
func (c *core[K, V]) recycle() {
	c.entries, c.encs, c.replicas.names = c.entries[:0], c.encs[:0], c.replicas.names[:0]
	clear(c.replicas.index)
	c.horizon, c.dead = 0, 0
}

// remind gives e, which is to be the next entry, the strings of the one that was there
// before, which are often the same.
func (c *core[K, V]) remind(e *entry[K, V]) {
	n := len(c.entries)
	if n == cap(c.entries) {
		return
	}
	old := &c.entries[:n+1][n]
	e.key = old.key
	if v, ok := any(&e.value).(*string); ok && !e.deleted() {
		*v = *any(&old.value).(*string)
	}
}
