package merge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// merge2 merges two versions, older first, in both orders, and requires that
// the results are the same to the bit.
func merge2[T any](t *testing.T, p *merge.Plan[T], base *T, old, late T) T {
	t.Helper()
	a, b := merge.Side[T]{Value: old, Stamp: stamp(1, "a")}, merge.Side[T]{Value: late, Stamp: stamp(2, "b")}
	got, err := p.Merge(base, a, b)
	require.NoError(t, err)
	again, err := p.Merge(base, b, a)
	require.NoError(t, err)
	if !reflect.DeepEqual(got, again) { // NaN is not deeply equal to itself
		require.Equal(t, fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", again))
	}
	return got
}

func TestZeroValuesWin(t *testing.T) {
	type settings struct {
		Name    string
		Volume  int
		Muted   bool
		Limit   *int
		List    []int
		Updated time.Time
	}
	p := merge.MustCompile(merge.Options[settings]{})
	five := 5
	base := settings{"ada", 7, true, &five, []int{1}, time.Unix(1, 0)}
	other := base
	other.Volume = 8
	got := merge2(t, p, &base, other, settings{})
	require.Equal(t, settings{}, got, "the newest side cleared everything")
	got = merge2(t, p, &base, settings{Volume: 7}, other)
	require.Equal(t, settings{Volume: 8}, got)
}

func TestNilEmptyAbsent(t *testing.T) {
	type parts struct {
		Atomic []int
		Set    []string `merge:"set"`
		Map    map[string]string
		Keyed  []item `merge:"keyed=Key"`
		Flag   *bool
		Bytes  []byte
	}
	p := merge.MustCompile(merge.Options[parts]{})
	no := false
	base := parts{}
	empty := parts{Atomic: []int{}, Set: []string{}, Map: map[string]string{}, Keyed: []item{}, Flag: &no, Bytes: []byte{}}

	got := merge2(t, p, &base, empty, base)
	require.Equal(t, empty, got, "atomic values and pointers tell nil from empty, the others are empty if any side is")
	got = merge2(t, p, &base, base, base)
	require.Equal(t, base, got)
	_, report, err := p.Explain(&base, merge.Side[parts]{Value: empty, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	var paths []string
	for _, c := range report.Changes {
		paths = append(paths, c.Path)
	}
	require.Equal(t, []string{"Atomic", "Flag", "Bytes"}, paths)
}

func TestFloats(t *testing.T) {
	type reading struct {
		Plain float64
		High  float64 `merge:"max"`
		Low   float64 `merge:"min"`
		Near  float32
		Seen  []float64 `merge:"set"`
	}
	p := merge.MustCompile(merge.Options[reading]{})
	nan, minus := math.NaN(), math.Copysign(0, -1)
	base := reading{Plain: nan, High: nan, Low: nan, Near: 1, Seen: []float64{0}}

	got := merge2(t, p, &base, reading{Plain: nan, High: 3, Low: 4, Near: 1, Seen: []float64{minus, 1}}, reading{Plain: nan, High: nan, Low: nan, Near: 1, Seen: []float64{0, 2}})
	require.True(t, math.IsNaN(got.Plain), "NaN is not a change of NaN")
	require.Equal(t, 3.0, got.High, "NaN loses to a number")
	require.Equal(t, 4.0, got.Low)
	require.Equal(t, []float64{0, 1, 2}, got.Seen, "−0 and 0 are one element")

	got = merge2(t, p, &base, reading{Plain: 1, High: 1, Low: 1}, reading{Plain: minus, High: nan, Low: nan})
	require.True(t, math.Signbit(got.Plain), "−0 is a change")
	require.Equal(t, 1.0, got.High)

	_, err := p.Merge(nil, merge.Side[reading]{Value: reading{Seen: []float64{nan}}, Stamp: stamp(1, "a")})
	require.ErrorContains(t, err, "Seen: NaN is no key or element")
}

func TestTimes(t *testing.T) {
	type event struct {
		At   time.Time
		Last time.Time  `merge:"max"`
		Ends *time.Time `merge:"min"`
		Log  []time.Time
	}
	p := merge.MustCompile(merge.Options[event]{})
	now := time.Now() // has a monotonic reading
	wall := now.Round(0)
	bonn := time.FixedZone("CET", 3600)
	base := event{At: wall.UTC(), Last: wall, Log: []time.Time{wall}}

	got := merge2(t, p, &base, event{At: wall.Add(time.Hour), Last: now.Add(time.Second), Ends: &now, Log: []time.Time{now}}, event{At: wall.In(bonn), Last: now.In(bonn), Log: []time.Time{now}})
	require.Equal(t, wall.Add(time.Hour), got.At, "another zone is no change")
	require.Equal(t, wall.Add(time.Second), got.Last)
	require.Equal(t, wall, *got.Ends, "nil loses")
	require.Equal(t, []time.Time{wall}, got.Log)
	for _, at := range []time.Time{got.At, got.Last, *got.Ends, got.Log[0]} {
		require.Equal(t, at.Round(0), at, "the result has no monotonic reading")
	}

	late, later := wall.Add(time.Hour), wall.Add(2*time.Hour)
	require.Equal(t, later, merge2(t, p, &base, event{At: late}, event{At: later}).At, "the newest of two")
	require.Equal(t, late, merge2(t, p, &base, event{At: later}, event{At: late}).At)

	for _, rule := range []string{"lww", "nonzero", "max", "manual"} {
		z := merge.MustCompile(merge.Options[box[time.Time]]{Paths: map[string]string{"V": rule}})
		got, err := z.Merge(&box[time.Time]{wall.UTC()}, merge.Side[box[time.Time]]{Value: box[time.Time]{wall.UTC()}, Stamp: stamp(1, "a")}, merge.Side[box[time.Time]]{Value: box[time.Time]{wall.In(bonn)}, Stamp: stamp(2, "b")})
		require.NoError(t, err)
		require.Equal(t, bonn, got.V.Location(), "%s: of one instant in two zones the newest", rule)
	}

	// Equal stamps and instants: the zone decides, whatever the order.
	a := merge.Side[event]{Value: event{At: wall.UTC()}, Stamp: stamp(1, "a")}
	b := merge.Side[event]{Value: event{At: wall.In(bonn)}, Stamp: stamp(1, "a")}
	x, err := p.Merge(nil, a, b)
	require.NoError(t, err)
	y, err := p.Merge(nil, b, a)
	require.NoError(t, err)
	require.Equal(t, x.At.Location().String(), y.At.Location().String())
}

type money struct{ cents int64 }

func (m money) Compare(o money) int { return int(m.cents - o.cents) }

type gauge int

type plainStamp struct {
	hidden int
	Shown  string
}

func (s plainStamp) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d %s", s.hidden, s.Shown), nil
}

func (s *plainStamp) UnmarshalText(p []byte) error {
	_, err := fmt.Sscanf(string(p), "%d %s", &s.hidden, &s.Shown)
	return err
}

// TestOpaqueTypes merges fields whose types hide their memory: by value, and
// without sharing it.
func TestOpaqueTypes(t *testing.T) {
	type all struct {
		Raw     json.RawMessage
		Addr    netip.Addr
		Big     big.Int
		BigPtr  *big.Int `merge:"nonzero"`
		URL     url.URL
		Price   money `merge:"max"`
		Stamp   plainStamp
		Clock   vclock.Clock
		HLC     hlc.Timestamp `merge:"max"`
		Gauge   gauge         `merge:"additive"`
		Wait    time.Duration `merge:"additive"`
		Complex complex128
		Array   [2][]int
	}
	p := merge.MustCompile(merge.Options[all]{})
	base := all{Raw: json.RawMessage(`1`), BigPtr: big.NewInt(5), Gauge: 3, Wait: time.Minute}
	base.Big.SetInt64(1)
	one := base
	one.Raw, one.Price, one.Gauge = json.RawMessage(`{"a":1}`), money{500}, 4
	one.Big.SetInt64(1) // not a change, though other memory
	one.Array[0] = []int{1}
	one.Clock = one.Clock.With("eu", 3)
	two := base
	two.Addr, two.Price, two.Wait, two.HLC = netip.MustParseAddr("10.0.0.1"), money{900}, 2*time.Minute, 9
	two.BigPtr = big.NewInt(0)
	two.Stamp = plainStamp{3, "x"}
	two.Clock = two.Clock.With("us", 4)
	two.URL.Host = "example.com"
	got := merge2(t, p, &base, one, two)

	require.JSONEq(t, `{"a":1}`, string(got.Raw))
	require.Equal(t, "10.0.0.1", got.Addr.String())
	require.Equal(t, "1", got.Big.String())
	require.Equal(t, "0", got.BigPtr.String(), "a pointer to zero is not zero")
	require.Equal(t, money{900}, got.Price)
	require.Equal(t, plainStamp{3, "x"}, got.Stamp)
	require.Equal(t, "eu:3,us:4", got.Clock.String(), "clocks join")
	require.Equal(t, hlc.Timestamp(9), got.HLC)
	require.Equal(t, gauge(4), got.Gauge)
	require.Equal(t, 2*time.Minute, got.Wait)
	require.Equal(t, "example.com", got.URL.Host)

	one.Array[0][0], one.Raw[0] = 9, '?'
	two.BigPtr.SetInt64(77)
	two.Big.SetInt64(78)
	require.Equal(t, 1, got.Array[0][0])
	require.Equal(t, `{"a":1}`, string(got.Raw))
	require.Equal(t, "0", got.BigPtr.String())
}

// A tree is a recursive type, through a list, a map and a pointer.
type tree struct {
	Name string
	Kids []tree `merge:"keyed=Name"`
	By   map[string]*tree
	Next *tree
}

func TestRecursive(t *testing.T) {
	p := merge.MustCompile(merge.Options[tree]{})
	base := tree{Name: "root", Kids: []tree{{Name: "a", Kids: []tree{{Name: "b"}}}}, Next: &tree{Name: "n"}}
	one := tree{Name: "root", Kids: []tree{{Name: "a", Kids: []tree{{Name: "b"}, {Name: "c"}}}}, Next: &tree{Name: "n", Next: &tree{Name: "m"}}}
	two := tree{Name: "root", Kids: []tree{{Name: "a", Next: &tree{Name: "x"}, Kids: []tree{{Name: "b"}}}}, By: map[string]*tree{"k": {Name: "v"}}, Next: &tree{Name: "n2"}}
	got := merge2(t, p, &base, one, two)
	want := tree{
		Name: "root", Kids: []tree{{Name: "a", Next: &tree{Name: "x"}, Kids: []tree{{Name: "b"}, {Name: "c"}}}},
		By: map[string]*tree{"k": {Name: "v"}}, Next: &tree{Name: "n2", Next: &tree{Name: "m"}},
	}
	js := func(v any) string { p, _ := json.Marshal(v); return string(p) }
	require.JSONEq(t, js(want), js(got))

	for name, deeper := range map[string]func(tree) tree{
		"a pointer": func(t tree) tree { return tree{Next: &t} }, "a list": func(t tree) tree { return tree{Kids: []tree{t}} }, "a map": func(t tree) tree { return tree{By: map[string]*tree{"k": &t}} },
	} {
		levels := func(n int) tree {
			var deep tree
			for range n {
				deep = deeper(deep)
			}
			return deep
		}
		_, err := p.Merge(nil, merge.Side[tree]{Value: levels(400), Stamp: stamp(1, "a")})
		require.NoError(t, err, name)
		_, err = p.Merge(nil, merge.Side[tree]{Value: levels(1200), Stamp: stamp(1, "a")})
		require.ErrorContains(t, err, "nested deeper than 1000 levels", name)
	}
	loop := tree{Name: "loop"}
	loop.Next = &loop
	_, err := p.Merge(nil, merge.Side[tree]{Value: loop, Stamp: stamp(1, "a")})
	require.ErrorContains(t, err, "nested deeper than 1000 levels")
}

// TestWhereRefused: an error about what no merge can take has the path of it.
func TestWhereRefused(t *testing.T) {
	type line struct {
		Key   float64
		Doc   map[string]any
		Seen  []float64             `merge:"set"`
		Inner []struct{ N float64 } `merge:"keyed=N"`
	}
	type all struct {
		Lines []line  `merge:"keyed=Key"`
		Refs  []*line `merge:"keyed=Key"`
		ByKey map[string]line
		Rates map[float64]int
		Box   *line
		Gone  func() `merge:"-"`
	}
	p := merge.MustCompile(merge.Options[all]{})
	nan, foreign := math.NaN(), map[string]any{"x": struct{}{}}
	for want, bad := range map[string]all{
		"Lines.0: NaN is no key or element":         {Lines: []line{{Key: nan}}},
		"Lines.1.Doc.x: struct {} is not a value":   {Lines: []line{{}, {Key: 1, Doc: foreign}}},
		"Refs: element 1 is a nil pointer":          {Refs: []*line{{}, nil}},
		"Refs.0.Seen: NaN is no key or element":     {Refs: []*line{{Seen: []float64{1, nan}}}},
		"ByKey.k.Doc.x: struct {} is not a value":   {ByKey: map[string]line{"a": {}, "k": {Doc: foreign}}},
		"ByKey.k.Inner.0: NaN is no key or element": {ByKey: map[string]line{"k": {Inner: []struct{ N float64 }{{nan}}}}},
		"Rates: NaN is no key":                      {Rates: map[float64]int{nan: 1}},
		"Box.Doc.x: struct {} is not a value":       {Box: &line{Doc: foreign}},
	} {
		_, err := p.Merge(nil, merge.Side[all]{Value: bad, Stamp: stamp(1, "a")})
		require.ErrorContains(t, err, "merge: side 1970-01-01T00:00:01.000000000Z@a: "+want)
		_, err = p.Merge(&bad, merge.Side[all]{Stamp: stamp(1, "a")})
		require.ErrorContains(t, err, "merge: base: "+want)
	}
}

type pair[K comparable, V any] struct {
	Key K
	Val V `merge:"atomic"`
}

type inner struct {
	ID   string `json:"id"`
	Note string `merge:"name=remark"`
}

type embedding struct {
	inner
	pair[string, []int]
	Plain int `json:"plain,omitempty"`
	Dash  int `json:"-"`
}

// TestNames pins where the names in paths come from, and that embedded and
// generic structs merge as fields.
func TestNames(t *testing.T) {
	p := merge.MustCompile(merge.Options[embedding]{})
	require.Equal(t, "id      lww\nremark  lww\nKey     lww\nVal     atomic\nplain   lww\nDash    lww\n", p.String())
	one, two := embedding{}, embedding{}
	one.ID, one.Val = "x", []int{1}
	two.Note, two.Key = "y", "k"
	got := merge2(t, p, &embedding{}, one, two)
	require.Equal(t, embedding{inner: inner{"x", "y"}, pair: pair[string, []int]{"k", []int{1}}}, got)
}

// A counter merges by a method on its pointer, a vector by one on its value,
// and a picky one may fail.
type vector struct{ N []int }

func (v vector) Merge(o vector) vector {
	out := vector{append([]int(nil), v.N...)}
	for i, n := range o.N {
		if i < len(out.N) {
			out.N[i] = max(out.N[i], n)
		} else {
			out.N = append(out.N, n)
		}
	}
	return out
}

type picky struct{ N int }

func (p *picky) Merge(o *picky) error {
	if o.N < 0 {
		return errors.New("negative")
	}
	p.N = max(p.N, o.N)
	return nil
}

func TestMergeMethods(t *testing.T) {
	type all struct {
		ByPointer highest
		Optional  *highest
		ByValue   vector
		Picky     picky
		Map       map[string]highest
	}
	p := merge.MustCompile(merge.Options[all]{})
	one := all{highest{1}, &highest{4}, vector{[]int{1, 5}}, picky{1}, map[string]highest{"k": {1}}}
	two := all{highest{2}, nil, vector{[]int{2}}, picky{2}, map[string]highest{"k": {3}}}
	got := merge2(t, p, &all{}, one, two)
	require.Equal(t, all{highest{2}, &highest{4}, vector{[]int{2, 5}}, picky{2}, map[string]highest{"k": {3}}}, got)
	one.Optional.N = 9
	require.Equal(t, 4, got.Optional.N, "the result shares no memory")

	gone := merge.Side[all]{Stamp: stamp(1, "c")}
	some, err := p.Merge(nil, gone, merge.Side[all]{Value: all{Optional: &highest{3}}, Stamp: stamp(2, "a")}, merge.Side[all]{Value: all{Optional: &highest{2}}, Stamp: stamp(3, "b")})
	require.NoError(t, err)
	require.Equal(t, &highest{3}, some.Optional, "nil adds nothing, be it the oldest")

	two.Picky.N = -1
	_, err = p.Merge(nil, merge.Side[all]{Value: one, Stamp: stamp(3, "a")}, merge.Side[all]{Value: two, Stamp: stamp(2, "a")})
	require.ErrorContains(t, err, "merge: Picky: negative")
}

func TestKeyedErrors(t *testing.T) {
	type bill struct {
		Lines []item  `json:"lines" merge:"keyed=Key"`
		Refs  []*item `merge:"keyed=Key"`
	}
	p := merge.MustCompile(merge.Options[bill]{})
	_, err := p.Merge(nil, merge.Side[bill]{Value: bill{Refs: []*item{{Key: "a"}, nil}}, Stamp: stamp(1, "a")})
	require.EqualError(t, err, "merge: Refs: element 1 is a nil pointer")
}

// TestKeyTwice merges lists in which a key does not tell which element it means: what one
// side changed is taken, of two changes a person decides, and all else merges.
func TestKeyTwice(t *testing.T) {
	type env struct{ Name, Value string }
	type pod struct {
		Image string
		Env   []env  `merge:"keyed=Name"`
		Refs  []*env `merge:"keyed=Name"`
	}
	p := merge.MustCompile(merge.Options[pod]{})
	var long []env
	for i := range 40 {
		long = append(long, env{Name: fmt.Sprint(i % 39)})
	}
	for name, stored := range map[string][]env{
		"0":     long,
		"PATH":  {{"PATH", "/bin"}, {"HOME", "/"}, {"PATH", "/usr/bin"}},
		`"a.b"`: {{"a.b", ""}, {"a.b", ""}},
	} {
		added := append(slices.Clone(stored), env{"LOG", "debug"})
		fewer := stored[1:]
		for _, refs := range []bool{false, true} {
			of := func(image string, list []env) pod {
				if !refs {
					return pod{image, list, nil}
				}
				x := pod{Image: image, Refs: []*env{}}
				for _, e := range list {
					x.Refs = append(x.Refs, &e)
				}
				return x
			}
			base := of("v1", stored)
			for _, tt := range []struct {
				base      *pod
				eu, us    pod // us is newer
				want      pod
				undecided bool
			}{
				{&base, of("v2", stored), of("v1", stored), of("v2", stored), false},
				{&base, of("v2", stored), of("v1", added), of("v2", added), false},
				{&base, of("v1", added), of("v2", stored), of("v2", added), false},
				{&base, of("v1", fewer), of("v2", stored), of("v2", fewer), false},
				{&base, of("v2", added), of("v1", added), of("v2", added), false},
				{&base, of("v2", added), of("v1", fewer), of("v2", fewer), true},
				{&base, of("v2", fewer), of("v1", added), of("v2", added), true},
				{nil, of("v1", stored), of("v2", fewer), of("v2", fewer), true},
				{nil, of("v1", stored), of("v2", stored), of("v2", stored), false},
			} {
				sides := []merge.Side[pod]{{Value: tt.eu, Stamp: stamp(1, "eu")}, {Value: tt.us, Stamp: stamp(2, "us")}}
				for range 2 {
					got, report, err := p.Explain(tt.base, sides...)
					require.Equal(t, tt.undecided, err != nil)
					require.Equal(t, tt.want, got)
					path := map[bool]string{false: "Env", true: "Refs"}[refs]
					want := []string(nil)
					if tt.undecided {
						want = []string{path + ": two elements have the key " + name}
					}
					require.Equal(t, want, undecided(report))
					slices.Reverse(sides)
				}
			}
		}
	}
}

// TestKeyTwiceAround has what would be an error further down in lists with one key twice: it
// panics nowhere and loses nothing, and what is not merged makes no conflict.
func TestKeyTwiceAround(t *testing.T) {
	type row struct {
		Key  string
		Tmp  int     `merge:"-"`
		Refs []*item `merge:"keyed=Key"`
	}
	type table struct {
		Rows []row `merge:"keyed=Key"`
		Kept []row `merge:"keyed=Key,keep"`
	}
	p := merge.MustCompile(merge.Options[table]{})
	rows := func(refs ...*item) table { return table{Rows: []row{{Key: "a", Refs: refs}, {Key: "a"}}} }
	base := rows(nil)
	got, err := p.Merge(&base, merge.Side[table]{Value: rows(nil), Stamp: stamp(1, "eu")}, merge.Side[table]{Value: rows(nil, nil), Stamp: stamp(2, "us")})
	require.NoError(t, err)
	require.Equal(t, rows(nil, nil), got)
	_, report, err := p.Explain(&base, merge.Side[table]{Value: rows(&item{Key: "x"}), Stamp: stamp(1, "eu")}, merge.Side[table]{Value: rows(nil, nil), Stamp: stamp(2, "us")})
	require.Error(t, err)
	require.Equal(t, []string{"Rows: two elements have the key a"}, undecided(report))

	x, y := rows(), rows()
	x.Rows[0].Tmp, y.Rows[0].Tmp = 1, 2
	got, err = p.Merge(nil, merge.Side[table]{Value: x, Stamp: stamp(1, "eu")}, merge.Side[table]{Value: y, Stamp: stamp(2, "us")})
	require.NoError(t, err)
	require.Equal(t, rows(), got)

	kept := table{Kept: []row{{Key: "a", Refs: []*item{nil}}}}
	_, err = p.Merge(&kept, merge.Side[table]{Value: kept, Stamp: stamp(1, "eu")}, merge.Side[table]{Stamp: stamp(2, "us")})
	require.NoError(t, err, "deleted, and nobody has changed it")
}

// TestNoAliasing fills every kind of memory, merges, overwrites the result,
// and requires that the inputs have not changed; and the other way round.
func TestNoAliasing(t *testing.T) {
	type deep struct {
		Atomic  []int
		Bytes   []byte
		Set     []string           `merge:"set"`
		Structs []struct{ P *int } `merge:"atomic"`
		Map     map[string]string
		Nested  map[string]map[string][]int
		Rows    map[string]item
		Ptr     *int
		Row     *item
		Keyed   []*item `merge:"keyed=Key"`
		Doc     map[string]any
		Any     any
		Group   []int `merge:"group=g"`
		First   []int `merge:"first"`
		Manual  []int `merge:"manual"`
		Custom  []int
		Named   labels
	}
	p := merge.MustCompile(merge.Options[deep]{Overrides: []merge.Override[deep]{
		merge.Field(func(d *deep) *[]int { return &d.Custom }, merge.Join("longer", func(a, b []int) []int {
			if len(a) >= len(b) {
				return a
			}
			return b
		})),
	}})
	fresh := func(n int) deep {
		i := n
		return deep{
			Atomic: []int{n}, Bytes: []byte{byte(n)}, Set: []string{"a", fmt.Sprint(n)}, Structs: []struct{ P *int }{{&i}},
			Map: map[string]string{"k": fmt.Sprint(n)}, Nested: map[string]map[string][]int{"k": {"l": {n}}},
			Rows: map[string]item{"k": {Key: "k"}}, Ptr: &i, Row: &item{Key: fmt.Sprint(n)}, Keyed: []*item{{Key: "k", Note: fmt.Sprint(n)}},
			Doc: map[string]any{"l": []any{float64(n)}, "o": map[string]any{"x": float64(n)}}, Any: []any{float64(n)},
			Group: []int{n}, First: []int{n}, Manual: []int{1}, Custom: []int{n}, Named: labels{"k": fmt.Sprint(n)},
		}
	}
	text := func(vs ...deep) string {
		out, err := json.Marshal(vs)
		require.NoError(t, err)
		return string(out)
	}
	for _, withBase := range []bool{true, false} {
		for _, n := range [][]int{{1, 1}, {1, 2}, {2, 1}, {2, 3}, {1}} {
			base := fresh(1)
			var sides []merge.Side[deep]
			inputs := []deep{base}
			for i, v := range n {
				inputs = append(inputs, fresh(v))
				sides = append(sides, merge.Side[deep]{Value: inputs[i+1], Stamp: stamp(int64(i), "a")})
			}
			b := &base
			if !withBase {
				b = nil
			}
			before := text(inputs...)
			out, err := p.Merge(b, sides...)
			require.NoError(t, err)
			scribble(reflect.ValueOf(&out).Elem())
			require.Equal(t, before, text(inputs...), "base %v, sides %v", withBase, n)
		}
	}
}

type labels map[string]string

// scribble changes everything that v holds or points to.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			scribble(v.MapIndex(k))
			v.SetMapIndex(k, reflect.Value{})
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			scribble(field)
		}
	default:
		if v.CanSet() {
			v.SetZero()
		}
	}
}

