package merge_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestRecordRefuses has a write that could not show for each rule that knows
// one: a typed error, and nothing of the call is applied.
func TestRecordRefuses(t *testing.T) {
	type limits struct {
		Note  string
		First string   `merge:"first"`
		Fixed *int     `merge:"immutable"`
		High  float64  `merge:"max"`
		Low   *int     `merge:"min"`
		Tier  string   `merge:"rank=free<pro"`
		Keep  string   `merge:"nonzero"`
		Seen  []string `merge:"union"`
		Items []item   `merge:"keyed=Key"`
		Adds  crdt.GSet[string]
	}
	n, less, more := 1, 0, 2
	begin := func(l *limits) {
		*l = limits{
			First: "a", Fixed: &n, High: 1, Low: &n, Tier: "pro", Keep: "k",
			Seen: []string{"x"}, Items: []item{{Key: "i", High: 5}},
		}
		l.Adds.Add("a")
	}
	tests := []struct {
		name   string
		change func(*limits)
		path   string
		rule   string
	}{
		{"first set again", func(l *limits) { l.First = "b" }, "First", "first"},
		{"first unset", func(l *limits) { l.First = "" }, "First", "first"},
		{"immutable changed", func(l *limits) { l.Fixed = &more }, "Fixed", "immutable"},
		{"max lowered", func(l *limits) { l.High = 0.5 }, "High", "max"},
		{"max is NaN", func(l *limits) { l.High = math.NaN() }, "High", "max"},
		{"min raised", func(l *limits) { l.Low = &more }, "Low", "min"},
		{"min is nil", func(l *limits) { l.Low = nil }, "Low", "min"},
		{"rank goes back", func(l *limits) { l.Tier = "free" }, "Tier", "rank=free<pro"},
		{"rank unlisted", func(l *limits) { l.Tier = "team" }, "Tier", "rank=free<pro"},
		{"zero over a value", func(l *limits) { l.Keep = "" }, "Keep", "nonzero"},
		{"element of a union removed", func(l *limits) { l.Seen = nil }, "Seen.x", "union"},
		{"max of an element lowered", func(l *limits) { l.Items[0].High = 4 }, "Items.i.High", "max"},
		{"state that forgets", func(l *limits) { l.Adds = crdt.GSet[string]{} }, "Adds", "join"},
	}
	p := recordPlan(t, merge.Options[limits]{})
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			r := p.NewRecord()
			w := writer("eu")
			require.NoError(t, r.Update(w, set(begin)))
			before := r.Clone()
			err := r.Update(w, set(func(l *limits) { l.Note = "also"; tc.change(l) }))
			we, ok := errors.AsType[*merge.WriteError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.path, we.Path)
			require.Equal(t, tc.rule, we.Rule)
			require.True(t, r.Equal(before), "nothing is applied")
		})
	}
	t.Run("what is allowed", func(t *testing.T) {
		r := p.NewRecord()
		w := writer("eu")
		require.NoError(t, r.Update(w, set(begin)))
		require.NoError(t, r.Update(w, set(func(l *limits) {
			l.High, l.Low, l.Seen, l.Items[0].High = 2, &less, append(l.Seen, "y"), 6
			l.Adds.Add("b")
		})))
		got := value(t, r)
		require.Equal(t, 2, got.Adds.Len())
		require.Equal(t, 0, *got.Low)
	})
}

func TestRecordOverflow(t *testing.T) {
	type counts struct {
		Small int8   `merge:"additive"`
		Big   uint64 `merge:"additive"`
	}
	p := recordPlan(t, merge.Options[counts]{})
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(c *counts) { c.Small, c.Big = 100, math.MaxUint64 })))
	require.NoError(t, b.Update(writer("us"), set(func(c *counts) { c.Small, c.Big = 100, 1 })))
	a.Merge(b)
	require.Equal(t, counts{math.MaxInt8, math.MaxUint64}, value(t, a), "the nearest number")
	conflict, ok := errors.AsType[*merge.ConflictError](a.Check())
	require.True(t, ok)
	require.Len(t, conflict.Report.Changes, 2)

	err := a.Update(writer("eu"), set(func(c *counts) { c.Small-- }))
	require.ErrorIs(t, err, merge.ErrOverflow, "199 does not fit either")
	require.NoError(t, a.Update(writer("ap"), set(func(c *counts) { c.Small -= 100 })))
	require.Equal(t, int8(100), value(t, a).Small, "the state kept count")
}

// TestRecordAdditive merges states late, twice and in any order.
func TestRecordAdditive(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	w := []lww.Writer{writer("eu"), writer("us")}
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Update(w[0], set(func(m *mixed) { m.Stock = 10 })))
	b.Merge(a)
	var sent []*merge.Record[mixed]
	for range 5 {
		require.NoError(t, a.Update(w[0], set(func(m *mixed) { m.Stock -= 2 })))
		require.NoError(t, b.Update(w[1], set(func(m *mixed) { m.Stock += 3 })))
		sent = append(sent, a.Clone(), b.Clone())
	}
	c := p.NewRecord()
	for _, i := range []int{9, 3, 3, 0, 8, 1, 9, 2} {
		c.Merge(sent[i])
	}
	require.Equal(t, int64(15), value(t, c).Stock, "10 − 5×2 + 5×3")
}

// TestRecordSeed adopts one row in two regions.
func TestRecordSeed(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	row := newMixed()
	stamp := lww.Stamp{Time: 5, Replica: "seed"}
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Seed(row, stamp))
	require.NoError(t, b.Seed(row, stamp))
	require.True(t, a.Equal(b))
	require.False(t, a.Merge(b))
	require.Equal(t, int64(100), value(t, a).Stock, "counted once")

	require.NoError(t, a.Update(writer("eu"), set(func(m *mixed) { m.Name = "Grace" })))
	before := a.Clone()
	require.NoError(t, a.Seed(row, stamp))
	require.True(t, a.Equal(before), "what was written since stays")
	require.NoError(t, a.Delete(writer("eu")))
	require.NoError(t, a.Seed(row, stamp))
	_, ok := a.Get()
	require.False(t, ok, "what was deleted stays deleted")

	require.Error(t, a.Seed(row, lww.Stamp{}))
	require.NoError(t, b.Compact(7))
	_, horizon := errors.AsType[*lww.HorizonError](b.Seed(row, lww.Stamp{Time: 7, Replica: "x"}))
	require.True(t, horizon)
}

