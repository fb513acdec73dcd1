package value

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// TestSingle writes and reads values alone, as an Encoder and a Decoder of one value
// do, before and after their tables are remembered, bytes that are damaged too.
func TestSingle(t *testing.T) {
	type flat struct {
		A, B string
		N    int8
		F    float64
		X    bool
	}
	rapid.Check(t, func(t *rapid.T) {
		v := flat{
			rapid.SampledFrom([]string{"", "p", "ü"}).Draw(t, "a"), rapid.SampledFrom([]string{"", "q"}).Draw(t, "b"),
			rapid.Int8Range(-1, 1).Draw(t, "n"), rapid.SampledFrom([]float64{0, 1.5}).Draw(t, "f"), rapid.Bool().Draw(t, "x"),
		}
		stored, kept, err := Store(v)
		require.NoError(t, err)
		e := NewEncoder[flat]()
		e.Note(&stored, kept)
		want := e.Append(e.AppendTables(nil), &stored, kept)
		require.Equal(t, want, AppendOne(nil, &stored, kept))

		in := append([]byte(nil), want...)
		if rapid.Bool().Draw(t, "damaged") {
			in[rapid.IntRange(0, len(in)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "with")
		}
		in = in[:rapid.IntRange(max(0, len(in)-2), len(in)).Draw(t, "cut")]
		x, y := wire.NewReader(in), wire.NewReader(in)
		var a, b flat
		d := NewDecoder[flat](x)
		aKept, aBad := d.Next(&a)
		d.Close()
		bKept, bBad := ReadOne(y, &b)
		require.Equal(t, x.Close() == nil, y.Close() == nil)
		if x.Err() == nil {
			require.Equal(t, a, b)
			require.Equal(t, aKept, bKept)
			require.Equal(t, aBad == nil, bBad == nil)
		}
	})
	p, err := planFor[flat]()
	require.NoError(t, err)
	require.NotEmpty(t, p.known())
	require.LessOrEqual(t, len(p.known()), maxSingles)
}
