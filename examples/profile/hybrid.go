package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// hybrid is last-writer-wins with stamps from a hybrid logical clock: a write is
// stamped above what it replaces, whatever the wall clock shows.
func hybrid() strategy {
	lines := make(map[lww.Stamp]int)
	return strategy{
		Name:  "lww + hlc",
		Rule:  "the record with the largest stamp wins",
		Key:   "stamp",
		Tie:   "the larger region name wins",
		Whole: "record",
		new: func(r vclock.Replica, now func() time.Time) site {
			clock := &hlc.Clock{Physical: now}
			return &record{
				writer: lww.Writer{Replica: r, Clock: clock},
				clock:  clock,
				lines:  lines,
				value:  new(lww.Register[Profile]),
			}
		},
	}
}

// A record is a profile in an [lww.Register], in one region.
type record struct {
	writer lww.Writer
	clock  *hlc.Clock        // of writer
	lines  map[lww.Stamp]int // of all writes, in all regions

	value *lww.Register[Profile]
	note  string
}

func (r *record) write(e event) error {
	p := r.profile()
	for _, edit := range e.Write {
		*p.at(edit.Field) = edit.Value
	}
	if err := r.value.Set(r.writer, p); err != nil {
		return err
	}
	stamp := r.value.Stamp()
	r.lines[stamp] = e.Line
	r.note = aheadOf(e.Clock, stamp)
	return nil
}

func (r *record) receive(peer site) {
	r.note = ""
	if r.value.Merge(peer.(*record).value) {
		r.note = follow(r.clock, r.value.Stamp())
	}
}

func (r *record) remark() string { return r.note }

func (r *record) clone() site {
	c := *r
	c.value = r.value.Clone()
	return &c
}

func (r *record) profile() Profile {
	p, _ := r.value.Get()
	return p
}

func (r *record) when(field) hlc.Timestamp { return r.value.Stamp().Time }

func (r *record) version(field) int { return r.lines[r.value.Stamp()] }

// aheadOf remarks that a write was stamped ahead of the clock, if it was.
func aheadOf(clock time.Time, stamp lww.Stamp) string {
	if ahead := stamp.Time.Time().Sub(clock); ahead > time.Millisecond {
		return fmt.Sprintf("stamped %v ahead of the clock, above what it replaces", round(ahead))
	}
	return ""
}

// follow advances clock to a stamp that arrived, so that later writes are stamped
// above it. A clock that runs too far ahead to be right is not followed, but
// remarked upon.
func follow(clock *hlc.Clock, stamp lww.Stamp) string {
	if ahead, ok := errors.AsType[*hlc.AheadError](clock.Advance(stamp.Time)); ok {
		return fmt.Sprintf("%s is %v ahead: the clock here does not follow", stamp.Replica, round(ahead.Ahead()))
	}
	return ""
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
