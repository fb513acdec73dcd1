package cell_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
	"github.com/rejoin-go/rejoin/vclock"
)

// at returns a stamp of eu, and by one of another replica.
func at(t hlc.Timestamp) lww.Stamp { return by("eu", t) }

func by(r vclock.Replica, t hlc.Timestamp) lww.Stamp { return lww.Stamp{Time: t, Replica: r} }

// leaf returns a register of a text.
func leaf(key, text string, s lww.Stamp) cell.Cell {
	return cell.Cell{Key: key, Kind: cell.Register, Type: 5, Value: text, Stamp: s}
}

// row returns a row that is there, of the given life.
func row(life lww.Stamp, kids ...cell.Cell) cell.Cell {
	return cell.Cell{Kind: cell.Row, Live: true, Stamp: life, Kids: kids}
}

// version returns a version of a state that includes a write of eu and one of us.
func version(text string, eu, us hlc.Timestamp) cell.Cell {
	c := cell.Cell{Key: text, Kind: cell.Version}
	for _, s := range []lww.Stamp{at(eu), by("us", us)} {
		if s.Time > 0 {
			c.Kids = append(c.Kids, cell.Cell{Key: string(s.Replica), Kind: cell.Seen, Stamp: s})
		}
	}
	return c
}

// replica returns what is known of the siblings of eu.
func replica(last hlc.Timestamp, times ...hlc.Timestamp) cell.Cell {
	c := cell.Cell{Key: "eu", Kind: cell.Replica, Stamp: at(last)}
	for _, t := range times {
		c.Kids = append(c.Kids, cell.Cell{Key: cell.TimeKey(t), Kind: cell.Sibling, Stamp: at(t), Value: "v"})
	}
	return c
}

