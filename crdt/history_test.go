package crdt_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// An event is one update in an operation log: what was done, and which earlier
// events it undid, those that were in force where and when it was done.
type event struct {
	id    int
	what  string
	key   string
	elem  string
	undid map[int]bool
}

// A log is the events visible at one replica. What a replica shows is a function
// of its log, and merging replicas is the union of their logs.
type log map[int]*event

// inForce returns the events that no visible event undid, in order.
func (l log) inForce() []*event {
	undone := map[int]bool{}
	for _, e := range l {
		maps.Copy(undone, e.undid)
	}
	var out []*event
	for _, id := range slices.Sorted(maps.Keys(l)) {
		if !undone[id] {
			out = append(out, l[id])
		}
	}
	return out
}

// A site is one replica of a history: its state and its log.
type site[S any] struct {
	name  vclock.Replica
	state S
	log   log
}

// A parcel is something that travels: a state, a delta, or several of them
// merged, with the events it brings.
type parcel[S any] struct {
	state S
	log   log
}

// A client has read a state, and remembers the context and what was in force.
type client struct {
	context crdt.Context
	log     log
}

// A subject is what histories need to know of a type.
type subject[S any] struct {
	fresh func() S

	// act does something random at a site and returns the delta and what was
	// done. Seen is what some client has read.
	act func(t *rapid.T, s *site[S], seen client) (S, []*event)

	// show returns what a state shows, want what its log says it should.
	show func(S) []string
	want func(log) []string
}

// A state is what histories need of a type.
type state[S any] interface {
	crdt.State[S]
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	json.Marshaler
	json.Unmarshaler
	MergeBinary(data []byte) (bool, error)
}

// reread checks that x comes back from its bytes and from its JSON into y.
func reread[S state[S]](t *rapid.T, y, x S) {
	data, err := x.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalBinary(data))
	require.True(t, x.Equal(y), "binary")
	again, err := y.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again, "canonical")
	text, err := x.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, y.UnmarshalJSON(text), "%s", text)
	require.True(t, x.Equal(y), "JSON %s", text)
}

