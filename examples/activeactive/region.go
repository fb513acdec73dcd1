package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A config says how to run a region; main.go has the flags.
type config struct {
	name, dir, db, listen, nats, natsAddr, bank string

	peers     map[string]string // the other regions, and the URLs of their servers
	explain   bool              // keep events, and why values are what they are, for the page
	syncEvery time.Duration
	level     slog.Level
	prepare   func(g *region) // in tests, spoils the region before it starts
}

// A region is one process: a database, a server for its peers to read from, an HTTP API, and a
// clock.
type region struct {
	name    string
	started time.Time
	config  config
	log     *slog.Logger
	store   *store
	clocks  *clocks
	server  *server.Server // nil if it runs elsewhere
	self    *peer          // the region itself, as its peers see it
	peers   map[string]*peer
	wake    chan struct{}                 // there may be something to send
	mangle  func(message []byte) [][]byte // what is sent of a message: in tests, some are lost and repeated
	events  events
	api     http.Handler
	mode    atomic.Pointer[mode]
	id      vclock.Identity
	witness *os.File // that id is in

	freeRule, homeRule *resolver.Reconciler[Order]

	carts  map[string]crdt.Context // what collect.go has noted of carts, and when
	marked hlc.Timestamp

	syncing  sync.Mutex // held while reconciling with a peer
	mu       sync.Mutex
	matrix   *vclock.Matrix
	early    map[string]*vclock.Matrix // of the last exchange with each peer
	heard    map[string]uint64         // the number of the last commit merged of each peer
	caughtUp bool                      // every peer has been reconciled with once
}

// me returns the name that this life of the region writes under.
func (g *region) me() vclock.Replica { return g.store.replica }

// stamps returns who stamps writes.
func (g *region) stamps() lww.Writer { return lww.Writer{Replica: g.me(), Clock: g.clocks.clock} }

// regions returns the names of all regions, sorted.
func (g *region) regions() []string {
	names := append(slices.Collect(maps.Keys(g.peers)), g.name)
	slices.Sort(names)
	return names
}

// runRegion runs a region until stop ends.
func runRegion(stop context.Context, c config) (err error) {
	// What runs beside the API ends after it: its last requests are committed.
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	defer cancel()
	st, err := openStore(ctx, c.db)
	if err != nil {
		return err
	}
	defer func() {
		st.writing.Lock() // for ever
		err = errors.Join(err, st.db.Close())
	}()
	bound, err := hlc.OpenBoundFile(filepath.Join(c.dir, "clock"))
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: c.level}))
	g := &region{
		name: c.name, started: time.Now(), config: c, log: log.With("region", c.name), store: st, clocks: &clocks{}, wake: make(chan struct{}, 1),
		peers: map[string]*peer{}, early: map[string]*vclock.Matrix{}, heard: map[string]uint64{},
		mangle: func(message []byte) [][]byte { return [][]byte{message} },
	}
	// The longer the window, the less often the bound is written, and the longer the time after a
	// crash until peers take what is stamped at its end.
	g.clocks.clock = &hlc.Durable{Bound: bound, Physical: g.clocks.physical, MaxAhead: maxAhead, Window: 2 * maxAhead}
	g.freeRule, g.homeRule = orderRule(), orderRule(resolver.HomeWins[Order](g.home))
	st.committed = g.committed
	g.api = g.routes()
	if err := g.connect(ctx); err != nil {
		return err
	}
	c.prepare(g)
	if err := g.start(ctx); err != nil {
		return err
	}
	return g.serveHTTP(stop)
}

// connect starts the server of the region, or connects to one, and to those of the peers. It says
// where it is, which the supervisor wants to know.
func (g *region) connect(ctx context.Context) (err error) {
	if g.config.nats == "" {
		if g.server, err = startServer(filepath.Join(g.config.dir, "nats"), g.config.natsAddr); err != nil {
			return err
		}
		g.config.nats = g.server.ClientURL()
	}
	fmt.Println(strings.TrimPrefix(g.config.nats, "nats://"))
	if g.self, err = dial(g.config.nats, g.name, g.name); err != nil {
		return err
	}
	for name, url := range g.config.peers {
		if g.peers[name], err = dial(url, name, g.name); err != nil {
			return err
		}
	}
	// Peers that were away for longer than the stream keeps messages get what they lack by
	// anti-entropy.
	_, err = g.self.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName(g.name), Subjects: []string{logSubject(g.name)},
		Storage: jetstream.FileStorage, MaxAge: 24 * time.Hour, MaxBytes: 1 << 30,
	})
	return err
}

