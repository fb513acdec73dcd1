package main

import (
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var overhead = flag.Bool("overhead", false, "measure what the library costs")

// TestOverhead compares the regions with the same ones without the library,
// which overwrite what they are told: the same requests, rows, messages and
// commits.
func TestOverhead(t *testing.T) {
	if !*overhead {
		t.Skip("with -overhead only")
	}
	var sum [2]int64
	for round := range 3 {
		for mode, extra := range [][]string{nil, {"-plain"}} {
			t.Run(fmt.Sprint(extra), func(t *testing.T) {
				s := shop(t, append(extra, "-sync", "-1s")...)
				var n atomic.Int64
				var wg sync.WaitGroup
				end := time.Now().Add(3 * time.Second)
				for c := range 28 {
					wg.Go(func() {
						for i := c; time.Now().Before(end); i += 48 {
							name := []string{"eu", "us", "ap"}[c%3]
							var err error
							switch i / 48 % 3 {
							case 0:
								err = s.call(t.Context(), name, http.MethodPost, fmt.Sprintf("/cart/%d/tea", i%1000), amount{1}, nil)
							case 1:
								err = s.call(t.Context(), name, http.MethodPut, fmt.Sprintf("/flags/%d/f", i%1000), map[string]string{"value": "on"}, nil)
							case 2:
								err = s.call(t.Context(), name, http.MethodPatch, fmt.Sprintf("/profile/%d", i%1000), map[string]any{"city": fmt.Sprint(i), "addPoints": 1}, nil)
							}
							if err == nil {
								n.Add(1)
							}
						}
					})
				}
				wg.Wait()
				sum[mode] += n.Load()
				t.Logf("round %d, plain %d: %d writes/s", round, mode, n.Load()/3)
			})
		}
	}
	t.Logf("ratio %.2f", float64(sum[0])/float64(sum[1]))
}