func TestRecordTouchAndStamp(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	r := p.NewRecord()
	w := writer("eu")
	require.NoError(t, r.Touch(w, ""))
	v, ok := r.Get()
	require.True(t, ok)
	require.Equal(t, mixed{}, v)

	require.True(t, r.Stamp("Visits").IsZero())
	require.NoError(t, r.Touch(w, "Visits"))
	zero := r.Stamp("Visits")
	require.False(t, zero.IsZero(), "an explicit zero")
	require.NoError(t, r.Update(w, set(func(m *mixed) { *m = newMixed() })))
	for _, path := range []string{"Name", "Stock", "Tags.beta", "Prefs.theme", "Address.City", "Gift", "Lines.sku-00000002", "Lines.sku-00000002.Qty"} {
		before, other := r.Stamp(path), r.Stamp("Email")
		require.False(t, before.IsZero(), path)
		want := value(t, r)
		require.NoError(t, r.Touch(w, path), path)
		require.Equal(t, want, value(t, r), path)
		require.Equal(t, other, r.Stamp("Email"))
		if path != "Lines.sku-00000002" { // presence has no stamp of its own
			require.True(t, r.Stamp(path).After(before), path)
		}
	}
	before := r.Clone()
	for _, path := range []string{"None", "Tags", "Tags.none", "Lines.none.Qty", "Lines.sku-00000002.SKU", "Name.x", "Name..", "Prefs"} {
		require.Error(t, r.Touch(w, path), path)
		require.True(t, r.Equal(before), path)
	}
	require.Equal(t, r.Stamp("Lines.sku-00000002.Qty"), r.Stamp("Lines.sku-00000002"))
	require.Equal(t, r.Latest(), r.Stamp("").Time)
	require.True(t, r.Stamp("None.x").IsZero())
}

// TestRecordPoison writes next to a field from the far future: its stamp goes
// up by one, and the other fields stay with the clock.
func TestRecordPoison(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	r := p.NewRecord()
	future := hlc.Timestamp(1 << 60)
	require.NoError(t, r.Seed(mixed{Name: "from the future"}, lww.Stamp{Time: future, Replica: "us"}))
	require.NoError(t, r.Update(writer("eu"), set(func(m *mixed) { m.Name, m.Email = "now", "e" })))
	require.Equal(t, "now", value(t, r).Name)
	require.Equal(t, lww.Stamp{Time: future + 1, Replica: "eu"}, r.Stamp("Name"))
	require.Less(t, r.Stamp("Email").Time, future)
}

// TestRecordLists has additions in front and behind, reorderings, elements
// with one key, and missing ones.
func TestRecordLists(t *testing.T) {
	p := recordPlan(t, merge.Options[cartOf]{})
	w, v := writer("eu"), writer("us")
	a := p.NewRecord()
	require.NoError(t, a.Update(w, set(func(c *cartOf) { c.Items = []*item{{Key: "b"}, {Key: "a"}, {Key: "c"}} })))
	require.Equal(t, []string{"b", "a", "c"}, cartKeys(value(t, a)), "as written, not by key")
	b := a.Clone()
	require.NoError(t, a.Update(w, set(func(c *cartOf) { c.Items = append(c.Items, &item{Key: "0", Note: "eu"}) })))
	require.NoError(t, b.Update(v, set(func(c *cartOf) {
		c.Items = append([]*item{{Key: "z"}}, c.Items[2], c.Items[0]) // and without a
	})))
	a.Merge(b)
	require.Equal(t, []string{"z", "c", "b", "0"}, cartKeys(value(t, a)), "as us put them, and what eu added at the end")

	before := a.Clone()
	err := a.Update(w, set(func(c *cartOf) { c.Items = append(c.Items, &item{Key: "c"}) }))
	require.EqualError(t, err, `merge: write to Items: rule "keyed=Key": two elements have the key c`)
	err = a.Update(w, set(func(c *cartOf) { c.Items[1] = nil }))
	require.ErrorContains(t, err, "element 1 is a nil pointer")
	require.True(t, a.Equal(before))
}

type cartOf struct {
	Items []*item `merge:"keyed=Key"`
}

func cartKeys(c cartOf) (keys []string) {
	for _, i := range c.Items {
		keys = append(keys, i.Key)
	}
	return keys
}

// TestRecordNoHalfElement deletes an element while another replica changes it:
// it is gone as a whole, and made again it has nothing of before.
func TestRecordNoHalfElement(t *testing.T) {
	p := recordPlan(t, merge.Options[cartOf]{})
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(c *cartOf) { c.Items = []*item{{Key: "a", Note: "n", Count: 3, High: 9}} })))
	b := a.Clone()
	late := lww.Writer{Replica: "us", Clock: &ticks{now: 1000}}
	require.NoError(t, b.Update(late, set(func(c *cartOf) { c.Items[0].Note = "later by the clock" })))
	require.NoError(t, a.Update(writer("eu"), set(func(c *cartOf) { c.Items = nil })))
	a.Merge(b)
	require.Empty(t, value(t, a).Items)
	require.NoError(t, a.Update(writer("eu"), set(func(c *cartOf) { c.Items = []*item{{Key: "a", High: 1}} })))
	b.Merge(a)
	require.Equal(t, []*item{{Key: "a", High: 1}}, value(t, b).Items)
}

// TestRecordApplyWithoutRead saves a form about elements that the record never
// showed: writing what was changed in them would leave half of each.
func TestRecordApplyWithoutRead(t *testing.T) {
	p := recordPlan(t, merge.Options[cartOf]{})
	r := p.NewRecord()
	read := cartOf{Items: []*item{{Key: "a", Note: "n", High: 5}}}
	next := cartOf{Items: []*item{{Key: "a", Note: "changed", High: 5}}}
	err := r.Apply(writer("eu"), merge.Token{}, read, next)
	behind, ok := errors.AsType[*merge.BehindError](err)
	require.True(t, ok, "%v", err)
	require.Empty(t, behind.Path)
	require.EqualError(t, err, "merge: the record was read with a value that has not arrived here")
	require.True(t, r.Equal(p.NewRecord()))

	require.NoError(t, r.Touch(writer("eu"), ""))
	before := r.Clone()
	_, ok = errors.AsType[*merge.BehindError](r.Apply(writer("eu"), merge.Token{}, read, next))
	require.True(t, ok)
	require.ErrorContains(t, r.Apply(writer("eu"), merge.Token{}, read, cartOf{}), "Items.a", "to delete what never was")
	require.True(t, r.Equal(before))
}

