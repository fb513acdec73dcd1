#!/usr/bin/env bash
# NATS JetStream, nats-server v2.15.2 (Go): after a restart a retry of an older write beats the newer one, within the
# duplicate window.
#
# One would guess: an id is remembered for the duplicate window, restarts included: the ids are a promise to publishers
#   that retry, and servers restart just when publishers retry.
# True: ids live in memory and are built anew from the messages that the stream still holds. Where a subject keeps its
#   last message only, as in a key-value bucket, the ids of replaced messages are forgotten by the restart. The late
#   retry of the first write is stored as a new message, and the subject reads the old value again.
# Source: docs.nats.io, JetStream model deep dive, message deduplication; the behaviour is seen by running it.
# Why users care: a rolling upgrade turns a harmless retry into a lost update, seconds after both writes were
#   acknowledged. Give the last sequence that the writer has seen (Nats-Expected-Last-Subject-Sequence) as well.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOWORK=off GOFLAGS=-mod=mod
cat >go.mod <<'EOT'
module run

go 1.26
EOT
go get github.com/nats-io/nats-server/v2@v2.15.2 github.com/nats-io/nats.go@v1.55.0 2>/dev/null

cat >main.go <<'EOT'
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func start() (*server.Server, *nats.Conn, jetstream.JetStream) {
	s := must(server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: "store", NoLog: true, NoSigs: true}))
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("server is not ready")
	}
	nc := must(nats.Connect(s.ClientURL()))
	return s, nc, must(jetstream.New(nc))
}

func main() {
	ctx := context.Background()
	begin := time.Now()
	s, nc, js := start()
	fmt.Println("nats-server", server.VERSION)
	publish := func(when, value, id string) {
		ack := must(js.Publish(ctx, "s.city", []byte(value), jetstream.WithMsgID(id)))
		last := must(must(js.Stream(ctx, "S")).GetLastMsgForSubject(ctx, "s.city"))
		fmt.Printf("%s: duplicate %t, subject reads %s\n", when, ack.Duplicate, last.Data)
	}
	window := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, MaxMsgsPerSubject: 1})).CachedInfo().Config.Duplicates
	publish("first write", "Lisbon", "1")
	publish("second write", "Porto", "2")
	publish("first write retried", "Lisbon", "1")
	nc.Close()
	s.Shutdown()
	s.WaitForShutdown()
	s, nc, js = start()
	publish("second write retried after a restart", "Porto", "2")
	publish("first write retried after a restart", "Lisbon", "1")
	fmt.Printf("all within the duplicate window of %v: %t\n", window, time.Since(begin) < window)
	nc.Close()
	s.Shutdown()
}
EOT

cat >want <<'EOT'
nats-server 2.15.2
first write: duplicate false, subject reads Lisbon
second write: duplicate false, subject reads Porto
first write retried: duplicate true, subject reads Porto
second write retried after a restart: duplicate true, subject reads Porto
first write retried after a restart: duplicate false, subject reads Lisbon
all within the duplicate window of 2m0s: true
EOT
go run . | tee got
diff want got
