package lww_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A write is one put or delete that ever happened anywhere. It is what the model
// of a history consists of: a replica's value of a key is the latest of the
// writes it knows of, compacted or not.
type write struct {
	key string
	slowVersion
}

// A site is a replica under test beside its model.
type site struct {
	name     vclock.Replica
	physical hlc.Timestamp
	clock    hlc.Clock
	state    *lww.Map[string, string]
	known    map[write]bool
	expired  map[lww.Stamp]bool // the stamps of all that expired anywhere, shared by all sites
	seen     vclock.Clock       // by replica: all it wrote up to this time is known
	matrix   *vclock.Matrix     // who is known to have seen what
}

// reading returns what s has seen, itself up to the present.
func (s *site) reading() vclock.Clock { return s.seen.With(s.name, uint64(s.clock.Now())) }

// sync merges the state of o into s, together with what o knows of everybody.
func (s *site) sync(t *rapid.T, o *site) {
	s.receive(t, message{o.state, o.known})
	o.matrix.Record(uint64(o.clock.Now()))
	s.seen = s.seen.Join(o.reading())
	_, err := s.matrix.Merge(o.matrix)
	require.NoError(t, err)
	s.matrix.Record(uint64(s.clock.Now()))
}

func (s *site) writer() lww.Writer { return lww.Writer{Replica: s.name, Clock: &s.clock} }

// latest returns the winner of the writes of k that s knows of.
func (s *site) latest(k string) (slowVersion, bool) {
	var best slowVersion
	found := false
	for w := range s.known {
		if w.key == k && (!found || w.after(best)) {
			best, found = w.slowVersion, true
		}
	}
	return best, found
}

// check compares s with its model.
func (s *site) check(t *rapid.T, keys []string) {
	live := 0
	for _, k := range keys {
		want, found := s.latest(k)
		got, ok := s.state.At(k)
		if !ok && s.expired[want.stamp] {
			continue // and may come back, where others have compacted beyond its delete
		}
		require.Equal(t, found && !want.deleted, ok, "%s: %q is there", s.name, k)
		require.Equal(t, want.value, got, "%s: value of %q", s.name, k)
		if ok {
			live++
		}
		if stamp := s.state.Stamp(k); !stamp.IsZero() || ok {
			require.Equal(t, want.stamp, stamp, "%s: stamp of %q", s.name, k)
		}
	}
	require.Equal(t, live, s.state.Len())
	require.Len(t, maps.Collect(s.state.All()), live)
	for k, stamp := range s.state.Tombstones() {
		require.Greater(t, stamp.Time, s.state.Horizon(), "tombstone of %q", k)
	}
}

// A message is a delta, or a state as it was at some time, with the writes that
// it speaks for.
type message struct {
	state *lww.Map[string, string]
	known map[write]bool
}

type history struct {
	keys     []string
	sites    []*site
	messages []message // all that were ever sent: any may arrive late, again, or never
	all      map[write]bool
}

func newHistory() *history {
	h := &history{keys: []string{"k", "l"}, all: map[write]bool{}}
	expired := map[lww.Stamp]bool{}
	for i, name := range []vclock.Replica{"ap", "eu", "us"} {
		s := &site{name: name, state: new(lww.Map[string, string]), known: map[write]bool{}, expired: expired}
		s.matrix = vclock.NewMatrix(name, "ap", "eu", "us")
		s.physical = noon + hlc.Timestamp(2*i)*hlc.Timestamp(time.Second) // us is 4 s ahead of ap
		s.clock.Physical = func() time.Time { return s.physical.Time() }
		h.sites = append(h.sites, s)
	}
	return h
}

func (h *history) send(state *lww.Map[string, string], known map[write]bool) {
	h.messages = append(h.messages, message{state.Clone(), maps.Clone(known)})
}

