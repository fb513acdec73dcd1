package antientropy_test

import (
	"strconv"
	"testing"

	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

func BenchmarkFingerprint(b *testing.B) {
	state := make([]byte, 200)
	b.SetBytes(int64(len(state)))
	for b.Loop() {
		antientropy.Fingerprint(state)
	}
}

func BenchmarkPut(b *testing.B) {
	keys := make([]string, 1_000_000)
	for i := range keys {
		keys[i] = "key-" + strconv.Itoa(i)
	}
	b.ResetTimer()
	var t antientropy.Table
	for i := range b.N {
		t.Put(keys[i%len(keys)], uint64(i))
	}
}

// BenchmarkExchange has two stores of a million keys find the hundred in which they
// differ: the time of both sides together.
func BenchmarkExchange(b *testing.B) {
	var t [2]antientropy.Table
	for i := range 1_000_000 {
		for k := range t {
			n := uint64(i)
			if i%10_000 == 0 {
				n += uint64(k)
			}
			t[k].Put("key-"+strconv.Itoa(i), n)
		}
	}
	var total, n int
	for b.Loop() {
		msg := t[0].Ask(uint64(n))
		for to := 1; msg != nil; to = 1 - to {
			total += len(msg)
			msg, _, _ = t[to].Answer(msg)
		}
		n++
	}
	b.ReportMetric(float64(total)/float64(n), "bytes/op")
}