// start reads what the region has noted of itself and its peers, finds out who it is in this life,
// and starts what runs beside its API.
func (g *region) start(ctx context.Context) error {
	m := mode{Name: activeActive}
	var members []vclock.Replica
	var err error
	for _, p := range g.peers {
		members = append(members, vclock.Replica(p.name))
		var commit uint64
		err = cmp.Or(err, g.store.note(ctx, "heard/"+p.name, &commit))
		g.heard[p.name] = commit
	}
	g.matrix = vclock.NewMatrix(vclock.Replica(g.name), members...)
	if err := cmp.Or(err, g.store.fill(ctx), g.store.note(ctx, "mode", &m), g.store.note(ctx, "matrix", g.matrix),
		serve(ctx, g.self, "heard", g.answerHeard), serve(ctx, g.self, "beat", g.answerBeat), g.begin(ctx)); err != nil {
		return err
	}
	// The clock goes on behind what was reserved in the life before, which peers take a little
	// later: this region waits, and not its first writes.
	now, err := g.clocks.clock.Now()
	if err != nil {
		return err
	}
	sleep(ctx, min(now.Time().Sub(g.clocks.physical())-maxAhead, g.clocks.clock.Window))
	g.mode.Store(&m)
	g.log.Info("started", "as", g.me())
	go g.every(ctx, time.Second, "sending", g.publish)
	go g.every(ctx, 500*time.Millisecond, "refunds", g.carryOut)
	for _, p := range g.peers {
		go g.every(ctx, 300*time.Millisecond, "reading "+p.name, func(ctx context.Context) error { return g.follow(ctx, p) })
		go g.every(ctx, time.Second, "clock of "+p.name, func(ctx context.Context) error { return g.beat(ctx, p) })
	}
	err = cmp.Or(serve(ctx, g.self, "fetch", g.pack), serve(ctx, g.self, "push", g.takeBatch),
		serve(ctx, g.self, "rights", g.answerRights), serve(ctx, g.self, "http", g.answerHTTP))
	if err != nil || g.config.syncEvery <= 0 {
		return err
	}
	for _, p := range g.peers {
		go g.every(ctx, g.config.syncEvery, "comparing with "+p.name, func(ctx context.Context) error { return g.reconcile(ctx, p) })
	}
	go g.every(ctx, 5*g.config.syncEvery, "collecting", g.collect)
	return serve(ctx, g.self, "sync", g.answerSync)
}

// committed is told of every commit.
func (g *region) committed(t *tx) {
	if err := g.witnessed(t.number); err != nil {
		g.log.Error("the number of a commit", "error", err)
	}
	if t.body != nil {
		select {
		case g.wake <- struct{}{}:
		default: // the publisher knows
		}
	}
	for _, r := range t.dirty {
		g.tell(r, r.from)
	}
}

// serveHTTP serves the API until ctx ends.
func (g *region) serveHTTP(ctx context.Context) error {
	l, err := net.Listen("tcp", g.config.listen)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	srv, failed := &http.Server{Handler: g.api, ReadHeaderTimeout: 5 * time.Second}, make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if srv.Shutdown(end) != nil {
		_ = srv.Close() // who waits for another region is told so
	}
	if g.server != nil {
		g.server.Shutdown()
	}
	return nil
}

// every does something again and again until ctx ends. What goes wrong is logged and tried again
// soon.
func (g *region) every(ctx context.Context, pause time.Duration, what string, do func(ctx context.Context) error) {
	for ctx.Err() == nil {
		wait := pause
		if err := do(ctx); err != nil && ctx.Err() == nil {
			g.log.Info(what, "error", err)
			wait = min(pause, 200*time.Millisecond)
		}
		sleep(ctx, wait/2+rand.N(wait))
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
