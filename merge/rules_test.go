package merge_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// The tests in this file are generated from testdata/rules.txt, which the
// package comment shows: each cell is a phrase that outcome understands, and
// each letter a law that brute force over a small domain must confirm, or
// refute where the letter is missing.

// A ruleRow is one line of the table.
type ruleRow struct {
	rule                         string
	one, agree, differ, del, unk string
	plan                         string
}

func ruleTable(t *testing.T) []ruleRow {
	t.Helper()
	var rows []ruleRow
	for _, c := range readTable(t, "testdata/rules.txt", "one side", "all agree", "they differ", "one deleted", "base unknown", "Plan") {
		rows = append(rows, ruleRow{c[0], c[1], c[2], c[3], c[4], c[5], c[6]})
	}
	return rows
}

// readTable returns the cells of a table of which the columns after the first
// have the given heads.
func readTable(t *testing.T, file string, heads ...string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, line := range lines[1:] {
		var cells []string
		from := 0
		for _, head := range append(heads, "") {
			to := strings.Index(lines[0], head)
			if head == "" {
				to = max(from, len(line))
			}
			require.GreaterOrEqual(t, to, from, "the table has no column %q", head)
			cells = append(cells, strings.TrimSpace(line[min(from, len(line)):min(to, len(line))]))
			from = to
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestRuleTablesInDoc compares the tables with those in the package comment.
func TestRuleTablesInDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, file := range []string{"testdata/rules.txt", "testdata/record_rules.txt"} {
		table, err := os.ReadFile(file)
		require.NoError(t, err)
		want := "//\t" + strings.ReplaceAll(strings.TrimSuffix(string(table), "\n"), "\n", "\n//\t") + "\n"
		require.Contains(t, string(doc), want)
	}
}

// A situation is one merge of a single value under a rule: the values of the
// sides from oldest to newest.
type situation[V any] struct {
	base  *V
	sides []V
	same  func(a, b V) bool
	zero  func(V) bool
	less  func(a, b V) bool
	unite func(base *V, sides []V) V // what the rule makes of changes it combines
}

// changed returns the sides that differ from the base, or all without one.
func (s situation[V]) changed() []V {
	var out []V
	for _, v := range s.sides {
		if s.base == nil || !s.same(v, *s.base) {
			out = append(out, v)
		}
	}
	return out
}

// outcome returns what the table says: the value, and whether a person has to
// decide.
func (r ruleRow) outcome(s situationOf) (value any, person bool) {
	cell := r.unk
	if r.one == "zero" {
		return s.combined(), false
	}
	if s.known() {
		switch s.distinct() {
		case 0:
			return s.newest(false), false
		case 1:
			cell = r.agree
			if s.count() == 1 {
				cell = r.one
			}
		default:
			cell = r.differ
		}
	}
	if rest, ok := strings.CutPrefix(cell, "equal, else "); ok {
		if s.distinct() == 1 {
			return s.newest(false), false
		}
		cell = rest
	}
	if rest, ok := strings.CutPrefix(cell, "base, else "); ok {
		if s.baseSet() {
			return s.baseValue(), false
		}
		cell = rest
	}
	if rest, ok := strings.CutPrefix(cell, "base!, else "); ok {
		if s.baseSet() {
			return s.baseValue(), true
		}
		cell = rest
	}
	cell, person = strings.CutSuffix(cell, "!")
	switch cell {
	case "taken", "newest":
		return s.newest(false), person
	case "taken unless zero", "newest unless zero":
		return s.newest(true), person
	case "oldest":
		v, ok := s.oldest()
		return v, person && ok
	case "largest", "highest":
		return s.extreme(false), person
	case "smallest":
		return s.extreme(true), person
	case "summed", "united", "three-way", "joined", "asked", "zero", "by element", "by field":
		return s.combined(), person
	}
	panic(fmt.Sprintf("the table has a cell that the test does not understand: %q", cell))
}

// A situationOf is a situation of any type.
type situationOf interface {
	known() bool
	count() int
	distinct() int
	baseSet() bool
	baseValue() any
	newest(nonzero bool) any
	oldest() (v any, several bool)
	extreme(small bool) any
	combined() any
}

func (s situation[V]) known() bool    { return s.base != nil }
func (s situation[V]) count() int     { return len(s.changed()) }
func (s situation[V]) baseSet() bool  { return s.base != nil && !s.zero(*s.base) }
func (s situation[V]) baseValue() any { return *s.base }

func (s situation[V]) distinct() int {
	var seen []V
	for _, v := range s.changed() {
		if !slices.ContainsFunc(seen, func(o V) bool { return s.same(o, v) }) {
			seen = append(seen, v)
		}
	}
	return len(seen)
}

func (s situation[V]) newest(nonzero bool) any {
	vs := s.changed()
	for _, v := range slices.Backward(vs) {
		if !nonzero || !s.zero(v) {
			return v
		}
	}
	if s.base != nil {
		return *s.base
	}
	return s.sides[len(s.sides)-1]
}

// oldest returns the oldest value set, and whether another differs from it.
func (s situation[V]) oldest() (any, bool) {
	var set []V
	for _, v := range s.changed() {
		if !s.zero(v) {
			set = append(set, v)
		}
	}
	if len(set) == 0 {
		return s.sides[len(s.sides)-1], false
	}
	return set[0], slices.ContainsFunc(set, func(v V) bool { return !s.same(v, set[0]) })
}

func (s situation[V]) extreme(small bool) any {
	vs := s.changed()
	best := vs[0]
	for _, v := range vs {
		if s.less(v, best) == small && s.less(best, v) != small {
			best = v
		}
	}
	return best
}

func (s situation[V]) combined() any { return s.unite(s.base, s.sides) }

// A subject is a rule on a domain of values, without the type of its values.
type subject struct {
	name  string
	rule  string
	check func(t *testing.T, row ruleRow)
}

type box[V any] struct{ V V }

// on returns the subject that puts a rule on fields of type V.
func on[V any](rule string, values []V, opts merge.Options[box[V]], model situation[V]) subject {
	name := fmt.Sprintf("%s/%T", rule, *new(V))
	word := ruleWord(rule)
	if opts.Overrides == nil {
		opts.Paths = map[string]string{"V": rule}
	}
	return subject{name: name, rule: word, check: func(t *testing.T, row ruleRow) {
		t.Helper()
		p := merge.MustCompile(opts)
		d := domain[V]{t: t, plan: p, values: values, model: model, row: row}
		d.outcomes()
		d.ties()
		d.laws()
	}}
}

// ruleWord returns a rule without its argument.
func ruleWord(rule string) string {
	word, _, _ := strings.Cut(rule, "=")
	return word
}

// A domain is all merges of up to three sides over a few values.
type domain[V any] struct {
	t      *testing.T
	plan   *merge.Plan[box[V]]
	values []V
	model  situation[V]
	row    ruleRow
}

func (d *domain[V]) same(a, b V) bool { return d.model.same(a, b) }

// merge merges sides from oldest to newest.
func (d *domain[V]) merge(base *V, at []int64, sides ...V) (V, bool) {
	d.t.Helper()
	var in []merge.Side[box[V]]
	for i, v := range sides {
		in = append(in, merge.Side[box[V]]{Value: box[V]{v}, Stamp: stamp(at[i], vclock.Replica(rune('a'+i)))})
	}
	rand.New(rand.NewPCG(uint64(len(in)), 7)).Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
	var b *box[V]
	if base != nil {
		b = &box[V]{*base}
	}
	out, err := d.plan.Merge(b, in...)
	conflict, isConflict := errors.AsType[*merge.ConflictError](err)
	if err != nil {
		require.True(d.t, isConflict, "%v", err)
		require.False(d.t, conflict.Report.OK())
	}
	slices.Reverse(in)
	again, err2 := d.plan.Merge(b, in...)
	require.Equal(d.t, err != nil, err2 != nil)
	require.True(d.t, d.same(out.V, again.V), "not symmetric: base %v, sides %v: %v and %v", base, sides, out.V, again.V)
	return out.V, isConflict
}

var times = []int64{1, 2, 3}

// bases calls f with no base and with each value as one.
func (d *domain[V]) bases(f func(base *V)) {
	f(nil)
	for i := range d.values {
		f(&d.values[i])
	}
}

// outcomes compares each merge of one, two and three sides with the table.
func (d *domain[V]) outcomes() {
	d.bases(func(base *V) {
		d.tuples(func(sides []V) {
			s := d.model
			s.base, s.sides = base, sides
			want, person := d.row.outcome(s)
			got, conflict := d.merge(base, times, sides...)
			require.True(d.t, d.same(got, want.(V)), "base %v, sides from oldest to newest %v: got %v, the table says %v", show(base), sides, got, want)
			require.Equal(d.t, person, conflict, "base %v, sides %v", show(base), sides)
		})
	})
}

func show[V any](p *V) string {
	if p == nil {
		return "unknown"
	}
	return fmt.Sprint(*p)
}

func (d *domain[V]) tuples(f func([]V)) {
	for _, a := range d.values {
		f([]V{a})
		for _, b := range d.values {
			f([]V{a, b})
			for _, c := range d.values {
				f([]V{a, b, c})
			}
		}
	}
}

// ties merges sides with one stamp, of which only the values tell which is the
// newer, in every order.
func (d *domain[V]) ties() {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	d.bases(func(base *V) {
		d.tuples(func(s []V) {
			if len(s) < 3 {
				return
			}
			var b *box[V]
			if base != nil {
				b = &box[V]{*base}
			}
			var first box[V]
			var firstErr string
			for i, o := range orders {
				var in []merge.Side[box[V]]
				for _, at := range o {
					in = append(in, merge.Side[box[V]]{Value: box[V]{s[at]}, Stamp: stamp(1, "a")})
				}
				got, err := d.plan.Merge(b, in...)
				if i == 0 {
					first, firstErr = got, fmt.Sprint(err)
				}
				require.True(d.t, d.same(first.V, got.V), "base %v, sides %v in order %v: %v and %v", show(base), s, o, first.V, got.V)
				require.Equal(d.t, firstErr, fmt.Sprint(err))
			}
		})
	})
}

// laws checks with each base the laws that the table claims, and that those it
// does not claim fail somewhere, so that no claim is missing.
func (d *domain[V]) laws() {
	broken := map[string]string{}
	note := func(law string, ok bool, format string, args ...any) {
		if !ok && broken[law] == "" {
			broken[law] = fmt.Sprintf(format, args...)
		}
	}
	for _, b := range d.values {
		d.tuples(func(s []V) {
			if len(s) == 1 {
				x := s[0]
				untouched, _ := d.merge(&b, times, b, x)
				note("U", d.same(untouched, x), "m(%v, %v, %v) = %v", b, b, x, untouched)
				twice, _ := d.merge(&b, times, x, x)
				note("I", d.same(twice, x), "m(%v, %v, %v) = %v", b, x, x, twice)
			}
			if len(s) == 3 {
				whole, _ := d.merge(&b, times, s...)
				for _, o := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 2, 0}} {
					x, y, z := o[0], o[1], o[2]
					pair, _ := d.merge(&b, []int64{times[x], times[y]}, s[x], s[y])
					fold, _ := d.merge(&b, []int64{max(times[x], times[y]), times[z]}, pair, s[z])
					note("F", d.same(fold, whole), "m(%v, %v) = %v, but its fold in order %v is %v", b, s, whole, o, fold)
				}
			}
		})
	}
	for _, law := range []string{"U", "I", "F"} {
		if strings.Contains(d.row.plan, law) {
			require.Empty(d.t, broken[law], "law %s is claimed", law)
		} else {
			require.NotEmpty(d.t, broken[law], "law %s holds, and the table does not say so", law)
		}
	}
}

