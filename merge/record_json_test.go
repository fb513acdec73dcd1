package merge_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge"
)

// TestRecordJSONIntegers writes the integers about the largest that JavaScript
// holds exactly, and about the ends of 64 bits: a number is written bare if every
// reader keeps it, and read bare only if it is written so.
func TestRecordJSONIntegers(t *testing.T) {
	p, q := recordPlan(t, merge.Options[box[int64]]{}), recordPlan(t, merge.Options[box[uint64]]{})
	const exact = 1 << 53
	for _, n := range []int64{1, -1, exact - 1, -exact, 1 - exact} {
		requireJSONValue(t, p, n, fmt.Sprint(n))
	}
	for _, n := range []int64{exact, exact + 1, -exact - 1, math.MaxInt64, math.MinInt64} {
		requireJSONValue(t, p, n, fmt.Sprintf(`{"int":"%d"}`, n))
		refusesJSONValue(t, p, n, fmt.Sprint(n))
	}
	requireJSONValue(t, q, exact-1, "9007199254740991")
	for _, n := range []uint64{exact, math.MaxInt64 + 1, math.MaxUint64} {
		requireJSONValue(t, q, n, fmt.Sprintf(`{"int":"%d"}`, n))
		refusesJSONValue(t, q, n, fmt.Sprint(n))
	}
	for _, text := range []string{
		`{"int":"-0"}`, `{"int":"-07"}`, `{"int":"07"}`, `{"int":"+7"}`, `{"int":""}`, `{"int":"-"}`, `{"int":"1e3"}`, `{"int":"1.0"}`,
		`{"int":"18446744073709551616"}`, `{"int":"-18446744073709551616"}`, `{"int":7}`, `{"int":"7","float":"7"}`, `{}`, `-0`, `1.0`, `1e3`,
	} {
		refusesJSONValue(t, p, 7, text)
	}
}

// TestRecordJSONForms pins how a value of each sort is written where people read it.
func TestRecordJSONForms(t *testing.T) {
	text := "x"
	requireJSONValue(t, recordPlan(t, merge.Options[box[[]string]]{}), []string{"a", ""}, `["a",""]`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[[][]int]]{}), [][]int{{1, -2}, {}}, `[[1,-2],[]]`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[*string]]{Paths: map[string]string{"V": "atomic"}}), &text, `{"to":"x"}`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[bool]]{}), true, `true`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[float64]]{}), 1.5, `{"float":"1.5"}`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[time.Time]]{}), time.Unix(1, 5).UTC(), `{"time":"1970-01-01T00:00:01.000000005Z"}`)
	requireJSONValue(t, recordPlan(t, merge.Options[box[[]byte]]{}), []byte{7}, `{"base64":"AQc="}`)
}

// TestRecordJSONRefusesTypes names types of values that there are not.
func TestRecordJSONRefusesTypes(t *testing.T) {
	p := recordPlan(t, merge.Options[box[string]]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[string]) { b.V = "x" })))
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	for _, typ := range []string{"text", " of string", "list of ", "list of text", "string of list of string", "String"} {
		bad := strings.Replace(string(js), `"type":"string"`, fmt.Sprintf(`"type":%q`, typ), 1)
		require.NotEqual(t, string(js), bad)
		require.ErrorIs(t, p.NewRecord().UnmarshalJSON([]byte(bad)), wire.ErrDamaged, "%s", typ)
	}
}

// requireJSONValue requires that a record with a value has text for it in JSON, and
// comes back from there.
func requireJSONValue[V any](t *testing.T, p *merge.Plan[box[V]], v V, text string) {
	t.Helper()
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[V]) { b.V = v })))
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(js), `"value":`+text+`,"stamp"`)
	require.Equal(t, v, value(t, reread(t, p, r)).V)
}

// refusesJSONValue requires that a record is not read from JSON with text as its
// value, and stays as it was.
func refusesJSONValue[V any](t *testing.T, p *merge.Plan[box[V]], v V, text string) {
	t.Helper()
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(b *box[V]) { b.V = v })))
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(js), `"value":`)
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, `,"stamp"`)
	require.True(t, ok)
	before := r.Clone()
	require.ErrorIs(t, r.UnmarshalJSON([]byte(head+`"value":`+text+`,"stamp"`+tail)), wire.ErrDamaged, "%s", text)
	require.True(t, r.Equal(before))
}

// TestGroupOfNamesThatAreNoText: JSON has no such name, so bytes with one are refused as a path is.
func TestGroupOfNamesThatAreNoText(t *testing.T) {
	type doc struct {
		Gaaa string `merge:"group=g"`
		Gbbb string `merge:"group=g"`
	}
	p := recordPlan(t, merge.Options[doc]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(d *doc) { d.Gaaa = "x" })))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, p.NewRecord().UnmarshalBinary(bytes.Replace(b, []byte("Gbbb"), []byte("Gccc"), 1)), "a name that the plan does not have")
	require.Error(t, p.NewRecord().UnmarshalBinary(bytes.Replace(b, []byte("Gbbb"), []byte("G\xffbb"), 1)))
}
