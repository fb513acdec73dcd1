package mergetest

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A site is one replica in a run.
type site[T any] struct {
	state[T]
	name  string
	life  int // incarnations before this one
	clock ticks
	saved state[T]
}

// A state is a record, its encoding, and what it has seen.
type state[T any] struct {
	rec  *merge.Record[T]
	key  string
	seen writeSet
}

func (s state[T]) copied() state[T] { return state[T]{s.rec.Clone(), s.key, s.seen} }

func (s *site[T]) replica() vclock.Replica {
	if s.life == 0 {
		return vclock.Replica(s.name)
	}
	return vclock.Incarnation(s.name, uint64(s.life))
}

func (s *site[T]) writer() lww.Writer { return lww.Writer{Replica: s.replica(), Clock: &s.clock} }

// A ticks is a clock that counts the times it gives, and remembers the first that
// it gave for a write.
type ticks struct{ now, first hlc.Timestamp }

// Next implements the Clock of [lww.Writer].
func (c *ticks) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.now = max(c.now, after) + 1
	if c.first == 0 {
		c.first = c.now
	}
	return c.now, nil
}

// A shown is what a user was shown.
type shown[T any] struct {
	at    *site[T]
	value T
	token merge.Token
	seen  writeSet
}

// A tally counts edits, so that a kit all of whose edits are refused is noticed.
type tally struct {
	tried, written int
	refusal        error
}

func (t *tally) add(o tally) {
	t.tried, t.written = t.tried+o.tried, t.written+o.written
	if o.refusal != nil {
		t.refusal = o.refusal
	}
}

// A recordRun executes a history.
type recordRun[T any] struct {
	k      *RecordKit[T]
	laws   bool
	sites  []*site[T]
	writes []Write[T]
	sent   map[int]state[T]
	forms  map[int]shown[T]
	done   int // steps
	said   []string
	place  map[int]int // for each step that others refer to, its number in said
	wrong  bool        // a write left a value that the invariant refuses
	tally  tally

	pairs     []pair
	compacted bool
	trace     []trace
	follows   *recordRun[T] // whose history this run repeats without compacting; nil for none
}

// A pair is what [merge.Record.CompactRows] takes, once somebody has come up to reading.
type pair struct{ deleted, reading hlc.Timestamp }

// A trace is what a step came to.
type trace struct {
	shows     string
	touched   string // the path
	refused   bool
	compacted bool
}

// execute runs h, and checks the laws if laws says so.
func (k *RecordKit[T]) execute(h history, laws bool) (*recordRun[T], *LawError) {
	return k.executeAs(h, laws, nil)
}

func (k *RecordKit[T]) executeAs(h history, laws bool, follows *recordRun[T]) (*recordRun[T], *LawError) {
	r := &recordRun[T]{k: k, laws: laws, follows: follows, sent: map[int]state[T]{}, forms: map[int]shown[T]{}, place: map[int]int{}}
	failure := contain(func() *LawError {
		for i := range k.replicas() {
			s := &site[T]{name: string(rune('a' + i)), state: state[T]{rec: k.Plan.NewRecord()}}
			s.key = key(s.rec)
			s.saved = s.copied()
			r.sites = append(r.sites, s)
		}
		for _, st := range h {
			r.done++
			if failure := r.step(st); failure != nil {
				return failure
			}
			at := r.sites[st.at]
			r.at().shows = shows(at.rec)
			if failure := r.checkTrace(at); failure != nil {
				return failure
			}
		}
		if !laws {
			return nil
		}
		return r.end()
	})
	if laws && failure == nil && r.compacted {
		_, failure = k.executeAs(h, false, r)
	}
	if laws && (failure == nil || failure.Law != Panics) {
		if unsteady := contain(func() *LawError { return r.checkReplay(h, failure != nil) }); unsteady != nil {
			failure = unsteady
		}
	}
	if failure != nil {
		failure.Inputs = r.steps()
	}
	return r, failure
}

// at returns the trace of the present step.
func (r *recordRun[T]) at() *trace {
	if len(r.trace) < r.done {
		r.trace = append(r.trace, trace{})
	}
	return &r.trace[r.done-1]
}

