package mergetest_test

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// A stock has a field of every rule that a record can have.
type stock struct {
	Name  string
	From  int      `merge:"group=span"`
	To    int      `merge:"group=span"`
	First int      `merge:"first"`
	Fixed string   `merge:"immutable"`
	High  int      `merge:"max"`
	Low   float64  `merge:"min"`
	Tier  string   `merge:"rank=a<b"`
	Keep  int      `merge:"nonzero"`
	Sum   int      `merge:"additive"`
	Seen  []string `merge:"union"`
	Tags  []string `merge:"set"`
	Note  string   `merge:"manual"`
	Log   []string // as one value
	At    time.Time
	Ready *bool
	Even  int   // prefers even numbers
	Bits  uint8 // joined by or
	Cents cents `merge:"additive"`
	Spare *int  `merge:"additive"`
	Prefs map[string]int
	Box   *crate
	Lines []shelf `merge:"keyed=Key"`
	Cells map[string]crate
	cache int `merge:"-"`
}

type crate struct {
	Qty  int
	Sum  int `merge:"additive"`
	High int `merge:"max"`
}

type shelf struct {
	Key string
	crate
}

// Cents are added up by what the test hands over.
type cents struct{ Units int64 }

// A decimal is a number that can be written in several forms: 1 and 1.0 are the same.
type decimal struct{ Units, Places int64 }

func (d decimal) at(places int64) int64 {
	for range places - d.Places {
		d.Units *= 10
	}
	return d.Units
}

func (d decimal) cmp(e decimal) int {
	places := max(d.Places, e.Places)
	return cmp.Compare(d.at(places), e.at(places))
}

func (d decimal) add(e decimal) decimal {
	places := max(d.Places, e.Places)
	return decimal{d.at(places) + e.at(places), places}
}

var _ = func() bool {
	content.Register(content.Codec[decimal]{
		Encode: func(d decimal) ([]byte, error) {
			return binary.AppendVarint(binary.AppendVarint(nil, d.Places), d.Units), nil
		},
		Decode: func(p []byte) (d decimal, err error) {
			var n, m int
			d.Places, n = binary.Varint(p)
			if d.Units, m = binary.Varint(p[max(n, 0):]); n <= 0 || m <= 0 || n+m < len(p) || d.Places < 0 || d.Places > 3 {
				return decimal{}, fmt.Errorf("%x is no decimal", p)
			}
			return d, nil
		},
		Compare: decimal.cmp, Add: decimal.add,
		Negate: func(d decimal) decimal { return decimal{-d.Units, d.Places} },
	})
	content.Register(content.Codec[cents]{
		Add:    func(a, b cents) cents { return cents{a.Units + b.Units} },
		Negate: func(c cents) cents { return cents{-c.Units} },
	})
	return true
}()

func even(a, b int) int { return cmp.Compare((a+1)%2, (b+1)%2) }

func overrides() []merge.Override[stock] {
	return []merge.Override[stock]{
		merge.Field(func(s *stock) *int { return &s.Even }, merge.Prefer("even", even)),
		merge.Field(func(s *stock) *uint8 { return &s.Bits }, merge.Join("or", func(a, b uint8) uint8 { return a | b })),
	}
}

func stocks() *merge.Plan[stock] {
	return merge.MustCompile(merge.Options[stock]{Record: true, Overrides: overrides()})
}

// TestRecords puts every rule that a record can have through the kit.
func TestRecords(t *testing.T) {
	kit := &mergetest.RecordKit[stock]{Plan: stocks()}
	kit.Check(t)
	rapid.Check(t, (&mergetest.RecordKit[stock]{Plan: stocks(), Replicas: 4, Steps: 30}).Property)
}

// TestRecordsOfNumbersInForms: taking 1.0 from 1.0 leaves 0.0, which is what was asked for by 0.
// Values that only the newest of is taken read back in the form that they were written in.
func TestRecordsOfNumbersInForms(t *testing.T) {
	type bill struct {
		Paid *decimal `merge:"additive"`
		Due  decimal  `merge:"additive"`
		Last decimal
		memo decimal `merge:"-"`
	}
	kit := &mergetest.RecordKit[bill]{
		Plan: merge.MustCompile(merge.Options[bill]{Record: true}),
		Edit: func(t *rapid.T, _ vclock.Replica, b *bill) {
			next := decimal{rapid.Int64Range(-2, 2).Draw(t, "units"), rapid.Int64Range(0, 2).Draw(t, "places")}
			b.memo = next
			switch rapid.IntRange(0, 2).Draw(t, "field") {
			case 0:
				b.Paid = &next
			case 1:
				b.Due = next
			default:
				b.Last = next
			}
		},
	}
	kit.Check(t)
}

