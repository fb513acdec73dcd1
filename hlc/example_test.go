package hlc_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

// at returns a wall clock that stands still, d after ten.
func at(d time.Duration) func() time.Time {
	return func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(d) }
}

// The wall clock of the US region is two seconds ahead. US writes at ten; EU reads
// that write and replaces it a second later. By their wall clocks the older write
// is the newer one.
func Example() {
	us := &hlc.Clock{Physical: at(2 * time.Second)}
	eu := &hlc.Clock{Physical: at(1 * time.Second)}

	written := us.Now()
	replaced, err := eu.Next(written)
	fmt.Println("us writes  ", written)
	fmt.Println("eu replaces", replaced, err)
	fmt.Println("the later write wins:", replaced.After(written))
	// Output:
	// us writes   2026-11-23T10:00:01.999945728Z
	// eu replaces 2026-11-23T10:00:01.999945729Z <nil>
	// the later write wins: true
}

// Two nodes exchange messages. The clock of b follows that of a, which is a
// little ahead, and does not follow one whose operator mistyped the date.
func ExampleClock() {
	a := &hlc.Clock{Physical: at(300 * time.Millisecond)}
	b := &hlc.Clock{Physical: at(0)}

	sent := a.Now()
	received, err := b.Update(sent)
	fmt.Println("a sends   ", sent)
	fmt.Println("b receives", received, err)
	fmt.Println("b goes on ", b.Now())

	mistyped := &hlc.Clock{Physical: at(24 * time.Hour)}
	_, err = b.Update(mistyped.Now())
	if ahead, ok := errors.AsType[*hlc.AheadError](err); ok {
		fmt.Println("b refuses a message", ahead.Ahead().Round(time.Second), "ahead")
	}
	fmt.Println("b goes on ", b.Now())
	// Output:
	// a sends    2026-11-23T10:00:00.299941888Z
	// b receives 2026-11-23T10:00:00.299941889Z <nil>
	// b goes on  2026-11-23T10:00:00.299941890Z
	// b refuses a message 24h0m0s ahead
	// b goes on  2026-11-23T10:00:00.299941891Z
}

// A process issues timestamps and is killed. The wall clock of the machine that
// starts it again is a minute slow.
func ExampleDurable() {
	dir, err := os.MkdirTemp("", "hlc")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "clock")

	live := func(wall func() time.Time) (hlc.Timestamp, error) {
		bound, err := hlc.OpenBoundFile(path)
		if err != nil {
			return 0, err
		}
		defer func() { _ = bound.Close() }() // a crash does that too
		clock := &hlc.Durable{Bound: bound, Physical: wall}
		return clock.Now()
	}
	before, err := live(at(59 * time.Second))
	fmt.Println("before", before, err)
	after, err := live(at(0))
	fmt.Println("after ", after, err)
	fmt.Println("ahead of what was issued by", after.Time().Sub(before.Time()))
	// Output:
	// before 2026-11-23T10:00:58.999947264Z <nil>
	// after  2026-11-23T10:00:59.249947265Z <nil>
	// ahead of what was issued by 250.000001ms
}

// Three regions exchange heartbeats. To us, whose clock is two seconds fast, it
// looks as if both others were slow. One of them might be.
func ExampleSkew() {
	ours := at(2 * time.Second)()
	var skew hlc.Skew
	skew.AddReading("eu", at(0)(), ours)
	fmt.Println("one peer: ", skew.Report(ours).Outlier)

	skew.AddReading("ap", at(0)(), ours)
	report := skew.Report(ours)
	fmt.Println("two peers:", report.Outlier, report.Self)
	for _, p := range report.Peers {
		fmt.Println(p.Peer, p.Offset, p.Outlier)
	}
	// Output:
	// one peer:  false
	// two peers: true 2s
	// ap -2s false
	// eu -2s false
}

// A timestamp is an integer to a database and a date to people, and sorts alike
// as both.
func ExampleTimestamp() {
	t := hlc.At(time.Date(2026, 11, 23, 12, 8, 55, 123456789, time.UTC))
	fmt.Println(t)
	fmt.Println(t.Value())
	fmt.Println(hlc.Parse("2026-11-23T12:08:55Z"))
	// Output:
	// 2026-11-23T12:08:55.123456789Z
	// 1795435735123456789 <nil>
	// 1970-01-01T00:00:00.000000000Z hlc: parse "2026-11-23T12:08:55Z": not of the form 2006-01-02T15:04:05.000000000Z
}
