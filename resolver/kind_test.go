package resolver_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// An act is what one region does to the state that all start from.
type act struct {
	by      vclock.Replica
	time    hlc.Timestamp
	unseen  bool // without having been shown the state
	deleted bool
	value   string
}

// TestKinds produces a conflict of each kind.
func TestKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		exists    bool // there is a value to begin with
		acts      []act
		kind, ops resolver.Kind
		same      bool
	}{
		"both create":       {acts: []act{{by: "eu", time: 10, value: "a"}, {by: "us", time: 11, value: "b"}}, kind: resolver.CreateCreate, ops: resolver.CreateCreate},
		"both create alike": {acts: []act{{by: "eu", time: 10, value: "a"}, {by: "us", time: 11, value: "a"}}, kind: resolver.CreateCreate, ops: resolver.CreateCreate, same: true},
		"both update":       {exists: true, acts: []act{{by: "eu", time: 10, value: "a"}, {by: "us", time: 11, value: "b"}}, kind: resolver.UpdateUpdate, ops: resolver.UpdateUpdate},
		"update and delete": {exists: true, acts: []act{{by: "eu", time: 10, deleted: true}, {by: "us", time: 11, value: "b"}}, kind: resolver.UpdateDelete, ops: resolver.UpdateDelete},
		"both delete":       {exists: true, acts: []act{{by: "eu", time: 10, deleted: true}, {by: "us", time: 11, deleted: true}}, kind: resolver.DeleteDelete, ops: resolver.DeleteDelete, same: true},
		"update, and create unseen": {
			exists: true, acts: []act{{by: "eu", time: 10, value: "a"}, {by: "us", time: 11, value: "b", unseen: true}},
			kind: resolver.CreateUpdate, ops: resolver.CreateUpdate,
		},
		"delete, and create unseen": {
			exists: true, acts: []act{{by: "eu", time: 10, deleted: true}, {by: "us", time: 11, value: "b", unseen: true}},
			kind: resolver.CreateDelete, ops: resolver.CreateDelete,
		},
		"three ways": {
			exists: true, acts: []act{{by: "eu", time: 10, deleted: true}, {by: "us", time: 11, value: "b", unseen: true}, {by: "sa", time: 12, value: "c"}},
			kind: "create/update/delete", ops: "create/update/delete",
		},
		"equal times": {exists: true, acts: []act{{by: "eu", time: 10, value: "a"}, {by: "us", time: 10, deleted: true}}, kind: resolver.Tied, ops: resolver.UpdateDelete},
		"one name, two lineages": {
			exists: true, acts: []act{{by: "eu", time: 10, value: "a"}, {by: "eu", time: 10, value: "b"}},
			kind: resolver.Forked, ops: resolver.UpdateUpdate,
		},
	} {
		t.Run(name, func(t *testing.T) {
			first := &resolver.Siblings[string]{}
			if tt.exists {
				first = write(t, first, at("ap", 1), resolver.Context{}, "base")
			}
			sets := []*resolver.Siblings[string]{}
			for _, a := range tt.acts {
				s, seen := first.Clone(), first.Context()
				if a.unseen {
					s, seen = &resolver.Siblings[string]{}, resolver.Context{}
				}
				var err error
				if a.deleted {
					_, err = s.Delete(at(a.by, a.time), seen)
				} else {
					_, err = s.Write(at(a.by, a.time), seen, a.value)
				}
				require.NoError(t, err)
				sets = append(sets, s)
			}
			var c *resolver.Conflict[string]
			r := resolver.New(own(func(_ context.Context, given *resolver.Conflict[string]) (resolver.Decision[string], error) {
				c = given
				return given.Suggest(), nil
			}))
			resolve(t, r, join(sets...))
			require.NotNil(t, c)
			require.Equal(t, tt.kind, c.Kind)
			require.Equal(t, tt.ops, c.Ops)
			require.Equal(t, tt.same, c.Same)
			require.Len(t, c.Versions, len(tt.acts))
		})
	}
}

// TestConflictString lists the versions of a conflict for people, deletes as such.
func TestConflictString(t *testing.T) {
	c := resolver.Conflict[string]{Key: "k", Kind: resolver.UpdateDelete, Versions: []resolver.Version[string]{
		{Value: "a", Stamp: stamp("eu", 1)}, {Deleted: true, Stamp: stamp("us", 2)},
	}}
	require.Equal(t, `update/delete conflict over "k"
0  1970-01-01T00:00:00.000000001Z@eu  a
1  1970-01-01T00:00:00.000000002Z@us  deleted
`, c.String())
}

