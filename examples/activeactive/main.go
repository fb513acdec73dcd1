// The program activeactive is a shop in three regions, which go on when they cannot reach each other:
//
//	go run -C examples/activeactive .             # the regions, and a page that shows them
//	go run -C examples/activeactive . -load 20s   # write, break things, read everything back
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "activeactive:", err)
		os.Exit(1)
	}
}

// run is the program: one region, the driver, or three regions and the page.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "region" {
		c, err := parseRegion(args[1:], func(*flag.FlagSet) {})
		if err != nil {
			return err
		}
		return runRegion(ctx, c)
	}
	flags := flag.NewFlagSet("activeactive", flag.ContinueOnError)
	address := flags.String("listen", "127.0.0.1:8080", "where the page is")
	load := flags.Duration("load", 0, "write and break things for so long, and print what came of it; more flags of the driver may follow")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *load > 0 { // the driver is a test of this module: see drive_test.go
		driver := []string{"test", "-count=1", "-timeout=0", "-run=^TestDriver$", "-args", "-table", "-load", load.String()}
		cmd := exec.CommandContext(ctx, "go", append(driver, flags.Args()...)...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return cmd.Run()
	}
	dir, err := os.MkdirTemp("", "activeactive")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := newSupervisor(dir, []string{"ap", "eu", "us"}, "-explain", "-sync", "1s")
	if err != nil {
		return err
	}
	defer s.stopAll()
	if err := s.startAll(); err != nil {
		return err
	}
	return listen(ctx, *address, "The shop is open: http://", s.page())
}

func parseRegion(args []string, more func(*flag.FlagSet)) (config, error) {
	c := config{peers: map[string]string{}, prepare: func(*region) {}}
	flags := flag.NewFlagSet("region", flag.ContinueOnError)
	flags.StringVar(&c.name, "name", "", "name of the region")
	flags.StringVar(&c.dir, "dir", "", "directory of its files")
	flags.StringVar(&c.listen, "http", "127.0.0.1:8081", "where its API is")
	flags.StringVar(&c.db, "db", "", "postgres://… or a file (default a file in -dir)")
	flags.StringVar(&c.nats, "nats", "", "URL of a NATS server with JetStream (default: start one)")
	flags.StringVar(&c.natsAddr, "listen", "127.0.0.1:4222", "where the NATS server listens that it starts")
	flags.StringVar(&c.bank, "bank", "", "URL that is asked for refunds")
	flags.DurationVar(&c.syncEvery, "sync", 2*time.Second, "how often stores are compared, never if negative")
	flags.BoolVar(&c.explain, "explain", false, "keep events for the page")
	flags.Func("peer", "another region, as in us=nats://host:4222; may be repeated", func(s string) error {
		name, url, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want name=url")
		}
		c.peers[name] = url
		return nil
	})
	flags.TextVar(&c.level, "log", slog.LevelWarn, "what is logged: debug, info, warn or error")
	more(flags)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.name == "" || c.dir == "" {
		return c, errors.New("region: -name and -dir are needed")
	}
	c.db = cmp.Or(c.db, c.dir+"/rows.db")
	return c, os.MkdirAll(c.dir, 0o700)
}

//go:embed page
var pageFiles embed.FS

// page serves the page, the API of every region below /api/, and switches for regions and links.
func (s *supervisor) page() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/page/", http.StatusFound))
	mux.Handle("GET /page/", http.FileServerFS(pageFiles))
	for name, p := range s.regions {
		mux.Handle("/api/"+name+"/", http.StripPrefix("/api/"+name, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			at, _, _ := p.at()
			r.SetURL(&url.URL{Scheme: "http", Host: at})
		}}))
	}
	mux.Handle("GET /topology", handler(s.getTopology))
	mux.Handle("POST /topology/{do}/{a}", handler(s.setTopology))
	mux.Handle("POST /topology/{do}/{a}/{b}", handler(s.setTopology))
	return mux
}

