package main

import (
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// fieldwise merges field by field, as the tags of [Profile] say: a stamp from a
// hybrid logical clock is kept for each field, not one for the record.
func fieldwise() strategy {
	plan := merge.MustCompile(merge.Options[Profile]{Record: true})
	lines := make(map[stamped]int)
	return strategy{
		Name:  "merge",
		Rule:  "the largest stamp wins each field; street and city are one",
		Key:   "stamp",
		Tie:   "the larger region name wins",
		Whole: "address",
		new: func(r vclock.Replica, now func() time.Time) site {
			clock := &hlc.Clock{Physical: now}
			return &mergeable{
				writer: lww.Writer{Replica: r, Clock: clock},
				clock:  clock,
				lines:  lines,
				value:  plan.NewRecord(),
			}
		},
	}
}

// A mergeable is a profile in a [merge.Record], in one region.
type mergeable struct {
	writer lww.Writer
	clock  *hlc.Clock      // of writer
	lines  map[stamped]int // of all writes, in all regions

	value *merge.Record[Profile]
	note  string
}

// A stamped is one version of a field. Two fields may have one stamp from
// different writes, where the clock does not follow what they replace.
type stamped struct {
	field field
	stamp lww.Stamp
}

// write touches what the user set to what it was: a choice, though no change.
func (m *mergeable) write(e event) error {
	before := make(map[field]lww.Stamp)
	for _, f := range fields() {
		before[f] = m.stamp(f)
	}
	err := m.value.Update(m.writer, func(p *Profile) error {
		for _, edit := range e.Write {
			*p.at(edit.Field) = edit.Value
		}
		return nil
	})
	if err != nil {
		return err
	}
	var newest lww.Stamp
	for _, edit := range e.Write {
		if m.stamp(edit.Field) == before[edit.Field] {
			if err := m.value.Touch(m.writer, string(edit.Field)); err != nil {
				return err
			}
		}
		if s := m.stamp(edit.Field); s.Compare(newest) > 0 {
			newest = s
		}
	}
	for _, f := range fields() {
		if s := m.stamp(f); s != before[f] {
			m.lines[stamped{f, s}] = e.Line
		}
	}
	m.note = aheadOf(e.Clock, newest)
	return nil
}

func (m *mergeable) receive(peer site) {
	m.note = ""
	if m.value.Merge(peer.(*mergeable).value) {
		m.note = follow(m.clock, m.value.Stamp(""))
	}
}

// explain leaves out what is the same on both sides under two stamps.
func (m *mergeable) explain(peer site) merge.Report {
	report := m.value.Explain(peer.(*mergeable).value)
	report.Changes = slices.DeleteFunc(report.Changes, func(c merge.Change) bool { return c.Outcome == merge.Same })
	return report
}

func (m *mergeable) remark() string { return m.note }

func (m *mergeable) clone() site {
	c := *m
	c.value = m.value.Clone()
	return &c
}

func (m *mergeable) profile() Profile {
	p, _ := m.value.Get()
	return p
}

// stamp returns the stamp of f, which it shares with the rest of its group.
func (m *mergeable) stamp(f field) lww.Stamp { return m.value.Stamp(string(f)) }

func (m *mergeable) when(f field) hlc.Timestamp { return m.stamp(f).Time }

func (m *mergeable) version(f field) int { return m.lines[stamped{f, m.stamp(f)}] }