// histories drives three sites through a random history: changes, deltas that
// are lost, repeated, reordered and grouped, merges of states as such and as
// bytes, and sites that fall back to an older state and go on under a new name.
// After every step every site shows what its log says. In the end all states are
// merged and their bytes are equal.
func histories[S state[S]](t *testing.T, sub subject[S]) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		sites := make([]*site[S], 3)
		for i := range sites {
			sites[i] = &site[S]{vclock.Replica(rune('a' + i)), sub.fresh(), log{}}
		}
		var parcels []parcel[S]
		clients := []client{{}}
		events, lives := 0, 0
		at := func(label string) *site[S] { return sites[rapid.IntRange(0, len(sites)-1).Draw(t, label)] }
		deliver := func(s *site[S], p parcel[S]) {
			before := s.state.Clone()
			changed := s.state.Merge(p.state)
			require.Equal(t, !before.Equal(s.state), changed, "Merge reports whether the receiver changed")
			maps.Copy(s.log, p.log)
		}
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				s := at("site")
				before := s.state.Clone()
				delta, done := sub.act(t, s, rapid.SampledFrom(clients).Draw(t, "client"))
				news := log{}
				for _, e := range done {
					events++
					e.id = events
					s.log[e.id] = e
					news[e.id] = e
				}
				before.Merge(delta)
				require.True(t, before.Equal(s.state), "the delta has the effect of the change")
				if rapid.Bool().Draw(t, "kept") {
					parcels = append(parcels, parcel[S]{delta, news})
				}
			},
			"read": func(t *rapid.T) {
				s := at("site")
				if c, ok := any(s.state).(interface{ Context() crdt.Context }); ok {
					clients = append(clients, client{c.Context(), maps.Clone(s.log)})
				}
			},
			"send": func(t *rapid.T) {
				s := at("site")
				parcels = append(parcels, parcel[S]{s.state.Clone(), maps.Clone(s.log)})
			},
			"deliver": func(t *rapid.T) {
				if len(parcels) == 0 {
					t.Skip("nothing sent")
				}
				deliver(at("site"), rapid.SampledFrom(parcels).Draw(t, "parcel"))
			},
			"group": func(t *rapid.T) {
				if len(parcels) < 2 {
					t.Skip("nothing to group")
				}
				a, b := rapid.SampledFrom(parcels).Draw(t, "a"), rapid.SampledFrom(parcels).Draw(t, "b")
				g := parcel[S]{a.state.Clone(), maps.Clone(a.log)}
				g.state.Merge(b.state)
				maps.Copy(g.log, b.log)
				parcels = append(parcels, g)
			},
			"merge": func(t *rapid.T) {
				from := at("from")
				deliver(at("to"), parcel[S]{from.state, from.log})
			},
			"merge bytes": func(t *rapid.T) {
				to, from := at("to"), at("from")
				data, err := from.state.MarshalBinary()
				require.NoError(t, err)
				before := to.state.Clone()
				changed, err := to.state.MergeBinary(data)
				require.NoError(t, err)
				require.Equal(t, !before.Equal(to.state), changed, "MergeBinary reports whether the receiver changed")
				before.Merge(from.state)
				require.True(t, before.Equal(to.state), "MergeBinary is Merge")
				maps.Copy(to.log, from.log)
			},
			"re-read": func(t *rapid.T) { reread(t, sub.fresh(), at("site").state) },
			"restore": func(t *rapid.T) {
				if len(parcels) == 0 {
					t.Skip("no backup")
				}
				lives++
				s, p := at("site"), rapid.SampledFrom(parcels).Draw(t, "backup")
				s.name = vclock.Incarnation(string(s.name[0]), uint64(lives))
				s.state, s.log = p.state.Clone(), maps.Clone(p.log)
			},
			"": func(t *rapid.T) {
				for _, s := range sites {
					require.ElementsMatch(t, sub.want(s.log), sub.show(s.state), "site %s", s.name)
				}
			},
		})
		for _, s := range sites {
			for _, o := range sites {
				deliver(s, parcel[S]{o.state, o.log})
			}
		}
		for _, s := range sites {
			for _, o := range sites {
				deliver(s, parcel[S]{o.state, o.log})
			}
			require.ElementsMatch(t, sub.want(s.log), sub.show(s.state), "in the end")
			require.True(t, s.state.Equal(sites[0].state), "all states are equal in the end")
			want, err := sites[0].state.MarshalBinary()
			require.NoError(t, err)
			got, err := s.state.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, want, got, "all bytes are equal in the end")
		}
	})
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

// undoing returns the events of l in force that match, as an event undoes them:
// restricted to what a client saw, if it acts for one.
func undoing(l log, seen *client, match func(*event) bool) map[int]bool {
	undid := map[int]bool{}
	for _, e := range l.inForce() {
		if match(e) && (seen == nil || seen.covers(e)) {
			undid[e.id] = true
		}
	}
	return undid
}

var (
	drawElem = rapid.SampledFrom([]string{"p", "q", "r"})
	drawKey  = rapid.SampledFrom([]string{"k", "l"})
)

func TestORSetHistories(t *testing.T) {
	histories(t, subject[*crdt.ORSet[string]]{
		fresh: func() *crdt.ORSet[string] { return new(crdt.ORSet[string]) },
		act:   actORSet,
		show:  func(s *crdt.ORSet[string]) []string { return slices.Collect(s.All()) },
		want: func(l log) []string {
			in := map[string]bool{}
			for _, e := range l.inForce() {
				if e.what == "add" {
					in[e.elem] = true
				}
			}
			return slices.Collect(maps.Keys(in))
		},
	})
}

