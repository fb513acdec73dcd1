package vclock_test

import (
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

func TestMatrix(t *testing.T) {
	m := vclock.NewMatrix("us", "eu", "ap", "eu")
	require.Equal(t, 3, m.Len())
	require.True(t, m.Stable().IsZero())

	require.True(t, m.Record("eu", clock(t, "ap:3,eu:9,us:5")))
	require.True(t, m.Record("us", clock(t, "ap:4,eu:7,us:8")))
	require.True(t, m.Stable().IsZero(), "ap has not been heard of")
	require.Zero(t, m.Floor())

	require.True(t, m.Record("ap", clock(t, "ap:6,eu:7,us:6")))
	require.Equal(t, "ap:3,eu:7,us:5", m.Stable().String())
	require.Equal(t, uint64(3), m.Floor())

	require.False(t, m.Record("eu", clock(t, "ap:3,eu:8")), "late")
	require.False(t, m.Record("zz", clock(t, "ap:9,eu:9,us:9")), "not a member")
	row, ok := m.Row("eu")
	require.True(t, ok)
	require.Equal(t, "ap:3,eu:9,us:5", row.String())
	_, ok = m.Row("zz")
	require.False(t, ok)
	require.Equal(t, []vclock.Replica{"ap", "eu", "us"}, slices.Sorted(maps.Keys(maps.Collect(m.All()))))
	require.Equal(t, "ap ap:6,eu:7,us:6\neu ap:3,eu:9,us:5\nus ap:4,eu:7,us:8\n", m.String())
}

func TestMatrixRetire(t *testing.T) {
	m := vclock.NewMatrix("ap", "eu", "us")
	m.Record("eu", clock(t, "ap:3,eu:9,us:8"))
	m.Record("us", clock(t, "ap:4,eu:9,us:8"))
	require.Zero(t, m.Floor())

	m.Retire("ap", "zz")
	require.Equal(t, 2, m.Len())
	require.False(t, m.Record("ap", clock(t, "ap:9")), "late messages of a retired replica")
	require.Equal(t, "ap:3,eu:9,us:8", m.Stable().String())
	require.Equal(t, uint64(3), m.Floor(), "us has a write of ap that eu lacks")

	m.Record("eu", clock(t, "ap:4"))
	require.Equal(t, uint64(8), m.Floor(), "both have all there is of ap")
	m.Record("us", clock(t, "ap:5"))
	require.Equal(t, uint64(8), m.Floor(), "never back")

	m.Retire("eu", "us")
	require.Zero(t, m.Len())
	require.True(t, m.Stable().IsZero())
	require.Zero(t, m.Floor())
}

// TestMatrixRetireOfWhoHadMost retires the only member that had seen all of an
// earlier retired one: what is lost is not waited for.
func TestMatrixRetireOfWhoHadMost(t *testing.T) {
	m := vclock.NewMatrix("ap", "eu", "sa", "us")
	for r, row := range map[vclock.Replica]string{"ap": "ap:9,eu:9,sa:9,us:9", "eu": "ap:3,eu:9,sa:9,us:9", "sa": "ap:7,eu:9,sa:9,us:9", "us": "ap:3,eu:9,sa:9,us:9"} {
		m.Record(r, clock(t, row))
	}
	m.Retire("ap")
	require.Equal(t, uint64(3), m.Floor())
	m.Retire("sa")
	require.Equal(t, uint64(9), m.Floor())
}

// TestZeroMatrix has no members, so it knows nothing.
func TestZeroMatrix(t *testing.T) {
	var m vclock.Matrix
	require.True(t, m.Stable().IsZero())
	require.Zero(t, m.Floor())
	require.False(t, m.Record("eu", clock(t, "eu:1")))
	m.Retire("eu")
	require.True(t, m.Equal(vclock.NewMatrix()))
	require.Panics(t, func() { vclock.NewMatrix("eu", "") })
}

// TestMatrixNeverGoesBack records random clocks in any order, and retires
// members without the care that Retire asks for.
func TestMatrixNeverGoesBack(t *testing.T) {
	names := []vclock.Replica{"ap", "eu", "sa", "us"}
	rapid.Check(t, func(t *rapid.T) {
		m := vclock.NewMatrix(names[:3]...)
		rows := map[vclock.Replica]map[vclock.Replica]uint64{"ap": {}, "eu": {}, "sa": {}}
		stable, floor := m.Stable(), m.Floor()
		t.Repeat(map[string]func(*rapid.T){
			"record": func(t *rapid.T) {
				r := rapid.SampledFrom(names).Draw(t, "member")
				c := vclock.Collect(maps.All(rapid.MapOf(rapid.SampledFrom(names), rapid.Uint64Range(0, 9)).Draw(t, "clock")))
				news := false
				if row, ok := rows[r]; ok {
					for s, n := range c.All() {
						news = news || n > row[s]
						row[s] = max(row[s], n)
					}
				}
				require.Equal(t, news, m.Record(r, c))
			},
			"retire": func(t *rapid.T) {
				r := rapid.SampledFrom(names).Draw(t, "member")
				if len(rows) > 1 {
					m.Retire(r)
					delete(rows, r)
				}
			},
			"": func(t *rapid.T) {
				want := map[vclock.Replica]uint64{}
				for _, s := range names {
					least := uint64(math.MaxUint64)
					for _, row := range rows {
						least = min(least, row[s])
					}
					want[s] = least
				}
				require.Equal(t, vclock.Collect(maps.All(want)), m.Stable())
				require.True(t, m.Stable().Covers(stable))
				require.GreaterOrEqual(t, m.Floor(), floor)
				stable, floor = m.Stable(), m.Floor()
				for r := range rows {
					require.LessOrEqual(t, floor, want[r])
				}
				checkMatrixEncodings(t, m)
			},
		})
	})
}

func checkMatrixEncodings(t require.TestingT, m *vclock.Matrix) {
	b, err := m.MarshalBinary()
	require.NoError(t, err)
	var fromBinary, fromJSON vclock.Matrix
	require.NoError(t, fromBinary.UnmarshalBinary(b))
	require.True(t, m.Equal(&fromBinary))
	j, err := m.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromJSON.UnmarshalJSON(j))
	require.True(t, m.Equal(&fromJSON))
	require.True(t, m.Equal(m.Clone()))
	require.Equal(t, m.Floor(), fromJSON.Floor())
}

