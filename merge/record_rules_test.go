package merge_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// The tests in this file are generated from testdata/record_rules.txt, as those
// of plans are from testdata/rules.txt.

// A recordRow is one line of the table of records.
type recordRow struct {
	rule              string
	one, same, differ string
	del               string
	refused           string
	merge             string
}

func recordTable(t *testing.T) map[string]recordRow {
	t.Helper()
	rows := map[string]recordRow{}
	for _, c := range readTable(t, "testdata/record_rules.txt", "one wrote", "both the same", "they differ", "one deleted", "refused", "Merge") {
		rows[c[0]] = recordRow{c[0], c[1], c[2], c[3], c[4], c[5], c[6]}
	}
	return rows
}

// plan returns the line as one about what happened since a known base, which is
// what all writers had seen.
func (r recordRow) plan() ruleRow {
	return ruleRow{rule: r.rule, one: r.one, agree: r.same, differ: r.differ, del: r.del}
}

// A recordSubject is a rule on a domain of values in a record.
type recordSubject struct {
	name, rule string
	check      func(t *testing.T, row recordRow)
}

// A recordDomain is all histories of one write that everybody has seen and of
// up to three that happen at once.
type recordDomain[V any] struct {
	t      *testing.T
	plan   *merge.Plan[box[V]]
	values []V
	never  []V // writes that are always refused
	model  situation[V]
	row    recordRow
}

