package hlc_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
)

func openBound(tb testing.TB, path string) *hlc.BoundFile {
	tb.Helper()
	f, err := hlc.OpenBoundFile(path)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = f.Close() })
	return f
}

func TestBoundFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	require.Zero(t, must(f.Load()), "no file, no bound")
	for _, ts := range []hlc.Timestamp{1, hlc.At(noon), 0, hlc.Max} {
		require.NoError(t, f.Store(ts))
		require.Equal(t, ts, must(f.Load()))
	}
	require.Error(t, f.Store(hlc.Max+1))
	require.Equal(t, hlc.Max, must(f.Load()))

	require.NoError(t, f.Close())
	require.Equal(t, hlc.Max, must(openBound(t, path).Load()), "in the next life")
	_, err := f.Load()
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, f.Store(1), os.ErrClosed)
	require.ErrorIs(t, f.Close(), os.ErrClosed)
}

func TestBoundFileGolden(t *testing.T) {
	golden, err := os.ReadFile("testdata/bound.txt")
	require.NoError(t, err)
	const ts = hlc.Timestamp(1795435735123456789)
	require.Equal(t, string(golden), hlc.EncodeBound(ts))
	require.Equal(t, ts, must(hlc.DecodeBound(string(golden))))
}

// A file that has been cut or changed anywhere is an error, never a bound: a
// clock that starts from zero repeats itself.
func TestBoundFileDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	good := hlc.EncodeBound(hlc.At(noon))
	damaged := []string{good + "\n", good + good, strings.Repeat("\x00", len(good)), strings.Replace(good, "1", "2", 1), strings.ToUpper(good)}
	for i := range len(good) {
		damaged = append(damaged, good[:i], good[:i]+strings.Repeat("\x00", len(good)-i))
		for bit := range 8 {
			b := []byte(good)
			b[i] ^= 1 << bit
			damaged = append(damaged, string(b))
		}
	}
	for _, s := range damaged {
		require.NoError(t, os.WriteFile(path, []byte(s), 0o600))
		ts, err := f.Load()
		require.ErrorContains(t, err, "decode "+path, "%q", s)
		require.Zero(t, ts)
		_, err = (&hlc.Durable{Bound: f}).Now()
		require.ErrorContains(t, err, "hlc: load bound: decode "+path, "%q", s)
		require.Equal(t, s, string(must(os.ReadFile(path))), "evidence overwritten")
	}
}

func TestBoundFileDamageIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	good := hlc.EncodeBound(hlc.At(noon))
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"cut", good[:30], "cut off after 30 bytes, want 52"},
		{"trailing", good + "x", "more than 52 bytes"},
		{"something else", "PK\x03\x04", "not a bound file"},
		{"a later version", strings.Replace(good, " 1 ", " 2 ", 1), "unknown format version"},
		{"edited", strings.Replace(good, "2025", "2024", 1), "checksum does not match"},
		{"no time", strings.Replace(good, "T", " ", 1), "not of the form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := hlc.DecodeBound(tt.data)
			require.ErrorContains(t, err, tt.want)
			require.NoError(t, os.WriteFile(path, []byte(tt.data), 0o600))
			_, err = f.Load()
			require.ErrorContains(t, err, "decode "+path+": ")
			require.ErrorContains(t, err, tt.want)
			newer := tt.name == "a later version"
			require.Equal(t, newer, errors.Is(err, hlc.ErrVersion))
			require.Equal(t, !newer, errors.Is(err, hlc.ErrDamaged))
		})
	}
}

// What a crash can leave behind: a new file in any state of being written beside
// the old one, or none, or the new one in its place.
func TestBoundFileAfterCrash(t *testing.T) {
	older, newer := hlc.At(noon), hlc.At(noon.Add(time.Minute))
	for i := range len(hlc.EncodeBound(newer)) + 1 {
		path := filepath.Join(t.TempDir(), "clock")
		f := openBound(t, path)
		require.NoError(t, os.WriteFile(path+".tmp", []byte(hlc.EncodeBound(newer)[:i]), 0o600))
		require.Zero(t, must(f.Load()), "the first store never finished")
		require.NoError(t, f.Store(older))
		require.NoError(t, os.WriteFile(path+".tmp", []byte(hlc.EncodeBound(newer)[:i]), 0o600))
		require.Equal(t, older, must(f.Load()))
		require.NoError(t, f.Store(newer))
		require.Equal(t, newer, must(f.Load()))
		require.NoError(t, f.Close())
	}
}

