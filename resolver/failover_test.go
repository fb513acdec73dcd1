package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A database holds keys, as a primary or a standby does. It tells every set of
// the promotions that it knows before it does anything else to it, and logs what
// is fenced before it merges.
type database struct {
	t         *testing.T
	log       *resolver.MemoryLog
	name      vclock.Replica
	clock     ticks
	epoch     uint64
	promotion resolver.Promotion
	keys      map[string]*resolver.Siblings[string]
}

func newDatabase(t *testing.T, name vclock.Replica, log *resolver.MemoryLog) *database {
	t.Helper()
	return &database{t: t, log: log, name: name, keys: map[string]*resolver.Siblings[string]{}}
}

func (d *database) reconciler() *resolver.Reconciler[string] {
	return &resolver.Reconciler[string]{Rule: resolver.LastWriterWins[string], Log: d.log}
}

func (d *database) set(key string) *resolver.Siblings[string] {
	s, ok := d.keys[key]
	if !ok {
		s = resolver.NewSiblings[string](vclock.Clock{}, d.promotion.Epoch)
		d.keys[key] = s
	}
	if d.promotion.Epoch > 0 {
		require.NoError(d.t, d.reconciler().Fenced(d.t.Context(), key, s.Promote(d.promotion)...))
	}
	return s
}

func (d *database) get(key string) resolver.Outcome[string] {
	out, err := d.reconciler().Resolve(d.t.Context(), key, d.set(key))
	require.NoError(d.t, err)
	return out
}

// put writes as a client that reads first, and logs what is fenced or refused.
func (d *database) put(key, value string, seen resolver.Context) error {
	w := resolver.Writer{Epoch: d.epoch}
	w.Replica, w.Clock = d.name, &d.clock
	written, err := d.set(key).Write(w, seen, value)
	if err != nil {
		require.NoError(d.t, d.reconciler().Fenced(d.t.Context(), key, written.Version))
		return err
	}
	return d.reconciler().Fenced(d.t.Context(), key, written.Fenced...)
}

// pull replicates all keys of o.
func (d *database) pull(o *database) {
	for key, s := range o.keys {
		mine := d.set(key)
		require.NoError(d.t, d.reconciler().Fenced(d.t.Context(), key, mine.Fenced(s)...))
		mine.Merge(s)
	}
}

// cut is what d has merged, over all keys.
func (d *database) cut() vclock.Clock {
	var c vclock.Clock
	for _, s := range d.keys {
		c = c.Join(s.Context().Past())
	}
	return c
}

func (d *database) fenced() []string {
	var values []string
	for _, rec := range d.log.Entries() {
		if rec.Event == resolver.Fenced {
			var v resolver.Version[string]
			require.NoError(d.t, v.UnmarshalJSON(rec.Versions[0]))
			values = append(values, rec.Key+"="+v.Value)
		}
	}
	return values
}

