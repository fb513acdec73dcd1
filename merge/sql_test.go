package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/merge"
)

// TestRecordInAColumn writes a record to a column of bytes and reads it back, also from one of
// JSON. What is no record is refused, and leaves the one that it is read into as it was.
func TestRecordInAColumn(t *testing.T) {
	p := recordPlan(t, merge.Options[profile]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *profile) { v.Name = "Ann" })))
	column, err := r.Value()
	require.NoError(t, err)
	require.IsType(t, []byte(nil), column)
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	for _, src := range []any{column, string(js)} {
		back := p.NewRecord()
		require.NoError(t, back.Scan(src))
		require.True(t, back.Equal(r))
	}
	before := r.Clone()
	require.EqualError(t, r.Scan(nil), "merge: scan Record: NULL; a nullable column takes sql.Null")
	require.EqualError(t, r.Scan(7), "merge: scan Record: int is neither bytes nor text")
	require.ErrorContains(t, r.Scan([]byte{1}), "merge: decode Record: ")
	require.ErrorIs(t, r.Scan("{}"), wire.ErrDamaged)
	require.True(t, r.Equal(before))
}
