package value

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// through returns v as it is stored, after checking that a peer reads the same.
func through[V any](t require.TestingT, v V) V {
	stored, kept, err := Store(v)
	require.NoError(t, err)
	full := AppendFull(nil, &stored, kept)
	require.NoError(t, checkFull(full))
	read, again, bad := Load[V](string(full))
	require.Nil(t, bad)
	require.Equal(t, kept, again)
	require.Equal(t, full, AppendFull(nil, &read, again))

	other, kept2, err := Store(stored)
	require.NoError(t, err)
	require.Equal(t, string(full), string(AppendFull(nil, &other, kept2)), "storing what was read changes it")

	b := encodeAll[V]([]string{string(full), string(full)})
	fulls, err := decodeAll[V](b, 2)
	require.NoError(t, err)
	require.Equal(t, []string{string(full), string(full)}, fulls)

	e := NewEncoder[V]()
	e.Note(&stored, kept)
	direct := e.Append(e.AppendTables(nil), &stored, kept)
	checkJSON[V](t, string(full))
	require.Equal(t, encodeAll[V]([]string{string(full)}), direct)
	return stored
}

// checkJSON checks that the JSON of a value leads back to it, in a program that has
// the type and in one that has not.
func checkJSON[V any](t require.TestingT, full string) {
	v, kept, bad := Load[V](full)
	require.Nil(t, bad)
	kinds := make(Kinds)
	NoteKinds(kinds, &v, kept)
	kinds = reread(t, kinds)
	text, beside, err := AppendJSON(nil, &v, kept, kinds)
	if err != nil {
		require.ErrorContains(t, err, "json:")
		return
	}
	require.True(t, json.Valid(text), "%s", text)
	w, again, bad, err := LoadJSON[V](text, beside, kinds)
	require.NoError(t, err)
	require.Nil(t, bad)
	require.Equal(t, full, string(AppendFull(nil, &w, again)), "%s", text)

	n, same, bad, err := LoadJSON[never](text, beside, kinds)
	require.NoError(t, err)
	require.Equal(t, full, string(AppendFull(nil, &n, same)))
	if bad != nil { // it shows what it has
		text, beside, err = AppendJSON(nil, &n, same, kinds)
		require.NoError(t, err)
		require.True(t, json.Valid(text), "%s", text)
		w, again, _, err = LoadJSON[V](text, beside, kinds)
		require.NoError(t, err)
		require.Equal(t, full, string(AppendFull(nil, &w, again)), "%s", text)
	}
}

type flat struct {
	Name   string
	Age    int
	Active bool
	Ratio  float32
	N      uint64
}

type base struct {
	ID   string
	Seen int
}

type deep struct {
	base
	Tags  []string
	Attrs map[string]int
	Next  *deep
	Opt   *int
	Wild  **int
	Any   any
	At    time.Time
	Raw   []byte
	Sum   [4]byte
	Grid  [2][2]int8
	Addr  netip.Addr
	Big   *big.Int
	Items []base
	By    map[base]bool
	Skip  string `json:"-"`
}

// TestZoo: values of many types are kept.
func TestZoo(t *testing.T) {
	require.Equal(t, "a", through(t, "a"))
	require.Equal(t, -5, through(t, -5))
	require.Equal(t, 0, through(t, 0))
	require.Equal(t, uint64(math.MaxUint64), through(t, uint64(math.MaxUint64)))
	require.True(t, math.IsNaN(through(t, -math.NaN())))
	require.False(t, math.Signbit(through(t, math.Copysign(0, -1))))
	require.Equal(t, []string{}, through(t, []string{}))
	require.Equal(t, []string(nil), through(t, []string(nil)))
	require.Equal(t, []*int{nil, new(0), new(1)}, through(t, []*int{nil, new(0), new(1)}))
	require.Equal(t, []bool{true, false}, through(t, []bool{true, false}))
	require.Equal(t, new((*int)(nil)), through(t, new((*int)(nil))))
	require.Equal(t, map[string]*flat{"a": nil, "b": {}}, through(t, map[string]*flat{"a": nil, "b": {}}))
	require.Equal(t, json.RawMessage("no JSON"), through(t, json.RawMessage("no JSON")))
	require.Equal(t, any(map[string]any{"a": 1.0}), through(t, any(map[string]int{"a": 1})))
	u, err := url.Parse("https://ann:secret@example.com/a?b=c")
	require.NoError(t, err)
	require.Equal(t, u, through(t, u))

	now := time.Now().In(time.FixedZone("here", 5025))
	at := through(t, now)
	require.True(t, now.Equal(at))
	_, offset := at.Zone()
	require.Equal(t, 5025, offset)
	require.Equal(t, flat{}, through(t, flat{}))
	require.Equal(t, struct{ C complex128 }{1i}, through(t, struct{ C complex128 }{1i}))
	d := deep{
		base: base{"x", 1}, Tags: []string{}, Attrs: map[string]int{"z": 0, "a": 1}, Next: &deep{Opt: new(0)}, Opt: new(0),
		Wild: new((*int)(nil)), Any: []any{"a", nil, 1.5}, At: now.UTC().Round(0), Raw: []byte{}, Sum: [4]byte{1}, Grid: [2][2]int8{{0, -1}},
		Addr: netip.MustParseAddr("::1%eth0"), Big: big.NewInt(-7), Items: []base{{}, {"i", 2}}, By: map[base]bool{{}: false, {"k", 1}: true},
		Skip: "kept",
	}
	require.Equal(t, d, through(t, d))
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Make[flat]().Draw(t, "flat")
		got := through(t, f)
		require.Equal(t, f.Name, got.Name)
		through(t, rapid.Make[map[string][]*flat]().Draw(t, "map"))
	})
}

