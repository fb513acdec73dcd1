package main

import (
	"io"
	"net"
	"sync"
)

// A link is the way from one region to the server of another: a TCP proxy that
// can be cut.
type link struct {
	net.Listener
	to string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// newLink opens a link to an address.
func newLink(to string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	k := &link{Listener: l, to: to, conns: map[net.Conn]bool{}}
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
		go func() {
			defer k.end(from)
			to, err := net.Dial("tcp", k.to)
			if err != nil {
				return
			}
			defer k.end(to)
			if k.keep(from, to) {
				go func() {
					_, _ = io.Copy(to, from) // the other side sees the end
					_ = to.Close()
				}()
				_, _ = io.Copy(from, to)
			}
		}()
	}
}

// keep notes both sides of a connection, to be closed when the link is cut.
func (k *link) keep(sides ...net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range sides {
		k.conns[c] = true
	}
	return !k.cut
}

func (k *link) end(c net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
	_ = c.Close()
}

// set cuts or heals the link.
func (k *link) set(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = cut
	if cut {
		for c := range k.conns {
			_ = c.Close()
		}
	}
}

func (k *link) isCut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cut
}
