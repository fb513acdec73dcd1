package resolvertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A run is the execution of a history.
type run[T any] struct {
	k       *Kit[T]
	sites   []*site[T]
	started []*process[T] // all, ended ones included
	said    []string      // the steps that did something

	answers map[question]*answer[T] // the first to each
	written []resolver.Version[T]
	shown   map[lww.Stamp]bool // versions that the writer of what replaced them was shown
	sent    [][]byte           // what a site held after each write and promotion

	forked    bool               // two writes may have one stamp
	promotion resolver.Promotion // the last
	now       clock              // the largest of all sites so far
}

// A question is a conflict in an epoch, which contexts have, too.
type question struct {
	id      resolver.ID
	epoch   uint64
	content string // if stamps do not tell versions apart
}

// A site is a region with its data and the program that runs there. All that it
// holds is its own memory.
type site[T any] struct {
	name  vclock.Replica
	set   *resolver.Siblings[T]
	clock clock
	epoch uint64 // that it writes under
	proc  *process[T]
	view  view[T]
	undo  func() // goes back to before the last write, in the same epoch; or nil
}

// A view is what the client of a site was shown last.
type view[T any] struct {
	context resolver.Context
	value   T
	found   bool
	alone   []lww.Stamp // the versions whose values were shown
}

// run executes h and returns the first law that it breaks, or nil.
func (k *Kit[T]) run(h history[T]) *LawError {
	r := k.newRun()
	failure := r.play(h)
	if failure == nil {
		failure = r.end()
	}
	if failure != nil {
		failure.History = r.said
	}
	return failure
}

func (k *Kit[T]) newRun() *run[T] {
	r := &run[T]{k: k, answers: map[question]*answer[T]{}, shown: map[lww.Stamp]bool{}}
	for _, name := range k.sites() {
		r.sites = append(r.sites, &site[T]{name: name, set: new(resolver.Siblings[T]), proc: r.start(name)})
	}
	return r
}

func (r *run[T]) start(at vclock.Replica) *process[T] {
	p := r.k.start(at)
	r.started = append(r.started, p)
	return p
}

func (r *run[T]) say(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *run[T]) play(h history[T]) *LawError {
	for _, st := range h {
		if failure := r.step(st); failure != nil {
			return failure
		}
	}
	return nil
}

func (r *run[T]) step(st step[T]) *LawError {
	at := r.sites[st.at]
	switch st.kind {
	case write, edit, remove:
		return r.write(at, st)
	case hear:
		if from := r.sites[st.from]; from != at {
			r.say("%s hears %s", at.name, from.name)
			return r.merge(at, encode(from.set))
		}
	case promote, follow, rewind:
		return r.stepEpoch(at, st.kind)
	case read:
		r.say("%s reads", at.name)
		return r.read(at)
	case restart:
		r.say("%s restarts", at.name)
		at.proc = r.start(at.name)
	}
	return nil
}

// read shows the client of a site what there is.
func (r *run[T]) read(at *site[T]) *LawError {
	a, failure := r.answer(at.proc, at.set)
	if failure != nil {
		return failure
	}
	if r.k.Read == nil {
		at.view = seen(at.set, a)
		return nil
	}
	return r.readOwn(at)
}

// readOwn reads as the application does, and notes what that writes.
func (r *run[T]) readOwn(at *site[T]) *LawError {
	before := at.set.Versions()
	a := &answer[T]{by: at.proc}
	var err error
	_, failure := r.k.guarded(context.Background(), func(ctx context.Context) {
		a.out, err = r.k.Read(ctx, at.proc.rec, at.writer(), r.k.key(), at.set)
	})
	if _, fenced := errors.AsType[*resolver.FencedError](err); failure == nil && err != nil && !fenced {
		failure = broken(Answers, "%v", err)
	}
	if failure != nil {
		failure.Detail = fmt.Sprintf("%s: reading: %s", at.name, failure.Detail)
	}
	at.view = seen(at.set, a)
	for _, v := range at.set.Versions() {
		if !slices.ContainsFunc(before, func(o resolver.Version[T]) bool { return o.Stamp == v.Stamp }) {
			r.written = append(r.written, v)
			r.sent = append(r.sent, encode(at.set))
			at.view.alone = append(at.view.alone, v.Stamp) // by this reader
			at.undo, r.now = nil, max(r.now, at.clock)
		}
	}
	return failure
}

