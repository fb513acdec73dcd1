package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// An event is one write that was accepted somewhere, with the events that its
// writer had been shown, those that these had replaced included.
type event struct {
	stamp   lww.Stamp
	epoch   uint64
	deleted bool
	value   string
	saw     events
}

type events map[*event]bool

// A ledger is what the oracle knows of one site: every event that reached it,
// for ever. It is the model of a set of siblings, without clocks or contexts.
type ledger struct {
	known  events
	reaped events
	level  uint64 // the highest epoch heard of
	epoch  uint64 // the highest of the events since the site last forgot the key
}

func (l *ledger) clone() *ledger {
	return &ledger{maps.Clone(l.known), maps.Clone(l.reaped), l.level, l.epoch}
}

// live returns the events that nobody has replaced who had been shown them.
func (l *ledger) live() events {
	live := events{}
	for e := range l.known {
		if e.epoch == l.epoch && !l.reaped[e] && !l.replaced(e) {
			live[e] = true
		}
	}
	return live
}

func (l *ledger) replaced(e *event) bool {
	for w := range l.known {
		if w.saw[e] {
			return true
		}
	}
	return false
}

func (l *ledger) merge(o *ledger) {
	switch {
	case l.level < o.level:
		*l = *o.clone()
	case l.level == o.level:
		maps.Copy(l.known, o.known)
		maps.Copy(l.reaped, o.reaped)
		l.epoch = max(l.epoch, o.epoch)
	}
}

// A copyOf is a set on its way, or in a backup, with its ledger.
type copyOf struct {
	set    *resolver.Siblings[string]
	ledger *ledger
}

// A region is a replica under test beside its ledger.
type region struct {
	name        vclock.Replica
	incarnation uint64
	epoch       uint64 // that it writes under
	physical    hlc.Timestamp
	bound       bound
	clock       *hlc.Durable
	copyOf
}

// A bound is a file that survives restarts. A site needs one that tells others
// how far its clock is, as those who reap do.
type bound hlc.Timestamp

func (b *bound) Load() (hlc.Timestamp, error) { return hlc.Timestamp(*b), nil }

func (b *bound) Store(t hlc.Timestamp) error {
	*b = bound(t)
	return nil
}

func newRegion(name vclock.Replica, at hlc.Timestamp) *region {
	r := &region{name: name, physical: at}
	r.copyOf = copyOf{&resolver.Siblings[string]{}, &ledger{known: events{}, reaped: events{}}}
	r.restart()
	return r
}

func (r *region) restart() {
	r.clock = &hlc.Durable{Bound: &r.bound, Physical: func() time.Time { return r.physical.Time() }}
}

func (r *region) now() hlc.Timestamp {
	t, err := r.clock.Now()
	if err != nil {
		panic(err)
	}
	return t
}

func (r *region) replica() vclock.Replica {
	if r.incarnation == 0 {
		return r.name
	}
	return vclock.Incarnation(string(r.name), r.incarnation)
}

func (r *region) writer() resolver.Writer {
	return resolver.Writer{Writer: lww.Writer{Replica: r.replica(), Clock: r.clock}, Epoch: r.epoch}
}

// A client holds a context, and what it was truly shown.
type client struct {
	context resolver.Context
	shown   events
}

// A world is a random history of one key.
type world struct {
	regions    []*region
	clients    []client
	mail       []copyOf
	backups    []copyOf
	promotions []resolver.Promotion
	stable     vclock.Clock
	reapable   events // everything that stable covers
	logged     resolver.MemoryLog
	events     map[lww.Stamp]*event
	told       bool // a region has reaped, or began anew with stable, which says more than what it was shown
}

func newWorld() *world {
	w := &world{
		clients: make([]client, 3), events: map[lww.Stamp]*event{},
		mail: []copyOf{{&resolver.Siblings[string]{}, &ledger{known: events{}, reaped: events{}}}},
	}
	for i, name := range []vclock.Replica{"ap", "eu", "us"} {
		w.regions = append(w.regions, newRegion(name, hlc.Timestamp(1+i*100)<<20))
	}
	return w
}

func (w *world) log(fenced []resolver.Version[string]) {
	if err := (&resolver.Reconciler[string]{Log: &w.logged}).Fenced(bg, "k", fenced...); err != nil {
		panic(err)
	}
}

// fenced returns the versions in the log, as they are there.
func (w *world) fenced(t require.TestingT) map[lww.Stamp]resolver.Version[string] {
	all := map[lww.Stamp]resolver.Version[string]{}
	for _, rec := range w.logged.Entries() {
		var v resolver.Version[string]
		require.NoError(t, v.UnmarshalJSON(rec.Versions[0]))
		all[v.Stamp] = v
	}
	return all
}

