package crdttest

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime/metrics"
	"strconv"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
)

var errNoCodec = errors.New("crdttest: no binary form")

// A format is what a type's empty state says about its encodings: which of them,
// if any, it has.
type format struct{ binary, json bool }

// formatOf finds the encodings of a type. A container may have the methods and yet
// return an error from them, because a type parameter has no encoding.
func formatOf(empty any) format {
	_, err := encode(empty)
	_, from := empty.(json.Unmarshaler)
	if to, ok := empty.(json.Marshaler); ok && from {
		_, failure := to.MarshalJSON()
		return format{binary: err == nil, json: failure == nil}
	}
	return format{binary: err == nil}
}

// encode returns the binary form of s, or errNoCodec if its type has none.
func encode(s any) ([]byte, error) {
	if _, ok := s.(encoding.BinaryUnmarshaler); !ok {
		return nil, errNoCodec
	}
	switch s := s.(type) {
	case encoding.BinaryAppender:
		return s.AppendBinary(nil)
	case encoding.BinaryMarshaler:
		return s.MarshalBinary()
	}
	return nil, errNoCodec
}

// readable returns bytes as text if they are text, else in hexadecimal.
func readable(p []byte) string {
	for _, c := range p {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", p)
		}
	}
	return strconv.Quote(string(p))
}

func decode(s any, p []byte) error { return s.(encoding.BinaryUnmarshaler).UnmarshalBinary(p) }

// Decode checks what a decoder must do with any input, as in a fuzz test: it
// returns without a panic, p is as it was, and either there is an error and the
// state is as it was, or the state encodes to p again. Fresh returns the state
// to decode into, an equal one every time, best not an empty one. Decode
// returns a [*LawError] without a history, or nil.
func Decode[S crdt.State[S]](fresh func() S, p []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = broken(Panics, "decoding %s panics: %v%s", readable(p), v, lawkit.Origin())
		}
	}()
	if failure := (&Kit[S]{New: fresh}).checkDecode(fresh, p); failure != nil {
		return failure
	}
	return nil
}

func (k *Kit[S]) checkDecode(fresh func() S, p []byte) *LawError {
	s, in := fresh(), bytes.Clone(p)
	before := s.Clone()
	if _, err := encode(s); errors.Is(err, errNoCodec) {
		return broken(Hostile, "%T has no binary form", s)
	}
	err := decode(s, in)
	if !bytes.Equal(in, p) {
		return broken(Hostile, "decoding %s changed the input to %s", readable(p), readable(in))
	}
	if err != nil {
		if !s.Equal(before) {
			return broken(Hostile, "decoding %s: error %q, and %s", readable(p), err,
				fmt.Sprintf("the receiver changed from %s to %s", k.texts(before, s)...))
		}
		return nil
	}
	out, err := encode(s)
	if err != nil {
		return broken(Hostile, "decoding %s: no error, but the result cannot be encoded: %v", readable(p), err)
	}
	if !bytes.Equal(out, p) {
		return broken(Hostile, "decoding %s: no error, but the result encodes to %s", readable(p), readable(out))
	}
	flip(in)
	if out, _ := encode(s); !bytes.Equal(out, p) {
		return broken(Aliasing, "a decoded state keeps its input: changing that changes the state to %s", k.show(s))
	}
	join(before, s)
	join(s, before)
	return nil
}

// checkMergeHostile checks that MergeBinary of a state equal to s refuses p where
// decoding does, and with an error leaves its receiver alone.
func (k *Kit[S]) checkMergeHostile(s S, p []byte) *LawError {
	x := s.Clone()
	m, ok := any(x).(merger)
	if !ok {
		return nil
	}
	in := bytes.Clone(p)
	_, err := m.MergeBinary(in)
	switch {
	case !bytes.Equal(in, p):
		return broken(Hostile, "merging the bytes %s changed them to %s", readable(p), readable(in))
	case err != nil && (!x.Equal(s) || k.key(x) != k.key(s)):
		return broken(Hostile, "merging the bytes %s: error %q, and %s", readable(p), err,
			fmt.Sprintf("the receiver changed from %s to %s", k.texts(s, x)...))
	case err == nil:
		if refused := decode(k.New(), in); refused != nil {
			return broken(Hostile, "merging the bytes %s: no error, but decoding them: %q", readable(p), refused)
		}
	}
	return nil
}

