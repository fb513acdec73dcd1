package hlc_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
)

var (
	_ hlc.Bound = (*hlc.BoundFile)(nil)

	// What package lww asks of a clock.
	_ interface {
		Next(after hlc.Timestamp) (hlc.Timestamp, error)
	} = (*hlc.Durable)(nil)
)

// A fault is what goes wrong in one call of a disk.
type fault int

const (
	works      fault = iota
	failsOld         // Store fails and leaves the old bound
	failsNew         // Store fails, but the new bound is there
	crashesOld       // the process dies with the old bound on disk
	crashesNew       // the process dies with the new bound on disk
)

var (
	errDisk  = errors.New("disk on fire")
	errCrash = errors.New("killed")
)

// A disk is a Bound that survives the crashes it causes.
type disk struct {
	bound  hlc.Timestamp
	stores int
	load   error
	fault  func(store int) fault // what happens in the nth call of Store; nil means works
}

func (d *disk) Load() (hlc.Timestamp, error) { return d.bound, d.load }

func (d *disk) Store(t hlc.Timestamp) error {
	d.stores++
	f := works
	if d.fault != nil {
		f = d.fault(d.stores)
	}
	if f == works || f == failsNew || f == crashesNew {
		d.bound = t
	}
	switch f {
	case failsOld, failsNew:
		return errDisk
	case crashesOld, crashesNew:
		panic(errCrash)
	case works:
	}
	return nil
}

// survives calls f and reports whether it ended without a crash of the disk.
func survives(f func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != errCrash { //nolint:errorlint // the very value that disk panics with
				panic(r)
			}
			ok = false
		}
	}()
	f()
	return true
}

// Whatever happens around whichever store, and however slow the wall clock is
// afterwards, the next life issues greater timestamps.
func TestDurableKilledAroundEveryStore(t *testing.T) {
	const stores, window = 8, 10 * perTick
	for at := 1; at <= stores; at++ {
		for _, f := range []fault{works, failsOld, failsNew, crashesOld, crashesNew} {
			for _, slower := range []time.Duration{0, perTick, window, time.Hour, 50 * 365 * 24 * time.Hour} {
				t.Run(fmt.Sprintf("store=%d/fault=%d/slower=%v", at, f, slower), func(t *testing.T) {
					w := newWall(noon)
					d := &disk{fault: func(n int) fault {
						if n == at {
							return f
						}
						return works
					}}
					var issued hlc.Timestamp
					live := func() {
						c := &hlc.Durable{Bound: d, Physical: w.now, Window: window}
						for range 200 {
							w.add(perTick / 2)
							for _, ts := range []hlc.Timestamp{
								attempt(c.Now()),
								attempt(c.Update(w.stamp() + 3)),
								attempt(c.Next(w.stamp() + hlc.Timestamp(2*perTick))),
							} {
								if ts != 0 {
									require.Greater(t, ts, issued)
									issued = ts
								}
							}
						}
					}
					survives(live)
					w.add(-slower)
					require.True(t, survives(live), "one fault only")
					require.GreaterOrEqual(t, d.bound, issued)
				})
			}
		}
	}
}

// attempt returns t, or zero if the disk failed.
func attempt(t hlc.Timestamp, err error) hlc.Timestamp {
	if err != nil && !errors.Is(err, errDisk) {
		panic(err)
	}
	return t
}

