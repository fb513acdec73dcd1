package sqltest_test

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

// postgres starts a private PostgreSQL and returns its URL. The server refuses to
// run as root, so that it needs root to change into the user that Debian's package
// has made.
func postgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	require.NoError(t, err)
	if len(found) == 0 || os.Getuid() != 0 {
		t.Skip("PostgreSQL is tested as root, where Debian's package postgresql is installed")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("/tmp", "sqltest") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, exec.Command("chown", "postgres", dir).Run())
	as := func(program string, args ...string) {
		t.Helper()
		out, err := exec.Command("runuser", append([]string{"-u", "postgres", "--", filepath.Join(bin, program)}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s: %s", program, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	require.NoError(t, free.Close())
	data := filepath.Join(dir, "data")
	as("initdb", "-D", data, "-A", "trust", "--no-sync")
	as("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1", port, dir), "start")
	t.Cleanup(func() { as("pg_ctl", "-D", data, "-m", "immediate", "stop") })
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", port)
}

// TestPostgres stores the states in columns of bytea and of jsonb, which knows no
// NUL and orders keys as it likes.
func TestPostgres(t *testing.T) {
	db, err := sql.Open("pgx", postgres(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for name, s := range states(t) {
		t.Run(name, func(t *testing.T) {
			_, err := db.Exec("DROP TABLE IF EXISTS blobs, texts; CREATE TABLE blobs (v bytea); CREATE TABLE texts (v jsonb)")
			require.NoError(t, err)
			storeState(t, db, "$1", s[0], s[1])
		})
	}
}
