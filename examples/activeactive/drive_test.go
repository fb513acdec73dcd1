package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A report is what the driver found.
type report struct {
	lines []string
	wrong []string
}

func (r *report) add(what, format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf("%-44s %s", what, fmt.Sprintf(format, args...)))
}

func (r *report) String() string {
	var text strings.Builder
	text.WriteString(strings.Join(r.lines, "\n") + "\n")
	for i, w := range r.wrong {
		if i == 20 {
			text.WriteString(fmt.Sprintf("… and %d more\n", len(r.wrong)-i))
			break
		}
		text.WriteString("WRONG: " + w + "\n")
	}
	return text.String()
}

// A driver writes to three regions, breaks what there is to break, and checks at
// the end that nothing which was acknowledged is missing anywhere.
type driver struct {
	s      *supervisor
	j      *journal
	plan   loadPlan
	names  []string
	pauses map[string]*pause
	report *report
	counts map[string]int // faults by kind
	rnd    *rand.Rand
}

func drive(ctx context.Context, dir string, plan loadPlan) (*report, error) {
	var extra []string
	if plan.plain {
		extra = append(extra, "-plain", "-sync", "-1s")
	}
	if *loadProfile {
		extra = append(extra, "-cpuprofile")
	}
	names := []string{"ap", "eu", "us"}
	s, err := newSupervisor(dir, names, extra...)
	if err != nil {
		return nil, err
	}
	defer s.stopAll()
	d := &driver{
		s: s, j: newJournal(), plan: plan, names: names, pauses: map[string]*pause{}, report: &report{}, counts: map[string]int{},
		rnd: rand.New(rand.NewPCG(plan.seed, 0)),
	}
	for _, name := range names {
		d.pauses[name] = &pause{}
	}
	if err := s.startAll(); err != nil {
		return d.report, err
	}
	for _, phase := range []func(context.Context) error{d.stockUp, d.write, d.heal, d.check, d.join, d.leave} {
		if err := phase(ctx); err != nil {
			return d.report, err
		}
	}
	if len(d.report.wrong) > 0 {
		return d.report, errors.New("something acknowledged is lost, or was done twice")
	}
	return d.report, nil
}

