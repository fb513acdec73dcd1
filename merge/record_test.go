package merge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// ticks is a clock that the test sets: each time is one more than the last.
type ticks struct{ now hlc.Timestamp }

func (c *ticks) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	if after > c.now+1000 { // ahead, as of a clock that refuses to be dragged along
		return after + 1, nil
	}
	c.now = max(c.now, after) + 1
	return c.now, nil
}

func writer(r vclock.Replica) lww.Writer {
	return lww.Writer{Replica: r, Clock: &ticks{}}
}

func recordPlan[T any](tb testing.TB, opts merge.Options[T]) *merge.Plan[T] {
	tb.Helper()
	opts.Record = true
	p, err := merge.Compile(opts)
	require.NoError(tb, err)
	return p
}

// set returns a callback for Update that never fails.
func set[T any](f func(*T)) func(*T) error {
	return func(v *T) error {
		f(v)
		return nil
	}
}

// reread returns what is left of a record that went through its encodings.
func reread[T any](t require.TestingT, p *merge.Plan[T], r *merge.Record[T]) *merge.Record[T] {
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	fromBinary := p.NewRecord()
	require.NoError(t, fromBinary.UnmarshalBinary(b))
	require.True(t, fromBinary.Equal(r))
	b2, err := fromBinary.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, b, b2)
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	fromJSON := p.NewRecord()
	require.NoError(t, fromJSON.UnmarshalJSON(js), "%s", js)
	require.True(t, fromJSON.Equal(r), "%s", js)
	return fromBinary
}

func value[T any](t require.TestingT, r *merge.Record[T]) T {
	v, ok := r.Get()
	require.True(t, ok)
	return v
}

func TestRecordMixed(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	eu, us := writer("eu"), writer("us")
	a := p.NewRecord()
	want := newMixed()
	want.Seen = want.Seen.UTC()
	require.NoError(t, a.Update(eu, set(func(m *mixed) { *m = newMixed() })))
	require.ElementsMatch(t, want.Tags, value(t, a).Tags)
	want.Tags = value(t, a).Tags
	require.Equal(t, want, value(t, a))

	b := reread(t, p, a)
	require.False(t, b.Merge(a))
	require.NoError(t, a.Update(eu, set(func(m *mixed) {
		m.Email, m.Stock, m.Lines[1].Qty = "ada@example.org", 98, 5
		m.Prefs["theme"] = "light"
		delete(m.Prefs, "tz")
		m.Lines = append(m.Lines, mixedLine{SKU: "new"})
	})))
	require.NoError(t, b.Update(us, set(func(m *mixed) {
		m.Visits, m.Stock, m.Seen, m.Address.City, m.Gift = 13, 97, time.Unix(5, 0), "Bath", nil
		m.Lines = m.Lines[1:]
	})))
	ab, ba := a.Clone(), b.Clone()
	require.True(t, ab.Merge(b))
	require.True(t, ba.Merge(a))
	require.True(t, ab.Equal(ba))
	require.False(t, ab.Merge(ba))
	got := value(t, reread(t, p, ab))
	want.Email, want.Stock, want.Visits, want.Seen, want.Address.City, want.Gift = "ada@example.org", 95, 13, time.Unix(5, 0).UTC(), "Bath", nil
	delete(want.Prefs, "tz")
	want.Prefs["theme"] = "light"
	want.Lines = append(want.Lines[1:], mixedLine{SKU: "new"})
	want.Lines[0].Qty = 5
	require.Equal(t, want, got)
}

func TestRecordCallbackFails(t *testing.T) {
	p := recordPlan(t, merge.Options[mixed]{})
	r := p.NewRecord()
	failed := errors.New("no")
	require.ErrorIs(t, r.Update(writer("eu"), func(m *mixed) error { m.Name = "x"; return failed }), failed)
	require.True(t, r.Equal(p.NewRecord()))
	require.NoError(t, r.Update(writer("eu"), set(func(*mixed) {})))
	require.True(t, r.Equal(p.NewRecord()))
}

// A profile is what the stories of this file are about.
type profile struct {
	Name  string
	Phone string
	Seats int      `merge:"additive"`
	Tags  []string `merge:"set"`
	Best  int      `merge:"max"`
	Note  string   `merge:"manual"`
}

// twoProfiles returns the records of two offices that hold the same profile.
func twoProfiles(t *testing.T) (eu, us *merge.Record[profile]) {
	t.Helper()
	eu = recordPlan(t, merge.Options[profile]{}).NewRecord()
	save(t, eu, "ap", 1, func(p *profile) { *p = profile{Name: "Ann", Phone: "1", Seats: 10, Tags: []string{"new"}, Best: 3} })
	return eu, eu.Clone()
}