// TestRecordApplyElsewhere saves forms of one record in another, and in a
// replica that what was read has not reached.
func TestRecordApplyElsewhere(t *testing.T) {
	type user struct {
		ID    string `merge:"immutable"`
		Name  string
		Note  string `merge:"manual"`
		Items []item `merge:"keyed=Key"`
	}
	type older struct{ Name string }
	p := recordPlan(t, merge.Options[user]{})
	at := func(r vclock.Replica, now hlc.Timestamp) lww.Writer {
		return lww.Writer{Replica: r, Clock: &ticks{now: now}}
	}
	record := func(w lww.Writer, u user) *merge.Record[user] {
		r := p.NewRecord()
		require.NoError(t, r.Update(w, set(func(v *user) { *v = u })))
		return r
	}
	ann := record(at("eu", 1), user{ID: "ann", Name: "Ann", Note: "n", Items: []item{{Key: "k"}, {Key: "l"}}})
	tests := []struct {
		name   string
		shown  func(r *merge.Record[user]) // what was done to ann before she was shown
		target *merge.Record[user]
		path   string
	}{
		{"another key", func(*merge.Record[user]) {}, record(at("us", 9), user{ID: "bob", Name: "Bob", Note: "n"}), "ID"},
		{"another key, nothing to tell by but it", func(r *merge.Record[user]) { *r = *record(at("eu", 1), user{ID: "ann", Name: "Ann"}) }, record(at("us", 9), user{ID: "bob", Name: "Bob"}), "ID"},
		{"none", func(*merge.Record[user]) {}, p.NewRecord(), "Note"},
		{"none, and nothing but a name", func(r *merge.Record[user]) { *r = *record(at("eu", 1), user{Name: "Ann"}) }, p.NewRecord(), ""},
		{"element deleted", func(r *merge.Record[user]) {
			require.NoError(t, r.Update(at("eu", 5), set(func(u *user) { u.Items = u.Items[1:] })))
		}, ann, "Items.k"},
		{"deleted and made again", func(r *merge.Record[user]) {
			require.NoError(t, r.Delete(at("eu", 5)))
			require.NoError(t, r.Update(at("eu", 6), set(func(u *user) { u.Name = "Ann" })))
		}, ann, ""},
		{"decided", func(r *merge.Record[user]) {
			require.NoError(t, r.Update(at("eu", 5), set(func(u *user) { u.Note = "m" })))
		}, ann, "Note"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			source, target := ann.Clone(), tc.target.Clone()
			tc.shown(source)
			read, token := source.Snapshot()
			next := read
			next.Name = "Anna"
			err := target.Apply(at("ap", 50), token, read, next)
			if tc.path == "ID" {
				other, ok := errors.AsType[*merge.OtherRecordError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tc.path, other.Path)
				require.EqualError(t, err, "merge: ID was read with a value that it has not here: that was another record")
			} else {
				behind, ok := errors.AsType[*merge.BehindError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, tc.path, behind.Path)
			}
			require.True(t, target.Equal(tc.target))
			carrier := exchange(t, target, recordPlan(t, merge.Options[older]{}))
			_, ok := errors.AsType[*merge.BehindError](carrier.Apply(at("ap", 50), token, older{Name: "A"}, older{Name: "B"}))
			require.Equal(t, tc.name != "another key, nothing to tell by but it", ok, "a program that does not know the field")
			if tc.name == "another key" {
				return
			}
			target.Merge(source)
			require.NoError(t, target.Apply(at("ap", 50), token, read, next), "once it has arrived")
			require.Equal(t, "Anna", value(t, target).Name)
		})
	}
}

// TestRecordApplyDeletedTwice saves forms that delete an element which was
// deleted meanwhile: nothing is written, unless it was made again.
func TestRecordApplyDeletedTwice(t *testing.T) {
	p := recordPlan(t, merge.Options[cartOf]{})
	w := writer("eu")
	r := p.NewRecord()
	require.NoError(t, r.Update(w, set(func(c *cartOf) { c.Items = []*item{{Key: "a"}, {Key: "b"}} })))
	read, token := r.Snapshot()
	next := cartOf{Items: []*item{{Key: "b"}}}
	require.NoError(t, r.Update(w, set(func(c *cartOf) { c.Items = c.Items[1:] })))
	before := r.Clone()
	require.NoError(t, r.Apply(w, token, read, next))
	require.True(t, r.Equal(before), "nothing is written")
	next.Items[0].Note = "n"
	require.NoError(t, r.Apply(w, token, read, next))
	require.Equal(t, []*item{{Key: "b", Note: "n"}}, value(t, r).Items, "the rest of the form is")

	require.NoError(t, r.Update(w, set(func(c *cartOf) { c.Items = append(c.Items, &item{Key: "a"}) })))
	stale, ok := errors.AsType[*merge.StaleError](r.Apply(w, token, read, next))
	require.True(t, ok)
	require.Equal(t, "Items.a", stale.Path)
}

// TestRecordSharesNothing changes what went in and what came out.
func TestRecordSharesNothing(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	in := newMixed()
	r := p.NewRecord()
	require.NoError(t, r.Seed(in, lww.Stamp{Time: 1, Replica: "x"}))
	want := value(t, r)
	scribble := func(m *mixed) {
		m.Tags[0], m.Prefs["theme"], *m.Gift, m.Lines[0].Qty = "!", "!", false, -1
	}
	scribble(&in)
	out := value(t, r)
	scribble(&out)
	require.Equal(t, want, value(t, r))

	clone := r.Clone()
	require.NoError(t, clone.Update(writer("eu"), set(scribble)))
	require.Equal(t, want, value(t, r))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	back := p.NewRecord()
	require.NoError(t, back.UnmarshalBinary(b))
	clear(b)
	require.Equal(t, want, value(t, back))
}

