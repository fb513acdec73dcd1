package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// TestRecordNarrowKeys: a program whose keys are of a smaller type does not show what has another
// key, and keeps it for those that can read it.
func TestRecordNarrowKeys(t *testing.T) {
	type line[K any] struct {
		Key  K
		Note string
	}
	type pair[K any] struct {
		A    K
		B    string
		Note string
	}
	type doc[K comparable] struct {
		Name  string
		Lines []line[K]  `merge:"keyed=Key"`
		Refs  []*line[K] `merge:"keyed=Key"`
		Pairs []pair[K]  `merge:"keyed=A+B"`
		Tags  []K        `merge:"set"`
		Seen  []K        `merge:"union"`
		Prefs map[K]string
		Cells map[K]line[string]
	}
	wide, narrow := recordPlan(t, merge.Options[doc[int64]]{}), recordPlan(t, merge.Options[doc[int8]]{})
	full := doc[int64]{
		Lines: []line[int64]{{300, "far"}, {1, "near"}, {2, "next"}}, Refs: []*line[int64]{{1, "near"}, {300, "far"}}, Pairs: []pair[int64]{{300, "x", "far"}, {1, "x", "near"}},
		Tags: []int64{1, 300}, Seen: []int64{1, 300}, Prefs: map[int64]string{1: "near", 300: "far"}, Cells: map[int64]line[string]{1: {"", "near"}, 300: {"", "far"}},
	}
	r := wide.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(d *doc[int64]) { *d = full })))
	sees := doc[int8]{
		Lines: []line[int8]{{1, "near"}, {2, "next"}}, Refs: []*line[int8]{{1, "near"}}, Pairs: []pair[int8]{{1, "x", "near"}},
		Tags: []int8{1}, Seen: []int8{1}, Prefs: map[int8]string{1: "near"}, Cells: map[int8]line[string]{1: {"", "near"}},
	}
	here := exchange(t, r, narrow)
	require.Equal(t, sees, value(t, here))
	before := here.Clone()
	require.NoError(t, here.Update(writer("eu"), set(func(*doc[int8]) {})))
	require.True(t, here.Equal(before), "to write back what one reads is no change")
	require.NoError(t, here.Update(lww.Writer{Replica: "us", Clock: &ticks{now: 100}}, set(func(d *doc[int8]) {
		d.Name = "n"
		d.Lines = append(d.Lines, line[int8]{3, "new"})
		d.Tags = nil
	})))
	sees.Name, sees.Lines, sees.Tags = "n", append(sees.Lines, line[int8]{3, "new"}), nil
	require.Equal(t, sees, value(t, here))
	there := exchange(t, here, wide)
	full.Name, full.Lines, full.Tags = "n", append(full.Lines, line[int64]{3, "new"}), []int64{300}
	require.Equal(t, full, value(t, there))
	require.ElementsMatch(t, []string{"Name", "Lines.3.Note", "Tags.1"}, r.Changed(there))

	only := wide.NewRecord()
	require.NoError(t, only.Update(writer("eu"), set(func(d *doc[int64]) {
		*d = doc[int64]{Lines: full.Lines[:1], Tags: []int64{300}, Seen: []int64{300}, Prefs: map[int64]string{300: "far"}, Cells: map[int64]line[string]{300: {}}}
	})))
	require.Equal(t, doc[int8]{}, value(t, exchange(t, only, narrow)), "nothing that it could show")
	for _, c := range narrow.NewRecord().Explain(exchange(t, only, narrow)).Changes {
		require.Regexp(t, `^(Lines|Tags|Seen|Prefs|Cells)\."`, c.Path, "a key that cannot be read is quoted")
	}
}
