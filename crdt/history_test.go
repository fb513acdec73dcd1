package crdt_test

import (
	"encoding"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// This file drives every type through random histories against an operation log.
// What a type does, and what its log says that it shows, are in
// history_types_test.go.

// An event is one update in an operation log: what was done, and which earlier
// events it undid, those that were in force where and when it was done.
type event struct {
	id    int
	at    vclock.Replica
	path  string // the keys of the maps in which it happened, each with a slash
	what  string
	elem  string
	n     int64
	first *event     // of a counter: the increment that began the sum of its replica
	dot   vclock.Dot // what it minted, if that can be told
	undid ids

	// Truly is undid with what it would have undone where nothing was ever
	// compacted. Late says that a client which had not seen a removal did it
	// at a site that had.
	truly ids
	late  bool
}

type ids map[int]bool

// A log is the events visible at one replica. What a replica shows is a function
// of its log, and merging replicas is the union of their logs.
type log map[int]*event

const compaction = "compact"

// undone returns the events that a visible event undid, compactions included or
// not.
func (l log) undone(compactions bool) ids {
	undone := ids{}
	for _, e := range l {
		if compactions || e.what != compaction {
			maps.Copy(undone, e.undid)
		}
	}
	return undone
}

// without returns the events that are not among some, in order.
func (l log) without(gone ids) []*event {
	var out []*event
	for _, id := range slices.Sorted(maps.Keys(l)) {
		if !gone[id] {
			out = append(out, l[id])
		}
	}
	return out
}

// inForce returns the events that no visible event undid, in order.
func (l log) inForce() []*event { return l.without(l.undone(true)) }

// lasting returns the events that would be in force if nobody ever compacted.
func (l log) lasting() []*event {
	undone := ids{}
	for _, e := range l {
		maps.Copy(undone, e.truly)
	}
	return l.without(undone)
}

// below returns the events of a path and those below it.
func (l log) below(path string) []*event {
	var out []*event
	for _, id := range slices.Sorted(maps.Keys(l)) {
		if strings.HasPrefix(l[id].path, path) {
			out = append(out, l[id])
		}
	}
	return out
}

// A client has read a state, and remembers the context and what was in force.
type client struct {
	context crdt.Context
	log     log
}

// covers reports whether a client has been shown e: its context covers what the
// log says, and what the events in it undid.
func (c *client) covers(e *event) bool {
	if c.log[e.id] != nil {
		return true
	}
	for _, o := range c.log {
		if o.undid[e.id] {
			return true
		}
	}
	return false
}

// A scene is where an update happens: a site, or a value in its maps.
type scene struct {
	name   vclock.Replica
	names  []vclock.Replica // of all sites, past ones too
	log    log
	client *client // on whose behalf an update may be made
	path   string

	done []*event
	told log // what the delta tells beside what was done
}

// in returns the scene of the value at a key.
func (c *scene) in(key string) *scene {
	d := *c
	d.path, d.done = c.path+key+"/", nil
	return &d
}

// undoing returns what an event undoes of the events in force that match, at the
// scene or below: restricted to what a client saw, if it acts for one.
func (c *scene) undoing(seen *client, match func(*event) bool) (undid, truly ids) {
	pick := func(gone ids) ids {
		picked := ids{}
		for _, e := range c.log.below(c.path) {
			if !gone[e.id] && match(e) && (seen == nil || seen.covers(e)) {
				picked[e.id] = true
			}
		}
		return picked
	}
	undid, truly = pick(c.log.undone(true)), pick(c.log.undone(false))
	maps.Copy(truly, undid)
	return undid, truly
}

// did notes an event that undid what matches.
func (c *scene) did(what, elem string, seen *client, match func(*event) bool) *event {
	e := &event{at: c.name, path: c.path, what: what, elem: elem}
	e.undid, e.truly = c.undoing(seen, match)
	c.done = append(c.done, e)
	return e
}

// tells notes that the delta tells of some earlier events.
func (c *scene) tells(match func(*event) bool) {
	for id, e := range c.log {
		if e.path == c.path && match(e) {
			c.told[id] = e
		}
	}
}

// A subject is what histories need to know of a type.
type subject[S any] struct {
	fresh func() S

	// act does something random and returns the delta. It notes in the scene what
	// was done.
	act func(t *rapid.T, x S, c *scene) S

	// show returns what a state shows, want what it should, given the events in
	// force at its path. Nothing is what a value shows that is not live.
	show func(S) []string
	want func(path string, standing []*event) []string

	// clear tells what deleting the key of a value undoes. Nil means all that stands.
	clear func(c *scene, seen *client) (undid, truly ids)

	// compact compacts a state, and residues tells what that makes the state
	// forget, given what is stable. Nil if a type remembers no removals.
	compact  func(S, crdt.Context) bool
	residues func(l log, path string, stable vclock.Clock) ids

	// read returns the context of a client that reads a state. Nil if the type has no
	// contexts.
	read func(x S) crdt.Context
}

// A causal is a type with contexts.
type causal interface {
	Context() crdt.Context
	LastOf(r vclock.Replica) uint64
}

// An encoded state is what histories need of a type.
type encodedState[S any] interface {
	crdt.State[S]
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	json.Marshaler
	json.Unmarshaler
}

// A state also merges bytes.
type state[S any] interface {
	encodedState[S]
	MergeBinary(data []byte) (bool, error)
}

// A site is one replica of a history: its state, its log, and what it knows of
// others.
type site[S crdt.State[S]] struct {
	name   vclock.Replica
	state  S
	log    log
	matrix *lawkit.Rows
}

// A parcel is something that travels: a state, a delta, or several of them
// merged, with the events it brings. A state brings what its site knows of others.
type parcel[S any] struct {
	from   vclock.Replica
	state  S
	log    log
	matrix *lawkit.Rows // nil in a delta
}

// A course is a history in progress.
type course[S encodedState[S]] struct {
	subject[S]
	sites   []*site[S]
	names   []vclock.Replica // of all sites that there were
	parcels []parcel[S]
	clients []*client
	events  int
	dropped ids // what was compacted away anywhere

	// strict says that compactions must not show in the end: nobody went on from a
	// state older than what had been forgotten.
	strict bool
}

// histories drives three sites through random histories: changes, by clients too,
// that have read elsewhere and earlier; deltas that are lost, repeated, reordered
// and grouped; merges of states as such and as bytes; sites that fall back to an
// older state and go on under a new name; compactions, with clocks that came with
// states or alone. After every step every site shows what its log says. In the end
// all states are merged and their bytes are equal.
func histories[S encodedState[S]](t *testing.T, sub subject[S]) {
	t.Helper()
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := &course[S]{subject: sub, clients: []*client{{}}, dropped: ids{}, strict: true}
		for _, name := range []vclock.Replica{"b", "c", "a"} {
			c.names = append(c.names, name)
			c.sites = append(c.sites, &site[S]{name: name, state: sub.fresh(), log: log{}})
		}
		for _, s := range c.sites {
			s.matrix = lawkit.NewRows(c.names...)
		}
		steps := map[string]func(*rapid.T){
			"change":      c.change,
			"change 2":    c.change,
			"send":        c.send,
			"deliver":     c.deliver,
			"deliver 2":   c.deliver,
			"group":       c.group,
			"merge":       func(t *rapid.T) { mergeSites(t, c.at(t, "to"), c.at(t, "from")) },
			"merge bytes": c.mergeBytes,
			"re-read":     c.reread,
			"restore":     c.restore,
			"":            c.check,
		}
		if sub.read != nil {
			steps["read"] = c.read
		}
		if sub.compact != nil {
			steps["compact"], steps["hear"], steps["retire"] = c.tryCompact, c.hear, c.retire
		}
		t.Repeat(steps)
		c.converge(t)
	})
}

