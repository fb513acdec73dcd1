package hlc_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
)

func TestSkewStories(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		offsets []time.Duration // of the peers, against the local clock
		self    time.Duration
		outlier bool
		peers   []bool // which of them are outliers
	}{
		{"nobody else", nil, 0, false, nil},
		{"two clocks cannot tell", []time.Duration{2000 * ms}, 0, false, []bool{true}},
		{"one fast peer", []time.Duration{2000 * ms, 10 * ms}, -10 * ms, false, []bool{true, false}},
		{"we are fast", []time.Duration{-2000 * ms, -2010 * ms}, 2000 * ms, true, []bool{false, false}},
		{"we are slow", []time.Duration{2000 * ms, 2010 * ms, 1990 * ms, 2005 * ms}, -2000 * ms, true, []bool{false, false, false, false}},
		{"we agree with the majority", []time.Duration{2000 * ms, 0, -3 * ms, 5 * ms}, 0, false, []bool{true, false, false, false}},
		{"a tie of two camps is ours", []time.Duration{2000 * ms, 2000 * ms, 0}, 0, false, []bool{true, true, false}},
		{"three against us and one", []time.Duration{2000 * ms, 2001 * ms, 2002 * ms, 0}, -2000 * ms, true, []bool{false, false, false, true}},
		{"at the tolerance", []time.Duration{250 * ms, 250 * ms}, -250 * ms, false, []bool{false, false}},
		{"beyond the tolerance", []time.Duration{250*ms + 1, 250*ms + 1}, -250*ms - 1, true, []bool{false, false}},
		{"all different", []time.Duration{-9000 * ms, 9000 * ms}, 0, false, []bool{true, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s hlc.Skew
			for i, d := range tt.offsets {
				s.AddReading(fmt.Sprint("peer", i), noon.Add(d), noon)
			}
			r := s.Report(noon)
			require.Equal(t, tt.self, r.Self)
			require.Equal(t, tt.outlier, r.Outlier)
			require.Len(t, r.Peers, len(tt.peers))
			for i, p := range r.Peers {
				require.Equal(t, hlc.PeerSkew{Peer: fmt.Sprint("peer", i), Offset: tt.offsets[i], Samples: 1, Outlier: tt.peers[i]}, p)
			}
		})
	}
}

// The report must say what its definition says, counted out: self is an outlier
// if more than half of all clocks are on one side of it, beyond the tolerance.
func TestSkewOutlierIsMajority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tolerance := time.Duration(rapid.Int64Range(1, 3).Draw(t, "tolerance"))
		offsets := rapid.SliceOfN(rapid.Int64Range(-5, 5), 0, 7).Draw(t, "offsets")
		s := hlc.Skew{Tolerance: tolerance}
		ahead, behind := 0, 0
		for i, d := range offsets {
			s.AddReading(fmt.Sprint(i), noon.Add(time.Duration(d)), noon)
			if time.Duration(d) > tolerance {
				ahead++
			}
			if time.Duration(d) < -tolerance {
				behind++
			}
		}
		r := s.Report(noon)
		require.Equal(t, 2*ahead > len(offsets)+1 || 2*behind > len(offsets)+1, r.Outlier)
		require.Equal(t, r.Self.Abs() > tolerance, r.Outlier)
		if len(offsets) < 2 {
			require.False(t, r.Outlier)
		}
		for i, p := range r.Peers {
			require.Equal(t, time.Duration(offsets[i]), p.Offset)
			require.Equal(t, (p.Offset+r.Self).Abs() > tolerance, p.Outlier)
		}
	})
}

