package cell_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/int128"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// saw returns what a delete asks that has seen the fields of these keys.
func saw(keys string) func(*cell.Cell) bool {
	return func(k *cell.Cell) bool { return strings.Contains(keys, k.Key) }
}

// marked returns c with marks.
func marked(marks uint32, c cell.Cell) cell.Cell {
	c.Marks = marks
	return c
}

// TestDelete: a row that is kept is there while a leaf was not seen by its deletes.
func TestDelete(t *testing.T) {
	del := cell.Cell{Key: cell.PositionKey, Kind: cell.Deleted, Stamp: at(5)}
	a, b := leaf("A", "x", at(1)), leaf("B", "y", at(2))
	element := func(live bool) cell.Cell { return cell.Cell{Key: "k", Kind: cell.Element, Live: live, Stamp: at(1)} }
	inner := keyed("C", row(lww.Stamp{}, leaf("D", "z", at(3))))
	innerMarked := keyed("C", row(lww.Stamp{}, marked(2, leaf("D", "z", at(3)))))
	for _, tt := range []struct {
		name string
		kids []cell.Cell
		seen string
		want []cell.Cell
		live bool
	}{
		{"all seen", []cell.Cell{a, b}, "AB", []cell.Cell{del, marked(1, a), marked(1, b)}, false},
		{"one not seen", []cell.Cell{a, b}, "A", []cell.Cell{del, marked(1, a), b}, true},
		{"none seen", []cell.Cell{a}, "", []cell.Cell{del, a}, true},
		{"nothing there", nil, "", []cell.Cell{del}, false},
		{"row in it", []cell.Cell{a, inner}, "AC", []cell.Cell{del, marked(1, a), innerMarked}, false},
		{"several in a row in it", []cell.Cell{keyed("C", row(lww.Stamp{}, a, b))}, "C", []cell.Cell{del, keyed("C", row(lww.Stamp{}, marked(2, a), marked(2, b)))}, false},
		{"row in it not seen", []cell.Cell{a, inner}, "A", []cell.Cell{del, marked(1, a), inner}, true},
		{"element", []cell.Cell{typed(5, with("A", cell.Set, element(true)))}, "A", []cell.Cell{del, typed(5, with("A", cell.Set, marked(1, element(true))))}, false},
		{"removed element", []cell.Cell{typed(5, with("A", cell.Set, element(false)))}, "", []cell.Cell{del, typed(5, with("A", cell.Set, element(false)))}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := row(lww.Stamp{}, tt.kids...)
			before := row(lww.Stamp{}, tt.kids...)
			got, ok := c.Delete(at(5), saw(tt.seen))
			require.True(t, ok)
			require.Equal(t, tt.want, got.Kids)
			require.Equal(t, tt.live, got.Live)
			require.Equal(t, !tt.live, got.IsGone())
			require.True(t, c.Same(&before), "what others share stays")
			require.Equal(t, at(5), got.LastDelete().Stamp)
			require.Equal(t, at(5), got.Began())
			require.Equal(t, lww.Stamp{}, got.Life())
			if tt.live {
				require.Equal(t, lww.Stamp{}, got.NextLife())
			} else {
				require.Equal(t, at(5), got.NextLife())
			}
			root := row(lww.Stamp{}, keyed("R", got))
			back, err := read(cell.Append(nil, nil, root), 0)
			require.NoError(t, err)
			require.True(t, root.Same(&back), "%+v", back)

			plain := got.Unmarked()
			if tt.live {
				require.True(t, plain.Same(&c), "as if it had never been deleted")
			} else {
				require.Equal(t, cell.Cell{Kind: cell.Row, Stamp: at(5)}, *plain, "as if it had been emptied")
			}
		})
	}
	c := row(at(3), a)
	require.Nil(t, c.LastDelete())
	require.False(t, c.IsGone())
	require.Equal(t, at(3), c.Began())
	require.Equal(t, at(3), c.NextLife())
	require.Same(t, &c, c.Unmarked())
	var none *cell.Cell
	require.False(t, none.IsGone())
	require.Zero(t, none.Began())
	require.Zero(t, none.NextLife())
}

