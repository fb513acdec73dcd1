// The program activeactive is a shop in three regions, each of which goes on
// when the others cannot be reached:
//
//	go run -C examples/activeactive .             # the regions, and a page that shows them
//	go run -C examples/activeactive . -load 20s   # write, break things, read everything back
//
// See README.md.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signalled()
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "activeactive:", err)
		os.Exit(1)
	}
}

// signalled returns a context that ends when the program is to end.
func signalled() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// run is the program: one region, the driver, or three regions and the page.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "region" {
		c, err := parseRegion(args[1:], func(*flag.FlagSet) {})
		if err != nil {
			return err
		}
		return runRegion(ctx, c)
	}
	flags := flag.NewFlagSet("activeactive", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8080", "where the page is")
	dir := flags.String("dir", "", "where the regions keep their files (default a temporary directory)")
	load := flags.Duration("load", 0, "write and break things for so long, and print what came of it; more flags of the driver may follow")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *load > 0 {
		return runDriver(ctx, append([]string{"-load", load.String()}, flags.Args()...)...)
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

// runDriver runs the driver, which is a test of this module: see drive_test.go.
func runDriver(ctx context.Context, args ...string) error {
	args = append([]string{"test", "-count=1", "-timeout=0", "-run=^TestDriver$", "-args", "-table"}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// parseRegion reads the flags of one region, as the supervisor starts it, or as
// it runs against a NATS cluster and a PostgreSQL that are there already.
func parseRegion(args []string, more func(*flag.FlagSet)) (config, error) {
	c := config{peers: map[string]string{}}
	flags := flag.NewFlagSet("region", flag.ContinueOnError)
	flags.StringVar(&c.name, "name", "", "name of the region")
	flags.StringVar(&c.dir, "dir", "", "directory of its files")
	flags.StringVar(&c.listen, "http", "127.0.0.1:8081", "where its API is")
	flags.StringVar(&c.db, "db", "", "postgres://… or a file (default a file in -dir)")
	flags.StringVar(&c.nats, "nats", "", "URL of a NATS server with JetStream (default: start one)")
	flags.StringVar(&c.natsAddr, "listen", "127.0.0.1:4222", "where the NATS server listens that it starts")
	flags.StringVar(&c.bank, "bank", "", "URL that is asked for refunds")
	flags.DurationVar(&c.syncEvery, "sync", 2*time.Second, "how often stores are compared, never if negative")
	flags.BoolVar(&c.explain, "explain", false, "keep events for the page")
	flags.Func("peer", "another region, as in us=nats://host:4222; may be repeated", func(s string) error {
		name, url, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want name=url")
		}
		c.peers[name] = url
		return nil
	})
	flags.TextVar(&c.level, "log", slog.LevelWarn, "what is logged: debug, info, warn or error")
	more(flags)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if c.name == "" || c.dir == "" {
		return c, errors.New("region: -name and -dir are needed")
	}
	c.db = cmp.Or(c.db, c.dir+"/rows.db")
	return c, os.MkdirAll(c.dir, 0o700)
}
