package merge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// Two versions of a program: the types and the rules of all fields change.
type (
	plainForm struct {
		N int
		P *int
		F int
		M int
		L int
		O int
	}
	otherForm struct {
		N *int
		P int
		F float64
		M int `merge:"max"`
		L int `merge:"min"`
		O int `merge:"first"`
	}
)

// A formWrite is one write of a field, by the first or the second program.
type formWrite struct {
	field string
	other bool
	value any // nil, or a float64
	stamp lww.Stamp
}

// TestRecordReadTogether plays histories of three replicas on each of which either version of
// the program writes, at random, and compares what both show, after each step, with a model
// that knows all writes: by the rule of the program, of what it can read.
func TestRecordReadTogether(t *testing.T) {
	plain, other := recordPlan(t, merge.Options[plainForm]{}), recordPlan(t, merge.Options[otherForm]{})
	rng := rand.New(rand.NewPCG(31, 41))
	for range 150 {
		var replicas [3]*merge.Record[plainForm]
		var known [3][]formWrite
		for i := range replicas {
			replicas[i] = plain.NewRecord()
		}
		for range 14 {
			i, j := rng.IntN(3), rng.IntN(3)
			if i != j && rng.IntN(2) == 0 {
				replicas[i].Merge(replicas[j])
				known[i] = append(known[i], known[j]...)
			} else {
				field := formFields()[rng.IntN(6)]
				w := formWrite{field: field, other: rng.IntN(2) == 0, value: float64(rng.IntN(4))}
				writer := lww.Writer{Replica: []vclock.Replica{"a", "b", "c"}[i], Clock: &ticks{now: hlc.Timestamp(rng.IntN(20))}}
				if w.write(t, writer, &replicas[i], plain, other, rng.IntN(6) == 0) {
					known[i] = append(known[i], w)
				}
			}
			shown, _ := replicas[i].Get()
			require.Equal(t, formOf(known[i], false), fmt.Sprint(shown.N, " ", pointed(shown.P), " ", shown.F, shown.M, shown.L, shown.O), "%v", known[i])
			seen, _ := exchange(t, replicas[i], other).Get()
			require.Equal(t, formOf(known[i], true), fmt.Sprint(pointed(seen.N), " ", seen.P, seen.F, seen.M, seen.L, seen.O), "%v", known[i])
		}
	}
}

func pointed(p *int) string {
	if p == nil {
		return "nil"
	}
	return fmt.Sprint(*p)
}

// write makes w, and reports whether that was a write; odd asks for a value that the other
// program cannot have, or has otherwise.
func (w *formWrite) write(t *testing.T, by lww.Writer, r **merge.Record[plainForm], plain *merge.Plan[plainForm], other *merge.Plan[otherForm], odd bool) bool {
	t.Helper()
	n := int(w.value.(float64))
	p := &n
	if odd && (w.field == "P" && !w.other || w.field == "N" && w.other) {
		w.value, p = nil, nil
	}
	before, err := (*r).MarshalBinary()
	require.NoError(t, err)
	if w.other {
		o := exchange(t, *r, other)
		err = o.Update(by, func(f *otherForm) error {
			switch w.field {
			case "N":
				f.N = p
			case "P":
				f.P = n
			case "F":
				if f.F = float64(n); odd {
					f.F += 0.5
				}
				w.value = f.F
			case "M":
				f.M = n
			case "L":
				f.L = n
			case "O":
				f.O = n
			}
			return nil
		})
		w.stamp = o.Stamp(w.field)
		*r = exchange(t, o, plain)
	} else {
		err = (*r).Update(by, func(f *plainForm) error {
			switch w.field {
			case "N":
				f.N = n
			case "P":
				f.P = p
			case "F":
				f.F = n
			case "M":
				f.M = n
			case "L":
				f.L = n
			case "O":
				f.O = n
			}
			return nil
		})
		w.stamp = (*r).Stamp(w.field)
	}
	after, failed := (*r).MarshalBinary()
	require.NoError(t, failed)
	if err != nil {
		require.ErrorAs(t, err, new(*merge.WriteError), "the rule has something stay")
	}
	return err == nil && string(before) != string(after)
}

