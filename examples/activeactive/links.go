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
			to, err := net.Dial("tcp", k.to)
			if err != nil || !k.keep(from, to) {
				_ = from.Close()
				return
			}
			go k.carry(to, from)
			k.carry(from, to)
		}()
	}
}

// carry copies one way, and closes both sides when one has ended.
func (k *link) carry(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = from.Close(), to.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, from)
}

// keep notes both sides of a connection, unless the link is cut.
func (k *link) keep(from, to net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut {
		_ = to.Close()
		return false
	}
	k.conns[from], k.conns[to] = true, true
	return true
}

// set cuts or heals the link.
func (k *link) set(cut bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = cut
	for c := range k.conns {
		if cut {
			_ = c.Close()
		}
	}
}

func (k *link) isCut() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cut
}