// stockUp delivers stock, and writes the rows that are there when a region joins
// empty.
func (d *driver) stockUp(ctx context.Context) error {
	if d.plan.plain {
		return nil
	}
	for i := range d.plan.rows {
		row := fmt.Sprintf("%s/%d", stockKind, i)
		if err := d.s.call(ctx, "eu", http.MethodPost, "/"+row+"/deliver", amount{500}, nil); err != nil {
			return err
		}
		d.j.add(row, "left", 500, true)
	}
	var wg sync.WaitGroup
	errs := make([]error, 64)
	for c := range errs {
		wg.Go(func() {
			for i := c; i < d.plan.keys*d.plan.writes && errs[c] == nil; i += len(errs) {
				errs[c] = d.s.call(ctx, d.names[c%3], http.MethodPost, fmt.Sprintf("/cart/old-%d/tea", i%d.plan.keys), amount{1}, nil)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// write lets all clients write while things break.
func (d *driver) write(ctx context.Context) error {
	before, err := d.statuses(ctx)
	if err != nil {
		return err
	}
	writing, stop := context.WithTimeout(ctx, d.plan.duration)
	defer stop()
	var clients []*client
	var wg sync.WaitGroup
	for _, region := range d.names {
		for i := range d.plan.clients {
			c := &client{
				s: d.s, j: d.j, plan: d.plan, region: region, name: fmt.Sprintf("%s-%d", region, i), paused: d.pauses[region],
				rnd: rand.New(rand.NewPCG(d.plan.seed, uint64(len(clients)))), refused: map[int]int{},
			}
			clients = append(clients, c)
			wg.Go(func() { c.run(writing) })
		}
	}
	var broken error
	if !d.plan.quiet && !d.plan.plain {
		broken = d.breakThings(writing)
	}
	wg.Wait()
	if broken != nil {
		return broken
	}
	d.figures(ctx, clients, before)
	return nil
}

// figures reports how fast it was.
func (d *driver) figures(ctx context.Context, clients []*client, before map[string][4]int) {
	refused := map[int]int{}
	for _, region := range d.names {
		var took []time.Duration
		for _, c := range clients {
			if c.region == region {
				took = append(took, c.took...)
				for status, n := range c.refused {
					refused[status] += n
				}
			}
		}
		slices.Sort(took)
		if len(took) > 0 {
			d.report.add(region+": writes/s, p50, p99", "%.0f, %v, %v", float64(len(took))/d.plan.duration.Seconds(),
				took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
		}
	}
	d.report.add("refused, by status", "%v", refused)
	d.report.add("faults", "%v", d.counts)
	after, err := d.statuses(ctx)
	if err != nil || len(d.counts) > 0 {
		return // a region that was killed has begun to count anew
	}
	var n [4]int
	for name, a := range after {
		for i := range n {
			n[i] += a[i] - before[name][i]
		}
	}
	acked := 0
	for _, n := range d.j.acked {
		acked += n
	}
	if acked > 0 && n[0] > 0 {
		d.report.add("bytes per write: to peers, into rows", "%d, %d", n[3]/acked, n[2]/acked)
		d.report.add("requests per commit", "%.1f", float64(n[1])/float64(n[0]))
	}
}

func (d *driver) statuses(ctx context.Context) (map[string][4]int, error) {
	out := map[string][4]int{}
	for _, name := range d.names {
		var v [4]int
		if err := d.s.call(ctx, name, http.MethodGet, "/stats", nil, &v); err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// breakThings breaks something every now and then until ctx ends, and mends it.
func (d *driver) breakThings(ctx context.Context) error {
	restored := false
	for begin := time.Now(); ctx.Err() == nil; {
		name := d.names[d.rnd.IntN(3)]
		var err error
		switch d.rnd.IntN(6) {
		case 0:
			d.cut(ctx, name)
		case 1:
			err = d.kill(ctx, name, syscall.SIGKILL)
		case 2:
			err = d.kill(ctx, name, os.Interrupt)
		case 3:
			d.skew(ctx, name)
		case 4:
			d.spoil(ctx, name)
		default:
			if !restored && time.Since(begin) > d.plan.duration/3 {
				restored = true
				err = d.restore(ctx, name)
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		sleep(ctx, time.Duration(d.rnd.IntN(int(d.plan.duration/20))))
	}
	return nil
}

// cut cuts a region off from another, one way or both ways, for a while.
func (d *driver) cut(ctx context.Context, name string) {
	other := name
	for other == name {
		other = d.names[d.rnd.IntN(3)]
	}
	both := d.rnd.IntN(2) == 0
	d.counts["cuts"]++
	there, back := d.s.links[[2]string{name, other}], d.s.links[[2]string{other, name}]
	there.cut.Store(true)
	back.cut.Store(both)
	sleep(ctx, time.Duration(d.rnd.IntN(int(d.plan.duration/8))))
	there.cut.Store(false)
	back.cut.Store(false)
}

// kill ends a region and starts it again.
func (d *driver) kill(ctx context.Context, name string, sig os.Signal) error {
	d.counts[sig.String()]++
	d.s.stop(name, sig)
	sleep(ctx, time.Duration(d.rnd.IntN(500))*time.Millisecond)
	return d.s.start(name)
}

// skew sets a clock wrong for a while.
func (d *driver) skew(ctx context.Context, name string) {
	by := []time.Duration{5 * time.Second, 300 * time.Millisecond, -3 * time.Second, -time.Hour}[d.rnd.IntN(4)]
	d.counts["clock "+by.String()]++
	set := func(by time.Duration) {
		_ = d.s.call(context.WithoutCancel(ctx), name, http.MethodPost, "/admin/skew", map[string]int64{"ms": by.Milliseconds()}, nil)
	}
	set(by)
	sleep(ctx, time.Duration(d.rnd.IntN(int(d.plan.duration/8))))
	set(0)
}

// spoil loses messages of a region, and repeats others late, for a while.
func (d *driver) spoil(ctx context.Context, name string) {
	d.counts["lost and repeated messages"]++
	set := func(drop, repeat int) {
		_ = d.s.call(context.WithoutCancel(ctx), name, http.MethodPost, "/admin/faults", spoiling{drop, repeat}, nil)
	}
	set(7, 3)
	sleep(ctx, time.Duration(d.rnd.IntN(int(d.plan.duration/8))))
	set(0, 0)
}

// restore replaces the database of a region by a backup. What the region has
// acknowledged since then lives on in its peers, if they have it: so all clients
// wait until they do. Then they come back at once, and are told to wait where
// they are ahead.
func (d *driver) restore(ctx context.Context, name string) error {
	ctx = context.WithoutCancel(ctx)
	d.counts["backups restored"]++
	file := filepath.Join(filepath.Dir(d.s.regions[name].dir), "backup-"+name)
	if err := d.s.call(ctx, name, http.MethodPost, "/admin/backup", map[string]string{"path": file}, nil); err != nil {
		return err
	}
	sleep(ctx, d.plan.duration/10)
	for _, n := range d.names { // all wait until all have everything
		d.pauses[n].mu.Lock()
		defer d.pauses[n].mu.Unlock()
	}
	if _, err := d.s.awaitEqual(ctx, d.names, time.Minute); err != nil {
		return err
	}
	d.s.stop(name, syscall.SIGKILL)
	if err := replaceDatabase(d.s.regions[name].dir, file); err != nil {
		return err
	}
	return d.s.start(name)
}

// replaceDatabase puts a file in the place of a region's database, or nothing.
func replaceDatabase(dir, file string) error {
	for _, name := range []string{"rows.db", "rows.db-wal", "rows.db-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if file == "" {
		return nil
	}
	return os.Rename(file, filepath.Join(dir, "rows.db"))
}

// heal waits until all regions are equal.
func (d *driver) heal(ctx context.Context) error {
	if d.plan.plain {
		return nil
	}
	took, err := d.s.awaitEqual(ctx, d.names, time.Minute)
	if err != nil {
		return err
	}
	d.report.add("equal after the last fault", "%v", took.Round(10*time.Millisecond))
	return nil
}

// check reads the journal back in every region.
func (d *driver) check(ctx context.Context) error {
	if d.plan.plain {
		return nil
	}
	total := 0
	for _, n := range d.j.acked {
		total += n
	}
	d.report.add("acknowledged writes", "%d", total)
	for _, name := range d.names {
		checked, wrong := d.j.check(ctx, d.s, name)
		d.report.add(name+": fields read back, wrong", "%d, %d", checked, len(wrong))
		for _, w := range wrong {
			d.report.wrong = append(d.report.wrong, name+": "+w)
		}
	}
	sleep(ctx, 1500*time.Millisecond) // the bank is asked twice a second
	d.report.wrong = append(d.report.wrong, d.j.checkRefunds(d.s)...)
	d.report.add("orders paid twice, payments refunded", "%d, %d", len(d.j.doubled), len(slices.Collect(maps.Keys(d.s.refunds))))
	return nil
}

// join lets a region begin without its data, once by anti-entropy, and once by
// reading the streams, its own included, from their beginning. What was lost on
// its way into a stream it does not get in the second way.
func (d *driver) join(ctx context.Context) error {
	if d.plan.keys == 0 || d.plan.plain {
		return nil
	}
	begin := func(flags ...string) error {
		d.s.stop("ap", os.Interrupt)
		if err := replaceDatabase(d.s.regions["ap"].dir, ""); err != nil {
			return err
		}
		return d.s.start("ap", flags...)
	}
	start := time.Now()
	if err := begin(); err != nil {
		return err
	}
	for same := false; !same && time.Since(start) < 3*time.Minute; sleep(ctx, 20*time.Millisecond) {
		var err error
		if same, err = d.s.equal(ctx, d.names, "/digest?quick"); err != nil {
			return err
		}
	}
	compared := time.Since(start)
	if _, err := d.s.awaitEqual(ctx, d.names, time.Minute); err != nil {
		return err // byte by byte, which takes longer than catching up
	}
	start = time.Now()
	if err := begin("-sync=-1s", "-replay"); err != nil {
		return err
	}
	for done := false; !done && time.Since(start) < 3*time.Minute; sleep(ctx, 20*time.Millisecond) {
		if err := d.s.call(ctx, "ap", http.MethodGet, "/replayed", nil, &done); err != nil {
			return err
		}
	}
	replayed := time.Since(start)
	d.report.add("an empty region joins: by comparing, from streams", "%v, %v: %.2f", compared.Round(10*time.Millisecond),
		replayed.Round(10*time.Millisecond), compared.Seconds()/replayed.Seconds())
	return nil
}

// leave takes a region away for good; the others go on and become equal.
func (d *driver) leave(ctx context.Context) error {
	if d.plan.plain {
		return nil
	}
	d.s.stop("ap", syscall.SIGKILL)
	for _, name := range d.names[1:] {
		if err := d.s.call(ctx, name, http.MethodPost, "/admin/retire", map[string]string{"region": "ap"}, nil); err != nil {
			return err
		}
	}
	for i := range 20 {
		row := fmt.Sprintf("cart/after-%d", i)
		if err := d.s.call(ctx, d.names[1+i%2], http.MethodPost, "/"+row+"/tea", amount{1}, nil); err != nil {
			return err
		}
	}
	took, err := d.s.awaitEqual(ctx, d.names[1:], time.Minute)
	d.report.add("equal without the region that left", "%v", took.Round(10*time.Millisecond))
	return err
}
