package readme_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A place is where A or B writes: a state of one of our types that holds one
// value, "old" at first.
type place interface {
	put(w lww.Writer, v string) error
	drop(w lww.Writer) error
	pull(o place)
	read() string
}

type inMap struct{ lww.Map[string, string] }

func (p *inMap) put(w lww.Writer, v string) error { _, err := p.Put(w, "k", v); return err }
func (p *inMap) drop(w lww.Writer) error          { _, err := p.Delete(w, "k"); return err }
func (p *inMap) pull(o place)                     { p.Merge(&o.(*inMap).Map) }
func (p *inMap) read() string                     { return orNothing(p.At("k")) }

type inRegister struct{ crdt.MVRegister[string] }

func (p *inRegister) put(w lww.Writer, v string) error { _, err := p.Set(w.Replica, v); return err }
func (p *inRegister) drop(w lww.Writer) error          { p.Clear(w.Replica); return nil }
func (p *inRegister) pull(o place)                     { p.Merge(&o.(*inRegister).MVRegister) }
func (p *inRegister) read() string                     { return all(slices.Collect(p.Values())) }

type row struct{ K string }

type inRecord struct{ *merge.Record[row] }

func (p inRecord) put(w lww.Writer, v string) error {
	return p.Update(w, func(r *row) error { r.K = v; return nil })
}
func (p inRecord) drop(w lww.Writer) error { return p.Delete(w) }
func (p inRecord) pull(o place)            { p.Merge(o.(inRecord).Record) }
func (p inRecord) read() string            { r, ok := p.Get(); return orNothing(r.K, ok) }

// inSiblings reads what a rule decides; without a rule, all versions.
type inSiblings struct {
	resolver.Siblings[string]
	rule resolver.Rule[string]
}

func (p *inSiblings) put(w lww.Writer, v string) error {
	_, err := p.Write(resolver.Writer{Writer: w}, p.Context(), v)
	return err
}

func (p *inSiblings) drop(w lww.Writer) error {
	_, err := p.Delete(resolver.Writer{Writer: w}, p.Context())
	return err
}
func (p *inSiblings) pull(o place) { p.Merge(&o.(*inSiblings).Siblings) }
func (p *inSiblings) read() string {
	if p.rule != nil {
		outcome, err := resolver.New(p.rule).Resolve(context.Background(), "k", &p.Siblings)
		if err != nil {
			return err.Error()
		}
		return orNothing(outcome.Value, outcome.Found)
	}
	var values []string
	for _, v := range p.Versions() {
		values = append(values, orNothing(v.Value, !v.Deleted))
	}
	return all(values)
}

func orNothing(v string, ok bool) string {
	if !ok {
		return "nothing"
	}
	return v
}

func all(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	slices.Sort(values)
	return strings.Join(values, " and ")
}

// apart plays one row of a table: A and B hold "old", work apart, B a time after
// A, and exchange all. It returns what both read then.
func apart(t *testing.T, fresh func() place, fast, after time.Duration, onA, onB func(place, lww.Writer) error) string {
	t.Helper()
	wall := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	writer := func(name string, ahead time.Duration) lww.Writer {
		return lww.Writer{Replica: vclock.Replica(name), Clock: &hlc.Clock{Physical: func() time.Time { return wall.Add(ahead) }}}
	}
	a, b := fresh(), fresh()
	require.NoError(t, a.put(writer("o", 0), "old"))
	b.pull(a)
	wall = wall.Add(time.Minute)
	wA, wB := writer("a", fast), writer("b", 0)
	require.NoError(t, onA(a, wA))
	wall = wall.Add(after)
	require.NoError(t, onB(b, wB))
	a.pull(b)
	b.pull(a)
	require.Equal(t, a.read(), b.read())
	return a.read()
}

func put(v string) func(place, lww.Writer) error {
	return func(p place, w lww.Writer) error { return p.put(w, v) }
}

func drop(p place, w lww.Writer) error { return p.drop(w) }

