package merge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// A tied has a field of type V, and one after it by which one sees who won.
type tied[V any] struct {
	V   V
	Won string
}

// requireOrder requires of values in ascending order that, where stamps tie, the side with the larger
// one counts as the newer, whatever comes after it and in whatever order the sides are given.
func requireOrder[V any](t *testing.T, name, rule string, ascending ...V) {
	t.Helper()
	opts := merge.Options[tied[V]]{}
	if rule != "" {
		opts.Paths = map[string]string{"V": rule}
	}
	p := merge.MustCompile(opts)
	for i := range ascending {
		for j := range i {
			small, large := merge.Side[tied[V]]{Value: tied[V]{ascending[j], "z"}}, merge.Side[tied[V]]{Value: tied[V]{ascending[i], "a"}}
			for _, sides := range [][]merge.Side[tied[V]]{{small, large}, {large, small}} {
				for _, base := range []*tied[V]{nil, {Won: "base"}} {
					got, err := p.Merge(base, sides...)
					require.NoError(t, err)
					require.Equal(t, "a", got.Won, "%s: %v over %v", name, ascending[i], ascending[j])
				}
			}
		}
	}
}

// TestTies has two sides with one stamp, which differ in a value of each sort.
func TestTies(t *testing.T) {
	type row struct {
		Key string
		N   int
	}
	requireOrder(t, "numbers", "", -1, 0, 1)
	requireOrder(t, "text", "", "", "a", "ab", "b")
	requireOrder(t, "truths", "", false, true)
	requireOrder(t, "times", "", time.Time{}, time.Unix(5, 0), time.Unix(5, 1))
	requireOrder(t, "pointers", "", nil, &row{}, &row{N: 1}, &row{Key: "a"})
	requireOrder(t, "maps of values", "", nil, map[string]int{}, map[string]int{"a": 1}, map[string]int{"a": 1, "b": 0}, map[string]int{"a": 1, "b": 1}, map[string]int{"a": 2}, map[string]int{"b": 0})
	requireOrder(t, "maps of rows", "", nil, map[string]row{}, map[string]row{"a": {}}, map[string]row{"a": {}, "b": {}}, map[string]row{"a": {N: 1}}, map[string]row{"b": {}})
	requireOrder(t, "keyed lists", "keyed=Key", nil, []row{}, []row{{Key: "a"}}, []row{{Key: "a"}, {Key: "b"}}, []row{{Key: "a", N: 1}}, []row{{Key: "b"}})
	requireOrder(t, "lists of pointers", "keyed=Key", nil, []*row{}, []*row{{Key: "a"}}, []*row{{Key: "a"}, {Key: "b"}}, []*row{{Key: "a", N: 1}}, []*row{{Key: "b"}})
	requireOrder(t, "sets", "set", nil, []string{}, []string{"a"}, []string{"a", "b"}, []string{"b"})
	requireOrder(t, "documents", "", nil, map[string]any{}, map[string]any{"a": 1}, map[string]any{"a": 2}, map[string]any{"b": 1})
	requireOrder(t, "types that merge", "join", lattice{}, lattice{1}, lattice{2})
	requireOrder(t, "types that show nothing of themselves", "join", votes{}, votes{map[string]*int{"a": new(1)}}, votes{map[string]*int{"a": new(2)}}, votes{map[string]*int{"b": new(0)}})
}

// TestTiesOfNoRows: lists with an element that is a nil pointer are refused, be they alike or not.
func TestTiesOfNoRows(t *testing.T) {
	p := merge.MustCompile(merge.Options[cartOf]{})
	lists := [][]*item{{nil}, {nil, {Key: "a"}}, {{Key: "a"}, nil}, {nil, nil}, {{Key: "b"}, nil}}
	for _, one := range lists {
		for _, two := range lists {
			_, err := p.Merge(nil, merge.Side[cartOf]{Value: cartOf{one}}, merge.Side[cartOf]{Value: cartOf{two}})
			require.ErrorContains(t, err, "is a nil pointer")
		}
	}
	base := cartOf{[]*item{nil, {Key: "a"}}}
	got, err := p.Merge(&base)
	require.NoError(t, err)
	require.Equal(t, base, got, "nothing is merged, so the base is copied")
	require.NotSame(t, base.Items[1], got.Items[1])
}

// requireBest requires of values in ascending order what max and min make of two of them, whichever is the newer.
func requireBest[V any](t *testing.T, ascending ...V) {
	t.Helper()
	for rule, best := range map[string]func(i, j int) int{"max": func(i, j int) int { return max(i, j) }, "min": func(i, j int) int { return min(i, j) }} {
		p := recordPlan(t, merge.Options[box[V]]{Paths: map[string]string{"V": rule}})
		for i := range ascending {
			for j := range ascending {
				a, b := box[V]{ascending[i]}, box[V]{ascending[j]}
				got, err := p.Merge(nil, merge.Side[box[V]]{Value: a, Stamp: stamp(1, "a")}, merge.Side[box[V]]{Value: b, Stamp: stamp(2, "b")})
				require.NoError(t, err)
				require.Equal(t, ascending[best(i, j)], got.V, "%s of %v and %v", rule, ascending[i], ascending[j])
				one, two := p.NewRecord(), p.NewRecord()
				require.NoError(t, one.Update(writer("a"), set(func(v *box[V]) { *v = a })))
				require.NoError(t, two.Update(writer("b"), set(func(v *box[V]) { *v = b })))
				one.Merge(two)
				require.Equal(t, ascending[best(i, j)], value(t, one).V, "%s of %v and %v in a record", rule, ascending[i], ascending[j])
			}
		}
	}
}

// A grade is a struct with an order of its own.
type grade struct{ N int }

func (g grade) Compare(o grade) int { return g.N - o.N }

// TestBestOfEachType has max and min choose among values of each type that has an order.
func TestBestOfEachType(t *testing.T) {
	requireBest(t, -2, -1, 1, 2)
	requireBest(t, int8(-128), -1, 1, 127)
	requireBest(t, uint8(1), 2, 255)
	requireBest(t, uint64(1), 2, 1<<63)
	requireBest(t, -1.5, -1, 0.5, 2, 1e300)
	requireBest(t, float32(-1.5), 0.5, 2)
	requireBest(t, "a", "aa", "b")
	requireBest(t, time.Unix(-5, 0).UTC(), time.Unix(5, 0).UTC(), time.Unix(5, 1).UTC())
	requireBest(t, new(-1), new(0), new(1))
	requireBest(t, new(-1.5), new(0.5), new(1.5))
	requireBest(t, new(time.Unix(5, 0).UTC()), new(time.Unix(5, 1).UTC()))
	requireBest(t, grade{1}, grade{2}, grade{10})
	requireBest(t, amount{1}, amount{2}, amount{10})
	requireBest(t, new(amount{1}), new(amount{2}))
}
