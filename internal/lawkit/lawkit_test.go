package lawkit_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	_ "pgregory.net/rapid" // for its flags

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

type recorder struct {
	testing.TB
	said string
}

func (*recorder) Helper()                        {}
func (*recorder) Name() string                   { return "TestCart" }
func (r *recorder) Logf(f string, args ...any)   { r.said += fmt.Sprintf(f, args...) }
func (r *recorder) Fatalf(f string, args ...any) { r.said = fmt.Sprintf(f, args...); panic(r) }

func TestCheck(t *testing.T) {
	r := &recorder{TB: t}
	lawkit.Check(r, "histories", func(seed, n int) (int, error) {
		require.Positive(t, n)
		require.Positive(t, seed)
		return 0, nil
	})
	require.Regexp(t, `^\d+ histories from -rapid.seed=\d+$`, r.said)
	require.PanicsWithValue(t, r, func() {
		lawkit.Check(r, "histories", func(int, int) (int, error) { return 7, errors.New("broken") })
	})
	require.Equal(t, "broken\nto reproduce: -run='^TestCart$' -rapid.seed=7", r.said)
}

func TestOrigin(t *testing.T) {
	var where string
	func() {
		defer func() {
			_ = recover()
			where = lawkit.Origin()
		}()
		panic("here")
	}()
	require.Regexp(t, `^, in .*TestOrigin.* \(lawkit_test\.go:\d+\)$`, where)
}

// TestLeaveOut looks for the steps 3 and 7, in order, among twenty.
func TestLeaveOut(t *testing.T) {
	var h []int
	for i := range 20 {
		h = append(h, i)
	}
	tried := 0
	left := lawkit.LeaveOut(h, func(smaller []int) bool {
		tried++
		return slices.Contains(smaller, 3) && slices.Contains(smaller, 7)
	})
	require.Equal(t, []int{3, 7}, left)
	require.Less(t, tried, 60)
	require.Len(t, h, 20)
}
