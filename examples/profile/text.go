package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/example"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// Text implements [example.Report].
func (rep *report) Text() string {
	var b strings.Builder
	rep.timeline(&b)
	rep.table(&b)
	for _, o := range rep.Outcomes {
		o.reasons(&b, rep.writes)
	}
	return b.String()
}

// timeline writes what happened and, where the strategies differ, what each
// made of it.
func (rep *report) timeline(b *strings.Builder) {
	layout, day := "15:04:05.000", rep.Events[0].Clock.Format(time.DateOnly)
	for _, e := range rep.Events {
		if e.Clock.Format(time.DateOnly) != day {
			layout, day = "2006-01-02 15:04:05.000", ""
		}
	}
	if day != "" {
		day = " on " + day
	}
	fmt.Fprintf(b, "One profile in %s%s. Events in true order; clocks are the regions' own, in UTC.\n\n",
		example.Plural(len(rep.Regions), "region"), day)

	region := len("region")
	for _, name := range rep.Regions {
		region = max(region, len(name))
	}
	indent := len("line") + 2 + region + 2 + len(layout) + 2
	fmt.Fprintf(b, "line  %-*s  %-*s  event\n", region, "region", len(layout), "clock")
	for _, e := range rep.Events {
		head := fmt.Sprintf("%4d  %-*s  %s  ", e.Line, region, e.Region, e.Clock.Format(layout))
		for _, n := range rep.describe(e, layout) {
			example.Wrap(b, head+n.label, n.text)
			head = strings.Repeat(" ", indent)
		}
	}
}

// A note is a remark on an event, with a label if it is that of a strategy.
type note struct{ label, text string }

// describe returns what happened in e, and what each strategy made of it where
// they differ.
func (rep *report) describe(e eventReport, layout string) []note {
	var notes []note
	switch {
	case e.Step != "":
		d, _ := time.ParseDuration(e.Step)
		notes = []note{{"", fmt.Sprintf("step %s: the clock now shows %s", signed(d), e.Clock.Add(d).Format(layout))}}
	case e.Write != nil:
		notes = []note{{"", "write " + e.Write.String()}}
	default:
		notes = rep.describeReceive(e)
	}
	for i, ef := range e.Effects {
		if ef.Remark != "" {
			notes = append(notes, note{rep.label(rep.Outcomes[i].Strategy), ef.Remark})
		}
	}
	if len(e.Concurrent) > 0 {
		notes = append(notes, note{rep.label("vclock"), "concurrent with " + spans(e.Concurrent)})
	}
	return notes
}

func (rep *report) describeReceive(e eventReport) []note {
	what := "receive from " + string(e.Receive)
	if e.Sent != e.Line {
		what += fmt.Sprintf(", sent after line %d", e.Sent)
	}
	var effects []string
	for _, ef := range e.Effects {
		effects = append(effects, rep.effect(ef))
	}
	if len(slices.Compact(slices.Clone(effects))) == 1 {
		return []note{{"", what + ": " + effects[0]}}
	}
	notes := []note{{"", what}}
	for i, ef := range effects {
		notes = append(notes, note{rep.label(rep.Outcomes[i].Strategy), ef})
	}
	return notes
}

// labels returns the width of the longest name of a strategy.
func (rep *report) labels() int {
	n := len("vclock")
	for _, o := range rep.Outcomes {
		n = max(n, len(o.Strategy))
	}
	return n
}

func (rep *report) label(name string) string {
	return fmt.Sprintf("%-*s  ", rep.labels(), name)
}

// effect says what a merge did.
func (rep *report) effect(e effect) string {
	dropped := make(map[int]edits) // by line
	for _, c := range e.Contests {
		dropped[c.Lost] = append(dropped[c.Lost], edit{c.Field, rep.writes[c.Lost].value(c.Field)})
	}
	var parts []string
	if len(e.Changed) > 0 {
		parts = append(parts, e.Changed.String())
	}
	for _, line := range slices.Sorted(maps.Keys(dropped)) {
		parts = append(parts, fmt.Sprintf("drops %v of line %d", dropped[line], line))
	}
	if len(parts) == 0 {
		return "nothing new"
	}
	return strings.Join(parts, "; ")
}

// table writes the outcome side by side.
func (rep *report) table(b *strings.Builder) {
	const first = 9
	width := (example.Width-first)/(len(rep.Outcomes)+1) - 2
	heads := [][]string{{"outcome"}}
	for _, o := range rep.Outcomes {
		heads = append(heads, []string{o.Strategy})
	}
	fmt.Fprintln(b)
	example.Row(b, first, append(heads, []string{"vclock"})...)
	for _, f := range rep.Fields {
		cells := [][]string{{string(f.Field)}}
		for _, o := range rep.Outcomes {
			cells = append(cells, o.cell(rep.Regions, f.Field, width))
		}
		example.Row(b, first, append(cells, f.cell(width))...)
	}
}

// cell returns what readers see of f, in lines, and what they do not.
func (o outcome) cell(regions []vclock.Replica, f field, width int) []string {
	var cell []string
	values := make(map[string]bool)
	for _, r := range regions {
		p := o.Profiles[r]
		values[*p.at(f)] = true
		cell = append(cell, labelled(string(r), plain(*p.at(f)), width)...)
	}
	if len(values) == 1 {
		p := o.Profiles[regions[0]]
		cell = []string{plain(*p.at(f))}
	} else {
		cell = append(cell, "REGIONS DISAGREE")
	}
	for _, v := range o.Lost {
		for _, e := range v.Edits {
			if e.Field == f && len(values) == 1 {
				cell = append(cell, labelled(fmt.Sprintf("LOST line %d", v.Line), plain(e.Value), width)...)
			}
		}
	}
	return cell
}