// TestFailover deposes a primary that goes on writing: before it hears of the new
// epoch, and after. The new primary has written some keys and not others. What
// the old one writes is refused, or fenced as it is replicated; either way it is
// in the log, and the new primary's values stand.
func TestFailover(t *testing.T) {
	log := &resolver.MemoryLog{}
	old, standby := newDatabase(t, "us", log), newDatabase(t, "eu", log)
	for _, key := range []string{"touched", "untouched", "unwritten"} {
		require.NoError(t, old.put(key, "v1", resolver.Context{}))
	}
	standby.pull(old)
	late := old.get("touched").Context

	standby.epoch = 1
	standby.promotion = resolver.Promotion{Epoch: 1, Cut: standby.cut()}
	require.NoError(t, standby.put("touched", "v2", standby.get("touched").Context))
	require.Empty(t, standby.fenced(), "nothing was lost by the failover itself")

	// Cut off, the old primary does not know, and writes what nobody will see.
	require.NoError(t, old.put("touched", "late", late))
	require.NoError(t, old.put("untouched", "late", old.get("untouched").Context))
	require.NoError(t, old.put("new", "late", resolver.Context{}))
	standby.pull(old)
	require.ElementsMatch(t, []string{"touched=late", "untouched=late", "new=late"}, standby.fenced())
	require.Equal(t, "v2", standby.get("touched").Value)
	require.Equal(t, "v1", standby.get("untouched").Value, "what a late write replaced is valid")
	require.False(t, standby.get("new").Found)

	// It hears of the new epoch, by a value it replicates, and is still up.
	old.pull(standby)
	require.Equal(t, "v2", old.get("touched").Value)
	for _, key := range []string{"touched", "untouched", "new"} {
		err := old.put(key, "defiant", old.get(key).Context)
		var fenced *resolver.FencedError
		require.ErrorAs(t, err, &fenced, key)
		require.Equal(t, uint64(1), fenced.Current)
		require.Equal(t, "defiant", fenced.Version.(resolver.Version[string]).Value)
		require.Contains(t, standby.fenced(), key+"=defiant")
	}
	require.EqualError(t, old.put("touched", "x", resolver.Context{}), "resolver: write in epoch 0 is fenced by epoch 1")

	// A key that it has not replicated since: the context is from the new primary.
	require.NoError(t, old.put("elsewhere", "w1", resolver.Context{}))
	require.Error(t, old.put("elsewhere", "w2", standby.get("touched").Context))

	// As a standby of the new epoch, it writes again.
	old.promotion, old.epoch = standby.promotion, 1
	old.pull(standby)
	require.NoError(t, old.put("untouched", "v3", old.get("untouched").Context))
	standby.pull(old)
	old.pull(standby)
	for key := range standby.keys {
		require.True(t, standby.set(key).Equal(old.set(key)), key)
	}
	require.Equal(t, "v3", standby.get("untouched").Value)
	require.Contains(t, standby.fenced(), "elsewhere=w1")
}

// TestFailoverTwice has a second failover while the first is not known everywhere.
func TestFailoverTwice(t *testing.T) {
	log := &resolver.MemoryLog{}
	a, b, c := newDatabase(t, "a", log), newDatabase(t, "b", log), newDatabase(t, "c", log)
	require.NoError(t, a.put("k", "v1", resolver.Context{}))
	b.pull(a)
	c.pull(a)
	b.epoch, b.promotion = 1, resolver.Promotion{Epoch: 1, Cut: b.cut()}
	require.NoError(t, b.put("k", "v2", b.get("k").Context))
	c.pull(b)
	c.epoch, c.promotion = 2, resolver.Promotion{Epoch: 2, Cut: c.cut()}
	require.NoError(t, b.put("k", "late", b.get("k").Context))
	require.NoError(t, a.put("k", "later", a.get("k").Context))
	for range 2 {
		for _, d := range []*database{a, b, c} {
			for _, o := range []*database{a, b, c} {
				d.pull(o)
			}
		}
	}
	for _, d := range []*database{a, b, c} {
		require.Equal(t, "v2", d.get("k").Value, d.name)
	}
	require.ElementsMatch(t, []string{"k=late", "k=later"}, a.fenced())
}

// TestCutOfFutureTimes promotes with a cut that does not cover a time from the
// future: the set is fenced whole, and says so.
func TestCutOfFutureTimes(t *testing.T) {
	s := write(t, &resolver.Siblings[string]{}, at("us", hlc.Max-5), resolver.Context{}, "v")
	require.Error(t, s.Ahead(1000, 0))
	fenced := s.Promote(resolver.Promotion{Epoch: 1, Cut: vclock.Clock{}.With("us", 1000)})
	require.Len(t, fenced, 1)
	require.Zero(t, s.Len())
}