// A highest is a type that merges by itself.
type highest struct{ N int }

func (h *highest) Merge(o *highest) bool {
	changed := o.N > h.N
	h.N = max(h.N, o.N)
	return changed
}

func ints(unite func(base *int, sides []int) int) situation[int] {
	return situation[int]{
		same: func(a, b int) bool { return a == b }, zero: func(v int) bool { return v == 0 },
		less: func(a, b int) bool { return a < b }, unite: unite,
	}
}

func texts(ranks string) situation[string] {
	return situation[string]{
		same: func(a, b string) bool { return a == b }, zero: func(v string) bool { return v == "" },
		less: func(a, b string) bool { return a != b && b != "" && strings.Index(ranks, a) <= strings.Index(ranks, b) },
	}
}

func stringLists(unite func(base *[]string, sides [][]string) []string) situation[[]string] {
	return listsOf(unite)
}

func listsOf[E comparable](unite func(base *[]E, sides [][]E) []E) situation[[]E] {
	return situation[[]E]{
		same: func(a, b []E) bool { return slices.Equal(a, b) }, zero: func(v []E) bool { return len(v) == 0 }, unite: unite,
	}
}

func unionOf(base *[]string, sides [][]string) []string {
	return unionBy(strings.Compare)(base, sides)
}

func threeWay(base *[]string, sides [][]string) []string {
	return threeWayBy(strings.Compare)(base, sides)
}