// TestJoinKinds says for each kind of cell which of two versions wins.
func TestJoinKinds(t *testing.T) {
	of := func(kind cell.Kind, text string, s lww.Stamp) cell.Cell {
		return cell.Cell{Kind: kind, Value: text, Stamp: s}
	}
	for _, kind := range []cell.Kind{
		cell.Register, cell.Placed, cell.Deleted, cell.Option, cell.Seen, cell.Total, cell.Sum, cell.Sibling, cell.Member, cell.Element, cell.Entry,
	} {
		requireJoin(t, of(kind, "b", at(1)), of(kind, "a", at(2)), of(kind, "a", at(2)))
		requireJoin(t, of(kind, "b", at(1)), of(kind, "a", by("us", 1)), of(kind, "a", by("us", 1)))
		requireJoin(t, of(kind, "b", at(1)), of(kind, "a", at(1)), of(kind, "b", at(1)))
		live := of(kind, "b", at(1))
		live.Live = true
		requireJoin(t, live, of(kind, "a", at(1)), of(kind, "a", at(1)))
	}
	for _, kind := range []cell.Kind{cell.First, cell.Fact} {
		requireJoin(t, of(kind, "b", at(1)), of(kind, "a", at(2)), of(kind, "b", at(1)))
		requireJoin(t, of(kind, "b", at(1)), of(kind, "a", at(1)), of(kind, "a", at(1)))
	}
	requireJoin(t, of(cell.Max, "b", at(1)), of(cell.Max, "a", at(2)), of(cell.Max, "b", at(1)))
	requireJoin(t, of(cell.Max, "b", at(1)), of(cell.Max, "b", at(2)), of(cell.Max, "b", at(2)))
	requireJoin(t, of(cell.Min, "b", at(2)), of(cell.Min, "a", at(1)), of(cell.Min, "a", at(1)))
	requireJoin(t, of(cell.Min, "b", at(1)), of(cell.Min, "b", at(2)), of(cell.Min, "b", at(2)))

	one, two := leaf("A", "x", at(1)), leaf("B", "y", at(2))
	requireJoin(t, row(lww.Stamp{}, one), row(lww.Stamp{}, two), row(lww.Stamp{}, one, two))
	requireJoin(t, row(at(3), one), row(at(4), two), row(at(4), two))
	gone := cell.Cell{Kind: cell.Row, Stamp: at(4)}
	requireJoin(t, row(at(3), one), gone, gone)
	requireJoin(t, row(at(4)), gone, row(at(4)))
	requireJoin(t, row(cell.OpenLife(5), one), row(at(4), two), row(at(4), one, two))
	requireJoin(t, row(cell.OpenLife(3), one), row(at(4), two), row(at(4), two))
	requireJoin(t, row(cell.OpenLife(3), one), row(cell.OpenLife(5), two), row(cell.OpenLife(5), one, two))
	requireJoin(t, row(lww.Stamp{}, one), row(cell.OpenLife(5), two), row(cell.OpenLife(5), one, two))

	// A sibling is gone where one side knows of it and does not have it.
	requireJoin(t, replica(2, 1, 2), replica(1, 1), replica(2, 1, 2))
	requireJoin(t, replica(2, 2), replica(1, 1), replica(2, 2))
	requireJoin(t, replica(2, 1, 2), replica(3, 3), replica(3, 3))
	requireJoin(t, replica(2, 1, 2), replica(2, 2), replica(2, 2))
	requireJoin(t, replica(2, 1), replica(2, 2), replica(2))
	requireJoin(t, replica(2, 2), replica(3, 2, 3), replica(3, 2, 3))

	// Of a state the versions stay that no other includes.
	state := func(kids ...cell.Cell) cell.Cell { return cell.Cell{Kind: cell.State, Kids: kids} }
	requireJoin(t, state(version("a", 1, 0)), state(version("b", 2, 0)), state(version("b", 2, 0)))
	requireJoin(t, state(version("a", 1, 0)), state(version("b", 0, 1)), state(version("a", 1, 0), version("b", 0, 1)))
	requireJoin(t, state(version("a", 1, 1)), state(version("b", 0, 1)), state(version("a", 1, 1)))
	requireJoin(t, state(version("a", 1, 2)), state(version("b", 2, 1)), state(version("a", 1, 2), version("b", 2, 1)))
	requireJoin(t, state(version("a", 1, 0), version("b", 0, 1)), state(version("c", 1, 1)), state(version("c", 1, 1)))
	requireJoin(t, state(version("a", 1, 1)), state(version("b", 1, 1)), state(version("a", 1, 1), version("b", 1, 1)))

	requireJoin(t, state(version("a", 1, 0)), state(version("a", 1, 0), version("b", 0, 1)), state(version("a", 1, 0), version("b", 0, 1)))

	choice := func(kids ...cell.Cell) cell.Cell { return cell.Cell{Kind: cell.Choice, Kids: kids} }
	option := func(key string, t hlc.Timestamp) cell.Cell {
		return cell.Cell{Key: key, Kind: cell.Option, Stamp: at(t)}
	}
	requireJoin(t, choice(option("a", 1)), choice(option("b", 2)), choice(option("a", 1), option("b", 2)))
	requireJoin(t, choice(option("a", 1)), choice(option("a", 1), option("b", 2)), choice(option("a", 1), option("b", 2)))
	requireJoin(t, choice(option("a", 1)), choice(option("a", 2)), choice(option("a", 2)))
	a, b := choice(option("a", 1)), choice(option("b", 2))
	best, changed := cell.Join(&a, &b, knows{})
	require.Equal(t, choice(option("b", 2)), best, "who knows the rule keeps the best")
	require.True(t, changed)
	best, changed = cell.Join(&best, &a, knows{})
	require.Equal(t, choice(option("b", 2)), best)
	require.False(t, changed)
	x, y := state(version("a", 1, 0)), state(version("b", 0, 1))
	folded, changed := cell.Join(&x, &y, knows{})
	require.Equal(t, state(version("b", 0, 1)), folded, "who knows the type makes one of all")
	require.True(t, changed)
	folded, changed = cell.Join(&folded, &x, knows{})
	require.Equal(t, state(version("b", 0, 1)), folded)
	require.False(t, changed)
	outer, other := row(lww.Stamp{}, keyed("A", a)), row(lww.Stamp{}, keyed("A", b))
	in, _ := cell.Join(&outer, &other, knows{})
	require.Len(t, in.Kids[0].Kids, 1, "what is known of the field is asked for")
	outer, other = row(lww.Stamp{}, keyed("B", a)), row(lww.Stamp{}, keyed("B", b))
	in, _ = cell.Join(&outer, &other, knows{})
	require.Len(t, in.Kids[0].Kids, 2, "of which nothing is known")
}

func keyed(key string, c cell.Cell) cell.Cell {
	c.Key = key
	return c
}

// A knows knows that the last option or version is the best, of the field A and no other.
type knows struct{}