// inRecord returns the subject that puts a rule on fields of type V.
func inRecord[V any](rule string, values []V, opts merge.Options[box[V]], model situation[V], never ...V) recordSubject {
	if opts.Overrides == nil {
		opts.Paths = map[string]string{"V": rule}
	}
	opts.Record = true
	word := ruleWord(rule)
	return recordSubject{name: fmt.Sprintf("%s/%T", rule, *new(V)), rule: word, check: func(t *testing.T, row recordRow) {
		t.Helper()
		p, err := merge.Compile(opts)
		if row.merge == "refused" {
			_, ok := errors.AsType[*merge.RuleError](err)
			require.True(t, ok, "%v", err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, "join", row.merge)
		d := recordDomain[V]{t: t, plan: p, values: values, never: never, model: model, row: row}
		d.outcomes([]hlc.Timestamp{2, 3, 4})
		d.outcomes([]hlc.Timestamp{2, 2, 2})
		d.laws()
	}}
}

// write writes v at a time, and reports whether that was refused.
func (d *recordDomain[V]) write(r *merge.Record[box[V]], at hlc.Timestamp, name vclock.Replica, v V) (refused bool) {
	d.t.Helper()
	before := r.Clone()
	err := r.Update(lww.Writer{Replica: name, Clock: &ticks{now: at - 1}}, set(func(b *box[V]) { b.V = v }))
	if err == nil {
		return false
	}
	we, ok := errors.AsType[*merge.WriteError](err)
	require.True(d.t, ok, "%v", err)
	require.Contains(d.t, we.Path, "V")
	require.True(d.t, r.Equal(before))
	return true
}

// refuses says what the table does: whether a write of v is refused where the
// record shows now, which somebody has written if isSet says so.
func (d *recordDomain[V]) refuses(now V, isSet bool, v V) bool {
	switch m := d.model; d.row.refused {
	case "", "more than the type has", "with one key twice": // TestRecordOverflow, and never
		return false
	case "zero, or set already":
		return m.zero(v) || isSet
	case "zero":
		return m.zero(v)
	case "smaller", "lower, or not listed":
		return isSet && m.less(v, now)
	case "larger":
		return isSet && m.less(now, v)
	case "with less in it":
		return !m.same(m.unite(&now, []V{v}), v)
	}
	panic(fmt.Sprintf("the table has a cell that the test does not understand: %q", d.row.refused))
}

// bases calls f with the empty record and with one of each value.
func (d *recordDomain[V]) bases(f func(r *merge.Record[box[V]], now V, isSet bool)) {
	d.t.Helper()
	f(d.plan.NewRecord(), *new(V), false)
	for _, v := range d.values {
		r := d.plan.NewRecord()
		if !d.write(r, 1, "o", v) && !r.Equal(d.plan.NewRecord()) {
			f(r, v, true)
		}
	}
}

// outcomes compares every history of one, two and three writes at the given
// times with the table, in every order of merging.
func (d *recordDomain[V]) outcomes(at []hlc.Timestamp) {
	d.t.Helper()
	sides := domain[V]{values: d.values}
	d.bases(func(base *merge.Record[box[V]], now V, isSet bool) {
		for _, v := range d.never {
			require.True(d.t, d.write(base, 2, "a", v), "%v over %v is to be refused", v, now)
		}
		sides.tuples(func(values []V) {
			var records []*merge.Record[box[V]]
			var written []V
			for i, v := range values {
				r := base.Clone()
				refused := d.write(r, at[i], vclock.Replica(rune('a'+i)), v)
				require.Equal(d.t, !d.model.same(now, v) && d.refuses(now, isSet, v), refused, "%v over %v", v, now)
				if !refused && !r.Equal(base) {
					got, _ := r.Get()
					shows := v
					if d.model.unite != nil { // in the order of a record
						shows = d.model.unite(&now, []V{v})
					}
					require.True(d.t, d.model.same(shows, got.V), "wrote %v over %v and read %v", v, now, got.V)
					written = append(written, v)
				}
				records = append(records, r)
			}
			s := d.model
			s.base, s.sides = &now, written
			if len(written) == 0 {
				s.sides = []V{now}
			}
			want, person := d.row.plan().outcome(s)
			got := mergeAll(d.t, records)
			v, _ := got.Get()
			require.True(d.t, d.model.same(v.V, want.(V)), "wrote %v over %v: got %v, the table says %v", written, now, v.V, want)
			_, conflict := errors.AsType[*merge.ConflictError](got.Check())
			require.Equal(d.t, person, conflict, "wrote %v over %v", written, now)
		})
	})
}

// mergeAll merges records in every order, which must not matter.
func mergeAll[T any](t *testing.T, records []*merge.Record[T]) *merge.Record[T] {
	t.Helper()
	var first *merge.Record[T]
	for start := range records {
		for _, step := range []int{1, len(records) - 1} {
			r := records[start].Clone()
			for i := range records {
				r.Merge(records[(start+i*step)%len(records)])
			}
			if first == nil {
				first = r
			}
			require.True(t, r.Equal(first))
		}
	}
	return first
}

// laws checks that Merge is a join on all triples of what three replicas make
// of a record that they all have seen: nothing, a write, a delete, or a write
// after a delete.
func (d *recordDomain[V]) laws() {
	d.t.Helper()
	values := d.values[:min(3, len(d.values))]
	d.bases(func(base *merge.Record[box[V]], _ V, _ bool) {
		var states [3][]*merge.Record[box[V]]
		for i := range states {
			name := vclock.Replica(rune('a' + i))
			deleted := base.Clone()
			require.NoError(d.t, deleted.Delete(lww.Writer{Replica: name, Clock: &ticks{now: hlc.Timestamp(3 - i)}}))
			states[i] = append(states[i], base, deleted)
			for _, v := range values {
				r, again := base.Clone(), deleted.Clone()
				d.write(r, hlc.Timestamp(2+i), name, v)
				d.write(again, hlc.Timestamp(5-i), name, v)
				states[i] = append(states[i], r, again)
			}
		}
		for _, a := range states[0] {
			for _, b := range states[1] {
				for _, c := range states[2] {
					requireJoin(d.t, a, b, c)
				}
			}
		}
	})
}

// sorted returns a model of lists that a record shows sorted.
func sorted(unite func(base *[]string, sides [][]string) []string) situation[[]string] {
	return sortedBy(strings.Compare, unite)
}

func sortedBy[E comparable](compare func(a, b E) int, unite func(base *[]E, sides [][]E) []E) situation[[]E] {
	return listsOf(func(base *[]E, sides [][]E) []E {
		out := unite(base, sides)
		slices.SortFunc(out, compare)
		return out
	})
}

// sameElements compares keyed lists but for their order, which TestRecordOrder
// and TestRecordOrderHistories are about.
func sameElements(a, b []item) bool {
	byKey := func(a, b item) int { return cmp.Compare(a.Key, b.Key) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), byKey), slices.SortedFunc(slices.Values(b), byKey))
}

