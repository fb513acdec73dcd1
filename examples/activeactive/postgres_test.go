package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// postgres starts a private cluster with a database for each name, and returns
// their URLs. The server refuses to run as root, so that it needs root to change
// into the user that Debian's package has made.
func postgres(t *testing.T, names ...string) map[string]string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	if len(found) == 0 || os.Getuid() != 0 {
		t.Skip("PostgreSQL is tested as root, where Debian's package postgresql is installed")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("/tmp", "activeactive")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := func(program string, args ...string) {
		t.Helper()
		out, err := exec.Command("runuser", append([]string{"-u", "postgres", "--", filepath.Join(bin, program)}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", program, out)
	}
	require.NoError(t, exec.Command("chown", "postgres", dir).Run())
	data := filepath.Join(dir, "data")
	as("initdb", "-D", data, "-A", "trust", "--no-sync")
	// It listens at a socket in dir alone: there is no port that somebody else may have.
	as("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", "-c listen_addresses='' -k "+dir, "start")
	t.Cleanup(func() { as("pg_ctl", "-D", data, "-m", "immediate", "stop") })
	urls := map[string]string{}
	for _, name := range names {
		as("createdb", "-h", dir, name)
		urls[name] = fmt.Sprintf("postgres:///%s?host=%s&user=postgres", name, dir)
	}
	return urls
}

// TestPostgres runs the shape of production: databases and a NATS server that
// are there already.
func TestPostgres(t *testing.T) {
	names := []string{"ap", "eu", "us"}
	urls := postgres(t, names...)
	ns, err := startServer(t.TempDir(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(ns.Shutdown)
	s, err := newSupervisor(t.TempDir(), names, "-nats", ns.ClientURL(), "-sync", "300ms")
	require.NoError(t, err)
	t.Cleanup(s.stopAll)
	for _, name := range names {
		require.NoError(t, s.start(name, "-db", urls[name]))
	}
	done := make(chan error, 300)
	for i := range 300 {
		go func() {
			done <- s.call(t.Context(), names[i%3], http.MethodPost, fmt.Sprintf("/cart/%d/tea", i%20), amount{1}, nil)
		}()
	}
	for range 300 {
		require.NoError(t, <-done)
	}
	s.stop("eu", syscall.SIGKILL)
	require.NoError(t, s.start("eu", "-db", urls["eu"]))
	must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"city": "Porto"}, nil)
	equal(t, s)
	for i := range 20 {
		var lines []cartLine
		must(t, s, "us", http.MethodGet, fmt.Sprintf("/cart/%d", i), "", nil, &lines)
		require.Equal(t, int64(15), lines[0].Count)
	}
	require.Zero(t, incarnation(t, s, "eu"))

	// A second process on the same database: no write of either overwrites one of
	// the other, and what the first has in memory is found to be old.
	other, err := newSupervisor(t.TempDir(), []string{"eu"}, "-nats", ns.ClientURL(), "-sync", "-1s")
	require.NoError(t, err)
	t.Cleanup(other.stopAll)
	require.NoError(t, os.MkdirAll(other.regions["eu"].dir, 0o700))
	witness, err := os.ReadFile(filepath.Join(s.regions["eu"].dir, "witness"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(other.regions["eu"].dir, "witness"), witness, 0o600))
	require.NoError(t, other.start("eu", "-db", urls["eu"]))
	for i := range 200 {
		go func() {
			done <- []*supervisor{s, other}[i%2].call(t.Context(), "eu", http.MethodPost, "/cart/both/tea", amount{1}, nil)
		}()
	}
	for range 200 {
		require.NoError(t, <-done)
	}
	var lines []cartLine
	must(t, s, "eu", http.MethodGet, "/cart/both", "", nil, &lines)
	require.Equal(t, int64(200), lines[0].Count)
}
