package merge_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/vclock"
)

// A letter has text wherever a struct can hold it.
type letter struct {
	Name  string
	First string   `merge:"first"`
	Fixed string   `merge:"immutable"`
	High  string   `merge:"max"`
	Keep  string   `merge:"nonzero"`
	Tags  []string `merge:"set"`
	Seen  []string `merge:"union"`
	Note  string   `merge:"manual"`
	A     string   `merge:"group=g"`
	B     []byte   `merge:"group=g"`
	Ask   string
	Prefs map[string]string
	Mail  map[string]enclosure
	Deep  map[string]map[string]string
	Box   *enclosure
	Lines []enclosure `merge:"keyed=Key"`
	Words []string
	Doc   map[string]any
	Any   any
}

type enclosure struct {
	Key  string
	Text *string
	Sub  map[string]string
}

// letterPlan returns a plan whose rule and check quote the data in their errors.
func letterPlan(record bool) *merge.Plan[letter] {
	opts := merge.Options[letter]{Record: record, Check: func(l *letter) error { return fmt.Errorf("%v is not right", l.Name) }}
	if record {
		opts.Paths = map[string]string{"Doc": "atomic", "Any": "atomic"}
	} else {
		ask := merge.Func("ask", func(c merge.Case[string]) (string, error) { return "", fmt.Errorf("%v or what", c.Sides) })
		opts.Overrides = []merge.Override[letter]{merge.Field(func(l *letter) *string { return &l.Ask }, ask)}
		opts.Paths = map[string]string{"Doc.mark*.list": "keyed=id"}
	}
	return merge.MustCompile(opts)
}

// marked returns a value whose every text, key and name in a document has a mark
// in it.
func marked(t *rapid.T, label string) letter {
	text, err := json.Marshal(mergetest.Values[letter]().Draw(t, label))
	require.NoError(t, err)
	var v letter
	require.NoError(t, json.Unmarshal(text, &v))
	mark := func(s string) string { return "mark" + s }
	for _, s := range []*string{&v.Name, &v.First, &v.Fixed, &v.High, &v.Keep, &v.Note, &v.A, &v.Ask} {
		*s = mark(*s)
	}
	v.B = []byte("mark")
	for _, l := range [][]string{v.Tags, v.Seen, v.Words} {
		for i := range l {
			l[i] = mark(l[i])
		}
	}
	remap := func(m map[string]string) map[string]string {
		out := map[string]string{}
		for k, s := range m {
			out[mark(k)] = mark(s)
		}
		return out
	}
	v.Prefs = remap(v.Prefs)
	boxes := []*enclosure{v.Box}
	mail := map[string]enclosure{}
	for k, e := range v.Mail {
		e.Key, e.Text, e.Sub = mark(e.Key), new(mark("t")), remap(e.Sub)
		mail[mark(k)] = e
	}
	v.Mail = mail
	deep := map[string]map[string]string{}
	for k, m := range v.Deep {
		deep[mark(k)] = remap(m)
	}
	v.Deep = deep
	v.Lines = v.Lines[:min(len(v.Lines), 1)]
	for i := range v.Lines {
		boxes = append(boxes, &v.Lines[i])
	}
	for _, e := range boxes {
		if e != nil {
			e.Key, e.Text, e.Sub = mark(e.Key), new(mark("t")), remap(e.Sub)
		}
	}
	word := rapid.SampledFrom([]string{"mark", "mark.a", "mark*"}).Draw(t, "word")
	v.Doc = map[string]any{word: map[string]any{mark("x"): mark("y"), "mark.": []any{"mark"}}, "mark*": map[string]any{"marks": word}}
	v.Any = map[string]any{word: word}
	return v
}

// requireRedacted fails t if a mark can be found in r after everything in it was
// redacted.
func requireRedacted(t *rapid.T, r merge.Report) {
	hidden := r.Redact(func(string, any) any { return "(hidden)" })
	text, err := json.Marshal(hidden)
	require.NoError(t, err)
	whole := strings.ToLower(hidden.String() + string(text) + (&merge.ConflictError{Report: hidden}).Error())
	for _, secret := range []string{"mark", "bwfya"} { // the latter is how base64 begins
		require.NotContains(t, whole, secret)
	}
	same := r.Redact(func(_ string, v any) any { return v })
	require.Equal(t, r.String(), same.String())
}