func (knows) Part(key string, _ cell.Kind, _ cell.TypeCode) cell.Knows {
	if key == "A" {
		return knows{}
	}
	return nil
}
func (knows) Best(options []cell.Cell) []cell.Cell  { return options[len(options)-1:] }
func (knows) Fold(versions []cell.Cell) []cell.Cell { return versions[len(versions)-1:] }
func (knows) KeyType() *value.Type                  { return &value.Type{Kind: value.KindString} }
func (knows) Values() cell.Values                   { return cell.Values{} }
func (knows) Member(string) cell.Values             { return cell.Values{} }

// requireJoin requires that two cells join to a third one, in either order, and that each is
// said to be changed if it is.
func requireJoin(t *testing.T, a, b, want cell.Cell) {
	t.Helper()
	for range 2 {
		got, changed := cell.Join(&a, &b, nil)
		require.True(t, want.Same(&got), "%+v", got)
		require.Equal(t, !a.Same(&want), changed)
		again, changed := cell.Join(&got, &b, nil)
		require.True(t, want.Same(&again))
		require.False(t, changed)
		a, b = b, a
	}
}

// TestSame tells cells apart by each of their parts.
func TestSame(t *testing.T) {
	full := cell.Cell{Key: "k", Kind: cell.Entry, Type: 1, Live: true, Marks: 1, Stamp: at(1), Value: "v", Kids: []cell.Cell{leaf("a", "x", at(1))}}
	for _, change := range []func(*cell.Cell){
		func(c *cell.Cell) { c.Key = "l" }, func(c *cell.Cell) { c.Key = "" }, func(c *cell.Cell) { c.Kind = cell.Element },
		func(c *cell.Cell) { c.Type = 2 }, func(c *cell.Cell) { c.Live = false }, func(c *cell.Cell) { c.Marks = 0 },
		func(c *cell.Cell) { c.Stamp.Time = 2 }, func(c *cell.Cell) { c.Stamp.Replica = "us" }, func(c *cell.Cell) { c.Value = "w" },
		func(c *cell.Cell) { c.Kids = nil }, func(c *cell.Cell) { c.Kids = []cell.Cell{leaf("a", "y", at(1))} },
		func(c *cell.Cell) { c.Kids = append(c.Kids[:1:1], leaf("b", "", at(1))) },
	} {
		other := full
		other.Kids = []cell.Cell{leaf("a", "x", at(1))}
		require.True(t, full.Same(&other))
		require.True(t, cell.SameKids(full.Kids, other.Kids))
		change(&other)
		require.False(t, full.Same(&other))
		require.False(t, other.Same(&full))
	}
	require.True(t, cell.SameKids(nil, []cell.Cell{}))
	require.False(t, cell.SameKids(nil, full.Kids))
}

// TestFind finds a kid by its key, kind and type among those around it.
func TestFind(t *testing.T) {
	var kids []cell.Cell
	for _, key := range []string{"a", "b", "c"} {
		for _, kind := range []cell.Kind{cell.Register, cell.First} {
			for _, typ := range []cell.TypeCode{0, 5} {
				kids = append(kids, cell.Cell{Key: key, Kind: kind, Type: typ})
			}
		}
	}
	c := cell.Cell{Kids: kids}
	for i := range kids {
		k := &kids[i]
		require.Same(t, k, cell.FindCell(kids, k.Key, k.Kind, k.Type))
		require.Same(t, k, c.Like(&cell.Cell{Key: k.Key, Kind: k.Kind, Type: k.Type}))
		require.Nil(t, cell.FindCell(kids, k.Key+"x", k.Kind, k.Type))
		require.Nil(t, cell.FindCell(kids, k.Key, k.Kind, 3))
		require.Nil(t, cell.FindCell(kids, k.Key, cell.Max, k.Type))
		for j := range kids {
			n := k.Order(&kids[j])
			require.Equal(t, [3]bool{i < j, i == j, i > j}, [3]bool{n < 0, n == 0, n > 0})
		}
		if k.Type == 0 {
			require.Same(t, k, c.Kid(k.Key, k.Kind))
		}
	}
	require.Nil(t, cell.FindCell(nil, "a", cell.Register, 0))
	var none *cell.Cell
	require.Nil(t, none.Like(&kids[0]))
	require.Nil(t, none.Kid("a", cell.Register))
	require.Nil(t, none.AllKids())
	require.Equal(t, kids, c.AllKids())
	require.False(t, none.Present())
	require.Zero(t, none.Life())
	require.Zero(t, none.LatestOrZero())
	require.Equal(t, []cell.Cell{kids[4], kids[5]}, cell.Wholes(kids, 6)[:2])
	require.Len(t, cell.Wholes(append(kids[:2:2], cell.Cell{Key: "a", Kind: cell.Set}), 2), 2)
	require.Empty(t, cell.Wholes(append(kids[:2:2], cell.Cell{Key: "b", Kind: cell.Set}), 2))
	require.Empty(t, cell.Wholes([]cell.Cell{{Key: "a", Kind: cell.Set}, {Key: "a", Kind: cell.Rows}}, 1))
}

