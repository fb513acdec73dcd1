package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A supervisor runs regions as processes, with links between them that it can
// cut. It knows nothing of their data.
type supervisor struct {
	dir     string
	extra   []string // arguments for every region
	client  *http.Client
	mu      sync.Mutex
	regions map[string]*process
	links   map[string]map[string]*link // by who asks, and whom
	refunds map[string]int              // what the bank has paid back, and how often it was asked
	bank    string
}

// A process is one region.
type process struct {
	name, dir, http, nats string
	cmd                   *exec.Cmd
	done                  chan struct{}
}

// newSupervisor makes regions of the given names. They are not started yet.
func newSupervisor(dir string, names []string, extra ...string) (*supervisor, error) {
	s := &supervisor{
		dir: dir, extra: extra, regions: map[string]*process{}, links: map[string]map[string]*link{}, refunds: map[string]int{},
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}},
	}
	bank, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.bank = "http://" + bank.Addr().String()
	go func() {
		_ = (&http.Server{Handler: http.HandlerFunc(s.refund), ReadHeaderTimeout: time.Second}).Serve(bank)
	}()
	for _, name := range names {
		p := &process{name: name, dir: filepath.Join(dir, name)}
		for _, addr := range []*string{&p.http, &p.nats} {
			if *addr, err = freeAddress(); err != nil {
				return nil, err
			}
		}
		s.regions[name] = p
	}
	for _, from := range names {
		s.links[from] = map[string]*link{}
		for _, to := range names {
			if from != to {
				if s.links[from][to], err = newLink(s.regions[to].nats); err != nil {
					return nil, err
				}
			}
		}
	}
	return s, nil
}

// freeAddress returns an address that nobody listens at.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts a region, with more arguments if there are any, and waits until
// it answers.
func (s *supervisor) start(ctx context.Context, name string, more ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.mu.Lock()
	p := s.regions[name]
	args := []string{"region", "-name", name, "-dir", p.dir, "-http", p.http, "-listen", p.nats, "-bank", s.bank}
	for to, l := range s.links[name] {
		args = append(args, "-peer", to+"=nats://"+l.address())
	}
	cmd := exec.Command(self, append(append(args, s.extra...), more...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		s.mu.Unlock()
		return err
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	s.mu.Unlock()
	go func() {
		_ = cmd.Wait() // a region that was killed has nothing to say
		close(done)
	}()
	return s.await(ctx, name, done)
}

// startAll starts all regions at once.
func (s *supervisor) startAll(ctx context.Context) error {
	errs := make(chan error)
	for name := range s.regions {
		go func() { errs <- s.start(ctx, name) }()
	}
	var err error
	for range s.regions {
		err = errors.Join(err, <-errs)
	}
	return err
}

// await waits until a region answers.
func (s *supervisor) await(ctx context.Context, name string, done chan struct{}) error {
	for end := time.Now().Add(20 * time.Second); ; sleep(ctx, 20*time.Millisecond) {
		err := s.call(ctx, name, http.MethodGet, "/status", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-done:
			return fmt.Errorf("region %s has ended", name)
		default:
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("region %s does not answer: %w", name, err)
		}
	}
}

// stop ends a region: at once, as if its machine had failed, or in good order.
func (s *supervisor) stop(name string, sig os.Signal) {
	s.mu.Lock()
	p := s.regions[name]
	s.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// running reports whether a region runs.
func (s *supervisor) running(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.regions[name]
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stopAll ends all regions.
func (s *supervisor) stopAll() {
	var wg sync.WaitGroup
	for name := range s.regions {
		wg.Go(func() { s.stop(name, os.Interrupt) })
	}
	wg.Wait()
}

// A statusError is an answer that is no success.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.text) }

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
	q, err := http.NewRequestWithContext(ctx, method, "http://"+s.regions[name].http+path, in)
	if err != nil {
		return "", err
	}
	if match != "" {
		q.Header.Set("If-Match", match)
	}
	a, err := s.client.Do(q)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return "", err
	}
	if a.StatusCode/100 != 2 {
		return "", &statusError{a.StatusCode, strings.TrimSpace(string(text))}
	}
	if into == nil {
		return a.Header.Get("ETag"), nil
	}
	return a.Header.Get("ETag"), json.Unmarshal(text, into)
}

// refund is the bank: it pays a payment back once, however often it is asked.
func (s *supervisor) refund(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refunds[r.Header.Get("Idempotency-Key")]++
	w.WriteHeader(http.StatusNoContent)
}

// equal reports whether regions have the same rows, byte by byte.
func (s *supervisor) equal(ctx context.Context, names []string) (bool, digest, error) {
	var first digest
	for i, name := range names {
		var d digest
		if err := s.call(ctx, name, http.MethodGet, "/digest", nil, &d); err != nil {
			return false, d, err
		}
		if i == 0 {
			first = d
		}
		if d != first {
			return false, d, nil
		}
	}
	return true, first, nil
}

// awaitEqual waits until regions are equal, and returns how long it took.
func (s *supervisor) awaitEqual(ctx context.Context, names []string, limit time.Duration) (time.Duration, error) {
	start := time.Now()
	for {
		ok, _, err := s.equal(ctx, names)
		if ok {
			return time.Since(start), nil
		}
		if time.Since(start) > limit {
			return limit, errors.Join(errors.New("the regions do not become equal"), err)
		}
		sleep(ctx, 50*time.Millisecond)
	}
}
