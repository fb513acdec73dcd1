package vclock_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

func TestReplicaIsValid(t *testing.T) {
	tests := []struct {
		name    string
		replica vclock.Replica
		want    bool
	}{
		{"empty", "", false},
		{"one byte", "a", true},
		{"not ASCII", "zürich", true},
		{"not UTF-8", "a\xff", false},
		{"longest", vclock.Replica(strings.Repeat("x", 255)), true},
		{"too long", vclock.Replica(strings.Repeat("x", 256)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.replica.IsValid())
		})
	}
}

func TestIncarnation(t *testing.T) {
	require.Equal(t, vclock.Replica("eu#3"), vclock.Incarnation("eu", 3))
	require.Equal(t, vclock.Replica("eu"), vclock.Incarnation("eu", 0))

	type life struct {
		name string
		n    uint64
	}
	from := map[vclock.Replica]life{}
	for _, name := range []string{"eu", "eu#", "eu##", "#", "##", "eu1", "eu#0", "eu#01", "eu#65536", "eu#x1", "#7"} {
		for n := range uint64(120) {
			r := vclock.Incarnation(name, n)
			require.NotContains(t, from, r, "lives %v and %v share a name", life{name, n}, from[r])
			from[r] = life{name, n}
			back, m := r.Lineage()
			require.Equal(t, life{name, n}, life{string(back), m})
		}
	}
	for _, r := range []vclock.Replica{vclock.Incarnation("eu", vclock.MaxIncarnation), vclock.Incarnation("eu#2", 3)} {
		name, n := r.Lineage()
		require.Equal(t, r, vclock.Incarnation(string(name), n))
	}
	require.Panics(t, func() { vclock.Incarnation("eu", vclock.MaxIncarnation+1) })

	require.PanicsWithValue(t, `vclock: invalid replica ""`, func() { vclock.Incarnation("", 1) })
	require.Panics(t, func() { vclock.Incarnation(strings.Repeat("x", 254), 1) })
	require.NotPanics(t, func() { vclock.Incarnation(strings.Repeat("x", 253), 1) })
}

func TestOrderString(t *testing.T) {
	want := map[vclock.Order]string{
		vclock.Equal:      "equal",
		vclock.Before:     "before",
		vclock.After:      "after",
		vclock.Concurrent: "concurrent",
		7:                 "Order(7)",
	}
	for o, s := range want {
		require.Equal(t, s, o.String())
	}
}
