// The program activeactive is a shop in three regions, each of which goes on
// when the others cannot be reached:
//
//	go run -C examples/activeactive .
//
// starts them, and a page that shows what happens. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "activeactive:", err)
		os.Exit(1)
	}
}

// run is the program: one region, or three regions and the page.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "region" {
		return runRegionCommand(ctx, args[1:])
	}
	flags := flag.NewFlagSet("activeactive", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "where the page is")
	dir := flags.String("dir", "", "where the regions keep their files (default a temporary directory)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		temp, err := os.MkdirTemp("", "activeactive")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		*dir = temp
	}
	return show(ctx, *dir, *listen)
}

// runRegionCommand runs one region, as the supervisor starts it, or as it runs
// against a NATS cluster and a PostgreSQL that are there already.
func runRegionCommand(ctx context.Context, args []string) error {
	c := config{peers: map[string]string{}}
	flags := flag.NewFlagSet("region", flag.ContinueOnError)
	flags.StringVar(&c.name, "name", "", "name of the region")
	flags.StringVar(&c.dir, "dir", "", "directory of its files")
	flags.StringVar(&c.listen, "http", "127.0.0.1:8081", "where its API is")
	flags.StringVar(&c.db, "db", "", "postgres://… or a file (default a file in -dir)")
	flags.StringVar(&c.nats, "nats", "", "URL of a NATS server with JetStream (default: start one)")
	flags.StringVar(&c.natsAddr, "listen", "127.0.0.1:4222", "where the NATS server listens that it starts")
	flags.StringVar(&c.bank, "bank", "", "URL that is asked for refunds")
	flags.DurationVar(&c.syncEvery, "sync", 2*time.Second, "how often stores are compared")
	flags.BoolVar(&c.explain, "explain", false, "keep events for the page")
	flags.BoolVar(&c.plain, "plain", false, "overwrite values, without the library")
	flags.BoolVar(&c.skipLog, "skiplog", false, "start with the end of the streams of peers")
	flags.BoolVar(&c.noSync, "nosync", false, "never compare stores")
	profile := flags.Bool("cpuprofile", false, "write a CPU profile into -dir")
	verbose := flags.Bool("v", false, "log more")
	flags.Func("peer", "another region, as in us=nats://host:4222; may be repeated", func(s string) error {
		name, url, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want name=url")
		}
		c.peers[name] = url
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.name == "" || c.dir == "" {
		return errors.New("region: -name and -dir are needed")
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if *profile {
		f, err := os.Create(filepath.Join(c.dir, "cpu.profile"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelInfo
	}
	return runRegion(ctx, c, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
}