// formOf is the model: what a program shows of the writes that it knows.
func formOf(known []formWrite, other bool) string {
	show := func(field string) any {
		// A program keeps one write of a field, by its rule for it.
		var kept [2]*formWrite
		for i := range known {
			w := &known[i]
			at := 0
			if w.other {
				at = 1
			}
			switch k := kept[at]; {
			case w.field != field:
			case k == nil, w.beats(k, w.other):
				kept[at] = w
			}
		}
		var best *formWrite
		for _, w := range kept {
			switch {
			case w == nil || field == "F" && !other && w.value != float64(int(w.value.(float64))):
			case best == nil || w.beats(best, other):
				best = w
			}
		}
		if best == nil {
			return nil
		}
		return best.value
	}
	var out []string
	for _, field := range formFields() {
		v := show(field)
		if pointer := field == "N" && other || field == "P" && !other; v == nil && pointer {
			v = "nil"
		} else if v == nil {
			v = 0
		}
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " ")
}

// beats reports whether the first or the other program shows w rather than o.
func (w *formWrite) beats(o *formWrite, other bool) bool {
	later := w.stamp.Compare(o.stamp) > 0
	switch {
	case !other:
	case w.field == "O":
		return !later
	case w.field == "M" && w.value != o.value:
		return w.value.(float64) > o.value.(float64)
	case w.field == "L" && w.value != o.value:
		return w.value.(float64) < o.value.(float64)
	}
	return later
}

func formFields() []string { return []string{"N", "P", "F", "M", "L", "O"} }

// TestRecordExplainTogether: a report has what is shown, be it that another program wrote it.
func TestRecordExplainTogether(t *testing.T) {
	ours := recordPlan(t, merge.Options[plainForm]{}).NewRecord()
	require.NoError(t, ours.Update(lww.Writer{Replica: "a", Clock: &ticks{now: 1}}, set(func(f *plainForm) { f.N, f.M = 1, 5 })))
	theirs := recordPlan(t, merge.Options[otherForm]{}).NewRecord()
	seven := 7
	require.NoError(t, theirs.Update(lww.Writer{Replica: "b", Clock: &ticks{now: 9}}, set(func(f *otherForm) { f.N, f.F, f.M = &seven, 1.5, 3 })))
	o := exchange(t, theirs, recordPlan(t, merge.Options[plainForm]{}))
	rep := ours.Explain(o)
	results := map[string]any{}
	for _, c := range rep.Changes {
		results[c.Path] = c.Result
	}
	require.Equal(t, map[string]any{"N": 7, "M": 3}, results)
	require.True(t, ours.Merge(o))
	require.Equal(t, plainForm{N: 7, M: 3}, value(t, ours))
	require.EqualError(t, ours.Check(), "merge: conflict: F: written later under another rule or type, which this program does not show")
	require.Equal(t, otherForm{N: &seven, F: 1.5, M: 5}, value(t, exchange(t, ours, recordPlan(t, merge.Options[otherForm]{}))))
}

// TestRecordExplainUnshown: what another program wrote, and this one reads and does not
// show, is no line of a report, and no reason for a line about the whole record.
func TestRecordExplainUnshown(t *testing.T) {
	plain, other := recordPlan(t, merge.Options[plainForm]{}), recordPlan(t, merge.Options[otherForm]{})
	old := other.NewRecord()
	three := 3
	require.NoError(t, old.Update(lww.Writer{Replica: "b", Clock: &ticks{now: 1}}, set(func(f *otherForm) { f.N = &three })))
	ours := plain.NewRecord()
	require.NoError(t, ours.Update(lww.Writer{Replica: "a", Clock: &ticks{now: 9}}, set(func(f *plainForm) { f.N = 7 })))
	theirs := ours.Clone()
	require.True(t, theirs.Merge(exchange(t, old, plain)))
	require.Equal(t, 7, value(t, theirs).N)
	require.Empty(t, ours.Explain(theirs).Changes, "it adds what is not shown")
	rep := ours.Explain(exchange(t, old, plain))
	require.Len(t, rep.Changes, 1)
	require.Equal(t, "N", rep.Changes[0].Path)
	require.Equal(t, 7, rep.Changes[0].Result)
}