func (c *course[S]) at(t *rapid.T, label string) *site[S] {
	return c.sites[rapid.IntRange(0, len(c.sites)-1).Draw(t, label)]
}

// identify numbers a new event.
func (c *course[S]) identify(e *event) {
	c.events++
	e.id = c.events
}

func (c *course[S]) change(t *rapid.T) {
	s := c.at(t, "site")
	before := s.state.Clone()
	sc := &scene{
		name: s.name, names: c.names, log: s.log, told: log{},
		client: rapid.SampledFrom(c.clients).Draw(t, "client"),
	}
	delta := c.act(t, s.state, sc)
	news := sc.told
	for id := range news {
		if id <= 0 { // made up to tell a part of what another event undid
			e := news[id]
			delete(news, id)
			c.identify(e)
			news[e.id] = e
		}
	}
	for _, e := range sc.done {
		c.identify(e)
		if x, ok := any(s.state).(causal); ok && len(sc.done) == 1 {
			e.dot = vclock.Dot{Replica: s.name, Seq: x.LastOf(s.name)}
		}
		s.log[e.id], news[e.id] = e, e
		c.strict = c.strict && !e.late
	}
	before.Merge(delta)
	require.True(t, before.Equal(s.state), "the delta has the effect of the change")
	if rapid.Bool().Draw(t, "kept") {
		c.parcels = append(c.parcels, parcel[S]{s.name, delta, news, nil})
	}
}

