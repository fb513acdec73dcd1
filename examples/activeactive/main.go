// The program activeactive is a shop in three regions, each of which goes on when the others cannot
// be reached:
//
//	go run -C examples/activeactive .             # the regions, and a page that shows them
//	go run -C examples/activeactive . -load 20s   # write, break things, read everything back
//
// See README.md.
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signalled()
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "activeactive:", err)
		os.Exit(1)
	}
}

// signalled returns a context that ends when the program is to end.
func signalled() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
	listen := flags.String("listen", "127.0.0.1:8080", "where the page is")
	dir := flags.String("dir", "", "where the regions keep their files (default a temporary directory)")
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
	if *dir == "" {
		temp, err := os.MkdirTemp("", "activeactive")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		*dir = temp
	}
	return show(ctx, *dir, *listen)
}

// parseRegion reads the flags of one region, as the supervisor starts it, or as it runs against a
// NATS cluster and a PostgreSQL that are there already.
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

// show runs three regions and serves the page until ctx ends.
func show(ctx context.Context, dir, listen string) error {
	s, err := newSupervisor(dir, []string{"ap", "eu", "us"}, "-explain", "-sync", "1s")
	if err != nil {
		return err
	}
	defer s.stopAll()
	if err := s.startAll(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.page(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	fmt.Printf("The shop is open: http://%s\n", l.Addr())
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// page serves the page, the API of every region below /api/, and what the page does to regions and
// links.
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

// getTopology says which regions run, which links are cut, as in "eu us" if eu does not hear us,
// and what was refunded.
func (s *supervisor) getTopology(*http.Request) (any, error) {
	running, cut := map[string]bool{}, []string{}
	for name, p := range s.regions {
		_, _, running[name] = p.at()
	}
	for way, l := range s.links {
		if l.isCut() {
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
		there.set(do == "cut")
		back.set(do == "cut")
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
