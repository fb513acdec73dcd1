package hlc_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
)

// A state arrives that is stamped ahead of the local clock.
func ExamplePolicy() {
	var skew hlc.Skew
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, peer := range []string{"eu", "us"} {
		skew.AddReading(peer, now.Add(time.Hour), now) // both say that it is 13:00
	}
	latest := hlc.At(now.Add(time.Hour))
	fmt.Println(hlc.Policy{}.Judge(latest, 0, now, skew.Report(now)))
	fmt.Println(hlc.Policy{}.Judge(latest, 0, now, hlc.SkewReport{}))
	// Output:
	// self
	// refuse
}

func TestPolicyJudge(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) hlc.Timestamp { return hlc.At(now.Add(d)) }
	slow := hlc.SkewReport{Self: -time.Hour, Outlier: true}
	fast := hlc.SkewReport{Self: time.Hour, Outlier: true}
	strict := hlc.Policy{MaxAhead: -1, Patience: -1}
	const year = 365 * 24 * time.Hour
	for _, tt := range []struct {
		name   string
		policy hlc.Policy
		latest hlc.Timestamp
		held   hlc.Timestamp
		report hlc.SkewReport
		want   hlc.Verdict
	}{
		{"the past", hlc.Policy{}, at(-year), 0, hlc.SkewReport{}, hlc.Accept},
		{"the usual skew", hlc.Policy{}, at(hlc.DefaultMaxAhead), 0, hlc.SkewReport{}, hlc.Accept},
		{"five seconds", hlc.Policy{}, at(5 * time.Second), 0, hlc.SkewReport{}, hlc.Hold},
		{"a minute and the usual skew", hlc.Policy{}, at(hlc.DefaultMaxAhead + time.Minute), 0, hlc.SkewReport{}, hlc.Hold},
		{"just above", hlc.Policy{}, at(hlc.DefaultMaxAhead+time.Minute) + 1, 0, hlc.SkewReport{}, hlc.Refuse},
		{"an hour, at one that looks slow, but to few", hlc.Policy{}, at(time.Hour), 0, hlc.SkewReport{Self: -time.Hour}, hlc.Refuse},
		{"the most, at one that is an hour slow", hlc.Policy{}, at(time.Hour + hlc.DefaultMaxAhead), 0, slow, hlc.Self},
		{"the most above one that is held", hlc.Policy{}, at(year + hlc.DefaultMaxAhead), at(year), hlc.SkewReport{}, hlc.Accept},
		{"above one that is no further ahead than it may be", hlc.Policy{}, at(2 * hlc.DefaultMaxAhead), at(hlc.DefaultMaxAhead), hlc.SkewReport{}, hlc.Hold},
		{"a year", hlc.Policy{}, at(year), 0, hlc.SkewReport{}, hlc.Refuse},
		{"a year, above one that is held", hlc.Policy{}, at(year) + 1, at(year), hlc.SkewReport{}, hlc.Accept},
		{"a second above one that is held, where that is the most", hlc.Policy{MaxAhead: time.Second}, at(year + time.Second), at(year), hlc.SkewReport{}, hlc.Accept},
		{"more than that", hlc.Policy{MaxAhead: time.Second}, at(year+time.Second) + 1, at(year), hlc.SkewReport{}, hlc.Refuse},
		{"two years, above one of a year", hlc.Policy{}, at(2 * year), at(year), hlc.SkewReport{}, hlc.Refuse},
		{"an hour, at one that is an hour slow", hlc.Policy{}, at(time.Hour), 0, slow, hlc.Self},
		{"a year, at one that is an hour slow", hlc.Policy{}, at(year), 0, slow, hlc.Refuse},
		{"an hour, at one that is fast", hlc.Policy{}, at(time.Hour), 0, fast, hlc.Refuse},
		{"strict", strict, at(time.Nanosecond * 1000), 0, hlc.SkewReport{}, hlc.Refuse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.policy.Judge(tt.latest, tt.held, now, tt.report))
		})
	}
	require.Equal(t, "accept hold refuse self unknown", fmt.Sprint(hlc.Accept, " ", hlc.Hold, " ", hlc.Refuse, " ", hlc.Self, " ", hlc.Verdict(9)))
}