// Random histories: calls of every kind, wall clocks that jump, crashes between
// and inside calls, stores that fail for a while.
func TestDurableHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, d := newWall(noon), &disk{}
		window := rapid.SampledFrom([]time.Duration{-1, 1, perTick, 8 * perTick, 0}).Draw(t, "window")
		start := func() *hlc.Durable { return &hlc.Durable{Bound: d, Physical: w.now, Window: window} }
		c := start()
		floor := hlc.Timestamp(0) // the greatest timestamp issued or advanced to in any life
		do := func(f func() (hlc.Timestamp, error)) {
			if !survives(func() {
				ts, err := f()
				if err != nil {
					require.ErrorIs(t, err, errDisk)
					return
				}
				require.Greater(t, ts, floor)
				require.LessOrEqual(t, ts, d.bound)
				floor = ts
			}) {
				c = start()
			}
		}
		remote := func(t *rapid.T) hlc.Timestamp {
			return w.stamp() + hlc.Timestamp(rapid.Int64Range(0, int64(4*perTick)).Draw(t, "ahead"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"step":   func(t *rapid.T) { w.add(time.Duration(rapid.Int64Range(-4, 4).Draw(t, "ticks")) * perTick) },
			"slower": func(*rapid.T) { w.add(-time.Hour) },
			"now":    func(*rapid.T) { do(c.Now) },
			"update": func(t *rapid.T) {
				r := remote(t)
				do(func() (hlc.Timestamp, error) { return c.Update(r) })
			},
			"next": func(t *rapid.T) {
				r := remote(t)
				do(func() (hlc.Timestamp, error) { return c.Next(r) })
			},
			"advance": func(t *rapid.T) {
				r := remote(t)
				do(func() (hlc.Timestamp, error) {
					if err := c.Advance(r); err != nil {
						return 0, err
					}
					floor = max(floor, r)
					return c.Now()
				})
			},
			"kill": func(*rapid.T) { c = start() },
			"disk": func(t *rapid.T) {
				f := rapid.SampledFrom([]fault{works, works, failsOld, failsNew, crashesOld, crashesNew}).Draw(t, "fault")
				d.fault = func(int) fault { return f }
			},
		})
	})
}

// A store that fails is reported when there is nothing left to issue, not before,
// and the clock goes on when the store does.
func TestDurableStoreFailure(t *testing.T) {
	const window = 100 * perTick
	w, d := newWall(noon), &disk{}
	c := &hlc.Durable{Bound: d, Physical: w.now, Window: window}
	first := must(c.Now())
	require.Equal(t, first+hlc.Timestamp(window), d.bound)

	d.fault = func(int) fault { return failsOld }
	calls := 0
	for {
		w.add(perTick / 4)
		if _, err := c.Now(); err != nil {
			require.EqualError(t, err, "hlc: no timestamps reserved: disk on fire")
			require.ErrorIs(t, err, errDisk)
			break
		}
		calls++
	}
	require.Equal(t, first+hlc.Timestamp(window), w.stamp()&^0xffff, "used up to the last tick")
	require.InDelta(t, 8, d.stores, 2, "tries again at half of what is left, not at each of %d calls", calls)
	_, err := c.Update(w.stamp())
	require.ErrorIs(t, err, errDisk)
	_, err = c.Next(w.stamp())
	require.ErrorIs(t, err, errDisk)
	require.ErrorIs(t, c.Advance(w.stamp()+5), errDisk)

	d.fault = nil
	require.Greater(t, must(c.Now()), w.stamp()&^0xffff)
}

// One store per half window of activity, however many events there are.
func TestDurableStoresRarely(t *testing.T) {
	const window = 100 * perTick
	w, d := newWall(noon), &disk{}
	c := &hlc.Durable{Bound: d, Physical: w.now, Window: window}
	for range 10 * window / perTick {
		w.add(perTick)
		for range 20 {
			must(c.Now())
		}
	}
	require.InDelta(t, 20, d.stores, 1)
}

func TestDurableWindow(t *testing.T) {
	for _, tt := range []struct {
		window, want time.Duration
	}{
		{0, hlc.DefaultWindow},
		{time.Second, time.Second},
		{-1, 0},
		{math.MinInt64, 0},
		{math.MaxInt64, time.Duration(hlc.Max - hlc.At(noon))},
	} {
		d := &disk{}
		c := &hlc.Durable{Bound: d, Physical: newWall(noon).now, Window: tt.window}
		require.Equal(t, hlc.At(noon), must(c.Now()))
		require.Equal(t, tt.want, time.Duration(d.bound-hlc.At(noon)), "window %v", tt.window)
	}
}

func TestDurableStartsFromBound(t *testing.T) {
	w := newWall(noon)
	ahead := hlc.At(noon.Add(time.Hour))
	c := &hlc.Durable{Bound: &disk{bound: ahead}, Physical: w.now}
	require.Equal(t, ahead+1, must(c.Now()), "counts on from the bound while the wall clock is behind it")
	w.add(2 * time.Hour)
	require.Equal(t, w.stamp()&^0xffff, must(c.Now()), "and follows the wall clock when it is not")
}