// TestAdoptedRowsAtPromotion promotes a region with rows that were adopted: one is
// as it was, one was written over in time, and one late, by the deposed primary.
// No cut covers the rows themselves, and none of them is fenced.
func TestAdoptedRowsAtPromotion(t *testing.T) {
	for name, tt := range map[string]struct {
		inTime, late bool
		want         string
	}{
		"as it was":      {want: "row"},
		"written over":   {inTime: true, want: "in time"},
		"late":           {late: true, want: "row"},
		"in time, again": {inTime: true, late: true, want: "in time"},
	} {
		t.Run(name, func(t *testing.T) {
			eu, us := &resolver.Siblings[string]{}, &resolver.Siblings[string]{}
			require.NoError(t, eu.Seed("row", 100))
			require.NoError(t, us.Seed("row", 100))
			if tt.inTime {
				us = write(t, us, at("us", 110), us.Context(), "in time")
				eu.Merge(us)
			}
			p := resolver.Promotion{Epoch: 1, Cut: vclock.Clock{}.With("us", uint64(eu.LastOf("us")))}
			want := 0
			if tt.late {
				us = write(t, us, at("us", 120), us.Context(), "late")
				want = 1
			}
			unpromoted := us.Clone()
			require.Empty(t, eu.Promote(p))
			require.Len(t, us.Promote(p), want)
			require.Len(t, eu.Fenced(unpromoted), want)
			for _, set := range []*resolver.Siblings[string]{join(eu, us), join(us, eu), join(eu, unpromoted), join(unpromoted, eu)} {
				require.Equal(t, eu.Versions(), set.Versions())
				require.Equal(t, 1, set.Len())
				require.Equal(t, tt.want, set.Versions()[0].Value)
			}
			require.True(t, join(eu, us).Equal(join(us, eu)))
		})
	}
	s := write(t, &resolver.Siblings[string]{}, at("seed-1", 10), resolver.Context{}, "of a replica with such a name")
	require.Len(t, s.Promote(resolver.Promotion{Epoch: 1}), 1)
}

// A context from a set that was emptied by a promotion covers earlier times of
// its replica, though nobody was shown what was written then. What it takes out
// elsewhere is reported, or it would be lost without a trace.
func TestContextOfEmptiedSet(t *testing.T) {
	eu := write(t, &resolver.Siblings[string]{}, at("eu", 10), resolver.Context{}, "valid")
	ap := eu.Clone()
	eu = write(t, eu, at("eu", 20), eu.Context(), "late")
	p := resolver.Promotion{Epoch: 1, Cut: ap.Context().Past()}
	require.Empty(t, ap.Promote(p))
	require.Len(t, eu.Promote(p), 1)
	w := at("eu", 30)
	w.Epoch = 1
	_, err := eu.Write(w, resolver.Context{}, "new")
	require.NoError(t, err)

	w = at("ap", 40)
	w.Epoch = 1
	elsewhere := ap.Clone()
	written, err := elsewhere.Write(w, eu.Context(), "newer")
	require.NoError(t, err)
	require.Len(t, written.Fenced, 1)
	require.Equal(t, "valid", written.Fenced[0].Value)

	// The same if the write is made where the set was emptied, and replicated.
	_, err = eu.Write(w, eu.Context(), "newer")
	require.NoError(t, err)
	require.Len(t, ap.Fenced(eu), 1)

	// Somebody who was shown the value replaces it, and nothing is to be told.
	written, err = ap.Write(w, ap.Context(), "next")
	require.NoError(t, err)
	require.Empty(t, written.Fenced)
}

// An emptied set still knows what times were used: its replica does not use one
// again, and the store does not forget the key while they are ahead.
func TestFloorOfEmptiedSet(t *testing.T) {
	s := write(t, &resolver.Siblings[string]{}, at("us", 1000), resolver.Context{}, "from the future")
	require.Len(t, s.Promote(resolver.Promotion{Epoch: 1}), 1)
	ok, err := s.Clone().Reap(vclock.Clock{}, 500)
	require.False(t, ok)
	var ahead *resolver.AheadError
	require.ErrorAs(t, err, &ahead)

	w := at("us", 500)
	w.Epoch = 1
	written, err := s.Write(w, resolver.Context{}, "v")
	require.NoError(t, err)
	require.Equal(t, hlc.Timestamp(1001), written.Version.Stamp.Time)
}

