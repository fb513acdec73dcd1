#!/usr/bin/env bash
# NATS JetStream, nats-server v2.15.2 (Go): a message that was deleted or purged is acknowledged when it is published
# again, and not stored.
#
# One would guess: a duplicate is a message that the stream already holds; after a purge or a delete of the message a
#   publisher that sends it again puts it back. Certainly "stored as sequence 1" means that sequence 1 can be read.
# True: ids are remembered for the duplicate window (two minutes unless set) whatever becomes of the messages. The
#   acknowledgement names a sequence that is gone and the stream stays empty. Of a counter, the increment after a purge
#   is not counted. After a restart of the server the same message is stored, as ids are then read from the
#   messages that are left.
# Source: docs.nats.io, JetStream model deep dive, message deduplication; the behaviour is seen by running it.
# Why users care: "purge and replay", the repair that everybody knows, loses what was published in the last two minutes,
#   with an acknowledgement for each message. Look at the Duplicate flag of the acknowledgement, or use new ids.
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
	s, nc, js := start()
	fmt.Println("nats-server", server.VERSION)
	stream := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}))
	publish := func(when, id string) {
		ack := must(js.Publish(ctx, "s.orders", []byte("order"), jetstream.WithMsgID(id)))
		info := must(stream.Info(ctx))
		fmt.Printf("%s: acknowledged as sequence %d, duplicate %t; stream holds %d\n", when, ack.Sequence, ack.Duplicate, info.State.Msgs)
	}
	publish("order 1", "1")
	if err := stream.Purge(ctx); err != nil {
		panic(err)
	}
	publish("order 1 after a purge", "1")
	publish("order 2", "2")
	if err := stream.DeleteMsg(ctx, 2); err != nil {
		panic(err)
	}
	publish("order 2 after its delete", "2")

	counter := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "C", Subjects: []string{"c.>"}, AllowMsgCounter: true, AllowDirect: true}))
	add := func(n, id string) string {
		m := nats.NewMsg("c.hits")
		m.Header.Set("Nats-Incr", n)
		m.Header.Set("Nats-Msg-Id", id)
		return must(js.PublishMsg(ctx, m)).Value
	}
	add("+5", "a")
	if err := counter.Purge(ctx); err != nil {
		panic(err)
	}
	add("+5", "a")
	fmt.Println("counter: +5, purge, +5 under the same id, +2 reads", add("+2", "b"))

	nc.Close()
	s.Shutdown()
	s.WaitForShutdown()
	s, nc, js = start()
	stream = must(js.Stream(ctx, "S"))
	publish("order 1 after a restart", "1")
	nc.Close()
	s.Shutdown()
}
EOT

cat >want <<'EOT'
nats-server 2.15.2
order 1: acknowledged as sequence 1, duplicate false; stream holds 1
order 1 after a purge: acknowledged as sequence 1, duplicate true; stream holds 0
order 2: acknowledged as sequence 2, duplicate false; stream holds 1
order 2 after its delete: acknowledged as sequence 2, duplicate true; stream holds 0
counter: +5, purge, +5 under the same id, +2 reads 2
order 1 after a restart: acknowledged as sequence 3, duplicate false; stream holds 1
EOT
go run . | tee got
diff want got