// asserts returns the event that a write by a client would say again: the only one there,
// which the client was shown, with nothing that the region does not know. It returns nil
// if there is none.
func (w *world) asserts(r *region, c *client, deleted bool, value string) *event {
	if w.told && !r.set.Context().Past().Covers(c.context.Past()) {
		return nil
	}
	live := r.ledger.live()
	if len(live) != 1 || r.epoch != r.ledger.level || r.ledger.epoch != r.ledger.level || c.context.Epoch() != r.epoch {
		return nil
	}
	for e := range c.shown {
		if !r.ledger.known[e] {
			return nil
		}
	}
	for e := range live {
		if c.shown[e] && e.deleted == deleted && (deleted || e.value == value) {
			return e
		}
	}
	return nil
}

// write lets a client write at a region and compares what happened with what
// the ledger says.
func (w *world) write(t *rapid.T, r *region, c *client, deleted bool) {
	want := max(r.ledger.level, c.context.Epoch())
	before := r.set.Clone()
	value := fmt.Sprint(len(w.events) % 3)
	there := w.asserts(r, c, deleted, value)
	var got resolver.Written[string]
	var err error
	switch {
	case deleted:
		got, err = r.set.Delete(r.writer(), c.context)
	case rapid.Bool().Draw(t, "edited"): // which nothing but a later merge by fields can tell
		got, err = r.set.Edit(r.writer(), c.context, "base", value)
	default:
		got, err = r.set.Write(r.writer(), c.context, value)
	}
	if there != nil {
		require.NoError(t, err)
		require.Equal(t, there.stamp, got.Version.Stamp)
		require.True(t, before.Equal(r.set), "what was there already was written")
		w.show(r, c, -1)
		require.True(t, got.Context.Equal(c.context))
		return
	}
	if behind, ok := errors.AsType[*resolver.BehindError](err); ok {
		e := w.events[behind.Stamp]
		require.True(t, c.shown[e], "the writer had been shown what it is said to be ahead by")
		require.False(t, r.ledger.live()[e], "the region does not hold it")
		require.True(t, before.Equal(r.set))
		return
	}
	if r.epoch < want {
		var fenced *resolver.FencedError
		require.ErrorAs(t, err, &fenced)
		require.Equal(t, got.Version, fenced.Version)
		require.Equal(t, want, fenced.Current)
		require.True(t, before.Equal(r.set))
		return
	}
	require.NoError(t, err)
	require.NotContains(t, w.events, got.Version.Stamp, "a stamp names one write")
	e := &event{got.Version.Stamp, r.epoch, deleted, got.Version.Value, maps.Clone(c.shown)}
	if e.saw == nil {
		e.saw = events{}
	}
	w.events[e.stamp] = e
	for s := range e.saw {
		require.Less(t, s.stamp.Time, e.stamp.Time, "a write is after what its writer was shown")
		r.ledger.known[s] = true
	}
	r.ledger.known[e] = true
	r.ledger.level, r.ledger.epoch = r.epoch, r.epoch
	w.log(got.Fenced)
	if len(got.Fenced) == 0 && len(r.ledger.live()) == 1 {
		w.show(r, c, -1) // as to whoever reads next
		require.True(t, got.Context.Equal(c.context), "nothing happened since")
		return
	}
	shown := maps.Clone(e.saw)
	shown[e] = true
	*c = client{got.Context, shown}
}

// show shows all versions at r to a client, or one.
func (w *world) show(r *region, c *client, only int) {
	shown := events{}
	add := func(e *event) {
		shown[e] = true
		maps.Copy(shown, e.saw)
	}
	if versions := r.set.Versions(); only >= 0 && only < len(versions) {
		add(w.events[versions[only].Stamp])
		*c = client{r.set.Only(only), shown}
		return
	}
	for e := range r.ledger.known { // what was fenced there, too
		add(e)
	}
	*c = client{r.set.Context(), shown}
}