// TestRecordsOfTypes puts types that merge or marshal themselves through the kit.
func TestRecordsOfTypes(t *testing.T) {
	type post struct {
		Title string
		Tags  crdt.ORSet[string]
		Likes *crdt.PNCounter
		Addr  netip.Addr
		Raw   json.RawMessage
		Rest  map[string]any `merge:"atomic"`
	}
	kit := &mergetest.RecordKit[post]{
		Plan: merge.MustCompile(merge.Options[post]{Record: true}),
		Edit: func(t *rapid.T, by vclock.Replica, p *post) {
			switch rapid.IntRange(0, 6).Draw(t, "field") {
			case 0:
				p.Title += "t"
			case 1:
				p.Tags.Add(by, rapid.SampledFrom([]string{"x", "y"}).Draw(t, "tag"))
			case 2:
				p.Tags.Remove(by, "x")
			case 3:
				p.Likes = new(crdt.PNCounter)
			case 4:
				if p.Likes != nil {
					p.Likes.Add(by, 1)
				}
			case 5:
				p.Addr = rapid.SampledFrom([]netip.Addr{{}, netip.IPv6Unspecified()}).Draw(t, "addr")
			case 6:
				p.Raw = rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`1`)}).Draw(t, "raw")
			}
		},
	}
	require.NoError(t, kit.Run(1, 50))
}

// TestRecordsOfRows forgets rows: of a list and of a map, in rows, and with sets in them; and
// the same where changes keep them.
func TestRecordsOfRows(t *testing.T) {
	type part struct {
		ID  string
		N   int
		Max int `merge:"max"`
	}
	type box struct{ Size int }
	type line struct {
		SKU   string
		Qty   int
		Total int64    `merge:"additive"`
		Tags  []string `merge:"set"`
		Parts []part
		Box   *box
	}
	type cart struct {
		Lines []line
		Notes map[string]struct {
			Text string
			By   *string
		}
	}
	plan := func(keep string) *merge.Plan[cart] {
		return merge.MustCompile(merge.Options[cart]{Record: true, Paths: map[string]string{
			"Lines": "keyed=SKU" + keep, "Lines.*.Parts": "keyed=ID" + keep, "Lines.*.Box": "fields" + keep, "Notes": "fields" + keep,
		}})
	}
	kit := &mergetest.RecordKit[cart]{
		Edit: func(t *rapid.T, _ vclock.Replica, c *cart) {
			key := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "key")
			i := slices.IndexFunc(c.Lines, func(l line) bool { return l.SKU == key })
			switch n := rapid.IntRange(0, 12).Draw(t, "edit"); {
			case n < 2:
				delete(c.Notes, key)
			case n < 4:
				if c.Notes == nil {
					c.Notes = map[string]struct {
						Text string
						By   *string
					}{}
				}
				v := c.Notes[key]
				v.Text = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "text")
				c.Notes[key] = v
			case i < 0:
				c.Lines = append(c.Lines, line{SKU: key, Qty: rapid.IntRange(0, 2).Draw(t, "qty")})
			case n < 7:
				c.Lines = slices.Delete(c.Lines, i, i+1)
			case n < 8:
				c.Lines[i].Qty++
			case n < 9 && c.Lines[i].Box != nil:
				c.Lines[i].Box = nil
			case n < 9:
				c.Lines[i].Box = &box{Size: rapid.IntRange(0, 1).Draw(t, "size")}
			case n < 10:
				c.Lines[i].Total++
			case n < 11:
				if c.Lines[i].Tags = append(c.Lines[i].Tags, "t"); len(c.Lines[i].Tags) > 1 {
					c.Lines[i].Tags = nil
				}
			case len(c.Lines[i].Parts) > 0:
				c.Lines[i].Parts = nil
			default:
				c.Lines[i].Parts = append(c.Lines[i].Parts, part{ID: key, Max: n})
			}
			if rapid.IntRange(0, 2).Draw(t, "reverse") == 0 {
				slices.Reverse(c.Lines)
			}
		},
		Steps: 40,
	}
	for _, keep := range []string{"", ",keep"} {
		kit.Plan = plan(keep)
		require.NoError(t, kit.Run(1, 150), keep)
	}
}

