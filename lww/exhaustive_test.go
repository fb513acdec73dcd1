package lww_test

import (
	"encoding"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A slow is the merge rule as it is written down: per key the largest version,
// of those that count. It is the model for [lww.Map].
type slow struct {
	horizon  hlc.Timestamp
	versions map[string]slowVersion
}

type slowVersion struct {
	stamp   lww.Stamp
	deleted bool
	value   string
}

func (v slowVersion) after(w slowVersion) bool {
	switch {
	case v.stamp.Time != w.stamp.Time:
		return v.stamp.Time > w.stamp.Time
	case v.stamp.Replica != w.stamp.Replica:
		return v.stamp.Replica > w.stamp.Replica
	case v.deleted != w.deleted:
		return v.deleted
	default:
		return v.value > w.value
	}
}

func (s slow) merge(o slow) slow {
	joined := slow{max(s.horizon, o.horizon), map[string]slowVersion{}}
	for _, side := range []slow{s, o} {
		for k, v := range side.versions {
			if v.stamp.Time <= joined.horizon && side.horizon != joined.horizon {
				continue
			}
			if w, ok := joined.versions[k]; !ok || v.after(w) {
				joined.versions[k] = v
			}
		}
	}
	return joined
}

// stragglers returns the keys of which merging s and o drops the latest version,
// unless that is a delete that leaves nothing behind.
func (s slow) stragglers(o slow) []string {
	var keys []string
	joined := s.merge(o)
	for _, side := range []slow{s, o} {
		for k, v := range side.versions {
			if w, ok := joined.versions[k]; ok && v.after(w) || !ok && !v.deleted {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

func (s slow) changed(o slow) []string {
	keys := []string{}
	joined := s.merge(o)
	for _, k := range []string{"k", "l"} {
		v, ok := s.versions[k]
		w, still := joined.versions[k]
		if ok != still || v != w {
			keys = append(keys, k)
		}
	}
	return keys
}

func (s slow) build(t *testing.T) *lww.Map[string, string] {
	t.Helper()
	var m lww.Map[string, string]
	for k, v := range s.versions {
		var err error
		if v.deleted {
			_, err = m.DeleteAt(k, v.stamp)
		} else {
			_, err = m.PutAt(k, v.value, v.stamp)
		}
		require.NoError(t, err)
	}
	if s.horizon > 0 && len(s.versions) == 0 {
		_, err := m.DeleteAt("k", lww.Stamp{Time: 1, Replica: "a"})
		require.NoError(t, err)
	}
	require.NoError(t, m.Compact(s.horizon))
	return &m
}

func (s slow) String() string { return fmt.Sprint(s.horizon, s.versions) }

// domain returns every state whose keys have one of the versions given, or none,
// under every horizon from 0 to last.
func domain(keys []string, versions []slowVersion, last hlc.Timestamp) []slow {
	var states []slow
	for h := range last + 1 {
		level := []slow{{h, map[string]slowVersion{}}}
		for _, k := range keys {
			for _, s := range slices.Clone(level) {
				for _, v := range versions {
					if v.deleted && v.stamp.Time <= h {
						continue
					}
					next := slow{h, map[string]slowVersion{k: v}}
					maps.Copy(next.versions, s.versions)
					level = append(level, next)
				}
			}
		}
		states = append(states, level...)
	}
	return states
}

func versions(values []string, stamps ...lww.Stamp) []slowVersion {
	var all []slowVersion
	for _, s := range stamps {
		all = append(all, slowVersion{s, true, ""})
		for _, v := range values {
			all = append(all, slowVersion{s, false, v})
		}
	}
	return all
}

func at(t hlc.Timestamp, r vclock.Replica) lww.Stamp { return lww.Stamp{Time: t, Replica: r} }

// TestExhaustive checks, for any three states of a small domain, that all merge
// orders and groupings give the same bytes, and for any two that the result is
// the model's. Equal stamps with different contents, as a reused identity makes
// them, and all horizons are in the domains.
func TestExhaustive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		states []slow
	}{
		{"one key", domain([]string{"k"}, versions([]string{"x", "y"}, at(1, "a"), at(2, "a"), at(2, "b"), at(3, "a")), 3)},
		{"two keys", domain([]string{"k", "l"}, versions([]string{"x"}, at(1, "a"), at(2, "a"), at(2, "b"), at(3, "a")), 3)},
		{"two keys, ties", domain([]string{"k", "l"}, versions([]string{"x", "y"}, at(1, "a"), at(2, "a"), at(2, "b")), 2)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			built := make([]*lww.Map[string, string], len(tt.states))
			for i, s := range tt.states {
				built[i] = s.build(t)
			}
			table := joinTable(t, built)
			for i, s := range tt.states {
				for j, o := range tt.states {
					if want := s.merge(o); want.String() != tt.states[table[i][j]].String() {
						t.Fatalf("%v merged with %v is %v, want %v", s, o, tt.states[table[i][j]], want)
					}
					if got, want := built[i].Changed(built[j]), s.changed(o); !slices.Equal(got, want) {
						t.Fatalf("merging %v into %v changes %v, want %v", o, s, got, want)
					}
					var keys []string
					for _, e := range built[i].Stragglers(built[j]) {
						keys = append(keys, e.Key)
					}
					if want := s.stragglers(o); !slices.Equal(keys, want) {
						t.Fatalf("stragglers of %v and %v are %v, want %v", s, o, keys, want)
					}
				}
			}
			checkAssociative(t, table)
		})
	}
}

func TestExhaustiveSet(t *testing.T) {
	var sets []*lww.Set[string]
	for _, s := range domain([]string{"k", "l"}, versions([]string{"x"}, at(1, "a"), at(2, "a"), at(2, "b")), 2) {
		var set lww.Set[string]
		for e, v := range s.versions {
			var err error
			if v.deleted {
				_, err = set.RemoveAt(e, v.stamp)
			} else {
				_, err = set.AddAt(e, v.stamp)
			}
			require.NoError(t, err)
		}
		if s.horizon > 0 && len(s.versions) == 0 {
			_, err := set.RemoveAt("k", at(1, "a"))
			require.NoError(t, err)
		}
		require.NoError(t, set.Compact(s.horizon))
		sets = append(sets, &set)
	}
	checkAssociative(t, joinTable(t, sets))
}

func TestExhaustiveRegister(t *testing.T) {
	registers := []*lww.Register[[]string]{{}}
	for _, s := range []lww.Stamp{at(1, "a"), at(2, "a"), at(2, "b"), at(3, "a")} {
		for _, v := range [][]string{nil, {}, {"x"}, {"y", "x"}} {
			r := new(lww.Register[[]string])
			require.NoError(t, r.SetAt(v, s))
			registers = append(registers, r)
		}
	}
	checkAssociative(t, joinTable(t, registers))
}

type state[S any] interface {
	encoding.BinaryMarshaler
	Merge(S) bool
	Clone() S
	Equal(S) bool
}

// joinTable returns, for each two states, which state they join to, and checks
// that Merge commutes, is idempotent, reports changes and leaves its argument
// alone.
func joinTable[S state[S]](t *testing.T, states []S) [][]int {
	t.Helper()
	encode := func(s S) string {
		enc, err := s.MarshalBinary()
		require.NoError(t, err)
		return string(enc)
	}
	number := make(map[string]int)
	for i, s := range states {
		number[encode(s)] = i
	}
	require.Len(t, number, len(states), "states are distinct")

	table := make([][]int, len(states))
	for i, x := range states {
		table[i] = make([]int, len(states))
		for j, y := range states {
			z := x.Clone()
			changed := z.Merge(y)
			k, ok := number[encode(z)]
			if !ok || changed != (k != i) || z.Equal(x) != (k == i) || z.Equal(y) != (k == j) {
				t.Fatalf("merging state %d into %d: state %d, %v, changed %v", j, i, k, ok, changed)
			}
			if z.Merge(y) || z.Merge(x) || z.Merge(z) {
				t.Fatalf("merging states %d and %d is not idempotent", i, j)
			}
			table[i][j] = k
		}
	}
	for i, x := range states {
		require.Equal(t, i, number[encode(x)], "merging modified an argument")
		for j := range states {
			require.Equal(t, table[i][j], table[j][i], "merging %d and %d does not commute", i, j)
		}
	}
	return table
}

// checkAssociative checks the grouping of any three states. With commutativity
// that makes all orders equal.
func checkAssociative(t *testing.T, table [][]int) {
	t.Helper()
	for i, row := range table {
		for j, ij := range row {
			for k, jk := range table[j] {
				if table[ij][k] != row[jk] {
					t.Fatalf("states %d, %d, %d: (x⊔y)⊔z is %d, x⊔(y⊔z) is %d", i, j, k, table[ij][k], row[jk])
				}
			}
		}
	}
	t.Logf("%d states, %d triples", len(table), len(table)*len(table)*len(table))
}