// A store that fails leaves the old bound readable.
func TestBoundFileStoreFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	require.NoError(t, f.Store(5))
	require.NoError(t, os.Mkdir(path+".tmp", 0o700), "a directory in the way")
	require.Error(t, f.Store(6))
	require.Equal(t, hlc.Timestamp(5), must(f.Load()))
	require.NoError(t, os.Remove(path+".tmp"))

	if _, err := os.Stat("/dev/full"); err == nil {
		require.NoError(t, os.Symlink("/dev/full", path+".tmp"))
		require.ErrorContains(t, f.Store(6), "no space left")
		require.Equal(t, hlc.Timestamp(5), must(f.Load()))
		require.NoError(t, os.Remove(path+".tmp"))
	}
	require.NoError(t, f.Store(6))
}

// A path that is no file is an error, and so is a file that turns into none.
func TestBoundFilePathInUseOtherwise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err := f.Load()
	require.Error(t, err)
	require.Error(t, f.Store(1))
	_, err = hlc.OpenBoundFile(path)
	require.ErrorContains(t, err, "not a regular file")

	_, err = hlc.OpenBoundFile(filepath.Join(t.TempDir(), "missing", "clock"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "hlc: open bound file: ")
}

func TestBoundFileInUse(t *testing.T) {
	skipWithoutLock(t)
	path := filepath.Join(t.TempDir(), "clock")
	f := openBound(t, path)
	_, err := hlc.OpenBoundFile(path)
	require.ErrorIs(t, err, hlc.ErrBoundInUse)
	require.EqualError(t, err, "hlc: bound file in use: "+path)
	require.NoError(t, f.Close())
	openBound(t, path)
}

// A lock that cannot be opened is not one that somebody holds: waiting for its
// holder would not help.
func TestBoundFileWithoutItsLock(t *testing.T) {
	skipWithoutLock(t)
	path := filepath.Join(t.TempDir(), "clock")
	require.NoError(t, os.Mkdir(path+".lock", 0o700))
	_, err := hlc.OpenBoundFile(path)
	require.Error(t, err)
	require.NotErrorIs(t, err, hlc.ErrBoundInUse)
	var pathError *os.PathError
	require.ErrorAs(t, err, &pathError)
	require.Contains(t, pathError.Path, "clock.lock")
}

// A clock stores its bound for as long as the process lives, and a process may
// have few files open.
func TestBoundFileClosesWhatItOpens(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("this system does not list the open files of a process")
		}
		return len(entries)
	}
	f := openBound(t, filepath.Join(t.TempDir(), "clock"))
	const stores = 50
	before := open()
	for i := range stores {
		require.NoError(t, f.Store(hlc.Timestamp(i+1)))
	}
	require.Less(t, open(), before+stores/2)
}

func skipWithoutLock(t *testing.T) {
	t.Helper()
	switch runtime.GOOS {
	case "darwin", "dragonfly", "freebsd", "linux", "netbsd", "openbsd", "windows":
	default:
		t.Skip("no file lock in the standard library for this system")
	}
}

