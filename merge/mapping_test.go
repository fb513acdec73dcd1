package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// requireByKey merges maps of values of one type, of which v holds four, key by key.
func requireByKey[V any](t *testing.T, v [4]V) {
	t.Helper()
	type m = map[string]V
	p := merge.MustCompile(merge.Options[box[m]]{})
	for _, tt := range []struct {
		name           string
		base           m
		known          bool
		old, last, all m
	}{
		{"the newest of a key", m{"k": v[0]}, true, m{"k": v[1]}, m{"k": v[2]}, m{"k": v[2]}},
		{"the only change", m{"k": v[0], "l": v[0]}, true, m{"k": v[1], "l": v[0]}, m{"k": v[0], "l": v[2]}, m{"k": v[1], "l": v[2]}},
		{"both add", m{}, true, m{"k": v[1], "l": v[1]}, m{"k": v[2], "m": v[2]}, m{"k": v[2], "l": v[1], "m": v[2]}},
		{"one deletes", m{"k": v[0], "l": v[0]}, true, m{"l": v[0]}, m{"k": v[0], "l": v[1]}, m{"l": v[1]}},
		{"the newer deletes", m{"k": v[0], "l": v[0]}, true, m{"k": v[1], "l": v[0]}, m{"l": v[0]}, m{"l": v[0]}},
		{"the older deletes", m{"k": v[0], "l": v[0]}, true, m{"l": v[0]}, m{"k": v[1], "l": v[0]}, m{"k": v[1], "l": v[0]}},
		{"both delete", m{"k": v[0]}, true, m{}, m{}, m{}},
		{"one has none", m{"k": v[0]}, true, nil, m{"k": v[0]}, m{}},
		{"the newer has none", m{"k": v[0]}, true, m{"k": v[1]}, nil, m{}},
		{"nobody has any", m{"k": v[0]}, true, nil, nil, nil},
		{"no change", m{"k": v[0]}, true, m{"k": v[0]}, m{"k": v[0]}, m{"k": v[0]}},
		{"without base", nil, false, m{"k": v[0], "l": v[1]}, m{"k": v[2], "m": v[3]}, m{"k": v[2], "l": v[1], "m": v[3]}},
		{"without base, one has none", nil, false, m{"k": v[0]}, nil, m{"k": v[0]}},
		{"without base, nobody has any", nil, false, nil, nil, nil},
		{"a nil base", nil, true, m{"k": v[0]}, m{"l": v[1]}, m{"k": v[0], "l": v[1]}},
	} {
		var base *box[m]
		if tt.known {
			base = &box[m]{tt.base}
		}
		a, b := merge.Side[box[m]]{Value: box[m]{tt.old}, Stamp: stamp(1, "a")}, merge.Side[box[m]]{Value: box[m]{tt.last}, Stamp: stamp(2, "b")}
		got, err := p.Merge(base, a, b)
		require.NoError(t, err)
		require.Equal(t, tt.all, got.V, "%T: %s", tt.all, tt.name)
		again, err := p.Merge(base, b, a, a)
		require.NoError(t, err)
		require.Equal(t, tt.all, again.V, "%T: %s, again", tt.all, tt.name)
	}
}

// TestMapsOfEachType has the types of maps that are merged in a way of their own, and others.
func TestMapsOfEachType(t *testing.T) {
	requireByKey(t, [4]string{"a", "b", "c", ""})
	requireByKey(t, [4]int{1, 2, 3, 0})
	requireByKey(t, [4]int64{1, 2, 3, 0})
	requireByKey(t, [4]uint8{1, 2, 3, 0})
	requireByKey(t, [4]float64{1, 2, 3, 0})
	requireByKey(t, [4][]int{{1}, {2}, {3}, nil})
	requireByKey(t, [4]*int{new(1), new(2), new(3), nil})
	p := merge.MustCompile(merge.Options[box[map[string]bool]]{})
	type m = map[string]bool
	got := merge2(t, p, &box[m]{m{"a": true, "b": true, "c": false}}, box[m]{m{"a": false, "b": true}}, box[m]{m{"a": true, "b": true, "c": false, "d": true}})
	require.Equal(t, m{"a": false, "b": true, "d": true}, got.V)
}

// TestReportOfMaps tells of the keys that changed, and without a base of those that differ.
func TestReportOfMaps(t *testing.T) {
	type m = map[string]string
	p := merge.MustCompile(merge.Options[box[m]]{})
	explain := func(base *box[m], one, two m) string {
		_, r, err := p.Explain(base, merge.Side[box[m]]{Value: box[m]{one}, Stamp: stamp(1, "a")}, merge.Side[box[m]]{Value: box[m]{two}, Stamp: stamp(2, "b")})
		require.NoError(t, err)
		return r.String()
	}
	const one, two = "a@1970-01-01T00:00:01Z", "b@1970-01-01T00:00:02Z"
	require.Equal(t, `V.x  lww  "c" from `+two+" over "+one+` by 1s; lost "b" of `+one+"\n", explain(&box[m]{m{"w": "w", "x": "a"}}, m{"w": "w", "x": "b"}, m{"w": "w", "x": "c"}))
	require.Equal(t, `V.x  lww  "b" from `+one+"\n", explain(&box[m]{m{"w": "w", "x": "a"}}, m{"w": "w", "x": "b"}, m{"w": "w", "x": "a"}), "as many keys as before")
	require.Equal(t, `V.x  lww  "b" from `+one+"\n"+`V.y  lww  "c" from `+two+"\n"+`V.z  lww  "d" from `+two+" over "+one+` by 1s; lost "c" of `+one+"\n",
		explain(nil, m{"w": "w", "x": "b", "z": "c"}, m{"w": "w", "y": "c", "z": "d"}))
	require.Empty(t, explain(nil, m{"w": "w"}, m{"w": "w"}))
	require.Empty(t, explain(&box[m]{}, m{}, nil), "nil and empty are the same")
}