func (s *site[T]) writer() resolver.Writer {
	return resolver.Writer{Writer: lww.Writer{Replica: s.name, Clock: &s.clock}, Epoch: s.epoch}
}

// rounds is how often all sites may read and hear of each other until reading
// writes nothing any more. A site that writes outcomes back needs two.
const rounds = 3

// checkQuiet lets all sites read and hear of each other until nothing is new.
func (r *run[T]) checkQuiet() *LawError {
	if r.k.Read == nil {
		return nil
	}
	for range rounds {
		before := encode(r.sites[0].set)
		for _, s := range r.sites {
			if failure := r.read(s); failure != nil {
				return failure
			}
		}
		if failure := r.exchange(); failure != nil {
			return failure
		}
		if bytes.Equal(encode(r.sites[0].set), before) {
			return nil
		}
	}
	return broken(Quiet, "all sites read and hear of each other, %d times, and each time there is something new; by now: %s",
		rounds, listed(r.sites[0].set.Versions()))
}

// seen returns what a client is shown by an answer: one value, whatever its
// context covers.
func seen[T any](set *resolver.Siblings[T], a *answer[T]) view[T] {
	v := view[T]{context: a.out.Context, value: a.out.Value, found: a.out.Found}
	if a.out.Conflict != nil || set.Len() > 1 {
		v.alone = []lww.Stamp{a.out.Winner}
		return v
	}
	for _, version := range set.Versions() {
		v.alone = append(v.alone, version.Stamp)
	}
	return v
}

// write lets the client of a site write what follows what it was shown.
func (r *run[T]) write(at *site[T], st step[T]) *LawError {
	view := at.view
	if st.blind {
		view.context, view.found, view.alone = resolver.Context{}, false, nil
	}
	undo := r.undo(at)
	done, err := at.put(st, view)
	what := "deletes"
	if st.kind != remove {
		what = fmt.Sprintf("writes %v", st.value)
	}
	if view.context.Equal(resolver.Context{}) {
		r.say("%s %s", at.name, what)
	} else {
		r.say("%s %s over what it read", at.name, what)
	}
	if _, behind := errors.AsType[*resolver.BehindError](err); behind {
		at.forget() // and has to read again
		return nil
	}
	if _, fenced := errors.AsType[*resolver.FencedError](err); fenced {
		return r.fenced(at, done.Version)
	}
	if err != nil {
		return broken(Answers, "%v", err)
	}
	if failure := r.fenced(at, done.Fenced...); failure != nil {
		return failure
	}
	r.now = max(r.now, at.clock)
	at.undo = func() {
		undo()
		r.shown[done.Version.Stamp] = true // to whoever wrote it, who knows what is lost
	}
	r.replaced(view)
	r.written = append(r.written, done.Version)
	r.sent = append(r.sent, encode(at.set))
	at.view = seen(at.set, &answer[T]{out: resolver.Outcome[T]{
		Value: done.Version.Value, Found: !done.Version.Deleted, Context: done.Context,
		Winner: done.Version.Stamp, Conflict: &resolver.Conflict[T]{},
	}})
	return nil
}

// put writes what a step says, over what the client was shown.
func (s *site[T]) put(st step[T], seen view[T]) (resolver.Written[T], error) {
	switch w := s.writer(); {
	case st.kind == remove:
		return s.set.Delete(w, seen.context)
	case st.kind == edit && seen.found:
		return s.set.Edit(w, seen.context, seen.value, st.value)
	default:
		return s.set.Write(w, seen.context, st.value)
	}
}