// TestRecordZero uses a record that no plan made.
func TestRecordZero(t *testing.T) {
	var r merge.Record[mixed]
	v, ok := r.Get()
	require.False(t, ok)
	require.Equal(t, mixed{}, v)
	require.False(t, r.Merge(new(merge.Record[mixed])))
	require.Panics(t, func() { _ = r.Update(writer("eu"), set(func(*mixed) {})) })
	require.Error(t, r.UnmarshalBinary([]byte{1}))
	require.Error(t, r.UnmarshalJSON([]byte("{}")))
	require.Panics(t, func() { merge.MustCompile(merge.Options[mixed]{}).NewRecord() })

	p := recordPlan(t, merge.Options[mixed]{})
	full := p.NewRecord()
	require.Error(t, full.Compact(5), "empty")
	require.NoError(t, full.Update(writer("eu"), set(func(m *mixed) { m.Name = "x" })))
	require.True(t, r.Merge(full))
	require.True(t, r.Equal(full))
	require.NoError(t, r.Update(writer("us"), set(func(m *mixed) { m.Name = "y" })))
}

// TestRecordCompact drops tombstones, and a replica that slept does not bring
// back what was deleted.
func TestRecordCompact(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	w := writer("eu")
	a := p.NewRecord()
	require.NoError(t, a.Update(w, set(func(m *mixed) { *m = newMixed() })))
	slept := a.Clone()
	require.NoError(t, a.Update(w, set(func(m *mixed) { m.Tags, m.Prefs = m.Tags[:1], nil })))
	with, _ := a.MarshalBinary()
	require.NoError(t, a.Compact(a.Latest()))
	without, _ := a.MarshalBinary()
	require.Less(t, len(without), len(with))
	want := value(t, a)

	b := slept.Clone()
	require.True(t, b.Merge(a))
	require.False(t, a.Merge(slept))
	require.True(t, a.Equal(b))
	require.Equal(t, want, value(t, b))
	reread(t, p, b)
	require.Error(t, b.Compact(hlc.Max))
}

// TestRecordCompileRefuses has what a plan takes and a record cannot carry.
func TestRecordCompileRefuses(t *testing.T) {
	type inner struct {
		Sum float64 `json:"sum"`
	}
	type bad struct {
		Any   any
		ByKey map[string]inner `json:"by_key"`
	}
	first := func(c merge.Case[float64]) (float64, error) { return c.Sides[0].Value, nil }
	opts := merge.Options[bad]{Overrides: []merge.Override[bad]{merge.Type[bad](merge.Func("mine", first))}}
	_, err := merge.Compile(opts)
	require.NoError(t, err)
	opts.Record = true
	_, err = merge.Compile(merge.Options[map[string]any]{Record: true})
	require.EqualError(t, err, `merge: map[string]interface {}: rule "fields": a record holds a document as one value only, in a field of a struct; choose one of atomic, -`)
	type named struct {
		A int `json:"=g"`
		B int `merge:"group=g"`
		C int `merge:"group=g"`
	}
	_, err = merge.Compile(merge.Options[named]{Record: true})
	require.ErrorContains(t, err, "the group needs another name: a field has the path =g")
	_, err = merge.Compile(merge.Options[box[votes]]{Record: true})
	require.EqualError(t, err, `merge: merge_test.box[github.com/rejoin-go/rejoin/merge_test.votes]: field V: rule "join": merge_test.votes has no binary, text or JSON form that a record could keep; choose one of -`)
	_, err = merge.Compile(opts)
	for _, part := range []string{
		`merge_test.bad: field Any: rule "fields": a record holds a document as one value only; choose one of atomic, -`,
		`field by_key.*.sum: rule "mine": needs the base, which a record does not keep; choose one of lww`,
	} {
		require.ErrorContains(t, err, part)
	}
}

// TestRecordCallbackUntouched has callbacks that change fields which merge by
// themselves, in place, and then fail or panic: the record is as it was.
func TestRecordCallbackUntouched(t *testing.T) {
	type basket struct {
		Name  string
		Adds  crdt.GSet[string]
		Tags  *crdt.ORSet[string]
		Count crdt.PNCounter
		Gone  lattice
		Lines map[string]struct{ Seen *crdt.GSet[string] }
	}
	p := recordPlan(t, merge.Options[basket]{})
	r := p.NewRecord()
	fill := func(b *basket) {
		b.Name += "n"
		b.Adds.Add(b.Name)
		if b.Tags == nil {
			b.Tags = new(crdt.ORSet[string])
			b.Lines = map[string]struct{ Seen *crdt.GSet[string] }{"k": {new(crdt.GSet[string])}}
		}
		b.Tags.Add("eu", b.Name)
		b.Count.Add("eu", 1)
		b.Gone.Bits |= 1 << len(b.Name)
		b.Lines["k"].Seen.Add(b.Name)
	}
	require.NoError(t, r.Update(writer("eu"), set(fill)))
	before, err := r.MarshalBinary()
	require.NoError(t, err)
	same := func() {
		after, err := r.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.Equal(t, 1, value(t, r).Tags.Len())
		require.Equal(t, 1, value(t, r).Lines["k"].Seen.Len())
	}
	failed := errors.New("no")
	require.ErrorIs(t, r.Update(writer("eu"), func(b *basket) error { fill(b); return failed }), failed)
	same()
	require.PanicsWithError(t, "no", func() {
		_ = r.Update(writer("eu"), func(b *basket) error { fill(b); panic(failed) })
	})
	same()
	var kept *basket
	require.NoError(t, r.Update(writer("eu"), func(b *basket) error { kept = b; return nil }))
	fill(kept)
	same()
	require.NoError(t, r.Update(writer("eu"), set(fill)))
	require.Equal(t, 2, value(t, r).Tags.Len())
}