// actORSet changes an add-wins set at random. Every change undoes the adds in
// force that it saw of its element.
func actORSet(t *rapid.T, s *site[*crdt.ORSet[string]], seen client) (*crdt.ORSet[string], []*event) {
	elem := drawElem.Draw(t, "elem")
	same := func(e *event) bool { return e.what == "add" && e.elem == elem }
	anything := func(e *event) bool { return e.what == "add" }
	switch rapid.IntRange(0, 6).Draw(t, "op") {
	case 0:
		return s.state.Remove(s.name, elem), []*event{{what: "remove", undid: undoing(s.log, nil, same)}}
	case 1:
		return s.state.RemoveSeen(s.name, seen.context, elem), []*event{{what: "remove", undid: undoing(s.log, &seen, same)}}
	case 2:
		return s.state.Clear(s.name), []*event{{what: "clear", undid: undoing(s.log, nil, anything)}}
	case 3:
		return s.state.ClearSeen(s.name, seen.context), []*event{{what: "clear", undid: undoing(s.log, &seen, anything)}}
	}
	return s.state.Add(s.name, elem), []*event{{what: "add", elem: elem, undid: undoing(s.log, nil, same)}}
}

// TestRWSetHistories: an element is in if it has adds in force and no removes,
// and every change of an element undoes what it saw of it.
func TestRWSetHistories(t *testing.T) {
	histories(t, subject[*crdt.RWSet[string]]{
		fresh: func() *crdt.RWSet[string] { return new(crdt.RWSet[string]) },
		act:   actRWSet,
		show:  func(s *crdt.RWSet[string]) []string { return slices.Collect(s.All()) },
		want: func(l log) []string {
			in := map[string]bool{}
			for _, e := range l.inForce() {
				in[e.elem] = e.what == "add" && (in[e.elem] || !slices.ContainsFunc(l.inForce(), func(o *event) bool {
					return o.elem == e.elem && o.what == "remove"
				}))
			}
			maps.DeleteFunc(in, func(_ string, in bool) bool { return !in })
			return slices.Collect(maps.Keys(in))
		},
	})
}

func actRWSet(t *rapid.T, s *site[*crdt.RWSet[string]], seen client) (*crdt.RWSet[string], []*event) {
	elem := drawElem.Draw(t, "elem")
	same := func(e *event) bool { return e.elem == elem }
	removals := func(seen *client, which func(elem string) bool) (done []*event) {
		for _, elem := range []string{"p", "q", "r"} {
			if which(elem) {
				done = append(done, &event{what: "remove", elem: elem, undid: undoing(s.log, seen, func(e *event) bool { return e.elem == elem })})
			}
		}
		return done
	}
	switch rapid.IntRange(0, 7).Draw(t, "op") {
	case 6:
		done := removals(nil, s.state.Contains)
		return s.state.Clear(s.name), done
	case 7:
		done := removals(&seen, func(elem string) bool {
			return len(undoing(s.log, &seen, func(e *event) bool { return e.elem == elem && e.what == "add" })) > 0
		})
		return s.state.ClearSeen(s.name, seen.context), done
	case 0:
		return s.state.Remove(s.name, elem), []*event{{what: "remove", elem: elem, undid: undoing(s.log, nil, same)}}
	case 1:
		return s.state.RemoveSeen(s.name, seen.context, elem), []*event{{what: "remove", elem: elem, undid: undoing(s.log, &seen, same)}}
	case 2:
		return s.state.AddSeen(s.name, seen.context, elem), []*event{{what: "add", elem: elem, undid: undoing(s.log, &seen, same)}}
	}
	return s.state.Add(s.name, elem), []*event{{what: "add", elem: elem, undid: undoing(s.log, nil, same)}}
}

type tags = crdt.ORSet[string]

