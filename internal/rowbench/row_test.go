package rowbench_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A row is one state in the two ways in which a service changes it.
type row struct {
	name string
	size int
	// bytes is the state, delta one change by another replica.
	bytes, delta []byte
	// change decodes p, makes one change by w and encodes the state again.
	change func(p []byte, w lww.Writer) ([]byte, error)
	// merge merges delta into the state encoded as p and encodes it again.
	merge func(p, delta []byte) ([]byte, error)
	// reuse is change by one state that is decoded into again and again, and by one buffer.
	// What it returns is good until the next call.
	reuse func(p []byte, w lww.Writer) ([]byte, error)
}

// A bytesWay is what changes the bytes of a row, and merges a delta into them, without a
// decoded state, if there is a function that does.
type bytesWay struct {
	change func(p []byte, w lww.Writer) ([]byte, error)
	merge  func(p, delta []byte) ([]byte, error)
}

// bytesWays has those of this build by the name of the type. An older build has none: what
// is compared with them there is the way by a decoded state.
var bytesWays = map[string]func(size int) bytesWay{}

// register adds the way of a type.
//
//nolint:unparam // a declaration needs a value
func register(name string, way func(size int) bytesWay) bool {
	bytesWays[name] = way
	return true
}

// A state is what all replicated types have in common.
type state[S any] interface {
	*S
	Merge(o *S) bool
	AppendBinary(b []byte) ([]byte, error)
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
}

// A merger merges encoded states.
type merger interface {
	MergeBinary(data []byte) (bool, error)
}

// newRow returns the row of the state x, changed by change on behalf of a writer.
func newRow[S any, P state[S]](tb testing.TB, name string, size int, x P, change func(P, lww.Writer) error) row {
	tb.Helper()
	bytes, err := x.MarshalBinary()
	require.NoError(tb, err)
	r := row{name: name, size: size, bytes: bytes}
	r.change = func(p []byte, w lww.Writer) ([]byte, error) {
		s := P(new(S))
		if err := s.UnmarshalBinary(p); err != nil {
			return nil, err
		}
		if err := change(s, w); err != nil {
			return nil, err
		}
		return s.MarshalBinary()
	}
	used, buf := P(new(S)), []byte(nil)
	r.reuse = func(p []byte, w lww.Writer) ([]byte, error) {
		err := used.UnmarshalBinary(p)
		if err == nil {
			err = change(used, w)
		}
		if err == nil {
			buf, err = used.AppendBinary(buf[:0])
		}
		return buf, err
	}
	r.merge = func(p, delta []byte) ([]byte, error) {
		s := P(new(S))
		if err := s.UnmarshalBinary(p); err != nil {
			return nil, err
		}
		if m, ok := any(s).(merger); ok {
			if _, err := m.MergeBinary(delta); err != nil {
				return nil, err
			}
			return s.MarshalBinary()
		}
		d := P(new(S))
		if err := d.UnmarshalBinary(delta); err != nil {
			return nil, err
		}
		s.Merge(d)
		return s.MarshalBinary()
	}
	return r
}

// withDelta adds the delta that a peer sends.
func (r row) withDelta(tb testing.TB, d interface{ MarshalBinary() ([]byte, error) }) row {
	tb.Helper()
	delta, err := d.MarshalBinary()
	require.NoError(tb, err)
	r.delta = delta
	return r
}