// receive merges a message, as it is or through its bytes.
func (s *site) receive(t *rapid.T, m message) {
	if rapid.Bool().Draw(t, "through bytes") {
		enc, err := m.state.MarshalBinary()
		require.NoError(t, err)
		m.state = new(lww.Map[string, string])
		require.NoError(t, m.state.UnmarshalBinary(enc))
	}
	before, changed := s.state.Clone(), s.state.Changed(m.state)
	for _, e := range s.state.Stragglers(m.state) {
		if s.expired[e.Stamp] {
			continue // it is the latest write, and the model has no delete after it
		}
		w := write{e.Key, slowVersion{e.Stamp, e.Deleted, e.Value}}
		latest, _ := s.latest(e.Key)
		for o := range m.known {
			if o.key == e.Key && o.after(latest) {
				latest = o.slowVersion
			}
		}
		require.NotEqual(t, latest, w.slowVersion, "the latest write of %q is dropped", e.Key)
	}
	merged := s.state.Merge(m.state)
	require.Equal(t, !before.Equal(s.state), merged)
	require.Equal(t, merged, len(changed) > 0 || before.Horizon() != s.state.Horizon())
	for _, k := range differing(before, s.state) {
		require.Contains(t, changed, k)
	}
	maps.Copy(s.known, m.known)
}

// differing returns the keys whose value differs between two states.
func differing(a, b *lww.Map[string, string]) []string {
	var keys []string
	for _, k := range []string{"k", "l"} {
		v, ok := a.At(k)
		w, still := b.At(k)
		if v != w || ok != still || a.Stamp(k) != b.Stamp(k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// floor returns the largest time up to which s holds every write there ever was
// and that no clock can stamp below any more.
func (h *history) floor(s *site) hlc.Timestamp {
	floor := hlc.Max - 1
	for _, o := range h.sites {
		floor = min(floor, o.clock.Now())
	}
	for w := range h.all {
		if !s.known[w] {
			floor = min(floor, w.stamp.Time-1)
		}
	}
	return floor
}

// TestHistory drives three replicas through random histories of puts, deletes,
// foreign writes from the far future, clocks that step, deltas and states that
// are lost, repeated, reordered and grouped, and safe compactions, up to what
// the model says and up to the floor of a [vclock.Matrix]. Stale messages, older than a compaction, stay in circulation. After every step each
// replica has the values of its model, and in the end all have the same bytes.
func TestHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory()
		values := 0
		anySite := func(t *rapid.T, label string) *site { return rapid.SampledFrom(h.sites).Draw(t, label) }
		record := func(s *site, w write, delta *lww.Map[string, string]) {
			h.all[w], s.known[w] = true, true
			h.send(delta, map[write]bool{w: true})
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				s, k := anySite(t, "site"), rapid.SampledFrom(h.keys).Draw(t, "key")
				w, before := write{key: k}, s.state.Stamp(k)
				var delta *lww.Map[string, string]
				var err error
				if rapid.IntRange(0, 2).Draw(t, "kind") == 0 {
					w.deleted = true
					delta, err = s.state.Delete(s.writer(), k)
				} else {
					values++
					w.value = fmt.Sprint(values % 7)
					delta, err = s.state.Put(s.writer(), k, w.value)
				}
				require.NoError(t, err)
				got, ok := s.state.At(k)
				require.Equal(t, w.value, got, "a local write reads back")
				require.Equal(t, !w.deleted, ok, "a local write reads back")
				if w.stamp = s.state.Stamp(k); w.stamp == before {
					return // it was so already: what expired is deleted under the stamp of its value
				}
				record(s, w, delta)
			},
			"foreign": func(t *rapid.T) {
				s, k := anySite(t, "site"), rapid.SampledFrom(h.keys).Draw(t, "key")
				stamp := at(noon+hlc.Timestamp(rapid.IntRange(10, 12).Draw(t, "hours"))*hlc.Timestamp(time.Hour), "zz")
				w := write{k, slowVersion{stamp, false, rapid.SampledFrom([]string{"f", "g"}).Draw(t, "value")}}
				delta, err := s.state.PutAt(k, w.value, stamp)
				require.NoError(t, err)
				record(s, w, delta)
			},
			"expire": func(t *rapid.T) {
				s := anySite(t, "site")
				age := hlc.Timestamp(rapid.IntRange(-2000, 4000).Draw(t, "milliseconds")) * hlc.Timestamp(time.Millisecond)
				m := s.expire(t, s.physical-age)
				h.send(m.state, m.known)
			},
			"clock": func(t *rapid.T) {
				step := rapid.IntRange(-3000, 5000).Draw(t, "milliseconds")
				s := anySite(t, "site")
				s.physical = hlc.At(s.physical.Time().Add(time.Duration(step) * time.Millisecond))
			},
			"send": func(t *rapid.T) { s := anySite(t, "from"); h.send(s.state, s.known) },
			"receive": func(t *rapid.T) {
				if len(h.messages) > 0 {
					anySite(t, "to").receive(t, rapid.SampledFrom(h.messages).Draw(t, "message"))
				}
			},
			"group": func(t *rapid.T) {
				if len(h.messages) < 2 {
					return
				}
				m, o := rapid.SampledFrom(h.messages).Draw(t, "one"), rapid.SampledFrom(h.messages).Draw(t, "other")
				h.send(m.state, m.known)
				m = h.messages[len(h.messages)-1]
				m.state.Merge(o.state)
				maps.Copy(m.known, o.known)
			},
			"sync": func(t *rapid.T) {
				anySite(t, "to").sync(t, anySite(t, "from"))
			},
			"round": func(t *rapid.T) {
				for range 2 {
					for i, s := range h.sites {
						s.sync(t, h.sites[(i+1)%len(h.sites)])
					}
				}
			},
			"compact by matrix": func(t *rapid.T) {
				s := anySite(t, "site")
				floor := hlc.Timestamp(s.matrix.Floor())
				require.LessOrEqual(t, floor, h.floor(s), "the matrix promises too much")
				if err := s.state.Compact(floor); err != nil {
					require.ErrorContains(t, err, "is empty")
				}
			},
			"compact": func(t *rapid.T) {
				s := anySite(t, "site")
				floor := h.floor(s)
				if rapid.Bool().Draw(t, "below the floor") {
					floor -= hlc.Timestamp(rapid.IntRange(0, int(2*time.Second)).Draw(t, "by"))
				}
				if err := s.state.Compact(floor); err != nil {
					require.ErrorContains(t, err, "is empty")
				}
			},
			"": func(t *rapid.T) {
				for _, s := range h.sites {
					s.check(t, h.keys)
				}
			},
		})
		h.settle(t)
	})
}