// checkCodec checks the encodings of one state: they decode to an equal state
// with equal bytes, and appending leaves what is there.
func (k *Kit[S]) checkCodec(s S) *LawError {
	if !k.format.binary {
		return nil
	}
	if failure := k.checkOutput(s); failure != nil {
		return failure
	}
	p, err := encode(s)
	if err != nil {
		return broken(RoundTrip, "encoding %s: %v", k.show(s), err)
	}
	back := k.New()
	if err := decode(back, p); err != nil {
		return k.changed(s, RoundTrip, "decoding the encoding of %s: %v", k.show(s), err)
	}
	if !back.Equal(s) || !s.Equal(back) {
		return broken(RoundTrip, "encoded: %s\ndecoded: %s", k.texts(s, back)...)
	}
	if out, err := encode(back); err != nil || !bytes.Equal(out, p) {
		return k.changed(s, RoundTrip, "%s is encoded as %s\ndecoded and encoded again: %s (error %v)", k.show(s), readable(p), readable(out), err)
	}
	if failure := k.checkAlike("a state", s, "one decoded from its bytes", back); failure != nil {
		return failure
	}
	if k.used == nil {
		used := k.New()
		k.used = &used
	}
	if failure := k.checkUsed(s, *k.used, p, decode); failure != nil {
		return failure
	}
	if a, ok := any(s).(encoding.BinaryAppender); ok {
		if out, err := a.AppendBinary([]byte("head")); err != nil || string(out) != "head"+string(p) {
			return k.changed(s, RoundTrip, "appending %s to %q gives %q (error %v)", k.show(s), "head", out, err)
		}
	}
	if m, ok := any(s).(encoding.BinaryMarshaler); ok {
		if out, err := m.MarshalBinary(); err != nil || !bytes.Equal(out, p) {
			return k.changed(s, RoundTrip, "AppendBinary and MarshalBinary differ for %s: %s, %s (error %v)", k.show(s), readable(p), readable(out), err)
		}
	}
	return nil
}

// checkOutput checks that the bytes MarshalBinary returns are the caller's: changing them
// does not change the state, and encoding does not change them. A type with AppendBinary
// has nothing to return that it keeps.
func (k *Kit[S]) checkOutput(s S) *LawError {
	x := s.Clone()
	if _, ok := any(x).(encoding.BinaryAppender); ok {
		return nil
	}
	p, err := encode(x)
	if err != nil {
		return nil // which is for checkCodec to say
	}
	want := bytes.Clone(p)
	flip(p)
	flipped := bytes.Clone(p)
	if again, err := encode(x); err != nil || !bytes.Equal(again, want) {
		return k.changed(x, Aliasing, "changing the bytes that %s was encoded as changes those of the next time from %s to %s (error %v)", k.show(s), readable(want), readable(again), err)
	}
	_, _ = encode(k.New()) // into the same buffer, if there is one for all
	if !bytes.Equal(p, flipped) {
		return broken(Aliasing, "encoding %s again, or the empty state, writes to the bytes returned before", k.show(s))
	}
	return nil
}

