package lives_test

import (
	"bytes"
	"encoding"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// This file plays the lives of a store with an object of every type. Each write goes to all
// of them, and the model of each is a function of the writes that are known, and of what
// each of them had seen.

// A deed is a write: it puts its number, or removes what there is.
type deed struct {
	clears bool
	saw    map[int]bool
	at     hlc.Timestamp
	by     vclock.Replica
}

type note struct {
	Name string
	N    int64    `merge:"additive"`
	Tags []string `merge:"set"`
}

var notes = merge.MustCompile[note](merge.Options[note]{Record: true})

// A bag is the objects of a store.
type bag struct {
	set    *crdt.ORSet[int]
	carts  *crdt.ORMap[string, *crdt.ORSet[int]]
	rights *crdt.RWSet[string]
	on     *crdt.EWFlag
	off    *crdt.DWFlag
	values *crdt.MVRegister[int]
	count  *crdt.PNCounter
	visits *crdt.GCounter
	stock  *crdt.BoundedCounter
	ids    *crdt.GSet[int]
	row    *lww.Map[string, int]
	flags  *lww.Set[string]
	last   *lww.Register[int]
	record *merge.Record[note]
	order  *resolver.Siblings[int]
}

func newBag() bag {
	return bag{
		new(crdt.ORSet[int]), new(crdt.ORMap[string, *crdt.ORSet[int]]), new(crdt.RWSet[string]), new(crdt.EWFlag), new(crdt.DWFlag),
		new(crdt.MVRegister[int]), new(crdt.PNCounter), new(crdt.GCounter), new(crdt.BoundedCounter), new(crdt.GSet[int]),
		new(lww.Map[string, int]), new(lww.Set[string]), new(lww.Register[int]), notes.NewRecord(), new(resolver.Siblings[int]),
	}
}

func (b bag) clone() bag {
	last := new(lww.Register[int])
	last.Merge(b.last)
	return bag{
		b.set.Clone(), b.carts.Clone(), b.rights.Clone(), b.on.Clone(), b.off.Clone(), b.values.Clone(), b.count.Clone(), b.visits.Clone(),
		b.stock.Clone(), b.ids.Clone(), b.row.Clone(), b.flags.Clone(), last, b.record.Clone(), b.order.Clone(),
	}
}

func (b bag) merge(o bag) {
	b.set.Merge(o.set)
	b.carts.Merge(o.carts)
	b.rights.Merge(o.rights)
	b.on.Merge(o.on)
	b.off.Merge(o.off)
	b.values.Merge(o.values)
	b.count.Merge(o.count)
	b.visits.Merge(o.visits)
	b.stock.Merge(o.stock)
	b.ids.Merge(o.ids)
	b.row.Merge(o.row)
	b.flags.Merge(o.flags)
	b.last.Merge(o.last)
	b.record.Merge(o.record)
	b.order.Merge(o.order)
}

func (b bag) close(over vclock.Closing) {
	b.set.Close(over)
	b.carts.Close(over)
	b.rights.Close(over)
	b.on.Close(over)
	b.off.Close(over)
	b.values.Close(over)
	b.count.Close(over)
	b.visits.Close(over)
}

// note notes what may be compacted, seen under a permit drops it.
func (b bag) seen() map[string]crdt.Context {
	return map[string]crdt.Context{"rights": b.rights.Context(), "off": b.off.Context(), "count": b.count.Context(), "carts": b.carts.Context()}
}

func (b bag) compact(seen map[string]crdt.Context) {
	b.rights.Compact(seen["rights"])
	b.off.Compact(seen["off"])
	b.count.Compact(seen["count"])
	b.carts.Compact(seen["carts"])
}

// forget drops what types with times have up to the horizon.
func (b bag) forget(horizon hlc.Timestamp, stable vclock.Clock, now hlc.Timestamp) {
	if horizon == 0 || b.row.Latest() == 0 {
		return
	}
	must(b.row.Compact(horizon))
	must(b.flags.Compact(horizon))
	must(b.record.Compact(horizon))
	_, err := b.order.Reap(stable, now)
	must(err)
}

// A tick is a clock that shows one time.
type tick hlc.Timestamp

func (c tick) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	if hlc.Timestamp(c) <= after {
		return 0, fmt.Errorf("%d is not after %d", c, after)
	}
	return hlc.Timestamp(c), nil
}

