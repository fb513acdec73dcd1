package merge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A playlist is a list that people put in order.
type playlist struct {
	Songs []song `merge:"keyed=ID"`
}

type song struct {
	ID   string
	Note string
}

func songsOf(keys ...string) []song {
	var out []song
	for _, k := range keys {
		out = append(out, song{ID: k})
	}
	return out
}

func songKeys(list []song) []string {
	out := []string{}
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

func songs(r *merge.Record[playlist]) []song {
	v, _ := r.Get()
	return v.Songs
}

// permutations calls visit with each order of keys.
func permutations(keys []string, visit func([]string)) {
	var go1 func(n int)
	go1 = func(n int) {
		if n == len(keys) {
			visit(slices.Clone(keys))
			return
		}
		for i := n; i < len(keys); i++ {
			keys[n], keys[i] = keys[i], keys[n]
			go1(n + 1)
			keys[n], keys[i] = keys[i], keys[n]
		}
	}
	go1(0)
}

// TestRecordOrder has two people put a list of four into all orders at once: each
// reads back what he wrote, both end with one list of the four, and where only
// one of them moved anything that order stands.
func TestRecordOrder(t *testing.T) {
	p := recordPlan(t, merge.Options[playlist]{})
	base := p.NewRecord()
	start := []string{"a", "b", "c", "d"}
	require.NoError(t, base.Update(writer("o"), set(func(l *playlist) { l.Songs = songsOf(start...) })))
	order := func(r *merge.Record[playlist], name vclock.Replica, keys []string) *merge.Record[playlist] {
		r = r.Clone()
		require.NoError(t, r.Update(writer(name), set(func(l *playlist) { l.Songs = songsOf(keys...) })))
		require.Equal(t, keys, songKeys(songs(r)))
		return r
	}
	permutations(slices.Clone(start), func(x []string) {
		a := order(base, "eu", x)
		permutations(slices.Clone(start), func(y []string) {
			b := order(base, "us", y)
			ab, ba := a.Clone(), b.Clone()
			ab.Merge(b)
			ba.Merge(a)
			require.True(t, ab.Equal(ba))
			got := songKeys(songs(ab))
			switch {
			case slices.Equal(x, start):
				require.Equal(t, y, got)
			case slices.Equal(y, start):
				require.Equal(t, x, got)
			}
			slices.Sort(got)
			require.Equal(t, start, got)
		})
	})
}

// TestRecordOrderMoves moves one element at two replicas: it ends where the later
// one put it, with an edit of it that neither had seen.
func TestRecordOrderMoves(t *testing.T) {
	p := recordPlan(t, merge.Options[playlist]{})
	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(l *playlist) { l.Songs = songsOf("a", "b", "c", "d", "e") })))
	b, c := a.Clone(), a.Clone()
	require.NoError(t, a.Update(lww.Writer{Replica: "eu", Clock: &ticks{now: 10}}, set(func(l *playlist) { l.Songs = songsOf("e", "a", "b", "c", "d") })))
	require.NoError(t, b.Update(lww.Writer{Replica: "us", Clock: &ticks{now: 20}}, set(func(l *playlist) { l.Songs = songsOf("a", "b", "e", "c", "d") })))
	require.NoError(t, c.Update(writer("ap"), set(func(l *playlist) { l.Songs[4].Note = "live" })))
	for _, r := range []*merge.Record[playlist]{a, b, c} {
		for _, o := range []*merge.Record[playlist]{a, b, c} {
			r.Merge(o)
		}
		require.Equal(t, []song{{ID: "a"}, {ID: "b"}, {"e", "live"}, {ID: "c"}, {ID: "d"}}, songs(r))
	}
}

// TestRecordOrderOfForm saves a form late: what it moved is moved, what others
// added, moved or deleted meanwhile stays so.
func TestRecordOrderOfForm(t *testing.T) {
	p := recordPlan(t, merge.Options[playlist]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(l *playlist) { l.Songs = songsOf("a", "b", "c", "d", "e") })))
	read, token := r.Snapshot()
	require.NoError(t, r.Update(writer("us"), set(func(l *playlist) { l.Songs = songsOf("x", "c", "a", "b", "e") })))
	next := playlist{Songs: songsOf("b", "c", "d", "e", "a", "n")}
	require.NoError(t, r.Apply(writer("ap"), token, read, next))
	require.Equal(t, []string{"x", "c", "b", "e", "a", "n"}, songKeys(songs(r)))
}

// edited returns the list after one step of somebody who puts it in order.
func edited(t *rapid.T, list []song, step int) []song {
	next := slices.Clone(list)
	at := func(n int) int { return rapid.IntRange(0, n).Draw(t, "at") }
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		switch what := rapid.IntRange(0, 4).Draw(t, "what"); {
		case what < 2 || len(next) == 0:
			s := song{ID: string(rune('a' + at(7))), Note: fmt.Sprint(step)}
			if !slices.ContainsFunc(next, func(o song) bool { return o.ID == s.ID }) {
				next = slices.Insert(next, at(len(next)), s)
			}
		case what == 2:
			from := at(len(next) - 1)
			s := next[from]
			next = slices.Insert(slices.Delete(next, from, from+1), at(len(next)-1), s)
		case what == 3:
			from := at(len(next) - 1)
			next = slices.Delete(next, from, from+1)
		default:
			next[at(len(next)-1)].Note = fmt.Sprint(step)
		}
	}
	return next
}

