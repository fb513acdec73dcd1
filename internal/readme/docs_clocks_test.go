package readme_test

import (
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

func Example_skew() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // our own wall clock
	var skew hlc.Skew
	skew.AddReading("us", now.Add(time.Hour), now)
	skew.AddReading("ap", now.Add(time.Hour+20*time.Millisecond), now)
	report := skew.Report(now)
	fmt.Println(report.Outlier, report.Self)
	// Output:
	// true -1h0m0s
}

func Example_clocksTrusted() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // the device's wall clock
	skew := hlc.Skew{Trusted: []string{"server"}}
	skew.AddReading("server", now.Add(time.Hour), now)
	report := skew.Report(now)
	fmt.Println(report.Outlier, report.Self)
	// Output:
	// true -1h0m0s
}

func Example_jumps() {
	wall := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var jumps hlc.Jumps
	jumps.Add(wall, 0) // in a program: jumps.Add(time.Now(), time.Since(start))
	fmt.Println(jumps.Add(wall.Add(10*time.Second), 10*time.Second))
	fmt.Println(jumps.Add(wall.Add(time.Hour), 11*time.Second)) // somebody has set it
	// Output:
	// 0s
	// 59m49s
}
