package main

import (
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/vclock"
)

// wallClock is what a team writes by hand: a column updated_at, and replication
// that takes a row over if it is newer than its own.
func wallClock() strategy {
	return strategy{
		Name:  "wall clock",
		Rule:  "the row with the newest updated_at wins",
		Key:   "updated_at",
		Tie:   "each region keeps its own",
		Whole: "record",
		new:   func(vclock.Replica, func() time.Time) site { return new(row) },
	}
}

// A row is a profile in a table with a column updated_at.
type row struct {
	value     Profile
	updatedAt time.Time
	line      int // of the write that made it
}

func (r *row) write(e event) error {
	for _, edit := range e.Write {
		*r.value.at(edit.Field) = edit.Value
	}
	r.updatedAt, r.line = e.Clock, e.Line
	return nil
}

func (r *row) receive(peer site) {
	if p := peer.(*row); p.updatedAt.After(r.updatedAt) {
		*r = *p
	}
}

// remark returns nothing: a reverted row looks like any other.
func (*row) remark() string { return "" }

func (r *row) clone() site {
	c := *r
	return &c
}

func (r *row) profile() Profile { return r.value }

func (r *row) when(field) hlc.Timestamp { return hlc.At(r.updatedAt) }

func (r *row) version(field) int { return r.line }