func (w *world) merge(t *rapid.T, r *region, o copyOf) {
	fenced := r.set.Fenced(o.set)
	require.Equal(t, fenced, o.set.Fenced(r.set), "fenced, asked from either side")
	w.log(fenced)
	before := r.set.Clone()
	changed := before.Changed(o.set)
	require.Equal(t, r.set.Merge(o.set), !before.Equal(r.set), "merge reports a change")
	r.ledger.merge(o.ledger)
	after := before.Versions()
	for v, comes := range changed {
		at, held := slices.BinarySearchFunc(after, v, func(a, b resolver.Version[string]) int { return a.Stamp.Compare(b.Stamp) })
		require.NotEqual(t, comes, held)
		if comes {
			after = slices.Insert(after, at, v)
		} else {
			after = slices.Delete(after, at, at+1)
		}
	}
	require.Len(t, after, r.set.Len())
	for i, v := range r.set.Versions() {
		require.Equal(t, v.Stamp, after[i].Stamp, "what was there, and what changed")
	}
	w.since(t, before, o.set)
}

// since requires that the deltas of o do to x, and to all that has merged what o is
// compared with, what o does, and nothing to o.
func (w *world) since(t *rapid.T, x, o *resolver.Siblings[string]) {
	for _, old := range []*resolver.Siblings[string]{x, rapid.SampledFrom(w.mail).Draw(t, "acknowledged").set} {
		got, delta := x.Clone(), o.Since(old)
		got.Merge(old)
		want := got.Clone()
		got.Merge(delta)
		want.Merge(o)
		require.True(t, got.Equal(want), "a delta does what the set does")
		require.False(t, o.Clone().Merge(delta), "a delta says nothing that the set does not")
		data, err := delta.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, new(resolver.Siblings[string]).UnmarshalBinary(data))
	}
}

// promote tells r of a promotion.
func (w *world) promote(r *region, p resolver.Promotion) {
	inside := p.Cut.Covers(r.set.Context().Past())
	w.log(r.set.Promote(p))
	if p.Epoch > r.ledger.level {
		if !inside {
			r.ledger = &ledger{known: events{}, reaped: events{}}
		}
		r.ledger.level = p.Epoch
	}
}

// reap lets r forget the key if everybody knows that it is gone. A region that
// came from a backup first catches up with what everybody is said to know.
func (w *world) reap(t *rapid.T, r *region, forget bool) {
	for e := range w.reapable {
		if !r.ledger.known[e] {
			return
		}
	}
	live := r.ledger.live()
	ok, err := r.set.Reap(w.stable, r.now())
	if err != nil {
		var ahead *resolver.AheadError
		require.ErrorAs(t, err, &ahead)
		return
	}
	if !ok {
		return
	}
	w.told = true
	for e := range live {
		require.True(t, e.deleted && w.reapable[e], "only deletes that everybody knows are reaped")
		r.ledger.reaped[e] = true
	}
	if forget {
		r.set = resolver.NewSiblings[string](w.stable, r.set.Epoch())
		maps.Copy(r.ledger.reaped, r.ledger.known)
		r.ledger.epoch = 0
	}
}

// settled notes what everybody has merged.
func (w *world) settled() {
	everybody := maps.Clone(w.regions[0].ledger.known)
	for _, r := range w.regions[1:] {
		maps.DeleteFunc(everybody, func(e *event, _ bool) bool { return !r.ledger.known[e] })
	}
	for _, e := range w.events {
		if !everybody[e] {
			return
		}
	}
	w.reapable = everybody
	for _, r := range w.regions {
		if r.ledger.level != w.regions[0].ledger.level {
			return
		}
		w.stable = w.stable.With(r.replica(), max(w.stable.At(r.replica()), uint64(r.now())))
	}
	for e := range everybody {
		w.stable = w.stable.With(e.stamp.Replica, max(w.stable.At(e.stamp.Replica), uint64(e.stamp.Time)))
	}
}

// check compares each region with its ledger, and lets no event go unless its
// replacer had been shown it or the log has it, with its value.
func (w *world) check(t *rapid.T) {
	fenced := w.fenced(t)
	for _, r := range w.regions {
		var got, want []string
		for _, v := range r.set.Versions() {
			got = append(got, v.Stamp.String())
		}
		live := r.ledger.live()
		for e := range live {
			want = append(want, e.stamp.String())
		}
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got, "versions at %s", r.name)
		w.checkAsked(t, r, live)
		for e := range r.ledger.known {
			if live[e] || r.ledger.replaced(e) || r.ledger.reaped[e] {
				continue
			}
			v, ok := fenced[e.stamp]
			require.True(t, ok, "%v is lost at %s", e.stamp, r.name)
			require.Equal(t, e.value, v.Value)
			require.Equal(t, e.deleted, v.Deleted)
		}
	}
}

