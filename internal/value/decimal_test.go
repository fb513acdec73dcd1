package value

import (
	"cmp"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDecimal reads numbers of every type that a document may hold, and gives those
// of one value one text.
func TestDecimal(t *testing.T) {
	for want, same := range map[string][]any{
		"0":                     {0, 0.0, math.Copysign(0, -1), float32(0), uint8(0), json.Number("-0"), json.Number("0.00e7")},
		"1":                     {1, 1.0, float32(1), int8(1), uint64(1), json.Number("1.0"), json.Number("10e-1"), json.Number("0.01E+2")},
		"-15e-1":                {-1.5, float32(-1.5), json.Number("-1.50")},
		"1e2":                   {100, 1e2, json.Number("100")},
		"1e-1":                  {0.1, float32(0.1), json.Number("0.1")},
		"16777216":              {float32(1 << 24), 1 << 24},
		"18446744073709551615":  {uint64(math.MaxUint64), json.Number("18446744073709551615")},
		"-9223372036854775808":  {int64(math.MinInt64)},
		"NaN":                   {math.NaN(), float32(math.NaN())},
		"+Inf":                  {math.Inf(1), float32(math.Inf(1))},
		"-Inf":                  {math.Inf(-1)},
		"1e1073741824":          {json.Number("1e1073741824")},
		"1e-1073741824":         {json.Number("1e-1073741824")},
		"123456789012345678901": {json.Number("123456789012345678901")},
		"3333333333333333e-16":  {1.0 / 3}, // the shortest that leads back
	} {
		for _, x := range same {
			d, ok := DecimalOf(x)
			require.True(t, ok, "%T %v", x, x)
			require.Equal(t, want, d.String(), "%T %v", x, x)
			require.True(t, SameDocument(x, x) && SameDocument(same[0], x) && SameDocument(x, same[0]), "%T %v", x, x)
		}
	}
	for _, bad := range []string{"", "x", " 1", "1 ", "01", "+1", ".5", "5.", "1e", "NaN", "Inf", "0x10", "1e1073741825", "1e-1073741825", "1e99999999999999999999", "[1]", "-"} {
		_, ok := DecimalOf(json.Number(bad))
		require.False(t, ok, bad)
	}
}

// TestDecimalOrder lists numbers in ascending order.
func TestDecimalOrder(t *testing.T) {
	numbers := []any{
		math.NaN(), math.Inf(-1), json.Number("-1e400"), -20, -3, -2.5, json.Number("-1e-400"), 0, json.Number("1e-400"), 0.25, 2, 2.5, 3, 20, 21,
		json.Number("1e400"), math.Inf(1),
	}
	for i, x := range numbers {
		for j, y := range numbers {
			a, _ := DecimalOf(x)
			b, _ := DecimalOf(y)
			c := a.Compare(b)
			require.Equal(t, cmp.Compare(i, j), c, "%v and %v", x, y)
		}
	}
}

// TestDecimalInteger tells the numbers that are integers of 64 bits.
func TestDecimalInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "7": 7, "-7": -7, "70": 70, "7e2": 700, "1200e-2": 12,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "1e18": 1e18,
	} {
		d, ok := DecimalOf(json.Number(text))
		require.True(t, ok)
		n, ok := d.Integer()
		require.True(t, ok, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"0.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e1000000000"} {
		d, ok := DecimalOf(json.Number(text))
		require.True(t, ok)
		_, ok = d.Integer()
		require.False(t, ok, text)
	}
	d, _ := DecimalOf(math.Inf(1))
	_, ok := d.Integer()
	require.False(t, ok)
}