// A device that asks one server says that it is its own clock that is off, if it trusts
// the server, whatever other devices say.
func TestSkewTrusted(t *testing.T) {
	add := func(s *hlc.Skew, peer string, offset time.Duration) { s.AddReading(peer, noon.Add(offset), noon) }
	s := hlc.Skew{Trusted: []string{"server", "spare"}}
	require.Equal(t, hlc.SkewReport{}, s.Report(noon))
	add(&s, "server", time.Hour)
	r := s.Report(noon)
	require.Equal(t, -time.Hour, r.Self)
	require.True(t, r.Outlier)
	require.False(t, r.Peers[0].Outlier)
	require.Equal(t, hlc.Self, hlc.Policy{}.Judge(hlc.At(noon.Add(time.Hour)), 0, noon, r))

	for i := range 5 {
		add(&s, fmt.Sprint("device", i), time.Millisecond)
	}
	r = s.Report(noon)
	require.Equal(t, -time.Hour, r.Self)
	for _, p := range r.Peers {
		require.Equal(t, p.Peer != "server", p.Outlier, p.Peer)
	}

	// Of two that disagree, the one nearer to the local clock has it.
	add(&s, "spare", time.Minute)
	require.Equal(t, -time.Minute, s.Report(noon).Self)

	// One that is silent is not asked.
	s.Forget("spare")
	require.Equal(t, -time.Hour, s.Report(noon).Self)
	later := noon.Add(time.Hour)
	s.AddReading("device0", later, later)
	r = s.Report(later)
	require.False(t, r.Outlier)
	require.Zero(t, r.Self)
}

// The report must say what its definition says with trusted peers too: by them alone.
func TestSkewOutlierIsTrustedMajority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const tolerance = 2
		s := hlc.Skew{Tolerance: tolerance, Trusted: []string{"0", "1", "2", "absent"}}
		offsets := rapid.SliceOfN(rapid.Int64Range(-5, 5), 1, 6).Draw(t, "offsets")
		ahead, behind := 0, 0
		for i, d := range offsets {
			s.AddReading(fmt.Sprint(i), noon.Add(time.Duration(d)), noon)
			if i < 3 && d > tolerance {
				ahead++
			}
			if i < 3 && d < -tolerance {
				behind++
			}
		}
		n := min(len(offsets), 3)
		require.Equal(t, 2*ahead > n || 2*behind > n, s.Report(noon).Outlier)
	})
}

// One liar among three or more clocks can neither frame the local clock nor
// cover for it.
func TestSkewResistsOneLiar(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 6).Draw(t, "honest peers")
		fast := rapid.Bool().Draw(t, "we are fast")
		var s hlc.Skew
		now := noon
		if fast {
			now = now.Add(2 * time.Second)
		}
		for i := range n {
			for range rapid.IntRange(1, 5).Draw(t, "samples") {
				delay := time.Duration(rapid.Int64Range(0, 100).Draw(t, "delay")) * time.Millisecond
				s.AddReading(fmt.Sprint(i), noon.Add(-delay), now)
			}
		}
		lie := time.Unix(rapid.Int64().Draw(t, "lie"), 0)
		for range 20 {
			s.AddReading("liar", lie, now)
		}
		require.Equal(t, fast, s.Report(now).Outlier)
	})
}

func TestSkewMedianOfSamples(t *testing.T) {
	var s hlc.Skew
	add := func(ms ...int) {
		for _, d := range ms {
			s.AddReading("eu", noon.Add(time.Duration(d)*time.Millisecond), noon)
		}
	}
	offset := func() time.Duration { return s.Report(noon).Peers[0].Offset / time.Millisecond }

	add(-5)
	require.Equal(t, time.Duration(-5), offset())
	add(-3)
	require.Equal(t, time.Duration(-3), offset(), "of two, the one less delayed")
	add(-9000)
	require.Equal(t, time.Duration(-5), offset(), "one message held up for long")
	for i := range 15 {
		add(100 + i)
	}
	require.Equal(t, time.Duration(107), offset(), "the last 15 count")
	require.Equal(t, 15, s.Report(noon).Peers[0].Samples)
	s.Forget("eu")
	s.Forget("nobody")
	require.Empty(t, s.Report(noon).Peers)
}

func TestSkewStaleSamples(t *testing.T) {
	for _, tt := range []struct {
		name   string
		maxAge time.Duration
		later  time.Duration
		want   int
	}{
		{"fresh", 0, 0, 1},
		{"at the default age", 0, time.Minute, 1},
		{"older", 0, time.Minute + 1, 0},
		{"own age", time.Second, time.Second, 1},
		{"older than own age", time.Second, time.Second + 1, 0},
		{"no limit", -1, 100 * 365 * 24 * time.Hour, 1},
		{"huge limit", math.MaxInt64, 100 * 365 * 24 * time.Hour, 1},
		{"the local clock was set back", 0, -1, 0},
		{"the local clock was set back, no limit", -1, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := hlc.Skew{MaxAge: tt.maxAge}
			s.AddReading("eu", noon, noon)
			require.Len(t, s.Report(noon.Add(tt.later)).Peers, tt.want)
			require.Len(t, s.Report(noon).Peers, 1, "a report changes nothing")
		})
	}
}