// labelled returns the label and the text on one line, or on two if that would be
// wider than width.
func labelled(label, text string, width int) []string {
	if utf8.RuneCountInString(label+": "+text) > width {
		return []string{label + ":", "  " + text}
	}
	return []string{label + ": " + text}
}

// cell returns what vclock knows of f, in lines.
func (f fieldReport) cell(width int) []string {
	switch {
	case len(f.Heads) > 1:
		return labelled("CONFLICT", lines(f.Heads), width)
	case len(f.Lines) == 1:
		return []string{fmt.Sprintf("one edit, line %d", f.Lines[0])}
	}
	return labelled("no conflict", fmt.Sprintf("line %d is last", f.Heads[0]), width)
}

// reasons writes who won, who lost, and why.
func (o outcome) reasons(b *strings.Builder, writes map[int]*write) {
	fmt.Fprintf(b, "\n%s: %s\n", o.Strategy, o.strategy.Rule)
	for _, v := range o.Lost {
		example.Wrap(b, "  LOST      ", fmt.Sprintf("%v (line %d, %s) to line %d (%s): %s. %s",
			v.Edits, v.Line, v.Region, v.Winner.Line, v.Winner.Region, v.because(o.strategy), v.known(o.strategy, writes)))
	}
	for _, v := range o.Replaced {
		example.Wrap(b, "  replaced  ", fmt.Sprintf("%v (line %d, %s) by line %d (%s): %s. %s",
			v.Edits, v.Line, v.Region, v.Winner.Line, v.Winner.Region, v.because(o.strategy), v.known(o.strategy, writes)))
	}
	if len(o.Lost)+len(o.Replaced) == 0 {
		fmt.Fprintf(b, "  No edit of one region gave way to another region's.\n")
	}
	for _, r := range o.Reports {
		r.text(b)
	}
}

// text writes the report of r, with the last of its columns broken into lines.
func (r receipt) text(b *strings.Builder) {
	when := fmt.Sprintf("on line %d", r.Line)
	if r.Line == 0 {
		when = "at the end"
	}
	fmt.Fprintf(b, "\n  What merge.Report says of %s receiving from %s %s:\n", r.Region, r.From, when)
	report := r.Report.Redact(func(_ string, v any) any {
		switch v.(type) {
		case merge.Key, merge.Text:
			return v
		}
		return legible(fmt.Sprint(v))
	})
	var path, rule int
	for _, c := range report.Changes {
		path, rule = max(path, len(c.Path)), max(rule, len(c.Rule))
	}
	story := path + 2 + rule + 2
	for line := range strings.Lines(report.String()) {
		example.Wrap(b, "    "+line[:story], strings.TrimSuffix(line[story:], "\n"))
	}
}

// A legible is a value that a report shows as quote does.
type legible string

// String returns the quoted value.
func (l legible) String() string { return quote(string(l)) }

// known says what the two sides of v knew of each other.
func (v verdict) known(s strategy, writes map[int]*write) string {
	clash := slices.ContainsFunc(v.Edits, func(e edit) bool { return writes[v.Winner.Line].sets(e.Field) })
	switch {
	case v.Order == vclock.Before.String():
		return fmt.Sprintf("%s had seen line %d when it wrote line %d: nothing is lost.", v.Winner.Region, v.Line, v.Winner.Line)
	case v.Order == vclock.After.String():
		return fmt.Sprintf("But %s had seen line %d when it wrote line %d: there was no conflict, and the later edit is gone.",
			v.Region, v.Winner.Line, v.Line)
	case clash:
		return "Neither had seen the other: a conflict, of which the rule keeps one side."
	}
	return fmt.Sprintf("Neither had seen the other. They set different fields, but the rule keeps one %s whole.", s.Whole)
}

// because says by which comparison v was decided.
func (v verdict) because(s strategy) string {
	switch {
	case v.margin == 0:
		return fmt.Sprintf("%s is equal, and %s", v.Key, s.Tie)
	case v.margin < 0:
		return fmt.Sprintf("although its %s is earlier by %v", v.Key, -v.margin)
	}
	return fmt.Sprintf("its %s is later by %v", v.Key, v.margin)
}

// String returns e as name="value".
func (e edit) String() string { return string(e.Field) + "=" + quote(e.Value) }

// String returns the edits one after the other.
func (es edits) String() string {
	var parts []string
	for _, e := range es {
		parts = append(parts, e.String())
	}
	return strings.Join(parts, " ")
}

// quote quotes s so that it cannot disturb a terminal, cut to a legible length.
func quote(s string) string { return example.Short(strconv.Quote(example.Short(s, 40)), 42) }

// plain returns s as it is, if that is safe to print and not blank.
func plain(s string) string {
	if q := strconv.Quote(s); s != "" && q == `"`+s+`"` && strings.TrimSpace(s) == s {
		return s
	}
	return quote(s)
}

// signed returns d with its sign.
func signed(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}

func lines(ns []int) string {
	var parts []string
	for _, n := range ns {
		parts = append(parts, strconv.Itoa(n))
	}
	if len(parts) == 1 {
		return "line " + parts[0]
	}
	return "lines " + strings.Join(parts, ", ")
}

func spans(ss []span) string {
	var parts []string
	for _, s := range ss {
		if s.Writes == 1 {
			parts = append(parts, fmt.Sprintf("line %d (%s)", s.First, s.Region))
		} else {
			parts = append(parts, fmt.Sprintf("lines %d to %d (%s, %s)", s.First, s.Last, s.Region, example.Plural(s.Writes, "write")))
		}
	}
	return strings.Join(parts, ", ")
}
