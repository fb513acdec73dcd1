package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
)

// An oldSample is a sample of which an older program knows less, or otherwise.
type oldSample struct {
	Name  string
	From  int    `merge:"group=span"`
	High  string `merge:"max"`
	Low   int
	Tags  []string      `merge:"set"`
	Box   *oldSampleRow `merge:"fields"`
	Lines []struct {
		Key string
		Qty int
	} `merge:"keyed=Key"`
}

type oldSampleRow struct{ Stock int }

// requireChanged checks that Changed tells of a merge exactly if it changes
// something, and nothing of one that was done.
func requireChanged[T any](t require.TestingT, a, b *merge.Record[T]) {
	c, paths := a.Clone(), a.Changed(b)
	require.Equal(t, c.Merge(b), len(paths) > 0, "%q", paths)
	require.Equal(t, !c.Equal(a), len(paths) > 0, "%q", paths)
	require.Empty(t, c.Changed(b))
	seen := map[string]bool{}
	for _, p := range paths {
		require.False(t, seen[p], "%q is told twice", p)
		seen[p] = true
	}
	for _, change := range a.Explain(b).Changes {
		require.NotEmpty(t, change.Candidates, change.Path)
	}
}

// TestRecordChanged asks after random histories, with deletes and compactions
// that no matrix called safe, and in programs that do not know all fields,
// whether Changed and Merge say the same.
func TestRecordChanged(t *testing.T) {
	p, older := samplePlan(t), recordPlan(t, merge.Options[oldSample]{})
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(p, "eu", "us", "ap")
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			h.step(t)
		}
		for _, s := range h.sites {
			if r := s.rec; rapid.IntRange(0, 3).Draw(t, "compact") == 0 && r.Latest() > 0 {
				require.NoError(t, r.Compact(hlc.Timestamp(rapid.Uint64Range(0, uint64(r.Latest())).Draw(t, "horizon"))))
			}
		}
		for _, a := range h.sites {
			requireChanged(t, new(merge.Record[sample]), a.rec)
			requireChanged(t, a.rec, new(merge.Record[sample]))
			for _, b := range h.sites {
				requireChanged(t, a.rec, b.rec)
				requireChanged(t, exchange(t, a.rec, older), exchange(t, b.rec, older))
			}
		}
	})
}
