package lww_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A coded is a state with both of its encodings.
type coded[S any] interface {
	state[*S]
	json.Marshaler
	json.Unmarshaler
	UnmarshalBinary([]byte) error
	*S
}

// checkCoded checks that a state survives both encodings.
func checkCoded[S any, P coded[S]](t require.TestingT, s P) {
	enc, err := s.MarshalBinary()
	require.NoError(t, err)
	var back S
	require.NoError(t, P(&back).UnmarshalBinary(enc))
	require.True(t, s.Equal(&back))
	again, err := P(&back).MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, enc, again)
	require.False(t, P(&back).Merge(s))

	js, err := json.Marshal(s)
	require.NoError(t, err)
	var spaced bytes.Buffer
	require.NoError(t, json.Indent(&spaced, js, "", "  "))
	var read S
	require.NoError(t, json.Unmarshal(spaced.Bytes(), P(&read)))
	require.True(t, s.Equal(&read))
	again, err = P(&read).MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, enc, again)
}

type column struct {
	Family string
	ID     int64
}

// TestEncodings draws maps of several types, sets and registers.
func TestEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m lww.Map[string, string]
		var structs lww.Map[column, []string]
		var s lww.Set[int64]
		var r lww.Register[time.Time]
		for range rapid.IntRange(0, 12).Draw(t, "writes") {
			stamp := stamps.Draw(t, "stamp")
			k, v := rapid.String().Draw(t, "key"), rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "value")
			n := rapid.Int64().Draw(t, "n")
			if rapid.Bool().Draw(t, "put") {
				_, err := m.PutAt(k, string(v), stamp)
				require.NoError(t, err)
				_, err = structs.PutAt(column{k, n}, []string{k}, stamp)
				require.NoError(t, err)
				_, err = s.AddAt(n, stamp)
				require.NoError(t, err)
				require.NoError(t, r.SetAt(time.Unix(n%1e9, 7), stamp))
			} else {
				_, err := m.DeleteAt(k, stamp)
				require.NoError(t, err)
				_, err = structs.DeleteAt(column{k, n}, stamp)
				require.NoError(t, err)
				_, err = s.RemoveAt(n, stamp)
				require.NoError(t, err)
			}
		}
		if rapid.Bool().Draw(t, "compact") && m.Latest() > 0 {
			h := hlc.Timestamp(rapid.Uint64Range(1, uint64(hlc.Max)-1).Draw(t, "horizon"))
			require.NoError(t, m.Compact(h))
			require.NoError(t, structs.Compact(h))
			require.NoError(t, s.Compact(h))
		}
		checkCoded(t, &m)
		checkCoded(t, &structs)
		checkCoded(t, &s)
		checkCoded(t, &r)
	})
}

// samples returns the states that the golden vectors are made of.
func samples(t require.TestingT) (*lww.Map[string, string], *lww.Set[int64], *lww.Register[[]string]) {
	var m lww.Map[string, string]
	for _, w := range []struct{ k, v string }{{"email", "ann@example.com"}, {"\xff", "b\xfe"}, {"", ""}} {
		_, err := m.PutAt(w.k, w.v, at(noon+hlc.Timestamp(len(w.v)), "eu@"))
		require.NoError(t, err)
	}
	_, err := m.PutAt("old", "x", at(noon-1, "ap"))
	require.NoError(t, err)
	_, err = m.DeleteAt("phone", at(noon+300, "us"))
	require.NoError(t, err)
	require.NoError(t, m.Compact(noon-1))

	var s lww.Set[int64]
	_, err = s.AddAt(1<<53+1, at(1, "eu"))
	require.NoError(t, err)
	_, err = s.RemoveAt(-1, at(2, "us"))
	require.NoError(t, err)

	var r lww.Register[[]string]
	require.NoError(t, r.SetAt([]string{"b", "a"}, at(noon, "us")))
	return &m, &s, &r
}

