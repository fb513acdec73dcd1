package hlc

import (
	"cmp"
	"time"
)

// Jumps finds out that the local wall clock was set, and by how far, without
// asking others: beside each reading it takes one of a clock that only counts.
//
//	start := time.Now()
//	var jumps hlc.Jumps
//	for range time.Tick(time.Second) {
//		if by := jumps.Add(time.Now(), time.Since(start)); by != 0 {
//			slog.Error("the wall clock has jumped", "by", by)
//		}
//	}
//
// A jump forward is the harmful one: what is stamped after it wins against what
// others write until they are there, a [Clock] never goes back, and peers
// refuse what is beyond their MaxAhead. So write no more until a [Skew] or a
// person has seen to it: if the jump was wrong and nothing was stamped yet, set
// the clock back and begin with a new Clock; if something was, go on as the
// next incarnation with a new [Bound]. After a jump back a Clock counts on.
//
// A machine that was asleep shows a jump forward, a right one, if its counting
// clock stood still meanwhile, as that of package time does on Linux. Slewing,
// as NTP does for small offsets, is no jump. The zero Jumps is ready to use. It
// is not safe for concurrent use.
type Jumps struct {
	// Limit is the smallest jump that is reported. Zero means [DefaultMaxAhead].
	Limit time.Duration

	begun  bool
	offset time.Duration // of the wall clock to the counting one, as it last was
	first  time.Time
}

// Add takes a reading of the wall clock, and one of the counting clock at the
// same moment: how long it is since any fixed one. It returns by how far the
// wall clock has jumped since the reading that was reported last, or the first:
// ahead if above zero, and zero if it is less than Limit. Several small jumps
// add up.
func (j *Jumps) Add(wall time.Time, counted time.Duration) time.Duration {
	wall = wall.Round(0) // the wall clock's part alone
	if !j.begun {
		j.begun, j.first, j.offset = true, wall, -counted
		return 0
	}
	offset := wall.Sub(j.first) - counted
	by := offset - j.offset
	if by.Abs() < cmp.Or(j.Limit, DefaultMaxAhead) {
		return 0
	}
	j.offset = offset
	return by
}
