package main

import (
	"path"
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
		"weak.go:7: internal/mutate/testdata/weak/weak.go: Tested: bound: n > largest → n >= largest", // the same number
		"./testdata/weak: ", "",
	}, "\n"), regexp.MustCompile(`weak: .*`).ReplaceAllString(out.String(), "weak: "))

	out.Reset()
	o.at = "weak.go:(1[3-9]|2[0-9])$"
	require.NoError(t, run(&out, o, []string{"./testdata/weak"}))
	require.Contains(t, out.String(), "./testdata/weak: 0 of ")
	require.Contains(t, out.String(), "weak.go: Untested: sum: sum+n → sum - n\n")
	require.Contains(t, out.String(), "weak.go: Untested: branch: break → continue\n")
	require.Contains(t, out.String(), "weak.go: Untested: drop: sum += n → nothing\n")
}

// TestLast asks slow tests only of what survives the others, and counts what they kill.
func TestLast(t *testing.T) {
	o := options{n: 100, seed: 1, checks: 1, wall: "1m", at: "weak.go:([0-9]|1[0-2])$"}
	var all, last strings.Builder
	require.NoError(t, run(&all, o, []string{"./testdata/weak"}))
	o.last = "Tested"
	require.NoError(t, run(&last, o, []string{"./testdata/weak"}))
	require.Equal(t, all.String(), last.String())
	o.skip = "Tested"
	last.Reset()
	require.NoError(t, run(&last, o, []string{"./testdata/weak"}))
	require.Contains(t, last.String(), "./testdata/weak: 0 of ")
}

// TestKnown leaves out what is listed as equivalent, and says if what is listed is no
// mutant any more, or is noticed.
func TestKnown(t *testing.T) {
	const bound = "internal/mutate/testdata/weak/weak.go: Tested: bound: n > largest → n >= largest"
	o := options{n: 100, seed: 1, checks: 1, wall: "1m", at: "weak.go:7$", known: "# a comment\n\n" + bound + "\n\tthe same number\n"}
	var out strings.Builder
	require.NoError(t, run(&out, o, []string{"./testdata/weak"}))
	require.Regexp(t, `^./testdata/weak: (\d+) of (\d+) mutants killed, 100 %; \d+ possible\n$`, out.String())

	other := strings.Replace(bound, "bound: n > largest → n >= largest", "if: i == 0 || n > largest → !(i == 0 || n > largest)", 1)
	o.listed, o.known = true, o.known+other+"\n\twrongly\n"
	out.Reset()
	require.NoError(t, run(&out, o, []string{"./testdata/weak"}))
	require.Equal(t, "weak.go:7: "+other+"\n./testdata/weak: 1 of 2 mutants killed, 50 %; 2 possible\n", out.String())

	o.known = strings.ReplaceAll(bound, "largest", "largest0") + "\n\tonce\nother/weak.go: f: if: a\n\tof another package"
	require.EqualError(t, run(&out, o, []string{"./testdata/weak"}),
		"./testdata/weak: listed as equivalent, and no mutant:\n"+strings.ReplaceAll(bound, "largest", "largest0"))
	for text, want := range map[string]string{
		"a\nb\n\tc":     "no reason for a",
		"a\n\tb\nc\n":   "no reason for c",
		"\ta":           "a reason of no mutant: a",
		"a\n\tb\n\tc\n": "a reason of no mutant: c",
	} {
		o.known = text
		require.ErrorContains(t, run(&out, o, []string{"./testdata/weak"}), want)
	}
}

// TestEquivalent finds each mutant of the list in the code.
func TestEquivalent(t *testing.T) {
	all, err := parseKnown(equivalent)
	require.NoError(t, err)
	packages := make(map[string]bool)
	for _, k := range all {
		packages[path.Dir(strings.SplitN(k.name, ":", 2)[0])] = true
	}
	for name := range packages {
		p, err := load("../../" + name)
		require.NoError(t, err)
		_, _, err = p.sample(options{known: equivalent})
		require.NoError(t, err)
	}
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
