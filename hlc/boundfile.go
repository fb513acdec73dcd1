package hlc

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// ErrBoundInUse is returned by [OpenBoundFile] for a file that is open already.
var ErrBoundInUse = errors.New("hlc: bound file in use")

// A BoundFile is a [Bound] in a file. Store writes a new file, syncs it,
// renames it over the old one and syncs the directory, so a crash leaves the
// old bound or the new one. A file that is neither, because someone cut or
// edited it, is an error to Load and not zero. The file is one line of text, 52
// bytes, for an operator to read:
//
//	bytes  content
//	12     "hlc-bound 1 ", 1 being the version of the format
//	30     the bound, in the form of [Timestamp.String]
//	1      space
//	8      CRC-32 (IEEE) of the 42 bytes before the space, in lower-case hexadecimal
//	1      line feed
//
// Next to the file at path are path.lock, locked while it is open, and
// path.tmp, the file being written. A BoundFile is not safe for concurrent use.
// Store costs a file creation and two syncs, milliseconds on most disks.
type BoundFile struct {
	path string
	lock *os.File // nil once closed
}

// OpenBoundFile opens the bound file at path, whose directory must exist. There
// need not be a file: a [Durable] creates it before it issues a timestamp.
// Symbolic links and the working directory count as they are now.
//
// If the file is open already, in this process or another, the error matches
// [ErrBoundInUse]. The lock ends with its process, however that ends. It is
// there on Linux, macOS, the BSDs and Windows; elsewhere, and on network file
// systems without locks, keep a second process away yourself.
func OpenBoundFile(path string) (*BoundFile, error) {
	resolved, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("hlc: open bound file: %w", err)
	}
	lock, err := openLocked(resolved + ".lock")
	if err != nil {
		return nil, fmt.Errorf("hlc: open bound file: %w", err)
	}
	if lock == nil {
		return nil, fmt.Errorf("%w: %s", ErrBoundInUse, path)
	}
	return &BoundFile{path: resolved, lock: lock}, nil
}

// resolve returns an absolute path without symbolic links to the file at path,
// or to where it will be. If the path led elsewhere later, Load would find no
// file there and take it for a bound of zero.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err == nil {
		if !info.Mode().IsRegular() {
			return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
		}
		return filepath.EvalSymlinks(abs)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if _, err := os.Lstat(abs); err == nil {
		return "", &fs.PathError{Op: "open", Path: path, Err: errors.New("symbolic link to no file")}
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	return filepath.Join(dir, filepath.Base(abs)), err
}

// Close unlocks the file. All methods then return an error matching
// [os.ErrClosed].
func (f *BoundFile) Close() error {
	if f.lock == nil {
		return f.closedError("close")
	}
	lock := f.lock
	f.lock = nil
	return lock.Close()
}

// Load implements [Bound]. It returns zero if there is no file, and an error if
// the file is not one that Store wrote.
func (f *BoundFile) Load() (Timestamp, error) {
	if f.lock == nil {
		return 0, f.closedError("load")
	}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(io.LimitReader(file, int64(boundSize+1)))
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	t, err := decodeBound(string(data))
	if err != nil {
		return 0, &fs.PathError{Op: "decode", Path: f.path, Err: wire.Damaged(err)}
	}
	return t, nil
}

// Store implements [Bound].
func (f *BoundFile) Store(t Timestamp) error {
	if f.lock == nil {
		return f.closedError("store")
	}
	if t > Max {
		return aboveMax("store", uint64(t))
	}
	tmp := f.path + ".tmp"
	if err := writeSynced(tmp, encodeBound(t)); err != nil {
		return err
	}
	if err := os.Rename(tmp, f.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

func (f *BoundFile) closedError(op string) error {
	return &fs.PathError{Op: op, Path: f.path, Err: os.ErrClosed}
}

const (
	boundMagic = "hlc-bound "
	boundHead  = boundMagic + "1 "
	boundSize  = len(boundHead) + len(layout) + len(" 01234567\n")
)

func encodeBound(t Timestamp) string {
	s := boundHead + t.String()
	return fmt.Sprintf("%s %08x\n", s, crc32.ChecksumIEEE([]byte(s)))
}

func decodeBound(s string) (Timestamp, error) {
	switch {
	case s == "":
		return 0, errors.New("the file is empty")
	case strings.HasPrefix(s, boundMagic) && !strings.HasPrefix(s, boundHead):
		return 0, wire.ErrVersion
	case !strings.HasPrefix(s, boundHead):
		return 0, errors.New("not a bound file")
	case len(s) < boundSize:
		return 0, fmt.Errorf("cut off after %d bytes, want %d", len(s), boundSize)
	case len(s) > boundSize:
		return 0, fmt.Errorf("more than %d bytes", boundSize)
	}
	t, err := Parse(s[len(boundHead):][:len(layout)])
	if err != nil {
		return 0, err
	}
	if encodeBound(t) != s {
		return 0, errors.New("checksum does not match")
	}
	return t, nil
}

// writeSynced creates or replaces the file at path and returns once its content
// is on disk.
func writeSynced(path, content string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteString(content); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir returns once the names in dir are on disk. Windows has no such call.
func syncDir(dir string) (err error) {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}