// replaced notes that a client who was shown v has written.
func (r *run[T]) replaced(v view[T]) {
	for _, s := range v.alone {
		r.shown[s] = true
	}
}

// answer asks p what set means, and compares the answer with an earlier one to
// the same question.
func (r *run[T]) answer(p *process[T], set *resolver.Siblings[T]) (*answer[T], *LawError) {
	a, failure := r.k.ask(p, set)
	if failure != nil || a.out.Conflict == nil {
		return a, failure
	}
	asked := question{a.out.Conflict.ID, set.Epoch(), ""}
	if r.forked {
		for _, v := range a.out.Conflict.Versions {
			text, err := v.MarshalJSON() // with what its writer had seen, which rules may go by
			if err != nil {
				text = []byte(listed([]resolver.Version[T]{v}))
			}
			asked.content += string(text)
		}
	}
	first, ok := r.answers[asked]
	if !ok {
		r.answers[asked] = a
		return a, nil
	}
	if failure := r.k.compare(Order, set, first, a, ""); failure != nil {
		return nil, r.cause(failure, set, first.by.site, a.by.site)
	}
	return a, nil
}

// cause returns the failure that tells best why two sites answer the same question
// differently.
func (r *run[T]) cause(failure *LawError, set *resolver.Siblings[T], x, y vclock.Replica) *LawError {
	if f := r.checkAgain(x, set); f != nil {
		return f
	}
	if f := r.checkSites(set, x, y); f != nil {
		return f
	}
	if failure.Law == Order {
		failure.Detail += "\nwhat the first was asked before, and what the second was, are not the same"
	}
	return failure
}

// asks is how often a question is put. A rule that tosses a coin answers alike
// all the time once in a few million.
const asks = 24

// checkAgain puts one question to one process several times.
func (r *run[T]) checkAgain(at vclock.Replica, set *resolver.Siblings[T]) *LawError {
	p := r.start(at)
	first, failure := r.k.ask(p, set)
	if failure != nil {
		return failure
	}
	for range asks - 1 {
		again, failure := r.k.ask(p, decode[T](encode(set)))
		if failure != nil {
			return failure
		}
		if failure := r.k.compare(Deterministic, set, first, again, " (asked again)"); failure != nil {
			return failure
		}
	}
	return nil
}

// checkSites puts one question to programs that have just started at the sites.
func (r *run[T]) checkSites(set *resolver.Siblings[T], sites ...vclock.Replica) *LawError {
	var first *answer[T]
	for _, name := range sites {
		a, failure := r.k.ask(r.start(name), decode[T](encode(set)))
		if failure != nil {
			return failure
		}
		if first == nil {
			first = a
		}
		if failure := r.k.compare(Site, set, first, a, ""); failure != nil {
			return failure
		}
	}
	return nil
}

// end checks what must hold at the end of a history.
func (r *run[T]) end() *LawError {
	for _, s := range r.sites { // so that one of them may write what a person decides
		if failure := r.follow(s); failure != nil {
			return failure
		}
	}
	final := new(resolver.Siblings[T])
	for _, s := range r.sites {
		final.Merge(s.set)
	}
	if final.Len() > 1 {
		if failure := r.k.checkBounded(r.start(r.sites[0].name), final); failure != nil {
			return failure
		}
		if failure := r.checkAgain(r.sites[0].name, final); failure != nil {
			return failure
		}
		if failure := r.checkSites(final, r.k.sites()...); failure != nil {
			return failure
		}
	}
	for _, check := range []func() *LawError{r.checkOrders, r.checkConvergence, r.checkQuiet, r.checkSettled} {
		if failure := check(); failure != nil {
			return failure
		}
	}
	return r.checkKept()
}