// checkTrace checks that a step shows what it does in a run that compacts. A form that was
// filled in before may have been refused there: the rest is another history then.
func (r *recordRun[T]) checkTrace(at *site[T]) *LawError {
	if r.follows == nil {
		return nil
	}
	is, was := r.trace[r.done-1], r.follows.trace[r.done-1]
	switch {
	case is.refused != was.refused:
		r.follows = nil
	case is.shows != was.shows:
		return broken(Compacts, "%s shows %s, and that is something else if nobody compacts", at.replica(), text(at.rec))
	}
	return nil
}

// checkReplay executes the history once more, or a few times if something is
// wrong with it: a rule that does not always give the same breaks other laws too.
func (r *recordRun[T]) checkReplay(h history, wrong bool) *LawError {
	for n := 0; n == 0 || wrong && n < repeats; n++ {
		twin, failure := r.k.execute(h[:r.done], false)
		if failure != nil {
			return nil
		}
		for i, s := range r.sites {
			if t := twin.sites[i]; t.key != s.key {
				return broken(Deterministic, s.name+" is %s in one run and %s in another", texts(s.rec, t.rec)...)
			}
		}
		if all, again := r.all(), twin.all(); key(all) != key(again) {
			return broken(Deterministic, "merged, all are %s in one run and %s in another", texts(all, again)...)
		}
	}
	return nil
}

// all returns what all sites together have.
func (r *recordRun[T]) all() *merge.Record[T] {
	all := r.k.Plan.NewRecord()
	for _, s := range r.sites {
		all.Merge(s.rec)
	}
	return all
}

// steps returns what happened, numbered.
func (r *recordRun[T]) steps() []string {
	out := make([]string, len(r.said))
	for i, s := range r.said {
		out[i] = fmt.Sprintf("%d. %s", i+1, s)
	}
	return out
}

func (r *recordRun[T]) say(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recordRun[T]) step(st step) *LawError {
	at := r.sites[st.at]
	var failure *LawError
	switch st.kind {
	case idle:
	case update:
		failure = r.update(at, st)
	case display:
		r.say("%s shows its value to a user", at.replica())
		failure = r.display(at, st)
	case submit:
		failure = r.submit(st)
	case remove:
		failure = r.remove(at)
	case touch:
		failure = r.touch(at, st)
	case adopt:
		failure = r.adopt(at, st)
	case join:
		if from := r.sites[st.from]; from != at {
			r.say("%s merges %s%s", at.replica(), from.replica(), st.form.phrase())
			failure = r.merge(at, from.state, st.form)
		}
	case send:
		r.sent[st.id] = at.copied()
		r.say("%s sends its state", at.replica())
		r.place[st.id] = len(r.said)
	case receive:
		if from, ok := r.sent[st.ref]; ok {
			r.say("%s merges what was sent in step %d%s", at.replica(), r.place[st.ref], st.form.phrase())
			failure = r.merge(at, from, st.form)
		}
	case save:
		at.saved = at.copied()
		r.say("%s saves its state", at.replica())
	case restart:
		old := at.replica()
		at.life++
		at.state = at.saved.copied()
		r.say("%s crashes and goes on from what it saved, as %s", old, at.replica())
		if len(r.pairs) > 0 { // else it would not know what others have forgotten
			from := r.sites[(st.at+1)%len(r.sites)]
			r.say("%s merges %s", at.replica(), from.replica())
			failure = r.merge(at, from.state, direct)
		}
	case compact:
		failure = r.compact(at)
	}
	if failure != nil || !r.laws || st.kind == idle {
		return failure
	}
	return r.after(at)
}

func (f form) phrase() string { return [...]string{"", ", from its bytes", ", from its JSON"}[f] }

