package merge_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// TestReplicatedFields merges fields that are replicated types themselves: by
// their own Merge, by value and behind a pointer, without touching the inputs.
func TestReplicatedFields(t *testing.T) {
	type post struct {
		Title string
		Tags  *crdt.ORSet[string]
		Likes *crdt.PNCounter
		Views map[string]*crdt.GCounter
		Meta  *lww.Map[string, string]
		Owner lww.Register[string]
	}
	posts := merge.MustCompile(merge.Options[post]{})
	require.Equal(t, "Title    lww\nTags     join\nLikes    join\nViews    fields\nViews.*  join\nMeta     join\nOwner    join\n", posts.String())

	var clock hlc.Clock
	w := lww.Writer{Replica: "eu", Clock: &clock}
	eu, us := post{Title: "eu", Tags: new(crdt.ORSet[string]), Likes: new(crdt.PNCounter), Meta: new(lww.Map[string, string]), Views: map[string]*crdt.GCounter{"home": {}}}, post{Title: "us", Tags: new(crdt.ORSet[string])}
	eu.Tags.Add("eu", "a")
	eu.Likes.Add("eu", 3)
	_, err := eu.Meta.Put(w, "k", "v")
	require.NoError(t, err)
	require.NoError(t, eu.Owner.Set(w, "ada"))
	us.Tags.Add("us", "b")
	eu.Views["home"].Add("eu", 2)

	got, err := posts.Merge(&post{}, merge.Side[post]{Value: eu, Stamp: stamp(1, "eu")}, merge.Side[post]{Value: us, Stamp: stamp(2, "us")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, slices.Sorted(got.Tags.All()))
	v, ok := got.Meta.At("k")
	require.True(t, ok)
	require.Equal(t, "v", v)
	owner, ok := got.Owner.Get()
	require.True(t, ok)
	require.Equal(t, "ada", owner)
	likes, _ := got.Likes.Total()
	require.Equal(t, int64(3), likes)
	views, _ := got.Views["home"].Total()
	require.Equal(t, uint64(2), views)

	got.Tags.Add("x", "c")
	got.Likes.Add("x", 1)
	require.Equal(t, []string{"a"}, slices.Sorted(eu.Tags.All()), "the result shares no memory")
	require.Equal(t, []string{"b"}, slices.Sorted(us.Tags.All()))
	likes, _ = eu.Likes.Total()
	require.Equal(t, int64(3), likes)

	sides := []merge.Side[post]{{Value: us, Stamp: stamp(1, "eu")}, {Value: eu, Stamp: stamp(1, "eu")}}
	tied, report, err := posts.Explain(nil, sides...)
	require.NoError(t, err)
	require.Equal(t, "Title", report.Changes[0].Path)
	slices.Reverse(sides)
	again, err := posts.Merge(nil, sides...)
	require.NoError(t, err)
	require.Equal(t, tied.Title, again.Title)
	require.True(t, tied.Tags.Equal(again.Tags))
}
