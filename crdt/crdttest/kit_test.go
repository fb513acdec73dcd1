package crdttest_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt/crdttest"
)

func TestCheck(t *testing.T) {
	setKit(none).Check(t)
	tallyKit(false, true).Check(t)
	cellKit("value").Check(t)
}

// A recorder is a test that fails without anybody minding.
type recorder struct {
	testing.TB
	text string
}

func (*recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestCheckFails(t *testing.T) {
	r := &recorder{TB: t}
	var done sync.WaitGroup
	done.Go(func() { setKit(deltaContextTooLarge).Check(r) })
	done.Wait()
	require.Contains(t, r.text, string(crdttest.Delta)+"\n  1. a: Add p\n  2. a: Add q\n")

	_, seed, found := strings.Cut(r.text, "-rapid.seed=")
	require.True(t, found)
	n, err := strconv.Atoi(seed)
	require.NoError(t, err)
	require.ErrorContains(t, setKit(deltaContextTooLarge).Run(n, 1), string(crdttest.Delta))
}

func FuzzSet(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(setKit(none).Property))
}

func TestKitMistakes(t *testing.T) {
	ops, value := setKit(none).Ops, setKit(none).Value
	empty := setKit(none).New
	for _, tt := range []struct {
		name string
		kit  crdttest.Kit[*orset]
		want string
	}{
		{"no New", crdttest.Kit[*orset]{Ops: ops}, "crdttest: the Kit has no New"},
		{"no Ops", crdttest.Kit[*orset]{New: empty}, "crdttest: the Kit has no Ops"},
		{"zero operation", crdttest.Kit[*orset]{New: empty, Ops: make([]crdttest.Operation[*orset], 1)}, "crdttest: an element of Ops was not made by Op or OpSeen"},
		{"model without value", crdttest.Kit[*orset]{New: empty, Ops: ops, Model: addWins}, "crdttest: the Kit has a Model but no Value to compare with it"},
		{"too many replicas", crdttest.Kit[*orset]{New: empty, Ops: ops, Value: value, Replicas: 27}, "crdttest: Replicas is 27, want 1 to 26"},
		{"too many steps", crdttest.Kit[*orset]{New: empty, Ops: ops, Value: value, Steps: 65}, "crdttest: Steps is 65, want 1 to 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.EqualError(t, tt.kit.Run(0, 1), tt.want)
		})
	}
}

func TestJoin(t *testing.T) {
	state := func(tie, value string) *cell { return &cell{tie: tie, time: 1, value: value} }
	require.NoError(t, crdttest.Join(state("value", "p"), state("value", "q"), state("value", "r")))
	var broken *crdttest.LawError
	require.ErrorAs(t, crdttest.Join(state("receiver", "p"), state("receiver", "q"), state("receiver", "p")), &broken)
	require.Equal(t, crdttest.Commutative, broken.Law)
}

func TestDecode(t *testing.T) {
	fresh := func(f fault) func() *orset {
		return func() *orset {
			s := newSet(f)
			s.add("a", "p")
			return s
		}
	}
	for _, tt := range []struct {
		name  string
		fault fault
		input string
		law   crdttest.Law
	}{
		{"panics", panickingDecoder, "", crdttest.Panics},
		{"another form of the same state", trustingDecoder, `{"Elems": null,"Ctx":null,"Size":0}`, crdttest.Hostile},
		{"receiver changed", dirtyDecoder, `{`, crdttest.Hostile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, crdttest.Decode(fresh(none), []byte(tt.input)))
			var broken *crdttest.LawError
			require.ErrorAs(t, crdttest.Decode(fresh(tt.fault), []byte(tt.input)), &broken)
			require.Equal(t, tt.law, broken.Law)
		})
	}
}
