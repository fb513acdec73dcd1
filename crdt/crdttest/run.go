package crdttest

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// A run executes one history and checks the laws after every step.
type run[S crdt.State[S]] struct {
	k      *Kit[S]
	laws   bool // whether steps are checked
	ended  bool // whether all steps are done
	sites  []*site[S]
	deltas map[int]message[S] // by the id of the step that made it
	order  []int              // keys of deltas, oldest first
	place  []int              // for each of order, the number of its step in said
	events []Event
	said   []string // the steps that did something
	whole  bool     // whether every event has a delta

	clients map[int]client[S] // by the id of the step in which they read
	names   []vclock.Replica  // of all sites that there were
	forgot  int               // how often something was compacted
	late    eventSet          // updates for clients that had seen less than their site
}

// A site is one replica. Its state is changed by steps only; every check works
// on clones, so that a fault of one law does not pass for a fault of another.
type site[S crdt.State[S]] struct {
	name  string // a, b, c: the lineage before any crash
	life  int    // the number of crashes
	state S
	seen  sight
	saved snapshot[S]
	key   string       // what key returned for state after the last step
	knows *lawkit.Rows // what it knows that others have seen
}

// A sight is what a state has seen: by its merges and deliveries alone, and with
// what [Kit.Carries] adds to deliveries; and the compactions that have gone into it.
type sight struct{ bare, full, forgot eventSet }

func (s sight) join(t sight) sight {
	return sight{s.bare | t.bare, s.full | t.full, s.forgot | t.forgot}
}

func (s sight) with(e Event) sight {
	s.bare, s.full = s.bare.with(e.index), s.full.with(e.index)
	return s
}

// A message is a delta on its way, or several joined. What it has forgotten is what
// its sites had.
type message[S any] struct {
	state S
	seen  sight
	key   string
}

type snapshot[S any] struct {
	state S
	seen  sight
}

func (s *site[S]) replica() vclock.Replica {
	if s.life == 0 {
		return vclock.Replica(s.name)
	}
	return vclock.Incarnation(s.name, uint64(s.life))
}

// run executes h and returns the first law that it breaks, or nil.
func (k *Kit[S]) run(h history) *LawError {
	_, failure := k.execute(h, checks{steps: true, end: true})
	return failure
}

// checks says which checks a run makes: those after each step, and those that
// follow the last.
type checks struct{ steps, end bool }

func (k *Kit[S]) execute(h history, c checks) (r *run[S], failure *LawError) {
	k.used = nil
	r = &run[S]{k: k, laws: c.steps, deltas: map[int]message[S]{}, clients: map[int]client[S]{}, whole: true}
	defer func() {
		if p := recover(); p != nil {
			failure = broken(Panics, "panic: %v%s", p, lawkit.Origin())
		}
		if failure != nil {
			failure.History, failure.atEnd = r.said, r.ended
		}
	}()
	for i := range k.replicas() {
		s := &site[S]{name: string(rune('a' + i)), state: k.New()}
		s.saved.state = k.New()
		s.key = k.key(s.state)
		r.sites = append(r.sites, s)
		r.admit(s)
	}
	for _, st := range h {
		if failure := r.step(st); failure != nil {
			return r, failure
		}
	}
	if !c.end {
		return r, nil
	}
	r.ended = true
	return r, r.end(h)
}

func (r *run[S]) say(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *run[S]) step(st step) *LawError {
	at := r.sites[st.at]
	var failure *LawError
	switch st.kind {
	case idle:
		return nil
	case update:
		cl, ok := r.client(st)
		if !ok {
			return nil
		}
		r.say("%s%s", r.k.describe(string(at.replica()), st), cl.said)
		failure = r.update(at, st, cl)
	case merge:
		from := r.sites[st.from]
		if from == at {
			return nil
		}
		r.say("%s merges %s", at.replica(), from.replica())
		failure = r.merge(at, from.state, from.seen)
		r.learn(at, from)
	case deliver:
		m, ok := r.deltas[st.first]
		if !ok || m.seen.forgot&^at.seen.forgot != 0 {
			return nil
		}
		r.say("%s gets the delta of %s", at.replica(), r.quote(st.first))
		failure = r.merge(at, m.state, m.seen)
	case group:
		return r.group(st)
	case save:
		at.saved = snapshot[S]{at.state.Clone(), at.seen}
		r.say("%s saves its state", at.replica())
		return nil
	case restart:
		old := at.replica()
		at.life++
		at.state, at.seen = at.saved.state.Clone(), at.saved.seen
		r.say("%s crashes and goes on from what it saved, as %s", old, at.replica())
		r.admit(at)
		r.catchUp(at)
	case read:
		r.read(at, st)
		return nil
	case compact:
		failure = r.compact(at)
	}
	if failure != nil || !r.laws {
		return failure
	}
	return r.after(at)
}

