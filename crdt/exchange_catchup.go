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

// Ask returns the message that begins an exchange with a peer, by which both find out
// what they have to send each other: see [ORSet.Answer]. It has 18 bytes and the kind of the state, or up to 256 for a
// small state, which it then holds. Salt should be another number each time: two states whose
// difference is overlooked, which happens once in some 10⁶ exchanges of 100 differences, are
// then told apart by the next exchange.
//
// It takes O(p) for p pages of 128 dots.
func (s *ORSet[E]) Ask(salt uint64) []byte {
	s = s.state()
	return newExchange(s.root, s).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer. It changes nothing. Delta, if
// not nil, is what the message brought, to be merged by the caller; reply, if not nil, is to be
// sent to the peer, which answers it in the same way:
//
//	msg := a.Ask(salt)
//	reply, delta, err := b.Answer(msg) // and so on, until reply is nil
//	if delta != nil {
//		b.Merge(delta)
//	}
//
// Then each has what the other had when the exchange began, removals too. Nothing else
// travels: no element that the other side has, or has seen removed. Beside elements a
// difference costs about 30 bytes, and 3 bytes go for each 1024 elements or, in a state of
// more than a million, for each 1000th part of it. The one who asks is done after two round trips, the other
// one with one more message.
//
// Both sides may change, and exchange with others, meanwhile. Messages may be lost, late, or there
// twice: what they bring may be merged by anybody at any time, and what an exchange
// has missed is found by the next. Nothing has to be kept between messages.
//
// Answer returns an error, and nil for the rest, if msg is none that a peer sends for a state of this
// type. It takes O(p) for p pages of 128 dots, plus what it takes to encode what is sent and
// to decode what was. What it allocates for the message is bounded as in UnmarshalBinary.
//
// A message is as good as a state: one that lies about what is removed removes it.
// Authenticate peers.
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

// Answer answers a message of a peer, from Ask or Answer, and changes nothing: delta, if
// not nil, is to be merged, reply, if not nil, to be sent. See [ORSet.Answer]. A value
// that V cannot hold is kept in the delta; its [*content.ValueError] comes beside delta and
// reply.
func (m *MVRegister[V]) Answer(msg []byte) (reply []byte, delta *MVRegister[V], err error) {
	m = m.state()
	reply, d, brought, err := answer(m.root, m, msg)
	if brought && (err == nil || errors.Is(err, content.ErrUnreadable)) {
		delta = new(MVRegister[V])
		delta.adopt(d)
	}
	return reply, delta, err
}

// Ask returns the message that begins an exchange with a peer, by which both find out
// what they have to send each other. See [ORSet.Ask].
// It takes O(n log n) for n changes that the values hold.
func (m *ORMap[K, V]) Ask(salt uint64) []byte {
	m = m.state()
	return newExchange(m.root, m).ask(salt)
}

// Answer answers a message of a peer, from Ask or Answer, and changes nothing: delta, if
// not nil, is to be merged, reply, if not nil, to be sent. See [ORSet.Answer].
// Of a key only what the peer has not seen travels, at any depth, and counters of a life that one side
// only has closed as a whole. It takes O(n log n) for n changes that the values
// hold. A value that a register cannot hold is kept in the delta; its [*content.ValueError]
// comes beside delta and reply.
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

// Answer answers a message of a peer, from Ask or Answer, and changes nothing: delta, if
// not nil, is to be merged, reply, if not nil, to be sent. See [ORSet.Answer]. What was counted in a
// life that one side only has closed travels as a whole.
func (c *PNCounter) Answer(msg []byte) (reply []byte, delta *PNCounter, err error) {
	c = c.state()
	reply, d, brought, err := answer(c.root, c, msg)
	if brought && err == nil {
		delta = new(PNCounter)
		delta.adopt(d)
	}
	return reply, delta, err
}