// deepRow draws a row with deletes and everything in it.
func deepRow(t *rapid.T) cell.Cell { return drawRow(t, "", 0) }

// leaves calls visit for each cell below c that holds a write, unless it is below what is gone.
func leaves(c *cell.Cell, visit func(*cell.Cell)) {
	for i := range c.Kids {
		k := &c.Kids[i]
		if len(k.Kids) == 0 && k.Kind != cell.Row && k.Kind != cell.Rows && k.Kind != cell.Deleted {
			visit(k)
		}
		leaves(k, visit)
	}
}

// TestParts: a part of a state says as much as the state to who has the rest.
func TestParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := deepRow(t), deepRow(t)
		ab := joined(a, b)
		part, ok := ab.Since(&a)
		again, changed := a, false
		if ok {
			again, changed = cell.Join(&a, &part, nil)
		}
		require.True(t, again.Same(&ab), "the part of a join since one side is the other")
		require.Equal(t, !a.Same(&ab), changed)
		_, ok = ab.Since(&ab)
		require.False(t, ok, "nothing is new")
		whole, ok := a.Since(nil)
		require.True(t, ok)
		require.True(t, whole.Same(&a))

		lives := ab.Lives()
		require.True(t, lives.IsSeen())
		fromBytes, err := read(cell.Append(nil, nil, ab), 0)
		require.NoError(t, err)
		seen := fromBytes.Lives()
		require.True(t, seen.Same(&lives))

		s := drawStamp(t)
		after := cell.Cell{Kids: cell.After(ab.Kids, s)}
		var newest lww.Stamp
		count := 0
		leaves(&ab, func(k *cell.Cell) {
			if k.Stamp.After(s) {
				count++
			}
			if k.Stamp.After(newest) {
				newest = k.Stamp
			}
		})
		walkThere(&after, func(k *cell.Cell) {
			if k.Kind.IsField() && k.Kind != cell.Row && k.Kind != cell.Rows && k.Kind != cell.Deleted {
				require.True(t, k.Newest().After(s))
			}
		})
		leaves(&after, func(k *cell.Cell) {
			if k.Stamp.After(s) {
				count--
			}
		})
		if count != 0 { // what is left out is below a row that is gone
			gone := false
			walk(&ab, func(k *cell.Cell) { gone = gone || k.IsGone() })
			require.True(t, gone)
		}
		require.LessOrEqual(t, newest.Compare(ab.Newest()), 0)
		require.LessOrEqual(t, newest.Time, ab.Latest())

		kept := ab.Compact(hlc.Max, hlc.Max, nil)
		walk(&kept, func(k *cell.Cell) {
			require.False(t, (k.Kind == cell.Element || k.Kind == cell.Entry) && !k.Live, "deleted at or below the horizon")
		})
		same := ab.Compact(0, 0, nil)
		require.True(t, same.Same(&ab))
		needed := ab.AddTombstones(nil, lww.Stamp{})
		all := ab.Compact(hlc.Max, hlc.Max, needed)
		require.True(t, all.Same(&ab), "all that is deleted is needed")
		walk(&ab, func(k *cell.Cell) {
			deleted := (k.Kind == cell.Row || k.Kind == cell.Element || k.Kind == cell.Entry) && !k.Live && !k.Stamp.IsZero()
			require.Equal(t, deleted, needed[k])
		})
	})
}

// walk calls visit for c and all below it.
func walk(c *cell.Cell, visit func(*cell.Cell)) {
	visit(c)
	for i := range c.Kids {
		walk(&c.Kids[i], visit)
	}
}

// walkThere is walk without what is below rows that are gone.
func walkThere(c *cell.Cell, visit func(*cell.Cell)) {
	visit(c)
	for i := range c.Kids {
		if k := &c.Kids[i]; !k.IsGone() {
			walkThere(k, visit)
		}
	}
}