// TestBase tells a base that is known from one that is not.
func TestBase(t *testing.T) {
	base := func(s *resolver.Siblings[string]) (*string, bool) {
		c := resolve(t, resolver.New(resolver.LastWriterWins[string]), s).Conflict
		if c == nil {
			return nil, false
		}
		return c.Base, c.BaseKnown
	}
	b, known := base(updates(t, "base", "a", "b"))
	require.True(t, known)
	require.Equal(t, "base", *b)

	create := &resolver.Siblings[string]{}
	b, known = base(join(write(t, create, at("eu", 1), resolver.Context{}, "a"), write(t, create, at("us", 2), resolver.Context{}, "b")))
	require.True(t, known, "nothing was there, and everybody knew")
	require.Nil(t, b)

	first := write(t, create, at("ap", 1), resolver.Context{}, "base")
	_, known = base(join(write(t, first, at("eu", 2), first.Context(), "a"), write(t, first, at("us", 3), first.Context(), "b")))
	require.False(t, known, "nobody said")

	edited := first.Clone()
	_, err := edited.Edit(at("eu", 2), first.Context(), "base", "a")
	require.NoError(t, err)
	other := first.Clone()
	_, err = other.Edit(at("us", 3), first.Context(), "bass", "b")
	require.NoError(t, err)
	later := write(t, first, at("ap", 4), first.Context(), "later")
	_, err = later.Edit(at("us", 5), later.Context(), "later", "b")
	require.NoError(t, err)
	for name, s := range map[string]*resolver.Siblings[string]{
		"one said":                        write(t, first, at("us", 3), first.Context(), "b"),
		"it is what the set held":         other,
		"one was shown a later version":   later,
		"a write goes on with what was":   write(t, later, at("us", 6), later.Context(), "c"),
		"several, of which all have that": join(other, write(t, first, at("af", 7), first.Context(), "d")),
	} {
		b, known = base(join(edited, s))
		require.True(t, known, name)
		require.Equal(t, "base", *b, name)
	}

	// A writer was shown a row that no set ever held: what it says it started from is known.
	var row resolver.Context
	require.NoError(t, row.UnmarshalJSON([]byte(`{"found":true}`)))
	adopted := make([]resolver.Siblings[string], 2)
	for i, by := range []vclock.Replica{"eu", "us"} {
		_, err := adopted[i].Edit(at(by, 2), row, "row", string(by))
		require.NoError(t, err)
	}
	b, known = base(join(&adopted[0], &adopted[1]))
	require.True(t, known)
	require.Equal(t, "row", *b)

	// An edit that was written over, beside a version that is no edit: what is said is kept,
	// in whatever order the two that are written over are.
	for _, by := range []vclock.Replica{"af", "za"} {
		over := join(other, write(t, first, at(by, 3), first.Context(), "d"))
		over = write(t, over, at("us", 8), over.Context(), "both")
		b, known = base(join(over, write(t, first, at("sa", 9), first.Context(), "c")))
		require.True(t, known, by)
		require.Equal(t, "base", *b, by)
	}

	// So many versions are compared with each other, and no more.
	const most = 32
	many := first
	for i := range most + 1 {
		_, known = base(many)
		require.Equal(t, i > 1, known, "%d versions", i)
		s := first.Clone()
		_, err = s.Edit(at(vclock.Replica(fmt.Sprint("r", i)), 10), first.Context(), "base", "v")
		require.NoError(t, err)
		many = join(many, s)
	}
	_, known = base(many)
	require.False(t, known)
}

// TestVerify names a stamp with two contents.
func TestVerify(t *testing.T) {
	x := write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "x")
	y := write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "y")
	require.NoError(t, x.Verify(x))
	require.EqualError(t, x.Verify(y), "resolver: version 1970-01-01T00:00:00.000000005Z@eu is held with different content")
}