// TestSetOfTimes is about elements: a result holds no monotonic reading.
func TestSetOfTimes(t *testing.T) {
	type days struct {
		Off []time.Time `merge:"set"`
		On  []time.Time `merge:"union"`
	}
	now := time.Now() // has a monotonic reading
	later := now.Add(time.Second)
	x, y := days{[]time.Time{now}, []time.Time{now}}, days{[]time.Time{later}, []time.Time{later}}
	for _, base := range []*days{nil, {}, &x} {
		got, err := merge.MustCompile(merge.Options[days]{}).Merge(base, merge.Side[days]{Value: x, Stamp: stamp(1, "a")}, merge.Side[days]{Value: y, Stamp: stamp(2, "b")})
		require.NoError(t, err)
		for _, at := range append(got.Off, got.On...) {
			require.Equal(t, at.Round(0), at)
		}
	}
}

// A loud key is one whatever its case.
type loud struct{ text string }

func (l loud) MarshalText() ([]byte, error)  { return []byte(strings.ToUpper(l.text)), nil }
func (l *loud) UnmarshalText(b []byte) error { l.text = string(b); return nil }

// TestMapKeys refuses keys of maps that Go tells apart and a merge does not: of
// two that are one key, one would be lost.
func TestMapKeys(t *testing.T) {
	type span struct {
		From time.Time
		N    float64
	}
	type table struct {
		Parts map[time.Time]int
		Rows  map[span]struct{ A int }
		Whole map[[1]time.Time]int `merge:"atomic"`
		Loud  map[loud]int
	}
	plan := merge.MustCompile(merge.Options[table]{Record: true})
	at := time.Unix(1, 0).UTC()
	there := at.In(time.FixedZone("there", 3600))
	for want, v := range map[string]table{
		"Parts: the key 1970-": {Parts: map[time.Time]int{at: 1, there: 2}},
		"Rows: the key":        {Rows: map[span]struct{ A int }{{From: there}: {}}},
		"Whole: the key":       {Whole: map[[1]time.Time]int{{time.Now()}: 1}},
		"Loud: the key A":      {Loud: map[loud]int{{"a"}: 1, {"A"}: 2}},
	} {
		_, err := plan.Merge(nil, merge.Side[table]{Value: v, Stamp: stamp(1, "a")})
		require.ErrorContains(t, err, want)
		r := plan.NewRecord()
		require.ErrorContains(t, r.Update(writer("a"), func(to *table) error { *to = v; return nil }), want)
		require.True(t, r.Equal(plan.NewRecord()))
	}
	fine := table{
		Parts: map[time.Time]int{at: 1, {}: 2},
		Rows:  map[span]struct{ A int }{{at, math.Copysign(0, -1)}: {1}},
		Whole: map[[1]time.Time]int{{at}: 1},
		Loud:  map[loud]int{{"A"}: 1},
	}
	require.Equal(t, fine, merge2(t, plan, nil, fine, fine))
	r := plan.NewRecord()
	require.NoError(t, r.Update(writer("a"), func(to *table) error { *to = fine; return nil }))
	require.Equal(t, fine, value(t, r))
}
