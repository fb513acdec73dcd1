package vclock_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

var (
	_ sql.Scanner   = (*vclock.Clock)(nil)
	_ driver.Valuer = vclock.Clock{}
)

func TestClockRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clocks.Draw(t, "clock")

		parsed, err := vclock.Parse(c.String())
		require.NoError(t, err)
		require.Equal(t, c, parsed)

		text, err := c.MarshalText()
		require.NoError(t, err)
		require.Equal(t, c.String(), string(text))

		b, err := c.MarshalBinary()
		require.NoError(t, err)
		var fromBinary vclock.Clock
		require.NoError(t, fromBinary.UnmarshalBinary(b))
		require.Equal(t, c, fromBinary)

		j, err := json.Marshal(c)
		require.NoError(t, err)
		var fromJSON vclock.Clock
		require.NoError(t, json.Unmarshal(j, &fromJSON))
		require.Equal(t, c, fromJSON)

		v, err := c.Value()
		require.NoError(t, err)
		var fromString, fromBytes vclock.Clock
		require.NoError(t, fromString.Scan(v))
		require.NoError(t, fromBytes.Scan([]byte(v.(string))))
		require.Equal(t, c, fromString)
		require.Equal(t, c, fromBytes)
	})
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"a lone comma", ",", `vclock: parse clock ",": offset 0: missing name`},
		{"a trailing comma", "eu:4,", `vclock: parse clock "eu:4,": offset 5: missing name`},
		{"a space", "eu:4, us:7", `vclock: parse clock "eu:4, us:7": offset 5: missing name`},
		{"another separator", "eu:4;us:7", `vclock: parse clock "eu:4;us:7": offset 4: no comma after replica "eu"`},
		{"the wrong order", "us:7,eu:4", `vclock: parse clock "us:7,eu:4": offset 5: replica "eu" is out of order`},
		{"a replica twice", "eu:4,eu:4", `vclock: parse clock "eu:4,eu:4": offset 5: replica "eu" is out of order`},
		{
			"an entry of 0", "eu:0",
			`vclock: parse clock "eu:0": offset 0: replica "eu": number "0" is not a decimal of at least 1 without leading zeros`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := vclock.Parse(tt.input)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestClockUnmarshalJSON(t *testing.T) {
	var c vclock.Clock
	require.NoError(t, json.Unmarshal([]byte(` { "us" : "7" , "eu" : "4" } `), &c))
	require.Equal(t, "eu:4,us:7", c.String(), "databases rearrange objects")
	require.NoError(t, json.Unmarshal([]byte(`null`), &c))
	require.Equal(t, "eu:4,us:7", c.String())

	tests := []struct{ name, input, want string }{
		{"nothing", ``, `EOF`},
		{"an array", `["eu"]`, `[`},
		{"a number", `{"eu":4}`, `"eu": json: cannot unmarshal number`},
		{"null for a number", `{"eu":null}`, `"eu": null instead of a string`},
		{"zero", `{"eu":"0"}`, `"eu": number "0" is not a decimal of at least 1 without leading zeros`},
		{"a replica twice", `{"eu":"4","eu":"4"}`, `"eu" appears twice`},
		{"an empty name", `{"":"4"}`, `"": invalid replica`},
		{"invalid UTF-8", "{\"\xff\":\"4\"}", `invalid UTF-8`},
		{"an object that does not end", `{"eu":"4"`, `EOF`},
		{"two objects", `{}{}`, `after the end`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := c.UnmarshalJSON([]byte(tt.input))
			require.ErrorContains(t, err, "vclock: decode Clock: ")
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, "eu:4,us:7", c.String(), "unchanged on error")
		})
	}
}

func TestClockUnmarshalBinaryRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"nothing", "", "vclock: decode Clock: offset 0: unexpected end of input"},
		{"another version", "0200", "vclock: decode Clock: offset 0: unknown format version 2, want 1"},
		{"more entries than bytes", "0180808001026575", "vclock: decode Clock: offset 1: count 2097152 exceeds what 3 bytes can hold"},
		{"a name cut short", "0101ff6575", "vclock: decode Clock: offset 2: unexpected end of input"},
		{"an empty name", "010100000004", "vclock: decode Clock: offset 2: replica \"\" is empty or out of order"},
		{"a name of invalid UTF-8", "010102ffff04", "vclock: decode Clock: offset 5: invalid replica \"\\xff\\xff\""},
		{"one invalid name of many", "0102" + "026575" + "02c3c3" + "0101", "vclock: decode Clock: offset 8: invalid replica \"\\xc3\\xc3\""},
		{"a character across two names", "0102" + "0261c2" + "81" + strings.Repeat("62", 129) + "0101", "vclock: decode Clock: offset 135: invalid replica \"a\\xc2\""},
		{"the wrong order", "0102" + "027573" + "026575" + "0704", "vclock: decode Clock: offset 5: replica \"eu\" is empty or out of order"},
		{"a replica twice", "0102" + "026575" + "026575" + "0404", "vclock: decode Clock: offset 5: replica \"eu\" is empty or out of order"},
		{"an entry of 0", "0101" + "026575" + "00", "vclock: decode Clock: offset 6: number is 0"},
		{"a padded number", "0101" + "026575" + "8400", "vclock: decode Clock: offset 5: varint is not in its shortest form"},
		{"trailing bytes", "0101" + "026575" + "0400", "vclock: decode Clock: offset 6: 1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.input)
			require.NoError(t, err)
			c := vclock.Clock{}.With("ap", 1)
			require.EqualError(t, c.UnmarshalBinary(b), tt.want)
			require.Equal(t, "ap:1", c.String(), "unchanged on error")
		})
	}
}

func TestClockScanRefuses(t *testing.T) {
	c := vclock.Clock{}.With("ap", 1)
	require.ErrorContains(t, c.Scan([]byte(nil)), "NULL", "as which some drivers hand it over")
	require.EqualError(t, c.Scan(nil), "vclock: scan Clock: NULL; a nullable column takes sql.Null[vclock.Clock]")
	require.EqualError(t, c.Scan(int64(4)), "vclock: scan Clock: int64 is not text")
	require.ErrorContains(t, c.Scan("eu:0"), "vclock: parse clock")
	require.Equal(t, "ap:1", c.String(), "unchanged on error")

	var null sql.Null[vclock.Clock]
	require.NoError(t, null.Scan(nil))
	require.False(t, null.Valid)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "eu:4,us:7", "us:7,eu:4", "eu:4,", `"a,b":1`, "eu:00", "eu:18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := vclock.Parse(s)
		if err != nil {
			return
		}
		if got := c.String(); got != s {
			t.Errorf("Parse(%q).String() = %q, want the input: the text form is unique", s, got)
		}
	})
}

func FuzzClockUnmarshalBinary(f *testing.F) {
	for _, c := range []vclock.Clock{{}, vclock.Clock{}.With("eu", 4), eight(math.MaxUint64 - 7000)} {
		b, err := c.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c vclock.Clock
		if err := c.UnmarshalBinary(b); err != nil {
			require.Zero(t, c)
			return
		}
		got, err := c.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
	})
}

func FuzzClockUnmarshalJSON(f *testing.F) {
	for _, s := range []string{`{}`, `{"eu":"4","us":"7"}`, `{"us":"7","eu":"4"}`, `null`, `{"eu":4}`, `{"a":"1","a":"1"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c, again vclock.Clock
		if err := c.UnmarshalJSON(b); err != nil {
			require.Zero(t, c)
			return
		}
		j, err := c.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalJSON(j))
		require.Equal(t, c, again)
	})
}

// TestParseErrorIsShort: the error quoted its whole input, twice.
func TestParseErrorIsShort(t *testing.T) {
	long := strings.Repeat("z", 1<<20)
	for _, in := range []string{long, "eu:4" + long, "eu:" + strings.Repeat("9", 1<<20), "eu:4," + long} {
		_, err := vclock.Parse(in)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 300)
		_, err = vclock.ParseDot(in)
		require.Error(t, err)
		require.Less(t, len(err.Error()), 300)
	}
}