// A peer of which all samples are old is left out, and those after it are not.
func TestSkewOfWhoIsSilent(t *testing.T) {
	var s hlc.Skew
	s.AddReading("ap", noon, noon)
	later := noon.Add(time.Hour)
	for _, peer := range []string{"eu", "us"} {
		s.AddReading(peer, later.Add(time.Minute), later)
	}
	r := s.Report(later)
	require.Len(t, r.Peers, 2)
	require.Equal(t, -time.Minute, r.Self)
	require.True(t, r.Outlier)
}

func TestSkewTolerance(t *testing.T) {
	for _, tt := range []struct {
		tolerance, offset time.Duration
		want              bool
	}{
		{0, hlc.DefaultMaxAhead / 2, false},
		{0, hlc.DefaultMaxAhead/2 + 1, true},
		{-1, 0, false},
		{-1, 1, true},
		{math.MaxInt64, math.MaxInt64 / 2, false},
	} {
		s := hlc.Skew{Tolerance: tt.tolerance}
		s.AddReading("eu", time.Unix(0, int64(tt.offset)), time.Unix(0, 0))
		s.AddReading("us", time.Unix(0, int64(tt.offset)), time.Unix(0, 0))
		require.Equal(t, tt.want, s.Report(time.Unix(0, 0)).Outlier, "%+v", tt)
	}
}

// Readings and times of any size must neither overflow nor panic.
func TestSkewExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		extreme := rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, 1 << 16, math.MaxInt64 / 2, math.MaxInt64})
		s := hlc.Skew{Tolerance: time.Duration(extreme.Draw(t, "tolerance")), MaxAge: time.Duration(extreme.Draw(t, "max age"))}
		tolerance := s.Tolerance
		if tolerance == 0 {
			tolerance = 250 * time.Millisecond
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "peers") {
			s.Add(fmt.Sprint(i), hlc.Timestamp(extreme.Draw(t, "stamp")), time.Unix(0, extreme.Draw(t, "at")))
			s.AddReading(fmt.Sprint(i), time.Unix(extreme.Draw(t, "reading"), 0), time.Unix(0, extreme.Draw(t, "at")))
		}
		r := s.Report(time.Unix(extreme.Draw(t, "now"), 0))
		for _, p := range r.Peers {
			apart := new(big.Int).Add(big.NewInt(int64(p.Offset)), big.NewInt(int64(r.Self)))
			require.Equal(t, apart.CmpAbs(big.NewInt(max(int64(tolerance), 0))) > 0, p.Outlier, "%+v", r)
		}
	})
}

// Three nodes exchange messages. One of them is fast, by less than its peers
// refuse, so their clocks follow it. Its victims must not take each other for
// fast: all stamps but those of the fast one carry a counter.
func TestSkewIgnoresFollowers(t *testing.T) {
	const lead = 400 * time.Millisecond
	w := newWall(noon)
	fast := &hlc.Clock{Physical: func() time.Time { return w.now().Add(lead) }}
	follower, local := &hlc.Clock{Physical: w.now}, &hlc.Clock{Physical: w.now}
	var s hlc.Skew
	for range 100 {
		w.add(time.Millisecond)
		stamp := fast.Now()
		require.NoError(t, follower.Advance(stamp))
		for peer, stamp := range map[string]hlc.Timestamp{"fast": stamp, "follower": follower.Now()} {
			require.NoError(t, local.Advance(stamp))
			s.Add(peer, stamp, w.now())
		}
	}
	r := s.Report(w.now())
	require.False(t, r.Outlier)
	require.Len(t, r.Peers, 1)
	require.Equal(t, "fast", r.Peers[0].Peer)
	require.InDelta(t, float64(lead), float64(r.Peers[0].Offset), float64(perTick))
	require.True(t, r.Peers[0].Outlier)
}
