package vclock_test

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/vclock"
)

func clock(tb testing.TB, s string) vclock.Clock {
	tb.Helper()
	c, err := vclock.Parse(s)
	require.NoError(tb, err)
	return c
}

func TestDVVCompare(t *testing.T) {
	dvv := func(dot, past string) vclock.DVV {
		d, err := vclock.ParseDot(dot)
		require.NoError(t, err)
		return vclock.DVV{Dot: d, Past: clock(t, past)}
	}
	tests := []struct {
		name string
		v, w vclock.DVV
		want vclock.Order
	}{
		{"the same write", dvv("eu:1", ""), dvv("eu:1", ""), vclock.Equal},
		{"w had seen v", dvv("eu:1", ""), dvv("us:1", "eu:1"), vclock.Before},
		{"w had seen more than v", dvv("eu:1", ""), dvv("eu:3", "eu:2"), vclock.Before},
		{"v had seen w", dvv("us:1", "eu:1"), dvv("eu:1", ""), vclock.After},
		{"two replicas", dvv("eu:1", ""), dvv("us:1", ""), vclock.Concurrent},
		{"one replica, a stale context", dvv("eu:2", "eu:1"), dvv("eu:3", "eu:1"), vclock.Concurrent},
		{"an impossible pair", dvv("eu:1", "us:1"), dvv("us:1", "eu:1"), vclock.Concurrent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.v.Compare(tt.w))
		})
	}

	v := dvv("eu:4", "eu:2,us:7")
	require.Equal(t, "eu:4 after eu:2,us:7", v.String())
	require.Equal(t, "eu:4", dvv("eu:4", "").String())
	for dot, want := range map[string]bool{"eu:4": true, "eu:3": false, "eu:2": true, "eu:5": false, "us:7": true, "ap:1": false} {
		require.Equal(t, want, v.Contains(dvv(dot, "").Dot), dot)
	}
	require.False(t, vclock.DVV{}.Contains(vclock.Dot{}))
}

func TestDVVRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := vclock.DVV{Dot: dots.Draw(t, "dot"), Past: clocks.Draw(t, "past")}
		if v.Past.Contains(v.Dot) {
			_, err := v.MarshalBinary()
			require.ErrorContains(t, err, "is in its own past")
			_, err = v.MarshalJSON()
			require.ErrorContains(t, err, "is in its own past")
			v.Past = v.Past.Without(v.Dot.Replica)
		}
		b, err := v.MarshalBinary()
		require.NoError(t, err)
		var fromBinary vclock.DVV
		require.NoError(t, fromBinary.UnmarshalBinary(b))
		require.Equal(t, v, fromBinary)

		j, err := json.Marshal(v)
		require.NoError(t, err)
		var fromJSON vclock.DVV
		require.NoError(t, json.Unmarshal(j, &fromJSON))
		require.Equal(t, v, fromJSON)
	})
}

func TestDVVUnmarshalJSONRefuses(t *testing.T) {
	for input, want := range map[string]string{
		`{}`:                                           `member "dot" is missing`,
		`{"dot":"eu:4"}`:                               `member "past" is missing`,
		`{"dot":"","past":{}}`:                         "invalid dot",
		`{"dot":null,"past":{}}`:                       "null instead of a value",
		`{"dot":"eu:2","past":{"eu":"2"}}`:             "is in its own past",
		`{"dot":"eu:4","past":{},"more":1}`:            "unknown member",
		`{"Dot":"eu:4","past":{}}`:                     "unknown member",
		`{"dot":"eu:4","dot":"eu:4","past":{}}`:        "appears twice",
		"{\"dot\":\"eu:4\",\"past\":{\"\xff\":\"1\"}}": "invalid UTF-8",
	} {
		t.Run(input, func(t *testing.T) {
			var v vclock.DVV
			err := v.UnmarshalJSON([]byte(input))
			require.ErrorContains(t, err, "vclock: decode DVV: ")
			require.ErrorContains(t, err, want)
			require.Zero(t, v)
		})
	}
}

func FuzzDVVUnmarshalBinary(f *testing.F) {
	for _, s := range []string{"01" + "0000000000000004" + "026575" + "0100", "01" + "0000000000000004" + "026575" + "0101" + "026575" + "04"} {
		b, err := hex.DecodeString(s)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v vclock.DVV
		if err := v.UnmarshalBinary(b); err != nil {
			require.Zero(t, v)
			return
		}
		got, err := v.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
	})
}

func FuzzDVVUnmarshalJSON(f *testing.F) {
	for _, s := range []string{`{"dot":"eu:4","past":{"eu":"2","us":"7"}}`, `{"past":{},"dot":"eu:4"}`, `null`, `{"dot":"eu:4","past":{"eu":"4"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again vclock.DVV
		if err := v.UnmarshalJSON(b); err != nil || v.Dot.IsZero() {
			require.Zero(t, v)
			return
		}
		j, err := v.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalJSON(j))
		require.Equal(t, v, again)
	})
}