func (b bag) put(by vclock.Replica, n int, at hlc.Timestamp) {
	w := lww.Writer{Replica: by, Clock: tick(at)}
	b.set.Add(by, n)
	b.carts.Update(by, "k", func(s *crdt.ORSet[int]) { s.Add(by, n) })
	b.rights.Add(by, "x")
	b.on.Enable(by)
	b.off.Enable(by)
	_, err := b.values.Set(by, n)
	must(err)
	b.count.Add(by, 1<<n)
	b.visits.Add(by, 1<<n)
	_, err = b.stock.Add(by, 1<<n)
	must(err)
	b.ids.Add(n)
	s := lww.Stamp{Time: at, Replica: by}
	_, err = b.row.PutAt("k", n, s)
	must(err)
	_, err = b.flags.AddAt("x", s) // a write also where it is there
	must(err)
	must(b.last.Set(w, n))
	must(b.record.Update(w, func(v *note) error {
		v.Name, v.N = fmt.Sprint(n), v.N+1<<n
		v.Tags = []string{fmt.Sprint(n)}
		return nil
	}))
	_, err = b.order.Write(resolver.Writer{Writer: w}, b.order.Context(), n)
	must(err)
}

func (b bag) clear(by vclock.Replica, n int, at hlc.Timestamp) {
	w := lww.Writer{Replica: by, Clock: tick(at)}
	b.set.Clear(by)
	b.carts.Clear(by)
	b.rights.Remove(by, "x")
	b.on.Disable(by)
	b.off.Disable(by)
	b.values.Clear(by)
	b.count.Reset(by)
	s := lww.Stamp{Time: at, Replica: by}
	_, err := b.row.DeleteAt("k", s)
	must(err)
	_, err = b.flags.RemoveAt("x", s)
	must(err)
	must(b.last.Set(w, -n))
	must(b.record.Update(w, func(v *note) error {
		v.Name, v.Tags = fmt.Sprint(-n), nil
		return nil
	}))
	_, err = b.order.Delete(resolver.Writer{Writer: w}, b.order.Context())
	must(err)
}

// shows returns what the objects show, by name.
func (b bag) shows() map[string]any {
	count, _ := b.count.Total()
	visits, _ := b.visits.Total()
	stock, _ := b.stock.Total()
	row, ok := b.row.At("k")
	last, _ := b.last.Get()
	record, _ := b.record.Get()
	var order []int
	for _, v := range b.order.Versions() {
		if !v.Deleted {
			order = append(order, v.Value)
		}
	}
	var cart []int
	if c, ok := b.carts.At("k"); ok {
		cart = slices.Sorted(c.All())
	}
	slices.Sort(order)
	return map[string]any{
		"set": slices.Sorted(b.set.All()), "cart": cart, "rights": b.rights.Contains("x"), "on": b.on.Enabled(), "off": b.off.Enabled(),
		"values": slices.Sorted(b.values.Values()), "count": count, "visits": int64(visits), "stock": stock, "ids": slices.Sorted(b.ids.All()),
		"row": fmt.Sprint(row, ok), "flag": b.flags.Contains("x"), "last": last, "record": fmt.Sprint(record.Name, record.N, record.Tags), "order": order,
	}
}

// expected returns what the objects are to show by the model.
func expected(deeds []deed, known map[int]bool) map[string]any {
	var kept, alive, all, clears []int
	sum, counted, newest := int64(0), int64(0), -1
	for _, n := range slices.Sorted(maps.Keys(known)) {
		d := deeds[n]
		undone, replaced := false, false
		for k := range known {
			undone = undone || deeds[k].clears && deeds[k].saw[n]
			replaced = replaced || deeds[k].saw[n]
		}
		if newest < 0 || deeds[newest].at < d.at {
			newest = n
		}
		switch {
		case d.clears && !replaced:
			clears = append(clears, n)
		case !d.clears:
			all = append(all, n)
			sum += 1 << n
			if !undone {
				kept = append(kept, n)
				counted += 1 << n
			}
			if !replaced {
				alive = append(alive, n)
			}
		}
	}
	put, last, name, tags := newest >= 0 && !deeds[newest].clears, 0, "", []string(nil)
	switch {
	case put:
		last, name, tags = newest, fmt.Sprint(newest), nil
	case newest >= 0:
		last, name = -newest, fmt.Sprint(-newest)
	}
	for _, n := range all { // a tag stays until somebody who saw it writes
		if slices.Contains(alive, n) {
			tags = append(tags, fmt.Sprint(n))
		}
	}
	slices.Sort(tags)
	row := 0
	if put {
		row = newest
	}
	return map[string]any{
		"set": kept, "cart": kept, "rights": len(alive) > 0 && len(clears) == 0, "on": len(alive) > 0, "off": len(alive) > 0 && len(clears) == 0,
		"values": alive, "count": counted, "visits": sum, "stock": sum, "ids": all,
		"row": fmt.Sprint(row, put), "flag": put, "last": last, "record": fmt.Sprint(name, sum, tags), "order": alive,
	}
}

