package hlc_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
)

// A wall is a physical clock set by hand.
type wall struct{ ns atomic.Int64 }

func newWall(t time.Time) *wall {
	w := new(wall)
	w.set(t)
	return w
}

func (w *wall) set(t time.Time)      { w.ns.Store(t.UnixNano()) }
func (w *wall) add(d time.Duration)  { w.ns.Add(int64(d)) }
func (w *wall) now() time.Time       { return time.Unix(0, w.ns.Load()) }
func (w *wall) stamp() hlc.Timestamp { return hlc.At(w.now()) }

// noon is a wall reading whose low 16 bits are zero, and perTick what one unit
// of the physical part is worth.
var noon = time.Unix(0, 1_764_000_000_000_000_000&^0xffff)

const perTick = 1 << 16 * time.Nanosecond

func TestClockReadsPhysicalTime(t *testing.T) {
	w := newWall(noon.Add(12345))
	c := &hlc.Clock{Physical: w.now}
	require.Equal(t, hlc.At(noon), c.Now(), "the low 16 bits belong to the counter")
	require.Equal(t, hlc.At(noon)+1, c.Now())
	w.add(time.Second)
	require.Equal(t, hlc.At(noon.Add(time.Second))&^0xffff, c.Now())

	var zero hlc.Clock
	require.WithinDuration(t, time.Now(), zero.Now().Time(), time.Minute, "the zero Clock reads time.Now")
}

func TestClockAbsorbsBackwardSteps(t *testing.T) {
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now}
	last := c.Now()
	for _, step := range []time.Duration{-time.Hour, time.Minute, -1, 0, -24 * time.Hour} {
		w.add(step)
		now := c.Now()
		require.Equal(t, last+1, now, "after a step of %v", step)
		last = now
	}
	w.set(noon.Add(perTick))
	require.Equal(t, hlc.At(noon.Add(perTick)), c.Now(), "caught up")
}

// 16 goroutines take 100 000 timestamps each: all distinct, and in each
// goroutine increasing.
func TestClockConcurrentNow(t *testing.T) {
	const goroutines, each = 16, 100_000
	var c hlc.Clock
	issued := make([]hlc.Timestamp, goroutines*each)
	var wg sync.WaitGroup
	for g := range goroutines {
		mine := issued[g*each : (g+1)*each]
		wg.Go(func() {
			for i := range mine {
				mine[i] = c.Now()
			}
		})
	}
	wg.Wait()
	for g := range goroutines {
		requireIncreasing(t, issued[g*each:(g+1)*each])
	}
	slices.Sort(issued)
	requireIncreasing(t, issued)
}

// Every way to get a timestamp, at once, over a wall clock that jumps about.
func TestClockConcurrentMixed(t *testing.T) {
	const goroutines, each = 8, 5_000
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now}
	issued := make([][]hlc.Timestamp, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				w.add(time.Duration(i%7-2) * perTick / 3)
				remote := w.stamp() + hlc.Timestamp(i%5)*hlc.Timestamp(perTick)
				if i%11 == 0 {
					remote += hlc.Timestamp(time.Hour) // refused
				}
				var ts hlc.Timestamp
				var err error
				switch i % 4 {
				case 0:
					ts = c.Now()
				case 1:
					ts, err = c.Update(remote)
				case 2:
					if err = c.Advance(remote); err == nil {
						ts = c.Now()
					}
				case 3:
					if len(issued[g]) > 0 {
						remote = issued[g][len(issued[g])-1]
					}
					ts, err = c.Next(remote)
				}
				if err == nil && (i%4 == 0 || ts > remote) {
					issued[g] = append(issued[g], ts)
				}
			}
		})
	}
	wg.Wait()
	for _, mine := range issued {
		requireIncreasing(t, mine)
	}
	all := slices.Concat(issued...)
	require.Greater(t, len(all), goroutines*each/2)
	slices.Sort(all)
	requireIncreasing(t, all)
}

func requireIncreasing(t *testing.T, ts []hlc.Timestamp) {
	t.Helper()
	for i := 1; i < len(ts); i++ {
		if ts[i-1] >= ts[i] {
			require.Failf(t, "not increasing", "%d: %v, then %v", i, ts[i-1], ts[i])
		}
	}
}

// A counter of 16 bits overflows into the physical part, one tick ahead of the
// wall clock, and the wall clock takes over again when it gets there.
func TestClockCounterOverflow(t *testing.T) {
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now}
	first := c.Now()
	last := first
	for range 1<<16 - 1 {
		now := c.Now()
		require.Equal(t, last+1, now)
		last = now
	}
	require.Equal(t, uint16(0xffff), last.Logical())
	require.Equal(t, hlc.At(noon.Add(perTick)), c.Now(), "65 536 events after the first")
	w.add(perTick)
	require.Equal(t, hlc.At(noon.Add(perTick))+1, c.Now())
	w.add(perTick)
	require.Equal(t, hlc.At(noon.Add(2*perTick)), c.Now())
}

