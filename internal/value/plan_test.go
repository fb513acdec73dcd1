package value

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Rank has a binary form, and is embedded beside a time, which has one too.
type Rank struct{ N byte }

func (r Rank) MarshalBinary() ([]byte, error) { return []byte{r.N}, nil }

func (r *Rank) UnmarshalBinary(p []byte) error { r.N = p[0]; return nil }

// A base2 is embedded under another.
type base2 struct {
	base
	Extra string
}

type (
	// An unsendable cannot be sent by its kind, and has a text form.
	unsendable struct {
		_ chan int
		n int
	}

	// An unwritten is the same with a JSON form.
	unwritten struct {
		_ chan int
		n int
	}

	// A named is a struct with a text form, which is not needed for it.
	named struct{ Name string }
)

func (u unsendable) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(u.n), 10), nil }

func (u *unsendable) UnmarshalText(p []byte) (err error) {
	u.n, err = strconv.Atoi(string(p))
	return err
}

func (u unwritten) MarshalJSON() ([]byte, error)  { return json.Marshal(u.n) }
func (u *unwritten) UnmarshalJSON(p []byte) error { return json.Unmarshal(p, &u.n) }

func (n named) MarshalText() ([]byte, error) { return []byte("is " + n.Name), nil }
func (n *named) UnmarshalText(p []byte) error {
	n.Name = strings.TrimPrefix(string(p), "is ")
	return nil
}
func (n named) MarshalJSON() ([]byte, error)  { return []byte(`"j ` + n.Name + `"`), nil }
func (n *named) UnmarshalJSON(p []byte) error { n.Name = strings.Trim(string(p), `j "`); return nil }

// TestTypesOfContent names the type, and the place in it, that cannot be content.
func TestTypesOfContent(t *testing.T) {
	type tagged struct {
		A int `rejoin:"name"`
	}
	type other struct {
		A int `rejoin:"name=x,is=y"`
	}
	type former struct {
		A int `rejoin:"was=B"`
		B int
	}
	type formers struct {
		A int `rejoin:"was=x,was=y"`
		B int `rejoin:"name=z,was=y"`
	}
	type embedded struct {
		base
		X string `json:"ID"`
	}
	type embeddedChan struct {
		base2
		C chan int
	}
	const choice = "; leave it out, or give the type a binary, text or JSON form, or register a content.Codec"
	for _, tt := range []struct {
		typ  reflect.Type
		path string
		want string
	}{
		{reflect.TypeFor[chan int](), "", "a chan cannot be sent" + choice},
		{reflect.TypeFor[func()](), "", "a func cannot be sent" + choice},
		{reflect.TypeFor[[]func()](), "[]", "a func cannot be sent" + choice},
		{reflect.TypeFor[[2]func()](), "[]", "a func cannot be sent" + choice},
		{reflect.TypeFor[*func()](), "", "a func cannot be sent" + choice},
		{reflect.TypeFor[map[string]func()](), "{}", "a func cannot be sent" + choice},
		{reflect.TypeFor[map[chan int]int](), "{key}", "a chan cannot be sent" + choice},
		{reflect.TypeFor[map[*int]int](), "{key}", "a key with a pointer or an interface has no canonical bytes"},
		{reflect.TypeFor[map[wrapped[any]]int](), "{key}", "a key with a pointer or an interface has no canonical bytes"},
		{reflect.TypeFor[map[[1]*int]int](), "{key}", "a key with a pointer or an interface has no canonical bytes"},
		{reflect.TypeFor[struct{ A []map[string]chan int }](), "A[]{}", "a chan cannot be sent" + choice},
		{reflect.TypeFor[struct{ A wrapped[chan int] }](), "A.V", "a chan cannot be sent" + choice},
		{reflect.TypeFor[struct{ E error }](), "E", "an interface with methods, of which no peer knows the type; use a struct, or register a content.Codec"},
		{reflect.TypeFor[embeddedChan](), "C", "a chan cannot be sent" + choice},
		{reflect.TypeFor[tagged](), "", `field A: tag rejoin:"name" is not of the form name=x,was=y`},
		{reflect.TypeFor[other](), "", `field A: tag rejoin:"name=x,is=y" is not of the form name=x,was=y`},
		{reflect.TypeFor[twice](), "", "fields A and B both have the name \"x\"; give one another by a tag `rejoin:\"name=…\"`"},
		{reflect.TypeFor[former](), "", `fields B and A both have the name "B"`},
		{reflect.TypeFor[formers](), "", `fields A and B both have the name "y"`},
		{reflect.TypeFor[embedded](), "", "fields base.ID and X both have the name \"ID\"; give one another by a tag `rejoin:\"name=…\"`"},
		{reflect.TypeFor[struct{ sealed }](), "", "field sealed is not exported; give the type a binary, text or JSON form, or register a content.Codec"},
	} {
		for range 2 { // compiled, and remembered
			_, err := LeafOf(tt.typ)
			var e *TypeError
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.typ, e.Type)
			require.Equal(t, tt.path, e.Path, "%v", tt.typ)
			require.Equal(t, tt.want, e.Reason, "%v", tt.typ)
			text := tt.typ.String() + ": "
			if tt.path != "" {
				text += tt.path + ": "
			}
			require.EqualError(t, err, text+tt.want)
		}
	}
}