// quote names the step that made a delta by its number in what was said.
func (r *run[S]) quote(id int) string {
	return fmt.Sprintf("step %d", r.place[slices.Index(r.order, id)])
}

// update performs an operation at a site and checks its laws.
func (r *run[S]) update(at *site[S], st step, cl client[S]) *LawError {
	if failure := r.checkClones(at.state); failure != nil {
		return failure
	}
	op, before := r.k.Ops[st.op], at.state.Clone()
	delta, err := op.apply(at.state, at.replica(), cl.state, st.arg)
	some := !isNil(delta)
	if err != nil {
		r.said[len(r.said)-1] += ", refused"
		if !r.laws {
			return nil
		}
		return r.k.checkRefused(before, at.state, delta, err)
	}
	e := Event{Replica: at.replica(), Op: op.name, Arg: st.arg, index: len(r.events), seen: at.seen.full, all: &r.events}
	e.shown = e.seen
	if op.seen {
		e.shown &= cl.seen.full
	}
	if e.shown != e.seen {
		r.late = r.late.with(e.index)
	}
	r.events = append(r.events, e)
	at.seen = at.seen.with(e)
	r.whole = r.whole && some
	if some {
		m := message[S]{state: delta, seen: sight{forgot: at.seen.forgot}, key: r.k.key(delta)}
		m.seen = m.seen.with(e)
		for _, f := range r.events {
			if r.k.Carries != nil && e.seen.has(f.index) && r.k.Carries(e, f) {
				m.seen.full = m.seen.full.with(f.index)
			}
		}
		r.send(st.id, m)
	}
	if !r.laws {
		return nil
	}
	again := before.Clone()
	twin, _ := op.apply(again, at.replica(), cl.state, st.arg)
	return r.k.checkUpdate(updated[S]{before, at.state, delta, again, twin, some})
}

func (r *run[S]) send(id int, m message[S]) {
	r.deltas[id] = m
	r.order = append(r.order, id)
	r.place = append(r.place, len(r.said))
}

// merge joins y into the state of a site and checks the laws of Merge.
func (r *run[S]) merge(at *site[S], y S, seen sight) *LawError {
	at.seen = at.seen.join(seen)
	if !r.laws {
		at.state.Merge(y)
		return nil
	}
	if failure := r.checkClones(at.state); failure != nil {
		return failure
	}
	before := at.state.Clone()
	if failure := r.k.checkMergeApart(before, y); failure != nil {
		return failure
	}
	for _, s := range r.sites {
		if failure := r.k.checkAssociative(before, y, s.state); failure != nil {
			return failure
		}
	}
	changed := at.state.Merge(y)
	if changed == at.state.Equal(before) {
		return r.k.misreported("Merge", changed, before, at.state)
	}
	return nil
}

func (r *run[S]) group(st step) *LawError {
	x, ok := r.deltas[st.first]
	y, also := r.deltas[st.second]
	if !ok || !also {
		return nil
	}
	r.say("the deltas of %s and %s are joined", r.quote(st.first), r.quote(st.second))
	if r.laws {
		if failure := r.k.checkMerge(x.state, y.state); failure != nil {
			return failure
		}
	}
	m := message[S]{state: x.state.Clone(), seen: x.seen}
	m.state.Merge(y.state)
	m.seen = m.seen.join(y.seen)
	m.key = r.k.key(m.state)
	r.send(st.id, m)
	return nil
}

// after checks what must hold after every step: the state that changed is as the
// model and its encoding say, and no other changed.
func (r *run[S]) after(at *site[S]) *LawError {
	at.key = r.k.key(at.state)
	for _, s := range r.sites {
		if key := r.k.key(s.state); key != s.key {
			return r.k.changed(s.state, Aliasing, "the last step changed the state of %s too, which is now %s", s.name, r.k.show(s.state))
		}
	}
	if failure := r.k.checkCodec(at.state); failure != nil {
		return failure
	}
	return r.checkModel(at.state, at.seen, string(at.replica()))
}

// checkModel compares what a state shows with the model. It leaves out a state that
// has forgotten something and got deltas without those before them: it may have
// forgotten what one of those before would have overridden.
func (r *run[S]) checkModel(s S, seen sight, who string) *LawError {
	if r.k.Model == nil || seen.forgot != 0 && !r.isClosed(seen) {
		return nil
	}
	var visible []Event
	for _, e := range r.events {
		if seen.full.has(e.index) {
			visible = append(visible, e)
		}
	}
	got, want := r.k.Value(s), r.k.Model(visible)
	if same(got, want) {
		return nil
	}
	if fmt.Sprint(got) == fmt.Sprint(want) {
		return broken(Model, "%s shows %#v, want %#v", who, got, want)
	}
	return broken(Model, "%s shows %v, want %v", who, got, want)
}