// TestMarksOfManyLeaves: the marks of a row take a bit for each leaf, and none if all have one.
func TestMarksOfManyLeaves(t *testing.T) {
	keys := "ABCDEFGHIJKLMNOPQ"
	for n := 1; n <= len(keys); n++ {
		var kids []cell.Cell
		for _, key := range keys[:n] {
			kids = append(kids, leaf(string(key), "x", at(1)))
		}
		c := row(lww.Stamp{}, kids...)
		for _, seen := range []string{"", keys[:n], keys[:n-1], keys[1:n], "A", "H", "I", "AHQ"} {
			got, ok := c.Delete(at(5), saw(seen))
			require.True(t, ok)
			root := row(lww.Stamp{}, keyed("R", got))
			b := cell.Append(nil, nil, root)
			back, err := read(b, 0)
			require.NoError(t, err)
			require.True(t, root.Same(&back), "%d of %q: %+v", n, seen, back)
			if got.IsGone() {
				require.Equal(t, byte(0), b[len(b)-1], "all have one")
				require.Error(t, readError(append(b[:len(b)-1:len(b)-1], byte((n+7)/8), 0xff)), "bits of no leaf")
				continue
			}
			size := (n + 7) / 8
			require.Equal(t, byte(size), b[len(b)-1-size])
			bad := append([]byte{}, b...)
			bad[len(bad)-1-size]++
			require.Error(t, readError(append(bad, 0)), "a byte too many")
			if n%8 != 0 {
				bad = append([]byte{}, b...)
				bad[len(bad)-1] |= 1 << (n % 8)
				require.ErrorContains(t, readError(bad), "marks of deletes that are none")
			}
		}
	}
}

func readError(b []byte) error { _, err := read(b, 0); return err }

// TestMarksTooDeep: rows in more rows than a mark has bits for are not deleted.
func TestMarksTooDeep(t *testing.T) {
	c := row(lww.Stamp{}, leaf("A", "x", at(1)))
	for range 31 {
		c = row(lww.Stamp{}, keyed("A", c))
	}
	got, ok := c.Delete(at(5), saw("A"))
	require.True(t, ok)
	require.True(t, got.IsGone())
	c = row(lww.Stamp{}, keyed("A", c))
	got, ok = c.Delete(at(5), saw("A"))
	require.False(t, ok)
	require.True(t, got.Live, "what is too deep for a mark has none")
}

// TestJoinOfDeletes: of two versions that have one leaf alike it has the marks of both, and who
// has forgotten a delete makes the other forget it.
func TestJoinOfDeletes(t *testing.T) {
	a, b := leaf("A", "x", at(1)), leaf("B", "y", at(2))
	c := row(lww.Stamp{}, a, b)
	one, _ := c.Delete(at(5), saw("A"))
	two, _ := c.Delete(by("us", 5), saw("B"))
	both, _ := cell.Join(&one, &two, nil)
	require.True(t, both.IsGone(), "between them the deletes saw all")
	require.Equal(t, by("us", 5), both.LastDelete().Stamp)
	changed := row(lww.Stamp{}, leaf("A", "z", at(6)))
	back, _ := cell.Join(&both, &changed, nil)
	require.True(t, back.Live, "a change that it had not seen keeps it")
	require.Zero(t, back.Kids[1].Marks)
	require.Equal(t, uint32(1), back.Kids[2].Marks)

	forgot := row(cell.OpenLife(5), leaf("C", "w", at(7)))
	joined, _ := cell.Join(&one, &forgot, nil)
	require.Nil(t, joined.LastDelete())
	require.Equal(t, []cell.Cell{a, b, leaf("C", "w", at(7))}, joined.Kids)
	joined, _ = cell.Join(&forgot, &both, nil)
	require.Equal(t, by("us", 5), joined.Stamp, "what is gone is as if it had been emptied")
	require.True(t, joined.Live)
	require.Equal(t, []cell.Cell{leaf("C", "w", at(7))}, joined.Kids)
	early := row(cell.OpenLife(4), leaf("C", "w", at(7)))
	joined, _ = cell.Join(&one, &early, nil)
	require.NotNil(t, joined.LastDelete(), "it was deleted after that")
}

