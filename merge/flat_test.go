package merge_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
)

type EmbeddedScalars struct {
	Word  uint16
	Small int8
}

// A scalarsOnly has a field of every kind that is merged at its offset, one of
// them in an embedded struct, with holes between them.
type scalarsOnly struct {
	EmbeddedScalars
	A bool
	B int8
	C int16
	D int32
	E int64
	F int
	G uint8
	H uint16
	I uint32
	J uint64
	K uintptr
	L float32
	M float64
	N string
	O namedString
	P bool
}

type namedString string

// set sets every field to one of a few values; which one, digit says.
func (s *scalarsOnly) set(digit func() int) {
	v := reflect.ValueOf(s).Elem()
	floats := []float64{0, math.Copysign(0, -1), math.NaN()}
	texts := []string{"", "a", "b"}
	for i := 1; i < v.NumField(); i++ {
		f, d := v.Field(i), digit()
		switch {
		case f.Kind() == reflect.Bool:
			f.SetBool(d > 0)
		case f.CanInt():
			f.SetInt(int64(d) << (f.Type().Bits() - 3))
		case f.CanUint():
			f.SetUint(uint64(d) << (f.Type().Bits() - 2))
		case f.CanFloat():
			f.SetFloat(floats[d])
		default:
			f.SetString(texts[d])
		}
	}
	s.Word, s.Small = uint16(digit())<<14, int8(digit())<<5
}

// TestScalarsAtOffsets: a struct of scalars is merged by a path of its own, which
// takes of each field what the general one takes. Explain uses that one.
func TestScalarsAtOffsets(t *testing.T) {
	plan, err := merge.Compile(merge.Options[scalarsOnly]{})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		digit := func() int { return rapid.IntRange(0, 2).Draw(t, "digit") }
		var base scalarsOnly
		sides := make([]merge.Side[scalarsOnly], 2)
		base.set(digit)
		for i := range sides {
			sides[i] = merge.Side[scalarsOnly]{Value: base, Stamp: stamp(int64(1+digit()%2), "eu")}
			sides[i].Value.set(digit)
		}
		got, err := plan.Merge(&base, sides...)
		require.NoError(t, err)
		want, _, err := plan.Explain(&base, sides...)
		require.NoError(t, err)
		require.Equal(t, bitsOf(&want), bitsOf(&got))
		sides[0], sides[1] = sides[1], sides[0]
		again, err := plan.Merge(&base, sides...)
		require.NoError(t, err)
		require.Equal(t, bitsOf(&got), bitsOf(&again))
	})
}

// bitsOf returns s with its floats as bits, so that NaN equals itself and -0 does
// not equal 0.
func bitsOf(s *scalarsOnly) []any {
	rest := *s
	rest.L, rest.M = 0, 0
	return []any{rest, math.Float32bits(s.L), math.Float64bits(s.M)}
}

func TestScalarsAllocs(t *testing.T) {
	plan := merge.MustCompile(merge.Options[flat]{})
	base, sides := flatSides()
	require.Zero(t, testing.AllocsPerRun(100, func() { flatSink, _ = plan.Merge(&base, sides...) }))
}
