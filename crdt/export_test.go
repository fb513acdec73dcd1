package crdt

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// ClockOf returns the part of a context that has no gaps: what a replica reports
// to a [vclock.Matrix].
func ClockOf(c Context) (clock vclock.Clock) {
	if c.past != nil {
		for i, r := range c.past.names {
			clock = clock.With(r, c.past.seen[i].prefix)
		}
	}
	return clock
}

// Events returns the dots of a set and what each of them did.
func Events(s *RWSet[string]) map[vclock.Dot]string {
	all := map[vclock.Dot]string{}
	s = s.whole()
	s.events(func(d dot, what string) { all[s.root.name(d)] = what })
	return all
}

// KnownReplicas returns the number of replicas that a causal state has names of,
// whether it has seen anything of them or not.
func KnownReplicas(x any) int {
	if r := x.(interface{ rootOf() *root }).rootOf(); r != nil {
		return len(r.names)
	}
	return 0
}

// AddAtRow is AddAtBinary where it takes no decoded state.
func AddAtRow[K comparable](dst, row []byte, r vclock.Replica, key K, n int64) ([]byte, bool) {
	return addAtRow(dst, row, r, key, n)
}

// Asked returns how often a merge asked every key of m for what a delta removes, or noted
// where every event is.
func Asked[K comparable, V Value[V]](m *ORMap[K, V]) int {
	if m.where == nil {
		return 0
	}
	return m.where.asked
}

// Colliding returns those of the first n integers whose hashes in s agree in the
// bits that its index has.
func Colliding(s *ORSet[int], n int) []int {
	st := s.ready()
	first := map[uint64]int{}
	var all []int
	for e := range n {
		h := st.hash(e)
		if o, ok := first[h]; ok {
			all = append(all, o, e)
		}
		first[h] = e
	}
	return all
}

// Pages returns how many pages s has ever had at once.
func Pages(s *ORSet[int]) int { return len(s.store.pages) - 1 }

// AskLong is Ask that never sends a small state as a whole.
func AskLong[V Value[V]](v V, salt uint64) []byte {
	x := long(v)
	return x.ask(salt)
}

// AnswerLong is Answer that never sends a small state as a whole.
func AnswerLong[V Value[V]](v V, msg []byte) (reply []byte, delta V, err error) {
	x := long(v)
	reply, r, d, err := x.answer(msg)
	if r != nil && err == nil {
		delta = reflect.New(reflect.TypeFor[V]().Elem()).Interface().(V)
		any(delta).(interface{ adopt(V) }).adopt(d.(V))
	}
	return reply, delta, err
}

func long[V Value[V]](v V) *exchange {
	v = any(v).(interface{ state() V }).state()
	x := newExchange(v.rootOf(), v)
	x.small = false
	return x
}

// AddToRow is [AddBinary] without a decoded state, or false.
func AddToRow(dst, row []byte, r vclock.Replica, n int64) ([]byte, bool) {
	return addToRow(dst, row, r, n)
}

// AppendStep and ReadStep write and read a number after another; what is read may have
// something behind it.
func AppendStep(b []byte, from, to uint64) []byte { return appendStep(b, from, to) }

func ReadStep(p []byte, from uint64) (to uint64, n int, err error) {
	d := wire.NewReader(p)
	to = readStep(d, from)
	return to, d.Offset(), d.Err()
}

// MaxSeq is the largest number of a dot.
const MaxSeq uint64 = maxSeq