// What is not remembered in this life is not in the next either, and it costs no
// store.
func TestDurableNextBeyondMaxAhead(t *testing.T) {
	d := &disk{}
	c := &hlc.Durable{Bound: d, Physical: newWall(noon).now}
	must(c.Now())
	stores := d.stores
	far := hlc.At(noon.Add(time.Hour))
	require.Equal(t, far+1, must(c.Next(far)))
	refused, err := c.Update(far)
	require.ErrorAs(t, err, new(*hlc.AheadError))
	require.Zero(t, refused)
	require.ErrorAs(t, c.Advance(far), new(*hlc.AheadError))
	refused, err = c.Next(hlc.Max)
	require.ErrorContains(t, err, "no timestamp is larger")
	require.Zero(t, refused)
	require.Equal(t, stores, d.stores)
	require.Less(t, d.bound, far)
}

func TestDurableLoadFailure(t *testing.T) {
	d := &disk{load: errDisk}
	c := &hlc.Durable{Bound: d, Physical: newWall(noon).now}
	check := func(want string) {
		t.Helper()
		for _, issue := range []func() (hlc.Timestamp, error){
			c.Now, func() (hlc.Timestamp, error) { return c.Update(1) }, func() (hlc.Timestamp, error) { return c.Next(1) },
		} {
			ts, err := issue()
			require.EqualError(t, err, want)
			require.Zero(t, ts, "with an error there is no timestamp")
		}
		require.EqualError(t, c.Advance(1), want)
		require.Zero(t, d.stores)
	}
	check("hlc: load bound: disk on fire")

	d.load, d.bound = nil, hlc.Horizon+1
	check("hlc: load bound: 9151314442816847872 is too close to the maximum 9223372036854775807 to count on from")

	d.bound = hlc.Horizon
	require.Equal(t, hlc.Horizon+1, must(c.Now()), "a bound that can be loaded after all")
}

// Every timestamp is covered by the bound on disk when the call returns, for
// every goroutine, and no two are equal.
func TestDurableConcurrent(t *testing.T) {
	const goroutines, each = 8, 5_000
	w := newWall(noon)
	b := new(lockedDisk)
	c := &hlc.Durable{Bound: b, Physical: w.now, Window: 50 * perTick}
	issued := make([][]hlc.Timestamp, goroutines)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				w.add(perTick / 8)
				var ts hlc.Timestamp
				var err error
				if i%2 == 0 {
					ts, err = c.Now()
				} else {
					ts, err = c.Update(w.stamp() + 100)
				}
				if errors.Is(err, errDisk) {
					continue
				}
				if bound := b.now(); err != nil || ts > bound {
					t.Errorf("issued %v over bound %v, error %v", ts, bound, err)
					return
				}
				issued[g] = append(issued[g], ts)
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

// A lockedDisk lets goroutines look at the bound, and fails every third time.
type lockedDisk struct {
	mu sync.Mutex
	disk
}

func (l *lockedDisk) now() hlc.Timestamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bound
}

func (l *lockedDisk) Store(t hlc.Timestamp) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stores++; l.stores%3 == 0 {
		return errDisk
	}
	l.bound = t
	return nil
}

func TestDurableAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage instrumentation allocates")
	}
	c := &hlc.Durable{Bound: &disk{}, Physical: newWall(noon).now}
	ts := must(c.Now())
	for name, f := range map[string]func(){
		"Now":     func() { ts, _ = c.Now() },
		"Update":  func() { ts, _ = c.Update(ts) },
		"Advance": func() { _ = c.Advance(ts) },
		"Next":    func() { ts, _ = c.Next(ts) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

func BenchmarkDurable(b *testing.B) {
	b.Run("Now/baseline=Clock", func(b *testing.B) {
		b.ReportAllocs()
		var c hlc.Clock
		for b.Loop() {
			c.Now()
		}
	})
	b.Run("Now/bound=memory", func(b *testing.B) {
		b.ReportAllocs()
		c := &hlc.Durable{Bound: &disk{}}
		for b.Loop() {
			must(c.Now())
		}
	})
	b.Run("Now/bound=file", func(b *testing.B) {
		b.ReportAllocs()
		c := &hlc.Durable{Bound: openBound(b, b.TempDir()+"/clock")}
		for b.Loop() {
			must(c.Now())
		}
	})
	b.Run("Store", func(b *testing.B) {
		f := openBound(b, b.TempDir()+"/clock")
		for b.Loop() {
			must(0, f.Store(1))
		}
	})
}