// TestSince tells what of a cell another version of it needs, and whether that is anything.
func TestSince(t *testing.T) {
	a, b, newer := leaf("A", "x", at(1)), leaf("B", "y", at(2)), leaf("A", "z", at(3))
	kept, _ := func() (cell.Cell, bool) { c := row(lww.Stamp{}, a, b); return c.Delete(at(5), saw("A")) }()
	more := joined(kept, row(lww.Stamp{}, leaf("C", "w", at(1))))
	choice := with("A", cell.Choice, cell.Cell{Key: "a", Kind: cell.Option, Stamp: at(1)}, cell.Cell{Key: "b", Kind: cell.Option, Stamp: at(1)})
	for _, tt := range []struct {
		name      string
		c, old    cell.Cell
		want      cell.Cell
		something bool
	}{
		{"leaf", row(lww.Stamp{}, newer, b), row(lww.Stamp{}, a, b), row(lww.Stamp{}, newer), true},
		{"new leaf", row(lww.Stamp{}, a, b), row(lww.Stamp{}, a), row(lww.Stamp{}, b), true},
		{"less", row(lww.Stamp{}, a), row(lww.Stamp{}, a, b), row(lww.Stamp{}), false},
		{"another life", row(at(1), a), row(at(2), a), row(at(1), a), true},
		{"there again", row(at(1)), cell.Cell{Kind: cell.Row, Stamp: at(1)}, row(at(1)), true},
		{"gone", cell.Cell{Kind: cell.Row, Stamp: at(1)}, row(at(1)), cell.Cell{Kind: cell.Row, Stamp: at(1)}, false},
		{"less of what was deleted", kept, more, row(lww.Stamp{}), false},
		{"more of what was deleted", more, kept, row(lww.Stamp{}, *kept.LastDelete(), leaf("C", "w", at(1))), true},
		{"option", choice, with("A", cell.Choice, choice.Kids[0]), with("A", cell.Choice, choice.Kids[1]), true},
		{"version", with("A", cell.State, version("a", 2, 1)), with("A", cell.State, version("a", 1, 1)), with("A", cell.State, version("a", 2, 1)), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.c.Since(&tt.old)
			require.Equal(t, tt.something, ok)
			require.True(t, tt.want.Same(&got), "%+v", got)
		})
	}
}

// TestPick takes the first of the largest cells; TestSiblings goes through all siblings.
func TestPick(t *testing.T) {
	order := func(a, b *cell.Cell) int { return a.Stamp.Compare(b.Stamp) }
	require.Nil(t, cell.Pick(nil, order))
	cells := []cell.Cell{leaf("A", "", at(1)), leaf("B", "", at(3)), leaf("C", "", at(3)), leaf("D", "", at(2))}
	require.Same(t, &cells[1], cell.Pick(cells, order))
	require.Same(t, &cells[3], cell.FirstOf(nil, &cells[3], &cells[0]))
	require.Nil(t, cell.FirstOf(nil, nil))

	us := replica(5)
	us.Key, us.Kids = "us", []cell.Cell{{Key: cell.TimeKey(4), Kind: cell.Sibling, Stamp: by("us", 4)}}
	manual := with("M", cell.Manual, replica(2, 1, 2), us)
	var times []hlc.Timestamp
	for s := range cell.Siblings(&manual) {
		times = append(times, s.Stamp.Time)
	}
	require.Equal(t, []hlc.Timestamp{1, 2, 4}, times)
	for s := range cell.Siblings(&manual) {
		require.Equal(t, hlc.Timestamp(1), s.Stamp.Time)
		break
	}

	var visited []string
	x, y := row(lww.Stamp{}, leaf("A", "x", at(1)), leaf("B", "y", at(1)), leaf("C", "z", at(1))), row(lww.Stamp{}, leaf("B", "y", at(1)), leaf("C", "w", at(2)), leaf("D", "v", at(1)))
	merged := joined(x, y)
	cell.EachKid(&x, &y, &merged, func(a, b, m *cell.Cell) {
		visited = append(visited, m.Key)
		require.Equal(t, m.Key == "D", a == nil)
		require.Equal(t, m.Key == "A", b == nil)
		require.Same(t, merged.Like(m), m)
	})
	require.Equal(t, []string{"A", "C", "D"}, visited, "what both hold alike is left out")
	cell.EachKid(nil, nil, &merged, func(_, _, _ *cell.Cell) { t.Fatal("of nothing") })
}
