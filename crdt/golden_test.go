package crdt_test

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden compares the encodings of x with testdata/name.txt, which holds the
// binary form in hexadecimal and the JSON form, one line each, and decodes them
// into y, which must have the same encodings again.
func golden(t *testing.T, name string, x, y interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	json.Marshaler
	json.Unmarshaler
},
) {
	t.Helper()
	forms := func() string {
		b, err := x.MarshalBinary()
		require.NoError(t, err)
		text, err := x.MarshalJSON()
		require.NoError(t, err)
		return fmt.Sprintf("%x\n%s\n", b, text)
	}
	file := filepath.Join("testdata", name+".txt")
	want, err := os.ReadFile(file)
	require.NoError(t, err, "want it to hold:\n%s", forms())
	require.Equal(t, string(want), forms(), "the encoding of a released version never changes")

	lines := bytes.Split(want, []byte("\n"))
	data, err := hex.DecodeString(string(lines[0]))
	require.NoError(t, err)
	x = y
	require.NoError(t, y.UnmarshalBinary(data))
	require.Equal(t, string(want), forms())
	require.NoError(t, y.UnmarshalJSON(lines[1]))
	require.Equal(t, string(want), forms())
}
