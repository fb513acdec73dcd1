package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A loadPlan says what the driver does.
type loadPlan struct {
	duration time.Duration
	clients  int // in each region
	rate     int // writes per second in each region, as many as it takes if 0
	rows     int // of each kind
	keys     int // rows that are there when a region joins empty
	writes   int // to each of them
	quiet    bool
	plain    bool
	seed     uint64
}

// The flags of the driver. For ten minutes, and for a region that joins empty:
//
//	go test -run TestDriver -v -timeout 0 -load 10m -rate 0 -clients 16 -keys 100000
var (
	loadFor     = flag.Duration("load", 20*time.Second, "driver: how long to write")
	loadClients = flag.Int("clients", 4, "driver: clients in each region")
	loadRate    = flag.Int("rate", 150, "driver: writes per second in each region, as many as it takes if 0")
	loadRows    = flag.Int("rows", 20, "driver: rows of each kind")
	loadKeys    = flag.Int("keys", 2000, "driver: rows that a region has to catch up with that joins empty")
	loadWrites  = flag.Int("writes", 1, "driver: how often each of them was written")
	loadQuiet   = flag.Bool("quiet", false, "driver: break nothing")
	loadPlain   = flag.Bool("plain", false, "driver: regions without the library, which overwrite; nothing is checked")
	loadProfile = flag.Bool("profiles", false, "driver: keep profiles of the regions in the directory that -dir names")
	loadDir     = flag.String("dir", "", "driver: where the regions keep their files (default a temporary directory)")
	loadTable   = flag.Bool("table", false, "driver: print the table of figures")
	loadSeed    = flag.Uint64("seed", 1, "driver: of what is broken when")
)

func TestDriver(t *testing.T) {
	t.Parallel()
	report, err := drive(t.Context(), cmp.Or(*loadDir, t.TempDir()), loadPlan{
		duration: *loadFor, clients: *loadClients, rate: *loadRate, rows: *loadRows, keys: *loadKeys, writes: *loadWrites,
		quiet: *loadQuiet, plain: *loadPlain, seed: *loadSeed,
	})
	if *loadTable {
		fmt.Print(report)
	}
	t.Log("\n" + report.String())
	require.NoError(t, err)
}

// A client writes to one region, one request after the other.
type client struct {
	s       *supervisor
	j       *journal
	plan    loadPlan
	region  string
	name    string
	rnd     *rand.Rand
	took    []time.Duration
	paused  *pause
	open    []opened
	refused map[int]int // answers by status
}

// A pause holds the clients of a region.
type pause struct{ mu sync.RWMutex }

// run writes until ctx ends.
func (c *client) run(ctx context.Context) {
	var tick <-chan time.Time
	if c.plan.rate > 0 {
		t := time.NewTicker(time.Second * time.Duration(c.plan.clients) / time.Duration(c.plan.rate))
		defer t.Stop()
		tick = t.C
	}
	for n := 0; ctx.Err() == nil; n++ {
		if tick != nil {
			select {
			case <-tick:
			case <-ctx.Done():
				return
			}
		}
		c.paused.mu.RLock()
		switch c.rnd.IntN(10) {
		case 0, 1:
			c.points()
		case 2, 3, 4:
			c.addToCart()
		case 5:
			c.wipe()
		case 6:
			c.buy()
		case 7:
			c.flag(n)
		default:
			c.order(n)
		}
		c.paused.mu.RUnlock()
	}
}

// send makes one write, and says whether it was acknowledged, and if not,
// whether it may have been made all the same.
func (c *client) send(method, path, match string, body, into any) (tag string, acked, maybe bool) {
	start := time.Now()
	tag, err := c.s.callTag(context.Background(), c.region, method, path, match, body, into)
	if err == nil {
		c.took = append(c.took, time.Since(start))
		c.j.done(c.region)
		return tag, true, false
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		c.refused[e.status]++
		if e.status == http.StatusServiceUnavailable {
			time.Sleep(10 * time.Millisecond)
		}
		return "", false, e.status >= 500
	}
	time.Sleep(20 * time.Millisecond)
	return "", false, !errors.Is(err, syscall.ECONNREFUSED)
}

func (c *client) row(kind string) string {
	return fmt.Sprintf("%s/%d", kind, c.rnd.IntN(c.plan.rows))
}

func (c *client) points() {
	row := c.row(profileKind)
	n := 1 + c.rnd.Int64N(5)
	tag := fmt.Sprintf("%s-%d", c.name, c.rnd.IntN(5))
	_, acked, maybe := c.send(http.MethodPatch, "/"+row, "", map[string]any{"addPoints": n, "addTags": []string{tag}}, nil)
	if acked || maybe {
		c.j.add(row, "points", n, acked)
	}
	if acked {
		c.j.tag(row, tag)
	}
}