// TestForgetDeletes: what deletes left goes in the items of lists and maps, in other rows only
// from what has all that others have, and nowhere beside what has it in one value.
func TestForgetDeletes(t *testing.T) {
	c := row(lww.Stamp{}, leaf("A", "x", at(1)), leaf("B", "y", at(2)))
	kept, _ := c.Delete(at(5), saw("A"))
	gone, _ := c.Delete(at(5), saw("AB"))
	emptied := cell.Cell{Kind: cell.Row, Stamp: at(5)}
	root := row(lww.Stamp{}, keyed("F", kept), with("L", cell.Rows, keyed("g", gone), keyed("k", kept)), leaf("R", "all", at(9)), keyed("R", kept), keyed("S", kept))
	for _, tt := range []struct {
		name string
		t    hlc.Timestamp
		all  bool
		want cell.Cell
	}{
		{"nothing", 4, true, root},
		{"not at all", 0, true, root},
		{"items", 5, false, row(lww.Stamp{}, keyed("F", kept), with("L", cell.Rows, keyed("g", emptied), keyed("k", c)), leaf("R", "all", at(9)), keyed("R", kept), keyed("S", kept))},
		{"all", 5, true, row(lww.Stamp{}, keyed("F", c), with("L", cell.Rows, keyed("g", emptied), keyed("k", c)), leaf("R", "all", at(9)), keyed("R", kept), keyed("S", c))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := root.WithoutDeletes(tt.t, tt.all)
			require.True(t, tt.want.Same(&got), "%+v", got)
		})
	}

	require.True(t, cell.HasAfter(kept.Kids, lww.Stamp{}))
	require.True(t, cell.HasAfter(kept.Kids, at(1)))
	require.False(t, cell.HasAfter(kept.Kids, at(2)))
	require.False(t, cell.HasAfter([]cell.Cell{keyed("A", gone)}, lww.Stamp{}), "what is in a row that is gone does not count")
	require.True(t, cell.HasAfter([]cell.Cell{keyed("A", kept)}, at(1)))
	removed := with("S", cell.Set, cell.Cell{Key: "k", Kind: cell.Element, Stamp: at(9)})
	require.False(t, cell.HasAfter([]cell.Cell{removed}, lww.Stamp{}), "nor what was removed")

	// What was written after a time; rows that are gone stay whole, as lives do.
	require.Equal(t, []cell.Cell{leaf("B", "y", at(2))}, cell.After(c.Kids, at(1)))
	require.Empty(t, cell.After(c.Kids, at(2)))
	require.Equal(t, []cell.Cell{keyed("A", gone)}, cell.After([]cell.Cell{keyed("A", gone), keyed("B", c)}, at(3)))
	require.Equal(t, []cell.Cell{keyed("A", row(at(1), leaf("B", "y", at(2))))}, cell.After([]cell.Cell{keyed("A", row(at(1), c.Kids...))}, at(1)))
	require.Equal(t, []cell.Cell{{Key: "A", Kind: cell.Row, Stamp: at(1)}}, cell.After([]cell.Cell{keyed("A", row(at(1), c.Kids...))}, at(2)))
	set := typed(5, with("S", cell.Set, cell.Cell{Key: "k", Kind: cell.Element, Live: true, Stamp: at(1)}, cell.Cell{Key: "l", Kind: cell.Element, Live: true, Stamp: at(2)}))
	require.Equal(t, []cell.Cell{typed(5, with("S", cell.Set, set.Kids[1]))}, cell.After([]cell.Cell{set, leaf("T", "x", at(3))}, at(1))[:1])
	require.Equal(t, []cell.Cell{leaf("T", "x", at(3))}, cell.After([]cell.Cell{set, leaf("T", "x", at(3))}, at(2)))
}

