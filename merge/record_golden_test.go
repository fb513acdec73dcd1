package merge_test

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// TestRecordGolden pins the encodings of records and tokens, in both
// directions. A failure means that stored data can no longer be read, or that
// old and new versions of a program no longer agree on bytes.
func TestRecordGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/record.txt")
	require.NoError(t, err)
	p := samplePlan(t)
	n := 0
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, field, 4, "%q", line)
		t.Run(field[0], func(t *testing.T) {
			fromJSON, fromBinary := p.NewRecord(), p.NewRecord()
			require.NoError(t, fromJSON.UnmarshalJSON([]byte(field[1])))
			b, err := fromJSON.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, field[2], hex.EncodeToString(b))
			require.NoError(t, fromBinary.UnmarshalBinary(b))
			js, err := fromBinary.MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, field[1], string(js))
			_, token := fromBinary.Snapshot()
			text, err := token.MarshalText()
			require.NoError(t, err)
			require.Equal(t, field[3], string(text))
		})
		n++
	}
	require.Equal(t, 4, n)
}

// goldens returns the records of which testdata/record.txt holds the encodings.
func goldens(t *testing.T) []*merge.Record[sample] {
	t.Helper()
	p := samplePlan(t)
	empty, compacted, full := p.NewRecord(), fullSample(t, p), fullSample(t, p)
	require.NoError(t, compacted.Compact(2))
	require.NoError(t, compacted.Delete(writer("us")))
	forgotten := p.NewRecord()
	add := func(n int) func(*sample) {
		return func(v *sample) {
			v.Lines, v.Cells = []sampleLine{{Key: "k", sampleRow: sampleRow{Qty: n}}}, map[string]sampleRow{"c": {}}
		}
	}
	require.NoError(t, forgotten.Update(writer("us"), set(add(1))))
	require.NoError(t, forgotten.Update(writer("us"), set(func(v *sample) { *v = sample{} })))
	require.NoError(t, forgotten.CompactRows(2, 3))
	require.NoError(t, forgotten.Update(writer("us"), set(add(2))))
	return []*merge.Record[sample]{empty, full, compacted, forgotten}
}

// TestRecordGoldenStates makes the states of the golden file by writes.
func TestRecordGoldenStates(t *testing.T) {
	file, err := os.ReadFile("testdata/record.txt")
	require.NoError(t, err)
	for i, r := range goldens(t) {
		b, err := r.MarshalBinary()
		require.NoError(t, err)
		require.Contains(t, string(file), "\t"+hex.EncodeToString(b)+"\t", "state %d", i)
	}
}
