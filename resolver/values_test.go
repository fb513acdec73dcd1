package resolver_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// A parcel has every kind of part that a layout knows.
type parcel struct {
	Name   string `json:"name,omitempty"`
	Open   bool
	Small  int8
	Large  uint64
	Weight float64
	When   time.Time
	Raw    []byte
	Tags   []string `json:",omitempty"`
	Lines  []line
	Nested [][]int
	Pair   [2]line
	Refs   [1]*string
	Notes  map[string]string
	Counts map[string]int
	ByID   map[int32]*line
	Groups map[string][]line
	Next   *line
	Deep   **float32
}

// parcels draws parcels of few values, some of which JSON cannot carry if bad.
func parcels(bad bool) *rapid.Generator[parcel] {
	words := []string{"", "p", "ünï"}
	numbers := []float64{0, math.Copysign(0, -1), 1.5, 1e30}
	if bad {
		words, numbers = append(words, "\xff"), append(numbers, math.NaN(), math.Inf(-1))
	}
	word, number, few := rapid.SampledFrom(words), rapid.SampledFrom(numbers), rapid.IntRange(0, 2)
	aLine := rapid.Custom(func(t *rapid.T) line { return line{word.Draw(t, "product"), few.Draw(t, "quantity")} })
	return rapid.Custom(func(t *rapid.T) parcel {
		p := parcel{
			Name: word.Draw(t, "name"), Open: rapid.Bool().Draw(t, "open"), Small: rapid.Int8Range(-1, 1).Draw(t, "small"),
			Large: rapid.SampledFrom([]uint64{0, math.MaxUint64}).Draw(t, "large"), Weight: number.Draw(t, "weight"),
			When: rapid.SampledFrom([]time.Time{{}, time.Unix(5, 6).UTC(), time.Unix(5, 7).In(time.FixedZone("x", 3600))}).Draw(t, "when"),
		}
		if bad && rapid.Bool().Draw(t, "bad time") {
			p.When = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		if rapid.Bool().Draw(t, "slices") {
			p.Raw = rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "raw")
			p.Tags = rapid.SliceOfN(word, 0, 2).Draw(t, "tags")
			p.Lines = rapid.SliceOfN(aLine, 0, 2).Draw(t, "lines")
			p.Nested = rapid.SliceOfN(rapid.SliceOfN(few, 0, 2), 0, 2).Draw(t, "nested")
		}
		if rapid.Bool().Draw(t, "maps") {
			p.Notes = rapid.MapOfN(word, word, 0, 2).Draw(t, "notes")
			p.Counts = rapid.MapOfN(word, few, 0, 2).Draw(t, "counts")
			p.ByID = rapid.MapOfN(rapid.Int32Range(0, 2), rapid.Ptr(aLine, true), 0, 2).Draw(t, "by id")
			p.Groups = rapid.MapOfN(word, rapid.SliceOfN(aLine, 0, 2), 0, 2).Draw(t, "groups")
		}
		p.Pair = [2]line{aLine.Draw(t, "first"), aLine.Draw(t, "second")}
		p.Refs[0] = rapid.Ptr(word, true).Draw(t, "ref")
		p.Next = rapid.Ptr(aLine, true).Draw(t, "next")
		if rapid.Bool().Draw(t, "deep") {
			f := float32(number.Draw(t, "number"))
			p.Deep = new(*float32)
			*p.Deep = &f
		}
		return p
	})
}

// wreck changes one part of v, which something else may share.
func wreck(t *rapid.T, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int, reflect.Int8, reflect.Int32:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(v.Uint() ^ 1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(7)
	case reflect.Slice, reflect.Array:
		return v.Len() > 0 && wreck(t, v.Index(rapid.IntRange(0, v.Len()-1).Draw(t, "element")))
	case reflect.Pointer:
		return !v.IsNil() && wreck(t, v.Elem())
	case reflect.Map:
		return v.Len() > 0 && wreckEntry(t, v)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(1)))
			return true
		}
		return wreck(t, v.Field(rapid.IntRange(0, v.NumField()-1).Draw(t, "field")))
	default:
		t.Fatalf("a parcel has no %v", v.Kind())
	}
	return true
}

