package quote_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/quote"
)

func TestAppend(t *testing.T) {
	tests := []struct{ name, want string }{
		{"eu", `eu`},
		{"eu-west/1#3", `eu-west/1#3`},
		{"zürich", `zürich`},
		{"a b", `"a b"`},
		{"a:b,c@d", `"a:b,c@d"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"a\nb\x7f", `"a\u000ab\u007f"`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			require.Equal(t, tt.want, string(quote.Append(nil, tt.name)))
		})
	}
}

// TestCutReadsWhatAppendWrote also covers names that are not valid UTF-8:
// this package leaves it to its callers to refuse those.
func TestCutReadsWhatAppendWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.SampledFrom([]byte("au0#\"\\,:@ \n\x7f\x00\xff\xc3\xbc")), 1, 8).Draw(t, "name"))
		tail := rapid.SampledFrom([]string{"", ":4", ",", `"`, " "}).Draw(t, "tail")

		got, rest, err := quote.Cut(string(quote.Append(nil, name)) + tail)
		require.NoError(t, err)
		require.Equal(t, name, got)
		require.Equal(t, tail, rest)
	})
}

func TestCutRefuses(t *testing.T) {
	tests := []struct{ name, input, want string }{
		{"nothing", "", "missing name"},
		{"a separator first", ":4", "missing name"},
		{"needless quotes", `"eu"`, "name is quoted without need"},
		{"an empty quoted name", `""`, "name is quoted without need"},
		{"no end", `"a b`, "quoted name does not end"},
		{"an escape cut short", `"a \u00`, "unknown escape in quoted name"},
		{"an escape of a letter", `"a \u0041"`, "unknown escape in quoted name"},
		{"upper-case digits", `"a \u000A"`, "unknown escape in quoted name"},
		{"a short escape", `"a \n"`, "unknown escape in quoted name"},
		{"a bare control character", "\"a \n\"", "control character in quoted name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rest, err := quote.Cut(tt.input)
			require.EqualError(t, err, tt.want)
			require.Equal(t, tt.input, rest)
		})
	}
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"eu:4", `"a b":4`, `"\u000a"`, `"\""`, `"`, "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, rest, err := quote.Cut(s)
		if err != nil {
			return
		}
		if got := string(quote.Append(nil, name)) + rest; got != s {
			t.Errorf("Cut(%q) = %q, %q, which is written %q: the form is unique", s, name, rest, got)
		}
	})
}