// TestAhead refuses a state from the future before it is merged.
func TestAhead(t *testing.T) {
	s := write(t, &resolver.Siblings[string]{}, at("us", 3_000_000_000), resolver.Context{}, "v")
	require.NoError(t, s.Ahead(1_000_000_000, 2_000_000_000))
	err := s.Ahead(1_000_000_000, 1_999_999_999)
	require.EqualError(t, err, `resolver: time 1970-01-01T00:00:03.000000000Z of "us" is 2s ahead of the clock`)
	_, err = s.Delete(at("us", 3_000_000_001), s.Context())
	require.NoError(t, err)
	ok, err := s.Reap(s.Context().Past(), 1_000_000_000)
	require.False(t, ok)
	var ahead *resolver.AheadError
	require.ErrorAs(t, err, &ahead, "a delete from the future is kept")
	ok, err = s.Reap(s.Context().Past(), 4_000_000_000)
	require.NoError(t, err)
	require.True(t, ok)
}

// TestRecreateAfterReaping deletes a key with a clock that is years ahead. It is
// reaped when that time has come, and not before. Who writes it anew, knowing of
// nothing, is neither taken for somebody the delete replaces nor hidden by a late
// message, and neither is who wrote it while it waited.
func TestRecreateAfterReaping(t *testing.T) {
	const now, future = 1_000_000_000, hlc.Max - 10
	s := write(t, &resolver.Siblings[string]{}, at("eu", now), resolver.Context{}, "v")
	late := s.Clone()
	_, err := s.Delete(at("us", future), s.Context())
	require.NoError(t, err)
	deleted := s.Clone()
	stable := s.Context().Past()
	var ahead *resolver.AheadError
	ok, err := s.Reap(stable, now+1)
	require.False(t, ok)
	require.ErrorAs(t, err, &ahead)

	waited := write(t, s, at("eu", now+2), resolver.Context{}, "meanwhile")
	require.Equal(t, 2, waited.Len(), "beside the delete, which its writer was not shown")
	require.Greater(t, waited.LastOf("eu"), future, "and after it")
	require.False(t, waited.Merge(late))
	require.False(t, waited.Merge(deleted))

	ok, err = s.Reap(stable, future)
	require.NoError(t, err)
	require.True(t, ok)
	for name, absent := range map[string]*resolver.Siblings[string]{"reaped": s, "forgotten": resolver.NewSiblings[string](stable, 0)} {
		anew := write(t, absent, at("ap", now+3), resolver.Context{}, "anew")
		for _, message := range []*resolver.Siblings[string]{late, deleted} {
			require.False(t, anew.Merge(message), name)
		}
		require.Equal(t, "anew", anew.Versions()[0].Value, name)
		require.Equal(t, 1, anew.Len(), name)
		anew.Merge(waited)
		require.Equal(t, []string{"anew", "meanwhile"}, valuesOf(anew), name)
	}
}

func valuesOf(s *resolver.Siblings[string]) []string {
	values := []string{}
	for _, v := range s.Versions() {
		values = append(values, v.Value)
	}
	return values
}

// TestContextAhead refuses a context from the future before a write under it sends
// the key there.
func TestContextAhead(t *testing.T) {
	s := write(t, &resolver.Siblings[string]{}, at("us", 3_000_000_000), resolver.Context{}, "v")
	require.NoError(t, resolver.Context{}.Ahead(0, 0))
	for name, c := range map[string]resolver.Context{"past": s.Context(), "dot": s.Only(0)} {
		require.NoError(t, c.Ahead(1_000_000_000, 2_000_000_000), name)
		require.NoError(t, c.Ahead(3_000_000_000, -1), name)
		require.EqualError(t, c.Ahead(1_000_000_000, 1_999_999_999), `resolver: time 1970-01-01T00:00:03.000000000Z of "us" is 2s ahead of the clock`, name)
	}
}

// TestSeed adopts rows: the same ones, different ones, and one without a time.
func TestSeed(t *testing.T) {
	var eu, us, ap resolver.Siblings[string]
	require.ErrorIs(t, eu.Seed("row", 0), resolver.ErrNoStamp)
	require.Zero(t, eu.Len())
	require.NoError(t, eu.Seed("row", 100))
	require.NoError(t, us.Seed("row", 100))
	require.NoError(t, ap.Seed("changed row", 200))
	require.True(t, eu.Equal(&us))
	require.False(t, eu.Merge(&us))
	both := join(&eu, &ap)
	out := resolve(t, resolver.New[string](resolver.LastWriterWins), both)
	require.Equal(t, resolver.CreateCreate, out.Conflict.Kind)
	require.Equal(t, "changed row", out.Value)
	_, err := both.Write(at("eu", 1), out.Context, "new")
	require.NoError(t, err)
	require.NoError(t, both.Seed("row", 100), "it is adopted already")
	require.Equal(t, 1, both.Len())
	require.Equal(t, hlc.Timestamp(201), both.LastOf("eu"), "after what it replaces")

	promoted := resolver.NewSiblings[string](vclock.Clock{}, 2)
	require.NoError(t, promoted.Seed("row", 100))
	require.Equal(t, 1, promoted.Len())
}