// expire deletes what was last written before since, and nothing else. It returns the
// deletes, which speak for the writes that they delete.
func (s *site) expire(t *rapid.T, since hlc.Timestamp) message {
	before, old := s.state.Clone(), 0
	known := map[write]bool{}
	for k := range before.All() {
		if stamp := before.Stamp(k); stamp.Time < since {
			old++
			s.expired[stamp] = true
			for w := range s.known {
				if w.key == k && w.stamp == stamp {
					known[w] = true
				}
			}
		}
	}
	delta := s.state.Expire(since)
	require.Equal(t, old, before.Len()-s.state.Len())
	for k := range s.state.All() {
		require.GreaterOrEqual(t, s.state.Stamp(k).Time, since)
		require.Equal(t, before.Stamp(k), s.state.Stamp(k))
	}
	before.Merge(delta)
	require.True(t, before.Equal(s.state), "the delta does what Expire did")
	return message{delta, known}
}

// settle delivers every message once more and then syncs the replicas.
func (h *history) settle(t *rapid.T) {
	for _, s := range rapid.Permutation(h.sites).Draw(t, "order") {
		for _, m := range h.messages {
			s.receive(t, m)
		}
		s.check(t, h.keys)
	}
	for range 2 {
		for _, s := range h.sites {
			for _, o := range h.sites {
				s.sync(t, o)
			}
		}
	}
	// Whoever sweeps last at all sites is rid of everything old.
	since := hlc.Timestamp(0)
	for w := range h.all {
		since = max(since, w.stamp.Time)
	}
	for _, s := range h.sites {
		s.expire(t, since)
	}
	for _, s := range h.sites {
		for _, o := range h.sites {
			s.state.Merge(o.state)
		}
	}
	for _, s := range h.sites {
		for k := range s.state.All() {
			require.Equal(t, since, s.state.Stamp(k).Time)
		}
	}
	want, err := h.sites[0].state.MarshalBinary()
	require.NoError(t, err)
	for _, s := range h.sites {
		s.check(t, h.keys)
		got, err := s.state.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, want, got, "%s and %s differ", s.name, h.sites[0].name)
	}
}