// TestRedactLeavesNothing redacts everything in reports of plans and records.
func TestRedactLeavesNothing(t *testing.T) {
	plan, records := letterPlan(false), letterPlan(true)
	patterns := []string{"", "Prefs.*", "Mail.*", "Mail.*.Sub.*", "Deep.*.*", "Lines.*", "Lines.*.Text", "Box.Sub.*", "Tags.*", "Doc.*", "Doc.*.*", "Any.*"}
	seen := map[string]bool{}
	redact := func(t *rapid.T) {
		base, x, y := marked(t, "base"), marked(t, "x"), marked(t, "y")
		var known *letter
		if rapid.Bool().Draw(t, "known") {
			known = &base
		}
		_, report, err := plan.Explain(known, merge.Side[letter]{Value: x, Stamp: stamp(1, "a")}, merge.Side[letter]{Value: y, Stamp: stamp(2, "b")})
		if conflict := (&merge.ConflictError{}); err != nil {
			require.ErrorAs(t, err, &conflict)
		}
		requireRedacted(t, report)
		a, b := records.NewRecord(), records.NewRecord()
		require.NoError(t, a.Seed(base, lww.Stamp{Time: 1, Replica: "s"}))
		b.Merge(a)
		for r, next := range map[*merge.Record[letter]]letter{a: x, b: y} {
			name := map[bool]vclock.Replica{true: "a", false: "b"}[r == a]
			_ = r.Update(lww.Writer{Replica: name, Clock: &ticks{now: hlc.Timestamp(len(name))}}, func(v *letter) error {
				next.First, next.Fixed, next.High, next.Keep, next.Seen = v.First, v.Fixed, v.High, v.Keep, append(next.Seen, v.Seen...)
				*v = next
				return nil
			})
		}
		requireRedacted(t, a.Explain(b))
		a.Merge(b)
		conflict := &merge.ConflictError{}
		require.ErrorAs(t, a.Check(), &conflict)
		requireRedacted(t, conflict.Report)
		for _, c := range append(report.Changes, conflict.Report.Changes...) {
			seen[c.Pattern] = true
		}
		for _, c := range records.NewRecord().Explain(a).Changes {
			seen[c.Pattern] = true
		}
	}
	// However few cases one check has, it goes on until it has seen all.
	for range 50 {
		if rapid.Check(t, redact); !slices.ContainsFunc(patterns, func(p string) bool { return !seen[p] }) {
			break
		}
	}
	for _, pattern := range patterns {
		require.True(t, seen[pattern], "%q is not among %v", pattern, seen)
	}
}

// TestRedactPath redacts some keys and not others.
func TestRedactPath(t *testing.T) {
	type book struct{ Mail, Phone map[string]string }
	p := merge.MustCompile(merge.Options[book]{})
	_, r, err := p.Explain(&book{}, merge.Side[book]{Value: book{
		Mail: map[string]string{"ada@example.org": "x"}, Phone: map[string]string{"*": "1", "a.b": "2"},
	}, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	n := 0
	hidden := r.Redact(func(path string, v any) any {
		if _, isKey := v.(merge.Key); isKey && strings.HasPrefix(path, "Mail.") {
			n++
			return fmt.Sprintf("#%d", n)
		}
		return v
	})
	require.Equal(t, `Mail.#1      lww  "x" from a@1970-01-01T00:00:01Z
Phone."*"    lww  "1" from a@1970-01-01T00:00:01Z
Phone."a.b"  lww  "2" from a@1970-01-01T00:00:01Z
`, hidden.String())
	require.Equal(t, []string{"Mail.*", "Phone.*", "Phone.*"}, []string{hidden.Changes[0].Pattern, r.Changes[1].Pattern, r.Changes[2].Pattern})
}
