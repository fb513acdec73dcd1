package wire_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A column notes which of its decoders was asked, and fails if it is told to.
type column struct {
	asked string
	data  string
	fails error
}

func (c *column) UnmarshalBinary(data []byte) error {
	c.asked, c.data = "binary", string(data)
	return c.fails
}

func (c *column) UnmarshalJSON(data []byte) error {
	c.asked, c.data = "json", string(data)
	return c.fails
}

// TestScan takes what a driver returns for JSON, white space before it included, to one
// decoder, and all else to the other, as it is.
func TestScan(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`: "json", `[1]`: "json", " \t\r\n{}": "json", "\n[": "json", "{": "json",
		"": "binary", " ": "binary", "\x01{": "binary", "z": "binary", "\\": "binary", "|": "binary", "Z": "binary", "]": "binary", "}": "binary", "\v{": "binary",
	} {
		for _, src := range []any{text, []byte(text)} {
			var c column
			require.NoError(t, wire.Scan("pkg: scan Type", src, &c))
			require.Equal(t, column{want, text, nil}, c, "%q", text)
			c.fails = errors.New("no")
			require.Equal(t, c.fails, wire.Scan("pkg: scan Type", src, &c), "%q", text)
		}
	}
	var c column
	require.EqualError(t, wire.Scan("pkg: scan Type", nil, &c), "pkg: scan Type: NULL; a nullable column takes sql.Null")
	require.EqualError(t, wire.Scan("pkg: scan Type", []byte(nil), &c), "pkg: scan Type: NULL; a nullable column takes sql.Null")
	require.EqualError(t, wire.Scan("pkg: scan Type", `\x0102`, &c), `pkg: scan Type: the text \x…, as which PostgreSQL shows bytes; scan the bytes, without a cast to text`)
	require.EqualError(t, wire.Scan("pkg: scan Type", 7, &c), "pkg: scan Type: int is neither bytes nor text")
	require.Empty(t, c.asked)
}