// TestAboveHorizon: what another version speaks for is left out at or below a horizon.
func TestAboveHorizon(t *testing.T) {
	element := func(key string, s lww.Stamp) cell.Cell {
		return cell.Cell{Key: key, Kind: cell.Element, Live: true, Stamp: s}
	}
	old, fresh := keyed("o", row(at(1), leaf("A", "x", at(2)))), keyed("p", row(at(1), leaf("A", "x", at(6))))
	c := row(lww.Stamp{}, typed(5, with("A", cell.Set, element("a", at(5)), element("b", at(6)))), with("B", cell.Rows, old, fresh))
	got := c.Above(5, true, nil)
	want := row(lww.Stamp{}, typed(5, with("A", cell.Set, element("b", at(6)))), with("B", cell.Rows, fresh))
	require.True(t, want.Same(&got), "%+v", got)
	got = c.Above(5, false, nil)
	want = row(lww.Stamp{}, typed(5, with("A", cell.Set, element("b", at(6)))), with("B", cell.Rows, old, fresh))
	require.True(t, want.Same(&got), "%+v", got)
	got = c.Above(9, true, nil)
	want = row(lww.Stamp{})
	require.True(t, want.Same(&got), "%+v", got)
	got = c.Above(0, true, nil)
	require.True(t, c.Same(&got))

	// A row that is kept is gone where what kept it is left out.
	keeper, _ := func() (cell.Cell, bool) {
		c := row(lww.Stamp{}, leaf("A", "x", at(9)), typed(5, with("S", cell.Set, element("a", at(5)))))
		return c.Delete(at(8), saw("A"))
	}()
	holds := row(lww.Stamp{}, keyed("K", keeper))
	require.True(t, holds.Kids[0].Live)
	got = holds.Above(5, true, nil)
	require.False(t, got.Kids[0].Live)
	got = holds.Above(4, true, nil)
	require.True(t, got.Kids[0].Live)

	// Only marks, of what the other has, too, stay.
	deleted, _ := old.Delete(at(5), saw("A"))
	other := row(lww.Stamp{}, with("B", cell.Rows, old))
	mine := row(lww.Stamp{}, with("B", cell.Rows, deleted))
	two := keyed("o", row(at(1), leaf("A", "x", at(2)), leaf("B", "x", at(2))))
	halfDeleted, _ := two.Delete(at(5), saw("B"))
	knownTo := row(lww.Stamp{}, with("B", cell.Rows, halfDeleted))
	plain := joined(row(lww.Stamp{}, with("B", cell.Rows, two)), row(lww.Stamp{}, with("B", cell.Rows, func() cell.Cell { c, _ := two.Delete(at(5), saw("")); return c }())))
	got = knownTo.Above(9, true, &plain)
	require.Equal(t, []uint32{0, 0, 1}, []uint32{got.Kids[0].Kids[0].Kids[0].Marks, got.Kids[0].Kids[0].Kids[1].Marks, got.Kids[0].Kids[0].Kids[2].Marks})
	got = mine.Above(9, true, &other)
	require.Len(t, got.Kids, 1)
	require.Equal(t, old.Stamp, got.Kids[0].Kids[0].Stamp)
	got = other.Above(9, true, &other)
	require.Empty(t, got.Kids)
	got = mine.Above(9, true, nil)
	require.Empty(t, got.Kids)
}

// TestCompact leaves out what was deleted at or below the horizons, unless it is needed.
func TestCompact(t *testing.T) {
	element := func(key string, t hlc.Timestamp, live bool) cell.Cell {
		return cell.Cell{Key: key, Kind: cell.Element, Live: live, Stamp: at(t)}
	}
	item := func(key string, t hlc.Timestamp) cell.Cell { return cell.Cell{Key: key, Kind: cell.Row, Stamp: at(t)} }
	c := row(lww.Stamp{},
		typed(5, with("A", cell.Set, element("a", 5, false), element("b", 5, true), element("c", 6, false))),
		with("B", cell.Rows, item("o", 7), item("p", 8), keyed("q", row(at(1)))), keyed("C", cell.Cell{Kind: cell.Row, Stamp: at(1)}))
	got := c.Compact(5, 7, nil)
	want := row(lww.Stamp{},
		typed(5, with("A", cell.Set, element("b", 5, true), element("c", 6, false))),
		with("B", cell.Rows, item("p", 8), keyed("q", row(at(1)))), keyed("C", cell.Cell{Kind: cell.Row, Stamp: at(1)}))
	require.True(t, want.Same(&got), "%+v", got)
	got = c.Compact(5, 7, c.AddTombstones(nil, at(6)))
	want.Kids[1] = with("B", cell.Rows, item("o", 7), item("p", 8), keyed("q", row(at(1))))
	require.True(t, want.Same(&got), "%+v", got)
	require.Len(t, c.AddTombstones(nil, lww.Stamp{}), 5)
	require.Len(t, c.AddTombstones(c.AddTombstones(nil, at(7)), at(6)), 2)
	require.Empty(t, c.AddTombstones(nil, at(8)))
	entry := typed(5, with("T", cell.Table, cell.Cell{Key: "a", Kind: cell.Entry, Stamp: at(5)}, cell.Cell{Key: "b", Kind: cell.Entry, Live: true, Stamp: at(5)}))
	require.Len(t, entry.AddTombstones(nil, at(4)), 1)
	only := row(lww.Stamp{}, typed(5, with("A", cell.Set, element("a", 5, false))), with("B", cell.Rows, item("o", 7)))
	got = only.Compact(5, 7, nil)
	require.Empty(t, got.Kids, "fields that this leaves empty go, too")
}

