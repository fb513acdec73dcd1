package resolvertest

import (
	"context"

	"github.com/rejoin-go/rejoin/resolver"
)

// stepEpoch lets a site become the primary, hear of one, or lose its last write.
func (r *run[T]) stepEpoch(at *site[T], what kind) *LawError {
	switch {
	case what == promote:
		var cut resolver.Cut
		cut.Add(at.set)
		next, err := cut.Promotion(r.promotion.Epoch + 1)
		if err != nil {
			panic(err)
		}
		r.promotion = next
		r.say("%s is promoted, epoch %d", at.name, r.promotion.Epoch)
		failure := r.follow(at)
		r.sent = append(r.sent, encode(at.set))
		return failure
	case what == follow && at.epoch < r.promotion.Epoch:
		r.say("%s follows, epoch %d", at.name, r.promotion.Epoch)
		return r.follow(at)
	case what == rewind && at.undo != nil:
		r.say("%s loses its last write and keeps its name", at.name)
		at.undo()
		at.undo, r.forked = nil, true
	}
	return nil
}

// follow tells a site of the last promotion. From then on it uses no time that
// was used before: one stamp in two epochs is where merging ends.
func (r *run[T]) follow(at *site[T]) *LawError {
	if at.epoch == r.promotion.Epoch {
		return nil
	}
	fenced := at.set.Promote(r.promotion)
	at.epoch, at.clock, at.undo = r.promotion.Epoch, max(at.clock, r.now), nil
	return r.fenced(at, fenced...)
}

// merge lets a site hear what another one held, and logs what that fences before.
func (r *run[T]) merge(at *site[T], held []byte) *LawError {
	in := decode[T](held)
	failure := r.fenced(at, at.set.Fenced(in)...)
	at.set.Merge(in)
	return failure
}

// fenced logs versions as the application has to.
func (r *run[T]) fenced(at *site[T], versions ...resolver.Version[T]) *LawError {
	if err := at.proc.rec.Fenced(context.Background(), r.k.key(), versions...); err != nil {
		return broken(Answers, "%s: %v", at.name, err)
	}
	return nil
}

// undo returns a function that takes a site back to what it is now, but for its
// name: what it writes then has the stamps of what it wrote before.
func (r *run[T]) undo(at *site[T]) func() {
	set, clock := at.set.Clone(), at.clock
	return func() {
		at.set, at.clock, at.proc = set, clock, r.start(at.name)
		at.forget()
	}
}

// forget ends what the client of a site was shown.
func (s *site[T]) forget() { s.view = view[T]{} }