// A dweller is a member, its objects, and the writes that it knows of.
type dweller struct {
	life
	has   bag
	known map[int]bool
}

func (d *dweller) clone() *dweller {
	c := *d
	c.life, c.has, c.known = d.life.clone(), d.has.clone(), maps.Clone(d.known)
	return &c
}

// A town is a store of several members, and what a procedure leaves out.
type town struct {
	rng     *rand.Rand
	now     hlc.Timestamp
	deeds   []deed
	members []*dweller
	parcels []*dweller
	joined  bool // somebody was admitted
	said    []string

	same, impatient, hasty, ageing bool
}

func newTown(seed uint64) *town {
	w := &town{rng: rand.New(rand.NewPCG(seed, 13)), now: 1 << 20}
	for _, l := range founders("a", "b", "c") {
		w.members = append(w.members, &dweller{life: l, has: newBag(), known: map[int]bool{}})
	}
	return w
}

func (w *town) say(format string, args ...any) { w.said = append(w.said, fmt.Sprintf(format, args...)) }

func (w *town) time() hlc.Timestamp {
	w.now += 1 << 16
	return w.now
}

func (w *town) step(newcomers bool) {
	m := w.members[w.rng.IntN(len(w.members))]
	switch w.rng.IntN(13) {
	case 0, 1, 2:
		w.write(m)
	case 3, 4:
		w.record(m)
		w.parcels = append(w.parcels, m.clone())
		w.say("%s sends", m.me)
	case 5, 6, 7, 8:
		if n := len(w.parcels); n > 0 {
			w.receive(m, w.parcels[n-1-min(w.rng.IntN(4), w.rng.IntN(n))])
		}
	case 9, 10:
		w.collect(m)
	case 11:
		w.restart(m)
	case 12:
		if o := w.members[w.rng.IntN(len(w.members))]; o != m && len(w.members) > 2 && w.rng.IntN(4) == 0 {
			w.say("%s retires %s", m.me, o.me)
			m.matrix.Retire(o.id.Name)
			w.members = slices.DeleteFunc(w.members, func(x *dweller) bool { return x == o })
		} else if newcomers {
			w.admit(m)
		}
	}
}

// write makes a write to all objects. Types where a removal wins are among them, so an
// incarnation writes when all know of it.
func (w *town) write(m *dweller) {
	if len(w.deeds) > 50 || !m.sure || m.matrix.Usable() != nil || !w.same && !m.matrix.Confirmed() {
		return
	}
	n, at := len(w.deeds), w.time()
	d := deed{clears: w.rng.IntN(3) == 0, saw: maps.Clone(m.known), at: at, by: m.me}
	w.deeds = append(w.deeds, d)
	m.known[n] = true
	if d.clears {
		m.has.clear(m.me, n, at)
	} else {
		m.has.put(m.me, n, at)
	}
	w.say("%s writes %d, which clears: %v", m.me, n, d.clears)
}

func (w *town) record(m *dweller) { m.record(uint64(w.time())) }

func (w *town) receive(m, p *dweller) {
	if m.matrix.Check(p.matrix) != nil {
		return
	}
	w.say("%s gets %s", m.me, p.me)
	m.has.merge(p.has)
	maps.Copy(m.known, p.known)
	if _, err := m.matrix.Merge(p.matrix); err != nil {
		panic(err)
	}
	w.record(m)
}

// collect closes and forgets what may be, at the end of a round, or begins one.
func (w *town) collect(m *dweller) {
	if w.impatient {
		m.has.close(m.matrix.Sealed())
	}
	if w.hasty {
		m.has.compact(m.has.seen())
	}
	if w.ageing {
		m.has.forget(w.now, m.matrix.Stable(), w.now)
	}
	if m.round == nil {
		round := vclock.NewRound[string, crdt.Context](m.matrix)
		for k, seen := range m.has.seen() {
			round.Note(k, seen)
		}
		if round.Shut(m.matrix, uint64(w.time())) == nil {
			m.round = round
		}
		return
	}
	permit, ok := m.round.Done(m.matrix)
	m.has.close(m.matrix.Closed())
	if ok {
		m.has.compact(permit.Seen)
		m.has.forget(hlc.Timestamp(permit.Horizon), permit.Stable, w.now)
		m.round = nil
		w.say("%s forgets", m.me)
	}
}