// golden lists the encodings of the samples, of empty states, and of a horizon
// alone.
func golden(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	line := func(name string, s interface {
		MarshalBinary() ([]byte, error)
		MarshalJSON() ([]byte, error)
	},
	) {
		enc, err := s.MarshalBinary()
		require.NoError(t, err)
		js, err := s.MarshalJSON()
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s\t%x\t%s\n", name, enc, js)
	}
	m, s, r := samples(t)
	line("Map", m)
	line("Set", s)
	line("Register", r)
	line("empty Map", new(lww.Map[string, string]))
	line("empty Set", new(lww.Set[string]))
	line("empty Register", new(lww.Register[string]))
	require.NoError(t, m.Compact(noon+1))
	line("compacted Map", m)
	var gone lww.Set[string]
	_, err := gone.RemoveAt("k", at(1, "eu"))
	require.NoError(t, err)
	require.NoError(t, gone.Compact(300))
	line("horizon alone", &gone)
	return b.String()
}

// TestGolden pins the stored forms: a difference is a break of the format.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.txt")
	require.NoError(t, err)
	require.Equal(t, string(want), golden(t))
}

// TestHostileBinary lists encodings that no state has. Each is one change away
// from the first, which is one.
func TestHostileBinary(t *testing.T) {
	decode := func(s string) error {
		p, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		require.NoError(t, err)
		m := new(lww.Map[string, string])
		_, err = m.PutAt("kept", "v", at(1, "eu"))
		require.NoError(t, err)
		before := m.Clone()
		err = m.UnmarshalBinary(p)
		require.True(t, err == nil || m.Equal(before), "an error left its mark")
		return err
	}
	require.NoError(t, decode("02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03"))
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "lww: decode Map: offset 0: unexpected end"},
		{"version", "01 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03", "unknown format version 1"},
		{"type", "02 02 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03", "holds Set, want Map"},
		{"keys", "02 81 00 05 02 026575", "keys without fields"},
		{"keys of structs", "02 81 047b41 207d 05 02 026575", "other fields"},
		{"tables", "02 01 05 02 026575 027573 02 05 48 00 00 016b 00 00 010176 016c 04 03", "of no value"},
		{"trailing", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03 00", "1 trailing bytes"},
		{"truncated", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04", "unexpected end"},
		{"varint", "02 01 8500 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03", "shortest form"},
		{"horizon", "02 01 ffffffffffffffff7f 00 00", "horizon 9223372036854775807"},
		{"replicas out of order", "02 01 05 02 027573 026575 02 05 40 00 00 016b 00 00 0176 016c 04 03", `replica "eu" after "us"`},
		{"replica twice", "02 01 05 02 026575 026575 02 05 40 00 00 016b 00 00 0176 016c 04 03", `replica "eu" after "eu"`},
		{"replica empty", "02 01 05 02 00 027573 02 05 40 00 00 016b 00 00 0176 016c 04 03", `invalid replica ""`},
		{"replica unused", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 01", "a replica without an entry"},
		{"replica number", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 04 05", "replica number 2 of 2"},
		{"replica number, large", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 8080808010 0176 016c 04 03", "replica number 2147483648 of 2"},
		{"keys out of order", "02 01 05 02 026575 027573 02 05 40 00 00 016c 00 00 0176 016b 04 03", `key "k" after "l"`},
		{"key twice", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016b 04 03", `key "k" after "k"`},
		{"tombstone below the horizon", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c 00 03", "at or below the horizon"},
		{"oldest", "02 01 05 02 026575 027573 02 04 40 00 00 016b 01 00 0176 016c 05 03", "oldest time is 5, not 4"},
		{"oldest beyond the maximum", "02 01 05 01 026575 01 80808080808080808001 40 00 00 016b 00 00 0176", "out of range"},
		{"oldest zero", "02 01 00 01 026575 01 00 40 00 00 016b 00 00 0176", "out of range"},
		{"time", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 0176 016c fbffffffffffffff7f 03", "out of range"},
		{"entries", "02 01 05 02 026575 027573 7f 05 40 00 00 016b 00 00 0176 016c 04 03", "count 127 exceeds"},
		{"value", "02 01 05 02 026575 027573 02 05 40 00 00 016b 00 00 4076 016c 04 03", "value is not in its canonical form"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, decode(tt.in), tt.want) })
	}

	for _, in := range []string{"", " ", "\n"} { // which is neither form
		require.ErrorContains(t, new(lww.Map[string, string]).UnmarshalLenient([]byte(in)), "lww: decode Map: ")
		_, err := new(lww.Map[string, string]).MergeLenient([]byte(in))
		require.ErrorContains(t, err, "lww: decode Map: ")
	}

	var r lww.Register[bool]
	require.ErrorContains(t, r.UnmarshalBinary([]byte("\x02\x03\x00\x00\x00\x00\x00\x00\x00\x01\x02eu\x02\x00")), "lww: decode Register: offset 15: unexpected end")
	require.ErrorContains(t, r.UnmarshalBinary(make([]byte, 10)), "unknown format version 0")
	require.ErrorContains(t, r.UnmarshalBinary(append([]byte{2, 3}, make([]byte, 10)...)), "1 trailing bytes", "an empty register has no value")
	var s lww.Set[string]
	require.ErrorContains(t, s.UnmarshalBinary([]byte{2, 2, 0, 0}), "lww: decode Set: offset 4: unexpected end")
}

func TestHostileJSON(t *testing.T) {
	const (
		good = `{"horizon":"2026-11-23T12:00:00.000000000Z","entries":[{"key":"k","value":"v","stamp":"2026-11-23T12:00:01.000000000Z@eu"}]}`
		tomb = `{"horizon":"2026-11-23T12:00:00.000000000Z","entries":[{"key":"k","deleted":true,"stamp":"2026-11-23T12:00:01.000000000Z@eu"}]}`
	)
	edit := func(s, from, to string) string {
		require.Contains(t, s, from)
		return strings.Replace(s, from, to, 1)
	}
	for _, s := range []string{good, tomb, `{"entries":[]}`, edit(good, `{"horizon":"2026-11-23T12:00:00.000000000Z",`, `{`)} {
		require.NoError(t, new(lww.Map[string, string]).UnmarshalJSON([]byte(s)), s)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"empty", ``, "EOF"},
		{"list", `[]`, "where { should be"},
		{"no entries", `{}`, "no list of entries"},
		{"null entries", `{"entries":null}`, "no list of entries"},
		{"keys without fields", edit(good, `"entries"`, `"keys":"","entries"`), `member "keys": no fields of keys`},
		{"fields that are none", edit(good, `"entries"`, `"fields":{},"entries"`), `member "fields": no fields`},
		{"field twice", edit(good, `"entries"`, `"fields":{"A":"time","A":"time"},"entries"`), `member "A" appears twice`},
		{"unknown member", edit(good, `"entries"`, `"more":1,"entries"`), `member "more": unknown member`},
		{"twice", edit(good, `"key":"k"`, `"key":"k","key":"k"`), `member "key" appears twice`},
		{"key twice", edit(good, `}]`, `},{"key":"k","deleted":true,"stamp":"2026-11-23T12:00:02.000000000Z@eu"}]`), "entries 1: key appears twice"},
		{"horizon", edit(good, "00.000000000Z", "00Z"), `member "horizon": hlc: parse`},
		{"horizon zero", edit(good, "2026-11-23T12:00:00", "1970-01-01T00:00:00"), "out of range"},
		{"no stamp", edit(good, `,"stamp":"2026-11-23T12:00:01.000000000Z@eu"`, ``), "key or stamp is missing"},
		{"empty stamp", edit(good, `2026-11-23T12:00:01.000000000Z@eu`, ``), "parse stamp"},
		{"stamp that is no text", edit(good, `"2026-11-23T12:00:01.000000000Z@eu"`, `5`), `member "stamp": json: cannot unmarshal number`},
		{"horizon that is no text", edit(good, `"2026-11-23T12:00:00.000000000Z"`, `5`), `member "horizon": json: cannot unmarshal number`},
		{"no value", edit(good, `"value":"v",`, ``), `needs either a value or "deleted"`},
		{"both", edit(tomb, `"deleted"`, `"value":"v","deleted"`), `needs either a value or "deleted"`},
		{"not deleted", edit(tomb, `true`, `false`), "is not true"},
		{"old tombstone", edit(tomb, "12:00:01", "12:00:00"), "tombstone at or below the horizon"},
		{"value", edit(good, `"v"`, `5`), "stored int, want string"},
		{"trailing", good + "1", "after the end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m lww.Map[string, string]
			err := m.UnmarshalJSON([]byte(tt.in))
			require.ErrorContains(t, err, "lww: decode Map: ")
			require.ErrorContains(t, err, tt.want)
			require.Zero(t, m.Latest())
		})
	}
	m := lww.Map[string, string]{}
	require.NoError(t, json.Unmarshal([]byte("null"), &m))

	var s lww.Set[string]
	require.ErrorContains(t, s.UnmarshalJSON([]byte(`{"elements":[{"element":"a","value":1}]}`)), `lww: decode Set: elements 0: member "value": unknown member`)
	var r lww.Register[int8]
	for in, want := range map[string]string{
		`{"value":1}`:   "go together",
		`{"value":300}`: "go together",
		`{"value":300,"stamp":"2026-11-23T12:00:01.000000000Z@eu"}`: "stored int 300, want int8",
		`{"stamp":"x"}`:         "parse stamp",
		`{"value":1,"stamp":5}`: "cannot unmarshal number",
		`{"horizon":1}`:         "unknown member",
		`{"value":1,"stamp":"2026-11-23T12:00:01.000000000Z@eu","stamp":1}`: "twice",
		`{"stamp":"2026-11-23T12:00:01.000000000Z@eu"}`:                     "go together",
	} {
		require.ErrorContains(t, r.UnmarshalJSON([]byte(in)), want, in)
	}
}

// TestHostileLengths checks that a decoder allocates no more than a small
// multiple of what it is given.
func TestHostileLengths(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops decoders from their pool")
	}
	n := 1 << 16
	in := slices.Concat([]byte{2, 1, 0, 1, 1, 'r', 0x80, 0x80, 0x04, 1, 0x40, 0, 0}, make([]byte, 3*n))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.Error(t, new(lww.Map[string, string]).UnmarshalBinary(in))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32*len(in)))
}

