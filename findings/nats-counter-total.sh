#!/usr/bin/env bash
# NATS JetStream counters, nats-server v2.15.2 (Go): emptying a region's stream takes its counts out of the global total
# at the next increment.
#
# One would guess: a total that a second stream has aggregated is kept there: purging, expiring or deleting messages of
#   the source frees space, and what was counted stays counted.
# True: an increment adds to the last message that is left, and the aggregate takes over the source's new total in place of
#   its old one. +10, a purge of the source, +5: both streams read 5, not 15. After the last message is deleted, its
#   increment is taken back in the same way; with a maximum age the count starts again after each quiet period.
# Source: nats-io/nats-architecture-and-design, ADR-49 (distributed counter CRDT); the behaviour is seen by running it.
# Why users care: an age limit or a cleaning job on one region's stream lowers totals in all others, silently and later.
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

func main() {
	ctx := context.Background()
	s := must(server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: "store", NoLog: true, NoSigs: true}))
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("server is not ready")
	}
	nc := must(nats.Connect(s.ClientURL()))
	js := must(jetstream.New(nc))
	fmt.Println("nats-server", server.VERSION)

	source := func(region string) *jetstream.StreamSource {
		return &jetstream.StreamSource{Name: region, SubjectTransforms: []jetstream.SubjectTransformConfig{{Source: region + ".>", Destination: "total.>"}}}
	}
	regions := map[string]jetstream.Stream{}
	for _, region := range []string{"eu", "us"} {
		regions[region] = must(js.CreateStream(ctx, jetstream.StreamConfig{Name: region, Subjects: []string{region + ".>"}, AllowMsgCounter: true, AllowDirect: true}))
	}
	total := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "total", AllowMsgCounter: true, AllowDirect: true, Sources: []*jetstream.StreamSource{source("eu"), source("us")}}))

	add := func(region, n string) string {
		before := must(total.Info(ctx)).State.LastSeq
		m := nats.NewMsg(region + ".hits")
		m.Header.Set("Nats-Incr", n)
		ack := must(js.PublishMsg(ctx, m))
		for must(total.Info(ctx)).State.LastSeq == before {
			time.Sleep(20 * time.Millisecond)
		}
		last := must(total.GetLastMsgForSubject(ctx, "total.hits"))
		return fmt.Sprintf("%s %s, total %s", region, ack.Value, last.Data)
	}
	fmt.Println("eu +10:", add("eu", "+10"))
	fmt.Println("us +4:", add("us", "+4"))
	if err := regions["eu"].Purge(ctx); err != nil {
		panic(err)
	}
	fmt.Println("eu purged, eu +5:", add("eu", "+5"))
	fmt.Println("eu +3:", add("eu", "+3"))
	if err := regions["eu"].DeleteMsg(ctx, must(regions["eu"].Info(ctx)).State.LastSeq); err != nil {
		panic(err)
	}
	fmt.Println("the +3 deleted, eu +1:", add("eu", "+1"))
	nc.Close()
	s.Shutdown()
}
EOT

cat >want <<'EOT'
nats-server 2.15.2
eu +10: eu 10, total {"val":"10"}
us +4: us 4, total {"val":"14"}
eu purged, eu +5: eu 5, total {"val":"9"}
eu +3: eu 8, total {"val":"12"}
the +3 deleted, eu +1: eu 6, total {"val":"10"}
EOT
go run . | tee got
diff want got
