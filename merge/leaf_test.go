package merge_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
)

// An attachment has a field of every sort that a leaf can be made of.
type attachment struct {
	Bool    bool
	Int     int8
	Uint    uint64
	Float   float64
	Small   float32
	Complex complex128
	Text    string
	Bytes   []byte
	Time    time.Time
	Ptr     *string
	Array   [2]int
	Addr    netip.Addr
	Big     big.Int
	Any     any
	In      struct{ Text string }
	Next    *struct{ Text string }
}

func leafRoundTrip[V any](t *testing.T, v V, want string) {
	t.Helper()
	p, err := merge.AppendLeaf(nil, &v)
	require.NoError(t, err)
	require.Equal(t, want, hex.EncodeToString(p), "%v", v)
	back, err := merge.DecodeLeaf[V](p)
	require.NoError(t, err)
	require.Zero(t, merge.CompareLeaf(&v, &back), "%v and %v", v, back)
}

// TestLeafBytes pins the table of the encoding.
func TestLeafBytes(t *testing.T) {
	text := "x"
	leafRoundTrip(t, true, "01")
	leafRoundTrip(t, 0, "80")
	leafRoundTrip(t, 1, "8101")
	leafRoundTrip(t, 256, "820100")
	leafRoundTrip(t, -1, "7f")
	leafRoundTrip(t, -2, "7efe")
	leafRoundTrip(t, int64(math.MinInt64), "778000000000000000")
	leafRoundTrip(t, uint64(math.MaxUint64), "88ffffffffffffffff")
	leafRoundTrip(t, 0.0, "800fffffffffffff")
	minus := math.Copysign(0, -1)
	p, err := merge.AppendLeaf(nil, &minus)
	require.NoError(t, err)
	require.Equal(t, "800fffffffffffff", hex.EncodeToString(p), "−0 is 0")
	leafRoundTrip(t, "text", "74657874")
	leafRoundTrip(t, []byte(nil), "")
	leafRoundTrip(t, []byte{}, "01")
	leafRoundTrip(t, []byte{7}, "0107")
	leafRoundTrip(t, &text, "0178")
	leafRoundTrip(t, (*string)(nil), "")
	leafRoundTrip(t, [2]int{1, 0}, "0281010180")
	leafRoundTrip(t, time.Unix(1, 2).UTC(), "810100000002")
	leafRoundTrip(t, time.Unix(1, 2).In(time.FixedZone("", -3600)), "8101000000027df1f0")
	leafRoundTrip(t, item{Key: "k", Count: 1}, "05436f756e74028101034b6579016b")
	leafRoundTrip(t, any(nil), "00")
	leafRoundTrip(t, any(1.5), "02"+hex.EncodeToString([]byte("15e-1")))
	leafRoundTrip(t, any(map[string]any{"a": []any{true, "x"}}), "050161"+"07"+"04"+"020101"+"020378")
	leafRoundTrip(t, netip.MustParseAddr("10.0.0.1"), "0a000001")
}

// TestLeafOrder: the bytes of scalars and times sort as the values.
func TestLeafOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ordered(t, rapid.Int64())
		ordered(t, rapid.Uint64())
		ordered(t, rapid.Map(rapid.Float64(), func(f float64) float64 { return f + 0 })) // −0 is 0
		ordered(t, rapid.SampledFrom([]float64{math.Inf(-1), -1, 0, 1, math.MaxFloat64, math.Inf(1), math.NaN()}))
		ordered(t, rapid.String())
		ordered(t, rapid.Map(rapid.Int64Range(-1<<40, 1<<40), func(n int64) time.Time { return time.Unix(n>>8, n&255).UTC() }))
	})
}

func ordered[V any](t *rapid.T, g *rapid.Generator[V]) {
	a, b := g.Draw(t, "a"), g.Draw(t, "b")
	p, err := merge.AppendLeaf(nil, &a)
	require.NoError(t, err)
	q, err := merge.AppendLeaf(nil, &b)
	require.NoError(t, err)
	require.Equal(t, merge.CompareLeaf(&a, &b), bytes.Compare(p, q), "%v and %v", a, b)
}

func TestLeafRefuses(t *testing.T) {
	for _, p := range []string{"", "81", "8100", "8201", "89010000000000000000", "7eff", "ff", "8180ff"} {
		raw, err := hex.DecodeString(p)
		require.NoError(t, err)
		_, err = merge.DecodeLeaf[int](raw)
		require.Error(t, err, p)
	}
	_, err := merge.DecodeLeaf[int8]([]byte{0x82, 1, 0})
	require.Error(t, err, "256 is no int8")
	_, err = merge.DecodeLeaf[uint]([]byte{0x7f})
	require.Error(t, err, "−1 is no uint")
	_, err = merge.DecodeLeaf[float64]([]byte("\x80\x0f\xff\xff\xff\xff\xff\xfe"))
	require.Error(t, err, "−0 is written as 0")
	for _, p := range []string{"81010000000280", "81013b9aca00", "810100000002", "8101000000028310000000"} {
		raw, err := hex.DecodeString(p)
		require.NoError(t, err)
		_, err = merge.DecodeLeaf[time.Time](raw)
		require.Equal(t, p != "810100000002", err != nil, "time %s", p)
	}
	_, err = merge.DecodeLeaf[item]([]byte("\x03Key\x00"))
	require.Error(t, err, "a zero field is left out")
	_, err = merge.DecodeLeaf[item]([]byte("\x03Kex\x01k"))
	require.ErrorContains(t, err, `has no field "Kex"`)
	_, err = merge.AppendLeaf(nil, &money{1})
	require.ErrorContains(t, err, "merge_test.money has unexported fields and no binary, text or JSON form")
	deep := bytes.Repeat([]byte{1}, 5000)
	_, err = merge.DecodeLeaf[*attachmentLoop](deep)
	require.ErrorContains(t, err, "nested deeper than 1000 levels")
}

type attachmentLoop *attachmentLoop

// FuzzLeaf decodes hostile bytes as a struct with a field of every sort: what
// is accepted is canonical.
func FuzzLeaf(f *testing.F) {
	text := "x"
	for _, v := range []attachment{
		{},
		{Bool: true, Int: -3, Uint: 7, Float: 1.5, Small: 2, Complex: 1i, Text: "t", Bytes: []byte{}, Time: time.Unix(5, 6).UTC()},
		{Ptr: &text, Array: [2]int{1, 2}, Addr: netip.IPv6Loopback()},
		{Big: *big.NewInt(12345), Any: map[string]any{"a": json.Number("1e400"), "b": []any{nil}}, Next: &struct{ Text string }{"n"}},
	} {
		p, err := merge.AppendLeaf(nil, &v)
		require.NoError(f, err)
		back, err := merge.DecodeLeaf[attachment](p)
		require.NoError(f, err)
		require.Zero(f, merge.CompareLeaf(&v, &back))
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		v, err := merge.DecodeLeaf[attachment](p)
		if err != nil {
			return
		}
		q, err := merge.AppendLeaf(nil, &v)
		require.NoError(t, err)
		require.True(t, bytes.Equal(p, q))
	})
}