func TestAllocs(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage changes inlining and allocation")
	}
	w := frozen("eu", noon)
	var m lww.Map[string, string]
	var named lww.Map[column, []string]
	var s lww.Set[int64]
	var r, r2 lww.Register[string]
	for i := range 1000 {
		put(t, &m, w, fmt.Sprint(i), "v")
		put(t, &named, w, column{"f", int64(i)}, []string{"v"})
		_, err := s.Add(w, int64(i))
		require.NoError(t, err)
	}
	require.NoError(t, r.Set(w, "v"))
	same, namedSame, setSame := m.Clone(), named.Clone(), s.Clone()
	buf := make([]byte, 0, 1<<16)
	texts, v := [2]string{"v", "w"}, 0
	for name, tt := range map[string]struct {
		most float64
		f    func()
	}{
		"Map.Merge equal":        {0, func() { m.Merge(same) }},
		"Map.Merge equal, kinds": {0, func() { named.Merge(namedSame) }},
		"Set.Merge equal":        {0, func() { s.Merge(setSame) }},
		"Map.At":                 {0, func() { m.At("500") }},
		"Map.Stamp":              {0, func() { m.Stamp("500") }},
		"Map.Equal":              {0, func() { m.Equal(same) }},
		"Map.Latest":             {0, func() { m.Latest() }},
		"Map.Put, dropped":       {1, func() { v ^= 1; _, _ = m.Put(w, "500", texts[v]) }},
		"Map.Put, there already": {1, func() { _, _ = m.Put(w, "501", "v") }},
		"Set.Touch, dropped":     {1, func() { _, _ = s.Touch(w, 500) }},
		"Set.Contains":           {0, func() { s.Contains(500) }},
		"Register.Set":           {0, func() { v ^= 1; _ = r.Set(w, texts[v]) }},
		"Register.Merge":         {0, func() { r2.Merge(&r) }},
		"Register.AppendBinary":  {0, func() { _, _ = r.AppendBinary(buf) }},
		"Stamp.Compare":          {0, func() { r.Stamp().Compare(r2.Stamp()) }},
		"Stamp.AppendBinary":     {0, func() { _, _ = r.Stamp().AppendBinary(buf) }},
		"Stamp.AppendText":       {0, func() { _, _ = r.Stamp().AppendText(buf) }},
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, tt.f), tt.most, name)
	}
}