func TestClockReceivesFullCounter(t *testing.T) {
	full := hlc.At(noon) | 0xffff
	receive := map[string]func(*hlc.Clock) hlc.Timestamp{
		"Update":  func(c *hlc.Clock) hlc.Timestamp { return must(c.Update(full)) },
		"Next":    func(c *hlc.Clock) hlc.Timestamp { return must(c.Next(full)) },
		"Advance": func(c *hlc.Clock) hlc.Timestamp { must(0, c.Advance(full)); return c.Now() },
	}
	for name, f := range receive {
		t.Run(name, func(t *testing.T) {
			c := &hlc.Clock{Physical: newWall(noon).now}
			ts := f(c)
			require.Equal(t, full+1, ts)
			require.Equal(t, full+2, c.Now())
		})
	}
}

// Section 4 of the paper (masking of synchronization errors): a message too far
// ahead is ignored, and must not leave a trace.
func TestClockRefusesFarAhead(t *testing.T) {
	w := newWall(noon.Add(7))
	for _, tt := range []struct {
		name     string
		maxAhead time.Duration
		limit    time.Duration // the largest lead accepted; negative means none is refused
	}{
		{"zero means the default", 0, hlc.DefaultMaxAhead},
		{"one nanosecond", 1, 1},
		{"a second", time.Second, time.Second},
		{"as far as the range goes", math.MaxInt64, -1},
		{"negative means no bound", -1, -1},
		{"most negative", math.MinInt64, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &hlc.Clock{Physical: w.now, MaxAhead: tt.maxAhead}
			refuse := hlc.Horizon + 1
			if tt.limit >= 0 {
				refuse = w.stamp() + hlc.Timestamp(tt.limit) + 1
			}
			c.Now()
			before := c.Last()
			_, err := c.Update(refuse)
			require.ErrorAs(t, err, new(*hlc.AheadError))
			require.ErrorAs(t, c.Advance(refuse), new(*hlc.AheadError))
			_, err = c.Update(math.MaxUint64)
			require.ErrorAs(t, err, new(*hlc.AheadError))
			require.ErrorAs(t, c.Advance(math.MaxUint64), new(*hlc.AheadError))
			require.Equal(t, must(c.Next(refuse)), refuse+1)
			require.Equal(t, before, c.Last(), "state changed")

			require.NoError(t, c.Advance(refuse-1))
			require.Equal(t, refuse-1, c.Last())
			require.Equal(t, refuse, must(c.Update(refuse-1)))
		})
	}
}

func TestAheadError(t *testing.T) {
	w := newWall(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	c := &hlc.Clock{Physical: w.now}
	remote := w.stamp() + hlc.Timestamp(2*time.Second)
	_, err := c.Update(remote)
	require.EqualError(t, err, "hlc: remote timestamp 2026-11-23T12:00:02.000000000Z is 2s ahead of physical time 2026-11-23T12:00:00.000000000Z, more than 500ms")
	require.Equal(t, &hlc.AheadError{Remote: remote, Physical: w.stamp(), MaxAhead: hlc.DefaultMaxAhead}, err)

	c = &hlc.Clock{Physical: w.now, MaxAhead: -1}
	err = c.Advance(hlc.Max)
	require.EqualError(t, err, "hlc: remote timestamp 2262-04-11T23:47:16.854775807Z is 2063315h47m16.854775807s ahead of physical time 2026-11-23T12:00:00.000000000Z, and beyond 2259-12-29T23:47:22.816847871Z no clock follows")

	for _, tt := range []struct {
		remote, physical hlc.Timestamp
		want             time.Duration
	}{
		{5, 3, 2},
		{3, 5, -2},
		{math.MaxUint64, 0, math.MaxInt64},
		{0, hlc.Max, -math.MaxInt64},
	} {
		require.Equal(t, tt.want, (&hlc.AheadError{Remote: tt.remote, Physical: tt.physical}).Ahead())
	}
}

// After a backward step of the wall clock, what this clock has itself issued is
// "ahead". Refusing it would protect nothing and would let Next repeat itself.
func TestClockAcceptsWhatItHasPassed(t *testing.T) {
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now}
	issued := c.Now()
	w.add(-time.Hour)
	require.Equal(t, issued+1, must(c.Next(issued)))
	require.Equal(t, issued+2, must(c.Update(issued)))
	require.NoError(t, c.Advance(issued))
	require.Equal(t, issued+3, c.Now())
	require.ErrorAs(t, c.Advance(issued+4), new(*hlc.AheadError))
}

