package lww_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

var noon = hlc.At(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))

// stamps draws valid stamps, ties and awkward names among them.
var stamps = rapid.Custom(func(t *rapid.T) lww.Stamp {
	time := rapid.OneOf(rapid.Uint64Range(1, 3), rapid.Uint64Range(1, uint64(hlc.Max))).Draw(t, "time")
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"eu", "us", "eu#1", `a"b\c`, "a b", "@", "zürich", strings.Repeat("r", vclock.MaxReplica)}),
		rapid.StringN(1, 8, vclock.MaxReplica),
	).Draw(t, "replica")
	return lww.Stamp{Time: hlc.Timestamp(time), Replica: vclock.Replica(name)}
})

func TestStampOrder(t *testing.T) {
	ascending := []lww.Stamp{{}, {1, "eu"}, {1, "us"}, {2, "eu"}, {2, "eu#1"}, {hlc.Max, "eu"}}
	for i, s := range ascending {
		for j, u := range ascending {
			require.Equal(t, i < j, s.Before(u), "%v before %v", s, u)
			require.Equal(t, i > j, s.After(u), "%v after %v", s, u)
			require.Equal(t, i == j, s.Compare(u) == 0, "%v equals %v", s, u)
		}
		require.Equal(t, i == 0, s.IsZero())
	}
}

func TestStampRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stamps.Draw(t, "stamp")

		back, err := lww.ParseStamp(s.String())
		require.NoError(t, err)
		require.Equal(t, s, back)

		enc, err := s.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, back.UnmarshalBinary(enc))
		require.Equal(t, s, back)

		js, err := json.Marshal(map[lww.Stamp]lww.Stamp{s: s})
		require.NoError(t, err)
		m := map[lww.Stamp]lww.Stamp{}
		require.NoError(t, json.Unmarshal(js, &m))
		require.Equal(t, map[lww.Stamp]lww.Stamp{s: s}, m)

		v, err := s.Value()
		require.NoError(t, err)
		require.NoError(t, back.Scan(v))
		require.Equal(t, s, back)
		require.NoError(t, back.Scan([]byte(v.(string))))
		require.Equal(t, s, back)
	})
}

// TestStampTextOrder checks that texts sort by time.
func TestStampTextOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, u := stamps.Draw(t, "s"), stamps.Draw(t, "u")
		if s.Time < u.Time {
			require.Less(t, s.String(), u.String())
		}
	})
}

func TestStampZero(t *testing.T) {
	var s lww.Stamp
	require.Empty(t, s.String())
	enc, err := s.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, make([]byte, 9), enc)

	s = lww.Stamp{Time: 1, Replica: "eu"}
	require.NoError(t, s.UnmarshalBinary(enc))
	require.True(t, s.IsZero())
	s = lww.Stamp{Time: 1, Replica: "eu"}
	require.NoError(t, s.UnmarshalText(nil))
	require.True(t, s.IsZero())
}

// TestStampGolden pins the text and the binary form.
func TestStampGolden(t *testing.T) {
	for _, tt := range []struct {
		stamp lww.Stamp
		text  string
		bytes string
	}{
		{lww.Stamp{1, "eu"}, "1970-01-01T00:00:00.000000001Z@eu", "0000000000000001026575"},
		{lww.Stamp{noon, "us"}, "2026-11-23T12:00:00.000000000Z@us", "18eaaacd413b8000027573"},
		{lww.Stamp{hlc.Max, `a@"b"`}, `2262-04-11T23:47:16.854775807Z@"a@\"b\""`, "7fffffffffffffff056140226222"},
	} {
		require.Equal(t, tt.text, tt.stamp.String())
		enc, err := tt.stamp.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, tt.bytes, hex.EncodeToString(enc))
	}
}