// TestMergeEqualWithManyReplicas: merging equal states allocated once more than
// eight replicas had written.
func TestMergeEqualWithManyReplicas(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage changes inlining and allocation")
	}
	var m lww.Map[int, string]
	for i := range 100 {
		_, err := m.PutAt(i, "v", at(1, vclock.Replica(fmt.Sprint("r", i))))
		require.NoError(t, err)
	}
	var decoded lww.Map[int, string]
	p, err := m.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, decoded.UnmarshalBinary(p))
	for name, same := range map[string]*lww.Map[int, string]{"clone": m.Clone(), "decoded": &decoded} {
		require.Zero(t, testing.AllocsPerRun(100, func() { m.Merge(same) }), name)
	}
}

// TestForgetsReplicas: names of replicas whose writes had all been replaced
// stayed in a state for ever, and every merge of it went through all of them.
func TestForgetsReplicas(t *testing.T) {
	const lives = 10000
	var written, merged, compacted lww.Map[string, string]
	for i := range lives {
		stamp := at(hlc.Timestamp(1+i), vclock.Incarnation("eu", uint64(i)))
		delta, err := written.PutAt("k", "v", stamp)
		require.NoError(t, err)
		merged.Merge(delta)
		_, err = compacted.DeleteAt(fmt.Sprint(i), stamp)
		require.NoError(t, err)
	}
	require.NoError(t, compacted.Compact(lives-1))
	require.True(t, merged.Equal(&written))
	require.Equal(t, vclock.Incarnation("eu", lives-1), merged.Stamp("k").Replica)
	require.Equal(t, vclock.Incarnation("eu", lives-1), compacted.Stamp(fmt.Sprint(lives-1)).Replica)
	for name, m := range map[string]*lww.Map[string, string]{"written": &written, "merged": &merged, "compacted": &compacted} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.Clone()
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(lives), "%s: bytes that a clone takes", name)
	}
}