func TestClockAcceptsThePast(t *testing.T) {
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now, MaxAhead: 1}
	for _, remote := range []hlc.Timestamp{0, 1, hlc.At(noon) - 1} {
		before := c.Last()
		require.NoError(t, c.Advance(remote))
		require.Equal(t, max(before, remote), c.Last())
		require.Greater(t, must(c.Update(remote)), remote)
		require.Greater(t, must(c.Next(remote)), remote)
	}
}

// Stamps from elsewhere have nanoseconds where a clock has its counter.
func TestClockFollowsForeignStamps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWall(noon)
		c := &hlc.Clock{Physical: w.now}
		issued := hlc.Timestamp(0)
		t.Repeat(map[string]func(*rapid.T){
			"step": func(t *rapid.T) { w.add(time.Duration(rapid.IntRange(-1e6, 1e6).Draw(t, "by"))) },
			"now": func(t *rapid.T) {
				now := c.Now()
				require.Greater(t, now, issued)
				issued = now
			},
			"update": func(t *rapid.T) {
				remote := w.stamp() + hlc.Timestamp(rapid.Uint64Range(0, uint64(hlc.DefaultMaxAhead)).Draw(t, "ahead"))
				now := must(c.Update(remote))
				require.Greater(t, now, max(issued, remote))
				issued = now
			},
		})
	})
}

func TestClockNext(t *testing.T) {
	w := newWall(noon)
	c := &hlc.Clock{Physical: w.now}
	require.Equal(t, hlc.At(noon), must(c.Next(0)), "replaces nothing: as Now")
	near := hlc.At(noon) + hlc.Timestamp(hlc.DefaultMaxAhead)
	require.Equal(t, near+1, must(c.Next(near)))
	require.Equal(t, near+2, c.Now(), "a stamp within MaxAhead is remembered")
	far := near + hlc.Timestamp(time.Hour)
	require.Equal(t, far+1, must(c.Next(far)))
	require.Equal(t, near+3, c.Now(), "a stamp beyond MaxAhead is not")

	require.Equal(t, hlc.Max, must(c.Next(hlc.Max-1)))
	for _, after := range []hlc.Timestamp{hlc.Max, hlc.Max + 1, math.MaxUint64} {
		ts, err := c.Next(after)
		require.EqualError(t, err, fmt.Sprintf("hlc: no timestamp is larger than %d", uint64(after)))
		require.Zero(t, ts)
	}
	require.Equal(t, near+4, c.Now(), "errors leave no trace")
}

// No reading of the wall clock, and no peer, takes a clock so close to the end
// of the range that the counter could reach it.
func TestClockEndOfRange(t *testing.T) {
	require.Equal(t, hlc.Timestamp(1)<<56, hlc.Max-hlc.Horizon)
	for _, late := range []time.Time{hlc.Max.Time(), time.Unix(math.MaxInt64, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		c := &hlc.Clock{Physical: func() time.Time { return late }, MaxAhead: math.MaxInt64}
		first := c.Now()
		require.Equal(t, hlc.Horizon&^0xffff, first)
		require.NoError(t, c.Advance(hlc.Horizon))
		for i := range hlc.Timestamp(100_000) {
			require.Equal(t, hlc.Horizon+1+i, c.Now())
		}
		require.ErrorAs(t, c.Advance(hlc.Horizon+200_000), new(*hlc.AheadError))
		require.ErrorContains(t, c.Advance(hlc.Max), "no clock follows")
		require.NoError(t, c.Advance(c.Last()), "what it has issued is never refused")
	}
}

func TestClockBefore1970(t *testing.T) {
	for _, early := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), time.Unix(math.MinInt64, 0)} {
		c := &hlc.Clock{Physical: func() time.Time { return early }}
		require.Equal(t, hlc.Timestamp(1), c.Now(), "zero is never issued")
		require.Equal(t, hlc.Timestamp(2), must(c.Next(0)))
	}
}

func TestClockAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage instrumentation allocates")
	}
	var c hlc.Clock
	far := hlc.At(time.Now().Add(time.Hour))
	for name, f := range map[string]func(){
		"Now":         func() { c.Now() },
		"Update":      func() { _, _ = c.Update(c.Last()) },
		"Advance":     func() { _ = c.Advance(c.Last() + 1) },
		"Next":        func() { _, _ = c.Next(c.Last()) },
		"Next beyond": func() { _, _ = c.Next(far) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}