// TestRecordsOfLists moves elements about: a list reads in the order that it was given.
func TestRecordsOfLists(t *testing.T) {
	type list struct {
		Shelves []shelf `merge:"keyed=Key"`
	}
	kit := &mergetest.RecordKit[list]{Plan: merge.MustCompile(merge.Options[list]{Record: true})}
	require.NoError(t, kit.Run(1, 100))
}

// TestRecordHistories looks for each kind of step in the histories that are drawn.
func TestRecordHistories(t *testing.T) {
	kit := &mergetest.RecordKit[stock]{Plan: stocks()}
	var said []string
	for seed := range 200 {
		said = append(said, kit.Said(seed)...)
	}
	for _, want := range []string{
		`^a: Update \w+`, `^b: Update .*, refused$`, `^c: Delete$`, `^a: Touch "\w+"$`,
		`^a: Seed \w+`, `^b shows its value`, `^b: Apply .* to what was shown in step \d+$`, `: Apply .*, refused$`,
		`^a merges b$`, `^b merges c, from its bytes$`, `^c merges a, from its JSON$`, `^a#1 merges`,
		`^b merges what was sent in step \d+$`, `^a merges what was sent in step \d+, from its JSON$`,
		`^c saves its state$`, `^a crashes and goes on from what it saved, as a#1$`, `^all clocks pass [1-9]\d*, and b compacts to it, rows to 0$`, `^all clocks pass [1-9]\d*, and b compacts to it, rows to [1-9]\d*$`,
	} {
		n := 0
		for _, s := range said {
			if regexp.MustCompile(want).MatchString(s) {
				n++
			}
		}
		require.GreaterOrEqual(t, n, 3, want)
	}
}

// TestValues draws what its comment says.
func TestValues(t *testing.T) {
	seen := map[string]bool{}
	for seed := range 400 {
		v := mergetest.Values[stock]().Example(seed)
		seen["nil box"] = seen["nil box"] || v.Box == nil
		seen["box"] = seen["box"] || v.Box != nil
		seen["nil list"] = seen["nil list"] || v.Lines == nil
		seen["empty list"] = seen["empty list"] || v.Lines != nil && len(v.Lines) == 0
		seen["two elements"] = seen["two elements"] || len(v.Lines) == 2
		seen["entries"] = seen["entries"] || len(v.Cells) > 0
		seen["zone"] = seen["zone"] || v.At.Unix() == 1 && v.At.Location() != time.UTC
		require.Zero(t, v.cache)
	}
	require.Len(t, seen, 7)
	for what, ok := range seen {
		require.True(t, ok, what)
	}
}

// TestRecordKitErrors names what a kit lacks.
func TestRecordKitErrors(t *testing.T) {
	plan := stocks()
	refuse := func(_ *rapid.T, _ vclock.Replica, s *stock) { s.First, s.Low = 0, math.NaN() }
	for want, kit := range map[string]*mergetest.RecordKit[stock]{
		"mergetest: the RecordKit has no Plan":                                               {},
		"mergetest: the RecordKit has a View but no Model to compare it with":                {Plan: plan, View: func(s stock) any { return s }},
		"mergetest: Replicas is 2, want 3 to 26":                                             {Plan: plan, Replicas: 2},
		"mergetest: Steps is 65, want 1 to 64":                                               {Plan: plan, Steps: 65},
		"mergetest: the plan of mergetest_test.stock is not for records: set Options.Record": {Plan: merge.MustCompile(merge.Options[stock]{Overrides: overrides()})},
		`merge: write to Low: rule "min": NaN is no value to compare`:                        {Plan: plan, Edit: refuse},
	} {
		require.ErrorContains(t, kit.Run(1, 20), want)
	}
}

// TestRecordModelByStamp models a field by the stamps of its writes, with edits
// of one part, and maps by times, which are keys in UTC only.
func TestRecordModelByStamp(t *testing.T) {
	type note struct {
		Text  string
		Dates map[time.Time]int
	}
	kit := &mergetest.RecordKit[note]{
		Plan: merge.MustCompile(merge.Options[note]{Record: true}),
		View: func(v note) any { return v.Text },
		Model: func(seen []mergetest.Write[note]) any {
			var life mergetest.Write[note]
			for _, d := range seen {
				if d.Deleted && d.Stamp.After(life.Stamp) {
					life = d
				}
			}
			text, last := "", lww.Stamp{}
			for _, w := range seen {
				if (!life.Deleted || w.Saw(life)) && (w.Read.Text != w.Next.Text || w.Touched == "Text") && w.Stamp.After(last) {
					text, last = w.Next.Text, w.Stamp
				}
			}
			return text
		},
	}
	require.NoError(t, kit.Run(1, 100))
}
