package crdt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/crdt/crdttest"
	"github.com/rejoin-go/rejoin/internal/lawkit"
	"github.com/rejoin-go/rejoin/vclock"
)

// overridesAll says that every event replaces all that it saw.
func overridesAll(_, _ crdttest.Event) bool { return true }

// standing returns the names of the operations that stand.
func standing(seen []crdttest.Event) []string {
	var ops []string
	for _, e := range crdttest.Standing(seen, overridesAll) {
		ops = append(ops, e.Op)
	}
	return ops
}

func TestEWFlagLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*crdt.EWFlag]{
		New: func() *crdt.EWFlag { return new(crdt.EWFlag) },
		Ops: []crdttest.Operation[*crdt.EWFlag]{
			crdttest.Op("enable", nil, func(f *crdt.EWFlag, r vclock.Replica, _ struct{}) (*crdt.EWFlag, error) { return f.Enable(r), nil }),
			crdttest.Op("disable", nil, func(f *crdt.EWFlag, r vclock.Replica, _ struct{}) (*crdt.EWFlag, error) { return f.Disable(r), nil }),
			crdttest.OpSeen("enable", nil, (*crdt.EWFlag).Context, func(f *crdt.EWFlag, r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.EWFlag, error) {
				return f.EnableSeen(r, seen)
			}),
			crdttest.OpSeen("disable", nil, (*crdt.EWFlag).Context, func(f *crdt.EWFlag, r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.EWFlag, error) {
				return f.DisableSeen(r, seen)
			}),
		},
		Value: func(f *crdt.EWFlag) any { return f.Enabled() },
		Model: func(seen []crdttest.Event) any { return slices.Contains(standing(seen), "enable") },
	}
	kit.Check(t)
}

func TestDWFlagLaws(t *testing.T) {
	t.Parallel()
	kit := crdttest.Kit[*crdt.DWFlag]{
		New: func() *crdt.DWFlag { return new(crdt.DWFlag) },
		Ops: []crdttest.Operation[*crdt.DWFlag]{
			crdttest.Op("enable", nil, func(f *crdt.DWFlag, r vclock.Replica, _ struct{}) (*crdt.DWFlag, error) { return f.Enable(r), nil }),
			crdttest.Op("disable", nil, func(f *crdt.DWFlag, r vclock.Replica, _ struct{}) (*crdt.DWFlag, error) { return f.Disable(r), nil }),
			crdttest.OpSeen("enable", nil, (*crdt.DWFlag).Context, func(f *crdt.DWFlag, r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.DWFlag, error) {
				return f.EnableSeen(r, seen)
			}),
			crdttest.OpSeen("disable", nil, (*crdt.DWFlag).Context, func(f *crdt.DWFlag, r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.DWFlag, error) {
				return f.DisableSeen(r, seen)
			}),
		},
		Value: func(f *crdt.DWFlag) any { return f.Enabled() },
		Model: func(seen []crdttest.Event) any {
			ops := standing(seen)
			return len(ops) > 0 && !slices.Contains(ops, "disable")
		},
	}
	kit.Check(t)
}

func TestMVRegisterLaws(t *testing.T) {
	t.Parallel()
	type value = map[string]string // of a type that is kept with its bytes
	kit := crdttest.Kit[*crdt.MVRegister[value]]{
		New: func() *crdt.MVRegister[value] { return new(crdt.MVRegister[value]) },
		Ops: []crdttest.Operation[*crdt.MVRegister[value]]{
			crdttest.Op("set", letters, func(m *crdt.MVRegister[value], r vclock.Replica, e string) (*crdt.MVRegister[value], error) {
				return m.Set(r, value{"is": e})
			}),
			crdttest.Op("clear", nil, func(m *crdt.MVRegister[value], r vclock.Replica, _ struct{}) (*crdt.MVRegister[value], error) {
				return m.Clear(r), nil
			}),
			crdttest.OpSeen("set", letters, (*crdt.MVRegister[value]).Context, func(m *crdt.MVRegister[value], r vclock.Replica, seen crdt.Context, e string) (*crdt.MVRegister[value], error) {
				return m.SetSeen(r, seen, value{"is": e})
			}),
			crdttest.OpSeen("clear", nil, (*crdt.MVRegister[value]).Context, func(m *crdt.MVRegister[value], r vclock.Replica, seen crdt.Context, _ struct{}) (*crdt.MVRegister[value], error) {
				return m.ClearSeen(r, seen)
			}),
		},
		Value: func(m *crdt.MVRegister[value]) any {
			var all []string
			for v := range m.Values() {
				all = append(all, v["is"])
			}
			return all
		},
		Model: func(seen []crdttest.Event) any {
			return args(crdttest.Standing(seen, overridesAll), "set")
		},
	}
	kit.Check(t)
}