// checkOrders delivers what was sent in several orders, to programs that have just
// started and are asked after each delivery: as it was sent, the other way round,
// and by twos, with repetitions.
func (r *run[T]) checkOrders() *LawError {
	n := len(r.sent)
	var forth, back, twos []int
	for i := range n {
		forth = append(forth, i)
		back = append(back, n-1-i)
		twos = append(twos, (i+n/2)%n, i/2)
	}
	for i, order := range [][]int{forth, back, append(twos, forth...)} {
		p := r.start(r.sites[i%len(r.sites)].name)
		set := new(resolver.Siblings[T])
		for j, m := range order {
			in := decode[T](r.sent[m])
			if i == 2 && j%2 == 1 {
				in.Merge(decode[T](r.sent[order[j-1]]))
			}
			if !set.Merge(in) || set.Len() < 2 {
				continue
			}
			if _, failure := r.answer(p, set); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// checkConvergence lets every site hear every other, and asks the programs that
// have seen the whole history.
func (r *run[T]) checkConvergence() *LawError {
	if failure := r.exchange(); failure != nil {
		return failure
	}
	for _, s := range r.sites {
		if _, failure := r.answer(s.proc, s.set); failure != nil {
			return failure
		}
	}
	return nil
}

// exchange lets every site hear every other, each in another order, and checks
// that they are equal.
func (r *run[T]) exchange() *LawError {
	var all [][]byte
	for _, s := range r.sites {
		all = append(all, encode(s.set))
	}
	for i, s := range r.sites {
		for j := range all {
			if failure := r.merge(s, all[(i+j)%len(all)]); failure != nil {
				return failure
			}
		}
	}
	for _, s := range r.sites[1:] {
		if first := r.sites[0]; !bytes.Equal(encode(s.set), encode(first.set)) {
			return broken(Converges, "after all have heard all, %s holds %s\n%s holds %s",
				first.name, listed(first.set.Versions()), s.name, listed(s.set.Versions()))
		}
	}
	return nil
}

// checkSettled lets the first site write the outcome back, or a person settle what
// was deferred, and checks that nothing is left to decide once that has spread.
func (r *run[T]) checkSettled() *LawError {
	home := r.sites[0]
	if home.set.Len() < 2 {
		return nil
	}
	home.proc.loud = true
	a, failure := r.answer(home.proc, home.set)
	if failure != nil {
		return failure
	}
	w := home.writer()
	var done resolver.Written[T]
	var err error
	switch out := a.out; {
	case out.Ticket != nil:
		done, err = home.proc.rec.Settle(context.Background(), w, home.set, out.Ticket, out.Ticket.Conflict.Suggest())
	case out.Found:
		done, err = home.set.Write(w, out.Context, out.Value)
	default:
		done, err = home.set.Delete(w, out.Context)
	}
	if err != nil {
		return broken(Quiet, "writing the outcome back: %s\n%v", tell(a), err)
	}
	r.replaced(seen(home.set, a))
	r.written = append(r.written, done.Version)
	if failure := r.exchange(); failure != nil {
		return failure
	}
	for _, s := range r.sites {
		after, failure := r.k.ask(s.proc, s.set)
		if failure != nil {
			return failure
		}
		if after.out.Conflict != nil || after.out.Found != a.out.Found || !r.k.sameValue(after, a) {
			return broken(Quiet, "%s\nwritten back, %s", tell(a), tell(after))
		}
	}
	return nil
}

// checkKept checks that the versions which are gone are in the log, or were shown
// to the client whose write replaced them.
func (r *run[T]) checkKept() *LawError {
	logged := map[string]bool{}
	for _, p := range r.started {
		entries, ok := p.log.entries()
		if !ok {
			return nil
		}
		for _, e := range entries {
			for _, v := range e.Versions {
				logged[string(v)] = true
			}
		}
	}
	held := r.sites[0].set.Versions()
	for _, v := range r.written {
		isV := func(o resolver.Version[T]) bool { return o.Stamp == v.Stamp }
		if r.shown[v.Stamp] || slices.ContainsFunc(held, isV) {
			continue
		}
		if enc, err := json.Marshal(v); err != nil || !logged[string(enc)] {
			return broken(Kept, "%s is gone, nobody who replaced it was shown it, and it is in no log", listed([]resolver.Version[T]{v}))
		}
	}
	return nil
}