// TestRecordOrderHistories inserts, moves, deletes, makes again and edits at three
// replicas that merge what the others had at any time: each write reads back
// exactly, forms saved late lose nothing that they did not delete, and in the end
// all show one list, with every element once.
func TestRecordOrderHistories(t *testing.T) {
	p := recordPlan(t, merge.Options[playlist]{})
	rapid.Check(t, func(t *rapid.T) {
		names := []vclock.Replica{"eu", "us", "ap"}
		var sites []*merge.Record[playlist]
		var writers []lww.Writer
		for _, name := range names {
			sites = append(sites, p.NewRecord())
			writers = append(writers, lww.Writer{Replica: name, Clock: &ticks{now: 0}})
		}
		sent := []*merge.Record[playlist]{}
		for step := range rapid.IntRange(1, 20).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "site")
			r := sites[i]
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				var want []song
				require.NoError(t, r.Update(writers[i], func(l *playlist) error {
					l.Songs = edited(t, l.Songs, step)
					want = l.Songs
					return nil
				}))
				require.Equal(t, songKeys(want), songKeys(songs(r)))
				require.ElementsMatch(t, want, songs(r))
				sent = append(sent, r.Clone())
			case 2:
				read, token := r.Snapshot()
				if len(sent) > 0 {
					r.Merge(rapid.SampledFrom(sent).Draw(t, "meanwhile"))
				}
				before := songs(r)
				next := playlist{Songs: edited(t, read.Songs, step)}
				if r.Apply(writers[i], token, read, next) == nil {
					for _, s := range before {
						gone := slices.ContainsFunc(read.Songs, func(o song) bool { return o.ID == s.ID }) && !slices.ContainsFunc(next.Songs, func(o song) bool { return o.ID == s.ID })
						require.Equal(t, !gone, slices.Contains(songKeys(songs(r)), s.ID))
					}
				}
			default:
				if len(sent) > 0 {
					r.Merge(rapid.SampledFrom(sent).Draw(t, "sent"))
				}
			}
		}
		for _, r := range sites {
			for _, o := range sites {
				r.Merge(o)
			}
		}
		for _, r := range sites {
			for _, o := range sites {
				r.Merge(o)
			}
			require.True(t, r.Equal(sites[0]))
			keys := songKeys(songs(r))
			require.Equal(t, songKeys(songs(sites[0])), keys)
			slices.Sort(keys)
			require.Len(t, slices.Compact(slices.Clone(keys)), len(keys))
			b, err := r.MarshalBinary()
			require.NoError(t, err)
			back := p.NewRecord()
			require.NoError(t, back.UnmarshalBinary(b))
			js, err := back.MarshalJSON()
			require.NoError(t, err)
			again := p.NewRecord()
			require.NoError(t, again.UnmarshalJSON(js))
			require.True(t, again.Equal(r), "%s", js)
			require.Equal(t, songs(r), songs(again))
		}
	})
}

// TestRecordOrderBesideUnseen: who puts an element behind one that he sees puts it right behind it, before what
// he has not seen there, whatever the names of replicas and elements.
func TestRecordOrderBesideUnseen(t *testing.T) {
	type list struct {
		Lines []sampleLine `merge:"keyed=Key"`
	}
	p := recordPlan(t, merge.Options[list]{})
	for _, by := range []vclock.Replica{"aa", "zz"} {
		for _, unseen := range []string{"b", "z"} {
			r := p.NewRecord()
			require.NoError(t, r.Update(writer("eu"), set(func(v *list) { v.Lines = []sampleLine{{Key: "a"}, {Key: "d"}} })))
			read, token := r.Snapshot()
			require.NoError(t, r.Update(writer("us"), set(func(v *list) { v.Lines = []sampleLine{{Key: "a"}, {Key: unseen}, {Key: "d"}} })))
			next := list{[]sampleLine{{Key: "a"}, {Key: "c"}, {Key: "d"}}}
			require.NoError(t, r.Apply(writer(by), token, read, next))
			require.Equal(t, []sampleLine{{Key: "a"}, {Key: "c"}, {Key: unseen}, {Key: "d"}}, value(t, r).Lines, "by %s", by)
		}
	}
}

// TestRecordOrderOfWhatIsGone: who moves elements in a form does not bring back one that others have deleted
// meanwhile, be it the first of the list, the last, or one that was moved.
func TestRecordOrderOfWhatIsGone(t *testing.T) {
	type list struct {
		Lines []sampleLine `merge:"keyed=Key"`
	}
	lines := func(keys string) (l list) {
		for _, k := range keys {
			l.Lines = append(l.Lines, sampleLine{Key: string(k)})
		}
		return l
	}
	p := recordPlan(t, merge.Options[list]{})
	for _, tt := range [][3]string{
		{"acb", "a", "cb"}, {"acb", "b", "ac"}, {"acb", "c", "ab"}, {"cab", "a", "cb"}, {"cab", "c", "ab"}, {"cba", "b", "ca"}, {"bac", "ab", "c"}, {"axcb", "a", "xcb"}, {"bxc", "b", "xc"},
	} {
		r := p.NewRecord()
		require.NoError(t, r.Update(writer("eu"), set(func(v *list) { *v = lines("abc") })))
		read, token := r.Snapshot()
		require.NoError(t, r.Update(writer("us"), set(func(v *list) {
			v.Lines = slices.DeleteFunc(v.Lines, func(l sampleLine) bool { return strings.Contains(tt[1], l.Key) })
		})))
		require.NoError(t, r.Apply(writer("eu"), token, read, lines(tt[0])), "%v", tt)
		require.Equal(t, lines(tt[2]), value(t, r), "%v", tt)
	}
}