// TestNewSiblingsOutOfRange: a set with such a time could not be read back.
func TestNewSiblingsOutOfRange(t *testing.T) {
	require.NotPanics(t, func() { resolver.NewSiblings[string](vclock.Clock{}.With("eu", uint64(hlc.Max)), 0) })
	require.PanicsWithValue(t, "resolver: NewSiblings: stable: time 9223372036854775808 is out of range", func() {
		resolver.NewSiblings[string](vclock.Clock{}.With("eu", uint64(hlc.Max)+1), 0)
	})
}

// TestWrittenContext: the context that a writer gets is that of the next reader, as
// long as nothing happens and nothing stands beside the write. So is the ETag.
func TestWrittenContext(t *testing.T) {
	var eu resolver.Siblings[string]
	written, err := eu.Write(at("eu", 1), resolver.Context{}, "a")
	require.NoError(t, err)
	require.True(t, written.Context.Equal(eu.Context()))
	us := eu.Clone()
	written, err = eu.Write(at("eu", 2), written.Context, "b")
	require.NoError(t, err)
	require.True(t, written.Context.Equal(resolve(t, resolver.New[string](nil), &eu).Context))
	deleted, err := eu.Delete(at("eu", 3), written.Context)
	require.NoError(t, err)
	require.True(t, deleted.Context.Equal(resolve(t, resolver.New[string](nil), &eu).Context))

	beside, err := us.Write(at("us", 4), resolver.Context{}, "c")
	require.NoError(t, err)
	require.False(t, beside.Context.Covers(us.Context()), "the writer was not shown what stands beside it")
	require.True(t, us.Context().Covers(beside.Context))
}

// TestCovers says who has seen what, of contexts and of sets.
func TestCovers(t *testing.T) {
	none := &resolver.Siblings[string]{}
	eu := write(t, none, at("eu", 1), resolver.Context{}, "a")
	us := write(t, none, at("us", 2), resolver.Context{}, "b")
	both := join(eu, us)
	require.True(t, none.Covers(resolver.Context{}))
	require.True(t, both.Covers(eu.Context()))
	require.True(t, both.Covers(both.Only(1)))
	require.False(t, eu.Covers(us.Context()))
	require.False(t, eu.Covers(us.Only(0)))
	require.True(t, both.Context().Covers(us.Only(0)))
	require.False(t, us.Only(0).Covers(us.Context()), "which speaks of all earlier writes as well")
	require.True(t, us.Only(0).Covers(us.Only(0)))
	require.False(t, eu.Context().Covers(both.Context()))
	require.True(t, both.Context().Covers(eu.Context()))

	promoted := both.Clone()
	promoted.Promote(resolver.Promotion{Epoch: 1, Cut: both.Clock()})
	require.True(t, promoted.Covers(both.Context()))
	require.True(t, promoted.Context().Covers(both.Context()))
	require.False(t, both.Covers(promoted.Context()))
	require.False(t, both.Context().Covers(promoted.Context()))
	require.Equal(t, both.Context().Past(), both.Clock())
}

// TestETag tells states apart by a name.
func TestETag(t *testing.T) {
	eu := write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "a")
	us := write(t, eu, at("us", 2), eu.Context(), "b")
	require.Len(t, eu.ETag(), 43)
	require.NotEqual(t, eu.ETag(), us.ETag())
	eu.Merge(us)
	require.Equal(t, eu.ETag(), us.ETag())
	require.NotEqual(t, eu.ETag(), new(resolver.Siblings[string]).ETag())
	require.Equal(t, "1 versions; 1970-01-01T00:00:00.000000002Z@us b", eu.String())
	_, err := eu.Delete(at("ap", 3), resolver.Context{})
	require.NoError(t, err)
	eu.Promote(resolver.Promotion{Epoch: 3, Cut: eu.Clock()})
	require.Equal(t, "2 versions in epoch 3; 1970-01-01T00:00:00.000000002Z@us b; 1970-01-01T00:00:00.000000003Z@ap deleted", eu.String())
}