func save(t *testing.T, r *merge.Record[profile], by vclock.Replica, now hlc.Timestamp, change func(*profile)) {
	t.Helper()
	require.NoError(t, r.Update(lww.Writer{Replica: by, Clock: &ticks{now: now}}, set(change)))
}

// met merges two records into each other and returns what both show then.
func met(t *testing.T, a, b *merge.Record[profile]) profile {
	t.Helper()
	x, y := a.Clone(), b.Clone()
	a.Merge(y)
	b.Merge(x)
	require.True(t, a.Equal(b))
	return value(t, a)
}

// One office corrects the name, the other one the phone number. Both corrections
// stand: a save writes what was changed, and not the whole form.
func TestRecordTwoFieldsAtOnce(t *testing.T) {
	eu, us := twoProfiles(t)
	save(t, eu, "eu", 10, func(p *profile) { p.Name = "Anne" })
	save(t, us, "us", 20, func(p *profile) { p.Phone = "2" })
	got := met(t, eu, us)
	require.Equal(t, "Anne", got.Name)
	require.Equal(t, "2", got.Phone)
}

// Both offices sell seats of the same ten. What is left is what both left, though each
// wrote down a number.
func TestRecordSeatsSoldTwice(t *testing.T) {
	eu, us := twoProfiles(t)
	save(t, eu, "eu", 10, func(p *profile) { p.Seats -= 2 })
	save(t, us, "us", 20, func(p *profile) { p.Seats -= 3 })
	save(t, us, "us", 30, func(p *profile) { p.Seats-- })
	require.Equal(t, 4, met(t, eu, us).Seats)
	require.Equal(t, 4, met(t, eu, us).Seats, "and once only")
}

// One office takes a tag away while the other one adds another; a record is broken in
// both. Each field goes by its own rule.
func TestRecordEachFieldByItsRule(t *testing.T) {
	eu, us := twoProfiles(t)
	save(t, eu, "eu", 30, func(p *profile) { p.Tags, p.Best = nil, 5 })
	save(t, us, "us", 20, func(p *profile) { p.Tags, p.Best = append(p.Tags, "vip"), 9 })
	got := met(t, eu, us)
	require.Equal(t, []string{"vip"}, got.Tags)
	require.Equal(t, 9, got.Best, "the highest, not the latest")
}

// Two people write a note, and only a person can say which is right. There is one to
// show for now, and nothing is lost until somebody decides.
func TestRecordNoteForAPerson(t *testing.T) {
	eu, us := twoProfiles(t)
	save(t, eu, "eu", 10, func(p *profile) { p.Note = "calls back" })
	save(t, us, "us", 20, func(p *profile) { p.Note = "paid" })
	require.Equal(t, "paid", met(t, eu, us).Note)
	require.ErrorContains(t, eu.Check(), "Note: the sides differ")
	save(t, eu, "eu", 30, func(p *profile) { p.Note = "paid, calls back" })
	require.Equal(t, "paid, calls back", met(t, eu, us).Note)
	require.NoError(t, us.Check())
}

// The profile is deleted in one office while the other one edits it. The delete stands;
// who then makes it anew starts from nothing.
func TestRecordDeletedWhileEdited(t *testing.T) {
	eu, us := twoProfiles(t)
	require.NoError(t, eu.Delete(lww.Writer{Replica: "eu", Clock: &ticks{now: 10}}))
	save(t, us, "us", 20, func(p *profile) { p.Phone = "2" })
	eu.Merge(us)
	us.Merge(eu)
	for _, r := range []*merge.Record[profile]{eu, us} {
		_, ok := r.Get()
		require.False(t, ok)
	}
	save(t, us, "us", 30, func(p *profile) { p.Name = "Ann again" })
	require.Equal(t, profile{Name: "Ann again"}, met(t, eu, us))
}

// A form was open for a while. Saving it writes what was changed in the form over what
// it showed, and leaves alone what others changed since.
func TestRecordFormOpenForAWhile(t *testing.T) {
	eu, us := twoProfiles(t)
	shown, token := eu.Snapshot()
	save(t, us, "us", 10, func(p *profile) { p.Phone, p.Seats = "2", p.Seats-4 })
	met(t, eu, us)
	form := shown
	form.Name, form.Seats = "Anne", form.Seats-1
	require.NoError(t, eu.Apply(lww.Writer{Replica: "eu", Clock: &ticks{now: 20}}, token, shown, form))
	got := met(t, eu, us)
	require.Equal(t, profile{Name: "Anne", Phone: "2", Seats: 5, Tags: []string{"new"}, Best: 3}, got)
}
