package merge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// A seen has fields of each sort that can be compared with a record without reading it.
type seen struct {
	Name  string
	N     int
	F     float64
	At    time.Time
	Stock int64    `merge:"additive"`
	Count uint8    `merge:"additive"`
	From  string   `merge:"group=g"`
	To    string   `merge:"group=g"`
	Tags  []string `merge:"set"`
	Seen  []int    `merge:"union"`
	Texts map[string]string
	Prefs map[string]int
	Cells map[string]touchedBox
	Box   *touchedBox
	Lines []touchedLine `merge:"keyed=Key"`
	Refs  []*seenRef    `merge:"keyed=Key"`
	Pairs []seenPair    `merge:"keyed=A+B"`
	List  []string
	Note  string         `merge:"manual"`
	Doc   map[string]any `merge:"atomic"`
}

type seenRef struct {
	Key int
	N   int
}

type seenPair struct {
	A string
	B int
	N int
}

func newSeen() seen {
	return seen{
		Name: "n", N: 1, F: 1.5, At: time.Unix(5, 0).UTC(), Stock: 5, Count: 5, From: "a", To: "b", Tags: []string{"x", "y"}, Seen: []int{1, 2}, Texts: map[string]string{"a": "x", "b": "y"},
		Prefs: map[string]int{"a": 1, "b": 2}, Cells: map[string]touchedBox{"a": {N: 1}, "b": {N: 2}}, Box: &touchedBox{N: 1, Inner: &touchedBox{N: 2}},
		Lines: []touchedLine{{Key: "k", N: 1, Box: &touchedBox{N: 3}}, {Key: "l"}}, Refs: []*seenRef{{1, 1}, {2, 2}}, Pairs: []seenPair{{"a", 1, 1}, {"a", 2, 2}}, List: []string{"x"}, Note: "n",
		Doc: map[string]any{"a": "x"},
	}
}

