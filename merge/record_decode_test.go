package merge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge"
)

// TestTokenRefuses reads what no token is written as: each is refused, and leaves the token
// as it was.
func TestTokenRefuses(t *testing.T) {
	p := recordPlan(t, merge.Options[profile]{})
	r := p.NewRecord()
	require.NoError(t, r.Delete(writer("ap")))
	require.NoError(t, r.Update(writer("eu"), set(func(v *profile) { v.Name, v.Note = "Ann", "calls back" })))
	_, token := r.Snapshot()
	text, err := token.MarshalText()
	require.NoError(t, err)
	data, err := token.MarshalBinary()
	require.NoError(t, err)
	record, err := r.MarshalBinary()
	require.NoError(t, err)
	_, nothing := p.NewRecord().Snapshot()
	empty, err := nothing.MarshalBinary()
	require.NoError(t, err)

	for name, bad := range map[string]string{
		"a line break": string(text[:4]) + "\n" + string(text[4:]), "other letters": "*" + string(text[1:]), "padding": string(text) + "=",
		"cut": string(text[:len(text)-4]), "nothing": "",
	} {
		err := token.UnmarshalText([]byte(bad))
		require.ErrorIs(t, err, wire.ErrDamaged, name)
		require.ErrorContains(t, err, "merge: decode Token: ", name)
	}
	for name, bad := range map[string][]byte{
		"more behind": append(data, 0), "a record": record,
		"a horizon that is no time": append(append([]byte{empty[0]}, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")...), empty[2:]...),
	} {
		err := token.UnmarshalBinary(bad)
		require.ErrorIs(t, err, wire.ErrDamaged, name)
		require.ErrorContains(t, err, "merge: decode Token: ", name)
	}
	require.ErrorIs(t, token.UnmarshalBinary(append([]byte{data[0] + 1}, data[1:]...)), wire.ErrVersion)
	after, err := token.MarshalText()
	require.NoError(t, err)
	require.Equal(t, string(text), string(after))
	require.NoError(t, token.UnmarshalBinary(empty))
	require.Equal(t, nothing, token)
}

// TestTokenHoldsNoValues: the fields of a record, whose values a token has not, are none of a token.
func TestTokenHoldsNoValues(t *testing.T) {
	p := recordPlan(t, merge.Options[profile]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *profile) { v.Name = "Ann" })))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	_, token := p.NewRecord().Snapshot()
	empty, err := token.MarshalBinary()
	require.NoError(t, err)
	const print64 = 8 // bytes of the fingerprint, which a token lacks
	require.ErrorContains(t, token.UnmarshalBinary(append(b[:1:1], b[1+print64:]...)), "a value in a token")
	require.NoError(t, token.UnmarshalBinary(empty))
}

// TestRecordDecodeRefuses reads what no record is written as: each is refused with what is
// wrong, and leaves the record as it was.
func TestRecordDecodeRefuses(t *testing.T) {
	p := recordPlan(t, merge.Options[profile]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *profile) { v.Name = "Ann" })))
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	before := r.Clone()
	replace := func(old, next string) string {
		out := strings.Replace(string(js), old, next, 1)
		require.NotEqual(t, string(js), out)
		return out
	}
	const early, late = "2026-11-23T12:00:00.000000000Z", "2026-11-24T12:00:00.000000000Z"
	tests := map[string]string{
		"text after the record":               string(js) + " {}",
		"is not 16 hexadecimal digits":        replace(`{"plan":"`, `{"plan":"0`),
		`plan "" is not 16 hexadecimal`:       `{"record":{}}`,
		"unknown field":                       replace(`{"plan"`, `{"plain":1,"plan"`),
		"rows are forgotten up to":            replace(`,"record"`, `,"horizon":"`+early+`","deleted":"`+late+`","record"`),
		"horizon 9223372036854775807 is not ": replace(`,"record"`, `,"horizon":"`+hlc.Max.String()+`","record"`),
		"7 where { should be":                 replace(`,"record"`, `,"kinds":7,"record"`),
	}
	for reason, bad := range tests {
		err := r.UnmarshalJSON([]byte(bad))
		require.ErrorIs(t, err, wire.ErrDamaged, bad)
		require.ErrorContains(t, err, "merge: decode Record: ", bad)
		require.ErrorContains(t, err, reason, bad)
		require.True(t, r.Equal(before), bad)
	}
	require.NoError(t, r.UnmarshalJSON([]byte("null")))
	require.True(t, r.Equal(before), "null changes nothing")
	require.NoError(t, r.UnmarshalJSON([]byte(replace(`,"record"`, `,"horizon":"`+late+`","deleted":"`+early+`","record"`))))
	require.Equal(t, late, r.Horizon().String())
	again, err := r.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(again), `"horizon":"`+late+`","deleted":"`+early+`"`)

	var zero merge.Record[profile]
	require.EqualError(t, zero.UnmarshalJSON(js), "merge: decode Record: no plan; make the record with Plan.NewRecord")
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	require.EqualError(t, zero.UnmarshalBinary(b), "merge: decode Record: no plan; make the record with Plan.NewRecord")
	require.NoError(t, zero.UnmarshalJSON([]byte("null")))
}
