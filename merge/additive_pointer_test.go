package merge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A shelf has a number that may be unknown, as a column that may be NULL.
type shelf struct {
	N *int64 `merge:"additive"`
}

func text(n *int64) string {
	if n == nil {
		return "nil"
	}
	return fmt.Sprint(*n)
}

// optionalSum is what an additive pointer is, written down: a number that one side
// takes away is gone, else all changes add up, and what was not there counts as zero.
func optionalSum(base *int64, sides []*int64) *int64 {
	var sum int64
	if base != nil {
		sum = *base
	}
	there := false
	for _, s := range sides {
		switch {
		case s == nil && base != nil:
			return nil
		case s == nil:
			continue
		case base != nil:
			sum -= *base
		}
		sum += *s
		there = true
	}
	if !there {
		return nil
	}
	return &sum
}

// TestAdditivePointer merges all small numbers, and none, of two and three sides.
func TestAdditivePointer(t *testing.T) {
	p := merge.MustCompile(merge.Options[shelf]{})
	numbers := []*int64{nil, new(int64(0)), new(int64(1)), new(int64(3))}
	for _, base := range numbers {
		for _, a := range numbers {
			for _, b := range numbers {
				two := []merge.Side[shelf]{{Value: shelf{a}, Stamp: stamp(1, "a")}, {Value: shelf{b}, Stamp: stamp(2, "b")}}
				got, report, err := p.Explain(&shelf{base}, two...)
				require.NoError(t, err)
				require.Equal(t, text(optionalSum(base, []*int64{a, b})), text(got.N), "%s: %s, %s", text(base), text(a), text(b))
				require.True(t, report.OK())
				for _, c := range numbers {
					got, err := p.Merge(&shelf{base}, append(two, merge.Side[shelf]{Value: shelf{c}, Stamp: stamp(2, "c")})...)
					require.NoError(t, err)
					require.Equal(t, text(optionalSum(base, []*int64{a, b, c})), text(got.N))
					pair, err := p.Merge(&shelf{base}, two...)
					require.NoError(t, err)
					fold, err := p.Merge(&shelf{base}, merge.Side[shelf]{Value: pair}, merge.Side[shelf]{Value: shelf{c}})
					require.NoError(t, err)
					require.Equal(t, text(got.N), text(fold.N), "two by two")
				}
			}
		}
	}
	_, err := p.Merge(nil, merge.Side[shelf]{Value: shelf{new(int64(1))}}, merge.Side[shelf]{Value: shelf{new(int64(2))}})
	require.ErrorContains(t, err, "changes cannot be added up without a base")
	require.Equal(t, "N  additive\n", p.String())
}

// A step is what happened to the number of a shelf: a change within a life, or a delete,
// which begins the next one.
type shelfStep struct {
	life   lww.Stamp // that the writer had seen; of a delete the one it begins
	delete bool
	change int64
}

// A shelfSite is a replica beside its model: all steps that it knows of.
type shelfSite struct {
	name  vclock.Replica
	clock *ticks
	rec   *merge.Record[shelf]
	known map[*shelfStep]bool
}

// value returns what the steps make: the sum of those in the last life.
func (s *shelfSite) value() (life lww.Stamp, n *int64) {
	for e := range s.known {
		if e.delete && e.life.After(life) {
			life = e.life
		}
	}
	for e := range s.known {
		if !e.delete && e.life == life {
			if n == nil {
				n = new(int64)
			}
			*n += e.change
		}
	}
	return life, n
}

// TestRecordAdditivePointer writes, deletes and merges at three replicas, whose clocks are
// anything: each shows the sum of the changes in the last life that it knows of.
func TestRecordAdditivePointer(t *testing.T) {
	p := recordPlan(t, merge.Options[shelf]{})
	rapid.Check(t, func(t *rapid.T) {
		var sites []*shelfSite
		for _, name := range []vclock.Replica{"ap", "eu", "us"} {
			clock := &ticks{hlc.Timestamp(rapid.IntRange(1, 9).Draw(t, "clock"))}
			sites = append(sites, &shelfSite{name, clock, p.NewRecord(), map[*shelfStep]bool{}})
		}
		check := func(s *shelfSite) {
			_, want := s.value()
			got, _ := s.rec.Get()
			require.Equal(t, text(want), text(got.N))
			b, err := s.rec.MarshalBinary()
			require.NoError(t, err)
			again := p.NewRecord()
			require.NoError(t, again.UnmarshalBinary(b))
			require.True(t, again.Equal(s.rec))
		}
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				s := rapid.SampledFrom(sites).Draw(t, "site")
				life, before := s.value()
				next := rapid.SampledFrom([]*int64{nil, new(int64(0)), new(int64(2)), new(int64(7))}).Draw(t, "next")
				w := lww.Writer{Replica: s.name, Clock: s.clock}
				require.NoError(t, s.rec.Update(w, func(v *shelf) error { v.N = next; return nil }))
				switch {
				case text(next) == text(before):
				case next == nil:
					s.known[&shelfStep{life: lww.Stamp{Time: s.clock.now, Replica: s.name}, delete: true}] = true
				case before == nil:
					s.known[&shelfStep{life: life, change: *next}] = true
				default:
					s.known[&shelfStep{life: life, change: *next - *before}] = true
				}
				check(s)
			},
			"merge": func(t *rapid.T) {
				s, o := rapid.SampledFrom(sites).Draw(t, "to"), rapid.SampledFrom(sites).Draw(t, "from")
				s.rec.Merge(o.rec)
				for e := range o.known {
					s.known[e] = true
				}
				check(s)
			},
		})
		for range 2 {
			for _, s := range sites {
				for _, o := range sites {
					s.rec.Merge(o.rec)
				}
			}
		}
		require.True(t, sites[0].rec.Equal(sites[2].rec))
	})
}
