#!/usr/bin/env bash
# Serf v0.10.2 (Go github.com/hashicorp/serf): two nodes send the same event at the same time, and the cluster delivers one.
#
# One would guess: a Lamport time is made unique by the name of its node; two events of two nodes are two events, and each
#   node that was sent both delivers both. Certainly if they are sent one after the other by the wall clock.
# True: an event is known by its Lamport time, name and payload, without the node. If neither sender has heard of the
#   other's, both have the same time, and the second one to arrive is dropped as a repeat, on every node and by the
#   senders themselves. Sent after the first has been heard, it is delivered; with other payloads, both are.
# Source: serf.io docs, internals, gossip protocol, on Lamport clocks and on user events; that equal ones of two nodes are
#   taken for one is seen by running it.
# Why users care: events that mean "one more" (one sold, a lock released, a build failed) get lost just when they are
#   concurrent, and no counter shows it; which tests on one node never do. Put the sender and a number into the payload.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
go mod init run >/dev/null 2>&1
go get github.com/hashicorp/serf/serf@v0.10.2 >/dev/null 2>&1

cat >main.go <<'EOT'
package main

import (
	"fmt"
	"io"
	"log"
	"slices"
	"time"

	"github.com/hashicorp/serf/serf"
)

type node struct {
	*serf.Serf
	events chan serf.Event
}

func start(name string) node {
	c := serf.DefaultConfig()
	c.NodeName = name
	c.LogOutput, c.Logger = nil, log.New(io.Discard, "", 0)
	c.MemberlistConfig.Logger = c.Logger
	c.MemberlistConfig.BindAddr, c.MemberlistConfig.BindPort = "127.0.0.1", 0
	c.MemberlistConfig.AdvertisePort = 0
	n := node{events: make(chan serf.Event, 100)}
	c.EventCh = n.events
	s, err := serf.Create(c)
	if err != nil {
		panic(err)
	}
	n.Serf = s
	return n
}

// delivered lists the events that n has delivered, until it is quiet.
func (n node) delivered() (list []string) {
	for {
		select {
		case e := <-n.events:
			if e, ok := e.(serf.UserEvent); ok {
				list = append(list, fmt.Sprintf("%s %s at %d", e.Name, e.Payload, e.LTime))
			}
		case <-time.After(3 * time.Second):
			slices.Sort(list)
			return list
		}
	}
}

func send(n node, payload string) {
	if err := n.UserEvent("sold", []byte(payload), false); err != nil {
		panic(err)
	}
}

func play(what, of1, of2 string, heard bool) {
	a, b := start("a"), start("b")
	join := func() {
		m := b.LocalMember()
		if _, err := a.Join([]string{fmt.Sprintf("%s:%d", m.Addr, m.Port)}, false); err != nil {
			panic(err)
		}
	}
	send(a, of1)
	if heard {
		join()
		time.Sleep(2 * time.Second)
	}
	send(b, of2)
	if !heard {
		join()
	}
	fmt.Printf("%s: a delivers %q, b %q\n", what, a.delivered(), b.delivered())
	a.Shutdown()
	b.Shutdown()
}

func main() {
	play("both send, then they meet", "one", "one", false)
	play("b has heard of a's", "one", "one", true)
	play("other payloads", "a: one", "b: one", false)
}
EOT

cat >want <<'EOT'
both send, then they meet: a delivers ["sold one at 1"], b ["sold one at 1"]
b has heard of a's: a delivers ["sold one at 1" "sold one at 2"], b ["sold one at 1" "sold one at 2"]
other payloads: a delivers ["sold a: one at 1" "sold b: one at 1"], b ["sold a: one at 1" "sold b: one at 1"]
EOT
go run . | tee got
diff want got
