// Package lawkit is what the law kits share: crdttest, mergetest and
// resolvertest. It runs their searches as the flags of rapid say, tells where a
// panic came from, and leaves steps out of histories.
package lawkit

import (
	"flag"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Check calls search with a seed and the number of cases to draw from it on, as
// the flags of rapid say, and a fifth of them with -short. Search returns the seed
// of the first case that fails, and why. What names the cases.
func Check(tb testing.TB, what string, search func(seed, n int) (at int, err error)) {
	tb.Helper()
	n, seed := number("rapid.checks"), number("rapid.seed")
	if testing.Short() {
		n = max(1, n/5)
	}
	if seed == 0 {
		seed = int(maphash.String(maphash.MakeSeed(), "") >> 33)
	}
	if at, err := search(seed, n); err != nil {
		tb.Fatalf("%v\nto reproduce: -run='^%s$' -rapid.seed=%d", err, tb.Name(), at)
	}
	tb.Logf("%d %s from -rapid.seed=%d", n, what, seed)
}

// number returns the value of a flag of rapid.
func number(name string) int {
	n, err := strconv.Atoi(flag.Lookup(name).Value.String())
	if err != nil {
		panic(fmt.Sprintf("lawkit: flag %s: %v", name, err))
	}
	return n
}

// Origin returns where the panic came from that the caller has recovered, as in
// ", in shop.(*Cart).Merge (cart.go:31)".
func Origin() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf(", in %s (%s:%d)", filepath.Base(f.Function), filepath.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// OriginIn is [Origin] for a panic whose [debug.Stack] was kept.
func OriginIn(stack []byte) string {
	_, after, _ := strings.Cut(string(stack), "\npanic(")
	lines := strings.Split(after, "\n")
	for i := 2; i+1 < len(lines); i += 2 {
		function, file := lines[i], strings.TrimSpace(lines[i+1])
		if strings.HasPrefix(function, "runtime.") {
			continue
		}
		function = function[:max(0, strings.LastIndexByte(function, '('))]
		file, _, _ = strings.Cut(file, " ")
		return fmt.Sprintf(", in %s (%s)", filepath.Base(function), filepath.Base(file))
	}
	return ""
}

// LeaveOut leaves out of h what it can, first half of the steps, then ever fewer
// down to single ones, always the later ones first, and returns what is left.
// Fails reports whether a history still fails. It may keep what it is given.
func LeaveOut[H ~[]S, S any](h H, fails func(smaller H) bool) H {
	for n := max(1, len(h)/2); n > 0; n /= 2 {
		for i := len(h) - n; i >= 0; i-- {
			if i+n > len(h) {
				continue
			}
			if smaller := slices.Delete(slices.Clone(h), i, i+n); fails(smaller) {
				h = smaller
			}
		}
	}
	return h
}
