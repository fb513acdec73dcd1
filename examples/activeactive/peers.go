package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Each region has a NATS server of its own and is a client of all others. No server knows of another,
// so there is no loop to be refused, and each region goes on alone as long as it has to.

func streamName(region string) string { return "rejoin-" + region }
func logSubject(region string) string { return "rejoin." + region + ".log" }

// startServer starts the NATS server of a region inside this process. Port 0 is any that is free.
func startServer(dir, address string) (*server.Server, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(&server.Options{
		Host: at.IP.String(), Port: cmp.Or(at.Port, server.RANDOM_PORT), JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, MaxPayload: 8 << 20,
	})
	if err != nil {
		return nil, err
	}
	ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		ns.Shutdown()
		return nil, fmt.Errorf("the NATS server at %s does not start", address)
	}
	return ns, nil
}

type peer struct {
	name string
	conn *nats.Conn
	js   jetstream.JetStream
}

// dial connects to the server of a region and goes on trying for as long as it takes.
func dial(url, name, as string) (*peer, error) {
	conn, err := nats.Connect(url, nats.Name(as), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2), nats.ReconnectBufSize(-1))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	return &peer{name: name, conn: conn, js: js}, err
}

var errNoAnswer = errors.New("the region cannot be reached")

// ask sends a question to a peer and returns its answer.
func ask[A any](ctx context.Context, p *peer, what string, question any) (answer A, err error) {
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(question); err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	msg, err := p.conn.RequestWithContext(ctx, "rejoin."+p.name+".ask."+what, data.Bytes())
	if err != nil {
		return answer, fmt.Errorf("%s: %w: %w", p.name, errNoAnswer, err)
	}
	if text := msg.Header.Get("Error"); text != "" {
		return answer, fmt.Errorf("%s: %s", p.name, text)
	}
	err = gob.NewDecoder(bytes.NewReader(msg.Data)).Decode(&answer)
	return answer, err
}

// serve answers the questions of peers, each in a goroutine, as some of them wait for a commit.
func serve[Q, A any](ctx context.Context, at *peer, what string, answer func(context.Context, Q) (A, error)) error {
	_, err := at.conn.Subscribe("rejoin."+at.name+".ask."+what, func(msg *nats.Msg) {
		go func() {
			reply := nats.NewMsg(msg.Reply)
			var q Q
			var a A
			var data bytes.Buffer
			err := gob.NewDecoder(bytes.NewReader(msg.Data)).Decode(&q)
			if err == nil {
				a, err = answer(ctx, q)
			}
			if err == nil {
				err = gob.NewEncoder(&data).Encode(a)
			}
			if reply.Data = data.Bytes(); err != nil {
				reply.Header.Set("Error", err.Error())
			}
			_ = at.conn.PublishMsg(reply) // who asked asks again
		}()
	})
	return err
}
