package main

import (
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A strategy is one way to decide which write wins. It is one column of the
// outcome.
type strategy struct {
	Name  string // heading of its column
	Rule  string // who wins, in a sentence
	Key   string // what the rule compares
	Tie   string // what it does when that is equal
	Whole string // what wins or loses as one

	// new returns the empty state of one region, whose clock shows now.
	new func(r vclock.Replica, now func() time.Time) site
}

// A site is what one region holds under one strategy: a copy of the profile, and
// whatever the strategy needs to merge it with others.
type site interface {
	// write makes the write of e.
	write(e event) error

	// receive merges the state of a peer, which it does not change.
	receive(peer site)

	// remark returns what an operator should know of the last write or receive, if
	// anything.
	remark() string

	// clone returns a copy that no write changes, to be sent.
	clone() site

	profile() Profile

	// when returns the time that the strategy decides about f by.
	when(f field) hlc.Timestamp

	// version returns the line of the write whose version of f the site holds, or 0
	// if none. Where f wins or loses together with other fields, that is the last
	// write to any of them, whether or not it set f.
	version(f field) int
}

// An explainer is a [site] that says who would win, and why, if it received the
// state of a peer.
type explainer interface {
	explain(peer site) merge.Report
}

func strategies() []strategy {
	return []strategy{wallClock(), hybrid(), fieldwise()}
}
