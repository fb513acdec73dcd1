//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package hlc

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openLocked opens the file at path, creating it if need be, and locks it until
// it is closed. It returns nil if the file is locked already.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	closeErr := f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, closeErr
	}
	return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
}