// TestStampRefused lists what no decoder takes, and stamps that no encoder does.
func TestStampRefused(t *testing.T) {
	long := strings.Repeat("r", vclock.MaxReplica+1)
	for _, s := range []lww.Stamp{{0, "eu"}, {1, ""}, {hlc.Max + 1, "eu"}, {1, "\xff"}, {1, vclock.Replica(long)}} {
		_, err := s.MarshalText()
		require.ErrorContains(t, err, "lww: encode Stamp: invalid stamp")
		_, err = s.MarshalBinary()
		require.ErrorContains(t, err, "lww: encode Stamp: invalid stamp")
		_, err = s.Value()
		require.Error(t, err)
		require.False(t, s.IsValid())
	}
	kept := lww.Stamp{Time: 7, Replica: "eu"}
	for _, text := range []string{
		"2026-11-23T12:00:00.000000000Z", "2026-11-23T12:00:00.000000000Z@", "2026-11-23T12:00:00Z@eu", "@eu",
		"1970-01-01T00:00:00.000000000Z@eu", `2026-11-23T12:00:00.000000000Z@"eu"`, "2026-11-23T12:00:00.000000000Z@eu,us",
		"2026-11-23T12:00:00.000000000Z@\xff", "2026-11-23T12:00:00.000000000Z@" + long,
	} {
		s := kept
		require.ErrorContains(t, s.UnmarshalText([]byte(text)), "lww: parse stamp", text)
		require.Equal(t, kept, s)
		require.Error(t, s.Scan(text))
		require.Equal(t, kept, s)
	}
	for _, enc := range []string{"", "0000000000000001", "000000000000000100", "0000000000000000026575", "000000000000000103", "00000000000000010265", "000000000000000102657500", "8000000000000000026575"} {
		p, err := hex.DecodeString(enc)
		require.NoError(t, err)
		s := kept
		require.ErrorContains(t, s.UnmarshalBinary(p), "lww: decode Stamp: offset", enc)
		require.Equal(t, kept, s)
	}
	s := kept
	require.ErrorContains(t, s.Scan(nil), "NULL")
	require.ErrorContains(t, s.Scan([]byte(nil)), "NULL")
	require.ErrorContains(t, s.Scan(int64(5)), "int64 is not text")
	require.Equal(t, kept, s)
}

type clockFunc func(hlc.Timestamp) (hlc.Timestamp, error)

func (f clockFunc) Next(after hlc.Timestamp) (hlc.Timestamp, error) { return f(after) }

func TestWriter(t *testing.T) {
	clock := hlc.Clock{Physical: noon.Time}
	w := lww.Writer{Replica: "eu", Clock: &clock}
	var last lww.Stamp
	for _, after := range []hlc.Timestamp{0, noon, noon + 1000, 5, noon + hlc.Timestamp(time.Hour), hlc.Max - 1} {
		s, err := w.Next(after)
		require.NoError(t, err)
		require.Equal(t, vclock.Replica("eu"), s.Replica)
		require.Greater(t, s.Time, after)
		require.NotEqual(t, last, s)
		last = s
	}
	require.Less(t, clock.Now(), noon+hlc.Timestamp(time.Second), "a far-future stamp does not drag the clock")
	_, err := w.Next(hlc.Max)
	require.ErrorContains(t, err, `lww: stamp a write of "eu": `)

	broken := errors.New("broken")
	w.Clock = clockFunc(func(hlc.Timestamp) (hlc.Timestamp, error) { return 0, broken })
	_, err = w.Next(0)
	require.ErrorIs(t, err, broken)
	w.Clock = clockFunc(func(after hlc.Timestamp) (hlc.Timestamp, error) { return after, nil })
	_, err = w.Next(noon)
	require.ErrorContains(t, err, "clock returned 2026-11-23T12:00:00.000000000Z as a time after 2026-11-23T12:00:00.000000000Z")

	require.PanicsWithValue(t, `lww: invalid replica ""`, func() { _, _ = lww.Writer{Clock: &clock}.Next(0) })
	require.PanicsWithValue(t, "lww: writer without a clock", func() { _, _ = lww.Writer{Replica: "eu"}.Next(0) })
}

func FuzzStampText(f *testing.F) {
	for _, s := range []string{"", "2026-11-23T12:00:00.000000000Z@eu", `2026-11-23T12:00:00.000000000Z@"a b"`, "2026-11-23T12:00:00Z@eu"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, scanned lww.Stamp
		err := s.UnmarshalText([]byte(text))
		if again := scanned.Scan(text); (again == nil) != (err == nil) || scanned != s {
			t.Errorf("UnmarshalText and Scan of %q differ: %v, %v", text, err, again)
		}
		if err == nil && s.String() != text {
			t.Errorf("%q is read as %q", text, s)
		}
	})
}

func FuzzStampBinary(f *testing.F) {
	f.Add(make([]byte, 9))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x02eu"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var s lww.Stamp
		if s.UnmarshalBinary(p) != nil {
			return
		}
		if enc, err := s.MarshalBinary(); err != nil || !bytes.Equal(enc, p) {
			t.Errorf("%x is read as %v and written as %x, %v", p, s, enc, err)
		}
	})
}