// A region is one node of TestMatrixIsSafe: the writes that it holds, by dots
// whose numbers are times, and what it knows of them.
type region struct {
	name   vclock.Replica
	writes history
	seen   vclock.Clock
	matrix *vclock.Matrix
	gone   bool
}

// A shipment is a whole state on its way, with its clock and its matrix.
type shipment struct {
	from   vclock.Replica
	writes history
	seen   vclock.Clock
	matrix *vclock.Matrix
}

func (g *region) ship(now uint64) shipment {
	g.seen = g.seen.With(g.name, now)
	g.matrix.Record(g.name, g.seen)
	return shipment{g.name, maps.Clone(g.writes), g.seen, g.matrix.Clone()}
}

func (g *region) receive(s shipment) {
	maps.Copy(g.writes, s.writes)
	g.seen = g.seen.Join(s.seen)
	g.matrix.Record(g.name, g.seen)
	for r, row := range s.matrix.All() {
		g.matrix.Record(r, row)
	}
}

// TestMatrixIsSafe runs regions that write, ship their states late, twice or
// never, and retire each other as Retire asks for. Whatever a matrix calls
// stable, or below its floor, is in every region that is left.
func TestMatrixIsSafe(t *testing.T) {
	names := []vclock.Replica{"ap", "eu", "sa", "us"}
	rapid.Check(t, func(t *rapid.T) {
		var regions []*region
		for _, name := range names {
			regions = append(regions, &region{name: name, writes: history{}, matrix: vclock.NewMatrix(names...)})
		}
		left := func() []*region {
			return slices.DeleteFunc(slices.Clone(regions), func(g *region) bool { return g.gone })
		}
		var way []shipment
		now := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				g := rapid.SampledFrom(left()).Draw(t, "region")
				now++
				g.writes[vclock.Dot{Replica: g.name, Seq: now}] = true
				g.seen = g.seen.With(g.name, now)
			},
			"ship": func(t *rapid.T) {
				now++
				way = append(way, rapid.SampledFrom(left()).Draw(t, "region").ship(now))
			},
			"receive": func(t *rapid.T) {
				if len(way) == 0 {
					t.Skip("nothing on its way")
				}
				s := rapid.SampledFrom(way).Draw(t, "shipment")
				if g := rapid.SampledFrom(left()).Draw(t, "region"); !regions[slices.Index(names, s.from)].gone {
					g.receive(s)
				}
			},
			"retire": func(t *rapid.T) {
				if len(left()) < 3 || rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					t.Skip("not now")
				}
				victim := rapid.SampledFrom(left()).Draw(t, "victim")
				victim.gone = true
				now++
				var fresh []shipment
				for _, g := range left() {
					fresh = append(fresh, g.ship(now))
				}
				for _, g := range left() {
					for _, s := range fresh {
						g.receive(s)
					}
					g.matrix.Retire(victim.name)
				}
			},
			"": func(t *rapid.T) {
				known := history{}
				for _, g := range left() {
					maps.Copy(known, g.writes)
				}
				for _, g := range left() {
					stable, floor := g.matrix.Stable(), g.matrix.Floor()
					for d := range known {
						for _, h := range left() {
							if stable.Contains(d) || d.Seq <= floor {
								require.True(t, h.writes[d], "%v lacks %v, which %v takes for known (stable %v, floor %d)", h.name, d, g.name, stable, floor)
							}
						}
					}
				}
			},
		})
	})
}

func TestMatrixUnmarshalRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"another version", "02" + "00" + "0100", "offset 0: unknown format version 2, want 1"},
		{"more members than bytes", "01" + "02" + "026575" + "0100" + "0100", "offset 1: count 2 exceeds what 7 bytes can hold"},
		{"the wrong order", "01" + "02" + "027573" + "026575" + "0100" + "0100" + "0100", "offset 5: replica \"eu\" is empty or out of order"},
		{"a row of another version", "01" + "01" + "026575" + "0200" + "0100", "offset 5: unknown format version 2, want 1"},
		{"a retired member", "01" + "01" + "026575" + "0101" + "026575" + "01" + "0101" + "026575" + "01", "member \"eu\" is retired"},
		{"a retired replica that nobody knows", "01" + "01" + "026575" + "0100" + "0101" + "026170" + "01", "no member has seen number 1 of retired replica \"ap\""},
		{"trailing bytes", "01" + "00" + "0100" + "00", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.input)
			require.NoError(t, err)
			var m vclock.Matrix
			err = m.UnmarshalBinary(b)
			require.ErrorContains(t, err, "vclock: decode Matrix: ")
			require.ErrorContains(t, err, tt.want)
			require.Zero(t, m)
		})
	}

	for input, want := range map[string]string{
		`{"members":{}}`:                                     `member "retired" is missing`,
		`{"members":null,"retired":{}}`:                      "decode Matrix",
		`{"members":{"eu":null},"retired":{}}`:               "null instead of a clock",
		`{"members":{"":{}},"retired":{}}`:                   "invalid replica",
		`{"members":{"eu":{},"eu":{}},"retired":{}}`:         "appears twice",
		`{"members":{"eu":{"eu":"1"}},"retired":{"eu":"1"}}`: "member \"eu\" is retired",
	} {
		t.Run(input, func(t *testing.T) {
			var m vclock.Matrix
			err := m.UnmarshalJSON([]byte(input))
			require.ErrorContains(t, err, "vclock: decode Matrix: ")
			require.ErrorContains(t, err, want)
			require.Zero(t, m)
		})
	}
}

func FuzzMatrixUnmarshalBinary(f *testing.F) {
	for _, s := range []string{"01" + "00" + "0100", "01" + "02" + "026575027573" + "01020261700265750304" + "0100" + "010102617003"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m vclock.Matrix
		if err := m.UnmarshalBinary(b); err != nil {
			require.Zero(t, m)
			return
		}
		got, err := m.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
		checkMatrixEncodings(t, &m)
	})
}

func FuzzMatrixUnmarshalJSON(f *testing.F) {
	for _, s := range []string{`{"members":{},"retired":{}}`, `null`, `{"members":{"eu":{"ap":"3","eu":"4"},"us":{}},"retired":{"ap":"3"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m vclock.Matrix
		if err := m.UnmarshalJSON(b); err != nil {
			require.Zero(t, m)
			return
		}
		checkMatrixEncodings(t, &m)
	})
}

// TestMatrixRetireAll: the last member takes with it what is stable.
func TestMatrixRetireAll(t *testing.T) {
	m := vclock.NewMatrix("eu")
	m.Record("eu", vclock.Clock{}.With("eu", 5))
	require.Equal(t, uint64(5), m.Floor())
	m.Retire("eu")
	require.Zero(t, m.Floor())
	require.True(t, m.Stable().IsZero())
	require.True(t, m.Equal(new(vclock.Matrix)))
}