// update makes an edit by Update.
func (r *recordRun[T]) update(at *site[T], st step) *LawError {
	before := at.copied()
	var w Write[T]
	w.Read, _ = at.rec.Get()
	w.seen = at.seen
	next := new(T)
	r.tally.tried++
	at.clock.first = 0
	err := at.rec.Update(at.writer(), func(v *T) error {
		r.k.edit(st.seed, at.replica(), v)
		w.Next, *v = clone(*v), clone(*v)
		next = v
		return nil
	})
	r.say("%s: Update %s", at.replica(), changes(w.Read, w.Next))
	return r.wrote(at, before, w, next, err)
}

// display hands the value of a record to a user.
func (r *recordRun[T]) display(at *site[T], st step) *LawError {
	v, token := at.rec.Snapshot()
	p, err := token.MarshalText()
	if err != nil {
		return broken(RoundTrip, "the token has no text: %v", err)
	}
	f := shown[T]{at: at, value: v, seen: at.seen}
	if err := f.token.UnmarshalText(p); err != nil {
		return broken(RoundTrip, "the text %q of a token cannot be read: %v", p, err)
	}
	r.forms[st.id], r.place[st.id] = f, len(r.said)
	return nil
}

// submit makes an edit of what a user was shown, by Apply.
func (r *recordRun[T]) submit(st step) *LawError {
	f, ok := r.forms[st.ref]
	if !ok {
		return nil
	}
	at, before := f.at, f.at.copied()
	w := Write[T]{Read: f.value, Next: clone(f.value), seen: f.seen}
	r.k.edit(st.seed, vclock.Replica(fmt.Sprintf("%s form %d", at.replica(), st.id)), &w.Next)
	next := clone(w.Next)
	r.tally.tried++
	at.clock.first = 0
	err := at.rec.Apply(at.writer(), f.token, clone(f.value), next)
	r.say("%s: Apply %s to what was shown in step %d", at.replica(), changes(w.Read, w.Next), r.place[st.ref])
	return r.wrote(at, before, w, &next, err)
}

// wrote takes note of a write and checks its laws. Next is what was handed to
// the record, and may be changed.
func (r *recordRun[T]) wrote(at *site[T], before state[T], w Write[T], next *T, err error) *LawError {
	at.key = key(at.rec)
	if err != nil {
		r.said[len(r.said)-1] += ", refused"
		r.at().refused = true
		r.tally.refusal = err
		if at.key != before.key {
			return broken(Refused, "%s was %s and is %s\nthe error is: %v", at.replica(), text(before.rec), text(at.rec), err)
		}
		return nil
	}
	if at.key != before.key {
		r.tally.written++
	}
	r.record(at, w)
	if !r.laws {
		return nil
	}
	if failure := r.checkWrite(at, before, w); failure != nil {
		return failure
	}
	return r.checkApart(at, next)
}

// record adds a write to the history, unless it gave out no stamp.
func (r *recordRun[T]) record(at *site[T], w Write[T]) {
	if at.clock.first == 0 {
		return
	}
	w.Stamp = lww.Stamp{Time: at.clock.now, Replica: at.replica()}
	w.first = at.clock.first
	r.note(at, w)
}

func (r *recordRun[T]) note(at *site[T], w Write[T]) {
	w.index = len(r.writes)
	r.writes = append(r.writes, w)
	at.seen = at.seen.with(w.index)
	r.wrong = r.wrong || r.k.Invariant != nil && r.k.Invariant(clone(w.Next)) != nil
}

func (r *recordRun[T]) remove(at *site[T]) *LawError {
	before := at.copied()
	r.say("%s: Delete", at.replica())
	w := Write[T]{Deleted: true, seen: at.seen}
	w.Read, _ = at.rec.Get()
	at.clock.first = 0
	if err := at.rec.Delete(at.writer()); err != nil {
		return broken(Refused, "Delete returns the error %v", err)
	}
	at.key = key(at.rec)
	r.record(at, w)
	if v, ok := at.rec.Get(); ok {
		return broken(ReadBack, "after Delete there is %s", show(v))
	}
	return checkInflation(at, before)
}

