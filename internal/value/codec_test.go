package value

import (
	"cmp"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain hands over what programs do for some types of the tests, as it has to be
// before they are used.
func TestMain(m *testing.M) {
	Register(reflect.TypeFor[weight](), &Codec{
		Encode: func(v reflect.Value) ([]byte, error) {
			if g := v.Interface().(weight).grams; g >= 0 {
				return []byte{byte(g)}, nil
			}
			return nil, errors.New("a weight is not negative")
		},
		Decode: func(p []byte, dst reflect.Value) error {
			if len(p) != 1 {
				return errors.New("a weight is one byte")
			}
			dst.Set(reflect.ValueOf(weight{int(p[0])}))
			return nil
		},
	})
	Register(reflect.TypeFor[ranked](), &Codec{Compare: func(a, b reflect.Value) int {
		return cmp.Compare(a.Interface().(ranked).Rank, b.Interface().(ranked).Rank)
	}})
	Register(reflect.TypeFor[time.Time](), &Codec{
		Encode: func(reflect.Value) ([]byte, error) { panic("a time keeps its form, whatever is handed over") },
		Decode: func([]byte, reflect.Value) error { panic("a time keeps its form, whatever is handed over") },
	})
	os.Exit(m.Run())
}

type (
	// A weight has a codec, and no form of its own.
	weight struct{ grams int }

	// A ranked has a form that does not keep its note, and an order that does not look at it.
	ranked struct {
		Rank byte
		Note string
	}
)

func (r ranked) MarshalBinary() ([]byte, error) { return []byte{r.Rank}, nil }

func (r *ranked) UnmarshalBinary(p []byte) error {
	if len(p) != 1 {
		return errors.New("a rank is one byte")
	}
	*r = ranked{Rank: p[0]}
	return nil
}

// TestRegister takes a codec for a type once, and before the type is used.
func TestRegister(t *testing.T) {
	require.PanicsWithValue(t, "content: register value.weight: the type has been used", func() {
		CodecOf(reflect.TypeFor[weight]())
		Register(reflect.TypeFor[weight](), &Codec{})
	})
	type asked struct{}
	require.False(t, CodecOf(reflect.TypeFor[asked]()).Encodes())
	require.PanicsWithValue(t, "content: register value.asked: the type has been used", func() {
		Register(reflect.TypeFor[asked](), &Codec{})
	})
	type planned struct{ N int }
	_, _, err := Store(planned{1})
	require.NoError(t, err)
	require.PanicsWithValue(t, "content: register value.planned: the type has been used", func() {
		Register(reflect.TypeFor[planned](), &Codec{})
	})
	require.True(t, CodecOf(reflect.TypeFor[weight]()).Encodes())
	require.False(t, CodecOf(reflect.TypeFor[ranked]()).Encodes(), "its form is its own")
}

// TestCodecOfWeight: a type with a codec is encoded by that, wherever it stands, and what
// the codec says of a value is in the error.
func TestCodecOfWeight(t *testing.T) {
	require.Equal(t, weight{7}, through(t, weight{7}))
	require.Equal(t, weight{}, through(t, weight{}))
	require.Equal(t, []weight{{1}, {}}, through(t, []weight{{1}, {}}))
	require.Equal(t, map[weight]int{{}: 1, {2}: 2}, through(t, map[weight]int{{}: 1, {2}: 2}))
	require.EqualError(t, third(Store([]weight{{-1}})), "[]value.weight: [0]: a weight is not negative")
	_, _, bad := Load[[]weight]("\x09\x01\x0d\x02ab")
	require.EqualError(t, bad, "unreadable value: field [0]: stored own, want struct value.weight: a weight is one byte")
}

// TestOrderedByProgram: whether a form keeps a value is asked of the order that was
// handed over, but of the zero value, of which it may know nothing.
func TestOrderedByProgram(t *testing.T) {
	require.Equal(t, ranked{Rank: 3}, through(t, ranked{3, "lost"}), "equal by its order")
	require.EqualError(t, third(Store(ranked{0, "lost"})),
		"value.ranked: its own encoding does not keep all of the value; complete it, or register a content.Codec")
}
