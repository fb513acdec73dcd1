package crdttest

import (
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// compacter is what a type has that forgets.
type compacter interface {
	Compact(seen crdt.Context) bool
}

// clockOf returns what tells the clock of a state, or nil if the type is not
// compacted.
func (k *Kit[S]) clockOf() func(S) vclock.Clock {
	empty := any(k.New())
	if _, ok := empty.(compacter); !ok {
		return nil
	}
	type reader interface{ Context() crdt.Context }
	if _, ok := empty.(reader); ok && k.Clock == nil {
		return func(s S) vclock.Clock { return any(s).(reader).Context().Clock() }
	}
	return k.Clock
}

// admit makes the replica of s, which has not written yet, a member everywhere.
func (r *run[S]) admit(s *site[S]) {
	r.names = append(r.names, s.replica())
	s.knows = lawkit.NewRows()
	for _, o := range r.sites {
		m := lawkit.NewRows(r.names...)
		for name, row := range o.knows.All() {
			m.Record(name, row)
		}
		o.knows = m
	}
}

// learn records what a site knows after it has merged the state of another.
func (r *run[S]) learn(at, from *site[S]) {
	if r.k.clock == nil {
		return
	}
	for name, row := range from.knows.All() {
		at.knows.Record(name, row)
	}
	at.knows.Record(from.replica(), r.k.clock(from.state))
	at.knows.Record(at.replica(), r.k.clock(at.state))
}

// catchUp lets a site that has crashed merge the states of those that have
// forgotten something which is not forgotten in what it had saved. Otherwise it
// would not know what its writes have to reckon with.
func (r *run[S]) catchUp(at *site[S]) {
	for _, o := range r.sites {
		if o.seen.forgot&^at.seen.forgot != 0 {
			at.state.Merge(o.state)
			at.seen = at.seen.join(o.seen)
			r.said[len(r.said)-1] += fmt.Sprintf(", and merges %s", o.replica())
		}
	}
}

// compact lets a site forget what it knows that all have seen. It does nothing while
// an update is on its way here that was made for a client which had seen less than
// its site: that may be one which only what is forgotten would stop.
func (r *run[S]) compact(at *site[S]) *LawError {
	if r.k.clock == nil || r.late&^at.seen.full != 0 {
		return nil
	}
	r.say("%s compacts", at.replica())
	own := r.k.clock(at.state)
	at.knows.Record(at.replica(), own)
	stable, ok := at.knows.Settled(own)
	if !ok {
		return nil
	}
	seen := crdt.ContextOf(stable)
	before := at.state.Clone()
	changed := any(at.state).(compacter).Compact(seen)
	if changed {
		at.seen.forgot = at.seen.forgot.with(r.forgot)
		r.forgot++
	}
	if !r.laws {
		return nil
	}
	return r.k.checkCompact(before, at.state, changed, seen)
}

func (k *Kit[S]) checkCompact(before, after S, changed bool, seen crdt.Context) *LawError {
	if changed == after.Equal(before) {
		return k.misreported("Compact", changed, before, after)
	}
	if k.Value != nil {
		if x, y := k.Value(before), k.Value(after); !same(x, y) {
			return broken(Compaction, "x shows %v\nc(x) shows %v", x, y)
		}
	}
	if x := join(before, after); !x.Equal(after) || k.key(x) != k.key(after) {
		return k.changed(x, Compaction, "x is %s\nc(x) is %s\nx ⊔ c(x) is %s", k.texts(before, after, x)...)
	}
	again := before.Clone()
	any(again).(compacter).Compact(seen)
	if !again.Equal(after) || k.key(again) != k.key(after) {
		return k.changed(after, Deterministic, "x is %s\nc(x) is %s once, and %s another time", k.texts(before, after, again)...)
	}
	if any(again).(compacter).Compact(seen) {
		return broken(Compaction, "Compact finds more to forget when it is called again")
	}
	return nil
}

// A client has read a state.
type client[S any] struct {
	state S
	seen  sight
	said  string // how it is spoken of
}

// isClosed reports whether a state has seen all that the updates which it has seen
// had seen.
func (r *run[S]) isClosed(seen sight) bool {
	for _, e := range r.events {
		if seen.full.has(e.index) && e.seen&^seen.full != 0 {
			return false
		}
	}
	return true
}

// read lets a client read the state of a site. It only does where the state has
// seen all that its updates saw: else the state also knows of updates, by what
// undid them, that it has not seen.
func (r *run[S]) read(at *site[S], st step) {
	if !r.isClosed(at.seen) {
		return
	}
	r.say("a client reads %s", at.replica())
	r.clients[st.id] = client[S]{at.state.Clone(), at.seen, fmt.Sprintf(", for the client of step %d", len(r.said))}
}

// client returns who an update is made for, and false if there can be no such
// update: who has read before something was forgotten comes too late.
func (r *run[S]) client(st step) (cl client[S], ok bool) {
	if !r.k.Ops[st.op].seen {
		return cl, true
	}
	cl, ok = r.clients[st.first]
	if !ok {
		cl = client[S]{state: r.k.New(), said: ", for a client that has seen nothing"}
	}
	for _, s := range r.sites {
		if s.seen.forgot&^cl.seen.forgot != 0 {
			return cl, false
		}
	}
	return cl, true
}
