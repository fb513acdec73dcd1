package cell_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// with returns a cell of a field with kids.
func with(key string, kind cell.Kind, kids ...cell.Cell) cell.Cell {
	return cell.Cell{Key: key, Kind: kind, Kids: kids}
}

// typed returns c with a type.
func typed(typ cell.TypeCode, c cell.Cell) cell.Cell {
	c.Type = typ
	return c
}

// TestRefusedCells lists states that no record holds, read from bytes and from JSON.
func TestRefusedCells(t *testing.T) {
	element := func(key string, live bool, s lww.Stamp) cell.Cell {
		return cell.Cell{Key: key, Kind: cell.Element, Live: live, Stamp: s}
	}
	item := func(key string, life lww.Stamp, live bool, kids ...cell.Cell) cell.Cell {
		return cell.Cell{Key: key, Kind: cell.Row, Stamp: life, Live: live, Kids: kids}
	}
	deleted := func(t hlc.Timestamp) cell.Cell {
		return cell.Cell{Key: cell.PositionKey, Kind: cell.Deleted, Stamp: at(t)}
	}
	placed := func(value string) cell.Cell {
		return cell.Cell{Key: cell.PositionKey, Kind: cell.Placed, Stamp: at(1), Value: value}
	}
	sibling := func(life, t hlc.Timestamp, by lww.Stamp) cell.Cell {
		return with("A", cell.Manual, cell.Cell{Key: string(by.Replica), Kind: cell.Replica, Stamp: lww.Stamp{Time: life, Replica: by.Replica}, Kids: []cell.Cell{
			{Key: cell.TimeKey(t), Kind: cell.Sibling, Stamp: at(t), Value: "v"},
		}})
	}
	total := func(value string) cell.Cell {
		return with("A", cell.Totals, cell.Cell{Key: "eu", Kind: cell.Total, Stamp: at(1), Value: value})
	}
	for _, tt := range []struct {
		name string
		kids []cell.Cell
		want string // nothing if it is a state
	}{
		{"leaf", []cell.Cell{leaf("A", "x", at(1))}, ""},
		{"leaf without a stamp", []cell.Cell{leaf("A", "x", lww.Stamp{})}, `field "A": a value without a stamp`},
		{"leaf without a replica", []cell.Cell{leaf("A", "x", cell.OpenLife(1))}, `field "A": a stamp without a replica`},
		{"row of an open life", []cell.Cell{item("A", cell.OpenLife(1), true)}, `field "A": a stamp without a replica`},
		{"row of no life", []cell.Cell{item("A", lww.Stamp{}, true)}, ""},
		{"row that was not deleted", []cell.Cell{item("A", lww.Stamp{}, false)}, `field "A": a value without a stamp`},
		{"item of an open life", []cell.Cell{with("A", cell.Rows, item("k", cell.OpenLife(1), true))}, ""},
		{"item of an open life that is gone", []cell.Cell{with("A", cell.Rows, item("k", cell.OpenLife(9), false))}, `field "A": a stamp without a replica`},
		{"empty set", []cell.Cell{typed(5, with("A", cell.Set))}, `field "A": a field that holds nothing`},
		{"set", []cell.Cell{typed(5, with("A", cell.Set, element("a", true, at(1)), element("b", false, at(6))))}, ""},
		{"removed at the horizon", []cell.Cell{typed(5, with("A", cell.Set, element("a", false, at(5))))}, `field "A": a tombstone at or below the horizon`},
		{"removed at the horizon, beside what has all of it", []cell.Cell{leaf("A", "x", at(1)), typed(5, with("A", cell.Set, element("a", false, at(5))))}, ""},
		{"added at the horizon", []cell.Cell{typed(5, with("A", cell.Set, element("a", true, at(5))))}, ""},
		{"entry deleted at the horizon", []cell.Cell{typed(5, with("A", cell.Table, cell.Cell{Key: "a", Kind: cell.Entry, Stamp: at(5)}))}, `field "A": a tombstone at or below the horizon`},
		{"item deleted at its horizon", []cell.Cell{with("A", cell.Rows, item("k", at(7), false))}, `field "A": a tombstone at or below the horizon`},
		{"item deleted above its horizon", []cell.Cell{with("A", cell.Rows, item("k", at(8), false))}, ""},
		{"field deleted at the horizon of items", []cell.Cell{item("A", at(7), false)}, ""},
		{"elements out of order", []cell.Cell{typed(5, with("A", cell.Set, element("b", true, at(1)), element("a", true, at(1))))}, `field "A": fields, keys or elements out of order`},
		{"element twice", []cell.Cell{typed(5, with("A", cell.Set, element("a", true, at(1)), element("a", true, at(1))))}, `field "A": fields, keys or elements out of order`},
		{"total", []cell.Cell{total("\x81\x05")}, ""},
		{"total that is none", []cell.Cell{total("x")}, `field "A": a total that is no integer`},
		{"total and more", []cell.Cell{total("\x81\x05\x00")}, `field "A": a total that is no integer`},
		{"place", []cell.Cell{placed("\x01")}, ""},
		{"no place", []cell.Cell{placed("")}, ""},
		{"place that another chose", []cell.Cell{placed("\x04\x02us")}, ""},
		{"place that is none", []cell.Cell{placed("\x00")}, "a place that is none"},
		{"place of a field", []cell.Cell{keyed("A", placed("\x01"))}, `field "A": a place that is none`},
		{"field where a place is", []cell.Cell{leaf(cell.PositionKey, "x", at(1))}, `field "*": a place that is none`},
		{"unknown type", []cell.Cell{typed(15, leaf("A", "x", at(1)))}, `field "A": an unknown type`},
		{"inner type without an outer one", []cell.Cell{typed(16, leaf("A", "x", at(1)))}, `field "A": an unknown type`},
		{"content", []cell.Cell{typed(cell.Content, leaf("A", "\x02", at(1)))}, ""},
		{"content in another form", []cell.Cell{typed(cell.Content, leaf("A", "x", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"content of a fact", []cell.Cell{typed(cell.Content, with("A", cell.Immutable, cell.Cell{Key: "x", Kind: cell.Fact, Stamp: at(1)}))}, `field "A": a value that is not in its canonical form`},
		{"content of an entry", []cell.Cell{typed(cell.Content, with("A", cell.Table, cell.Cell{Key: "k", Kind: cell.Entry, Live: true, Stamp: at(1), Value: "x"}))}, `field "A": a value that is not in its canonical form`},
		{"entry that is deleted", []cell.Cell{typed(cell.Content, with("A", cell.Table, cell.Cell{Key: "k", Kind: cell.Entry, Stamp: at(6)}))}, ""},
		{"elements are no content", []cell.Cell{typed(cell.Content, with("A", cell.Set, element("x", true, at(1))))}, ""},
		{"members are no content", []cell.Cell{typed(cell.Content, with("A", cell.Union, cell.Cell{Key: "x", Kind: cell.Member, Stamp: at(1)}))}, ""},
		{"group", []cell.Cell{typed(0, leaf("A", "\x01X\x02\x05x\x01Y\x02\x0c\x02", at(1)))}, ""},
		{"group of no members", []cell.Cell{typed(0, leaf("A", "", at(1)))}, ""},
		{"group that is none", []cell.Cell{typed(0, leaf("A", "\x01X", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"group of a member without a type", []cell.Cell{typed(0, leaf("A", "\x01X\x00", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"group of an unknown type", []cell.Cell{typed(0, leaf("A", "\x01X\x01\x0f", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"group of a group", []cell.Cell{typed(0, leaf("A", "\x01X\x01\x00", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"group of content in another form", []cell.Cell{typed(0, leaf("A", "\x01X\x02\x0cx", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"group out of order", []cell.Cell{typed(0, leaf("A", "\x01Y\x02\x05x\x01X\x02\x05x", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"member twice", []cell.Cell{typed(0, leaf("A", "\x01X\x02\x05x\x01X\x02\x05x", at(1)))}, `field "A": a value that is not in its canonical form`},
		{"state", []cell.Cell{typed(5, with("A", cell.State, version("a", 1, 0), version("b", 0, 1)))}, ""},
		{"version that another includes", []cell.Cell{typed(5, with("A", cell.State, version("a", 1, 0), version("b", 1, 1)))}, `field "A": a version that another includes`},
		{"version without writes", []cell.Cell{typed(5, with("A", cell.State, version("a", 0, 0)))}, `field "A": a field that holds nothing`},
		{"sibling", []cell.Cell{typed(5, sibling(2, 1, at(1)))}, ""},
		{"sibling of the last write", []cell.Cell{typed(5, sibling(2, 2, at(1)))}, ""},
		{"sibling after the last write", []cell.Cell{typed(5, sibling(1, 2, at(1)))}, `field "A": a sibling that its replica did not write`},
		{"sibling of another replica", []cell.Cell{typed(5, sibling(2, 1, by("us", 1)))}, `field "A": a sibling that its replica did not write`},
		{"path that is not UTF-8", []cell.Cell{leaf("\xff", "x", at(1))}, "a path that is not UTF-8"},
		{"delete of a root", []cell.Cell{deleted(9)}, "a delete of what is not kept, or before its time"},
		{"delete of a field", []cell.Cell{item("A", lww.Stamp{}, true, deleted(9), leaf("B", "x", at(10)))}, ""},
		{"delete before the life", []cell.Cell{item("A", at(9), true, deleted(9), leaf("B", "x", at(10)))}, `field "A": a delete of what is not kept, or before its time`},
		{"delete of an item at its horizon", []cell.Cell{with("A", cell.Rows, item("k", lww.Stamp{}, true, deleted(7), leaf("B", "x", at(10))))}, `field "A": a delete of what is not kept, or before its time`},
		{"delete of an item", []cell.Cell{with("A", cell.Rows, item("k", lww.Stamp{}, true, deleted(8), leaf("B", "x", at(10))))}, ""},
		{"field in a field", []cell.Cell{item("A", lww.Stamp{}, true, leaf("B", "x", lww.Stamp{}))}, `field "A": field "B": a value without a stamp`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := row(lww.Stamp{}, tt.kids...)
			b := cell.Append(nil, nil, root)
			back, err := readOf(b, 5, 7)
			if tt.want == "" {
				require.NoError(t, err)
				require.True(t, root.Same(&back), "%+v", back)
				js, kinds, err := root.RowJSON(nil)
				require.NoError(t, err)
				back, err = js.Row(5, 7, kinds)
				require.NoError(t, err)
				require.True(t, root.Same(&back), "%+v", back)
				for n := range b {
					_, err := readOf(b[:n], 5, 7)
					require.Error(t, err, "cut short at %d", n)
				}
				_, err = readOf(append(b, 0), 5, 7)
				require.ErrorContains(t, err, "1 trailing bytes")
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestRefusedTables lists tables of stamps and fields that no state has.
func TestRefusedTables(t *testing.T) {
	const one = "\x01\x02eu\x01\x01\x00\x01\x01A\x01\x05" // eu, its stamp 1, and a text A
	for _, tt := range []struct{ name, in, want string }{
		{"state", one + "\x01\x01\x00\x11x", ""},
		{"nothing", "", "unexpected end"},
		{"replica twice", "\x02\x02eu\x02eu\x01\x01\x00\x00\x01\x00", `replica "eu" after "eu"`},
		{"replicas out of order", "\x02\x02us\x02eu\x01\x01\x00\x00\x01\x00", `replica "eu" after "us"`},
		{"replica that is no name", "\x01\x02e\xff\x01\x01\x00\x00\x01\x00", `invalid replica "e\xff"`},
		{"replica without a stamp", "\x01\x02eu\x00\x00\x01\x00", "a replica without a stamp"},
		{"stamp of no replica", "\x01\x02eu\x01\x01\x01\x00\x01\x00", "replica number 1 of 1"},
		{"stamp of the time 0", "\x01\x02eu\x01\x00\x00\x00\x01\x00", "stamp"},
		{"stamp twice", "\x01\x02eu\x02\x01\x00\x00\x00\x00\x01\x00", "after"},
		{"stamp too late", "\x01\x02eu\x02\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x01\x00", "is out of range"},
		{"stamp that nothing refers to", "\x01\x02eu\x01\x01\x00\x00\x01\x00", "a stamp that nothing refers to"},
		{"field of no kind", "\x00\x00\x01\x01A\x00\x05\x01\x00", `unknown kind 0 of field "A"`},
		{"field of a kind of kids", "\x00\x00\x01\x01A\x20\x05\x01\x00", `unknown kind 32 of field "A"`},
		{"fields out of order", "\x00\x00\x02\x01B\x01\x05\x01A\x01\x05\x01\x00", `field "A" after "B"`},
		{"field twice", "\x00\x00\x02\x01A\x01\x05\x01A\x01\x05\x01\x00", `field "A" after "A"`},
		{"field that no row has", "\x00\x00\x01\x01A\x01\x05\x01\x00", "a field that no row has"},
		{"field of no number", one + "\x01\x01\x01\x11x", "field number 1 of 1"},
		{"stamp of no number", one + "\x01\x01\x00\x21x", "stamp number 2 of 1"},
		{"text cut short", one + "\x01\x01\x00\x12x", "unexpected end"},
		{"long text cut short", one + "\x01\x01\x00\x1f\x01" + strings.Repeat("x", 15), "exceeds"},
		{"long text", one + "\x01\x01\x00\x1f\x01" + strings.Repeat("x", 16), ""},
		{"text of 15 bytes", one + "\x01\x01\x00\x1f\x00" + strings.Repeat("x", 15), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := readOf([]byte(tt.in), 0, 0)
			if tt.want == "" {
				require.NoError(t, err)
				require.Equal(t, tt.in, string(cell.Append(nil, nil, c)))
				require.Equal(t, "head"+tt.in, string(cell.Append(nil, []byte("head"), c)))
				require.Equal(t, "bhead"+tt.in, string(cell.Append([]byte("b"), []byte("head"), c)))
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