// TestTypesOfContentAgain: what stands in a type that failed fails by itself, too, and what
// does not is not harmed.
func TestTypesOfContentAgain(t *testing.T) {
	type deepest struct{ F func() int8 }
	type fine struct{ N int8 }
	type middle struct {
		Fine fine
		To   *deepest
	}
	type outer struct {
		N  int16
		In []middle
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[outer](), reflect.TypeFor[func() int8](), reflect.TypeFor[deepest](), reflect.TypeFor[*deepest](), reflect.TypeFor[middle](), reflect.TypeFor[[]middle](),
	} {
		_, err := LeafOf(typ)
		require.ErrorContains(t, err, "a func cannot be sent", "%v", typ)
	}
	require.Equal(t, fine{1}, through(t, fine{1}))
	require.Equal(t, []unsendable{{n: 5}}, through(t, []unsendable{{n: 5}}))
	_, err := LeafOf(reflect.TypeFor[chan int]())
	require.ErrorContains(t, err, "a chan cannot be sent")
}

// TestPathsOfContent shortens the path of a place that is far down.
func TestPathsOfContent(t *testing.T) {
	refused := refuse(reflect.TypeFor[int](), "no")
	err := within("a", within("b", within("[]", within("{}", within("c", refused)))))
	require.EqualError(t, err, "int: a.b[]{}.c: no")
	long := strings.Repeat("x", 80)
	require.Equal(t, long, shortened(long))
	require.Equal(t, long+"…", shortened(long+"x"))
	require.Equal(t, long+"…", shortened("x"+long+"…"), "it has been shortened before")
	require.Equal(t, long[:79]+"…", shortened(long[:79]+"éx"), "a character is not cut")
	require.ErrorIs(t, within("a", ErrDeep), ErrDeep)
	require.EqualError(t, within("a", ErrDeep), ErrDeep.Error(), "what is no error about a type stays")
}

// TestNamesOfFields pins the names under which fields are stored, and the order by which
// they are.
func TestNamesOfFields(t *testing.T) {
	type all struct {
		base2
		Plain  int
		Tagged int  `json:"tagged,omitempty"`
		Out    int  `json:"-"`
		Both   int  `json:"json" rejoin:"name=stored"`
		Empty  int  `json:",omitempty" rejoin:""`
		Former int  `rejoin:"was=old,was=older"`
		Inner  base `json:"inner"`
		Time   struct {
			time.Time
		}
	}
	v := all{
		base2: base2{base{"i", 2}, "e"}, Plain: 1, Tagged: 2, Out: 4, Both: 5, Empty: 6, Former: 7, Inner: base{"n", 0},
	}
	stored, kept, err := Store(v)
	require.NoError(t, err)
	require.Equal(t, v, stored)
	require.Equal(t, "\x0b\x0a"+
		"\x05Empty\x03\x81\x06"+
		"\x05Extra\x06\x01e"+
		"\x06Former\x03\x81\x07"+
		"\x02ID\x06\x01i"+
		"\x03Out\x03\x81\x04"+
		"\x05Plain\x03\x81\x01"+
		"\x04Seen\x03\x81\x02"+
		"\x05inner\x0b\x01\x02ID\x06\x01n"+
		"\x06stored\x03\x81\x05"+
		"\x06tagged\x03\x81\x02", string(AppendFull(nil, &stored, kept)))

	// A dash is a name if a comma follows; no struct here has such a tag, as it looks like a mistake.
	dash := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Dash", Type: reflect.TypeFor[int](), Tag: `json:"-,"`}})).Elem()
	dash.Field(0).SetInt(3)
	leaf, err := LeafOf(dash.Type())
	require.NoError(t, err)
	full, err := leaf.Replace(dash, "")
	require.NoError(t, err)
	require.Equal(t, "\x0b\x01\x01-\x03\x81\x03", full)

	old, _, bad := Load[all]("\x0b\x02\x03old\x03\x81\x01\x05older\x03\x81\x02")
	require.Nil(t, bad)
	require.Equal(t, all{Former: 1}, old, "the first of the earlier names")
	old, _, bad = Load[all]("\x0b\x01\x05older\x03\x81\x02")
	require.Nil(t, bad)
	require.Equal(t, all{Former: 2}, old)
	old, _, bad = Load[all]("\x0b\x02\x06Former\x03\x81\x03\x03old\x03\x81\x01")
	require.Nil(t, bad)
	require.Equal(t, all{Former: 3}, old, "the name before all earlier ones")
}