// A counter of 10 in a map: A deletes it, B adds 5 meanwhile.
func counterBesideDelete() string {
	var a, b crdt.ORMap[string, *crdt.PNCounter]
	a.Update("a", "k", func(c *crdt.PNCounter) { c.Add("a", 10) })
	b.Merge(&a)
	a.Delete("a", "k")
	b.Update("b", "k", func(c *crdt.PNCounter) { c.Add("b", 5) })
	a.Merge(&b)
	c, ok := a.At("k")
	if !ok {
		return "nothing"
	}
	n, _ := c.Total()
	return fmt.Sprint(n)
}

// An additive field of 10: A deletes the record, B adds 5 meanwhile.
func additiveBesideDelete(t *testing.T) string {
	t.Helper()
	type stock struct {
		N int64 `merge:"additive"`
	}
	w := func(name vclock.Replica) lww.Writer { return lww.Writer{Replica: name, Clock: &hlc.Clock{}} }
	a := merge.MustCompile[stock](merge.Options[stock]{Record: true}).NewRecord()
	require.NoError(t, a.Update(w("a"), func(s *stock) error { s.N = 10; return nil }))
	b := a.Clone()
	require.NoError(t, a.Delete(w("a")))
	require.NoError(t, b.Update(w("b"), func(s *stock) error { s.N += 5; return nil }))
	a.Merge(b)
	s, ok := a.Get()
	if !ok {
		return "nothing"
	}
	return fmt.Sprint(s.N)
}

// TestSystems holds our rows of the tables in docs/systems.md to what the types
// do, and sees that every table speaks of every system.
func TestSystems(t *testing.T) {
	text, err := os.ReadFile(root + "docs/systems.md")
	require.NoError(t, err)
	page := string(text)

	plan := merge.MustCompile[row](merge.Options[row]{Record: true})
	types := map[string]func() place{
		"`lww.Map`":            func() place { return &inMap{} },
		"`crdt.MVRegister`":    func() place { return &inRegister{} },
		"`merge.Record` field": func() place { return inRecord{plan.NewRecord()} },
		"`resolver.Siblings`":  func() place { return &inSiblings{} },
		"`resolver.Siblings` read by `resolver.LastWriterWins`": func() place {
			return &inSiblings{rule: resolver.LastWriterWins[string]}
		},
	}
	const second, hour = time.Second, time.Hour
	sections := map[string]func(fresh func() place) string{
		"Concurrent update": func(f func() place) string { return apart(t, f, 0, second, put("A"), put("B")) },
		"Update beside delete": func(f func() place) string {
			return apart(t, f, 0, second, put("A"), drop) + "; " + apart(t, f, 0, second, drop, put("B"))
		},
		"Equal timestamps":            func(f func() place) string { return apart(t, f, 0, 0, put("A"), put("B")) },
		"A fast clock":                func(f func() place) string { return apart(t, f, hour, second, put("A"), put("B")) },
		"The present value set again": func(f func() place) string { return apart(t, f, 0, second, put("A"), put("old")) },
	}
	for heading, play := range sections {
		for name, fresh := range types {
			assert.Equal(t, play(fresh), cell(t, page, heading, name), "%s: %s", heading, name)
		}
	}
	const counters = "A counter beside its delete"
	assert.Equal(t, counterBesideDelete(), cell(t, page, counters, "`crdt.PNCounter` in a `crdt.ORMap`"))
	assert.Equal(t, additiveBesideDelete(t), cell(t, page, counters, "`merge.Record`, additive field"))

	systems := regexp.MustCompile(`(?m)^\| ([^|]+?) \| .+ \| .+ \|$`)
	listed := systems.FindAllStringSubmatch(section(t, page, "What was looked at"), -1)
	require.Greater(t, len(listed), 15)
	for _, system := range listed[1:] {
		for heading := range sections {
			cell(t, page, heading, system[1])
		}
		cell(t, page, counters, system[1])
	}
}

// section returns the text under a heading of the second level.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n## "+heading+"\n")
	require.True(t, found, "no section %q", heading)
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

// cell returns what a table says that one system reads.
func cell(t *testing.T, page, heading, system string) string {
	t.Helper()
	for line := range strings.Lines(section(t, page, heading)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if strings.TrimSpace(cells[0]) == system && len(cells) > 1 {
			return strings.TrimSpace(cells[1])
		}
	}
	t.Errorf("%s: no row %q", heading, system)
	return ""
}