// checkUsed decodes p, a form of s that decode reads, into a state that others were
// decoded into before, and that was changed since. It changes used again.
func (k *Kit[S]) checkUsed(s, used S, p []byte, decode func(any, []byte) error) *LawError {
	held := used.Clone()
	before, key := k.key(held), k.key(s)
	if err := decode(used, p); err != nil {
		return k.changed(s, RoundTrip, "decoding %s from %s into %s: %v", k.show(s), readable(p), k.show(held), err)
	}
	if !used.Equal(s) || !s.Equal(used) || k.key(used) != key {
		return k.changed(s, RoundTrip, "encoded: %s\ndecoded into %s: %s", k.show(s), k.show(held), k.show(used))
	}
	for range 2 { // the memory that the clone was made of may have its turn later
		if err := decode(used, p); err != nil || k.key(used) != key {
			return k.changed(s, RoundTrip, "decoding %s again: %s (error %v)", k.show(s), k.show(used), err)
		}
	}
	if k.key(held) != before {
		return k.changed(s, Aliasing, "decoding %s into a state changes its clone, which is now %s", k.show(s), k.show(held))
	}
	if failure := k.checkAlike("a state", s, "one decoded into a used state", used); failure != nil {
		return failure
	}
	k.poke(used)
	return nil
}

type merger interface {
	MergeBinary(p []byte) (bool, error)
}

// checkMergeBinary checks that merging the bytes of y gives z = x ⊔ y.
func (k *Kit[S]) checkMergeBinary(x, y, z S) *LawError {
	w := x.Clone()
	m, ok := any(w).(merger)
	if !ok || !k.format.binary {
		return nil
	}
	p, err := encode(y)
	if err != nil {
		return broken(RoundTrip, "encoding %s: %v", k.show(y), err)
	}
	key, in := k.key(z), bytes.Clone(p)
	changed, err := m.MergeBinary(in)
	switch {
	case err != nil:
		return broken(Bytes, "merging the bytes of %s: %v", k.show(y), err)
	case !w.Equal(z) || k.key(w) != key:
		return k.changed(z, Bytes, "x is %s\ny is %s\nx ⊔ y is %s\nwith the bytes of y it is %s", k.texts(x, y, z, w)...)
	case changed == w.Equal(x):
		return k.misreported("MergeBinary", changed, x, w)
	}
	if flip(in); k.key(w) != key {
		return k.changed(z, Aliasing, "MergeBinary keeps its input: changing that changes the state from %s to %s", k.texts(z, w)...)
	}
	return nil
}

// checkStable checks that a state always encodes to the same bytes. A choice by
// map order shows only once in a while, of two keys in one of eight times, hence
// the repetition.
func (k *Kit[S]) checkStable(s S, times int) *LawError {
	p, err := encode(s)
	if err != nil {
		return nil
	}
	for range times {
		if q, _ := encode(s); !bytes.Equal(p, q) {
			return broken(Canonical, "encoding %s twice gives different bytes", k.show(s))
		}
	}
	return nil
}

// checkSameBytes checks that among states exactly the equal ones have equal bytes.
func (k *Kit[S]) checkSameBytes(states []S) *LawError {
	prints := make([][]byte, len(states))
	for i, s := range states {
		p, err := encode(s)
		if err != nil {
			return nil
		}
		if failure := k.checkStable(s, 24); failure != nil {
			return failure
		}
		prints[i] = p
	}
	for i, x := range states {
		for j, y := range states[:i] {
			if eq := x.Equal(y); eq != bytes.Equal(prints[i], prints[j]) {
				return broken(Canonical, "x is %s\ny is %s\nx = y is %t, their bytes are %s and %s",
					k.show(x), k.show(y), eq, readable(prints[i]), readable(prints[j]))
			} else if eq {
				if failure := k.checkAlike("x", x, "y, which is equal,", y); failure != nil {
					return failure
				}
			}
		}
	}
	return nil
}