// A disable is remembered until everybody has seen it, and as long as there is an
// enable that it wins over.
func TestDWFlagCompact(t *testing.T) {
	var us, eu crdt.DWFlag
	us.Enable("us")
	disabled := eu.Disable("eu")
	late := us.Clone()
	us.Merge(disabled)
	require.False(t, us.Enabled())
	require.Equal(t, 1, us.Stats().Residues)

	seen := lawkit.NewRows("us", "eu")
	report := func() {
		eu.Merge(&us)
		seen.Record("us", crdt.ClockOf(us.Context()))
		seen.Record("eu", crdt.ClockOf(eu.Context()))
	}
	report()
	require.False(t, forgets(us.Context(), seen, us.Compact), "the enable would win")
	us.Disable("us")
	require.Zero(t, us.Stats().Dots)
	require.False(t, forgets(us.Context(), seen, us.Compact), "eu has not reported")
	report()
	require.True(t, forgets(us.Context(), seen, us.Compact))
	require.Zero(t, us.Stats().Residues)
	require.False(t, us.Merge(late), "the enable that lost does not return")
	require.False(t, us.Enabled())
	require.True(t, eu.Merge(&us))
	require.True(t, eu.Equal(&us))
	eu.Enable("eu")
	require.True(t, eu.Enabled())
}

// TestDWFlagCompactBesideDeleteSeen: a client that has read a disable alone removes
// it from a map while another replica compacts. The enable beside it stays.
func TestDWFlagCompactBesideDeleteSeen(t *testing.T) {
	type flags = crdt.ORMap[string, *crdt.DWFlag]
	var us, eu flags
	us.Update("us", "k", func(f *crdt.DWFlag) { f.Enable("us") })
	eu.Update("eu", "k", func(f *crdt.DWFlag) { f.Disable("eu") })
	read := eu.Context()
	us.Merge(&eu)
	eu.Merge(&us)
	seen := lawkit.NewRows("us", "eu")
	seen.Record("us", crdt.ClockOf(us.Context()))
	seen.Record("eu", crdt.ClockOf(eu.Context()))
	_, _ = us.DeleteSeen("us", read, "k")
	forgets(eu.Context(), seen, eu.Compact)
	eu.Merge(&us)
	f, ok := eu.At("k")
	require.True(t, ok)
	require.True(t, f.Enabled())
}

func TestCellAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counters keep mutators from being inlined")
	}
	var ew crdt.EWFlag
	var dw crdt.DWFlag
	var mv crdt.MVRegister[string]
	ew.Enable("us")
	dw.Enable("us")
	_, _ = mv.Set("us", "x")
	var seen crdt.Context
	for name, f := range map[string]func(){
		"EWFlag.Enable":      func() { ew.Enable("us") },
		"EWFlag.DisableSeen": func() { _, _ = ew.DisableSeen("us", seen) },
		"DWFlag.Enable":      func() { dw.Enable("us") },
		"DWFlag.Disable":     func() { dw.Disable("us") },
		"DWFlag.DisableSeen": func() { _, _ = dw.DisableSeen("us", seen) },
		"Enabled":            func() { _ = ew.Enabled() && dw.Enabled() },
		"MVRegister.Clear":   func() { mv.Clear("us") },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

func TestMVRegisterRefusesValues(t *testing.T) {
	var m crdt.MVRegister[any]
	d, err := m.Set("us", func() {})
	require.ErrorContains(t, err, "crdt: ")
	require.True(t, d.Equal(new(crdt.MVRegister[any])))
	require.Zero(t, m.Len())
	var f crdt.MVRegister[float64]
	_, err = f.Set("us", 1)
	require.NoError(t, err)
	require.Panics(t, func() { _, _ = f.Set("", 1) })
	require.Panics(t, func() { new(crdt.EWFlag).Disable("") })
	require.Panics(t, func() { new(crdt.DWFlag).Disable("") })
}

// Two writes of one value are one value to read, and still two writes.
func TestMVRegisterSameValue(t *testing.T) {
	var us, eu crdt.MVRegister[string]
	_, _ = us.Set("us", "blue")
	d, _ := eu.Set("eu", "blue")
	us.Merge(d)
	v, ok := us.Get()
	require.True(t, ok)
	require.Equal(t, "blue", v)
	require.Equal(t, 2, us.Stats().Dots)
	d, _ = eu.Set("eu", "red")
	us.Merge(d)
	_, ok = us.Get()
	require.False(t, ok)
	require.Equal(t, []string{"red", "blue"}, slices.Collect(us.Values()), "in the order of their bytes")
}
