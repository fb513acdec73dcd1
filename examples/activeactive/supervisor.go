package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A supervisor runs regions as processes, with links between them that it can cut. It knows nothing
// of their data.
type supervisor struct {
	extra   []string // arguments for every region
	bank    string
	regions map[string]*process
	links   map[[2]string]*link // by who asks, and whom

	mu      sync.Mutex
	refunds map[string]int // what the bank has paid back, and how often it was asked
}

// A process is one region.
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
	go func() { _ = http.Serve(bank, http.HandlerFunc(s.refund)) }()
	s.bank = "http://" + bank.Addr().String()
	for _, name := range names {
		s.regions[name] = &process{dir: filepath.Join(dir, name)}
	}
	for from := range s.regions {
		for to, p := range s.regions {
			if from != to && err == nil {
				s.links[[2]string{from, to}], err = newLink(func() string { _, nats, _ := p.at(); return nats })
			}
		}
	}
	return s, err
}

// start starts a region, with more arguments if there are any, and waits until it says where it
// listens.
func (s *supervisor) start(name string, more ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
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
	// One that does not start in a minute shows what it is at.
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) }).Stop()
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

// startAll starts all regions at once.
func (s *supervisor) startAll() error {
	errs := make(chan error)
	for name := range s.regions {
		go func() { errs <- s.start(name) }()
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
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig) // it may have ended
		defer time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() }).Stop()
		<-p.done
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

// at returns where a region listens, and whether it runs.
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

// refund is the bank: it pays a payment back once, however often it is asked.
func (s *supervisor) refund(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refunds[r.Header.Get("Idempotency-Key")]++
	w.WriteHeader(http.StatusNoContent)
}

// A link is the way from one region to the server of another: a TCP proxy that can be cut.
type link struct {
	net.Listener
	to func() string // an address, another one each time that the region starts

	mu   sync.Mutex
	up   context.Context // ends when the link is cut
	down context.CancelFunc
}

// newLink opens a link.
func newLink(to func() string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	k := &link{Listener: l, to: to}
	k.up, k.down = context.WithCancel(context.Background())
	if err == nil {
		go k.run()
	}
	return k, err
}

func (k *link) run() {
	for {
		from, err := k.Accept()
		if err != nil {
			return
		}
		go k.carry(from)
	}
}

// carry copies both ways until one side ends or the link is cut.
func (k *link) carry(from net.Conn) {
	defer from.Close()
	k.mu.Lock()
	ctx, end := context.WithCancel(k.up)
	k.mu.Unlock()
	defer end()
	to, err := new(net.Dialer).DialContext(ctx, "tcp", k.to())
	if err != nil {
		return
	}
	defer to.Close()
	for _, way := range [][2]net.Conn{{to, from}, {from, to}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			end()
		}()
	}
	<-ctx.Done()
}

// set cuts or heals the link.
func (k *link) set(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if cut {
		k.down()
	} else if k.up.Err() != nil {
		k.up, k.down = context.WithCancel(context.Background())
	}
}

func (k *link) isCut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.up.Err() != nil
}