// TestRecordNegativeZero writes −0, which reads 0 in all packages: next to the writer as
// elsewhere, in a leaf of its own and inside of one, and where nobody wrote.
func TestRecordNegativeZero(t *testing.T) {
	type nested struct {
		N  int
		In struct{ X [2]float64 }
		C  complex64
	}
	type reading struct {
		Leaf  float64
		High  float64 `merge:"max"`
		Whole nested  `merge:"atomic"`
		Moved float32 `merge:"group=g"`
		Fixed float64 `merge:"first"`
	}
	p := merge.MustCompile(merge.Options[reading]{Record: true})
	minus := math.Copysign(0, -1)
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(v *reading) { v.Leaf, v.High, v.Whole.In.X[1], v.Moved = 1, -1, 1, 1 })))
	require.NoError(t, r.Update(w, set(func(v *reading) {
		v.Leaf, v.High, v.Whole.In.X[1], v.Moved, v.Whole.C = minus, minus, minus, float32(minus), complex(0, float32(minus))
	})))
	require.Equal(t, reading{}, value(t, r))
	got := value(t, r)
	for i, f := range []float64{got.Leaf, got.High, got.Whole.In.X[1], float64(got.Moved), float64(imag(got.Whole.C))} {
		require.False(t, math.Signbit(f), "field %d", i)
	}
	before := r.Clone()
	require.NoError(t, r.Update(w, set(func(v *reading) { v.Leaf, v.Fixed = 0, minus })))
	require.True(t, r.Equal(before), "0 is what is there, and no value to set once")
}

// TestRecordNegativeZeroIsNoWrite sets what holds 0 to −0, wherever it stands, again and again.
func TestRecordNegativeZeroIsNoWrite(t *testing.T) {
	type line struct {
		ID    string
		Parts []float64
	}
	type pair struct{ X, Y float64 }
	type table struct {
		Leaf  float64
		High  float64 `merge:"max"`
		List  []float64
		Pair  pair        `merge:"atomic"`
		Ref   *pair       `merge:"atomic"`
		First [1]float64  `merge:"first"`
		Moved []float64   `merge:"group=g"`
		With  string      `merge:"group=g"`
		Both  []complex64 `merge:"manual"`
		Once  []float64   `merge:"immutable"`
		By    map[string]float64
		Lines []line    `merge:"keyed=ID"`
		Any   any       `merge:"atomic"`
		Set   []float64 `merge:"set"`
	}
	p := merge.MustCompile(merge.Options[table]{Record: true})
	of := func(zero float64) func(*table) {
		return func(v *table) {
			list := []float64{1, zero}
			*v = table{
				Leaf: zero, High: zero, List: list, Pair: pair{1, zero}, Ref: &pair{1, zero}, First: [1]float64{zero}, Moved: list, With: "x",
				Both: []complex64{complex(0, float32(zero))}, Once: list, By: map[string]float64{"a": zero}, Lines: []line{{"a", list}},
				Any: []any{zero}, Set: list,
			}
		}
	}
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(of(0))))
	before := r.Clone()
	require.NoError(t, r.Update(w, set(of(math.Copysign(0, -1)))))
	require.True(t, r.Equal(before), "%v", r.Since(before))

	read, token := r.Snapshot()
	require.NoError(t, r.Update(w, set(func(v *table) { v.List[0] = 2 })))
	before = r.Clone()
	next := read
	of(math.Copysign(0, -1))(&next)
	require.NoError(t, r.Apply(w, token, read, next))
	require.True(t, r.Equal(before), "a form that changes nothing")
}

// TestRecordAssertion sets a field to what it holds, which is no write, and touches it,
// which is one.
func TestRecordAssertion(t *testing.T) {
	p := recordPlan(t, merge.Options[playlist]{})
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(l *playlist) { l.Songs = []song{{"a", "live"}} })))
	b := a.Clone()
	require.NoError(t, a.Update(writer("eu"), set(func(l *playlist) { l.Songs = []song{{"a", "live"}} })))
	require.True(t, a.Equal(b))
	require.NoError(t, a.Touch(writer("eu"), "Songs.a.Note"))
	require.True(t, b.Stamp("Songs.a.Note").Before(a.Stamp("Songs.a.Note")))

	require.NoError(t, a.Delete(writer("eu")))
	b = a.Clone()
	require.NoError(t, a.Delete(writer("us")))
	require.True(t, a.Equal(b))
}

// A failing clock has so many times to give, and then none.
type failing struct {
	ticks
	left int
}

var errNoTime = errors.New("no time")

func (c *failing) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	if c.left--; c.left < 0 {
		return 0, errNoTime
	}
	return c.ticks.Next(after)
}

// A clocked has fields of each sort that asks for a stamp, with elements that are kept.
type clocked struct {
	sample
	Sums  account
	Hopes *int       `merge:"additive"`
	Songs []keptSong `merge:"keyed=Key,keep"`
}

type keptSong struct {
	Key  string
	Name string
	Tags []string `merge:"set"`
}

// requireClockFails requires that write, which succeeds in the end, changes nothing as long as the
// clock has too few times to give, and says that it was the clock.
func requireClockFails[T any](t *testing.T, r *merge.Record[T], name string, write func(*merge.Record[T], lww.Writer) error) {
	t.Helper()
	for n := 0; ; n++ {
		require.Less(t, n, 100, name)
		c, next := &failing{left: n}, r.Clone()
		err := write(next, lww.Writer{Replica: "eu", Clock: c})
		if err == nil {
			require.GreaterOrEqual(t, c.left, 0, "%s: an error of the clock is swallowed", name)
			require.False(t, next.Equal(r), "%s: nothing is written", name)
			require.Positive(t, n, "%s: without a stamp", name)
			return
		}
		require.EqualError(t, err, `merge: lww: stamp a write of "eu": no time`, name)
		require.ErrorIs(t, err, errNoTime, name)
		require.True(t, next.Equal(r), name)
	}
}