// TestBoundFileOfOneName: after a change of the working directory, Load found no
// file at a relative path and took it for a bound of zero; through a symbolic
// link, a file in use could be opened a second time.
func TestBoundFileOfOneName(t *testing.T) {
	skipWithoutLock(t)
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need a privilege on Windows")
	}
	dir := t.TempDir()
	t.Chdir(dir)
	f := openBound(t, "clock")
	require.NoError(t, f.Store(hlc.At(noon)))
	require.NoError(t, os.Symlink("clock", "link"))
	require.NoError(t, os.Symlink("nowhere", "dangling"))
	require.NoError(t, os.Mkdir("sub", 0o755))
	require.NoError(t, os.Symlink("sub", "dir"))
	_, err := hlc.OpenBoundFile("link")
	require.ErrorIs(t, err, hlc.ErrBoundInUse)
	_, err = hlc.OpenBoundFile("dangling")
	require.ErrorContains(t, err, "symbolic link to no file")
	_, err = hlc.OpenBoundFile("sub")
	require.ErrorContains(t, err, "not a regular file")
	_, err = hlc.OpenBoundFile("")
	require.ErrorContains(t, err, "not a regular file")

	deep := openBound(t, filepath.Join("dir", "clock"))
	require.NoError(t, os.Remove("dir"))
	require.NoError(t, deep.Store(hlc.At(noon)+1))
	require.FileExists(t, filepath.Join(dir, "sub", "clock"))

	t.Chdir("sub")
	got, err := f.Load()
	require.NoError(t, err)
	require.Equal(t, hlc.At(noon), got)
	require.NoError(t, f.Close())
	got, err = openBound(t, filepath.Join(dir, "link")).Load()
	require.NoError(t, err)
	require.Equal(t, hlc.At(noon), got)
}

// A child process issues timestamps as fast as it can, storing its bound all the
// time, and is killed without warning; the next one has a wall clock a second
// slower. Over all lives, what a child has printed must increase.
func TestDurableKilledProcess(t *testing.T) {
	if os.Getenv("HLC_CHILD_BOUND") != "" {
		issueForever()
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "clock")
	deadline := time.Now().Add(1500 * time.Millisecond)
	issued, total, lives := hlc.Timestamp(0), 0, 0
	for ; lives < 5 || time.Now().Before(deadline); lives++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDurableKilledProcess$")
		cmd.Env = append(os.Environ(), "HLC_CHILD_BOUND="+path, fmt.Sprintf("HLC_CHILD_SLOW=%ds", lives))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())

		lines := bufio.NewReader(out)
		for n := 0; ; n++ {
			if n == 1+lives*lives%97*7 { // a different place in each life
				if lives == 2 && runtime.GOOS == "linux" {
					_, err := hlc.OpenBoundFile(path)
					require.ErrorIs(t, err, hlc.ErrBoundInUse, "the child holds the file")
				}
				require.NoError(t, cmd.Process.Kill())
			}
			line, err := lines.ReadString('\n')
			if err == io.EOF { //nolint:errorlint // ReadString returns it bare
				break
			}
			require.NoError(t, err)
			ts, err := strconv.ParseUint(strings.TrimSpace(line), 10, 63)
			require.NoError(t, err, "child: %s", line)
			require.Greater(t, hlc.Timestamp(ts), issued, "life %d", lives)
			issued = hlc.Timestamp(ts)
			total++
		}
		require.Error(t, cmd.Wait(), "killed")
	}
	t.Logf("%d timestamps in %d lives", total, lives)
}

// issueForever is the child: it prints each timestamp before it asks for the
// next, alternating between the calls that issue one.
func issueForever() {
	slow, err := time.ParseDuration(os.Getenv("HLC_CHILD_SLOW"))
	if err != nil {
		panic(err)
	}
	f, err := hlc.OpenBoundFile(os.Getenv("HLC_CHILD_BOUND"))
	if err != nil {
		panic(err)
	}
	c := &hlc.Durable{
		Bound:    f,
		Physical: func() time.Time { return time.Now().Add(-slow) },
		Window:   200 * time.Microsecond,
		MaxAhead: time.Hour,
	}
	last := must(c.Now())
	for i := 0; ; i++ {
		if _, err := fmt.Fprintln(os.Stdout, uint64(last)); err != nil {
			panic(err)
		}
		switch i % 3 {
		case 0:
			last = must(c.Now())
		case 1:
			last = must(c.Update(last + 100_000))
		case 2:
			last = must(c.Next(last))
		}
	}
}
