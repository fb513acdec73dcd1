package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A config says how to run a region; main.go has the flags.
type config struct {
	name, dir, db, listen, nats, natsAddr, bank string
	peers                                       map[string]string // the other regions, and the URLs of their servers
	explain                                     bool              // keep events, and why values are what they are, for the page
	syncEvery                                   time.Duration
	level                                       slog.Level
	prepare                                     func(g *region) // in tests, spoils the region before it starts
}

// A region is one process: a database, a server for its peers to read from, an API, and a clock.
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
	names   []vclock.Replica              // of all regions, sorted
	wake    chan struct{}                 // there may be something to send
	mangle  func(message []byte) [][]byte // what is sent of a message: in tests, some are lost and repeated
	heard   map[string]uint64             // the number of the last commit merged of each peer, under store.writing
	api     http.Handler
	mode    atomic.Pointer[mode]
	id      vclock.Identity
	witness *os.File                             // that id is in
	rules   map[bool]*resolver.Reconciler[Order] // for orders with homes, and without
	round   *round                               // of collecting, see collect.go

	events struct { // what was lately written and merged, for the page alone
		mu     sync.Mutex
		last   int
		recent []any
	}

	syncing  sync.Mutex // held while reconciling with a peer
	mu       sync.Mutex
	matrix   *vclock.Matrix
	early    map[string]*vclock.Matrix // of the last exchange with each peer
	caughtUp bool                      // every peer has been reconciled with once
}

// me returns the name that this life of the region writes under.
func (g *region) me() vclock.Replica { return g.store.replica }

func (g *region) stamps() lww.Writer { return lww.Writer{Replica: g.me(), Clock: g.clocks.clock} }

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
	for name := range c.peers {
		g.names = append(g.names, vclock.Replica(name))
	}
	g.names = append(g.names, vclock.Replica(c.name))
	slices.Sort(g.names)
	// The longer the window, the less often the bound is written, and the longer start waits.
	g.clocks.clock = &hlc.Durable{Bound: bound, Physical: g.clocks.physical, MaxAhead: maxAhead, Window: 2 * maxAhead}
	g.rules = map[bool]*resolver.Reconciler[Order]{false: orderRule(), true: orderRule(resolver.HomeWins[Order](g.home))}
	st.committed = g.committed
	g.api = g.routes()
	if err := g.connect(ctx); err != nil {
		return err
	}
	c.prepare(g)
	if err := g.start(ctx); err != nil {
		return err
	}
	err = listen(stop, c.listen, "", g.api)
	if g.server != nil {
		g.server.Shutdown()
	}
	return err
}

// connect starts the server of the region, or connects to one, and to those of the peers.
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
	// Peers that were away for longer than that get what they lack by anti-entropy. A server sets
	// MaxBytes aside for each stream, and refuses one for which it has no room on its disk.
	_, err = g.self.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName(g.name), Subjects: []string{logSubject(g.name)},
		Storage: jetstream.FileStorage, MaxAge: 24 * time.Hour, MaxBytes: 128 << 20,
	})
	return err
}

// start finds out who the region is in this life, and starts what runs beside its API.
func (g *region) start(ctx context.Context) (err error) {
	m := mode{Name: activeActive}
	g.matrix = vclock.NewMatrix(vclock.Replica(g.name), g.names...)
	for name := range g.peers {
		var commit uint64
		err = cmp.Or(err, g.store.note(ctx, "heard/"+name, &commit))
		g.heard[name] = commit
	}
	if err := cmp.Or(err, g.store.fill(ctx), g.store.note(ctx, "mode", &m), g.store.note(ctx, "matrix", g.matrix),
		serve(ctx, g.self, "beat", func(context.Context, string) (time.Time, error) { return g.clocks.physical(), nil }),
		serve(ctx, g.self, "heard", func(ctx context.Context, peer string) (n uint64, err error) {
			err = g.store.note(ctx, "heard/"+peer, &n)
			return n, err
		}), g.begin(ctx)); err != nil {
		return err
	}
	g.mode.Store(&m)
	g.log.Info("started", "as", g.me())
	go g.every(ctx, time.Second, "sending", g.publish)
	go g.every(ctx, 500*time.Millisecond, "refunds", g.carryOut)
	for _, p := range g.peers {
		go g.every(ctx, 300*time.Millisecond, "reading "+p.name, func(ctx context.Context) error { return g.follow(ctx, p) })
		go g.every(ctx, time.Second, "clock of "+p.name, func(ctx context.Context) error { return g.beat(ctx, p) })
	}
	err = cmp.Or(serve(ctx, g.self, "fetch", g.pack), serve(ctx, g.self, "push", g.takeBatch), serve(ctx, g.self, "rights", g.answerRights))
	if g.config.syncEvery > 0 {
		for _, p := range g.peers {
			go g.every(ctx, g.config.syncEvery, "comparing with "+p.name, func(ctx context.Context) error { return g.reconcile(ctx, p) })
		}
		go g.every(ctx, 5*g.config.syncEvery, "collecting", g.collect)
		err = cmp.Or(err, serve(ctx, g.self, "sync", g.answerSync))
	}
	// The clock goes on behind what was reserved before: this region waits, and not its first writes.
	now, failed := g.clocks.clock.Now()
	sleep(ctx, min(now.Time().Sub(g.clocks.physical())-maxAhead, g.clocks.clock.Window))
	return cmp.Or(err, failed, serve(ctx, g.self, "http", g.answerHTTP))
}

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

// listen serves HTTP until ctx ends, and says where.
func listen(ctx context.Context, address, what string, h http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println(what + l.Addr().String())
	srv, failed := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}, make(chan error, 1)
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
	return nil
}

// every does something again and again until ctx ends. What goes wrong is tried again soon.
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

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