// TestORMapHistories checks maps of sets, and maps of maps of sets: the model of
// both is a set of (path, element) pairs.
func TestORMapHistories(t *testing.T) {
	type inner = crdt.ORMap[string, *tags]
	type outer = crdt.ORMap[string, *inner]
	histories(t, subject[*outer]{
		fresh: func() *outer { return new(outer) },
		act: func(t *rapid.T, s *site[*outer], seen client) (*outer, []*event) {
			outerKey, innerKey, elem := drawKey.Draw(t, "outer"), drawKey.Draw(t, "inner"), drawElem.Draw(t, "elem")
			path := outerKey + "/" + innerKey
			under := func(prefix string) func(*event) bool {
				return func(e *event) bool {
					return e.what == "add" && (prefix == "" || e.key == prefix || e.key[:1] == prefix)
				}
			}
			same := func(e *event) bool { return e.what == "add" && e.key == path && e.elem == elem }
			switch rapid.IntRange(0, 9).Draw(t, "op") {
			case 0:
				return s.state.Delete(s.name, outerKey), []*event{{undid: undoing(s.log, nil, under(outerKey))}}
			case 1:
				return s.state.DeleteSeen(s.name, seen.context, outerKey), []*event{{undid: undoing(s.log, &seen, under(outerKey))}}
			case 2:
				d := s.state.Update(s.name, outerKey, func(m *inner) { m.Delete(s.name, innerKey) })
				return d, []*event{{undid: undoing(s.log, nil, under(path))}}
			case 3:
				return s.state.ClearSeen(s.name, seen.context), []*event{{undid: undoing(s.log, &seen, under(""))}}
			case 4:
				d := s.state.Update(s.name, outerKey, func(m *inner) {
					m.Update(s.name, innerKey, func(x *tags) { x.Remove(s.name, elem) })
				})
				return d, []*event{{undid: undoing(s.log, nil, same)}}
			case 5:
				d := s.state.Update(s.name, outerKey, func(m *inner) {
					m.Update(s.name, innerKey, func(x *tags) { x.Clear(s.name) })
					m.Update(s.name, innerKey, func(x *tags) { x.Add(s.name, elem) })
				})
				return d, []*event{{what: "add", key: path, elem: elem, undid: undoing(s.log, nil, under(path))}}
			}
			d := s.state.Update(s.name, outerKey, func(m *inner) {
				m.Update(s.name, innerKey, func(x *tags) { x.Add(s.name, elem) })
			})
			return d, []*event{{what: "add", key: path, elem: elem, undid: undoing(s.log, nil, same)}}
		},
		show: func(m *outer) []string {
			var out []string
			for k, in := range m.All() {
				for l, x := range in.All() {
					for e := range x.All() {
						out = append(out, fmt.Sprint(k, "/", l, e))
					}
				}
			}
			return out
		},
		want: func(l log) []string {
			in := map[string]bool{}
			for _, e := range l.inForce() {
				if e.what == "add" {
					in[e.key+e.elem] = true
				}
			}
			return slices.Collect(maps.Keys(in))
		},
	})
}

// TestRWSetCompactHistories: sites that merge whole states, record what the others
// have seen, and forget what they may, always show what sites show that never
// forget.
func TestRWSetCompactHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []vclock.Replica{"a", "b", "c"}
		var sets, full [3]crdt.RWSet[string]
		var seen [3]*vclock.Matrix
		for i := range seen {
			seen[i] = vclock.NewMatrix(names...)
		}
		site := rapid.IntRange(0, 2)
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) {
				i, e := site.Draw(t, "site"), drawElem.Draw(t, "elem")
				if rapid.Bool().Draw(t, "add") {
					sets[i].Add(names[i], e)
					full[i].Add(names[i], e)
				} else {
					sets[i].Remove(names[i], e)
					full[i].Remove(names[i], e)
				}
			},
			"merge": func(t *rapid.T) {
				i, k := site.Draw(t, "to"), site.Draw(t, "from")
				sets[i].Merge(&sets[k])
				full[i].Merge(&full[k])
				for r, row := range seen[k].All() {
					seen[i].Record(r, row)
				}
				seen[i].Record(names[k], sets[k].Context().Clock())
				seen[i].Record(names[i], sets[i].Context().Clock())
			},
			"compact": func(t *rapid.T) {
				i := site.Draw(t, "site")
				before := sets[i].Clone()
				require.Equal(t, !sets[i].Compact(seen[i]), before.Equal(&sets[i]))
			},
			"": func(t *rapid.T) {
				for i := range sets {
					require.ElementsMatch(t, slices.Collect(full[i].All()), slices.Collect(sets[i].All()), "site %s", names[i])
				}
			},
		})
		for range 2 {
			for i := range sets {
				for k := range sets {
					sets[i].Merge(&sets[k])
					full[i].Merge(&full[k])
				}
			}
		}
		for i := range sets {
			require.ElementsMatch(t, slices.Collect(full[i].All()), slices.Collect(sets[i].All()))
			require.Equal(t, encoded(t, &sets[0]), encoded(t, &sets[i]))
		}
	})
}