func (c *client) addToCart() {
	row, sku, n := c.row(cartKind), fmt.Sprintf("article-%d", c.rnd.IntN(6)), 1+c.rnd.Int64N(3)
	_, acked, maybe := c.send(http.MethodPost, "/"+row+"/"+sku, "", amount{n}, nil)
	if acked || maybe {
		c.j.add(row, sku, n, acked)
	}
}

// wipe deletes a line as it is shown: what is added meanwhile, in whichever
// region, stays. Each line has one client that deletes it. In a region that has
// not caught up it would delete what it has deleted before, which is no harm but
// for the journal.
func (c *client) wipe() {
	var v struct{ CaughtUp bool }
	if err := c.s.call(context.Background(), c.region, http.MethodGet, "/status", nil, &v); err != nil || !v.CaughtUp {
		return
	}
	row := c.row(cartKind)
	var lines []cartLine
	if err := c.s.call(context.Background(), c.region, http.MethodGet, "/"+row, nil, &lines); err != nil {
		return
	}
	for _, l := range lines {
		if owner := "article-" + fmt.Sprint(c.wipes()); l.SKU != owner {
			continue
		}
		_, acked, maybe := c.send(http.MethodDelete, "/"+row+"/"+l.SKU, l.ETag, nil, nil)
		if acked || maybe {
			c.j.add(row, l.SKU, -l.Count, acked)
		}
	}
}

// wipes returns the article whose lines this client deletes.
func (c *client) wipes() int {
	if c.name[len(c.name)-2:] != "-0" {
		return -1
	}
	return slices.Index([]string{"eu", "us", "ap"}, c.region)
}

func (c *client) buy() {
	row := c.row(stockKind)
	_, acked, maybe := c.send(http.MethodPost, "/"+row+"/buy", "", amount{1}, nil)
	if acked || maybe {
		c.j.add(row, "left", -1, acked)
	}
}

func (c *client) flag(n int) {
	row, value := c.row(flagKind), fmt.Sprint(n)
	if c.rnd.IntN(3) == 0 {
		if _, acked, maybe := c.send(http.MethodDelete, "/"+row+"/"+c.name, "", nil, nil); acked || maybe {
			c.j.set(row, c.name, "", acked)
		}
		return
	}
	_, acked, maybe := c.send(http.MethodPut, "/"+row+"/"+c.name, "", map[string]string{"value": value}, nil)
	if acked || maybe {
		c.j.set(row, c.name, value, acked)
	}
}

// order makes an order and pays for it, now and then twice: in another region
// at the same time, by somebody who was shown the same.
func (c *client) order(n int) {
	row := fmt.Sprintf("%s/%s-%d", orderKind, c.name, n)
	order := Order{Item: "lamp", Status: "new", Total: 4900}
	tag, acked, maybe := c.send(http.MethodPut, "/"+row, "", order, nil)
	if acked || maybe {
		c.j.set(row, "status", "new", acked)
	}
	if !acked || c.rnd.IntN(3) > 0 {
		return
	}
	order.Status, order.Payment = "paid", "payment-"+c.name+"-"+fmt.Sprint(n)
	if c.rnd.IntN(5) == 0 {
		c.payTwice(row, tag, order)
		return
	}
	// The others are paid later: by then the region may have been restored, and
	// have to say that it is behind.
	c.open = append(c.open, opened{row, tag, order})
	if p := c.open[0]; len(c.open) > 3 {
		c.open = c.open[1:]
		if _, acked, maybe = c.send(http.MethodPut, "/"+p.row, p.tag, p.order, nil); acked || maybe {
			c.j.set(p.row, "status", "paid", acked)
		} else {
			c.open = append(c.open, p)
		}
	}
}

// An opened order is to be paid for, under the tag that it was shown with.
type opened struct {
	row, tag string
	order    Order
}

func (c *client) payTwice(row, tag string, order Order) {
	other := *c
	for other.region == c.region {
		other.region = []string{"eu", "us", "ap"}[c.rnd.IntN(3)]
	}
	again := order
	again.Payment += "-again"
	_, first, maybe := c.send(http.MethodPut, "/"+row, tag, order, nil)
	var second, maybe2 bool
	for try := 0; try < 20 && !second; try++ { // the other region may not have heard of the order
		_, second, maybe2 = other.send(http.MethodPut, "/"+row, tag, again, nil)
	}
	c.took = other.took
	if first || maybe {
		c.j.set(row, "status", "paid", first)
	}
	if second || maybe2 {
		c.j.set(row, "status", "paid", second)
	}
	if first && second {
		c.j.mu.Lock()
		c.j.doubled[row] = [2]string{order.Payment, again.Payment}
		c.j.mu.Unlock()
	}
}
