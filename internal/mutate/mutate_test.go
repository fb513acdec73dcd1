package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutate mutates a package of which one function is tested and one is not.
func TestMutate(t *testing.T) {
	o := options{n: 100, seed: 1, checks: 1, wall: "1m", at: "weak.go:([0-9]|1[0-2])$"}
	var out strings.Builder
	require.NoError(t, run(&out, o, []string{"./testdata/weak"}))
	require.Equal(t, strings.Join([]string{
		"weak.go:7: bound: n > largest → n >= largest", // the same number
		"./testdata/weak: ", "",
	}, "\n"), regexp.MustCompile(`weak: .*`).ReplaceAllString(out.String(), "weak: "))

	out.Reset()
	o.at = "weak.go:(1[3-9]|2[0-9])$"
	require.NoError(t, run(&out, o, []string{"./testdata/weak"}))
	require.Contains(t, out.String(), "./testdata/weak: 0 of ")
	require.Contains(t, out.String(), "weak.go:18: sum: sum+n → sum - n\n")
	require.Contains(t, out.String(), "weak.go:19: branch: break → continue\n")
	require.Contains(t, out.String(), "weak.go:21: drop: sum += n → nothing\n")
}

// TestSample draws the same mutants by one seed, others by another, and of every
// kind before it draws a second of one.
func TestSample(t *testing.T) {
	p, err := load("./testdata/weak")
	require.NoError(t, err)
	draw := func(seed uint64) (what []string, kinds map[string]int) {
		kinds = make(map[string]int)
		mutants, possible, err := p.sample(options{n: 12, seed: seed})
		require.NoError(t, err)
		require.Greater(t, possible, 12)
		for _, m := range mutants {
			what = append(what, m.place+" "+m.what)
			kinds[m.kind]++
		}
		return what, kinds
	}
	one, kinds := draw(1)
	again, _ := draw(1)
	two, _ := draw(2)
	require.Equal(t, one, again)
	require.NotEqual(t, one, two)
	require.Len(t, one, 12)
	require.Len(t, kinds, 12, "%v", kinds)
}

// TestApplied puts wraps around stretches that nest and touch.
func TestApplied(t *testing.T) {
	got := applied([]byte("a+b, c"), []wrap{
		{"", 0, 3, "<", ">"}, {"", 0, 1, "[", "]"}, {"", 2, 3, "(", ")"}, {"", 0, 3, "{", "}"}, {"", 5, 6, "!", ""},
	})
	require.Equal(t, "<{[a]+(b)}>, !c", string(got))
}

func TestMutateErrors(t *testing.T) {
	require.ErrorContains(t, run(nil, options{}, nil), "usage")
	require.ErrorContains(t, run(nil, options{}, []string{"./testdata/none"}), "./testdata/none: go list")
	require.ErrorContains(t, run(nil, options{at: "("}, []string{"./testdata/weak"}), "missing closing )")
	require.ErrorContains(t, run(nil, options{wall: "long"}, []string{"./testdata/weak"}), "invalid duration")
}
