package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
)

// The supervisor starts the test binary for a region. What follows in this file
// makes that region one that can be spoilt, measured and compared.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "region" {
		if err := runSpoilt(os.Args[2:]); err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "activeactive:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runSpoilt is the command region, with more flags and paths.
func runSpoilt(args []string) error {
	var plain, profile, replay bool
	c, err := parseRegion(args, func(f *flag.FlagSet) {
		f.BoolVar(&plain, "plain", false, "overwrite values, without the library")
		f.BoolVar(&replay, "replay", false, "get everything from the streams, that of the region itself included")
		f.BoolVar(&profile, "cpuprofile", false, "write a CPU profile into -dir")
	})
	if err != nil {
		return err
	}
	c.prepare = func(g *region) {
		mux := http.NewServeMux()
		mux.Handle("GET /digest", handler(g.getDigest))
		f := &faults{}
		g.mangle = f.mangle
		mux.Handle("POST /admin/faults", post(f.set))
		var stats storeStats
		g.store.committed = func(t *tx) {
			stats.add(t)
			g.committed(t)
		}
		mux.Handle("GET /stats", handler(func(*http.Request) (any, error) { return stats.get(), nil }))
		mux.Handle("POST /admin/backup", post(g.backup))
		mux.Handle("GET /replayed", handler(g.replayed))
		mux.Handle("/", g.api)
		if plain {
			plain := func(uint64) state { return &plainState{} }
			g.store.kinds = map[string]func(uint64) state{profileKind: plain, cartKind: plain, stockKind: plain, flagKind: plain, orderKind: plain}
			for _, method := range []string{"PATCH", "PUT", "POST", "DELETE"} {
				mux.Handle(method+" /{kind}/{id}/{rest...}", handler(g.overwrite))
				mux.Handle(method+" /{kind}/{id}", handler(g.overwrite))
			}
		}
		g.api = mux
		if replay {
			go func() {
				for g.mode.Load() == nil {
					time.Sleep(time.Millisecond) // until it has recalled who it is
				}
				g.every(context.Background(), 100*time.Millisecond, "reading itself", func(ctx context.Context) error { return g.follow(ctx, g.self) })
			}()
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if profile {
		f, err := os.Create(filepath.Join(c.dir, "cpu.profile"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return runRegion(ctx, c)
}

// replayed reports whether all streams have been read to their ends.
func (g *region) replayed(r *http.Request) (any, error) {
	for _, p := range append(slices.Collect(maps.Values(g.peers)), g.self) {
		stream, err := p.js.Stream(r.Context(), streamName(p.name))
		if err != nil {
			return false, err
		}
		var at cursor
		if err := g.store.note(r.Context(), "cursor/"+p.name, &at); err != nil || at.Seen < stream.CachedInfo().State.LastSeq {
			return false, err
		}
	}
	return true, nil
}

// backup copies the database, as it is at one moment, into a new file.
func (g *region) backup(ctx context.Context, q struct{ Path string }) error {
	_, err := g.store.db.ExecContext(ctx, `VACUUM INTO $1`, q.Path)
	return err
}

// storeStats are totals since the start.
type storeStats struct {
	mu                                       sync.Mutex
	Commits, Requests, RowBytes, OutboxBytes int
}

func (s *storeStats) add(t *tx) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Commits++
	s.Requests += t.requests
	s.OutboxBytes += len(t.body)
	for _, r := range t.dirty {
		s.RowBytes += len(r.data)
	}
}

func (s *storeStats) get() [4]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return [4]int{s.Commits, s.Requests, s.RowBytes, s.OutboxBytes}
}

// digest is a hash over all rows: regions are equal if it is.
type digest struct {
	Rows int
	Hash string
}

// getDigest answers with a digest of the rows, or of their fingerprints, which
// costs nothing.
func (g *region) getDigest(r *http.Request) (any, error) {
	if r.URL.Query().Has("quick") {
		g.store.mu.Lock()
		defer g.store.mu.Unlock()
		return digest{Hash: hex.EncodeToString(g.store.fingerprints().Ask(1))}, nil
	}
	var d digest
	h := sha256.New()
	var err error
	for row := range g.store.rows(r.Context(), &err, `ORDER BY id`) {
		d.Rows++
		_, _ = fmt.Fprintf(h, "%q %x\n", row.key, row.data)
	}
	d.Hash = hex.EncodeToString(h.Sum(nil))
	return d, err
}

// A plainState is a row without the library: bytes, of which the ones that come
// last overwrite the others. It is here to be measured against, and loses what
// is written concurrently.
type plainState struct{ data []byte }

func (p *plainState) merge(other state) bool {
	o := other.(*plainState)
	changed := !slices.Equal(p.data, o.data)
	p.data = o.data
	return changed
}
func (p *plainState) append(b []byte) ([]byte, error) { return append(b, p.data...), nil }
func (p *plainState) decode(data []byte) error        { p.data = slices.Clone(data); return nil }
func (p *plainState) latest() hlc.Timestamp           { return 0 }

// overwrite is all handlers of writes without the library.
func (g *region) overwrite(r *http.Request) (any, error) {
	if _, err := readBody[any](r); err != nil {
		return nil, err
	}
	key := r.PathValue("kind") + "/" + r.PathValue("id")
	return nil, g.store.write(r.Context(), func(t *tx) error {
		t.row(key).state = &plainState{[]byte(r.URL.Path + time.Now().String())}
		t.touch(t.row(key))
		t.row(key).delta = t.row(key).state
		return nil
	}, key)
}

// faults spoils what the publisher sends, to see that nothing depends on it.
type faults struct {
	mu   sync.Mutex
	now  spoiling
	n    int
	late [][]byte
}

// spoiling says that every so many messages is lost, or sent a second time, late;
// never if 0.
type spoiling struct {
	Drop, Repeat int
}

func (f *faults) set(_ context.Context, q spoiling) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = q
	return nil
}

// mangle returns what is sent in place of a message.
func (f *faults) mangle(message []byte) (out [][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.now.Drop == 0 || f.n%f.now.Drop != 0 {
		out = append(out, message)
	}
	if f.now.Repeat > 0 && f.n%f.now.Repeat == 0 {
		f.late = append(f.late, message)
	}
	if len(f.late) > 5 || f.now.Repeat == 0 {
		out = append(out, f.late...)
		f.late = nil
	}
	return out
}

// A statusError is an answer that is no success.
type statusError struct {
	status int
	header http.Header
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.text) }

var httpClient = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}

// call sends a request to a region and decodes the answer.
func (s *supervisor) call(ctx context.Context, name, method, path string, body, into any) error {
	_, err := s.callTag(ctx, name, method, path, "", body, into)
	return err
}

// callTag is call with If-Match; it returns the ETag of the answer.
func (s *supervisor) callTag(ctx context.Context, name, method, path, match string, body, into any) (string, error) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		in = bytes.NewReader(text)
	}
	at, _, _ := s.regions[name].at()
	q, err := http.NewRequestWithContext(ctx, method, "http://"+at+path, in)
	if err != nil {
		return "", err
	}
	if match != "" {
		q.Header.Set("If-Match", match)
	}
	a, err := httpClient.Do(q)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return "", err
	}
	if a.StatusCode/100 != 2 {
		return "", &statusError{a.StatusCode, a.Header, strings.TrimSpace(string(text))}
	}
	if into == nil {
		return a.Header.Get("ETag"), nil
	}
	return a.Header.Get("ETag"), json.Unmarshal(text, into)
}

// equal reports whether regions have the same rows, byte by byte.
func (s *supervisor) equal(ctx context.Context, names []string, path string) (bool, error) {
	var first digest
	for i, name := range names {
		var d digest
		if err := s.call(ctx, name, http.MethodGet, path, nil, &d); err != nil {
			return false, err
		}
		if i == 0 {
			first = d
		}
		if d != first {
			return false, nil
		}
	}
	return true, nil
}

// awaitEqual waits until regions are equal, and returns how long it took.
func (s *supervisor) awaitEqual(ctx context.Context, names []string, limit time.Duration) (took time.Duration, err error) {
	for start := time.Now(); time.Since(start) < limit; sleep(ctx, 20*time.Millisecond) {
		ok, err1 := s.equal(ctx, names, "/digest?quick")
		if took = time.Since(start); ok {
			if ok, err1 = s.equal(ctx, names, "/digest"); ok {
				return took, nil
			}
		}
		err = err1
	}
	return limit, errors.Join(errors.New("the regions do not become equal"), err)
}