var (
	regions = []vclock.Replica{"eu", "us", "ap"}
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func writer(r vclock.Replica) lww.Writer {
	return lww.Writer{Replica: r, Clock: &hlc.Clock{Physical: func() time.Time { return noon }}}
}

func sku(i int) string { return fmt.Sprintf("sku-%08d", i) }

func region(i int) vclock.Replica { return regions[i%len(regions)] }

// replica names the i-th of many.
func replica(i int) vclock.Replica { return vclock.Replica(fmt.Sprintf("region-%03d", i)) }

func pnCounter(tb testing.TB, n int) row {
	tb.Helper()
	x := new(crdt.PNCounter)
	for i := range n {
		x.Add(replica(i), 1000)
	}
	first := replica(0)
	r := newRow(tb, "PNCounter", n, x, func(c *crdt.PNCounter, _ lww.Writer) error { c.Add(first, 1); return nil })
	return r.withDelta(tb, x.Clone().Add(replica(n-1), 7))
}

func gCounter(tb testing.TB, n int) row {
	tb.Helper()
	x := new(crdt.GCounter)
	for i := range n {
		x.Add(replica(i), 1000)
	}
	first := replica(0)
	r := newRow(tb, "GCounter", n, x, func(c *crdt.GCounter, _ lww.Writer) error { c.Add(first, 1); return nil })
	return r.withDelta(tb, x.Clone().Add(replica(n-1), 7))
}

func boundedCounter(tb testing.TB, n int) row {
	tb.Helper()
	x := new(crdt.BoundedCounter)
	add := func(c *crdt.BoundedCounter, r vclock.Replica, amount int64) *crdt.BoundedCounter {
		d, err := c.Add(r, amount)
		require.NoError(tb, err)
		return d
	}
	for i := range n {
		add(x, replica(i), 1000)
	}
	first := replica(0)
	r := newRow(tb, "BoundedCounter", n, x, func(c *crdt.BoundedCounter, _ lww.Writer) error {
		_, err := c.Sub(first, 1)
		return err
	})
	return r.withDelta(tb, add(x.Clone(), replica(n-1), 7))
}

func orSet(tb testing.TB, n int) row {
	tb.Helper()
	x := new(crdt.ORSet[string])
	for i := range n {
		x.Add(region(i), sku(i))
	}
	added := sku(n)
	r := newRow(tb, "ORSet", n, x, func(s *crdt.ORSet[string], w lww.Writer) error { s.Add(w.Replica, added); return nil })
	return r.withDelta(tb, x.Clone().Add("us", sku(n+1)))
}

func rwSet(tb testing.TB, n int) row {
	tb.Helper()
	x := new(crdt.RWSet[string])
	for i := range n {
		x.Add(region(i), sku(i))
	}
	added := sku(n)
	r := newRow(tb, "RWSet", n, x, func(s *crdt.RWSet[string], w lww.Writer) error { s.Add(w.Replica, added); return nil })
	return r.withDelta(tb, x.Clone().Add("us", sku(n+1)))
}

func lwwMap(tb testing.TB, n int) row {
	tb.Helper()
	x := new(lww.Map[string, string])
	put := func(m *lww.Map[string, string], w lww.Writer, k, v string) *lww.Map[string, string] {
		d, err := m.Put(w, k, v)
		require.NoError(tb, err)
		return d
	}
	for i := range n {
		put(x, writer(region(i)), sku(i), "a value")
	}
	first := sku(0)
	r := newRow(tb, "LWWMap", n, x, func(m *lww.Map[string, string], w lww.Writer) error {
		_, err := m.Put(w, first, "another")
		return err
	})
	return r.withDelta(tb, put(x.Clone(), writer("us"), sku(n-1), "a third"))
}

func orMap(tb testing.TB, n int) row {
	tb.Helper()
	type cart = crdt.ORMap[string, *crdt.PNCounter]
	x := new(cart)
	add := func(m *cart, r vclock.Replica, k string) *cart {
		return m.Update(r, k, func(c *crdt.PNCounter) { c.Add(r, 2) })
	}
	for i := range n {
		add(x, region(i), sku(i))
	}
	first := sku(0)
	r := newRow(tb, "ORMap", n, x, func(m *cart, w lww.Writer) error { add(m, w.Replica, first); return nil })
	return r.withDelta(tb, add(x.Clone(), "us", sku(n-1)))
}

func siblings(tb testing.TB, n int) row {
	tb.Helper()
	type order struct {
		ID     string
		Status string
		Amount int64
	}
	x := new(resolver.Siblings[order])
	write := func(s *resolver.Siblings[order], r vclock.Replica, seen resolver.Context, status string) {
		_, err := s.Write(resolver.Writer{Writer: writer(r)}, seen, order{"order-17", status, 4200})
		require.NoError(tb, err)
	}
	for i := range n {
		write(x, replica(i), resolver.Context{}, "open")
	}
	first := replica(0)
	r := newRow(tb, "Siblings", n, x, func(s *resolver.Siblings[order], w lww.Writer) error {
		w.Replica = first
		_, err := s.Write(resolver.Writer{Writer: w}, s.Context(), order{"order-17", "paid", 4200})
		return err
	})
	peer := x.Clone()
	write(peer, replica(n-1), peer.Context(), "sent")
	return r.withDelta(tb, peer)
}

// A profile has ten fields.
type profile struct {
	Name, Email, Phone, City, Street, Zip, Country, Lang string
	Visits                                               int64 `merge:"additive"`
	Active                                               bool
}

func record(tb testing.TB) row {
	tb.Helper()
	plan := merge.MustCompile[profile](merge.Options[profile]{Record: true})
	x := plan.NewRecord()
	value := profile{"Ann", "ann@example.com", "555-0100", "Lisbon", "Rua 1", "1000", "PT", "pt", 1, true}
	require.NoError(tb, x.Update(writer("eu"), func(p *profile) error { *p = value; return nil }))
	bytes, err := x.MarshalBinary()
	require.NoError(tb, err)
	peer := x.Clone()
	require.NoError(tb, peer.Update(writer("us"), func(p *profile) error { p.City = "Porto"; return nil }))
	r := row{name: "Record", size: 10, bytes: bytes}
	r.change = func(p []byte, w lww.Writer) ([]byte, error) {
		s := plan.NewRecord()
		if err := s.UnmarshalBinary(p); err != nil {
			return nil, err
		}
		if err := s.Update(w, func(p *profile) error { p.City = "Faro"; return nil }); err != nil {
			return nil, err
		}
		return s.MarshalBinary()
	}
	r.reuse = r.change // a record has no memory to use again
	r.merge = func(p, delta []byte) ([]byte, error) {
		s, d := plan.NewRecord(), plan.NewRecord()
		if err := s.UnmarshalBinary(p); err != nil {
			return nil, err
		}
		if err := d.UnmarshalBinary(delta); err != nil {
			return nil, err
		}
		s.Merge(d)
		return s.MarshalBinary()
	}
	return r.withDelta(tb, peer)
}

func rows(tb testing.TB) []row {
	tb.Helper()
	all := []row{record(tb)}
	for _, n := range []int{1, 3, 10, 100, 1000} {
		all = append(all, orSet(tb, n), rwSet(tb, n), lwwMap(tb, n), orMap(tb, n))
		if n <= 100 {
			all = append(all, pnCounter(tb, n), gCounter(tb, n), boundedCounter(tb, n), siblings(tb, n))
		}
	}
	return all
}

// TestRows checks that each row does what its benchmark claims to measure.
func TestRows(t *testing.T) {
	for _, r := range rows(t) {
		changed, err := r.change(r.bytes, writer("eu"))
		require.NoError(t, err, r.name)
		if way := bytesWays[r.name]; way != nil {
			requireSameWay(t, r, way(r.size), changed)
		}
		require.NotEqual(t, r.bytes, changed, "%s of %d: the change changes nothing", r.name, r.size)
		for range 3 {
			reused, err := r.reuse(r.bytes, writer("eu"))
			require.NoError(t, err, r.name)
			require.Equal(t, changed, reused, "%s of %d", r.name, r.size)
		}
		merged, err := r.merge(r.bytes, r.delta)
		require.NoError(t, err, r.name)
		require.NotEqual(t, r.bytes, merged, "%s of %d: the delta changes nothing", r.name, r.size)
		again, err := r.merge(merged, r.delta)
		require.NoError(t, err, r.name)
		require.Equal(t, merged, again, "%s of %d: a repeated delta changes something", r.name, r.size)
	}
}

// requireSameWay checks that way makes the bytes that the decoded state has.
func requireSameWay(t *testing.T, r row, way bytesWay, changed []byte) {
	t.Helper()
	if way.change != nil {
		p, err := way.change(r.bytes, writer("eu"))
		require.NoError(t, err, r.name)
		require.Equal(t, changed, p, "%s of %d", r.name, r.size)
	}
	if way.merge != nil {
		merged, err := r.merge(r.bytes, r.delta)
		require.NoError(t, err, r.name)
		p, err := way.merge(r.bytes, r.delta)
		require.NoError(t, err, r.name)
		require.Equal(t, merged, p, "%s of %d", r.name, r.size)
	}
}

// inBytes returns the way that r has in this build, or that by a decoded state.
func (r row) inBytes() bytesWay {
	var way bytesWay
	if w := bytesWays[r.name]; w != nil {
		way = w(r.size)
	}
	if way.change == nil {
		way.change = r.change
	}
	if way.merge == nil {
		way.merge = r.merge
	}
	return way
}

// hasBytes says of which types there are benchmarks in bytes, in older builds, too.
var hasBytes = map[string]bool{"PNCounter": true, "LWWMap": true, "ORMap": true}

func BenchmarkRow(b *testing.B) {
	w := writer("eu")
	for _, r := range rows(b) {
		b.Run(fmt.Sprintf("type=%s/n=%d/change", r.name, r.size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.change(r.bytes, w)
			}
			b.ReportMetric(float64(len(r.bytes)), "bytes")
		})
		b.Run(fmt.Sprintf("type=%s/n=%d/reused", r.name, r.size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.reuse(r.bytes, w)
			}
		})
		b.Run(fmt.Sprintf("type=%s/n=%d/delta", r.name, r.size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = r.merge(r.bytes, r.delta)
			}
		})
		if hasBytes[r.name] {
			benchmarkBytes(b, r)
		}
	}
	for _, n := range []int{1, 3, 10, 100, 1000} {
		plain := map[string]string{}
		for i := range n {
			plain[sku(i)] = strconv.Itoa(i)
		}
		bytes, err := json.Marshal(plain)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("type=baseline-json/n=%d/change", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := map[string]string{}
				_ = json.Unmarshal(bytes, &m)
				m[sku(0)] = "another"
				_, _ = json.Marshal(m)
			}
			b.ReportMetric(float64(len(bytes)), "bytes")
		})
	}
}

func benchmarkBytes(b *testing.B, r row) {
	b.Helper()
	way, w := r.inBytes(), writer("eu")
	b.Run(fmt.Sprintf("type=%s/n=%d/change-bytes", r.name, r.size), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = way.change(r.bytes, w)
		}
	})
	b.Run(fmt.Sprintf("type=%s/n=%d/delta-bytes", r.name, r.size), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = way.merge(r.bytes, r.delta)
		}
	})
}
