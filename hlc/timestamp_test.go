package hlc_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
)

var (
	_ encoding.TextAppender      = hlc.Timestamp(0)
	_ encoding.TextMarshaler     = hlc.Timestamp(0)
	_ encoding.TextUnmarshaler   = (*hlc.Timestamp)(nil)
	_ encoding.BinaryAppender    = hlc.Timestamp(0)
	_ encoding.BinaryMarshaler   = hlc.Timestamp(0)
	_ encoding.BinaryUnmarshaler = (*hlc.Timestamp)(nil)
)

// timestamps draws valid timestamps, the ends of the range and the edges of the
// counter among them.
func timestamps() *rapid.Generator[hlc.Timestamp] {
	return rapid.Custom(func(t *rapid.T) hlc.Timestamp {
		n := rapid.OneOf(
			rapid.Uint64Range(0, uint64(hlc.Max)),
			rapid.SampledFrom([]uint64{0, 1, 1<<16 - 1, 1 << 16, 1e9 - 1, 1e9, uint64(hlc.Max) - 1, uint64(hlc.Max)}),
		).Draw(t, "timestamp")
		return hlc.Timestamp(n)
	})
}

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		name string
		time time.Time
		want hlc.Timestamp
	}{
		{"epoch", time.Unix(0, 0), 0},
		{"one nanosecond", time.Unix(0, 1), 1},
		{"keeps every nanosecond", time.Unix(1_700_000_000, 123_456_789), 1_700_000_000_123_456_789},
		{"zone does not matter", time.Unix(1, 0).In(time.FixedZone("", 3600)), 1e9},
		{"before 1970 is never", time.Unix(0, -1), 0},
		{"zero time is never", time.Time{}, 0},
		{"last", time.Unix(9_223_372_036, 854_775_807), hlc.Max},
		{"one past the last", time.Unix(9_223_372_036, 854_775_808), hlc.Max},
		{"far future", time.Unix(1<<62, 0), hlc.Max},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, hlc.At(tt.time)) })
	}
}

func TestAtInvertsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ts := timestamps().Draw(t, "ts")
		require.Equal(t, ts, hlc.At(ts.Time()))
		require.Equal(t, time.UTC, ts.Time().Location())
	})
}

func TestLogical(t *testing.T) {
	require.Equal(t, uint16(0xbeef), hlc.Timestamp(0x1234_5678_9abc_beef).Logical())
	require.Equal(t, uint16(0xffff), hlc.Max.Logical())
}

// Every order there is must be the order of the integers: the methods, the
// operators, the bytes and the texts.
func TestTimestampOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := timestamps().Draw(t, "a"), timestamps().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = min(a+hlc.Timestamp(rapid.IntRange(0, 1).Draw(t, "by")), hlc.Max)
		}
		want := cmp.Compare(uint64(a), uint64(b))

		require.Equal(t, want, a.Compare(b))
		require.Equal(t, want < 0, a.Before(b))
		require.Equal(t, want > 0, a.After(b))
		require.Equal(t, want, a.Time().Compare(b.Time()))
		require.Equal(t, want, strings.Compare(a.String(), b.String()))
		require.Equal(t, want, bytes.Compare(must(a.MarshalBinary()), must(b.MarshalBinary())))
		require.Equal(t, uint64(a) == 0, a.IsZero())
	})
}

func TestTimestampRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ts := timestamps().Draw(t, "ts")
		var got hlc.Timestamp

		require.NoError(t, got.UnmarshalBinary(must(ts.MarshalBinary())))
		require.Equal(t, ts, got)

		got = 0
		require.NoError(t, got.UnmarshalText(must(ts.MarshalText())))
		require.Equal(t, ts, got)
		require.Equal(t, ts.String(), string(must(ts.MarshalText())))
		require.Equal(t, ts.Time().Format("2006-01-02T15:04:05.000000000Z"), ts.String())

		got = 0
		require.NoError(t, got.Scan(must(ts.Value())))
		require.Equal(t, ts, got)

		keyed := map[hlc.Timestamp]hlc.Timestamp{ts: ts}
		var back map[hlc.Timestamp]hlc.Timestamp
		require.NoError(t, json.Unmarshal(must(json.Marshal(keyed)), &back))
		require.Equal(t, keyed, back)
	})
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       string // part of the error
	}{
		{"empty", "", "not of the form"},
		{"no fraction", "2026-11-23T12:08:55Z", "not of the form"},
		{"eight digits", "2026-11-23T12:08:55.12345678Z", "not of the form"},
		{"ten digits", "2026-11-23T12:08:55.1234567890Z", "not of the form"},
		{"comma", "2026-11-23T12:08:55,123456789Z", "not of the form"},
		{"offset", "2026-11-23T12:08:55.123456789+00:00", "not of the form"},
		{"lower-case z", "2026-11-23T12:08:55.123456789z", "not of the form"},
		{"lower-case t", "2026-11-23t12:08:55.123456789Z", "not of the form"},
		{"no zone", "2026-11-23T12:08:55.123456789", "not of the form"},
		{"trailing space", "2026-11-23T12:08:55.123456789Z ", "not of the form"},
		{"one-digit hour", "2026-11-23T1:08:55.123456789Z", "not of the form"},
		{"leap second", "2016-12-31T23:59:60.000000000Z", "not of the form"},
		{"24 o'clock", "2026-11-23T24:00:00.000000000Z", "not of the form"},
		{"30 February", "2026-02-30T00:00:00.000000000Z", "not of the form"},
		{"29 February of a common year", "2026-02-29T00:00:00.000000000Z", "not of the form"},
		{"five-digit year", "12026-11-23T12:08:55.123456789Z", "not of the form"},
		{"before 1970", "1969-12-31T23:59:59.999999999Z", "outside 1970-01-01T00:00:00.000000000Z to 2262-04-11T23:47:16.854775807Z"},
		{"one past Max", "2262-04-11T23:47:16.854775808Z", "outside"},
		{"wraps to a small number", "2554-07-21T23:34:33.709551616Z", "outside"},
		{"year 9999", "9999-12-31T23:59:59.999999999Z", "outside"},
		{"integer", "1764000000000000000", "not of the form"},
		{"long", strings.Repeat("9", 1<<20), "(1048576 bytes)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ts := hlc.Timestamp(7)
			err := ts.UnmarshalText([]byte(tt.text))
			require.ErrorContains(t, err, tt.want)
			require.Less(t, len(err.Error()), 200)
			require.Equal(t, hlc.Timestamp(7), ts, "receiver changed")
		})
	}
}

func TestUnmarshalBinaryRefuses(t *testing.T) {
	for _, b := range [][]byte{nil, {}, make([]byte, 7), make([]byte, 9), {0x80, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 8)} {
		ts := hlc.Timestamp(7)
		require.Error(t, ts.UnmarshalBinary(b), "% x", b)
		require.Equal(t, hlc.Timestamp(7), ts, "receiver changed by % x", b)
	}
}

func TestScan(t *testing.T) {
	for _, tt := range []struct {
		name string
		src  any
		want string // the timestamp as an integer, or the error
	}{
		{"int64", int64(42), "42"},
		{"uint64", uint64(42), "42"},
		{"bytes", []byte("42"), "42"},
		{"string", "9223372036854775807", "9223372036854775807"},
		{"zero", int64(0), "0"},
		{"negative", int64(-1), "hlc: scan Timestamp: -1 is negative"},
		{"too large", uint64(1 << 63), "hlc: scan Timestamp: 9223372036854775808 is above the maximum 9223372036854775807"},
		{"digits too large", "9223372036854775808", "hlc: scan Timestamp: 9223372036854775808 is above the maximum 9223372036854775807"},
		{"more than 64 bits", "18446744073709551616", `hlc: scan Timestamp: "18446744073709551616" is not an integer from 0 to 9223372036854775807`},
		{"empty", "", `hlc: scan Timestamp: "" is not an integer from 0 to 9223372036854775807`},
		{"signed", "+1", `hlc: scan Timestamp: "+1" is not an integer from 0 to 9223372036854775807`},
		{"null", nil, "hlc: scan Timestamp: NULL; a nullable column takes sql.Null[hlc.Timestamp]"},
		{"float", 1.0, "hlc: scan Timestamp: float64 is none of int64, uint64 and text"},
		{"time", time.Unix(1, 0), "hlc: scan Timestamp: time.Time is none of int64, uint64 and text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ts := hlc.Timestamp(7)
			if err := ts.Scan(tt.src); err != nil {
				require.EqualError(t, err, tt.want)
				require.Equal(t, hlc.Timestamp(7), ts, "receiver changed")
				return
			}
			require.Equal(t, tt.want, strconv.FormatUint(uint64(ts), 10))
		})
	}
}