func (c *course[S]) read(t *rapid.T) {
	s := c.at(t, "site")
	c.clients = append(c.clients, &client{c.subject.read(s.state), maps.Clone(s.log)})
}

func (c *course[S]) send(t *rapid.T) {
	s := c.at(t, "site")
	s.learn(nil)
	c.parcels = append(c.parcels, parcel[S]{s.name, s.state.Clone(), maps.Clone(s.log), s.matrix.Clone()})
}

func (c *course[S]) parcel(t *rapid.T, label string) parcel[S] {
	if len(c.parcels) == 0 {
		t.Skip("nothing was sent")
	}
	return rapid.SampledFrom(c.parcels).Draw(t, label)
}

func (c *course[S]) deliver(t *rapid.T) {
	s, p := c.at(t, "site"), c.parcel(t, "parcel")
	s.merge(t, p.state, p.log)
	s.learn(p.matrix)
}

// merge merges a state into that of the site, which must tell whether that changed it.
func (s *site[S]) merge(t *rapid.T, y S, l log) {
	before := s.state.Clone()
	changed := s.state.Merge(y)
	require.Equal(t, !before.Equal(s.state), changed, "Merge reports whether the receiver changed")
	maps.Copy(s.log, l)
}

func mergeSites[S crdt.State[S]](t *rapid.T, to, from *site[S]) {
	from.learn(nil)
	to.merge(t, from.state, from.log)
	to.learn(from.matrix)
}

// learn records the rows of a matrix, and what s has seen itself.
func (s *site[S]) learn(rows *lawkit.Rows) {
	x, ok := any(s.state).(causal)
	if !ok {
		return
	}
	if rows != nil {
		for r, row := range rows.All() {
			s.matrix.Record(r, row)
		}
	}
	s.matrix.Record(s.name, x.Context().Clock())
}

func (c *course[S]) group(t *rapid.T) {
	a, b := c.parcel(t, "a"), c.parcel(t, "b")
	g := parcel[S]{a.from, a.state.Clone(), maps.Clone(a.log), nil}
	g.state.Merge(b.state)
	maps.Copy(g.log, b.log)
	if a.from != b.from {
		g.from = ""
	}
	c.parcels = append(c.parcels, g)
}

func (c *course[S]) mergeBytes(t *rapid.T) {
	to, from := c.at(t, "to"), c.at(t, "from")
	data := encoded(t, from.state)
	before := to.state.Clone()
	if m, ok := any(to.state).(interface {
		MergeBinary(data []byte) (bool, error)
	}); ok {
		changed, err := m.MergeBinary(data)
		require.NoError(t, err)
		require.Equal(t, !before.Equal(to.state), changed, "MergeBinary reports whether the receiver changed")
	} else {
		x := c.fresh()
		require.NoError(t, x.UnmarshalBinary(data))
		to.state.Merge(x)
	}
	before.Merge(from.state)
	require.True(t, before.Equal(to.state), "merging bytes is Merge")
	maps.Copy(to.log, from.log)
}

