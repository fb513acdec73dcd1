package vclock_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

// awkward are valid replica names that text forms have to quote or must not
// confuse.
var awkward = []vclock.Replica{
	"a", "b", "ab", "a:1", "a,b", "a b", `a"`, `a\`, "a@b", "a\n", "ü", "\u2028", "#", "a#1", "<&>",
	vclock.Replica(strings.Repeat("x", vclock.MaxReplica)),
}

var dots = rapid.Custom(func(t *rapid.T) vclock.Dot {
	return vclock.Dot{
		Replica: rapid.SampledFrom(awkward).Draw(t, "replica"),
		Seq:     rapid.OneOf(rapid.Uint64Range(1, 3), rapid.Uint64Range(1, math.MaxUint64)).Draw(t, "seq"),
	}
})

func TestDotCompare(t *testing.T) {
	ordered := []vclock.Dot{{}, {"a", 1}, {"a", 2}, {"a", math.MaxUint64}, {"ab", 1}, {"b", 1}}
	for i, d := range ordered {
		for j, e := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			require.Equal(t, want, d.Compare(e), "%v and %v", d, e)
		}
	}
}

func TestDotRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := dots.Draw(t, "dot")

		parsed, err := vclock.ParseDot(d.String())
		require.NoError(t, err)
		require.Equal(t, d, parsed)

		b, err := d.MarshalBinary()
		require.NoError(t, err)
		var fromBinary vclock.Dot
		require.NoError(t, fromBinary.UnmarshalBinary(b))
		require.Equal(t, d, fromBinary)

		j, err := json.Marshal(d)
		require.NoError(t, err)
		var fromJSON vclock.Dot
		require.NoError(t, json.Unmarshal(j, &fromJSON))
		require.Equal(t, d, fromJSON)
	})
}

func TestZeroDotRoundTrips(t *testing.T) {
	require.Empty(t, vclock.Dot{}.String())

	d := vclock.Dot{"eu", 4}
	require.NoError(t, d.UnmarshalText(nil))
	require.True(t, d.IsZero())

	b, err := vclock.Dot{}.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, make([]byte, 9), b)
	d = vclock.Dot{"eu", 4}
	require.NoError(t, d.UnmarshalBinary(b))
	require.True(t, d.IsZero())
}

func TestParseDotRefuses(t *testing.T) {
	tests := []struct{ input, want string }{
		{"", `vclock: parse dot "": missing name`},
		{"eu", `vclock: parse dot "eu": no colon after replica "eu"`},
		{"eu:", `vclock: parse dot "eu:": replica "eu": number "" is not a decimal of at least 1 without leading zeros`},
		{"eu:0", `vclock: parse dot "eu:0": replica "eu": number "0" is not a decimal of at least 1 without leading zeros`},
		{"eu:04", `vclock: parse dot "eu:04": replica "eu": number "04" is not a decimal of at least 1 without leading zeros`},
		{"eu:+4", `vclock: parse dot "eu:+4": replica "eu": number "" is not a decimal of at least 1 without leading zeros`},
		{"eu:4 ", `vclock: parse dot "eu:4 ": unexpected " "`},
		{"eu:4,us:7", `vclock: parse dot "eu:4,us:7": unexpected ",us:7"`},
		{"eu:18446744073709551616", `vclock: parse dot "eu:18446744073709551616": replica "eu": number "18446744073709551616" exceeds 64 bits`},
		{"\xff:4", `vclock: parse dot "\xff:4": invalid replica "\xff"`},
	}
	for _, tt := range tests {
		t.Run(tt.input, func(t *testing.T) {
			_, err := vclock.ParseDot(tt.input)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestInvalidDotIsNotEncoded(t *testing.T) {
	for _, d := range []vclock.Dot{{"eu", 0}, {"", 4}, {"\xff", 4}, {vclock.Replica(strings.Repeat("x", 256)), 4}} {
		require.False(t, d.IsValid())
		_, err := d.MarshalText()
		require.ErrorContains(t, err, "vclock: invalid dot")
		_, err = d.MarshalBinary()
		require.ErrorContains(t, err, "vclock: invalid dot")
	}
}

func FuzzParseDot(f *testing.F) {
	for _, s := range []string{"eu:4", "eu:0", `"a b":1`, `"\u000a":1`, "eu:18446744073709551616", ":", "\xff:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := vclock.ParseDot(s)
		if err != nil {
			return
		}
		if got := d.String(); got != s {
			t.Errorf("ParseDot(%q).String() = %q, want the input: the text form is unique", s, got)
		}
	})
}

func FuzzDotUnmarshalBinary(f *testing.F) {
	for _, s := range []string{"", "000000000000000402" + "6575", "000000000000000000", "0000000000000004026575ff", "000000000000000401ff"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var d vclock.Dot
		if err := d.UnmarshalBinary(b); err != nil {
			require.Zero(t, d)
			return
		}
		got, err := d.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
	})
}
