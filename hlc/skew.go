package hlc

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	defaultTolerance = DefaultMaxAhead / 2
	defaultMaxAge    = time.Minute
	samplesPerPeer   = 15
)

// A Skew compares the physical clocks of peers with the local one, and tells
// whose is off: the local one too. A fast node cannot see that on its own: no
// timestamp it receives is ever refused, and to its users its writes just win.
//
// Of each peer it takes the median of the last 15 samples, so a message that
// was held up for long does not count. Of all clocks, the local one among them,
// it takes the median again as the time that most agree on: one clock that
// lies, by however much, moves neither. Where the middle lies between two
// clocks, the local one gets the benefit of the doubt: a single peer is the one
// that is off, unless it is Trusted, as the only server of a device is.
//
// A message in flight makes its sender look slow by the time it took:
// compensate for it if a peer is farther away than Tolerance, or the peer looks
// like an outlier.
//
// The zero Skew is empty and ready to use. A Skew is not safe for concurrent
// use. It reads no clock: equal samples give equal reports. A sample costs
// O(1), a report O(n log n) for n peers.
type Skew struct {
	// Tolerance is how far from the others a clock may be before it counts as an
	// outlier. Zero means 250 ms, half of [DefaultMaxAhead]; negative that every
	// difference counts.
	Tolerance time.Duration

	// MaxAge is how long a sample counts. Zero means one minute, negative that it
	// counts as long as it is kept.
	MaxAge time.Duration

	// Trusted names the peers whose clocks are known to be right. If any has
	// samples that count, the median is of theirs alone. None means that no clock
	// is better than another.
	Trusted []string

	peers map[string]*samples
}

// samples is a ring of the latest offsets of one peer.
type samples struct {
	ring [samplesPerPeer]sample
	n    int // samples ever added; the next goes to ring[n%samplesPerPeer]
}

type sample struct {
	offset time.Duration // the peer's clock minus the local one
	at     Timestamp     // local physical time
}

// Add records that a message arrived from peer at the local physical time at,
// and that the peer's [Clock] had issued stamp for it as it left. Add also
// messages that the local Clock refuses: they matter most.
//
// It ignores a stamp with a counter, as of a clock that follows a faster one:
// only one without is a reading of the peer's own physical clock. Stamps of
// stored data, and times chosen by an application, do not belong here.
func (s *Skew) Add(peer string, stamp Timestamp, at time.Time) {
	if stamp.Logical() == 0 {
		s.add(peer, min(stamp, Max), At(at))
	}
}

// AddReading records that a message arrived from peer at the local physical
// time at, and that the peer's physical clock showed reading as it left.
func (s *Skew) AddReading(peer string, reading, at time.Time) {
	s.add(peer, At(reading), At(at))
}

func (s *Skew) add(peer string, reading, at Timestamp) {
	if s.peers == nil {
		s.peers = make(map[string]*samples)
	}
	p := s.peers[peer]
	if p == nil {
		p = new(samples)
		s.peers[peer] = p
	}
	p.ring[p.n%samplesPerPeer] = sample{offset: time.Duration(reading) - time.Duration(at), at: at}
	p.n++
}

// Forget drops the samples of peer. A Skew keeps names until they are
// forgotten.
func (s *Skew) Forget(peer string) { delete(s.peers, peer) }

// A SkewReport says what a [Skew] knows at one time.
type SkewReport struct {
	// Self is how far the local clock is ahead of the time that most clocks agree
	// on, or most of the trusted ones; negative if it is behind.
	Self time.Duration

	// Outlier reports whether Self is beyond Tolerance: whether more than half of
	// all clocks, or of the trusted ones, are ahead of the local one by more, or
	// more than half behind.
	Outlier bool

	// Peers has the peers with samples that count, sorted by name.
	Peers []PeerSkew
}

// A PeerSkew is the part of a [SkewReport] about one peer.
type PeerSkew struct {
	Peer    string
	Offset  time.Duration // how far the peer's clock is ahead of the local one
	Samples int           // number of samples that Offset is the median of
	Outlier bool          // whether the peer is beyond Tolerance of what most clocks agree on
}

// Report returns what the samples say at local physical time now, but for those
// older than MaxAge, and those in the future: the local clock was set back
// since.
func (s *Skew) Report(now time.Time) SkewReport {
	var r SkewReport
	offsets := []time.Duration{0} // the local clock's
	var trusted []time.Duration
	for _, name := range slices.Sorted(maps.Keys(s.peers)) {
		fresh := s.fresh(s.peers[name], At(now))
		if len(fresh) == 0 {
			continue
		}
		slices.Sort(fresh)
		// Of an even number the upper middle: a delay can only make a peer
		// look slow.
		offset := fresh[len(fresh)/2]
		r.Peers = append(r.Peers, PeerSkew{Peer: name, Offset: offset, Samples: len(fresh)})
		offsets = append(offsets, offset)
		if slices.Contains(s.Trusted, name) {
			trusted = append(trusted, offset)
		}
	}
	if len(trusted) > 0 {
		offsets = trusted
	}
	slices.Sort(offsets)
	low, high := offsets[(len(offsets)-1)/2], offsets[len(offsets)/2]
	agreed := max(low, min(0, high))

	r.Self = -agreed
	r.Outlier = s.apart(0, agreed)
	for i, p := range r.Peers {
		r.Peers[i].Outlier = s.apart(p.Offset, agreed)
	}
	return r
}

// fresh returns the offsets of p that count at time now.
func (s *Skew) fresh(p *samples, now Timestamp) []time.Duration {
	maxAge := cmp.Or(s.MaxAge, defaultMaxAge)
	var offsets []time.Duration
	for _, x := range p.ring[:min(p.n, samplesPerPeer)] {
		if x.at <= now && (maxAge < 0 || now-x.at <= Timestamp(maxAge)) {
			offsets = append(offsets, x.offset)
		}
	}
	return offsets
}

// apart reports whether two offsets differ by more than Tolerance. The difference
// of two durations may take 64 bits.
func (s *Skew) apart(a, b time.Duration) bool {
	difference := uint64(max(a, b)) - uint64(min(a, b))
	return difference > uint64(max(cmp.Or(s.Tolerance, defaultTolerance), 0))
}
