package merge

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A Key is a name in a path that comes from the data, a key or an element, as
// [Report.Redact] shows it.
type Key string

// A Text is what a rule or [Options.Check] said, as [Report.Redact] shows it.
type Text string

// Redact returns a copy of r for people who may not see the data, in which all
// that may come from the data is what f makes of it. F is called with
//
//   - every value: base, result and candidates, and the path of the change;
//   - every key in a path as a [Key], and the path that ends with it; text that
//     f returns takes its place;
//   - every Reason as a [Text], and the path, and Check with an empty path.
//
// It is not called for values that are absent or unknown. An f that always
// returns the same leaves how many keys, values and candidates there are, and
// which are absent or nil. Names of fields and rules, outcomes, margins, and
// stamps with their replicas and times stay. Change.Pattern tells keys from
// names.
func (r Report) Redact(f func(path string, v any) any) Report {
	redact := func(path string, v any) any {
		if v == nil || v == any(Absent{}) {
			return v
		}
		return f(path, v)
	}
	text := func(path, s string) string {
		if s == "" {
			return s
		}
		return fmt.Sprint(f(path, Text(s)))
	}
	r.Check = text("", r.Check)
	r.Changes = slices.Clone(r.Changes)
	for i := range r.Changes {
		c := &r.Changes[i]
		c.Base, c.Result = redact(c.Path, c.Base), redact(c.Path, c.Result)
		c.Candidates = slices.Clone(c.Candidates)
		for j := range c.Candidates {
			c.Candidates[j].Value = redact(c.Path, c.Candidates[j].Value)
		}
		c.Reason = text(c.Path, c.Reason)
		c.Path = redactPath(c.Path, c.Pattern, f)
	}
	return r
}

// redactPath replaces the names of a path that its pattern has a star for.
func redactPath(path, pattern string, f func(path string, v any) any) string {
	if pattern == "" {
		return path
	}
	names, stars := namesOf(path), namesOf(pattern)
	before, after := "", ""
	for i, name := range names {
		if name == `"*"` {
			name = "*"
		}
		before = value.JoinPath(before, value.QuoteKey(name))
		if len(stars) != len(names) || stars[i] == "*" {
			name = fmt.Sprint(f(before, Key(name)))
		}
		after = value.JoinPath(after, value.QuoteKey(name))
	}
	return after
}

// pattern returns where the run is, and below that name, with a star for each
// key; empty if there is none.
func (r *run) pattern(name string) string {
	out, keys := "", false
	for _, s := range r.trail {
		if s.f != nil {
			out = value.JoinPath(out, s.f.name)
		}
		if s.doc != "" || s.key.IsValid() {
			out, keys = value.JoinPath(out, "*"), true
		}
	}
	if !keys {
		return ""
	}
	return value.JoinPath(out, name)
}

// pattern returns a path below the row that p is, with a star for each key and
// what the plan does not know; empty if there is none.
func (p *recordPart) pattern(path string) string {
	out, keys := "", false
	for names := namesOf(path); len(names) > 0; {
		if p != nil && p.kind == cell.Row {
			q, member, rest := p.elem.match(names)
			switch {
			case member != nil:
				out = value.JoinPath(out, member.name)
			case q != nil:
				out = value.JoinPath(out, q.key)
			}
			if p = q; q != nil {
				names = rest
			}
			continue
		}
		out, keys, names = value.JoinPath(out, "*"), true, names[1:]
		if p != nil {
			p = &recordPart{kind: cell.Row, elem: p.elem}
			if p.elem == nil {
				p = nil
			}
		}
	}
	if !keys {
		return ""
	}
	return out
}
