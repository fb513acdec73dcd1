package value

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replaced returns the full form of v where it replaces what is stored as old.
func replaced[V any](t *testing.T, v V, old string) string {
	t.Helper()
	require.True(t, IsFull(old), "%q", old)
	leaf, err := LeafOf(reflect.TypeFor[V]())
	require.NoError(t, err)
	full, err := leaf.Replace(reflect.ValueOf(&v).Elem(), old)
	require.NoError(t, err)
	require.True(t, IsFull(full), "%q", full)

	stored, kept, err := Replace(v, old)
	require.NoError(t, err)
	require.Equal(t, full, string(AppendFull(nil, &stored, kept)))
	back, again, bad := Load[V](full)
	require.Nil(t, bad)
	require.Equal(t, kept, again, "what is kept beside it is what a reader keeps")
	want, wantKept, err := Store(v)
	require.NoError(t, err)
	x, y, err := Store(back)
	require.NoError(t, err)
	require.Equal(t, string(AppendFull(nil, &want, wantKept)), string(AppendFull(nil, &x, y)), "it reads as what was written")
	return full
}

// TestReplace pins what stays of a value that is replaced: what its type does not know, and the
// bytes of what has not changed.
func TestReplace(t *testing.T) {
	type item struct{ A int }
	type holder struct {
		Item item
		N    int
	}
	type renamed struct {
		A int `rejoin:"was=Old"`
		B int
	}
	const (
		z1, z2  = "\x01Z\x03\x81\x01", "\x01Z\x03\x81\x02"
		a1, a2  = "\x01A\x03\x81\x01", "\x01A\x03\x81\x02"
		a0      = "\x01A\x03\x80"
		b1      = "\x01B\x03\x81\x01"
		old1    = "\x03Old\x03\x81\x01"
		unknown = "\x0b\x02" + a1 + z1
	)
	for _, tt := range []struct {
		name string
		got  string
		want string
	}{
		{"nothing there", replaced(t, item{1}, ""+"\x00"), "\x0b\x01" + a1},
		{"the same", replaced(t, item{1}, "\x0b\x01"+a1), "\x0b\x01" + a1},
		{"all known", replaced(t, item{2}, "\x0b\x01"+a1), "\x0b\x01" + a2},
		{"unknown field", replaced(t, item{2}, unknown), "\x0b\x02" + a2 + z1},
		{"unknown field before", replaced(t, item{2}, "\x0b\x02\x010\x02"+a1), "\x0b\x02\x010\x02" + a2},
		{"unknown field of what is unchanged", replaced(t, item{1}, unknown), unknown},
		{"field that becomes zero", replaced(t, item{}, unknown), "\x0b\x01" + z1},
		{"field that was zero", replaced(t, item{1}, "\x0b\x01"+z1), "\x0b\x02" + a1 + z1},
		{"field that stays zero", replaced(t, several{0, "x"}, "\x0b\x01"+z1), "\x0b\x02\x01B\x06\x01x" + z1},
		{"zero that is there", replaced(t, several{0, "x"}, "\x0b\x01"+a0), "\x0b\x02" + a0 + "\x01B\x06\x01x"},
		{"zero that cannot be read", replaced(t, several{0, "x"}, "\x0b\x01\x01A\x06\x00"), "\x0b\x01\x01B\x06\x01x"},
		{"struct in a struct", replaced(t, holder{item{2}, 1}, "\x0b\x01\x04Item"+unknown), "\x0b\x02\x04Item\x0b\x02" + a2 + z1 + "\x01N\x03\x81\x01"},
		{"struct in a struct that stays", replaced(t, holder{item{1}, 1}, "\x0b\x01\x04Item"+unknown), "\x0b\x02\x04Item" + unknown + "\x01N\x03\x81\x01"},
		{"earlier name that stays", replaced(t, renamed{1, 1}, "\x0b\x01"+old1), "\x0b\x02" + b1 + old1},
		{"earlier name that changes", replaced(t, renamed{2, 1}, "\x0b\x01"+old1), "\x0b\x02" + a2 + b1},
		{"earlier name beside the name", replaced(t, renamed{2, 0}, "\x0b\x02"+a1+old1), "\x0b\x01" + a2},
		{"another kind", replaced(t, item{2}, "\x03\x81\x05"), "\x0b\x01" + a2},
		{"list where a struct is now", replaced(t, item{2}, "\x09\x01\x06\x01a"), "\x0b\x01" + a2},
		{"pointer", replaced(t, &item{2}, unknown), "\x0b\x02" + a2 + z1},
		{"pointer to nothing", replaced(t, (*item)(nil), unknown), "\x00"},
		{"pointer where nothing was", replaced(t, &item{2}, "\x00"), "\x0b\x01" + a2},
		{"pointer where nil was", replaced(t, new(&item{2}), "\x0c\x00"), "\x0b\x01" + a2},
		{"pointer to nil", replaced(t, new((*item)(nil)), unknown), "\x0c\x00"},
		{"map", replaced(t, map[string]item{"b": {2}, "c": {1}}, "\x0a\x02\x06\x01a"+unknown+"\x06\x01b"+unknown), "\x0a\x02\x06\x01b\x0b\x02" + a2 + z1 + "\x06\x01c\x0b\x01" + a1},
		{"map that is empty", replaced(t, map[string]item{}, "\x0a\x01\x06\x01a"+unknown), "\x0a\x00"},
		{"map that is nil", replaced(t, map[string]item(nil), "\x0a\x01\x06\x01a"+unknown), "\x00"},
		{"map where a list was", replaced(t, map[string]item{"a": {1}}, "\x09\x02\x06\x01a"+unknown), "\x0a\x01\x06\x01a\x0b\x01" + a1},
		{"map of a key in another form", replaced(t, map[float32]int{0: 2}, "\x0a\x01\x00\x03\x81\x01"), "\x0a\x01" + fullZero + "\x03\x81\x02"},
		{
			"list in another order", replaced(t, []item{{2}, {1}, {3}}, "\x09\x02"+unknown+"\x0b\x02"+a2+z2),
			"\x09\x03\x0b\x02" + a2 + z2 + unknown + "\x0b\x01\x01A\x03\x81\x03",
		},
		{
			"list of equal elements", replaced(t, []item{{1}, {1}, {1}}, "\x09\x02"+unknown+"\x0b\x02"+a1+z2),
			"\x09\x03" + unknown + "\x0b\x02" + a1 + z2 + "\x0b\x01" + a1,
		},
		{"list with an element that cannot be read", replaced(t, []item{{1}, {}}, "\x09\x02\x06\x01a"+unknown), "\x09\x02" + unknown + "\x0b\x00"},
		{"list with nothing known in an element", replaced(t, []item{{1}, {}}, "\x09\x02\x0b\x01"+z1+"\x0b\x01"+z2), "\x09\x02\x0b\x01" + a1 + "\x0b\x01" + z1},
		{"list that is nil", replaced(t, []item(nil), "\x09\x01"+unknown), "\x00"},
		{"list where a map was", replaced(t, []item{{1}}, "\x0a\x01\x06\x01a"+unknown), "\x09\x01\x0b\x01" + a1},
		{"array", replaced(t, [2]item{{2}, {1}}, "\x09\x02"+unknown+"\x0b\x02"+a2+z2), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x02" + a1 + z2},
		{"array of what stays", replaced(t, [2]item{{2}, {2}}, "\x09\x02"+unknown+"\x0b\x02"+a2+z2), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x02" + a2 + z2},
		{"array of what is known and changes", replaced(t, [2]item{{2}, {1}}, "\x09\x02"+unknown+"\x0b\x01"+a2), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x01" + a1},
		{"array of what is known and stays", replaced(t, [2]item{{2}, {2}}, "\x09\x02"+unknown+"\x0b\x01"+a2), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x01" + a2},
		{"array of what could not be read", replaced(t, [2]item{{2}, {1}}, "\x09\x02"+unknown+"\x06\x00"), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x01" + a1},
		{"array of pointers", replaced(t, [2]*item{{2}, {1}}, "\x09\x02"+unknown+"\x00"), "\x09\x02\x0b\x02" + a2 + z1 + "\x0b\x01" + a1},
		{"array of another length", replaced(t, [2]item{{1}, {2}}, "\x09\x01"+unknown), "\x09\x02\x0b\x01" + a1 + "\x0b\x01" + a2},
		{"array of bytes", replaced(t, [2]byte{1, 2}, "\x09\x02\x03\x81\x01\x03\x81\x01"), "\x07\x02\x01\x02"},
		{"array of numbers as bytes", replaced(t, [1]byte{1}, "\x09\x01\x03\x81\x01"), "\x09\x01\x03\x81\x01"},
		{"own form that says the same", replaced(t, []celsius{{5}}, "\x09\x01\x0e\x015"), "\x09\x01\x0e\x015"},
		{"own form that says something else", replaced(t, []ranked{{Rank: 5}}, "\x09\x01\x0d\x01\x06"), "\x09\x01\x0d\x01\x05"},
		{"number in another form", replaced(t, wrapped[float64]{0}, "\x0b\x01\x01V"+fullZero), "\x0b\x01\x01V" + fullZero},
		{"document", replaced(t, any([]any{1.0}), "\x0f\x04[1 ]"), "\x0f\x04[1 ]"},
		{"other document", replaced(t, any([]any{2.0}), "\x0f\x04[1 ]"), "\x0f\x03[2]"},
	} {
		require.Equal(t, tt.want, tt.got, tt.name)
	}
}

// A moody type fails to write itself when it is asked for the nth time.
type moody struct{ N byte }

var moods int

func (m moody) MarshalBinary() ([]byte, error) {
	if moods--; moods == 0 {
		return nil, errors.New("in no mood")
	}
	return []byte{m.N}, nil
}

func (m *moody) UnmarshalBinary(p []byte) error { m.N = p[0]; return nil }

// TestMoody: whenever a type fails to write itself, there is an error, or all of the value
// is stored all the same.
func TestMoody(t *testing.T) {
	type later struct {
		M    moody
		List []moody
		Map  map[string]moody
		Pair [2]moody
		To   *moody
		Z    int
	}
	type now struct {
		M    moody
		List []moody
		Map  map[string]moody
		Pair [2]moody
		To   *moody
		By   map[moody]int
	}
	moods = 0
	_, kept, err := Store(later{moody{1}, []moody{{1}, {2}}, map[string]moody{"a": {1}, "b": {2}}, [2]moody{{1}, {2}}, &moody{1}, 1})
	require.NoError(t, err)
	v := now{moody{2}, []moody{{3}, {1}}, map[string]moody{"a": {2}, "c": {3}}, [2]moody{{3}, {4}}, &moody{2}, map[moody]int{{1}: 1}}
	failures := 0
	for n := 1; ; n++ {
		moods = n
		_, full, err := Replace(v, kept)
		left := moods
		moods = 0
		if err != nil {
			require.ErrorContains(t, err, "in no mood")
			failures++
			continue
		}
		got, _, bad := Load[now](full)
		require.Nil(t, bad)
		require.Equal(t, v, got)
		unknown, _, bad := Load[struct{ Z int }](full)
		require.Nil(t, bad)
		require.Equal(t, 1, unknown.Z)
		if left > 0 {
			break // it was not asked that often
		}
	}
	require.Positive(t, failures)
}

// TestMoodyInside: a value that its kinds cannot compare counts as kept.
func TestMoodyInside(t *testing.T) {
	for n := 1; n < 20; n++ {
		moods = n
		_, _, err := Store(inside{moody{1}})
		moods = 0
		if err != nil {
			require.ErrorContains(t, err, "in no mood")
		}
	}
}

// An inside has a form of its own, and a part with one.
type inside struct{ M moody }

func (i inside) MarshalBinary() ([]byte, error)  { return i.M.MarshalBinary() }
func (i *inside) UnmarshalBinary(p []byte) error { return i.M.UnmarshalBinary(p) }

// TestLost names the part of a value that its own form does not keep.
func TestLost(t *testing.T) {
	const lost = "its own encoding does not keep all of the value; complete it, or register a content.Codec"
	bad := masked{"a"}
	for _, tt := range []struct {
		name string
		err  error
		path string // "none" if nothing is lost
	}{
		{"itself", third(Store(bad)), ""},
		{"pointer", third(Store(&bad)), ""},
		{"nil pointer", third(Store((*masked)(nil))), "none"},
		{"list", third(Store([]masked{{}, bad})), "[]"},
		{"array", third(Store([2]masked{{}, bad})), "[]"},
		{"map", third(Store(map[string]masked{"a": {}, "b": bad})), "{}"},
		{"field", third(Store(struct {
			A int
			M []masked
		}{1, []masked{bad}})), "M[]"},
		{"last field", third(Store(struct{ A, Z masked }{masked{}, bad})), "Z"},
		{"zero", third(Store([]masked{{}, {}})), "none"},
		{"by Equal", third(Store(equalled{1, 2})), "none"},
		{"by Equal, another", third(Store(equalled{99, 2})), ""},
		{"by Equal of pointers", third(Store(equalledTo{1, 2})), "none"},
		{"by Equal of pointers, another", third(Store(equalledTo{99, 2})), ""},
		{"by Equal of something else", third(Store(equalledElse{1, 2})), ""},
		{"by order", third(Store(ranked{3, "lost"})), "none"},
		{"by fields", third(Store(masked{"a"})), ""},
		{"by ==", third(Store(struct{ F forgetting }{forgetting{1, 2}})), "F"},
		{"by == of complex numbers", third(Store(struct{ F forgetting2 }{forgetting2{1, 2}})), "F"},
		{"by == of nothing lost", third(Store(struct{ F forgetting }{forgetting{1, 0}})), "none"},
		{"pointers are not compared", third(Store(pointing{1, new(2)})), "none"},
		{"big number", third(Store(big.NewInt(5))), "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.path == "none" {
				require.NoError(t, tt.err)
				return
			}
			var e *TypeError
			require.ErrorAs(t, tt.err, &e)
			require.Equal(t, lost, e.Reason)
			require.Equal(t, tt.path, e.Path)
		})
	}
}

type (
	equalled     struct{ N, Cache byte }
	equalledTo   struct{ N, Cache byte }
	equalledElse struct{ N, Cache byte }
	forgetting   struct{ n, lost byte }
	forgetting2  struct {
		n    byte
		lost complex128
	}
	pointing struct {
		n byte
		p *int
	}
)

func (e equalled) MarshalBinary() ([]byte, error)    { return []byte{min(e.N, 9)}, nil }
func (e *equalled) UnmarshalBinary(p []byte) error   { *e = equalled{N: p[0]}; return nil }
func (e equalled) Equal(o equalled) bool             { return e.N == o.N }
func (e *equalledTo) MarshalBinary() ([]byte, error) { return []byte{min(e.N, 9)}, nil }

func (e *equalledTo) UnmarshalBinary(p []byte) error  { *e = equalledTo{N: p[0]}; return nil }
func (e *equalledTo) Equal(o *equalledTo) bool        { return e.N == o.N }
func (e equalledElse) MarshalBinary() ([]byte, error) { return []byte{e.N}, nil }

func (e *equalledElse) UnmarshalBinary(p []byte) error { *e = equalledElse{N: p[0]}; return nil }
func (equalledElse) Equal(n int) bool                  { panic(n) }
func (f forgetting) MarshalBinary() ([]byte, error)    { return []byte{f.n}, nil }
func (f *forgetting) UnmarshalBinary(p []byte) error   { *f = forgetting{n: p[0]}; return nil }
func (f forgetting2) MarshalBinary() ([]byte, error)   { return []byte{f.n}, nil }
func (f *forgetting2) UnmarshalBinary(p []byte) error  { *f = forgetting2{n: p[0]}; return nil }
func (p pointing) MarshalBinary() ([]byte, error)      { return []byte{p.n}, nil }
func (p *pointing) UnmarshalBinary(b []byte) error     { *p = pointing{n: b[0], p: new(1)}; return nil }

// TestStoreAndLoad tells what is kept beside a value: nothing where its type gives back its
// full form.
func TestStoreAndLoad(t *testing.T) {
	kept := func(_ any, kept string, err error) string {
		require.NoError(t, err)
		return kept
	}
	stored, same, err := Store(math.Copysign(0, -1))
	require.NoError(t, err)
	require.False(t, math.Signbit(stored))
	require.Empty(t, same)
	stored, _, err = Store(-math.NaN())
	require.NoError(t, err)
	require.Equal(t, math.Float64bits(math.NaN()), math.Float64bits(stored))
	stored, _, err = Store(2.5)
	require.NoError(t, err)
	require.Equal(t, 2.5, stored)

	v, k, err := Store(several{1, "a"})
	require.Empty(t, kept(v, k, err))
	f, k, err := Store(flat{Ratio: 1})
	require.Empty(t, kept(f, k, err))
	l, k, err := Store([]int{1})
	require.Equal(t, "\x09\x01\x03\x81\x01", kept(l, k, err))
	at, k, err := Store(time.Unix(5, 0).UTC())
	require.Equal(t, "\x08\x81\x05\x00\x00\x00\x00\x80", kept(at, k, err))
	p, k, err := Store([1]complex128{complex(math.Copysign(0, -1), 0)})
	require.Empty(t, kept(p, k, err))
	require.False(t, math.Signbit(real(p[0])))

	// What is there stays, or nothing is kept.
	w, k, err := Replace(several{2, "a"}, "")
	require.Empty(t, kept(w, k, err))
	require.Equal(t, several{2, "a"}, w)
	w, k, err = Replace(several{2, "a"}, "\x0b\x01\x01A\x03\x81\x05")
	require.Empty(t, kept(w, k, err), "all of it is known")
	w, k, err = Replace(several{2, ""}, "\x0b\x01\x01Z\x02")
	require.Equal(t, "\x0b\x02\x01A\x03\x81\x02\x01Z\x02", kept(w, k, err))
	require.ErrorContains(t, third(Replace(weight{-1}, "\x00")), "a weight is not negative")
	require.ErrorContains(t, third(Replace(make(chan int), "\x00")), "a chan cannot be sent")
	require.ErrorContains(t, third(Store(make(chan int))), "a chan cannot be sent")

	for _, full := range []string{"\x0b\x01\x01A\x03\x81\x05", "\x0b\x00"} {
		got, k, bad, err := Read[several]([]byte(full))
		require.NoError(t, err)
		require.Nil(t, bad)
		require.Empty(t, k)
		require.Equal(t, full, string(AppendFull(nil, &got, k)))
	}
	got, k, bad, err := Read[several]([]byte("\x0b\x02\x01A\x03\x81\x05\x01Z\x02"))
	require.NoError(t, err)
	require.Nil(t, bad)
	require.Equal(t, several{A: 5}, got)
	require.Equal(t, "\x0b\x02\x01A\x03\x81\x05\x01Z\x02", k)
	got, k, bad, err = Read[several]([]byte("\x03\x80"))
	require.NoError(t, err)
	require.EqualError(t, bad, "unreadable value: stored int, want struct value.several")
	require.Equal(t, several{}, got)
	require.Equal(t, "\x03\x80", k)
	got, k, bad = Load[several]("\x0b\x02\x01A\x03\x81\x05\x01B\x03\x80")
	require.EqualError(t, bad, "unreadable value: field B: stored int, want string")
	require.Equal(t, several{}, got, "nothing of what could be read")
	require.Equal(t, "\x0b\x02\x01A\x03\x81\x05\x01B\x03\x80", k)
}

// TestReadBasics reads numbers and texts as content from outside.
func TestReadBasics(t *testing.T) {
	n, kept, bad, err := Read[int64]([]byte("\x03\x81\x05"))
	require.NoError(t, err)
	require.Nil(t, bad)
	require.Empty(t, kept)
	require.Equal(t, int64(5), n)
	s, kept, bad, err := Read[string]([]byte("\x06\x01a"))
	require.NoError(t, err)
	require.Nil(t, bad)
	require.Empty(t, kept)
	require.Equal(t, "a", s)
	n, kept, bad, err = Read[int64]([]byte("\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00"))
	require.NoError(t, err)
	require.EqualError(t, bad, "unreadable value: stored int 9223372036854775808, want int64")
	require.Zero(t, n)
	require.Equal(t, "\x03\x88\x80\x00\x00\x00\x00\x00\x00\x00", kept)
	for _, in := range []string{"", "\x03", "\x03\x81\x05\x00", "\x03\x82\x00\x05", "\x10"} {
		n, kept, bad, err = Read[int64]([]byte(in))
		require.Error(t, err, "%q", in)
		require.Nil(t, bad)
		require.Empty(t, kept)
		require.Zero(t, n, "%q", in)
	}
	s, _, _, err = Read[string]([]byte("\x06\x01ab"))
	require.Error(t, err)
	require.Empty(t, s)
}

// TestCompareContent orders values by their full forms, kept or not.
func TestCompareContent(t *testing.T) {
	a, b := several{A: 1}, several{A: 2}
	unknown := "\x0b\x02\x01A\x03\x81\x01\x01Z\x02"
	other := "\x0b\x02\x01A\x03\x81\x01\x01Z\x03\x81\x01"
	require.Zero(t, Compare(&a, "", &a, ""))
	require.Negative(t, Compare(&a, "", &b, ""))
	require.Positive(t, Compare(&b, "", &a, ""))
	require.Negative(t, Compare(&a, "", &a, unknown))
	require.Positive(t, Compare(&a, unknown, &a, ""))
	require.Negative(t, Compare(&a, unknown, &a, other))
	require.Positive(t, Compare(&a, other, &a, unknown))
	require.Zero(t, Compare(&a, unknown, &a, unknown))
	require.Positive(t, Compare(&several{1, "x"}, "", &a, "\x0b\x01\x01Z\x02"))
	require.Negative(t, Compare(&a, "\x0b\x01\x01Z\x02", &several{1, "x"}, ""))
	x, y := "a", "b"
	require.Negative(t, Compare(&x, "", &y, ""))
	require.Positive(t, Compare(&y, "", &x, ""))
	m, n := int64(-1), int64(300)
	require.Negative(t, Compare(&m, "", &n, ""))
	require.Zero(t, Compare(&n, "", &n, ""))
	f := math.NaN()
	require.Zero(t, Compare(&f, "", &f, ""))
	require.True(t, Same(&x, &x))
	require.False(t, Same(&x, &y))
	require.False(t, Same(&m, &n))
	require.True(t, Same(&a, &a))
	require.False(t, Same(&a, &b))
	require.False(t, Same(&f, &f))
}

// TestLeafLoad leaves nothing in place of a value that its type cannot hold, or not exactly.
func TestLeafLoad(t *testing.T) {
	leaf, err := LeafOf(reflect.TypeFor[several]())
	require.NoError(t, err)
	for _, tt := range []struct {
		full  string
		bad   bool
		exact bool
		want  several
	}{
		{"\x0b\x01\x01A\x03\x81\x05", false, true, several{A: 5}},
		{"\x0b\x02\x01A\x03\x81\x05\x01Z\x02", false, false, several{A: 5}},
		{"\x0b\x02\x01A\x03\x81\x05\x01B\x03\x80", true, false, several{}},
	} {
		dst := reflect.New(reflect.TypeFor[several]()).Elem()
		require.Equal(t, tt.bad, leaf.Load(dst, tt.full) != nil)
		require.Equal(t, tt.want, dst.Interface())
		dst.SetZero()
		require.Equal(t, tt.exact, leaf.LoadExact(dst, tt.full))
		require.Equal(t, tt.exact, !dst.IsZero())
	}
	leaf, err = LeafOf(reflect.TypeFor[moody]())
	require.NoError(t, err)
	dst := reflect.New(reflect.TypeFor[moody]()).Elem()
	moods = 1
	require.False(t, leaf.LoadExact(dst, "\x0d\x01\x05"), "what cannot be written is not known to be exact")
	require.True(t, dst.IsZero())
	moods = 0
	_, err = leaf.Replace(reflect.ValueOf(moody{5}), "\x0d\x01\x05")
	require.NoError(t, err)
	leaf, err = LeafOf(reflect.TypeFor[weight]())
	require.NoError(t, err)
	_, err = leaf.Replace(reflect.ValueOf(weight{-1}), "\x0d\x01\x05")
	require.ErrorContains(t, err, "a weight is not negative")
}