// checkHostile decodes damaged encodings of s into states equal to s, and merges them.
func (k *Kit[S]) checkHostile(s S) *LawError {
	p, err := encode(s)
	if err != nil {
		return nil
	}
	var m meter
	used := k.New()
	for _, in := range damaged(p) {
		into := s.Clone()
		if failure := k.tryUsed(used, p, in); failure != nil {
			return failure
		}
		m.start()
		failure := k.tryDecode(into, in)
		if failure != nil {
			return failure
		}
		// Other goroutines are counted too, so ask again, and often, before accusing.
		least := m.stop()
		for try := 0; least > allocLimit(in) && try < maxMeasured; try++ {
			into := s.Clone()
			m.start()
			_ = decode(into, in) // the error has been looked at
			least = min(least, m.stop())
		}
		if least > allocLimit(in) {
			return broken(Bounded, "decoding the %d bytes %s allocates %d bytes", len(in), readable(in), least)
		}
	}
	return nil
}

// tryUsed makes used what p is, in memory that it had before, and then decodes in.
func (k *Kit[S]) tryUsed(used S, p, in []byte) *LawError {
	for range 2 {
		if err := decode(used, p); err != nil || k.key(used) != string(p) {
			return broken(Hostile, "after %s was decoded into a state, it takes %s for %s (error %v)", readable(in), readable(p), k.show(used), err)
		}
	}
	return k.tryDecode(used, in)
}

func (k *Kit[S]) tryDecode(into S, in []byte) (failure *LawError) {
	defer func() {
		if v := recover(); v != nil {
			failure = broken(Panics, "decoding %s panics: %v%s", readable(in), v, lawkit.Origin())
		}
	}()
	s := into.Clone()
	if failure := k.checkDecode(func() S { return into }, in); failure != nil {
		return failure
	}
	return k.checkMergeHostile(s, in)
}

// damaged returns inputs that are nearly p: cut short, continued, and with bytes
// changed. They depend on p only.
func damaged(p []byte) [][]byte {
	all := [][]byte{{}, append(bytes.Clone(p), 0), append(bytes.Clone(p), p...)}
	add := func(parts ...[]byte) { all = append(all, bytes.Join(parts, nil)) }
	intN := dice(p)
	stride := (len(p) + 31) / 32
	for i := 0; i < len(p); i += stride {
		i := min(i+intN(stride), len(p)-1)
		add(p[:i])
		for range 2 {
			switch intN(4) {
			case 0:
				add(p[:i], p[i+1:])
			case 1:
				add(p[:i], []byte{0}, p[i:])
			case 2:
				add(p[:i], binary.AppendUvarint(nil, 1<<40), p[i+1:])
			case 3:
				add(p[:i], [][]byte{{0}, {p[i] + 1}, {p[i] - 1}, {p[i] ^ 0x80}}[intN(4)], p[i+1:])
			}
		}
	}
	for range 16 * min(1, len(p)) {
		q := bytes.Clone(p)
		for range 1 + intN(3) {
			q[intN(len(q))] = byte(intN(256))
		}
		add(q)
	}
	return all
}

// dice returns a source of numbers from 0 to n-1 that depends on p only.
func dice(p []byte) (intN func(n int) int) {
	h := fnv.New64a()
	_, _ = h.Write(p) // a hash never fails
	state := h.Sum64()
	return func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's linear congruential generator
		return int(state>>33) % n
	}
}

// flip changes every byte of p.
func flip(p []byte) {
	for i := range p {
		p[i] ^= 0xff
	}
}

// allocLimit is how much decoding p may allocate before it is called unbounded.
func allocLimit(p []byte) uint64 { return 64<<10 + 512*uint64(len(p)) }

// maxMeasured is how often an allocation that is too large is measured again. A
// goroutine can lose its processor to others, which allocate, in each of a few.
const maxMeasured = 100

// A meter measures how many bytes the program allocates.
type meter struct {
	sample [1]metrics.Sample
	before uint64
}

func (m *meter) read() uint64 {
	m.sample[0].Name = "/gc/heap/allocs:bytes"
	metrics.Read(m.sample[:])
	return m.sample[0].Value.Uint64()
}

func (m *meter) start() { m.before = m.read() }

func (m *meter) stop() uint64 { return m.read() - m.before }