func recordSubjects() []recordSubject {
	numbers := []int{0, 1, 2, 3}
	lists := [][]string{nil, {"x"}, {"y"}, {"x", "y"}, {"y", "z"}}
	elements := [][]item{nil, {{Key: "x"}}, {{Key: "x", Note: "n"}}, {{Key: "y"}}, {{Key: "x"}, {Key: "y", Note: "m"}}, {{Key: "y"}, {Key: "x", Note: "m"}}}
	structs := [][]parts{nil, {{1, 2}}, {{1, 1}, {2, 1}}, {{1, 1}, {1, 2}, {2, 2}}, {{2, 1}}}
	arrays := [][][2]int{nil, {{1, 2}}, {{1, 1}, {2, 1}}, {{1, 1}, {1, 2}, {2, 2}}, {{2, 1}}}
	at := func(b *box[int]) *int { return &b.V }
	custom := func(r merge.Rule[int]) merge.Options[box[int]] {
		return merge.Options[box[int]]{Overrides: []merge.Override[box[int]]{merge.Field(at, r)}}
	}
	largest := func(base *int, sides []int) int { return max(*base, slices.Max(sides)) }
	return []recordSubject{
		inRecord("lww", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("lww", lists, merge.Options[box[[]string]]{}, stringLists(nil)),
		inRecord("atomic", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("group=g", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("first", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("immutable", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("max", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("min", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("rank=a<b<c", []string{"", "a", "b", "c"}, merge.Options[box[string]]{}, texts("abc"), "zzz"),
		inRecord("nonzero", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("additive", numbers, merge.Options[box[int]]{}, ints(sum)),
		inRecord("additive", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		inRecord("max", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		inRecord("min", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		inRecord("union", lists, merge.Options[box[[]string]]{}, sorted(unionOf)),
		inRecord("set", lists, merge.Options[box[[]string]]{}, sorted(threeWay)),
		inRecord("union", structs, merge.Options[box[[]parts]]{}, sortedBy(compareStored, unionBy(compareStored))),
		inRecord("set", structs, merge.Options[box[[]parts]]{}, sortedBy(compareStored, threeWayBy(compareStored))),
		inRecord("union", arrays, merge.Options[box[[][2]int]]{}, sortedBy(comparePairs, unionBy(comparePairs))),
		inRecord("set", arrays, merge.Options[box[[][2]int]]{}, sortedBy(comparePairs, threeWayBy(comparePairs))),
		inRecord("keyed=Key", elements, merge.Options[box[[]item]]{}, situation[[]item]{
			same: sameElements, unite: byElement,
		}, []item{{Key: "z"}, {Key: "z"}}),
		inRecord("fields", []parts{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {2, 1}}, merge.Options[box[parts]]{}, situation[parts]{
			same: func(a, b parts) bool { return a == b }, unite: byField,
		}),
		inRecord("manual", numbers, merge.Options[box[int]]{}, ints(nil)),
		inRecord("join", []highest{{0}, {1}, {2}, {3}}, merge.Options[box[highest]]{}, situation[highest]{
			same: func(a, b highest) bool { return a == b },
			unite: func(base *highest, sides []highest) highest {
				return slices.MaxFunc(append(sides, *base), func(a, b highest) int { return cmp.Compare(a.N, b.N) })
			},
		}),
		inRecord("Prefer", numbers, custom(merge.Prefer("larger", cmp.Compare[int])), ints(nil)),
		inRecord("Join", numbers, custom(merge.Join("max", func(a, b int) int { return max(a, b) })), ints(largest)),
		inRecord("Func", numbers, custom(merge.Func("product", product)), ints(nil)),
		inRecord("-", numbers, merge.Options[box[int]]{}, ints(func(*int, []int) int { return 0 })),
	}
}

// TestRecordRules compares every rule in a record with the table, over all
// histories of up to three writes at once of a small domain.
func TestRecordRules(t *testing.T) {
	table := recordTable(t)
	done := map[string]bool{}
	for _, s := range recordSubjects() {
		t.Run(s.name, func(t *testing.T) {
			require.Contains(t, table, s.rule)
			s.check(t, table[s.rule])
		})
		done[s.rule] = true
	}
	require.Len(t, done, len(table))
	require.Len(t, ruleTable(t), len(table), "both tables have every rule")
}

// deletingInRecord checks the column "one deleted" of the table of records, and
// what becomes of a form about what was deleted.
func deletingInRecord[V any](t *testing.T, row recordRow, after V, opts merge.Options[map[string]V]) {
	t.Helper()
	opts.Record = true
	if row.merge == "refused" {
		return // as TestRecordRules says
	}
	p := recordPlan(t, opts)
	put := func(v V) func(*map[string]V) error {
		return set(func(m *map[string]V) { *m = map[string]V{"k": v} })
	}
	for _, deleteLast := range []bool{true, false} {
		a := p.NewRecord()
		require.NoError(t, a.Update(writer("o"), put(*new(V))))
		b := a.Clone()
		read, token := a.Snapshot()
		at := hlc.Timestamp(10)
		if deleteLast {
			at = 30
		}
		require.NoError(t, a.Update(lww.Writer{Replica: "a", Clock: &ticks{now: at}}, set(func(m *map[string]V) { *m = nil })))
		w := lww.Writer{Replica: "b", Clock: &ticks{now: 20}}
		deleted := a.Clone()
		require.NoError(t, b.Update(w, put(after)))
		var want map[string]V
		if row.del == "newer" && !deleteLast {
			want = map[string]V{"k": after}
		}
		got, _ := mergeAll(t, []*merge.Record[map[string]V]{a, b}).Get()
		require.Equal(t, want, got, "delete last: %v", deleteLast)

		err := deleted.Apply(w, token, read, map[string]V{"k": after})
		switch {
		case row.one == "zero": // nothing is written
			require.NoError(t, err)
		case row.del == "newer":
			require.NoError(t, err)
			got, _ := deleted.Get()
			require.Equal(t, map[string]V{"k": after}, got, "the form is the later write")
		default:
			stale, ok := errors.AsType[*merge.StaleError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "k", stale.Path)
			require.True(t, deleted.Equal(a))
		}
	}
	require.Contains(t, []string{"newer", "deleted"}, row.del)
}