// TestRecordClockFails writes to what is ahead of the clock, so that each part asks for a time of
// its own, with a clock that has too few of them.
func TestRecordClockFails(t *testing.T) {
	p := recordPlan(t, merge.Options[clocked]{Overrides: []merge.Override[clocked]{
		merge.Field(func(s *clocked) *uint8 { return &s.Bits }, merge.Join("or", func(a, b uint8) uint8 { return a | b })),
	}})
	n := 5
	full := clocked{
		sample: sample{
			Name: "n", From: 1, Fixed: 1, High: 1, Tier: "a", Stock: 1, Seen: []string{"x"}, Tags: []string{"x"}, Note: 1, Gone: lattice{1}, Bits: 1,
			Prefs: map[string]int{"p": 1}, Box: &sampleRow{Qty: 1}, Lines: []sampleLine{{Key: "k"}, {Key: "l"}}, Cells: map[string]sampleRow{"c": {Qty: 1}},
		},
		Sums: account{Balance: huge(1)}, Hopes: &n, Songs: []keptSong{{Key: "k", Name: "s", Tags: []string{"x"}}},
	}
	r := p.NewRecord()
	require.NoError(t, r.Seed(full, lww.Stamp{Time: 1 << 60, Replica: "us"}))
	changes := map[string]func(*clocked){
		"a register": func(c *clocked) { c.Name = "m" }, "a group": func(c *clocked) { c.To = 2 }, "a maximum": func(c *clocked) { c.High = 2 },
		"a choice": func(c *clocked) { c.Tier = "b" }, "a sum": func(c *clocked) { c.Stock++ }, "a sum of users": func(c *clocked) { c.Sums.Balance = huge(2) },
		"an element of a union": func(c *clocked) { c.Seen = []string{"x", "y"} }, "an element of a set": func(c *clocked) { c.Tags = nil },
		"a sibling": func(c *clocked) { c.Note = 2 }, "a state": func(c *clocked) { c.Gone.Bits = 3 }, "a custom join": func(c *clocked) { c.Bits = 3 },
		"an entry": func(c *clocked) { c.Prefs["p"] = 2 }, "an entry deleted": func(c *clocked) { c.Prefs = nil }, "below a pointer": func(c *clocked) { c.Box.Qty = 2 },
		"a pointer": func(c *clocked) { c.Box = nil }, "an element": func(c *clocked) { c.Lines = c.Lines[1:] }, "an element moved": func(c *clocked) { c.Lines[0], c.Lines[1] = c.Lines[1], c.Lines[0] },
		"an element added": func(c *clocked) { c.Lines = append(c.Lines, sampleLine{Key: "m"}) }, "a row of a map": func(c *clocked) { c.Cells = nil },
		"an empty row of a map": func(c *clocked) { c.Cells["d"] = sampleRow{} }, "a kept element": func(c *clocked) { c.Songs = nil },
		"below a kept element": func(c *clocked) { c.Songs[0].Name = "t" }, "an optional sum": func(c *clocked) { c.Hopes = nil },
		"all": func(c *clocked) {
			*c = clocked{sample: sample{Name: "m", Fixed: 1, High: 2, Tier: "b", Seen: []string{"x"}, Gone: lattice{3}, Bits: 1}, Sums: account{Balance: huge(0)}}
		},
	}
	for name, change := range changes {
		requireClockFails(t, r, name, func(r *merge.Record[clocked], w lww.Writer) error { return r.Update(w, set(change)) })
		read, token := r.Snapshot()
		next, _ := r.Get()
		change(&next)
		requireClockFails(t, r, name+" in a form", func(r *merge.Record[clocked], w lww.Writer) error { return r.Apply(w, token, read, next) })
	}
	for _, path := range []string{
		"Name", "From", "High", "Tier", "Stock", "Sums.Balance", "Seen.x", "Tags.x", "Note", "Gone", "Prefs.p", "Box.Qty", "Lines.k.Qty", "Cells.c.Qty", "Songs.k.Name",
	} {
		requireClockFails(t, r, path, func(r *merge.Record[clocked], w lww.Writer) error { return r.Touch(w, path) })
	}
	requireClockFails(t, r, "the record", func(r *merge.Record[clocked], w lww.Writer) error { return r.Delete(w) })
	requireClockFails(t, p.NewRecord(), "a kept element that is made", func(r *merge.Record[clocked], w lww.Writer) error {
		return r.Update(w, set(func(c *clocked) { c.Songs = full.Songs }))
	})
}

// A fussy text has no form if it is "bad".
type fussy struct{ text string }

func (f fussy) MarshalText() ([]byte, error) {
	if f.text == "bad" {
		return nil, errors.New("a bad text")
	}
	return []byte(f.text), nil
}

func (f *fussy) UnmarshalText(text []byte) error {
	f.text = string(text)
	return nil
}

// TestRecordCannotEncode writes a value that has no bytes to a field of each sort: the error says
// where it is, and nothing of the call is applied.
func TestRecordCannotEncode(t *testing.T) {
	type row struct {
		Key string
		V   fussy
	}
	type texts struct {
		Name  string
		Plain fussy
		One   fussy `merge:"group=g"`
		Two   fussy `merge:"group=g"`
		Fixed fussy `merge:"immutable"`
		Note  fussy `merge:"manual"`
		Best  fussy
		Both  fussy
		Prefs map[string]fussy
		Lines []row `merge:"keyed=Key"`
		Cells map[string]row
		Box   *row
		Deep  struct{ V fussy }
	}
	p := recordPlan(t, merge.Options[texts]{Overrides: []merge.Override[texts]{
		merge.Field(func(v *texts) *fussy { return &v.Best }, merge.Prefer("longer", func(a, b fussy) int { return len(a.text) - len(b.text) })),
		merge.Field(func(v *texts) *fussy { return &v.Both }, merge.Join("longest", func(a, b fussy) fussy { return fussy{max(a.text, b.text)} })),
	}})
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(v *texts) {
		*v = texts{Box: &row{}, Prefs: map[string]fussy{"p": {"x"}}, Lines: []row{{Key: "k"}}, Cells: map[string]row{"c": {}}}
	})))
	for path, change := range map[string]func(*texts){
		"Plain": func(v *texts) { v.Plain = fussy{"bad"} }, "One": func(v *texts) { v.One = fussy{"bad"} }, "Two": func(v *texts) { v.Two = fussy{"bad"} },
		"Fixed": func(v *texts) { v.Fixed = fussy{"bad"} }, "Note": func(v *texts) { v.Note = fussy{"bad"} }, "Best": func(v *texts) { v.Best = fussy{"bad"} },
		"Both": func(v *texts) { v.Both = fussy{"bad"} }, "Prefs.p": func(v *texts) { v.Prefs["p"] = fussy{"bad"} }, "Lines.k.V": func(v *texts) { v.Lines[0].V = fussy{"bad"} },
		"Cells.c.V": func(v *texts) { v.Cells["c"] = row{V: fussy{"bad"}} }, "Box.V": func(v *texts) { v.Box.V = fussy{"bad"} }, "Deep.V": func(v *texts) { v.Deep.V = fussy{"bad"} },
		"Lines.l.V": func(v *texts) { v.Lines = append(v.Lines, row{"l", fussy{"bad"}}) }, "Cells.d.V": func(v *texts) { v.Cells["d"] = row{V: fussy{"bad"}} },
	} {
		before := r.Clone()
		err := r.Update(w, set(func(v *texts) { v.Name = "also"; change(v) }))
		require.ErrorContains(t, err, "merge: "+path+": ", path)
		require.ErrorContains(t, err, "a bad text", path)
		read, token := r.Snapshot()
		next := value(t, r)
		change(&next)
		require.EqualError(t, r.Apply(w, token, read, next), err.Error(), path)
		require.True(t, r.Equal(before), path)
	}
}