// getTopology says which regions run, which links are cut, and what was refunded.
func (s *supervisor) getTopology(*http.Request) (any, error) {
	running, cut := map[string]bool{}, []string{}
	for name, p := range s.regions {
		_, _, running[name] = p.at()
	}
	for way, l := range s.links {
		if l.cut.Load() {
			cut = append(cut, way[0]+" "+way[1])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]any{"regions": running, "cut": cut, "refunds": slices.Sorted(maps.Keys(s.refunds))}, nil
}

// setTopology kills or starts a region, or cuts or heals the link between two, both ways.
func (s *supervisor) setTopology(r *http.Request) (any, error) {
	do, a, b := r.PathValue("do"), r.PathValue("a"), r.PathValue("b")
	there, back, p := s.links[[2]string{a, b}], s.links[[2]string{b, a}], s.regions[a]
	switch {
	case (do == "cut" || do == "heal") && there != nil:
		there.cut.Store(do == "cut")
		back.cut.Store(do == "cut")
	case do == "kill" && p != nil:
		s.stop(a, syscall.SIGKILL)
	case do == "start" && p != nil:
		if _, _, up := p.at(); !up {
			return nil, s.start(a)
		}
	default:
		return nil, badRequest("There is nothing to %s at %s %s.", do, a, b)
	}
	return nil, nil
}

// A supervisor runs regions as processes, with links between them that it can cut.
type supervisor struct {
	extra   []string // arguments for every region
	bank    string
	regions map[string]*process
	links   map[[2]string]*link // by who asks, and whom

	mu      sync.Mutex
	refunds map[string]int // what the bank has paid back, and how often it was asked
}

type process struct {
	dir string

	mu         sync.Mutex
	cmd        *exec.Cmd
	done       chan struct{} // closed when it has ended
	http, nats string        // where it listens: at free ports, others each time
}

// newSupervisor makes regions of the given names. They are not started yet.
func newSupervisor(dir string, names []string, extra ...string) (s *supervisor, err error) {
	s = &supervisor{extra: extra, regions: map[string]*process{}, links: map[[2]string]*link{}, refunds: map[string]int{}}
	bank, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	// The bank pays a payment back once, however often it is asked.
	go func() {
		_ = http.Serve(bank, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.refunds[r.Header.Get("Idempotency-Key")]++
		}))
	}()
	s.bank = "http://" + bank.Addr().String()
	for _, name := range names {
		s.regions[name] = &process{dir: filepath.Join(dir, name)}
	}
	for from := range s.regions {
		for to, p := range s.regions {
			if from == to {
				continue
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			k := &link{Listener: l, to: p}
			s.links[[2]string{from, to}] = k
			go k.run()
		}
	}
	return s, nil
}

// start starts a region, with more arguments, and waits until it says where it listens.
func (s *supervisor) start(name string, more ...string) error {
	self, _ := os.Executable() // nothing can be started if that fails
	p := s.regions[name]
	args := []string{"region", "-name", name, "-dir", p.dir, "-http", "127.0.0.1:0", "-listen", "127.0.0.1:0", "-bank", s.bank}
	for way, l := range s.links {
		if way[0] == name {
			args = append(args, "-peer", way[1]+"=nats://"+l.Addr().String())
		}
	}
	cmd, done := exec.Command(self, slices.Concat(args, s.extra, more)...), make(chan struct{})
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err = cmp.Or(err, cmd.Start()); err != nil {
		return err
	}
	p.mu.Lock()
	p.cmd, p.done, p.http, p.nats = cmd, done, "", ""
	p.mu.Unlock()
	for _, at := range []*string{&p.nats, &p.http} { // the peers need the first to start
		var address string
		_, err = fmt.Fscanln(out, &address)
		p.mu.Lock()
		*at = address
		p.mu.Unlock()
	}
	go func() {
		_ = cmd.Wait() // a region that was killed has nothing to say
		close(done)
	}()
	if err != nil {
		return fmt.Errorf("region %s does not start: %w", name, err)
	}
	return nil
}

func (s *supervisor) startAll() (err error) {
	errs := make(chan error)
	for name := range s.regions {
		go func() { errs <- s.start(name) }()
	}
	for range s.regions {
		err = errors.Join(err, <-errs)
	}
	return err
}

// stop ends a region: at once, as if its machine had failed, or in good order.
func (s *supervisor) stop(name string, sig os.Signal) {
	p := s.regions[name]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig) // it may have ended
		defer time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() }).Stop()
		<-p.done
	}
}

func (s *supervisor) stopAll() {
	for name := range s.regions {
		s.stop(name, os.Interrupt)
	}
}

func (p *process) at() (http, nats string, up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return "", "", false // somebody else may have its ports
	default:
		return p.http, p.nats, p.cmd != nil
	}
}

// A link is the way from one region to the server of another: a TCP proxy that can be cut.
type link struct {
	net.Listener
	to  *process
	cut atomic.Bool
}

func (k *link) run() {
	for {
		if from, err := k.Accept(); err == nil {
			go k.carry(from)
		}
	}
}

// carry copies both ways until one side ends or the link is cut.
func (k *link) carry(from net.Conn) {
	defer from.Close()
	_, at, _ := k.to.at() // another one each time that the region starts
	to, err := net.Dial("tcp", at)
	if err != nil || k.cut.Load() {
		return
	}
	defer to.Close()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	for _, way := range [][2]net.Conn{{to, from}, {from, to}} {
		go func() {
			defer end()
			_, _ = io.Copy(gate{way[0], &k.cut}, way[1])
		}()
	}
	for ctx.Err() == nil && !k.cut.Load() {
		sleep(ctx, 10*time.Millisecond)
	}
}

// A gate lets nothing through once it is cut.
type gate struct {
	io.Writer
	cut *atomic.Bool
}

func (g gate) Write(b []byte) (int, error) {
	if g.cut.Load() {
		return 0, net.ErrClosed
	}
	return g.Writer.Write(b)
}
