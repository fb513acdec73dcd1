package cell_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
	"github.com/rejoin-go/rejoin/vclock"
)

// drawStamp draws one of few stamps, so that equal ones meet.
func drawStamp(t *rapid.T) lww.Stamp {
	return lww.Stamp{
		Time:    hlc.Timestamp(rapid.Uint64Range(1, 9).Draw(t, "time")),
		Replica: vclock.Replica(rapid.SampledFrom([]string{"eu", "us"}).Draw(t, "replica")),
	}
}

// drawType draws the code of strings or of structs.
func drawType(t *rapid.T) cell.TypeCode {
	return rapid.SampledFrom([]cell.TypeCode{5, 12}).Draw(t, "type")
}

// content returns the bytes of a text, or of a struct with a list of the text and a time.
func content(typ cell.TypeCode, text string) string {
	if !typ.IsContent() {
		return text
	}
	v := struct {
		A []string
		T time.Time
	}{[]string{text, "\x00"}, time.Unix(int64(len(text)), 0).UTC()}
	return string(value.AppendFull(nil, &v, ""))
}

// drawCell draws a cell of the given kind that a record may hold. What is
// written under one stamp is the same everywhere.
func drawCell(t *rapid.T, key string, kind cell.Kind, depth int) cell.Cell {
	c := cell.Cell{Key: key, Kind: kind}
	text := func(s lww.Stamp) string { return s.String()[len(s.String())-4:] }
	switch kind {
	case cell.Register, cell.First, cell.Max, cell.Min:
		c.Type = drawType(t)
		c.Stamp = drawStamp(t)
		c.Value = content(c.Type, text(c.Stamp))
	case cell.Set, cell.Union, cell.Table, cell.Immutable, cell.Choice:
		c.Type = drawType(t)
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID).Draw(t, "keys") {
			kid := cell.Cell{Key: k, Kind: kind.Kid(), Stamp: drawStamp(t)}
			if kind == cell.Set || kind == cell.Table {
				kid.Live = kid.Stamp.Time%2 == 0
			}
			switch {
			case kind == cell.Table && kid.Live:
				kid.Value = content(c.Type, text(kid.Stamp))
			case kind == cell.Immutable || kind == cell.Choice:
				kid.Key = content(c.Type, k)
			}
			c.Kids = append(c.Kids, kid)
		}
	case cell.Totals, cell.Sums:
		for _, r := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"eu", "us"}), 1, 2, rapid.ID).Draw(t, "replicas") {
			s := lww.Stamp{Time: drawStamp(t).Time, Replica: vclock.Replica(r)}
			c.Kids = append(c.Kids, cell.Cell{Key: r, Kind: kind.Kid(), Stamp: s, Value: string([]byte{0x81, byte(s.Time)})})
		}
	case cell.Rows:
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y"}), 1, 2, rapid.ID).Draw(t, "rows") {
			c.Kids = append(c.Kids, drawRow(t, k, depth+1))
		}
	case cell.State, cell.Manual, cell.Row, cell.Placed, cell.Deleted, cell.Fact, cell.Option, cell.Version, cell.Seen, cell.Total, cell.Replica, cell.Sibling,
		cell.Member, cell.Element, cell.Entry, cell.Sum:
		return drawRow(t, key, depth+1)
	}
	slices.SortFunc(c.Kids, func(a, b cell.Cell) int { return a.Order(&b) })
	return c
}