// TestRecordRefusesNil: nil is no sum, and no state of a type that merges by itself.
func TestRecordRefusesNil(t *testing.T) {
	type pointers struct {
		Sum   *big.Int `merge:"additive"`
		State *lattice `merge:"join"`
	}
	p := recordPlan(t, merge.Options[pointers]{})
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(v *pointers) { v.State = &lattice{1} })), "from nil")
	require.NoError(t, r.Update(w, set(func(v *pointers) { v.Sum, v.State = huge(1), &lattice{3} })))
	before := r.Clone()
	require.EqualError(t, r.Update(w, set(func(v *pointers) { v.Sum = nil })), `merge: write to Sum: rule "additive": nil is no sum`)
	require.EqualError(t, r.Update(w, set(func(v *pointers) { v.State = nil })), `merge: write to State: rule "join": nil does not include what is there`)
	require.EqualError(t, r.Update(w, set(func(v *pointers) { v.State = &lattice{2} })), `merge: write to State: rule "join": the value does not include what was read`)
	require.True(t, r.Equal(before))
	require.Equal(t, pointers{huge(1), &lattice{3}}, value(t, r))
}

// TestRecordTooManyChanges: what one replica has added is counted for itself, and has bounds of its own.
func TestRecordTooManyChanges(t *testing.T) {
	type count struct {
		N uint64 `merge:"additive"`
	}
	r := recordPlan(t, merge.Options[count]{}).NewRecord()
	clock := new(ticks)
	eu, us := lww.Writer{Replica: "eu", Clock: clock}, lww.Writer{Replica: "us", Clock: clock}
	fill, empty := set(func(c *count) { c.N = math.MaxUint64 }), set(func(c *count) { c.N = 0 })
	require.NoError(t, r.Update(eu, fill))
	require.NoError(t, r.Update(us, empty))
	before := r.Clone()
	err := r.Update(eu, fill)
	require.EqualError(t, err, `merge: write to N: rule "additive": the changes of "eu" do not fit 65 bits`)
	require.ErrorIs(t, err, merge.ErrOverflow)
	require.True(t, r.Equal(before))
	require.NoError(t, r.Update(us, fill), "us has taken away before what it adds")
	require.Equal(t, uint64(math.MaxUint64), value(t, r).N)
	reread(t, recordPlan(t, merge.Options[count]{}), r)
}

// TestRecordNonzeroFromNil: an empty list is no value that replaces nil, and no mistake either.
func TestRecordNonzeroFromNil(t *testing.T) {
	p := recordPlan(t, merge.Options[box[[]int]]{Paths: map[string]string{"V": "nonzero"}})
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(b *box[[]int]) { b.V = []int{} })))
	require.True(t, r.Equal(p.NewRecord()), "nothing is written")
	require.NoError(t, r.Update(w, set(func(b *box[[]int]) { b.V = []int{1} })))
	require.ErrorContains(t, r.Update(w, set(func(b *box[[]int]) { b.V = []int{} })), "zero does not replace a value")
	require.Equal(t, []int{1}, value(t, r).V)
}

// TestRecordTwoFormsOfOneReplica: two people who were shown one note both save at one replica.
// Neither has seen what the other wrote, so both notes are there until somebody decides.
func TestRecordTwoFormsOfOneReplica(t *testing.T) {
	p := recordPlan(t, merge.Options[profile]{})
	r, w := p.NewRecord(), writer("eu")
	for _, first := range []string{"", "old"} {
		require.NoError(t, r.Update(w, set(func(v *profile) { v.Note = first })))
		read, token := r.Snapshot()
		one, two := read, read
		one.Note, two.Note = first+"1", first+"2"
		require.NoError(t, r.Apply(w, token, read, one))
		require.NoError(t, r.Check())
		require.NoError(t, r.Apply(w, token, read, two))
		var conflict *merge.ConflictError
		require.ErrorAs(t, r.Check(), &conflict)
		require.Equal(t, first+"2", conflict.Report.Changes[0].Result)
		var notes []any
		for _, c := range conflict.Report.Changes[0].Candidates {
			notes = append(notes, c.Value)
		}
		require.ElementsMatch(t, []any{first + "1", first + "2"}, notes, "not the one that both had seen")
		require.NoError(t, r.Update(w, set(func(v *profile) { v.Note = "both" })))
		require.NoError(t, r.Check())
		reread(t, p, r)
	}
}

