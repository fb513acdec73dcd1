package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	overhead      = flag.Bool("overhead", false, "measure what the library costs")
	overheadTimes = flag.Int("rounds", 4, "overhead: how often each is measured")
)

// TestOverhead compares the regions with the same ones without the library,
// which overwrite what they are told: the same requests, rows, messages and
// commits. It also says which share of the CPU of a region the library has.
func TestOverhead(t *testing.T) {
	if !*overhead {
		t.Skip("with -overhead only")
	}
	var sum [2]int64
	dir := t.TempDir()
	var profiles []string
	for round := range *overheadTimes {
		for mode, extra := range [][]string{{"-cpuprofile"}, {"-cpuprofile", "-plain"}} {
			t.Run(fmt.Sprint(extra), func(t *testing.T) {
				s := shop(t, append(extra, "-sync", "-1s")...)
				n := writeAll(t, s)
				sum[mode] += n
				t.Logf("round %d, plain %d: %d writes/s", round, mode, n/3)
				if s.stopAll(); mode == 0 {
					for name, p := range s.regions {
						to := filepath.Join(dir, fmt.Sprint(name, round))
						require.NoError(t, os.Rename(filepath.Join(p.dir, "cpu.profile"), to))
						profiles = append(profiles, to)
					}
				}
			})
		}
	}
	t.Logf("ratio %.2f, share of the library %s %%", float64(sum[0])/float64(sum[1]), share(t, profiles...))
}

// writeAll writes to all regions for three seconds, as fast as it can, and
// returns how many writes were acknowledged.
func writeAll(t *testing.T, s *supervisor) int64 {
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
	return n.Load()
}

// share returns the percentage of the samples of profiles that have a function of
// the library on the stack.
func share(t *testing.T, profiles ...string) string {
	args := []string{"tool", "pprof", "-top", `-focus=^github\.com/rejoin-go/rejoin/(crdt|hlc|lww|merge|resolver|vclock|internal)`}
	out, err := exec.Command("go", append(args, profiles...)...).Output()
	require.NoError(t, err)
	found := regexp.MustCompile(`accounting for [^,]*, ([\d.]+)%`).FindSubmatch(out)
	require.NotNil(t, found, "%s", out)
	return string(found[1])
}
