package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// timeout is how long anybody waits for anybody.
const timeout = 5 * time.Second

// A config says how to run a region.
type config struct {
	name      string
	dir       string            // of its files
	db        string            // postgres://…, or a file; if empty one in dir
	listen    string            // where its HTTP API is
	nats      string            // a server that runs already; if empty, it starts its own
	natsAddr  string            // where its own listens
	peers     map[string]string // the other regions, and the URLs of their servers
	bank      string            // who is asked for refunds, nobody if empty
	explain   bool              // keep events, and why values are what they are, for the page
	plain     bool              // without the library, to measure
	skipLog   bool              // begin with the end of the streams of peers
	noSync    bool              // no anti-entropy, to measure
	syncEvery time.Duration
}

// A region is one process: a database, a server for its peers to read from, an
// HTTP API, and a clock.
type region struct {
	name      string
	started   time.Time
	config    config
	log       *slog.Logger
	store     *store
	clocks    *clocks
	identity  *identity
	server    *server.Server // nil if it runs elsewhere
	conn      *nats.Conn     // to it
	peers     []*peer
	publisher *publisher
	faults    faults
	events    *events
	api       http.Handler
	collector collector
	mode      atomic.Pointer[mode]

	freeRule, homeRule *resolver.Reconciler[Order]

	syncing   sync.Mutex // held while reconciling with a peer
	mu        sync.Mutex
	caughtUp  bool // every peer has been reconciled with once
	syncStats syncResult
	seen      map[string]witness
	warned    time.Time // when a refused write was last written down
}

// me returns the name that this life of the region writes under.
func (g *region) me() vclock.Replica { return g.identity.replica(g.name) }

// seller is who holds rights to sell stock.
func (g *region) seller() vclock.Replica { return g.me() }

// stamps returns who stamps writes.
func (g *region) stamps() lww.Writer { return lww.Writer{Replica: g.me(), Clock: g.clocks.clock} }

// regions returns the names of all regions, sorted.
func (g *region) regions() []string {
	names := []string{g.name}
	for _, p := range g.peers {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// peer returns a peer by its name, nil if there is none.
func (g *region) peer(name string) *peer {
	for _, p := range g.peers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// runRegion runs a region until ctx ends.
func runRegion(stop context.Context, c config, log *slog.Logger) (err error) {
	// What runs beside the API ends after it: its last requests are committed.
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	defer cancel()
	sc := &schema{profiles: newProfiles(), plain: c.plain}
	st, err := openStore(ctx, cmp.Or(c.db, filepath.Join(c.dir, "rows.db")), sc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.db.Close()) }()
	if err := st.fill(ctx); err != nil {
		return err
	}
	bound, err := hlc.OpenBoundFile(filepath.Join(c.dir, "clock"))
	if err != nil {
		return err
	}
	g := &region{
		name: c.name, started: time.Now(), config: c, log: log.With("region", c.name), store: st, events: newEvents(c.name, c.explain),
		seen: map[string]witness{},
	}
	g.clocks = &clocks{held: map[string]state{}, refused: g.refusedFuture}
	g.clocks.clock = &hlc.Durable{Bound: bound, Physical: g.clocks.physical, MaxAhead: maxAhead}
	g.freeRule, g.homeRule = newOrderRule(nil), newOrderRule(g.home)
	g.api = g.routes()
	if err := g.connect(ctx); err != nil {
		return err
	}
	if err := g.start(ctx); err != nil {
		return err
	}
	err = g.serveHTTP(stop)
	cancel()
	<-g.store.stopped
	return err
}

// connect starts the server of the region, or connects to one, and to those of
// the peers.
func (g *region) connect(ctx context.Context) (err error) {
	url := g.config.nats
	if url == "" {
		host, port, err := net.SplitHostPort(g.config.natsAddr)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		if g.server, err = startServer(filepath.Join(g.config.dir, "nats"), host, n); err != nil {
			return err
		}
		url = g.server.ClientURL()
	}
	conn, js, err := dial(url, g.name)
	if err != nil {
		return err
	}
	g.conn = conn
	if err := createStream(ctx, js, g.name); err != nil {
		return err
	}
	for name, url := range g.config.peers {
		conn, js, err := dial(url, g.name)
		if err != nil {
			return err
		}
		g.peers = append(g.peers, &peer{name: name, conn: conn, js: js})
	}
	slices.SortFunc(g.peers, func(a, b *peer) int { return cmp.Compare(a.name, b.name) })
	pub := &publisher{
		store: g.store, js: js, subject: logSubject(g.name), wake: make(chan struct{}, 1), faults: &g.faults, witness: g.witness,
	}
	g.store.committed = func(c *committed) {
		if err := g.identity.note(c.number); err != nil {
			g.log.Error("the number of a commit", "error", err)
		}
		if c.messages > 0 {
			pub.notify()
		}
		g.events.commit(g, c)
	}
	g.publisher = pub
	return nil
}

// start finds out who the region is in this life, and starts what runs beside
// its API.
func (g *region) start(ctx context.Context) (err error) {
	if err := g.loadSeen(ctx); err != nil {
		return err
	}
	if err := serve(ctx, g.conn, g.name, "seen", g.answerSeen); err != nil {
		return err
	}
	if err := serve(ctx, g.conn, g.name, "beat", g.answerBeat); err != nil {
		return err
	}
	if g.identity, err = identify(ctx, g.store.db, g.config.dir, g.askSeen); err != nil {
		return err
	}
	g.store.incarnation = g.identity.incarnation
	g.store.commits.Store(g.identity.commits)
	g.log.Info("started", "incarnation", g.identity.incarnation, "new", g.identity.fresh)
	if err := cmp.Or(g.loadMode(ctx), g.loadMatrix(ctx)); err != nil {
		return err
	}
	go func() {
		defer close(g.store.stopped)
		g.store.run(ctx)
	}()
	go g.publisher.run(ctx, func(err error) { g.log.Info("sending", "error", err) })
	for what, err := range map[string]error{
		"sync":   serve(ctx, g.conn, g.name, "sync", g.answerSync),
		"fetch":  serve(ctx, g.conn, g.name, "fetch", g.answerFetch),
		"push":   serve(ctx, g.conn, g.name, "push", g.answerPush),
		"rights": serve(ctx, g.conn, g.name, "rights", g.answerRights),
		"http":   serve(ctx, g.conn, g.name, "http", g.answerHTTP),
	} {
		if err != nil {
			return fmt.Errorf("answering %s: %w", what, err)
		}
	}
	for _, p := range g.peers {
		r := &receiver{region: g, peer: p.name, conn: p.conn, js: p.js}
		go r.run(ctx)
		go g.beatLoop(ctx, p)
		if !g.config.noSync {
			go g.syncLoop(ctx, p)
		}
	}
	go g.heldLoop(ctx)
	if !g.config.noSync && !g.config.plain {
		go g.collectLoop(ctx)
	}
	go g.effectsLoop(ctx)
	return nil
}

func (g *region) loadMode(ctx context.Context) error {
	m := mode{Name: activeActive}
	text, err := g.store.meta(ctx, "mode")
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &m)
	}
	g.mode.Store(&m)
	return err
}

// serveHTTP serves the API until ctx ends.
func (g *region) serveHTTP(ctx context.Context) error {
	l, err := net.Listen("tcp", g.config.listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: g.api, ReadHeaderTimeout: timeout}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(l) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err = srv.Shutdown(end); errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close() // who waits for another region is told so
	}
	if g.server != nil {
		g.server.Shutdown()
	}
	return err
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
