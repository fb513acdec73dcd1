package crdt

import (
	"errors"

	"github.com/rejoin-go/rejoin/vclock/content"
)

// answer is the Answer of v, a state of r, and reports whether the message brought
// anything.
func answer[V Value[V]](r *root, v V, msg []byte) (reply []byte, delta V, brought bool, err error) {
	reply, brings, d, err := newExchange(r, v).answer(msg)
	delta, _ = d.(V)
	return reply, delta, brings != nil, err
}

// Ask returns the message that begins an exchange, in O(p): see [ORSet.Answer].
// It has 18 bytes and its kind, or up to 256 with all of a small state. Use a
// new salt each time: each misses a difference of 100 in some 10⁶ exchanges.
func (s *ORSet[E]) Ask(salt uint64) []byte {
	s = s.state()
	return newExchange(s.root, s).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer, and changes nothing.
// Delta, if not nil, is what the message brought, for the caller to merge.
// Reply, if not nil, is for the peer, which answers it in the same way. If msg
// is none that a peer sends for this type there is only an error.
//
// In the end each has what the other had at the beginning, removals too.
// Nothing travels that the other side has, or has seen removed. Beside elements
// a difference costs about 30 bytes, and 3 bytes go for each 1024 elements, or
// for each 1000th part of a state of more than a million. The one who asks is
// done after two round trips, the other with one more message. Answer takes
// O(p) for p pages of 128 dots, beside encoding and decoding.
//
// Both sides may change, and exchange with others, meanwhile. Messages may be
// lost, late or repeated: anybody may merge at any time what they bring, and
// the next exchange finds what this one missed. Nothing is kept between
// messages. A message that lies about removals removes: authenticate peers.
func (s *ORSet[E]) Answer(msg []byte) (reply []byte, delta *ORSet[E], err error) {
	s = s.state()
	reply, d, brought, err := answer(s.root, s, msg)
	if brought && err == nil {
		delta = new(ORSet[E])
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange: see [ORSet.Ask].
func (s *RWSet[E]) Ask(salt uint64) []byte {
	s = s.state()
	return newExchange(s.root, s).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer: see [ORSet.Answer].
func (s *RWSet[E]) Answer(msg []byte) (reply []byte, delta *RWSet[E], err error) {
	s = s.state()
	reply, d, brought, err := answer(s.root, s, msg)
	if brought && err == nil {
		delta = new(RWSet[E])
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange: see [ORSet.Ask].
func (f *EWFlag) Ask(salt uint64) []byte {
	f = f.state()
	return newExchange(f.root, f).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer: see [ORSet.Answer].
func (f *EWFlag) Answer(msg []byte) (reply []byte, delta *EWFlag, err error) {
	f = f.state()
	reply, d, brought, err := answer(f.root, f, msg)
	if brought && err == nil {
		delta = new(EWFlag)
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange: see [ORSet.Ask].
func (f *DWFlag) Ask(salt uint64) []byte {
	f = f.state()
	return newExchange(f.root, f).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer: see [ORSet.Answer].
func (f *DWFlag) Answer(msg []byte) (reply []byte, delta *DWFlag, err error) {
	f = f.state()
	reply, d, brought, err := answer(f.root, f, msg)
	if brought && err == nil {
		delta = new(DWFlag)
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange: see [ORSet.Ask].
func (m *MVRegister[V]) Ask(salt uint64) []byte {
	m = m.state()
	return newExchange(m.root, m).ask(salt)
}

// Answer is like [ORSet.Answer]. A value that V cannot hold is kept in delta,
// and its [*content.ValueError] comes beside.
func (m *MVRegister[V]) Answer(msg []byte) (reply []byte, delta *MVRegister[V], err error) {
	m = m.state()
	reply, d, brought, err := answer(m.root, m, msg)
	if brought && (err == nil || errors.Is(err, content.ErrUnreadable)) {
		delta = new(MVRegister[V])
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask begins an exchange, in O(n log n) for n changes held: see [ORSet.Ask].
func (m *ORMap[K, V]) Ask(salt uint64) []byte {
	m = m.state()
	return newExchange(m.root, m).ask(salt)
}

// Answer is like [ORSet.Answer], [MVRegister.Answer] and [PNCounter.Answer]. Of
// a key only what is new travels. It takes O(n log n) for n changes held.
func (m *ORMap[K, V]) Answer(msg []byte) (reply []byte, delta *ORMap[K, V], err error) {
	m = m.state()
	reply, d, brought, err := answer(m.root, m, msg)
	if brought && (err == nil || errors.Is(err, content.ErrUnreadable)) {
		delta = new(ORMap[K, V])
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange: see [ORSet.Ask].
func (c *PNCounter) Ask(salt uint64) []byte {
	c = c.state()
	return newExchange(c.root, c).ask(salt)
}

// Answer is like [ORSet.Answer]. What was counted in an incarnation that only
// one side has closed travels as a whole.
func (c *PNCounter) Answer(msg []byte) (reply []byte, delta *PNCounter, err error) {
	c = c.state()
	reply, d, brought, err := answer(c.root, c, msg)
	if brought && err == nil {
		delta = new(PNCounter)
		delta.adopt(d)
	}
	return reply, delta, err
}
