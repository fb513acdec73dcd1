package resolver_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// past returns a clock with the numbers of ap, eu and us; those that are 0 are not in it.
func past(ap, eu, us uint64) (c vclock.Clock) {
	for i, r := range []vclock.Replica{"ap", "eu", "us"} {
		if n := []uint64{ap, eu, us}[i]; n > 0 {
			c = c.With(r, n)
		}
	}
	return c
}

// TestAncestorsLeft tells which of too many ancestors a version goes on with.
func TestAncestorsLeft(t *testing.T) {
	for name, tt := range map[string]struct{ all, left []vclock.Clock }{
		"few": {
			[]vclock.Clock{past(0, 1, 1), past(0, 1, 0)},
			[]vclock.Clock{past(0, 1, 0), past(0, 1, 1)},
		},
		"some twice": {
			[]vclock.Clock{past(0, 1, 0), past(0, 2, 0), past(0, 1, 0), past(0, 2, 0), past(0, 3, 0), past(0, 4, 0)},
			[]vclock.Clock{past(0, 1, 0), past(0, 2, 0), past(0, 3, 0), past(0, 4, 0)},
		},
		"one replica went on": {
			[]vclock.Clock{past(0, 1, 0), past(0, 2, 0), past(0, 3, 0), past(0, 4, 0), past(0, 5, 0), past(0, 6, 0)},
			[]vclock.Clock{past(0, 1, 0), past(0, 4, 0), past(0, 5, 0), past(0, 6, 0)},
		},
		"one replica went on after others": {
			[]vclock.Clock{past(1, 0, 0), past(1, 1, 0), past(1, 1, 1), past(1, 1, 2), past(1, 1, 3)},
			[]vclock.Clock{past(1, 0, 0), past(1, 1, 0), past(1, 1, 2), past(1, 1, 3)},
		},
		"two took turns": {
			[]vclock.Clock{past(0, 1, 0), past(0, 1, 1), past(0, 2, 1), past(0, 2, 2), past(0, 3, 2)},
			[]vclock.Clock{past(0, 1, 0), past(0, 2, 1), past(0, 2, 2), past(0, 3, 2)},
		},
		"what went on is beside the one before": {
			[]vclock.Clock{past(1, 0, 0), past(1, 1, 0), past(1, 0, 2), past(1, 0, 3), past(1, 9, 3)},
			[]vclock.Clock{past(1, 0, 0), past(1, 0, 2), past(1, 0, 3), past(1, 9, 3)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := func(all []vclock.Clock) (out []string) {
				for _, c := range all {
					out = append(out, c.String())
				}
				return out
			}
			for range len(tt.all) { // in whatever order they come
				tt.all = append(tt.all[1:], tt.all[0])
				require.Equal(t, text(tt.left), text(resolver.Trim(slices.Clone(tt.all))))
			}
		})
	}
}

// TestAdvanced finds the one replica that went on, and none where more happened.
func TestAdvanced(t *testing.T) {
	for _, tt := range []struct {
		c, d vclock.Clock
		want vclock.Replica
	}{
		{past(0, 0, 0), past(0, 1, 0), "eu"},
		{past(0, 1, 0), past(0, 2, 0), "eu"},
		{past(1, 1, 1), past(1, 1, 2), "us"},
		{past(1, 1, 0), past(1, 1, 1), "us"},
		{past(0, 1, 0), past(0, 1, 0), ""},
		{past(0, 2, 0), past(0, 1, 0), ""}, // went back
		{past(0, 1, 1), past(0, 2, 2), ""}, // two went on
		{past(0, 1, 0), past(0, 2, 1), ""},
		{past(0, 1, 0), past(0, 0, 1), ""}, // beside each other
		{past(0, 1, 1), past(0, 2, 0), ""},
	} {
		r, ok := resolver.Advanced(tt.c, tt.d)
		require.Equal(t, tt.want != "", ok, "%v to %v", tt.c, tt.d)
		if ok {
			require.Equal(t, tt.want, r, "%v to %v", tt.c, tt.d)
		}
	}
}