// reread takes a site's state through its bytes and its JSON, and goes on with
// what came back.
func (c *course[S]) reread(t *rapid.T) {
	s := c.at(t, "site")
	fromBytes, fromText := c.fresh(), c.fresh()
	data := encoded(t, s.state)
	require.NoError(t, fromBytes.UnmarshalBinary(data))
	require.True(t, s.state.Equal(fromBytes), "binary")
	require.Equal(t, data, encoded(t, fromBytes), "canonical")
	text, err := s.state.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromText.UnmarshalJSON(text), "%s", text)
	require.True(t, s.state.Equal(fromText), "JSON %s", text)
	s.state = fromText
}

// restore lets a site go on from what it or another once was, under a new name,
// which becomes a member everywhere before it writes.
func (c *course[S]) restore(t *rapid.T) {
	s, p := c.at(t, "site"), c.parcel(t, "backup")
	for id := range c.dropped {
		c.strict = c.strict && (p.log[id] != nil || p.log.undone(true)[id])
	}
	s.name = vclock.Incarnation(string(s.name[0]), uint64(len(c.names)))
	s.state, s.log = p.state.Clone(), maps.Clone(p.log)
	s.matrix = lawkit.NewRows()
	c.names = append(c.names, s.name)
	for _, o := range c.sites {
		m := lawkit.NewRows(c.names...)
		for r, row := range o.matrix.All() {
			m.Record(r, row)
		}
		o.matrix = m
	}
}

// retire stops waiting for those who are no more, where nobody
// takes their messages any more, and all have reported since.
func (c *course[S]) retire(t *rapid.T) {
	c.sync(t)
	var living []vclock.Replica
	for _, s := range c.sites {
		living = append(living, s.name)
	}
	c.parcels = slices.DeleteFunc(c.parcels, func(p parcel[S]) bool { return !slices.Contains(living, p.from) })
	for _, s := range c.sites {
		for r := range s.matrix.Clone().All() {
			if !slices.Contains(living, r) {
				s.matrix.Retire(r)
			}
		}
	}
}

// hear tells a site of another's clock, or of what another knows of clocks, without
// a state.
func (c *course[S]) hear(t *rapid.T) {
	s, o := c.at(t, "site"), c.at(t, "of")
	if x, ok := any(o.state).(causal); ok && rapid.Bool().Draw(t, "own") {
		s.matrix.Record(o.name, x.Context().Clock())
		return
	}
	for r, row := range o.matrix.All() {
		s.matrix.Record(r, row)
	}
}

// tryCompact compacts a site with what it knows, or what another does.
func (c *course[S]) tryCompact(t *rapid.T) {
	s, m := c.at(t, "site"), c.at(t, "knows").matrix.Clone()
	m.Record(s.name, any(s.state).(causal).Context().Clock())
	known := any(s.state).(causal).Context().Clock()
	gone := ids{}
	stable, allowed := m.Settled(known)
	if allowed && c.residues != nil {
		gone = c.residues(s.log, "", stable)
	}
	before := s.state.Clone()
	compacted := allowed && c.compact(s.state, crdt.ContextOf(stable))
	require.Equal(t, !before.Equal(s.state), compacted, "Compact reports whether the receiver changed")
	if c.residues != nil {
		require.Equal(t, len(gone) > 0, compacted, "Compact forgets what everybody has seen")
	}
	if !compacted {
		return
	}
	e := &event{at: s.name, what: compaction, undid: gone}
	c.identify(e)
	s.log[e.id] = e
	maps.Copy(c.dropped, gone)
}

func (c *course[S]) check(t *rapid.T) {
	for _, s := range c.sites {
		require.ElementsMatch(t, c.want("", s.log.inForce()), c.show(s.state), "site %s", s.name)
	}
}

// sync merges all into all.
func (c *course[S]) sync(t *rapid.T) {
	for range 2 {
		for _, s := range c.sites {
			for _, o := range c.sites {
				mergeSites(t, s, o)
			}
		}
	}
}

func (c *course[S]) converge(t *rapid.T) {
	c.sync(t)
	c.check(t)
	for _, s := range c.sites {
		require.True(t, s.state.Equal(c.sites[0].state), "all states are equal in the end")
		require.Equal(t, encoded(t, c.sites[0].state), encoded(t, s.state), "all bytes are equal in the end")
	}
	if c.strict {
		want := c.want("", c.sites[0].log.lasting())
		require.ElementsMatch(t, want, c.show(c.sites[0].state), "compactions show")
	}
}
