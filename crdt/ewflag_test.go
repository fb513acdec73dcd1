package crdt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// One region switches the banner off while another, which has not heard of that,
// switches it on: it is on.
func TestEWFlagEnableWins(t *testing.T) {
	var eu, us crdt.EWFlag
	eu.Enable("eu")
	meet(t, &eu, &us)
	us.Disable("us")
	eu.Enable("eu")
	meet(t, &eu, &us)
	require.True(t, us.Enabled())
}

// Switching off by who has seen it on holds, in every region.
func TestEWFlagDisableOfSeen(t *testing.T) {
	var eu, us crdt.EWFlag
	eu.Enable("eu")
	meet(t, &eu, &us)
	us.Disable("us")
	meet(t, &eu, &us)
	require.False(t, eu.Enabled())
}

// Two switch on, one off that has seen one of them: the other one holds.
func TestEWFlagDisableOfOne(t *testing.T) {
	var eu, us, ap crdt.EWFlag
	eu.Enable("eu")
	us.Enable("us")
	ap.Merge(&eu)
	ap.Disable("ap")
	meet(t, &ap, &us)
	require.True(t, ap.Enabled())
	meet(t, &us, &eu)
	meet(t, &ap, &eu)
	require.True(t, eu.Enabled())
}

// The message that switches off arrives before the one that it answers.
func TestEWFlagDisableOvertakes(t *testing.T) {
	var eu, us, ap crdt.EWFlag
	on := eu.Enable("eu")
	us.Merge(on)
	off := us.Disable("us")
	ap.Merge(off)
	ap.Merge(on)
	require.False(t, ap.Enabled())
}

// A client switches off what it was shown, not what has happened since.
func TestEWFlagDisableWhatWasShown(t *testing.T) {
	var server crdt.EWFlag
	server.Enable("eu")
	page := server.Context()
	server.Enable("eu")
	must(server.DisableSeen("eu", page))
	require.True(t, server.Enabled())
	must(server.DisableSeen("eu", server.Context()))
	require.False(t, server.Enabled())
}

// Ten years of switching leave nothing behind.
func TestEWFlagStaysSmall(t *testing.T) {
	var f crdt.EWFlag
	for range 10_000 {
		f.Enable("eu")
		f.Disable("eu")
	}
	require.LessOrEqual(t, len(bytesOf(t, &f)), 12)
}
