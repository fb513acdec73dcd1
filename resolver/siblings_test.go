package resolver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// meet merges two sets into each other and requires that they are one then.
func meet[T any](t *testing.T, a, b *resolver.Siblings[T]) {
	t.Helper()
	x, y := a.Clone(), b.Clone()
	a.Merge(y)
	b.Merge(x)
	require.True(t, a.Equal(b))
}

// has requires the values that a set has, oldest first; a delete is "gone".
func has(t *testing.T, s *resolver.Siblings[string], want ...string) {
	t.Helper()
	var got []string
	for _, v := range s.Versions() {
		if v.Deleted {
			v.Value = "gone"
		}
		got = append(got, v.Value)
	}
	require.Equal(t, want, got)
}

func wrote(t *testing.T, s *resolver.Siblings[string], w resolver.Writer, seen resolver.Context, v string) resolver.Context {
	t.Helper()
	written, err := s.Write(w, seen, v)
	require.NoError(t, err)
	return written.Context
}

// Two offices edit an address that both had read. Neither edit replaces the other:
// both stay until somebody who was shown both writes.
func TestSiblingsBothEditsStay(t *testing.T) {
	var eu, us resolver.Siblings[string]
	wrote(t, &eu, at("eu", 1), resolver.Context{}, "Main St")
	us.Merge(&eu)
	wrote(t, &eu, at("eu", 10), eu.Context(), "Main Street")
	wrote(t, &us, at("us", 11), us.Context(), "Main St 1")
	meet(t, &eu, &us)
	has(t, &eu, "Main Street", "Main St 1")

	wrote(t, &us, at("us", 20), us.Context(), "Main Street 1")
	meet(t, &eu, &us)
	has(t, &eu, "Main Street 1")
}

// A form was open for an hour while the value was changed twice. Saving it replaces
// what the form showed and stands beside what it did not.
func TestSiblingsFormOpenForAnHour(t *testing.T) {
	var s resolver.Siblings[string]
	wrote(t, &s, at("eu", 1), resolver.Context{}, "one")
	form := s.Context()
	wrote(t, &s, at("eu", 2), s.Context(), "two")
	wrote(t, &s, at("eu", 3), s.Context(), "three")
	wrote(t, &s, at("eu", 4), form, "from the form")
	has(t, &s, "three", "from the form")
}

// A client saves twice without reading in between. What it wrote first is gone: it
// knows of it by the answer, and nobody else's write goes with it.
func TestSiblingsSavingTwice(t *testing.T) {
	var s resolver.Siblings[string]
	wrote(t, &s, at("eu", 1), resolver.Context{}, "draft")
	mine, yours := s.Context(), s.Context()
	mine = wrote(t, &s, at("eu", 2), mine, "mine")
	wrote(t, &s, at("eu", 3), yours, "yours")
	mine = wrote(t, &s, at("eu", 4), mine, "mine, again")
	has(t, &s, "yours", "mine, again")
	wrote(t, &s, at("eu", 5), mine, "mine, and again")
	has(t, &s, "yours", "mine, and again")
}

// One office deletes what the other is editing. The delete is a version like the
// edit, so that nobody's decision is taken by the clock, and a late copy of what was
// deleted does not come back.
func TestSiblingsDeleteBesideEdit(t *testing.T) {
	var eu, us resolver.Siblings[string]
	wrote(t, &eu, at("eu", 1), resolver.Context{}, "account")
	old := eu.Clone()
	us.Merge(&eu)
	_, err := eu.Delete(at("eu", 10), eu.Context())
	require.NoError(t, err)
	wrote(t, &us, at("us", 5), us.Context(), "account, paid")
	meet(t, &eu, &us)
	has(t, &eu, "account, paid", "gone")

	wrote(t, &us, at("us", 20), us.Context(), "account, paid")
	meet(t, &eu, &us)
	require.False(t, eu.Merge(old))
	has(t, &eu, "account, paid")
}