// restart lets a member crash and go on from what it once was.
func (w *town) restart(m *dweller) {
	for _, p := range slices.Backward(w.parcels) {
		if p.id.Name != m.id.Name || w.rng.IntN(3) > 0 {
			continue
		}
		now := m.life
		*m = *p.clone()
		m.life = now
		m.restart(p.life, w.same, func() uint64 { return uint64(w.time()) })
		w.say("%s goes on from an older state", m.me)
		return
	}
}

func (w *town) admit(m *dweller) {
	if len(w.members) > 3 || !m.matrix.Confirmed() {
		return
	}
	if l, ok := m.admit(vclock.Replica(fmt.Sprint("n", len(w.said), "x"))); ok {
		c := m.clone()
		c.life = l
		w.members, w.joined = append(w.members, c), true
		w.say("%s admits %s", m.me, l.me)
	}
}

// wrong returns how a member differs from the model. Where somebody was admitted, what a
// newcomer alone has of a life that is over is given up, and the model does not know of that: then
// only what all show in the end is compared.
func (w *town) wrong() string {
	if w.joined {
		return ""
	}
	for _, m := range w.members {
		got, want := m.has.shows(), expected(w.deeds, m.known)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if x, y := fmt.Sprint(got[name]), fmt.Sprint(want[name]); x != y {
				return fmt.Sprintf("%s of %s is %s, want %s", name, m.me, x, y)
			}
		}
	}
	return ""
}

// settle lets all merge all, until all are equal.
func (w *town) settle() string {
	for range 3 {
		for _, m := range w.members {
			for _, o := range w.members {
				w.record(o)
				m.meet(&o.life)
				w.receive(m, o.clone())
			}
		}
	}
	if wrong := w.wrong(); wrong != "" {
		return wrong
	}
	sure := slices.DeleteFunc(slices.Clone(w.members), func(m *dweller) bool { return !m.sure })
	for _, m := range sure {
		for name, states := range m.has.pairs(sure[0].has) {
			x, err := states[0].MarshalBinary()
			must(err)
			y, err := states[1].MarshalBinary()
			must(err)
			if !bytes.Equal(x, y) {
				return fmt.Sprintf("%s of %s and of %s differ", name, m.me, sure[0].me)
			}
		}
	}
	return ""
}

func (b bag) pairs(o bag) map[string][2]encoding.BinaryMarshaler {
	return map[string][2]encoding.BinaryMarshaler{
		"set": {b.set, o.set}, "carts": {b.carts, o.carts}, "rights": {b.rights, o.rights}, "on": {b.on, o.on}, "off": {b.off, o.off},
		"values": {b.values, o.values}, "count": {b.count, o.count}, "visits": {b.visits, o.visits}, "stock": {b.stock, o.stock}, "ids": {b.ids, o.ids},
		"row": {b.row, o.row}, "flags": {b.flags, o.flags}, "last": {b.last, o.last}, "record": {b.record, o.record}, "order": {b.order, o.order},
	}
}

// playTypes runs n towns and returns what is wrong in the first that goes wrong.
func playTypes(n, steps int, newcomers bool, change func(*town)) (string, []string) {
	for seed := range uint64(n) {
		w := newTown(seed)
		change(w)
		for range steps {
			w.step(newcomers)
			if wrong := w.wrong(); wrong != "" {
				return wrong, w.said
			}
		}
		if wrong := w.settle(); wrong != "" {
			return wrong, w.said
		}
	}
	return "", nil
}

// TestTypes: an object of every type shows what the model says, whoever crashes, goes on from
// an older state, retires, closes and forgets; with newcomers all are equal in the end.
func TestTypes(t *testing.T) {
	n := 60 << max(0, 1+deeper())
	if testing.Short() {
		n = 20
	}
	wrong, said := playTypes(n, 70, false, func(*town) {})
	require.Empty(t, wrong, "%q", said)
	wrong, said = playTypes(n, 70, true, func(*town) {})
	require.Empty(t, wrong, "%q", said)
}

// TestTypesNeedTheProcedure: each shortcut loses something, or brings it back.
func TestTypesNeedTheProcedure(t *testing.T) {
	for name, change := range map[string]func(*town){
		"a restart goes on under the same incarnation": func(w *town) { w.same = true },
		"a member closes what it alone has sealed":     func(w *town) { w.impatient = true },
		"a member compacts without waiting":            func(w *town) { w.hasty = true },
		"a member forgets what is old":                 func(w *town) { w.ageing = true },
	} {
		t.Run(name, func(t *testing.T) {
			wrong, said := playTypes(3000, 70, false, change)
			require.NotEmpty(t, wrong)
			t.Logf("%s: after %d steps", wrong, len(said))
		})
	}
}