// TestKeysOfOneHash has two keys that hash alike, in states with an index, and merges them
// one by one and among others.
func TestKeysOfOneHash(t *testing.T) {
	byHash := make(map[uint32]int)
	var one, other int
	for k := 0; one == other; k++ {
		require.Less(t, k, 1<<20, "no two hash alike")
		if twin, ok := byHash[lww.Hash(k)]; ok {
			one, other = twin, k
		}
		byHash[lww.Hash(k)] = k
	}
	var held, single, among lww.Map[int, string]
	for i := range 50 {
		_, err := held.PutAt(-i, "", at(1, "eu"))
		require.NoError(t, err)
		_, err = among.PutAt(i/40*-1000-i, "", at(1, "eu")) // most of them known
		require.NoError(t, err)
	}
	_, err := held.PutAt(one, "one", at(1, "eu"))
	require.NoError(t, err)
	for _, m := range []*lww.Map[int, string]{&single, &among} {
		_, err := m.PutAt(other, "other", at(2, "us"))
		require.NoError(t, err)
		merged := held.Clone()
		require.True(t, merged.Merge(m))
		for k, want := range map[int]string{one: "one", other: "other"} {
			got, ok := merged.At(k)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
		require.False(t, merged.Merge(m))
		back := m.Clone()
		back.Merge(&held)
		require.True(t, back.Equal(merged))
	}
}

// TestHash runs the types of keys that are hashed in different ways.
func TestHash(t *testing.T) {
	w := frozen("eu", noon)
	var structs lww.Map[column, int]
	var arrays lww.Set[[2]float64]
	for i := range 100 {
		put(t, &structs, w, column{fmt.Sprint(i), int64(i)}, i)
		_, err := arrays.Add(w, [2]float64{float64(i), 0})
		require.NoError(t, err)
	}
	for i := range 100 {
		v, ok := structs.At(column{fmt.Sprint(i), int64(i)})
		require.True(t, ok)
		require.Equal(t, i, v)
		require.True(t, arrays.Contains([2]float64{float64(i), 0}))
	}
}
