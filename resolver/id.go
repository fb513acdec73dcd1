package resolver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// An ID names a conflict: a hash of the key and of the versions in conflict. It
// is the same in every region, and another one as soon as a version joins in or
// is replaced. It is a comparable value. Versions go into it by their stamps: with
// their content only where that of several with one stamp is known.
type ID [16]byte

// String returns id in hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// AppendText implements [encoding.TextAppender]. See [ID.String].
func (id ID) AppendText(b []byte) ([]byte, error) { return hex.AppendEncode(b, id[:]), nil }

// MarshalText implements [encoding.TextMarshaler]. See [ID.String].
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts what
// [ID.String] returns.
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
