package hlc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
)

// What Parse accepts must be what String prints: the text form is unique.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"2026-11-23T12:08:55.123456789Z",
		"2262-04-11T23:47:16.854775807Z",
		"2262-04-11T23:47:16.854775808Z", // one past Max
		"1970-01-01T00:00:00.000000000Z",
		"1969-12-31T23:59:59.999999999Z",
		"2016-12-31T23:59:60.000000000Z", // leap second
		"2026-11-23T12:08:55,123456789Z", // time.Parse takes a comma
		"2026-11-23T12:08:55.123456789+01:00",
		"", "0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ts, err := hlc.Parse(s)
		if err != nil {
			require.Zero(t, ts)
			return
		}
		require.LessOrEqual(t, ts, hlc.Max)
		require.Equal(t, s, ts.String())
	})
}

func FuzzTimestampUnmarshalBinary(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x80, 0, 0, 0, 0, 0, 0, 0}) // one past Max
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		ts := hlc.Timestamp(7)
		if err := ts.UnmarshalBinary(b); err != nil {
			require.Equal(t, hlc.Timestamp(7), ts)
			return
		}
		require.Equal(t, b, must(ts.MarshalBinary()))
	})
}

func FuzzTimestampUnmarshalJSON(f *testing.F) {
	f.Add([]byte(`"2026-11-23T12:08:55.123456789Z"`))
	f.Add([]byte(`"2026-11-23T12:08:55.123456789z"`))
	f.Add([]byte(`null`)) // leaves the value alone, as everywhere in encoding/json
	f.Add([]byte(`1764000000123456789`))
	f.Add([]byte(`"\u0032026-11-23T12:08:55.123456789Z"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ts := hlc.Timestamp(7)
		if err := json.Unmarshal(b, &ts); err != nil {
			require.Equal(t, hlc.Timestamp(7), ts)
			return
		}
		var again hlc.Timestamp
		require.NoError(t, json.Unmarshal(must(json.Marshal(ts)), &again))
		require.Equal(t, ts, again)
	})
}

// Drivers hand over integers and digits; the fuzzer picks which.
func FuzzTimestampScan(f *testing.F) {
	f.Add(int64(42), "42", uint8(0))
	f.Add(int64(-1), "9223372036854775807", uint8(1))
	f.Add(int64(0), "9223372036854775808", uint8(2))
	f.Add(int64(0), "-0", uint8(2))
	f.Fuzz(func(t *testing.T, n int64, s string, kind uint8) {
		src := []any{n, uint64(n), s, []byte(s)}[kind%4]
		ts := hlc.Timestamp(7)
		if err := ts.Scan(src); err != nil {
			require.Equal(t, hlc.Timestamp(7), ts)
			return
		}
		var again hlc.Timestamp
		require.NoError(t, again.Scan(must(ts.Value())))
		require.Equal(t, ts, again)
	})
}

// Only what Store writes is a bound.
func FuzzBoundFile(f *testing.F) {
	good := hlc.EncodeBound(1_795_435_735_123_456_789)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "\n")
	f.Add(strings.Replace(good, "2026", "2027", 1)) // checksum
	f.Add(strings.Replace(good, " 1 ", " 2 ", 1))   // version
	f.Add(strings.ToUpper(good))
	f.Add("")
	f.Add(strings.Repeat("\x00", len(good)))
	f.Fuzz(func(t *testing.T, s string) {
		ts, err := hlc.DecodeBound(s)
		if err != nil {
			require.Zero(t, ts)
			return
		}
		require.Equal(t, s, hlc.EncodeBound(ts))
	})
}