func drawRow(t *rapid.T, key string, depth int) cell.Cell {
	c := cell.Cell{Key: key, Kind: cell.Row, Live: true}
	if rapid.Bool().Draw(t, "again") {
		c.Stamp = drawStamp(t)
		c.Live = rapid.Bool().Draw(t, "live")
	}
	if !c.Live || depth > 2 {
		return c
	}
	kinds := []cell.Kind{
		cell.Register, cell.First, cell.Max, cell.Min, cell.Immutable, cell.Choice, cell.Totals, cell.Sums, cell.Union, cell.Set,
		cell.Table, cell.Rows, cell.Row,
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"A", "B", "C"}), 0, 3, rapid.ID).Draw(t, "fields") {
		c.Kids = append(c.Kids, drawCell(t, name, rapid.SampledFrom(kinds).Draw(t, "kind"), depth))
	}
	slices.SortFunc(c.Kids, func(a, b cell.Cell) int { return a.Order(&b) })
	if depth > 0 && rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
		at := lww.Stamp{Time: 10 + drawStamp(t).Time, Replica: "eu"}
		c, _ = c.Delete(at, func(*cell.Cell) bool { return rapid.IntRange(0, 3).Draw(t, "saw") > 0 })
	}
	return c
}

func joined(a, b cell.Cell) cell.Cell {
	c, _ := cell.Join(&a, &b, nil)
	return c
}

// TestJoinWithoutPlan joins trees of which nobody knows the type.
func TestJoinWithoutPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawRow(t, "", 0), drawRow(t, "", 0), drawRow(t, "", 0)
		ab, ba := joined(a, b), joined(b, a)
		require.True(t, ab.Same(&ba), "commutative")
		left, right := joined(ab, c), joined(a, joined(b, c))
		require.True(t, left.Same(&right), "associative")
		again, changed := cell.Join(&ab, &b, nil)
		require.False(t, changed, "idempotent")
		require.True(t, again.Same(&ab))
		_, changed = cell.Join(&a, &b, nil)
		require.Equal(t, !ab.Same(&a), changed)
	})
}

// read decodes what Append wrote.
func read(data []byte, horizon hlc.Timestamp) (cell.Cell, error) { return readOf(data, horizon, 0) }

// readOf is read of a record with a horizon of items, too.
func readOf(data []byte, horizon, deleted hlc.Timestamp) (cell.Cell, error) {
	r := wire.NewReader(data)
	c := cell.Read(r, string(data), horizon, deleted)
	return c, r.Close()
}

// TestForms encodes and decodes trees, also by JSON.
func TestForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawRow(t, "", 0)
		b := cell.Append(nil, nil, a)
		back, err := read(b, 0)
		require.NoError(t, err)
		require.True(t, a.Same(&back))
		row, kinds, err := a.RowJSON(nil)
		require.NoError(t, err)
		js, err := json.Marshal(row)
		require.NoError(t, err)
		var in cell.JSON
		require.NoError(t, json.Unmarshal(js, &in))
		back, err = in.Row(0, 0, kinds)
		require.NoError(t, err)
		require.True(t, a.Same(&back), "%s", js)
	})
}