// wreckEntry changes an entry of a map: what it refers to, if it refers to anything.
func wreckEntry(t *rapid.T, v reflect.Value) bool {
	key := v.MapKeys()[0]
	elem := reflect.New(v.Type().Elem()).Elem()
	elem.Set(v.MapIndex(key))
	done := wreck(t, elem)
	if k := elem.Kind(); k != reflect.Pointer && k != reflect.Slice {
		v.SetMapIndex(key, elem)
	}
	return done
}

// TestValues compares copying and comparing part by part with doing the same by way
// of the bytes.
func TestValues(t *testing.T) {
	require.True(t, resolver.HasType[parcel]())
	rapid.Check(t, func(t *rapid.T) {
		v := parcels(true).Draw(t, "value")
		stored, full, err := resolver.Store(v)
		require.NoError(t, err)
		c, err := resolver.Copy(&stored)
		require.NoError(t, err)
		require.False(t, resolver.Changed(&c, &stored))
		if wreck(t, reflect.ValueOf(&c).Elem()) {
			require.True(t, resolver.Changed(&c, &stored), "%+v", c)
			require.True(t, resolver.Changed(&stored, &c), "%+v", c)
		}
		_, again, err := resolver.Store(stored)
		require.NoError(t, err)
		require.Equal(t, full, again, "the original is as it was")
		other, otherFull, err := resolver.Store(parcels(true).Draw(t, "other"))
		require.NoError(t, err)
		require.Equal(t, full != otherFull, resolver.Changed(&stored, &other))
	})
}

type (
	tree   struct{ Kids []tree }
	hidden struct {
		N    int
		tags []string
	}
)

func (h hidden) MarshalJSON() ([]byte, error) { return json.Marshal(h.tags) }

func (h *hidden) UnmarshalJSON(p []byte) error { return json.Unmarshal(p, &h.tags) }

// TestTypes tells what can be copied part by part from what cannot: what says itself
// how it is copied, or what nobody can look into.
func TestTypes(t *testing.T) {
	for name, tt := range map[string]struct{ got, want bool }{
		"scalars":    {resolver.HasType[item](), true},
		"references": {resolver.HasType[*order](), true},
		"bytes":      {resolver.HasType[[]byte](), true},
		"times":      {resolver.HasType[[]time.Time](), true},
		"document":   {resolver.HasType[map[string]any](), true},
		"recursive":  {resolver.HasType[tree](), true},
		"counter":    {resolver.HasType[*crdt.PNCounter](), false},
		"function":   {resolver.HasType[func()](), false},
	} {
		require.Equal(t, tt.want, tt.got, name)
	}
	for name, err := range map[string]error{
		"unexported":      second(resolver.Store(struct{ n int }{1})),
		"function":        second(resolver.Store(struct{ F func() }{})),
		"contains itself": func() error { c := tree{Kids: []tree{{}}}; c.Kids[0].Kids = c.Kids; return second(resolver.Store(c)) }(),
	} {
		require.Error(t, err, name)
	}
}

func second[T any](_ T, _ string, err error) error { return err }

// TestHiddenCopies changes copies of values that are copied by way of their bytes,
// or by their own Clone.
func TestHiddenCopies(t *testing.T) {
	h := hidden{tags: []string{"a"}}
	c, err := resolver.Copy(&h)
	require.NoError(t, err)
	require.False(t, resolver.Changed(&c, &h))
	c.tags[0] = "b"
	require.True(t, resolver.Changed(&c, &h))
	require.Equal(t, "a", h.tags[0])

	n := count("eu", 3)
	d, err := resolver.Copy(&n)
	require.NoError(t, err)
	require.False(t, resolver.Changed(&d, &n))
	d.Add("eu", 1)
	require.True(t, resolver.Changed(&d, &n))
	sum, _ := n.Total()
	require.EqualValues(t, 3, sum)

	var none *crdt.PNCounter // which has no Clone to ask
	d, err = resolver.Copy(&none)
	require.NoError(t, err)
	require.Nil(t, d)
}