// Sets that hold nothing have still heard of different things. They are not one state, by
// whatever they differ, until they meet: what is late to the one may be news to the other.
func TestSiblingsHoldNothing(t *testing.T) {
	reaped := resolver.NewSiblings[string](vclock.Clock{}, 1)
	second := at("eu", 8)
	second.Epoch = 1
	_, err := reaped.Delete(second, resolver.Context{})
	require.NoError(t, err)
	stable := reaped.Clock()
	_, err = reaped.Reap(stable, 100)
	require.NoError(t, err)
	var late, emptied resolver.Siblings[string]
	wrote(t, &late, at("eu", 7), resolver.Context{}, "account")
	emptied.Merge(&late)
	emptied.Promote(resolver.Promotion{Epoch: 1})

	us := vclock.Clock{}.With("us", 9)
	sets := []*resolver.Siblings[string]{
		{},
		resolver.NewSiblings[string](us, 0), resolver.NewSiblings[string](us.Join(stable), 0),
		reaped, resolver.NewSiblings[string](stable, 1), &emptied, resolver.NewSiblings[string](vclock.Clock{}, 1),
	}
	for i, s := range sets {
		require.Zero(t, s.Len())
		for j, o := range sets {
			require.Equal(t, i == j, s.Equal(o), "%d and %d", i, j)
			require.Equal(t, i == j, s.ETag() == o.ETag(), "%d and %d", i, j)
			meet(t, s.Clone(), o.Clone())
		}
	}
	require.True(t, sets[1].Clone().Merge(&late), "of eu it has heard nothing")
	sets[1].Merge(sets[2])
	require.False(t, sets[1].Merge(&late))
}

// All are sure that everybody has the delete, and forget it. A message that was on its
// way all the time brings nothing back to those who remember up to where they did.
func TestSiblingsReapedDelete(t *testing.T) {
	var eu resolver.Siblings[string]
	wrote(t, &eu, at("eu", 1), resolver.Context{}, "account")
	late := eu.Clone()
	_, err := eu.Delete(at("eu", 10), eu.Context())
	require.NoError(t, err)
	stable := vclock.Clock{}.With("eu", 10)
	reaped, err := eu.Reap(stable, 100)
	require.NoError(t, err)
	require.True(t, reaped)
	require.Zero(t, eu.Len())

	fresh := resolver.NewSiblings[string](stable, 0)
	require.False(t, fresh.Merge(late))
	require.False(t, eu.Merge(late))
	has(t, &eu)
	has(t, fresh)
}

// The primary was cut off and another one was promoted. What the old one goes on
// writing is refused where the promotion is known, and fenced where they meet; it is
// handed out, so that it can be looked at.
func TestSiblingsDeposedPrimary(t *testing.T) {
	var old resolver.Siblings[string]
	wrote(t, &old, at("eu", 1), resolver.Context{}, "before")
	fresh := old.Clone()
	fresh.Promote(resolver.Promotion{Epoch: 1, Cut: vclock.Clock{}.With("eu", 1)})
	second := at("us", 20)
	second.Epoch = 1
	wrote(t, fresh, second, fresh.Context(), "by the new one")
	wrote(t, &old, at("eu", 30), old.Context(), "by the old one")

	fenced := fresh.Fenced(&old)
	require.Len(t, fenced, 1)
	require.Equal(t, "by the old one", fenced[0].Value)
	meet(t, fresh, &old)
	has(t, fresh, "by the new one")
	_, err := old.Write(at("eu", 40), old.Context(), "and again")
	require.ErrorAs(t, err, new(*resolver.FencedError))
	has(t, &old, "by the new one")
}