// checkAsked has a rule look at what it is asked: all that is live, at once and in
// order, if that is more than one, and never two of which one has seen the other.
func (w *world) checkAsked(t *rapid.T, r *region, live events) {
	calls := 0
	_, err := resolver.New(own(func(_ context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
		calls++
		require.Len(t, c.Versions, len(live))
		for i, v := range c.Versions {
			e := w.events[v.Stamp]
			require.True(t, live[e])
			require.True(t, i == 0 || c.Versions[i-1].Stamp.Compare(v.Stamp) < 0)
			for _, o := range c.Versions {
				require.False(t, e.saw[w.events[o.Stamp]], "%v has seen %v", v.Stamp, o.Stamp)
			}
		}
		return c.Keep(0, ""), nil
	})).Resolve(t.Context(), "k", r.set)
	require.NoError(t, err)
	require.Equal(t, len(live) > 1, calls == 1)
}

// TestOracle drives three regions through random histories of one key: clients
// read and write at any of them, under contexts of any age; sets travel late,
// twice and out of order; primaries are deposed and keep writing; clocks are
// wrong; sites restart from what they had or, under a new name, from a backup;
// deletes are reaped. After every step each region holds what the oracle says
// that it must. RAPID_CHECKS sets how many histories one of the parts has.
func TestOracle(t *testing.T) {
	for part := range 16 {
		t.Run(fmt.Sprintf("part=%d", part), oracle)
	}
}

func oracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		region := func(t *rapid.T, label string) *region { return rapid.SampledFrom(w.regions).Draw(t, label) }
		cl := func(t *rapid.T) *client { return &w.clients[rapid.IntRange(0, 2).Draw(t, "client")] }
		write := func(t *rapid.T) { w.write(t, region(t, "at"), cl(t), false) }
		merge := func(t *rapid.T) { w.merge(t, region(t, "to"), region(t, "from").copyOf) }
		read := func(t *rapid.T) { w.show(region(t, "at"), cl(t), -1) }
		t.Repeat(map[string]func(*rapid.T){
			"write": write, "write again": write, "merge": merge, "merge again": merge, "read": read, "read again": read,
			"delete":     func(t *rapid.T) { w.write(t, region(t, "at"), cl(t), true) },
			"read one":   func(t *rapid.T) { w.show(region(t, "at"), cl(t), rapid.IntRange(0, 1).Draw(t, "version")) },
			"new client": func(t *rapid.T) { *cl(t) = client{} },
			"send": func(t *rapid.T) {
				r := region(t, "from")
				w.mail = append(w.mail, copyOf{r.set.Clone(), r.ledger.clone()})
			},
			"deliver": func(t *rapid.T) { w.merge(t, region(t, "to"), rapid.SampledFrom(w.mail).Draw(t, "mail")) },
			"promote": func(t *rapid.T) {
				r := region(t, "new primary")
				if len(w.promotions) == 2 {
					return
				}
				p := resolver.Promotion{Epoch: uint64(len(w.promotions) + 1), Cut: r.set.Context().Past()}
				w.promotions = append(w.promotions, p)
				r.epoch = p.Epoch
				require.Empty(t, r.set.Promote(p), "the cut covers what the new primary has")
				r.ledger.level = p.Epoch
			},
			"hear of promotion": func(t *rapid.T) {
				if len(w.promotions) == 0 {
					return
				}
				r, p := region(t, "at"), rapid.SampledFrom(w.promotions).Draw(t, "promotion")
				r.epoch = max(r.epoch, p.Epoch)
				w.promote(r, p)
			},
			"clock": func(t *rapid.T) {
				r := region(t, "at")
				r.physical += hlc.Timestamp(rapid.SampledFrom([]int64{1 << 20, 1 << 30, 1 << 40}).Draw(t, "step"))
			},
			"clock falls back": func(t *rapid.T) {
				r := region(t, "at")
				r.physical /= 2
				r.restart()
			},
			"back up": func(t *rapid.T) {
				r := region(t, "at")
				w.backups = append(w.backups, copyOf{r.set.Clone(), r.ledger.clone()})
			},
			"restore": func(t *rapid.T) {
				if len(w.backups) == 0 {
					return
				}
				r := region(t, "at")
				b := rapid.SampledFrom(w.backups).Draw(t, "backup")
				r.copyOf = copyOf{b.set.Clone(), b.ledger.clone()}
				r.incarnation++
			},
			"everybody knows": func(*rapid.T) { w.settled() },
			"reap":            func(t *rapid.T) { w.reap(t, region(t, "at"), rapid.Bool().Draw(t, "forget")) },
			"":                w.check,
		})
	})
}