// TestStoredValue: what a replica holds of its own write is what its peers decode,
// and not what its caller may go on changing. A rule that told nil from empty
// would decide differently here and there otherwise.
func TestStoredValue(t *testing.T) {
	v := doc{N: 1, Tags: []string{}}
	s := write(t, &resolver.Siblings[doc]{}, at("eu", 1), resolver.Context{}, v)
	require.Equal(t, []string{}, s.Versions()[0].Value.Tags)

	base := doc{N: 2, Tags: []string{"a"}}
	written, err := s.Edit(at("eu", 2), s.Context(), base, base)
	require.NoError(t, err)
	base.Tags[0] = "b"
	require.Equal(t, "a", written.Version.Value.Tags[0])
	require.Equal(t, "a", s.Versions()[0].Value.Tags[0])
}

// TestNoJSON: a field that JSON would drop is an error that names it, in every form that
// holds versions, and a base that cannot be stored is none.
func TestNoJSON(t *testing.T) {
	type account struct {
		Name string
		Hash string `json:"-"`
	}
	s := updates(t, account{Name: "ann"}, account{Name: "anne"}, account{"ann", "x"})
	ticket := resolve(t, resolver.New(resolver.Manual[account]), s).Ticket
	for _, v := range []json.Marshaler{s, ticket, s.Versions()[1]} {
		_, err := v.MarshalJSON()
		require.ErrorContains(t, err, "resolver: encode Version: ", "%T", v)
		require.ErrorContains(t, err, "Hash: is not zero", "%T", v)
	}

	several := updates(t, any("base"), any("a"), any("b"))
	before := several.Clone()
	_, err := several.Edit(at("ap", 20), several.Context(), func() {}, "c")
	require.ErrorContains(t, err, "resolver: ")
	require.True(t, several.Equal(before))
}

// TestJSONOfHiddenFields: a tag hides the field that has its name from encoding/json. What that
// leaves out stands beside it.
func TestJSONOfHiddenFields(t *testing.T) {
	type account struct {
		A string `json:"B" rejoin:"name=a"`
		B string
	}
	s := updates(t, account{"1", "2"}, account{"3", "4"})
	text, err := s.MarshalJSON()
	require.NoError(t, err)
	var again resolver.Siblings[account]
	require.NoError(t, again.UnmarshalJSON(text))
	require.Equal(t, account{"3", "4"}, again.Versions()[0].Value)
	require.True(t, again.Equal(s))
}

// TestJSONOfTimes writes the kinds that JSON does not show where versions stand together.
func TestJSONOfTimes(t *testing.T) {
	type meeting struct{ At time.Time }
	hour := func(h int) meeting { return meeting{time.Date(2026, 11, 23, h, 0, 0, 0, time.UTC)} }
	s := updates(t, hour(1), hour(2), hour(3))
	var again resolver.Siblings[meeting]
	text, err := s.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(text), `"fields":{"At":"time"}`)
	require.NoError(t, again.UnmarshalJSON(text))
	require.True(t, again.Equal(s))

	deleted := new(resolver.Siblings[meeting])
	_, err = deleted.Delete(at("ap", 2), resolver.Context{})
	require.NoError(t, err)
	beside := join(deleted, write(t, new(resolver.Siblings[meeting]), at("eu", 3), resolver.Context{}, hour(4)))
	for _, s := range []*resolver.Siblings[meeting]{s, beside} {
		ticket := resolve(t, resolver.New(resolver.Manual[meeting]), s).Ticket
		var back resolver.Ticket[meeting]
		text, err = ticket.MarshalJSON()
		require.NoError(t, err)
		require.Contains(t, string(text), `"fields":{"At":"time"}`)
		require.NoError(t, back.UnmarshalJSON(text))
		want, err := ticket.MarshalBinary()
		require.NoError(t, err)
		got, err := back.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestPolicyFaults has functions of the application inside of policies change what
// they are given. A person decides, and the versions are as they were.
func TestPolicyFaults(t *testing.T) {
	change := func(o order) { o.Notes["to"], o.Lines[0].Quantity = "mine", 99 }
	for name, rule := range map[string]resolver.Rule[order]{
		"max by n":  resolver.MaxBy("n", func(o order) int { change(o); return o.Rev }),
		"min by n":  resolver.MinBy("n", func(o order) int { change(o); return o.Rev }),
		"check all": resolver.Check("all", func(o order) error { change(o); return nil }, resolver.LastWriterWins),
	} {
		s := updates(t, order{}, someOrder(0), someOrder(1))
		before, err := s.MarshalJSON()
		require.NoError(t, err)
		out, err := resolver.New(rule).Resolve(t.Context(), "k", s)
		require.NoError(t, err)
		require.NotNil(t, out.Ticket, name)
		require.Equal(t, "changed what it was given", out.Reason, name)
		require.Equal(t, name, out.Rule)
		after, err := s.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), name)
	}
}