// Messages of three offices arrive in every order, and some of them twice.
func TestSiblingsInAnyOrder(t *testing.T) {
	var sent []*resolver.Siblings[string]
	var first resolver.Siblings[string]
	wrote(t, &first, at("ap", 1), resolver.Context{}, "base")
	for i, r := range []vclock.Replica{"ap", "eu", "us"} {
		s := first.Clone()
		sent = append(sent, s.Clone())
		wrote(t, s, at(r, hlc.Timestamp(10+i)), s.Context(), string(r))
		sent = append(sent, s.Clone())
	}
	for from := range sent {
		for _, step := range []int{1, 5} {
			var s resolver.Siblings[string]
			for i := range 2 * len(sent) {
				s.Merge(sent[(from+i*step)%len(sent)])
			}
			has(t, &s, "ap", "eu", "us")
			require.True(t, s.Equal(join(sent...)))
		}
	}
}

// A clock has no time left to give. The write is an error, whichever it is, and not a
// version without a stamp.
func TestSiblingsClockFails(t *testing.T) {
	var s resolver.Siblings[string]
	seen := wrote(t, &s, at("eu", 1), resolver.Context{}, "one")
	before := s.Clone()
	w := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: stopped{}}}
	_, err := s.Write(w, seen, "two")
	require.ErrorIs(t, err, errStopped)
	_, err = s.Edit(w, seen, "one", "two")
	require.ErrorIs(t, err, errStopped)
	_, err = s.Delete(w, seen)
	require.ErrorIs(t, err, errStopped)
	_, err = s.Touch(w, seen)
	require.ErrorIs(t, err, errStopped)
	require.True(t, s.Equal(before))
}

var errStopped = errors.New("no time to give")

type stopped struct{}

func (stopped) Next(hlc.Timestamp) (hlc.Timestamp, error) { return 0, errStopped }

// A key was written and deleted by a replica in its second life. The matrix has one row for
// all lives of a replica; the delete was never reaped, and where it was, what was late
// of that life would have come back.
func TestSiblingsReapedDeleteOfALaterLife(t *testing.T) {
	m, other := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	require.NoError(t, m.Begin("eu#1", 20))
	now := uint64(100)
	for range 3 {
		for _, pair := range [][2]*vclock.Matrix{{m, other}, {other, m}} {
			pair[0].Record(now)
			now++
			_, err := pair[1].Merge(pair[0])
			require.NoError(t, err)
			pair[1].Record(now)
		}
	}
	stable := m.Stable()
	require.Equal(t, stable.At("eu"), stable.At("eu#1"))
	require.Greater(t, stable.At("eu"), uint64(60))

	var eu resolver.Siblings[string]
	wrote(t, &eu, at("eu", 10), resolver.Context{}, "account")
	wrote(t, &eu, at("eu#1", 40), eu.Context(), "account, open")
	late := eu.Clone()
	_, err := eu.Delete(at("eu#1", 60), eu.Context())
	require.NoError(t, err)
	beyond := eu.Clone()
	reaped, err := eu.Reap(stable, hlc.Timestamp(now))
	require.NoError(t, err)
	require.True(t, reaped)
	fresh := resolver.NewSiblings[string](stable, 0)
	for _, s := range []*resolver.Siblings[string]{fresh, &eu} {
		require.False(t, s.Merge(late))
		has(t, s)
	}
	_, err = beyond.Delete(at("eu#1", 1000), resolver.Context{})
	require.NoError(t, err)
	reaped, err = beyond.Reap(stable, 2000)
	require.NoError(t, err)
	require.False(t, reaped, "not all have merged it")
}

// A message of a life that is over comes when all have sealed it: it is found out, unless what
// it says is here.
func TestSiblingsSpeaks(t *testing.T) {
	m := vclock.NewMatrix("eu")
	require.NoError(t, m.Begin("eu#1", 20))
	sealed := m.Sealed()
	var eu, us resolver.Siblings[string]
	wrote(t, &eu, at("eu", 10), resolver.Context{}, "account")
	require.True(t, us.Speaks(&eu, sealed))
	require.False(t, eu.Speaks(&eu, sealed))
	us.Merge(&eu)
	wrote(t, &eu, at("eu#1", 30), eu.Context(), "account, open")
	require.False(t, us.Speaks(&eu, sealed))
}