// touch touches one of the paths that the record holds.
func (r *recordRun[T]) touch(at *site[T], st step) *LawError {
	paths := r.k.Plan.NewRecord().Changed(at.rec)
	if len(paths) == 0 {
		return nil
	}
	path, before := paths[st.seed%len(paths)], at.copied()
	if r.follows != nil {
		path = r.follows.trace[r.done-1].touched
	}
	r.at().touched = path
	r.say("%s: Touch %q", at.replica(), path)
	w := Write[T]{Touched: path, seen: at.seen}
	w.Read, _ = at.rec.Get()
	w.Next, _ = at.rec.Get()
	at.clock.first = 0
	err := at.rec.Touch(at.writer(), path)
	if at.key = key(at.rec); err != nil {
		r.said[len(r.said)-1] += ", refused"
		r.at().refused = true
		if at.key != before.key {
			return broken(Refused, "%s was %s and is %s\nthe error is: %v", at.replica(), text(before.rec), text(at.rec), err)
		}
		return nil
	}
	r.record(at, w)
	return checkInflation(at, before)
}

// adopt seeds the record, while no replica has compacted.
func (r *recordRun[T]) adopt(at *site[T], st step) *LawError {
	if r.compacted {
		return nil
	}
	before := at.copied()
	w := Write[T]{Stamp: lww.Stamp{Time: 1, Replica: "seed"}, first: 1}
	if r.k.Model != nil {
		st.seed = 0 // copies that differ are one write, of which no model could tell the value
	}
	r.k.edit(st.seed, vclock.Replica(fmt.Sprintf("seed %d", st.seed)), &w.Next)
	err := at.rec.Seed(clone(w.Next), w.Stamp)
	r.say("%s: Seed %s", at.replica(), changes(w.Read, w.Next))
	if at.key = key(at.rec); err != nil {
		r.said[len(r.said)-1] += ", refused"
		r.at().refused = true
		if at.key != before.key {
			return broken(Refused, "%s was %s and is %s\nthe error is: %v", at.replica(), text(before.rec), text(at.rec), err)
		}
		return nil
	}
	if i := slices.IndexFunc(r.writes, func(o Write[T]) bool { return o.Stamp == w.Stamp }); i >= 0 && r.k.Model != nil {
		at.seen = at.seen.with(i)
	} else {
		r.note(at, w)
	}
	return checkInflation(at, before)
}

// compact compacts a record to the latest time at or below which it holds all
// writes, once all clocks are past that. It forgets rows under a pair that was taken
// before, as one that is taken now is not used yet.
func (r *recordRun[T]) compact(at *site[T]) *LawError {
	all := ^writeSet(0)
	var reading hlc.Timestamp
	for _, s := range r.sites {
		all &= s.seen
		reading = max(reading, s.clock.now)
	}
	horizon, known := r.upTo(at.seen, reading), r.upTo(all, reading)
	for _, s := range r.sites {
		s.clock.now = max(s.clock.now, horizon)
	}
	var deleted hlc.Timestamp
	for _, p := range r.pairs {
		if p.reading <= horizon {
			deleted = max(deleted, p.deleted)
		}
	}
	r.pairs = append(r.pairs, pair{known, reading})
	if r.follows != nil {
		r.compacted = r.compacted || r.follows.trace[r.done-1].compacted
		return nil
	}
	if horizon == 0 || key(at.rec) == key(r.k.Plan.NewRecord()) {
		return nil
	}
	r.say("all clocks pass %d, and %s compacts to it, rows to %d", uint64(horizon), at.replica(), uint64(deleted))
	before, was := at.copied(), shows(at.rec)
	if err := at.rec.CompactRows(deleted, horizon); err != nil {
		return broken(Refused, "CompactRows returns the error %v", err)
	}
	at.key, r.compacted, r.at().compacted = key(at.rec), true, true
	if is := shows(at.rec); is != was {
		return broken(Compacts, "%s was %s and is %s", at.replica(), text(before.rec), text(at.rec))
	}
	return nil
}

// upTo returns the latest time up to a given one at or below which there is no write but
// the given ones.
func (r *recordRun[T]) upTo(seen writeSet, t hlc.Timestamp) hlc.Timestamp {
	for _, w := range r.writes {
		if !seen.has(w.index) {
			t = min(t, w.first-1)
		}
	}
	return t
}