// TestFieldsCustom: a rule of a plan that writes to what it merges reaches copies.
func TestFieldsCustom(t *testing.T) {
	rule := merge.Func("first", func(c merge.Case[map[string]string]) (map[string]string, error) {
		c.Sides[0].Value["to"] = "mine"
		return c.Sides[0].Value, nil
	})
	plan := merge.MustCompile(merge.Options[order]{Overrides: []merge.Override[order]{
		merge.Field(func(o *order) *map[string]string { return &o.Notes }, rule),
	}})
	require.True(t, plan.Custom())
	require.False(t, merge.MustCompile(merge.Options[order]{}).Custom())
	a, b := someOrder(0), someOrder(1)
	b.Notes["ring"] = "once"
	s := updates(t, order{}, a, b)
	before, err := s.MarshalJSON()
	require.NoError(t, err)
	out, err := resolver.New(resolver.Fields(plan)).Resolve(t.Context(), "k", s)
	require.NoError(t, err)
	require.Equal(t, "mine", out.Value.Notes["to"])
	after, err := s.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// A fragile is a text that its encoder refuses at times.
type fragile struct{ text string }

var errRefused = errors.New("refused by now")

// refused is the text that no fragile may have by now.
var refused = "none"

func (f fragile) MarshalText() ([]byte, error) {
	if f.text == refused {
		return nil, errRefused
	}
	return []byte(f.text), nil
}

func (f *fragile) UnmarshalText(text []byte) error {
	f.text = string(text)
	return nil
}

// A sealed can only be copied by way of its bytes: its Clone is none.
type sealed struct{ Text fragile }

func (s sealed) Clone() any { return s }

// TestFieldsNotCopied: what a plan gets to see is copied by way of its bytes where it has to
// be. If a version or the base has none by now, a person decides, and nothing is merged with
// what is left of it.
func TestFieldsNotCopied(t *testing.T) {
	require.False(t, resolver.HasType[sealed]())
	edit := func(from *resolver.Siblings[sealed], w resolver.Writer, v string) *resolver.Siblings[sealed] {
		s := from.Clone()
		_, err := s.Edit(w, s.Context(), s.Versions()[0].Value, sealed{fragile{v}})
		require.NoError(t, err)
		return s
	}
	zero := write(t, &resolver.Siblings[sealed]{}, at("ap", 1), resolver.Context{}, sealed{fragile{"zero"}})
	one := edit(zero, at("af", 5), "one")
	x, y, z := edit(one, at("eu", 10), "x"), edit(one, at("us", 11), "y"), edit(zero, at("sa", 12), "z")
	r := resolver.New(resolver.Fields(merge.MustCompile(merge.Options[sealed]{})))
	for _, tt := range []struct {
		set     *resolver.Siblings[sealed]
		merged  string
		refused []string
	}{
		{join(x, y), "y", []string{"x", "y", "one"}},
		{join(x, y, z), "z", []string{"x", "y", "z", "one", "zero"}}, // x and y first, over one
	} {
		require.Equal(t, tt.merged, resolve(t, r, tt.set).Value.Text.text)
		for _, refused = range tt.refused {
			out, err := r.Resolve(t.Context(), "k", tt.set)
			require.NoError(t, err)
			require.NotNil(t, out.Ticket, refused)
			require.ErrorIs(t, out.Err, errRefused, refused)
		}
		refused = "none"
	}
}