type (
	masked struct{ Secret string }
	cyclic struct{ Next *cyclic }
	twice  struct {
		A int `json:"x"`
		B int `rejoin:"name=x"`
	}
	hidden struct{ n int }
)

func (masked) MarshalBinary() ([]byte, error) { return []byte("***"), nil }
func (*masked) UnmarshalBinary([]byte) error  { return nil }

// TestRefused: what bytes would not keep is refused, and the error says what.
func TestRefused(t *testing.T) {
	check := func(err error, want string) {
		t.Helper()
		var e *TypeError
		require.ErrorAs(t, err, &e)
		require.ErrorContains(t, err, want)
	}
	check(third(Store(hidden{1})), "value.hidden: field n is not exported; give the type a binary, text or JSON form, or register a content.Codec")
	check(third(Store(struct{ In []hidden }{})), "In[]: field n is not exported")
	check(third(Store(masked{"a"})), "does not keep all of the value")
	check(third(Store([]masked{{"a"}})), "[]: its own encoding")
	check(third(Store(make(chan int))), "a chan cannot be sent")
	check(third(Store(struct{ E error }{})), "E: an interface with methods")
	check(third(Store(twice{})), `fields A and B both have the name "x"`)
	c := &cyclic{}
	c.Next = c
	check(third(Store(c)), "Next.…: nested too deep, or a cycle")
	check(third(Store(map[float64]int{math.NaN(): 1})), "NaN is no key")
	check(third(Store(any("\xff"))), "not UTF-8")
	check(third(Store(map[*int]int{})), "no canonical bytes")
	check(third(Store(any(int64(1<<53+1)))), "an integer in it is one that a float64 cannot hold")
	check(third(Store(any(map[string]any{`"\\`: []int64{math.MinInt64 + 1}}))), "an integer in it")
	for _, n := range []any{int64(1 << 53), int64(-1e17), uint64(1e19), 1e20, 123456789012345678901.0, "9007199254740993", `\"9007199254740993`} {
		_, _, err := Store(n)
		require.NoError(t, err)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

type (
	v1Item struct {
		SKU string
		Qty int32
	}
	v1 struct {
		Name  string
		Age   int8
		Items []v1Item
		Addr  struct{ City string }
		By    map[string]v1Item
		Pair  [2]v1Item
	}
	v2Item struct {
		Note string
		SKU  string
		Qty  int64
	}
	v2 struct {
		Extra *int
		Items []v2Item
		Full  string `rejoin:"name=Title,was=Name"`
		Age   int64
		Addr  struct{ Zip, City string }
		By    map[string]v2Item
		Pair  [2]v2Item
	}
)

// as reads what one program version stored as another.
func as[W, V any](t require.TestingT, v V, kept string) (W, string) {
	w, kept, bad := Load[W](string(AppendFull(nil, &v, kept)))
	require.Nil(t, bad)
	return w, kept
}

// TestCarryOfWhatIsKnown: part by part nothing is carried over of a value in which there is nothing
// that its type does not know, and so it need not be looked at.
func TestCarryOfWhatIsKnown(t *testing.T) {
	type known struct {
		Name  string
		Tags  []string
		Items []base
		By    map[string]base
		Opt   *base
		Pair  [2]base
		At    time.Time
		Any   any
		Big   *big.Int
	}
	draw := rapid.Custom(func(t *rapid.T) (k known) {
		bases := rapid.Custom(func(t *rapid.T) base {
			return base{rapid.SampledFrom([]string{"", "a"}).Draw(t, "id"), rapid.IntRange(0, 2).Draw(t, "seen")}
		})
		names := rapid.SampledFrom([]string{"", "a", "b"})
		k.Name = names.Draw(t, "name")
		k.Tags = rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(names, 0, 2)).Draw(t, "tags")
		k.Items = rapid.SliceOfN(bases, 0, 3).Draw(t, "items")
		k.By = rapid.MapOfN(names, bases, 0, 2).Draw(t, "by")
		k.Opt = rapid.OneOf(rapid.Just[*base](nil), rapid.Ptr(bases, false)).Draw(t, "opt")
		k.Pair = [2]base{bases.Draw(t, "first"), bases.Draw(t, "second")}
		k.At = time.Unix(rapid.Int64Range(0, 1).Draw(t, "at"), 0).In(rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("x", 3600)}).Draw(t, "zone"))
		k.Any = rapid.SampledFrom([]any{nil, "a", 1.0, []any{"a"}, map[string]any{"a": nil}}).Draw(t, "any")
		k.Big = rapid.SampledFrom([]*big.Int{nil, big.NewInt(0), big.NewInt(1)}).Draw(t, "big")
		return k
	})
	p, err := planFor[known]()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		v, w := draw.Draw(t, "old"), draw.Draw(t, "new")
		old, err := p.appendFull(nil, reflect.ValueOf(&v).Elem(), 0)
		require.NoError(t, err)
		fresh, err := p.appendFull(nil, reflect.ValueOf(&w).Elem(), 0)
		require.NoError(t, err)
		got, err := p.carryParts(nil, fresh, old, reflect.ValueOf(&w).Elem())
		require.NoError(t, err)
		require.Equal(t, fresh, got)
	})
}