// TestLives compares the lives of a row, of which open ones may be of any that began by then.
func TestLives(t *testing.T) {
	open := cell.OpenLife
	for _, tt := range []struct {
		a, b lww.Stamp
		want int
	}{
		{lww.Stamp{}, lww.Stamp{}, 0},
		{open(3), open(5), 0},
		{open(5), at(5), 0},
		{open(5), at(4), 0},
		{open(5), at(6), -1},
		{lww.Stamp{}, at(1), -1},
		{at(5), at(6), -1},
		{at(5), by("us", 5), -1},
		{at(5), at(5), 0},
	} {
		require.Equal(t, tt.want, cell.CompareLives(tt.a, tt.b), "%v and %v", tt.a, tt.b)
		require.Equal(t, -tt.want, cell.CompareLives(tt.b, tt.a), "%v and %v", tt.b, tt.a)
	}
	require.True(t, cell.Remains(at(5), at(5)))
	require.False(t, cell.Remains(at(5), at(6)))
	require.False(t, cell.Remains(at(5), at(4)))
	require.True(t, cell.Remains(open(5), at(5)))
	require.True(t, cell.Remains(open(5), open(4)))
	require.False(t, cell.Remains(open(5), at(6)))

	gone, _ := func() (cell.Cell, bool) { c := row(at(3), leaf("A", "x", at(4))); return c.Delete(at(5), saw("A")) }()
	c := row(cell.OpenLife(2), typed(5, keyed("M", with("M", cell.Manual, replica(2, 1)))), leaf("N", "x", at(1)),
		with("R", cell.Rows, keyed("g", gone), keyed("k", row(at(3))), keyed("l", row(lww.Stamp{}))))
	lives := c.Lives()
	require.Equal(t, cell.Cell{Kind: cell.Row, Live: true, Kids: []cell.Cell{
		{Key: "M", Kind: cell.Manual, Type: 5, Kids: []cell.Cell{{Key: "eu", Kind: cell.Replica, Stamp: at(2)}}},
		{Key: "R", Kind: cell.Rows, Kids: []cell.Cell{
			{Key: "g", Kind: cell.Row, Stamp: at(3), Kids: []cell.Cell{{Key: cell.PositionKey, Kind: cell.Deleted, Stamp: at(5)}}}, {Key: "k", Kind: cell.Row, Stamp: at(3)},
		}},
	}}, lives)
	require.True(t, lives.IsSeen())
	require.False(t, c.IsSeen())
	for _, c := range []cell.Cell{
		row(lww.Stamp{}),
		{Kind: cell.Row, Kids: lives.Kids},
		{Kind: cell.Row, Stamp: cell.OpenLife(1)},
		leaf("A", "x", at(1)), replica(1, 1),
		with("R", cell.Rows, leaf("A", "x", at(1))),
	} {
		require.False(t, c.IsSeen(), "%+v", c)
	}
}

// TestTotals adds up what replicas added, from −2⁶⁴ to 2⁶⁴−1 each.
func TestTotals(t *testing.T) {
	limit := int128.OfUint(1 << 63).Plus(int128.OfUint(1 << 63))
	for _, v := range []int128.Int{{}, int128.Of(1), int128.Of(-1), int128.Of(300), int128.Of(-300), limit.Minus(int128.Of(1)), int128.Int{}.Minus(limit)} {
		b, ok := cell.AppendTotal([]byte("x"), v)
		require.True(t, ok)
		require.Equal(t, v, cell.ReadTotal(string(b[1:])))
		require.Zero(t, cell.ReadTotal(string(b[1:])+"x"))
	}
	for _, v := range []int128.Int{limit, int128.Int{}.Minus(limit).Minus(int128.Of(1))} {
		b, ok := cell.AppendTotal([]byte("x"), v)
		require.False(t, ok)
		require.Equal(t, "x", string(b))
	}
	c := with("A", cell.Totals, cell.Cell{Value: "\x81\x05"}, cell.Cell{Value: "\x7e\xfc"}, cell.Cell{Value: "none"})
	require.Equal(t, int128.Of(1), c.Sum())
}
