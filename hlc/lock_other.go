//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package hlc

import "os"

// openLocked opens the file at path, creating it if need be. The standard
// library has no lock to offer on this system.
func openLocked(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
}