// FuzzRead decodes any bytes: what is accepted encodes as it came.
func FuzzRead(f *testing.F) {
	gen := rapid.Custom(func(t *rapid.T) cell.Cell { return drawRow(t, "", 0) })
	for i := range 20 {
		c := gen.Example(i)
		f.Add(cell.Append(nil, nil, c), uint64(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, horizon uint64) {
		c, err := read(data, hlc.Timestamp(horizon))
		if err != nil {
			return
		}
		if b := cell.Append(nil, nil, c); !bytes.Equal(b, data) {
			t.Fatalf("%x decodes, and encodes as %x", data, b)
		}
		if _, changed := cell.Join(&c, &c, nil); changed {
			t.Fatalf("%x is changed by itself", data)
		}
	})
}

// TestPlaces inserts 10,000 elements by patterns of which one place tells the
// next, and bounds the bytes of the longest.
func TestPlaces(t *testing.T) {
	replicas := []vclock.Replica{"eu", "us", "ap"}
	for name, next := range map[string]func(i int, p cell.Place) (left, right cell.Place){
		"at the end":   func(_ int, p cell.Place) (cell.Place, cell.Place) { return p, nil },
		"at the front": func(_ int, p cell.Place) (cell.Place, cell.Place) { return nil, p },
		"after one":    func(i int, p cell.Place) (cell.Place, cell.Place) { return bounded(i, nil, p) },
		"before one":   func(i int, p cell.Place) (cell.Place, cell.Place) { return bounded(i, p, nil) },
	} {
		for _, writers := range []int{1, 3} {
			var p cell.Place
			longest := 0
			for i := range 10_000 {
				r := replicas[i%writers]
				left, right := next(i, p)
				p = cell.Between(left, right, r, false)
				require.True(t, left == nil || left.Compare(p) < 0)
				require.True(t, right == nil || p.Compare(right) < 0)
				b := p.Append(nil, r)
				longest = max(longest, len(b))
				at := cell.Cell{Stamp: lww.Stamp{Time: 1, Replica: r}, Value: string(b)}
				require.Equal(t, p, cell.ReadPlace(&at))
			}
			require.LessOrEqual(t, longest, 10+2*(writers/3), "%s by %d", name, writers)
		}
	}
}

// bounded returns what is between the place of the first element and the last
// one chosen, or the other way round.
func bounded(i int, left, right cell.Place) (cell.Place, cell.Place) {
	first := cell.Place{{N: 0, Replica: "zz"}}
	second := cell.Place{{N: 1, Replica: "zz"}}
	switch {
	case i == 0:
		return first, second
	case left == nil:
		return first, right
	}
	return left, second
}

// TestConvert has values of one type read as another.
func TestConvert(t *testing.T) {
	encode := func(v any) (cell.TypeCode, string) {
		typ, err := new(value.Compiler).Compile(reflect.TypeOf(v))
		require.NoError(t, err)
		b, err := typ.Append(nil, reflect.ValueOf(v))
		require.NoError(t, err)
		return cell.TypeOf(typ, true), string(b)
	}
	seven, text, when := 7, "x", time.Date(2026, 11, 30, 1, 2, 3, 4, time.UTC)
	for _, tt := range []struct{ from, to any }{
		{7, 7},
		{7, &seven},
		{&seven, 7},
		{(*int)(nil), 0},
		{(*string)(nil), ""},
		{(*bool)(nil), false},
		{(*float64)(nil), 0.0},
		{(*time.Time)(nil), time.Time{}},
		{text, &text},
		{&text, text},
		{when, &when},
		{7, 7.0},
		{-7, -7.0},
		{0, 0.0},
		{7.0, 7},
		{-7.0, -7},
		{int64(1<<53 - 1), float64(1<<53 - 1)},
		{7.5, nil},
		{int64(1 << 53), nil},
		{math.Inf(1), nil},
		{math.NaN(), nil},
		{float64(1 << 60), nil},
	} {
		from, content := encode(tt.from)
		to, want := cell.TypeCode(2), ""
		if reflect.ValueOf(tt.from).CanInt() {
			to = 3
		}
		if tt.to != nil {
			to, want = encode(tt.to)
		}
		got, ok := to.Convert(from, content)
		require.Equal(t, tt.to != nil, ok, "%#v as %v", tt.from, to)
		require.Equal(t, want, got, "%#v as %v", tt.from, to)
	}
	integer, pointer, float, list := cell.TypeCode(2), cell.TypeCode(2<<4|11), cell.TypeCode(3), cell.TypeCode(8)
	for _, tt := range []struct {
		from, to cell.TypeCode
		content  string
	}{
		{pointer, integer, "\x05damaged"},
		{integer, float, "damaged"},
		{integer, float, ""},
		{float, integer, "short"},
		{list, integer, ""},
		{integer, list, "\x01"},
		{5, integer, "text"},
		{pointer, float, "\x01"},
	} {
		got, ok := tt.to.Convert(tt.from, tt.content)
		require.False(t, ok, "%v as %v", tt.from, tt.to)
		require.Empty(t, got)
	}
}
