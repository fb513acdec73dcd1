package resolver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// An ID names a conflict: a hash of the key and of the stamps of the versions,
// and the content of several with one stamp. It is the same in every region,
// and another one as soon as a version joins in or is replaced. It is
// comparable.
type ID [16]byte

// String returns id in lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// AppendText implements [encoding.TextAppender]: what [ID.String] returns.
func (id ID) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, id[:]), nil }

// MarshalText implements [encoding.TextMarshaler]: what [ID.String] returns.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) error {
	p, err := hex.DecodeString(string(text))
	if err != nil || len(p) != len(id) || hex.EncodeToString(p) != string(text) {
		return wire.Damaged(fmt.Errorf("resolver: decode ID: %.64q is not %d lower-case hexadecimal digits", text, 2*len(id)))
	}
	copy(id[:], p)
	return nil
}

// hashID returns the first half of the SHA-256 of p.
func hashID(p []byte) ID {
	sum := sha256.Sum256(p)
	return ID(sum[:len(ID{})])
}
