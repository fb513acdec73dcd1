package vclock_test

import (
	"encoding"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// TestGolden pins the encodings of every type, in both directions. A failure
// means that stored data can no longer be read, or that old and new versions of
// a program no longer agree on bytes.
func TestGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/golden.txt")
	require.NoError(t, err)
	types := map[string]func() binaryType{
		"Dot":    func() binaryType { return new(vclock.Dot) },
		"Clock":  func() binaryType { return new(vclock.Clock) },
		"DotSet": func() binaryType { return new(vclock.DotSet) },
		"DVV":    func() binaryType { return new(vclock.DVV) },
		"DVVSet": func() binaryType { return new(siblings) },
		"Matrix": func() binaryType { return new(vclock.Matrix) },
	}
	covered := map[string]bool{}
	for line := range strings.Lines(string(file)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, field, 4, "%q", line)
		name, wantJSON, wantBinary := field[0], field[2], field[3]
		t.Run(name+", "+field[1], func(t *testing.T) {
			fromJSON, fromBinary := types[name](), types[name]()
			require.NoError(t, json.Unmarshal([]byte(wantJSON), fromJSON))
			b, err := fromJSON.MarshalBinary()
			require.NoError(t, err)
			require.Equal(t, wantBinary, hex.EncodeToString(b))

			require.NoError(t, fromBinary.UnmarshalBinary(b))
			j, err := json.Marshal(fromBinary)
			require.NoError(t, err)
			require.Equal(t, wantJSON, string(j))
		})
		covered[name] = true
	}
	require.Len(t, covered, len(types))
}

type binaryType interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// TestGoldenText pins the text forms, which databases and logs hold.
func TestGoldenText(t *testing.T) {
	for text, wantJSON := range map[string]string{
		``:                             `{}`,
		`eu:4,us:7`:                    `{"eu":"4","us":"7"}`,
		`eu#3:18446744073709551615`:    `{"eu#3":"18446744073709551615"}`,
		`"a b":1,"a\"b":2,"a\\b":3`:    `{"a b":"1","a\"b":"2","a\\b":"3"}`,
		`"a,b":1,"a:b":2,"a@b":3`:      `{"a,b":"1","a:b":"2","a@b":"3"}`,
		`"a\u000a":1,a-b_c/d.e:2,ü€:3`: `{"a\n":"1","a-b_c/d.e":"2","ü€":"3"}`,
	} {
		t.Run(text, func(t *testing.T) {
			c, err := vclock.Parse(text)
			require.NoError(t, err)
			require.Equal(t, text, c.String())
			j, err := json.Marshal(c)
			require.NoError(t, err)
			require.Equal(t, wantJSON, string(j))
		})
	}
}