// TestEmbedded: the fields of an embedded struct are those of the one around it, unless the
// embedded one is a value of its own or has a name.
func TestEmbedded(t *testing.T) {
	require.Equal(t, "\x0b\x02\x04Rank\x0d\x01\x05\x04Time\x08\x81\x05\x00\x00\x00\x00\x80", fullOf(t, struct {
		time.Time
		Rank
		N int
	}{time.Unix(5, 0).UTC(), Rank{5}, 0}), "two values of their own, of which neither speaks for the whole")
	type Base struct{ ID string }
	require.Equal(t, "\x0b\x01\x02ID\x06\x01a", fullOf(t, struct{ Base }{Base{"a"}}))
	require.Equal(t, "\x0b\x01\x01b\x0b\x01\x02ID\x06\x01a", fullOf(t, struct {
		Base `json:"b"`
	}{Base{"a"}}))
	require.Equal(t, "\x0b\x01\x04Base\x0b\x01\x02ID\x06\x01a", fullOf(t, struct{ *Base }{&Base{"a"}}))
	_, err := LeafOf(reflect.TypeFor[struct {
		celsius
		loose
	}]())
	require.ErrorContains(t, err, "field celsius is not exported; give the type a binary, text or JSON form")
}

// fullOf returns the full form of a value as it is stored.
func fullOf[V any](t *testing.T, v V) string {
	t.Helper()
	stored, kept, err := Store(v)
	require.NoError(t, err)
	full := string(AppendFull(nil, &stored, kept))
	require.True(t, IsFull(full), "%q", full)
	return full
}

// TestFormInUse: a kind is stored by its kind, whatever other forms it has but a binary
// one; what no kind covers by its text, else its JSON.
func TestFormInUse(t *testing.T) {
	require.Equal(t, "\x0b\x01\x04Name\x06\x01a", fullOf(t, named{"a"}))
	require.Equal(t, "\x0e\x015", fullOf(t, []unsendable{{n: 5}})[2:])
	require.Equal(t, "\x0f\x015", fullOf(t, []unwritten{{n: 5}})[2:])
	require.Equal(t, "\x0d\x01\x05", fullOf(t, []ranked{{Rank: 5}})[2:])
	require.Equal(t, "\x00", fullOf(t, []ranked{{}})[2:])
	for _, full := range []string{"\x0e\x04is b", "\x0f\x05\"j b\"", "\x0b\x01\x04Name\x06\x01b"} {
		v, _, bad := Load[named](full)
		require.Nil(t, bad)
		require.Equal(t, named{"b"}, v, "%q", full)
	}
}

// TestZeroFields: a field that is zero is left out, whatever its bits are.
func TestZeroFields(t *testing.T) {
	type all struct {
		F float64
		C complex128
		T time.Time
		A [2]float64
		S struct{ A, B float64 }
		P *int
		L []int
	}
	negative := -1 / inf()
	require.Equal(t, "\x0b\x00", fullOf(t, all{
		F: negative, C: complex(negative, 0), A: [2]float64{0, negative}, S: struct{ A, B float64 }{0, negative}, T: time.Time{},
	}))
	require.Equal(t, "\x0b\x05"+
		"\x01A\x09\x02\x04\x80\x0f\xff\xff\xff\xff\xff\xff\x04\xbf\xff\xff\xff\xff\xff\xff\xff"+
		"\x01L\x09\x00"+
		"\x01P\x03\x80"+
		"\x01S\x0b\x01\x01B\x04\xbf\xff\xff\xff\xff\xff\xff\xff"+
		"\x01T\x08\x7a\xf1\x88\x6e\x09\x00\x00\x00\x00\x00\x82\x0e\x10", fullOf(t, all{
		A: [2]float64{0, 1}, L: []int{}, P: new(0), S: struct{ A, B float64 }{0, 1}, T: east(time.Time{}),
	}))
}

func inf() float64 { return math.Inf(1) }
