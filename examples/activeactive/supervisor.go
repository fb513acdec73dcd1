package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// A supervisor runs regions as processes, with links between them that it can
// cut. It knows nothing of their data.
type supervisor struct {
	dir     string
	extra   []string // arguments for every region
	bank    string
	regions map[string]*process
	links   map[[2]string]*link // by who asks, and whom
	mu      sync.Mutex
	refunds map[string]int // what the bank has paid back, and how often it was asked
}

// A process is one region.
type process struct {
	name, dir, http, nats string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// newSupervisor makes regions of the given names. They are not started yet.
func newSupervisor(dir string, names []string, extra ...string) (*supervisor, error) {
	s := &supervisor{dir: dir, extra: extra, regions: map[string]*process{}, links: map[[2]string]*link{}, refunds: map[string]int{}}
	bank, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.bank = "http://" + bank.Addr().String()
	go func() {
		_ = (&http.Server{Handler: http.HandlerFunc(s.refund), ReadHeaderTimeout: time.Second}).Serve(bank)
	}()
	for _, name := range names {
		p := &process{name: name, dir: filepath.Join(dir, name), done: make(chan struct{})}
		close(p.done)
		if p.http, err = freeAddress(); err == nil {
			p.nats, err = freeAddress()
		}
		if err != nil {
			return nil, err
		}
		s.regions[name] = p
	}
	for from := range s.regions {
		for to, p := range s.regions {
			if from != to {
				if s.links[[2]string{from, to}], err = newLink(p.nats); err != nil {
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
	p := s.regions[name]
	args := []string{"region", "-name", name, "-dir", p.dir, "-http", p.http, "-listen", p.nats, "-bank", s.bank}
	for way, l := range s.links {
		if way[0] == name {
			args = append(args, "-peer", way[1]+"=nats://"+l.Addr().String())
		}
	}
	cmd, done := exec.Command(self, append(append(args, s.extra...), more...)...), make(chan struct{})
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // a region that was killed has nothing to say
		close(done)
	}()
	p.mu.Lock()
	p.cmd, p.done = cmd, done
	p.mu.Unlock()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && p.running() && ctx.Err() == nil; sleep(ctx, 20*time.Millisecond) {
		if a, err := http.Get("http://" + p.http + "/status"); err == nil {
			return a.Body.Close()
		}
	}
	return fmt.Errorf("region %s does not answer", name)
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

// stop ends a region: at once, as if its machine had failed, or in good order.
func (s *supervisor) stop(name string, sig os.Signal) {
	p := s.regions[name]
	p.mu.Lock()
	defer p.mu.Unlock()
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
func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
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

// refund is the bank: it pays a payment back once, however often it is asked.
func (s *supervisor) refund(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refunds[r.Header.Get("Idempotency-Key")]++
	w.WriteHeader(http.StatusNoContent)
}