// TestCut makes the cut of a promotion from the sets alone, with the names of earlier
// incarnations: a key that one of those created is not emptied.
func TestCut(t *testing.T) {
	eu := write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "open")
	eu = write(t, eu, at("eu#2", 2), eu.Context(), "paid")
	other := write(t, &resolver.Siblings[int]{}, at("us", 7), resolver.Context{}, 1)
	var cut resolver.Cut
	cut.Add(eu)
	cut.Add(other)
	p, err := cut.Promotion(1)
	require.NoError(t, err)
	require.Equal(t, "eu:1,eu#2:2,us:7", p.Cut.String())
	require.Empty(t, eu.Promote(p))
	require.Equal(t, []string{"paid"}, valuesOf(eu))

	cut.Add(eu)
	_, err = cut.Promotion(1)
	require.EqualError(t, err, "resolver: promotion under epoch 1, while a set knows of 1")
	p, err = cut.Promotion(2)
	require.NoError(t, err)
	require.EqualValues(t, 2, p.Epoch)
	eu.Promote(p)
	cut.Add(eu)
	_, err = cut.Promotion(1)
	require.EqualError(t, err, "resolver: promotion under epoch 1, while a set knows of 2")
}

// TestStoreEpoch refuses the write that creates a key, at a deposed primary that has
// heard of the promotion by another key.
func TestStoreEpoch(t *testing.T) {
	var store resolver.StoreEpoch
	old := at("eu", 9)
	require.NoError(t, store.Check(old))
	require.False(t, store.Observe(&resolver.Siblings[string]{}))

	promoted := resolver.NewSiblings[string](vclock.Clock{}, 1)
	require.True(t, store.Observe(promoted))
	require.False(t, store.Observe(promoted))
	require.False(t, store.Observe(&resolver.Siblings[int]{}))
	var fenced *resolver.FencedError
	require.ErrorAs(t, store.Check(old), &fenced)
	require.Equal(t, resolver.FencedError{Current: 1}, *fenced)
	current := old
	current.Epoch = 1
	require.NoError(t, store.Check(current))
	_, err := resolver.NewSiblings[string](vclock.Clock{}, uint64(store)).Write(old, resolver.Context{}, "new")
	require.ErrorAs(t, err, &fenced, "nor is a set made below it")
}

// TestBlindWrites is of clients that never read: as many of their writes stay as
// anybody can look at, and each costs what one does.
func TestBlindWrites(t *testing.T) {
	s := &resolver.Siblings[int]{}
	now := new(ticks)
	w := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: now}}
	for i := range 1000 {
		_, err := s.Write(w, resolver.Context{}, i)
		require.NoError(t, err)
	}
	before, copied := s.Context(), s.Clone()
	var crowded *resolver.CrowdedError
	_, err := s.Write(w, resolver.Context{}, 1000)
	require.ErrorAs(t, err, &crowded)
	require.EqualError(t, err, "resolver: set holds 1000 versions, and the write replaces none")
	require.True(t, s.Equal(copied), "nothing was written")
	_, err = s.Delete(w, before)
	require.NoError(t, err)
	require.Equal(t, 1, s.Len(), "who has read may write")

	x, y := write(t, s, w, resolver.Context{}, 1), write(t, s, w, resolver.Context{}, 2) // of one list
	require.NotEqual(t, x.ETag(), y.ETag())
	two := write(t, x, w, resolver.Context{}, 3)
	require.Equal(t, 1, x.Versions()[1].Value)
	require.Equal(t, 3, two.Versions()[2].Value)
}
