package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/internal/example"
)

// Text implements [example.Report].
func (rep *report) Text() string {
	var b strings.Builder
	rep.timeline(&b)
	rep.table(&b)
	for _, o := range rep.Outcomes {
		o.reasons(&b)
	}
	return b.String()
}

// timeline writes what happened, and what each strategy made of it where that is
// worth a word.
func (rep *report) timeline(b *strings.Builder) {
	layout, day := "15:04:05", rep.Events[0].Clock.Format(time.DateOnly)
	for _, e := range rep.Events {
		if e.Clock.Nanosecond() != 0 {
			layout = "15:04:05.000"
		}
		if e.Clock.Format(time.DateOnly) != day {
			day = ""
		}
	}
	if day == "" {
		layout = time.DateOnly + " " + layout
	} else {
		day = " on " + day
	}
	fmt.Fprintf(b, "%s in %s%s. An order is sold unless it says refused.\n\n",
		example.Plural(len(rep.Products), "product"), example.Plural(len(rep.Regions), "region"), day)

	region, label := len("region"), 0
	for _, name := range rep.Regions {
		region = max(region, len(name))
	}
	for _, o := range rep.Outcomes {
		label = max(label, len(o.Strategy))
	}
	indent := strings.Repeat(" ", len("line")+2+region+2+len(layout)+2)
	fmt.Fprintf(b, "line  %-*s  %-*s  event\n", region, "region", len(layout), "clock")
	for _, e := range rep.Events {
		head := fmt.Sprintf("%4d  %-*s  %s  ", e.Line, region, e.Region, e.Clock.Format(layout))
		effects := make([]string, len(e.Effects))
		for i, f := range e.Effects {
			effects[i] = f.String()
		}
		if len(slices.Compact(slices.Clone(effects))) == 1 && effects[0] != "" {
			example.Wrap(b, head, e.String()+": "+effects[0])
			continue
		}
		example.Wrap(b, head, e.String())
		for i, text := range effects {
			if text != "" {
				example.Wrap(b, fmt.Sprintf("%s%-*s  ", indent, label, rep.Outcomes[i].Strategy), text)
			}
		}
	}
}

// String says what happened.
func (e eventReport) String() string {
	switch e.Action {
	case "receive":
		if e.Sent != e.Line {
			return fmt.Sprintf("receive from %s, sent after line %d", e.Receive, e.Sent)
		}
		return "receive from " + string(e.Receive)
	case "order":
		return fmt.Sprintf("order %s: %d × %s", e.Act.ID, e.Act.Quantity, e.Act.Product)
	case "transfer":
		return fmt.Sprintf("transfer rights for %d × %s to %s", e.Act.Quantity, e.Act.Product, e.Act.To)
	case "settle":
		return fmt.Sprintf("settle %s: cancel %s", e.Act.Product, strings.Join(e.Act.Cancel, ", "))
	}
	return fmt.Sprintf("restock %d × %s", e.Act.Quantity, e.Act.Product)
}

// String says what an event did, or nothing if that goes without saying.
func (f effect) String() string {
	var parts []string
	if f.Refused {
		parts = append(parts, "refused: "+f.Note)
	} else {
		for _, product := range slices.Sorted(maps.Keys(f.Stock)) {
			parts = append(parts, fmt.Sprintf("%s %d", product, f.Stock[product]))
		}
		if len(parts) > 0 {
			parts = []string{strings.Join(parts, ", ")}
		}
		if f.Note != "" {
			parts = append(parts, f.Note)
		}
	}
	return strings.Join(parts, "; ")
}

// table writes the outcome side by side.
func (rep *report) table(b *strings.Builder) {
	first := len("outcome") + 2
	for _, name := range rep.Products {
		first = max(first, len(name)+2)
	}
	heads := [][]string{{"outcome"}}
	for _, o := range rep.Outcomes {
		heads = append(heads, []string{o.Strategy})
	}
	fmt.Fprintln(b)
	example.Row(b, first, heads...)
	for i, name := range rep.Products {
		cells := [][]string{{name}}
		for _, o := range rep.Outcomes {
			cells = append(cells, o.Products[i].cell())
		}
		example.Row(b, first, cells...)
	}
}

// cell returns what became of p, in lines.
func (p *product) cell() []string {
	cell := []string{fmt.Sprintf("sold %d of %d", p.Sold, p.Came)}
	shown := slices.Compact(slices.Sorted(maps.Values(p.Shown)))
	for _, n := range shown {
		cell = append(cell, fmt.Sprintf("shows %d", n))
	}
	if len(shown) > 1 {
		cell = append(cell, "REGIONS DISAGREE")
	}
	switch {
	case p.Ticket != nil:
		cell = append(cell, fmt.Sprintf("TICKET %.8v", p.Ticket.ID))
	case p.Lost > 0:
		cell = append(cell, fmt.Sprintf("LOST %d of those sold", p.Lost))
	case p.Lost < 0:
		cell = append(cell, fmt.Sprintf("LOST %d that came", -p.Lost))
	}
	if p.Left < 0 {
		cell = append(cell, fmt.Sprintf("OVERSOLD by %d", -p.Left))
	}
	for _, r := range slices.Sorted(maps.Keys(p.Rights)) {
		if n := p.Rights[r]; n > 0 {
			cell = append(cell, fmt.Sprintf("%s has rights for %d", r, n))
		}
	}
	return cell
}

// reasons writes how a strategy went about it.
func (o *outcome) reasons(b *strings.Builder) {
	head, rest, _ := strings.Cut(o.Rule, "\n")
	fmt.Fprintln(b)
	example.Wrap(b, o.Strategy+": ", head)
	for line := range strings.Lines(rest) {
		text := strings.TrimLeft(strings.TrimRight(line, "\n"), " ")
		example.Wrap(b, strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))), text)
	}
	for _, p := range o.Products {
		switch {
		case p.Ticket != nil:
			example.Wrap(b, "  TICKET    ", fmt.Sprintf("%s, %.8v: %s. Nothing of it is sold until somebody settles that.", p.Name, p.Ticket.ID, p.Ticket.Reason))
		case p.Lost != 0:
			example.Wrap(b, "  LOST      ", fmt.Sprintf("%s: regions that sold at the same time overwrote each other. It shows %d, but %d are left.",
				p.Name, p.Left+p.Lost, p.Left))
		case p.Left < 0:
			example.Wrap(b, "  OVERSOLD  ", fmt.Sprintf("%s by %d: somebody has to be disappointed, and a number does not say who.", p.Name, -p.Left))
		}
	}
	for _, f := range o.Refunds {
		example.Wrap(b, "  REFUND    ", f.String())
	}
	if len(o.Refused) > 0 {
		var ids []string
		for _, r := range o.Refused {
			ids = append(ids, fmt.Sprintf("%s (line %d)", r.ID, r.Line))
		}
		example.Wrap(b, "  refused   ", strings.Join(ids, ", "))
	}
}

// String says who asked for f, and that it was made once.
func (f *refund) String() string {
	var by []string
	for _, r := range f.Requests {
		by = append(by, fmt.Sprintf("%s (line %d)", r.Region, r.Line))
	}
	s := fmt.Sprintf("%s, key %v: decided by %s", f.Order, f.Key, strings.Join(by, " and "))
	if len(by) > 1 {
		s += ", emitted once"
	}
	return s
}
