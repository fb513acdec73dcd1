package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// One region stops the sale while another, which has not heard of that, opens it
// again: it is stopped.
func TestDWFlagDisableWins(t *testing.T) {
	var eu, us crdt.DWFlag
	eu.Enable("eu")
	meet(t, &eu, &us)
	us.Disable("us")
	eu.Enable("eu")
	require.True(t, eu.Enabled())
	meet(t, &eu, &us)
	require.False(t, eu.Enabled())
}

// Stopping what was never open makes a difference to who opens it at the time.
func TestDWFlagDisableOfUnseen(t *testing.T) {
	var eu, us crdt.DWFlag
	eu.Enable("eu")
	us.Disable("us")
	meet(t, &eu, &us)
	require.False(t, us.Enabled())
}

// Opening by who knows that it was stopped holds, in every region.
func TestDWFlagEnableOfSeen(t *testing.T) {
	var eu, us crdt.DWFlag
	us.Disable("us")
	meet(t, &eu, &us)
	eu.Enable("eu")
	meet(t, &eu, &us)
	require.True(t, us.Enabled())
}

// The message that opens again arrives before the one that stopped.
func TestDWFlagEnableOvertakes(t *testing.T) {
	var eu, us crdt.DWFlag
	on := eu.Enable("eu")
	off := eu.Disable("eu")
	again := eu.Enable("eu")
	us.Merge(again)
	us.Merge(off)
	us.Merge(on)
	require.True(t, us.Enabled())
	require.True(t, us.Equal(&eu))
}

// A client opens again after the stop that it was shown, and not after a second one.
func TestDWFlagEnableWhatWasShown(t *testing.T) {
	var server crdt.DWFlag
	server.Disable("eu")
	page := server.Context()
	server.Disable("us")
	must(server.EnableSeen("eu", page))
	require.False(t, server.Enabled())
	must(server.EnableSeen("eu", server.Context()))
	require.True(t, server.Enabled())
}

// A stopped flag remembers that until all have seen it.
func TestDWFlagForgetsWhenAllHaveSeen(t *testing.T) {
	var f crdt.DWFlag
	f.Enable("eu")
	f.Disable("eu")
	require.True(t, f.Compact(f.Context()), "eu is the only member")
	require.False(t, f.Enabled())
	_, disables := f.Dots()
	require.Empty(t, disables)
}