// unionBy is the table's "united": the base, or without one the newest side,
// then what others add, sorted.
func unionBy[E comparable](compare func(a, b E) int) func(base *[]E, sides [][]E) []E {
	return func(base *[]E, sides [][]E) []E {
		lead := sides[len(sides)-1]
		if base != nil {
			lead = *base
		}
		out := slices.Clone(lead)
		var more []E
		for _, s := range sides {
			for _, e := range s {
				if !slices.Contains(out, e) && !slices.Contains(more, e) {
					more = append(more, e)
				}
			}
		}
		slices.SortFunc(more, compare)
		return append(out, more...)
	}
}

// threeWayBy is the union without the elements of the base that a side removed.
func threeWayBy[E comparable](compare func(a, b E) int) func(base *[]E, sides [][]E) []E {
	return func(base *[]E, sides [][]E) []E {
		out := unionBy(compare)(base, sides)
		if base == nil {
			return out
		}
		return slices.DeleteFunc(out, func(e E) bool {
			return slices.Contains(*base, e) && slices.ContainsFunc(sides, func(s []E) bool { return !slices.Contains(s, e) })
		})
	}
}

// A parts is a struct that is merged field by field.
type parts struct{ N, M int }

// compareParts and comparePairs are the orders of elements that a plan adds: by
// fields as they are declared, and by elements. A record has its fields by name.
func compareParts(a, b parts) int { return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.M, b.M)) }