// A nullable column is a sql.Null, as the error for NULL says.
func TestScanNullable(t *testing.T) {
	var n sql.Null[hlc.Timestamp]
	require.NoError(t, n.Scan(int64(42)))
	require.Equal(t, sql.Null[hlc.Timestamp]{V: 42, Valid: true}, n)
	v, err := driver.DefaultParameterConverter.ConvertValue(n)
	require.NoError(t, err)
	require.Equal(t, int64(42), v)
	require.NoError(t, n.Scan(nil))
	require.False(t, n.Valid)
}

// What no decoder accepts, no encoder writes.
func TestEncodersRefuseAboveMax(t *testing.T) {
	for _, ts := range []hlc.Timestamp{hlc.Max + 1, 1<<64 - 1} {
		_, err := ts.MarshalText()
		require.ErrorContains(t, err, "above the maximum")
		_, err = ts.MarshalBinary()
		require.ErrorContains(t, err, "above the maximum")
		_, err = ts.Value()
		require.ErrorContains(t, err, "above the maximum")
		_, err = json.Marshal(ts)
		require.ErrorContains(t, err, "above the maximum")
		require.Equal(t, ts.Time().Format(time.RFC3339Nano), ts.String(), "for the error message")
	}
}

// The encodings are kept by every database that holds a timestamp: a line of
// this file that changes is a format that breaks.
func TestTimestampGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/timestamps.txt")
	require.NoError(t, err)
	lines := 0
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		lines++
		f := strings.Fields(line)
		require.Len(t, f, 3, line)
		n, err := strconv.ParseUint(f[0], 10, 63)
		require.NoError(t, err)
		ts := hlc.Timestamp(n)

		require.Equal(t, f[1], hex.EncodeToString(must(ts.MarshalBinary())))
		require.Equal(t, f[2], string(must(ts.MarshalText())))
		require.Equal(t, strconv.Quote(f[2]), string(must(json.Marshal(ts))))
		require.Equal(t, int64(n), must(ts.Value()))

		require.Equal(t, ts, must(hlc.Parse(f[2])))
		var got hlc.Timestamp
		require.NoError(t, got.UnmarshalBinary(must(hex.DecodeString(f[1]))))
		require.Equal(t, ts, got)
	}
	require.Equal(t, 8, lines)
}

func TestTimestampAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage instrumentation allocates")
	}
	a, b := hlc.Timestamp(1_764_000_000_123_456_789), hlc.Timestamp(5)
	buf := make([]byte, 0, 64)
	bin, text, str := must(a.MarshalBinary()), must(a.MarshalText()), a.String()
	now := a.Time()
	for name, f := range map[string]func(){
		"At":              func() { b = hlc.At(now) },
		"Time":            func() { now = a.Time() },
		"Compare":         func() { _ = a.Compare(b) },
		"AppendBinary":    func() { _, _ = a.AppendBinary(buf) },
		"AppendText":      func() { _, _ = a.AppendText(buf) },
		"Parse":           func() { _, _ = hlc.Parse(str) },
		"UnmarshalText":   func() { _ = b.UnmarshalText(text) },
		"UnmarshalBinary": func() { _ = b.UnmarshalBinary(bin) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

// must returns v. It is for encoders that have no reason to fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkTimestamp(b *testing.B) {
	ts := hlc.Timestamp(1_764_000_000_123_456_789)
	buf := make([]byte, 0, 64)
	text := ts.String()
	b.Run("AppendText", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = ts.AppendText(buf)
		}
	})
	b.Run("AppendText/baseline=time", func(b *testing.B) {
		b.ReportAllocs()
		now := ts.Time()
		for b.Loop() {
			_ = now.AppendFormat(buf, time.RFC3339Nano)
		}
	})
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = hlc.Parse(text)
		}
	})
	b.Run("Parse/baseline=time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = time.Parse(time.RFC3339Nano, text)
		}
	})
	b.Run("AppendBinary", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = ts.AppendBinary(buf)
		}
	})
	b.Run("AppendBinary/baseline=uint64", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = binary.BigEndian.AppendUint64(buf, uint64(ts))
		}
	})
}
