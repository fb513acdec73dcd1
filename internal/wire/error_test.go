package wire_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// TestErrors: an error of a decoder is exactly one of the four.
func TestErrors(t *testing.T) {
	version := wire.NewReader([]byte{2})
	version.Version(1)
	short := wire.NewReader([]byte{1})
	short.Version(1)
	short.Byte()
	other := wire.NewReader([]byte{1})
	other.Fail("%w", wire.OfType("holds a %s", "Set"))
	unreadable := wire.NewReader([]byte{1})
	unreadable.Fail("key: %w", wire.ErrUnreadable)
	for _, tt := range []struct {
		err  error
		want error
		text string
	}{
		{version.Err(), wire.ErrVersion, "offset 0: unknown format version 2, want 1"},
		{short.Err(), wire.ErrDamaged, "offset 1: unexpected end of input"},
		{short.Close(), wire.ErrDamaged, "offset 1: unexpected end of input"},
		{other.Err(), wire.ErrType, "offset 0: holds a Set"},
		{unreadable.Err(), wire.ErrUnreadable, "offset 0: key: unreadable value"},
		{wire.Damaged(errors.New("no JSON")), wire.ErrDamaged, "no JSON"},
		{wire.Damaged(fmt.Errorf("decode: %w", version.Err())), wire.ErrVersion, "decode: offset 0: unknown format version 2, want 1"},
	} {
		require.EqualError(t, tt.err, tt.text)
		for _, e := range []error{wire.ErrVersion, wire.ErrType, wire.ErrDamaged, wire.ErrUnreadable} {
			require.Equal(t, errors.Is(e, tt.want), errors.Is(tt.err, e), "%v: %v", tt.err, e)
		}
	}
	require.NoError(t, wire.Damaged(nil))
	once := wire.Damaged(errors.New("no JSON"))
	require.Equal(t, once, wire.Damaged(once), "it is said once")
}
