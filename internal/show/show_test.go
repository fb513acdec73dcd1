package show_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/show"
)

func TestSet(t *testing.T) {
	require.Equal(t, "[]", show.Set(slices.Values([]int(nil))))
	require.Equal(t, "[-9 2 10]", show.Set(slices.Values([]int{10, 2, -9})))
	require.Equal(t, "[2 10]", show.Set(slices.Values([]uint8{10, 2})))
	require.Equal(t, "[0.5 10]", show.Set(slices.Values([]float64{10, 0.5})))
	require.Equal(t, "[false true]", show.Set(slices.Values([]bool{true, false})))
	require.Equal(t, "[{1 b} {2 a}]", show.Set(slices.Values([]struct {
		N int
		S string
	}{{2, "a"}, {1, "b"}})))
}

// TestMany prints a state of any size on a line that a log can take.
func TestMany(t *testing.T) {
	many := make([]int, 1000)
	for i := range many {
		many[i] = i
	}
	require.Equal(t, "[0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 … and 980 more]", show.Set(slices.Values(many)))
	require.True(t, strings.HasSuffix(show.Map(slices.All(many)), "19:19 … and 980 more]"))
}

func TestMap(t *testing.T) {
	require.Equal(t, "map[]", show.Map(maps.All(map[string]int(nil))))
	require.Equal(t, "map[a:2 b:1]", show.Map(maps.All(map[string]int{"b": 1, "a": 2})))
}