// TestRecordSeesEachChange changes one thing at a time in a record that holds much: it is written and
// nothing else is, and to set it to what it holds is no write.
func TestRecordSeesEachChange(t *testing.T) {
	p := recordPlan(t, merge.Options[seen]{})
	full := p.NewRecord()
	require.NoError(t, full.Update(writer("eu"), set(func(s *seen) { *s = newSeen() })))
	require.Equal(t, newSeen(), value(t, full))
	require.NoError(t, full.Update(writer("eu"), set(func(s *seen) { *s = newSeen() })))
	same := full.Clone()
	require.NoError(t, same.Update(writer("us"), set(func(s *seen) { *s = newSeen() })))
	require.True(t, same.Equal(full))
	for path, change := range map[string]func(*seen){
		"Name": func(s *seen) { s.Name = "" }, "N": func(s *seen) { s.N = 0 }, "F": func(s *seen) { s.F = -1.5 }, "At": func(s *seen) { s.At = time.Time{} },
		"Stock": func(s *seen) { s.Stock = 0 }, "Count": func(s *seen) { s.Count = 6 }, "From": func(s *seen) { s.From = "" }, "To": func(s *seen) { s.To = "" },
		"Tags.y": func(s *seen) { s.Tags = s.Tags[:1] }, "Tags.x": func(s *seen) { s.Tags = s.Tags[1:] }, "Tags.z": func(s *seen) { s.Tags = append(s.Tags, "z") }, "Tags.w": func(s *seen) { s.Tags = append([]string{"w"}, s.Tags...) },
		"Seen.3": func(s *seen) { s.Seen = append(s.Seen, 3) }, "Seen.0": func(s *seen) { s.Seen = append([]int{0}, s.Seen...) },
		"Texts.a": func(s *seen) { s.Texts["a"] = "" }, "Texts.b": func(s *seen) { delete(s.Texts, "b") }, "Texts.c": func(s *seen) { s.Texts["c"] = "x" }, "Texts.": func(s *seen) { s.Texts[""] = "" },
		"Prefs.a": func(s *seen) { s.Prefs["a"] = 0 }, "Prefs.b": func(s *seen) { delete(s.Prefs, "b") }, "Prefs.c": func(s *seen) { s.Prefs["c"] = 0 },
		"Cells.a.N": func(s *seen) { s.Cells["a"] = touchedBox{} }, "Cells.b": func(s *seen) { delete(s.Cells, "b") }, "Cells.c": func(s *seen) { s.Cells["c"] = touchedBox{} },
		"Box": func(s *seen) { s.Box = nil }, "Box.N": func(s *seen) { s.Box.N = 0 }, "Box.Inner": func(s *seen) { s.Box.Inner = nil }, "Box.Inner.N": func(s *seen) { s.Box.Inner.N = 0 },
		"Box.Inner.Inner": func(s *seen) { s.Box.Inner.Inner = &touchedBox{} },
		"Lines.k":         func(s *seen) { s.Lines = s.Lines[1:] }, "Lines.l": func(s *seen) { s.Lines = s.Lines[:1] }, "Lines.m": func(s *seen) { s.Lines = append(s.Lines, touchedLine{Key: "m"}) },
		"Lines.k.N": func(s *seen) { s.Lines[0].N = 0 }, "Lines.l.N": func(s *seen) { s.Lines[1].N = 2 }, "Lines.k.Box": func(s *seen) { s.Lines[0].Box = nil }, "Lines.l.Box": func(s *seen) { s.Lines[1].Box = &touchedBox{} },
		"Refs.1.N": func(s *seen) { s.Refs[0].N = 0 }, "Refs.2": func(s *seen) { s.Refs = s.Refs[:1] }, "Refs.3": func(s *seen) { s.Refs = append(s.Refs, &seenRef{Key: 3}) },
		"Pairs.a+1.N": func(s *seen) { s.Pairs[0].N = 0 }, "Pairs.a+2": func(s *seen) { s.Pairs = s.Pairs[:1] }, "Pairs.b+2": func(s *seen) { s.Pairs = append(s.Pairs, seenPair{A: "b", B: 2}) },
		"List": func(s *seen) { s.List = nil }, "Note": func(s *seen) { s.Note = "" }, "Doc": func(s *seen) { s.Doc = nil },
	} {
		r, want := full.Clone(), newSeen()
		change(&want)
		require.NoError(t, r.Update(writer("us"), set(change)), path)
		if path == "Tags.w" || path == "Seen.0" {
			require.Len(t, value(t, r).Tags, len(want.Tags))
			require.Len(t, value(t, r).Seen, len(want.Seen))
		} else {
			require.Equal(t, want, value(t, r), path)
		}
		changed := full.Changed(r)
		if path == "From" || path == "To" {
			require.Equal(t, []string{"From", "To"}, changed, "a group moves together")
		} else {
			require.Len(t, changed, 1, path)
			require.Contains(t, []string{path, path + `""`, path + ".N"}, changed[0])
		}
		again := r.Clone()
		require.NoError(t, again.Update(writer("ap"), set(func(s *seen) {
			tags, seen := s.Tags, s.Seen
			*s = newSeen()
			change(s)
			s.Tags, s.Seen = tags, seen
		})), path)
		require.True(t, again.Equal(r), path)
		require.NoError(t, again.Update(writer("ap"), set(func(s *seen) {
			seen := s.Seen
			*s = newSeen()
			s.Seen = seen
		})), path)
		back, full := value(t, again), newSeen()
		full.Seen = back.Seen
		require.Equal(t, full, back, "and back again: %s", path)
		reread(t, p, r)
	}
	both := full.Clone()
	require.NoError(t, both.Update(writer("us"), set(func(s *seen) {
		s.Texts = map[string]string{"b": "y", "c": "x"}
		s.Tags = []string{"x", "z"}
		s.Refs[0], s.Refs[1] = s.Refs[1], s.Refs[0]
	})))
	require.Equal(t, map[string]string{"b": "y", "c": "x"}, value(t, both).Texts, "as many as before")
	require.Equal(t, []string{"x", "z"}, value(t, both).Tags)
	require.Equal(t, []*seenRef{{2, 2}, {1, 1}}, value(t, both).Refs)
}
