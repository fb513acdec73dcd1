package main

import (
	"io"
	"net"
	"sync"
)

// A link is the way from one region to the server of another: a TCP proxy that
// can be cut.
type link struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// newLink opens a link to an address.
func newLink(to string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &link{listener: l, to: to, conns: map[net.Conn]bool{}}
	go k.run()
	return k, nil
}

func (k *link) address() string { return k.listener.Addr().String() }

func (k *link) run() {
	for {
		from, err := k.listener.Accept()
		if err != nil {
			return
		}
		go k.carry(from)
	}
}

// carry copies both ways until one side ends or the link is cut.
func (k *link) carry(from net.Conn) {
	defer from.Close()
	if !k.keep(from) {
		return
	}
	defer k.drop(from)
	to, err := net.Dial("tcp", k.to)
	if err != nil {
		return
	}
	defer to.Close()
	if !k.keep(to) {
		return
	}
	defer k.drop(to)
	done := make(chan struct{}, 2)
	copyTo := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src) // the other side sees the end
		done <- struct{}{}
	}
	go copyTo(to, from)
	go copyTo(from, to)
	<-done
}

func (k *link) keep(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut {
		return false
	}
	k.conns[c] = true
	return true
}

func (k *link) drop(c net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.conns, c)
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
