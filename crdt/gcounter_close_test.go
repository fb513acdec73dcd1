package crdt_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

func counted(c *crdt.GCounter) uint64 {
	n, _ := c.Total()
	return n
}

func joined(x, y *crdt.GCounter) *crdt.GCounter {
	z := x.Clone()
	z.Merge(y)
	return z
}

// TestGCounterClose: a year of restarts is one total, and what comes late is not counted
// again.
func TestGCounterClose(t *testing.T) {
	var c crdt.GCounter
	var late *crdt.GCounter
	for n := range uint64(365) {
		late = c.Add(vclock.Incarnation("eu", n), 2)
	}
	c.Add("us", 5)
	before := c.Clone()
	require.True(t, c.Close(over(t, map[vclock.Replica]uint64{"eu": 365, "ap": 7})))
	require.False(t, c.Close(over(t, map[vclock.Replica]uint64{"eu": 300})))
	require.Equal(t, uint64(735), counted(&c))
	require.Less(t, len(encoded(t, &c)), 20)
	require.False(t, c.Merge(late))
	require.False(t, c.Merge(before))
	require.True(t, before.Merge(&c))
	require.True(t, before.Equal(&c))

	require.Equal(t, &vclock.MemberError{Replica: "eu#364", Over: true}, c.Usable("eu#364"))
	require.NoError(t, c.Usable("eu#365"))
	for _, r := range []vclock.Replica{"eu", "eu#7"} {
		require.Zero(t, counted(c.Add(r, 9)), "its life is over")
	}
	require.Equal(t, uint64(735), counted(&c))
	c.Add("eu#365", 1)
	require.Equal(t, uint64(1), c.LastOf("eu#365"))
	require.Zero(t, c.LastOf("eu"))
	require.True(t, c.Close(over(t, map[vclock.Replica]uint64{"eu": 366})))
	require.True(t, c.Close(gone(t, "us")))
	require.Equal(t, uint64(736), counted(&c))
	var all []string
	for r, n := range c.All() {
		all = append(all, fmt.Sprint(r, " ", n))
	}
	require.Equal(t, []string{"eu 731", "us 5"}, all)

	text, err := c.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"eu":["731","366"],"us":["5","65536"]}`, string(text))
	var fromText, fromBytes crdt.GCounter
	require.NoError(t, fromText.UnmarshalJSON(text))
	require.NoError(t, fromBytes.UnmarshalBinary(encoded(t, &c)))
	require.True(t, c.Equal(&fromText))
	require.True(t, c.Equal(&fromBytes))
}

// TestGCounterCloseRefused: no form of a counter has what Close never makes.
func TestGCounterCloseRefused(t *testing.T) {
	for _, text := range []string{
		`{"eu#1":["3","2"]}`, `{"eu":["3","2"],"eu#1":"4"}`, `{"eu":["3","65537"]}`, `{"eu":["0","1"]}`, `{"eu":["3","0"]}`,
		`{"eu":["3"]}`, `{"eu":["3","1","1"]}`, `{"eu":[3,1]}`,
	} {
		var c crdt.GCounter
		require.Error(t, c.UnmarshalJSON([]byte(text)), text)
		require.Zero(t, counted(&c))
	}
	for _, b := range [][]byte{
		{3, 14, 1, 2, 'e', 'u', 3, 0}, // closed, and nothing is
		{3, 14, 1, 4, 'e', 'u', '#', '1', 3, 2},
		{3, 14, 2, 2, 'e', 'u', 3, 2, 4, 'e', 'u', '#', '1', 3, 0},
		{3, 0},
	} {
		require.Error(t, new(crdt.GCounter).UnmarshalBinary(b), "%v", b)
	}
}

// small returns all counters of one name with three lives and totals up to two, closed or not.
func small(t *testing.T) (all []*crdt.GCounter) {
	t.Helper()
	add := func(text string) {
		c := new(crdt.GCounter)
		require.NoError(t, c.UnmarshalJSON([]byte("{"+text+"}")))
		all = append(all, c)
	}
	for below := range 3 {
		for total := range 3 {
			if below == 0 && total > 0 || below > 0 && total == 0 {
				continue
			}
			open := []string{""}
			if below > 0 {
				open[0] = fmt.Sprintf(`"e":["%d","%d"]`, total, below)
			}
			for life := below; life < 3; life++ {
				var next []string
				for _, text := range open {
					next = append(next, text)
					for n := 1; n < 3; n++ {
						if text != "" {
							text += ","
						}
						more := fmt.Sprintf(`"%s":"%d"`, string(vclock.Incarnation("e", uint64(life))), n)
						next = append(next, text+more)
						if len(text) > 0 && text[len(text)-1] == ',' {
							text = text[:len(text)-1]
						}
					}
				}
				open = next
			}
			for _, text := range open {
				add(text)
			}
		}
	}
	return all
}

// TestGCounterCloseIsAJoin takes all triples of small counters, be they what safe
// closings lead to or not.
func TestGCounterCloseIsAJoin(t *testing.T) {
	all := small(t)
	require.Len(t, all, 51)
	table := make([][]*crdt.GCounter, len(all))
	for i, x := range all {
		for _, y := range all {
			z := x.Clone()
			changed := z.Merge(y)
			require.Equal(t, !z.Equal(x), changed, "%v and %v", x, y)
			table[i] = append(table[i], z)
		}
	}
	for i, x := range all {
		for k, y := range all {
			xy := table[i][k]
			require.True(t, xy.Equal(table[k][i]), "%v and %v", x, y)
			require.False(t, xy.Clone().Merge(y), "%v and %v", x, y)
			for l, z := range all {
				if left, right := joined(xy, z), joined(x, table[k][l]); !left.Equal(right) {
					t.Fatalf("%v, %v, %v: %v and %v", x, y, z, left, right)
				}
			}
		}
	}
}

// TestSimplerThanClosingAsAWhole: to add what the smaller side has open to its closed total
// before they are compared is no join, though it looks as if it lost less.
func TestSimplerThanClosingAsAWhole(t *testing.T) {
	type state struct{ below, closed, first, second int }
	fold := func(s state, below int) state {
		if s.below < 1 && below >= 1 {
			s.closed, s.first = s.closed+s.first, 0
		}
		if s.below < 2 && below >= 2 {
			s.closed, s.second = s.closed+s.second, 0
		}
		s.below = max(s.below, below)
		return s
	}
	join := func(x, y state) state {
		below := max(x.below, y.below)
		x, y = fold(x, below), fold(y, below)
		return state{below, max(x.closed, y.closed), max(x.first, y.first), max(x.second, y.second)}
	}
	x, y, z := state{first: 1}, state{second: 1}, state{below: 2, closed: 1}
	require.NotEqual(t, join(join(x, y), z), join(x, join(y, z)))
}

// TestClosedGCounters plays histories of members that seal and close the first lives of a third,
// whose messages come at any time: nothing that a member had is lost, nothing counts
// twice, and all are equal in the end.
func TestClosedGCounters(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	refused := 0
	for range 500 {
		members := []*crdt.GCounter{{}, {}}
		names := []vclock.Replica{"b", "c"}
		var zombie crdt.GCounter
		var mail []*crdt.GCounter
		sealed := vclock.Closing{}
		model := uint64(0)
		for step := range 30 {
			i := rng.IntN(2)
			m := members[i]
			switch rng.IntN(6) {
			case 0:
				mail = append(mail, zombie.Add(vclock.Incarnation("e", uint64(rng.IntN(2))), 1+rng.Uint64N(9)))
			case 1:
				m.Add(names[i], 100)
				model += 100
			case 2, 3:
				if len(mail) == 0 {
					break
				}
				if d := mail[rng.IntN(len(mail))]; m.Speaks(d, sealed) {
					refused++
				} else {
					m.Merge(d)
				}
			case 4:
				m.Merge(members[1-i])
			case 5:
				m.Close(sealed)
			}
			if step == 15 {
				sealed = over(t, map[vclock.Replica]uint64{"e": 2})
				members[0].Merge(members[1])
				members[1].Merge(members[0])
				model = counted(members[0])
			}
		}
		members[0].Merge(members[1])
		members[1].Merge(members[0])
		require.Equal(t, model, counted(members[0]))
		require.NoError(t, members[0].Verify(members[1]))
		members[0].Close(sealed)
		members[1].Merge(members[0])
		require.True(t, members[0].Equal(members[1]))
	}
	require.NotZero(t, refused)
}

// TestGCounterClosedTooEarly: two that close without having told each other what they have are
// found out, and agree on the larger.
func TestGCounterClosedTooEarly(t *testing.T) {
	var b, c, e crdt.GCounter
	b.Merge(e.Add("e", 1))
	c.Merge(e.Add("e", 1))
	dead := over(t, map[vclock.Replica]uint64{"e": 1})
	require.NoError(t, b.Verify(&c), "one may be older")
	b.Close(dead)
	require.NoError(t, b.Verify(&c))
	c.Close(dead)
	require.EqualError(t, b.Verify(&c), `crdt: the lives of "e" before 1 have counted to 1 and to 2`)
	require.True(t, b.Speaks(&c, dead))
	require.False(t, c.Speaks(&b, dead))
	b.Merge(&c)
	require.Equal(t, uint64(2), counted(&b))
}

// TestBoundedCounterCannotBeClosed has the model of a counter that makes one holding of those of
// lives that are over, and what goes wrong: rights are reclaimed after their owner is over.
func TestBoundedCounterCannotBeClosed(t *testing.T) {
	// What y took of the lives e and e#1, with 5 and 3 rights, told apart, and closed.
	type taken struct {
		below int
		n     int64
	}
	inEU := taken{1, 5} // closed before e#1; y took what e had left
	inUS := taken{2, 3} // closed before e#2; y took what e#1 had left
	whole := func(x, y taken) taken {
		if x.below != y.below {
			return slices.MaxFunc([]taken{x, y}, func(a, b taken) int { return a.below - b.below })
		}
		return taken{x.below, max(x.n, y.n)}
	}
	larger := func(x, y taken) taken { return taken{max(x.below, y.below), max(x.n, y.n)} }
	const truth = 8
	require.Less(t, whole(inEU, inUS).n, int64(truth), "y has spent what it is not known to have")
	require.Less(t, larger(inEU, inUS).n, int64(truth))

	// With the lives told apart it is right.
	c := crdt.AtLeast(0)
	for r, n := range map[vclock.Replica]int64{"e": 5, "e#1": 3} {
		_, err := c.Add(r, n)
		require.NoError(t, err)
	}
	eu, us := c.Clone(), c.Clone()
	_, err := eu.Reclaim("e", "y")
	require.NoError(t, err)
	_, err = us.Reclaim("e#1", "y")
	require.NoError(t, err)
	eu.Merge(us)
	require.Equal(t, int64(truth), eu.Rights("y"))
	require.Zero(t, eu.Debt())
}

// TestGCounterSpeaksOfTotals: a total of lives that are over is news where more of them is in
// it than the lives before have counted here.
func TestGCounterSpeaksOfTotals(t *testing.T) {
	of := func(text string) *crdt.GCounter {
		var c crdt.GCounter
		require.NoError(t, c.UnmarshalJSON([]byte(text)))
		return &c
	}
	const most = "18446744073709551615"
	for _, test := range []struct {
		here, there string
		news        bool
	}{
		{`{}`, `{"e":["1","2"]}`, true},
		{`{"e":"3","e#1":"4"}`, `{"e":["7","2"]}`, false},
		{`{"e":"3","e#1":"4"}`, `{"e":["8","2"]}`, true},
		{`{"e":"3","e#1":"4","e#2":"9"}`, `{"e":["8","2"]}`, true},
		{`{"e":"3","f":"9","e#1":"4"}`, `{"e":["8","2"]}`, true},
		{`{"e":["3","1"],"e#1":"4"}`, `{"e":["7","2"]}`, false},
		{`{"e":["3","1"],"e#1":"4"}`, `{"e":["8","2"]}`, true},
		{`{"e":["1","3"]}`, `{"e":["7","2"]}`, false},
		{`{"e":["7","2"]}`, `{"e":["7","2"]}`, false},
		{`{"e":["6","2"]}`, `{"e":["7","2"]}`, true},
		{`{"e":"` + most + `","e#1":"4"}`, `{"e":["` + most + `","2"]}`, false},
		{`{"e":["7","2"]}`, `{"e":"9","e#1":"9"}`, false},
		{`{"e":["7","1"],"e#1":"4"}`, `{"e#1":"5"}`, true},
		{`{"e":["7","1"],"e#1":"4"}`, `{"e#1":"4"}`, false},
		{`{"e":["7","1"]}`, `{"e#1":"1"}`, true},
		{`{"e":["7","1"]}`, `{"e#2":"1"}`, false},
		{`{}`, `{"f":"1"}`, false},
		{`{}`, `{}`, false},
	} {
		sealed := over(t, map[vclock.Replica]uint64{"e": 2})
		require.Equal(t, test.news, of(test.here).Speaks(of(test.there), sealed), "%s and %s", test.here, test.there)
	}
}

// TestGCounterCloseSaturates: the total of lives does not wrap.
func TestGCounterCloseSaturates(t *testing.T) {
	var c crdt.GCounter
	c.Add("e", math.MaxUint64)
	c.Add("e#1", 2)
	c.Add("e#2", 3)
	require.True(t, c.Close(over(t, map[vclock.Replica]uint64{"e": 2})))
	n, exact := c.Total()
	require.Equal(t, uint64(math.MaxUint64), n)
	require.False(t, exact)
	require.Equal(t, map[vclock.Replica]uint64{"e": math.MaxUint64, "e#2": 3}, maps.Collect(c.All()))
}