// TestRecordRefusesNilElements: a list of pointers has none that is nil, in a form neither before
// nor after, nor in what is seeded.
func TestRecordRefusesNilElements(t *testing.T) {
	p := recordPlan(t, merge.Options[cartOf]{})
	r, w := p.NewRecord(), writer("eu")
	require.NoError(t, r.Update(w, set(func(c *cartOf) { c.Items = []*item{{Key: "a"}} })))
	before := r.Clone()
	good, bad := value(t, r), cartOf{[]*item{{Key: "a"}, nil}}
	_, token := r.Snapshot()
	const reason = "merge: Items: element 1 is a nil pointer"
	require.EqualError(t, r.Update(w, set(func(c *cartOf) { *c = bad })), reason)
	require.EqualError(t, r.Apply(w, token, bad, good), reason)
	require.EqualError(t, r.Apply(w, token, good, bad), reason)
	require.EqualError(t, r.Apply(w, token, bad, bad), reason)
	require.EqualError(t, r.Seed(bad, lww.Stamp{Time: 9, Replica: "seed"}), reason)
	require.True(t, r.Equal(before))
}

// TestRecordSeedRefuses: what no write may set cannot be seeded either.
func TestRecordSeedRefuses(t *testing.T) {
	p := samplePlan(t)
	r := p.NewRecord()
	at := lww.Stamp{Time: 9, Replica: "seed"}
	require.EqualError(t, r.Seed(sample{Name: "n", Tier: "z"}, at), `merge: write to Tier: rule "rank=a<b<c": "z" is not in the rank`)
	require.EqualError(t, r.Seed(sample{}, lww.Stamp{Time: 9}), `merge: invalid stamp of replica "" and time 9`)
	require.EqualError(t, r.Seed(sample{}, lww.Stamp{Replica: "seed"}), `merge: invalid stamp of replica "seed" and time 0`)
	require.True(t, r.Equal(p.NewRecord()))
	require.NoError(t, r.Seed(sample{Name: "n", Tier: "b"}, at))
	require.Equal(t, sample{Name: "n", Tier: "b"}, value(t, r))
	require.Equal(t, at, r.Stamp("Tier"))
	require.True(t, r.Stamp("High").IsZero(), "what is zero stays unwritten")
	require.NoError(t, r.Compact(9))
	var horizon *lww.HorizonError
	require.ErrorAs(t, r.Seed(sample{Name: "n"}, at), &horizon)
	require.Equal(t, lww.HorizonError{Stamp: at, Horizon: 9}, *horizon)
	require.NoError(t, r.Seed(sample{Name: "m"}, lww.Stamp{Time: 10, Replica: "seed"}), "just above it")
	require.Equal(t, "m", value(t, r).Name)
}

// TestRecordApplyBehind saves forms that show what has not arrived here: an immutable field, and
// siblings in fields of which the program here knows nothing.
func TestRecordApplyBehind(t *testing.T) {
	type v1 struct {
		ID   string `merge:"immutable"`
		Name string
	}
	type noted struct {
		Key  string
		Note string `merge:"manual"`
	}
	type v2 struct {
		ID    string `merge:"immutable"`
		Name  string
		Note  string `merge:"manual"`
		Box   *noted
		Lines []noted `merge:"keyed=Key"`
	}
	older, newer := recordPlan(t, merge.Options[v1]{}), recordPlan(t, merge.Options[v2]{})
	here := older.NewRecord()
	w := writer("eu")
	require.NoError(t, here.Update(w, set(func(v *v1) { v.Name = "n" })))
	_, token := here.Snapshot()
	before := here.Clone()
	var behind *merge.BehindError
	require.ErrorAs(t, here.Apply(w, token, v1{ID: "7", Name: "n"}, v1{ID: "7", Name: "m"}), &behind)
	require.Equal(t, merge.BehindError{Path: "ID"}, *behind)
	require.True(t, here.Equal(before))
	require.EqualError(t, behind, "merge: ID was read with a value that has not arrived here")

	there := exchange(t, here, newer)
	us := lww.Writer{Replica: "us", Clock: &ticks{now: 100}}
	require.NoError(t, there.Update(us, set(func(v *v2) { v.Box, v.Lines = &noted{}, []noted{{Key: "k"}} })))
	here.Merge(exchange(t, there, older))
	before = here.Clone()
	for path, change := range map[string]func(*v2){
		"Note": func(v *v2) { v.Note = "x" }, "Box.Note": func(v *v2) { v.Box.Note = "x" }, "Lines.*.Note": func(v *v2) { v.Lines[0].Note = "x" },
	} {
		ahead := there.Clone()
		require.NoError(t, ahead.Update(us, set(change)))
		_, token := ahead.Snapshot()
		require.ErrorAs(t, here.Apply(w, token, v1{Name: "n"}, v1{Name: "m"}), &behind, path)
		require.Equal(t, path, behind.Path)
		require.Equal(t, vclock.Replica("us"), behind.Stamp.Replica)
		require.EqualError(t, behind, "merge: "+path+" was read after "+behind.Stamp.String()+", which has not arrived here")
		require.True(t, here.Equal(before), path)
		all := here.Clone()
		all.Merge(exchange(t, ahead, older))
		require.NoError(t, all.Apply(w, token, v1{Name: "n"}, v1{Name: "m"}), "once it has arrived")
	}
	require.NoError(t, here.Update(w, set(func(v *v1) { v.ID = "8" })))
	var other *merge.OtherRecordError
	require.ErrorAs(t, here.Apply(w, token, v1{ID: "7", Name: "n"}, v1{ID: "7", Name: "m"}), &other)
	require.EqualError(t, other, "merge: ID was read with a value that it has not here: that was another record")
}

// TestRecordGroupOfTheKey: a group that has nothing but the key of an element is no field, and those
// after it are.
func TestRecordGroupOfTheKey(t *testing.T) {
	type line struct {
		Key  string `merge:"group=a"`
		From int    `merge:"group=b"`
		To   int    `merge:"group=b"`
	}
	p := recordPlan(t, merge.Options[box[[]line]]{Paths: map[string]string{"V": "keyed=Key"}})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[[]line]) { b.V = []line{{"k", 1, 2}, {"l", 0, 0}} })))
	require.Equal(t, []line{{"k", 1, 2}, {"l", 0, 0}}, value(t, reread(t, p, r)).V)
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[[]line]) { b.V[1].To = 3 })))
	require.Equal(t, []line{{"k", 1, 2}, {"l", 0, 3}}, value(t, r).V)
	require.False(t, r.Stamp("V.l.From").IsZero())
	require.True(t, r.Stamp("V.l.Key").IsZero())
}