func compareStored(a, b parts) int { return cmp.Or(cmp.Compare(a.M, b.M), cmp.Compare(a.N, b.N)) }

func comparePairs(a, b [2]int) int { return slices.Compare(a[:], b[:]) }

// byField is the newest change of each field, without a base the newest value.
func byField(base *parts, sides []parts) parts {
	out := sides[len(sides)-1]
	if base == nil {
		return out
	}
	out = *base
	for _, s := range sides {
		if s.N != base.N {
			out.N = s.N
		}
		if s.M != base.M {
			out.M = s.M
		}
	}
	return out
}

// byElement is the model of keyed lists.
func byElement(base *[]item, sides [][]item) []item {
	newestFirst := slices.Clone(sides)
	slices.Reverse(newestFirst)
	var maps []map[string]item
	for _, s := range newestFirst {
		maps = append(maps, asMap(s))
	}
	var before []item
	if base != nil {
		before = *base
	}
	have := modelItems(asMap(before), base != nil, false, maps)
	var out []item
	for _, k := range modelOrder(before, base != nil, newestFirst, have) {
		out = append(out, have[k])
	}
	return out
}

func sum(base *int, sides []int) int {
	total := *base
	for _, v := range sides {
		total += v - *base
	}
	return total
}

func subjects() []subject {
	numbers := []int{0, 1, 2, 3}
	lists := [][]string{nil, {"x"}, {"y"}, {"x", "y"}, {"y", "x"}, {"y", "z"}}
	elements := [][]item{nil, {{Key: "x"}}, {{Key: "x", Note: "n"}}, {{Key: "y"}}, {{Key: "x"}, {Key: "y", Note: "m"}}, {{Key: "y"}, {Key: "x", Note: "m"}}}
	structs := [][]parts{nil, {{1, 2}}, {{2, 1}, {1, 1}}, {{1, 1}, {1, 2}, {2, 2}}, {{2, 1}}}
	arrays := [][][2]int{nil, {{1, 2}}, {{2, 1}, {1, 1}}, {{1, 1}, {1, 2}, {2, 2}}, {{2, 1}}}
	at := func(b *box[int]) *int { return &b.V }
	custom := func(r merge.Rule[int]) merge.Options[box[int]] {
		return merge.Options[box[int]]{Overrides: []merge.Override[box[int]]{merge.Field(at, r)}}
	}
	largest := func(_ *int, sides []int) int { return slices.Max(sides) }
	return []subject{
		on("lww", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("lww", lists, merge.Options[box[[]string]]{}, stringLists(nil)),
		on("atomic", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("group=g", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("first", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("immutable", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("max", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("min", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("rank=a<b<c", []string{"", "a", "b", "c"}, merge.Options[box[string]]{}, texts("abc")),
		on("nonzero", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("additive", numbers, merge.Options[box[int]]{}, ints(sum)),
		on("additive", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		on("max", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		on("min", amounts(), merge.Options[box[amount]]{}, ofAmounts()),
		on("union", lists, merge.Options[box[[]string]]{}, stringLists(unionOf)),
		on("set", lists, merge.Options[box[[]string]]{}, stringLists(threeWay)),
		on("union", structs, merge.Options[box[[]parts]]{}, listsOf(unionBy(compareParts))),
		on("set", structs, merge.Options[box[[]parts]]{}, listsOf(threeWayBy(compareParts))),
		on("union", arrays, merge.Options[box[[][2]int]]{}, listsOf(unionBy(comparePairs))),
		on("set", arrays, merge.Options[box[[][2]int]]{}, listsOf(threeWayBy(comparePairs))),
		on("keyed=Key", elements, merge.Options[box[[]item]]{}, situation[[]item]{
			same: func(a, b []item) bool { return slices.Equal(a, b) }, unite: byElement,
		}),
		on("fields", []parts{{0, 0}, {1, 0}, {0, 1}, {1, 1}, {2, 1}}, merge.Options[box[parts]]{}, situation[parts]{
			same: func(a, b parts) bool { return a == b }, unite: byField,
		}),
		on("manual", numbers, merge.Options[box[int]]{}, ints(nil)),
		on("join", []highest{{0}, {1}, {2}, {3}}, merge.Options[box[highest]]{}, situation[highest]{
			same: func(a, b highest) bool { return a == b },
			unite: func(_ *highest, sides []highest) highest {
				return slices.MaxFunc(sides, func(a, b highest) int { return cmp.Compare(a.N, b.N) })
			},
		}),
		on("Prefer", numbers, custom(merge.Prefer("larger", cmp.Compare[int])), ints(nil)),
		on("Join", numbers, custom(merge.Join("or", func(a, b int) int { return max(a, b) })), ints(largest)),
		on("Func", numbers, custom(merge.Func("product", product)), ints(productOf)),
		on("-", numbers, merge.Options[box[int]]{}, ints(func(*int, []int) int { return 0 })),
	}
}

// product is a Func that is no join: it depends on how many sides there are.
func product(c merge.Case[int]) (int, error) {
	n := 1
	for _, s := range c.Sides {
		n = n*5 + s.Value
	}
	return n, nil
}

func productOf(base *int, sides []int) int {
	s := ints(nil)
	s.base, s.sides = base, sides
	if s.distinct() == 1 {
		return s.changed()[0]
	}
	n := 1
	for _, v := range slices.Backward(sides) {
		n = n*5 + v
	}
	return n
}

// TestRules compares every rule with the table, over all merges of up to three
// sides of a small domain.
func TestRules(t *testing.T) {
	table := ruleTable(t)
	done := map[string]bool{}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			i := slices.IndexFunc(table, func(r ruleRow) bool { return r.rule == s.rule })
			require.GreaterOrEqual(t, i, 0)
			s.check(t, table[i])
		})
		done[s.rule] = true
	}
	for _, r := range table {
		require.True(t, done[r.rule], "no test for rule %s", r.rule)
	}
}

// TestRulesDelete checks the column "one deleted": one side deletes the entry
// of a map that another changes, in a plan and in a record.
func TestRulesDelete(t *testing.T) {
	args := map[string]string{"group": "group=g", "rank": "rank=a<b"}
	for _, row := range ruleTable(t) {
		t.Run(row.rule, func(t *testing.T) {
			rule := cmp.Or(args[row.rule], row.rule)
			switch row.rule {
			case "Prefer", "Join", "Func":
				rules := map[string]merge.Rule[int]{
					"Prefer": merge.Prefer("larger", cmp.Compare[int]),
					"Join":   merge.Join("max", func(a, b int) int { return max(a, b) }),
					"Func":   merge.Func("product", product),
				}
				deleting(t, row, 1, 2, merge.Options[map[string]int]{
					Overrides: []merge.Override[map[string]int]{merge.Type[map[string]int](rules[row.rule])},
				})
			case "rank":
				deleting(t, row, "a", "b", merge.Options[map[string]string]{Paths: map[string]string{"*": rule}})
			case "union", "set":
				deleting(t, row, []string{"a"}, []string{"b"}, merge.Options[map[string][]string]{Paths: map[string]string{"*": rule}})
			case "keyed":
				deleting(t, row, []line{{SKU: "a"}}, []line{{SKU: "b"}}, merge.Options[map[string][]line]{Paths: map[string]string{"*": "keyed=SKU"}})
			case "fields":
				deleting(t, row, line{SKU: "a"}, line{SKU: "b"}, merge.Options[map[string]line]{Paths: map[string]string{"*": rule}})
			case "join":
				deleting(t, row, highest{1}, highest{2}, merge.Options[map[string]highest]{Paths: map[string]string{"*": rule}})
			default:
				deleting(t, row, 1, 2, merge.Options[map[string]int]{Paths: map[string]string{"*": rule}})
			}
		})
	}
}

func deleting[V any](t *testing.T, row ruleRow, before, after V, opts merge.Options[map[string]V]) {
	t.Helper()
	p := merge.MustCompile(opts)
	base := map[string]V{"k": before}
	for _, deleteLast := range []bool{true, false} {
		del := merge.Side[map[string]V]{Value: map[string]V{}, Stamp: stamp(1, "a")}
		chg := merge.Side[map[string]V]{Value: map[string]V{"k": after}, Stamp: stamp(2, "b")}
		if deleteLast {
			del.Stamp = stamp(3, "a")
		}
		for _, sides := range [][]merge.Side[map[string]V]{{del, chg}, {chg, del}} {
			got, err := p.Merge(&base, sides...)
			require.NoError(t, err)
			want := map[string]V{}
			if row.del == "newer" && !deleteLast {
				want["k"] = after
			}
			require.Equal(t, want, got, "delete last: %v", deleteLast)
		}
	}
	require.Contains(t, []string{"newer", "deleted"}, row.del)
	deletingInRecord(t, recordTable(t)[row.rule], before, opts)
}