// TestEvolution: what one version does not know survives its writes.
func TestEvolution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, bKept, err := Store(v2{
			Extra: new(0), Items: []v2Item{{"n1", "a", 1}, {"n2", "b", 2}}, Full: "Ann", Age: 7,
			Addr: struct{ Zip, City string }{"1010", "Wien"}, By: map[string]v2Item{"k": {"n", "s", 1}}, Pair: [2]v2Item{{Note: "p"}},
		})
		require.NoError(t, err)
		a, aKept := as[v1](t, b, bKept)
		require.Equal(t, v1{
			Age: 7, Items: []v1Item{{"a", 1}, {"b", 2}}, Addr: struct{ City string }{"Wien"}, By: map[string]v1Item{"k": {"s", 1}},
		}, a)

		same, kept, err := Replace(a, aKept)
		require.NoError(t, err)
		require.Equal(t, string(AppendFull(nil, &b, bKept)), string(AppendFull(nil, &same, kept)), "read and write back is not a no-op")

		a.Name, a.Addr.City = "Bea", "Graz"
		a.Items = []v1Item{a.Items[1], {"c", 3}, a.Items[0]}
		a.By = map[string]v1Item{"k": {"s", 2}, "l": {"t", 1}}
		a.Pair[0].Qty = 5
		if rapid.Bool().Draw(t, "zero") {
			a.Age = 0
		}
		c, cKept, err := Replace(a, aKept)
		require.NoError(t, err)
		require.Equal(t, a, c)
		got, _ := as[v2](t, c, cKept)
		require.Equal(t, v2{
			Extra: new(0), Items: []v2Item{{"n2", "b", 2}, {"", "c", 3}, {"n1", "a", 1}}, Full: "Ann", Age: int64(a.Age),
			Addr: struct{ Zip, City string }{"1010", "Graz"}, By: map[string]v2Item{"k": {"n", "s", 2}, "l": {"", "t", 1}},
			Pair: [2]v2Item{{Note: "p", Qty: 5}},
		}, got)
	})
}

// TestRenamed: a field reads what is stored under its earlier name, and replaces
// that when it changes.
func TestRenamed(t *testing.T) {
	a, aKept, err := Store(v1{Name: "Ann", Age: 3})
	require.NoError(t, err)
	b, bKept := as[v2](t, a, aKept)
	require.Equal(t, "Ann", b.Full)
	b.Age = 4
	c, cKept, err := Replace(b, bKept)
	require.NoError(t, err)
	old, _ := as[v1](t, c, cKept)
	require.Equal(t, v1{Name: "Ann", Age: 4}, old, "the field stays where it was until it changes")
	c.Full = "Bea"
	d, dKept, err := Replace(c, cKept)
	require.NoError(t, err)
	old, _ = as[v1](t, d, dKept)
	require.Equal(t, "", old.Name)
	b, _ = as[v2](t, d, dKept)
	require.Equal(t, "Bea", b.Full)
}

// TestUnreadable: the error names the place and both kinds.
func TestUnreadable(t *testing.T) {
	v, kept, err := Store(v2{Age: 300, Items: []v2Item{{Qty: 1 << 40}}})
	require.NoError(t, err)
	full := string(AppendFull(nil, &v, kept))
	got, same, bad := Load[v1](full)
	require.Equal(t, v1{}, got)
	require.Equal(t, full, same)
	require.EqualError(t, bad, "unreadable value: field Age: stored int 300, want int8")
	require.ErrorIs(t, error(bad), wire.ErrUnreadable)
	require.False(t, errors.Is(wire.Damaged(bad), wire.ErrDamaged))
	_, _, bad = Load[struct {
		Items []struct{ Qty string }
	}](full)
	require.EqualError(t, bad, "unreadable value: field Items[0].Qty: stored int, want string")
}

// TestLaterForms: a type that gains a form of its own reads what was there.
func TestLaterForms(t *testing.T) {
	type before struct{ Secret string }
	v, kept, err := Store(before{"a"})
	require.NoError(t, err)
	got, _ := as[masked](t, v, kept)
	require.Equal(t, masked{"a"}, got)
}
