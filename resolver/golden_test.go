package resolver_test

import (
	"context"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// samples are states with a file each in testdata: the binary form in
// hexadecimal digits on the first line, the JSON on the second. A file changes
// only with the version of its format.
func samples(t require.TestingT) map[string]any {
	deferred := updates(t, "base", "a", "b")
	_, err := deferred.Delete(at("us", 12), resolver.Context{})
	require.NoError(t, err)
	r, _ := manual()
	ticket := resolve(t, r, deferred).Ticket
	settled := deferred.Clone()
	_, err = r.Settle(bg, at("eu", 30), settled, ticket, ticket.Conflict.Use("both", "by ann"))
	require.NoError(t, err)

	promoted := deferred.Clone()
	promoted.Promote(resolver.Promotion{Epoch: 2, Cut: deferred.Context().Past()})
	written := promoted.Clone()
	w := at("größe", 300)
	w.Epoch = 2
	_, err = written.Write(w, promoted.Context(), "new")
	require.NoError(t, err)
	beside := promoted.Clone()
	other := at("ap", 200)
	other.Epoch = 2
	_, err = beside.Write(other, resolver.Context{}, "unseen")
	require.NoError(t, err)
	w = at("größe", 300)
	w.Epoch = 2
	dotted, err := beside.Write(w, promoted.Context(), "new")
	require.NoError(t, err)
	emptied := deferred.Clone()
	emptied.Promote(resolver.Promotion{Epoch: 1})
	forked := join(write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "x"), write(t, &resolver.Siblings[string]{}, at("eu", 5), resolver.Context{}, "\xff"))
	docs := updates(t, doc{}, doc{1, []string{"a"}}, doc{2, nil})

	seen := deferred.Context()
	return map[string]any{
		"siblings_empty":    &resolver.Siblings[string]{},
		"siblings_stable":   resolver.NewSiblings[string](vclock.Clock{}.With("eu", 7), 3),
		"siblings_deferred": deferred,
		"siblings_settled":  settled,
		"siblings_promoted": promoted,
		"siblings_written":  written,
		"siblings_emptied":  emptied,
		"siblings_forked":   forked,
		"siblings_docs":     docs,
		"ticket":            ticket,
		"context_empty":     &resolver.Context{},
		"context":           &seen,
		"context_dotted":    &dotted.Context,
	}
}

// empty returns a decoder for a sample.
func empty(v any) encoding.BinaryUnmarshaler {
	switch v.(type) {
	case *resolver.Siblings[string]:
		return &resolver.Siblings[string]{}
	case *resolver.Siblings[doc]:
		return &resolver.Siblings[doc]{}
	case *resolver.Ticket[string]:
		return &resolver.Ticket[string]{}
	default:
		return &resolver.Context{}
	}
}

func TestGolden(t *testing.T) {
	for name, v := range samples(t) {
		t.Run(name, func(t *testing.T) {
			b, err := v.(encoding.BinaryMarshaler).MarshalBinary()
			require.NoError(t, err)
			j, err := v.(json.Marshaler).MarshalJSON()
			require.NoError(t, err)
			got := hex.EncodeToString(b) + "\n" + string(j) + "\n"
			want, err := os.ReadFile("testdata/" + name + ".txt")
			require.NoError(t, err, "%s", got)
			require.Equal(t, string(want), got)

			first, second, _ := strings.Cut(string(want), "\n")
			b, err = hex.DecodeString(first)
			require.NoError(t, err)
			x, y := empty(v), empty(v)
			require.NoError(t, x.UnmarshalBinary(b))
			require.NoError(t, y.(json.Unmarshaler).UnmarshalJSON([]byte(second)))
			require.Equal(t, x, y)
			for n := range len(b) {
				require.Error(t, x.UnmarshalBinary(b[:n]), "cut to %d bytes", n)
			}
			require.Error(t, x.UnmarshalBinary(append(b, 0)))
			require.Equal(t, y, x, "unchanged on error")
		})
	}
}

// TestDamagedByte changes each byte of a sample a little. What comes of that is refused, or
// encodes to just these bytes: no number is taken that leads nowhere.
func TestDamagedByte(t *testing.T) {
	for name, v := range samples(t) {
		b, err := v.(encoding.BinaryMarshaler).MarshalBinary()
		require.NoError(t, err)
		for i := range b {
			for _, change := range []byte{1, 2, 0xff, 0x80} {
				damaged := slices.Clone(b)
				damaged[i] += change
				x := empty(v)
				if x.UnmarshalBinary(damaged) != nil {
					require.Equal(t, empty(v), x, "%s: unchanged on error", name)
					continue
				}
				again, err := x.(encoding.BinaryMarshaler).MarshalBinary()
				require.NoError(t, err)
				require.Equal(t, damaged, again, "%s, byte %d", name, i)
			}
		}
	}
}

// TestContextText goes through the form that travels in a header.
func TestContextText(t *testing.T) {
	for name, v := range samples(t) {
		c, ok := v.(*resolver.Context)
		if !ok {
			continue
		}
		text, err := c.MarshalText()
		require.NoError(t, err)
		require.Equal(t, c.String(), string(text))
		require.NotContains(t, c.String(), "=", name)
		var d resolver.Context
		require.NoError(t, d.UnmarshalText(text))
		require.True(t, c.Equal(d))
		for _, bad := range []string{"", "=", string(text) + "=", string(text) + "\n", "!" + string(text)} {
			require.Error(t, d.UnmarshalText([]byte(bad)), "%q", bad)
		}
		require.True(t, c.Equal(d), "unchanged on error")
	}
}

// TestDecodeErrors refuses what no encoder writes.
func TestDecodeErrors(t *testing.T) {
	past := `"past":{"eu":"9"}`
	for in, want := range map[string]string{
		`{"versions":[{"value":"a"}],` + past + `}`:                                                         "version without a stamp",
		`{"versions":[null],` + past + `}`:                                                                  "version without a stamp",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000010Z@eu","value":"a"}],` + past + `}`:             "is not in the past of the set",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu"}],` + past + `}`:                         `needs either "value" or "deleted"`,
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","epoch":"1"}],` + past + `}`: "is not of epoch 0",
		`{"epoch":"1"}`: "versions of epoch 1 in a set of epoch 0",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{"past":{"us":"1"}}}],` + past + `}`:                                                                                   "versions have seen more than the set",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000008Z@eu","value":"a"},{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{"past":{"eu":"8"}}}],` + past + `}`:                         "is replaced by another",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000008Z@eu","value":"a"},{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{"dot":"1970-01-01T00:00:00.000000008Z@eu"}}],` + past + `}`: "is replaced by another",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{"dot":"1970-01-01T00:00:00.000000008Z@us"}}],` + past + `}`:                                                           "version 1970-01-01T00:00:00.000000009Z@eu has seen 1970-01-01T00:00:00.000000008Z@us, which the set has not",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a"},{"stamp":"1970-01-01T00:00:00.000000008Z@eu","value":"a"}],` + past + `}`:                                                    "is out of order",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{"past":{"eu":"9"}}}],` + past + `}`:                                                                                   "is not after its past",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","settles":["1970-01-01T00:00:00.000000008Z@eu"]}],` + past + `}`:                                                              "version 1970-01-01T00:00:00.000000009Z@eu settles 1970-01-01T00:00:00.000000008Z@eu, which is out of order or not in its past",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","settles":[]}],` + past + `}`:                                                                                                 "settles nothing",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a"},{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a"}],` + past + `}`:                                                    "is out of order",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","ancestors":[{"past":{"ap":"1"}}]}],` + past + `}`:                                                                            "has an ancestor that is not in the past of the set",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","settles":null}],` + past + `}`:                                                                                               "settles nothing",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","past":{}}],` + past + `}`:                                                                                                    `member "past": no context`,
		`{"versions":[],` + past + `}`:          "no versions",
		`{"versions":null,` + past + `}`:        "no versions",
		`{"past":{"eu":"9223372036854775808"}}`: "out of range",
		`{"versions":[{"stamp":"1970-01-01T00:00:00.000000009Z@eu","value":"a","settles":[""]}],` + past + `}`: "out of order or not in its past",
		`{"floor":"1970-01-01T00:00:00.000000009Z",` + past + `}`:                                              "floor is not above the past",
		`{"other":1}`: "unknown member",
	} {
		var s resolver.Siblings[string]
		require.ErrorContains(t, s.UnmarshalJSON([]byte(in)), want, in)
		require.True(t, s.Equal(&resolver.Siblings[string]{}))
	}
	// What the writer of a version had been shown in a lower epoch is no word about this one.
	lower := `{"level":"1","epoch":"1","past":{"ap":"7","eu":"9"},"versions":[{"stamp":"1970-01-01T00:00:00.000000005Z@ap","epoch":"1","value":"a"},` +
		`{"stamp":"1970-01-01T00:00:00.000000009Z@eu","epoch":"1","value":"b","past":{"past":{"ap":"7"}}}]}`
	require.NoError(t, new(resolver.Siblings[string]).UnmarshalJSON([]byte(lower)))
	require.ErrorContains(t, new(resolver.Siblings[string]).UnmarshalJSON([]byte(strings.Replace(lower, `"past":{"past"`, `"past":{"epoch":"1","of":"1","past"`, 1))), "is replaced by another")
	s := write(t, &resolver.Siblings[string]{}, at("eu", 1), resolver.Context{}, "v")
	require.NoError(t, s.UnmarshalJSON([]byte("null")))
	require.Equal(t, 1, s.Len())
	require.Equal(t, hlc.Timestamp(1), s.LastOf("eu"))
}

func fuzzBinary[P interface {
	*V
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}, V any](f *testing.F,
) {
	f.Helper()
	for _, v := range samples(f) {
		if _, ok := v.(P); ok {
			b, err := v.(encoding.BinaryMarshaler).MarshalBinary()
			require.NoError(f, err)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v := P(new(V))
		if v.UnmarshalBinary(in) != nil {
			require.Equal(t, P(new(V)), v)
			return
		}
		out, err := v.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, in, out)
	})
}

func fuzzJSON[P interface {
	*V
	json.Marshaler
	json.Unmarshaler
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}, V any](f *testing.F,
) {
	f.Helper()
	for _, v := range samples(f) {
		if _, ok := v.(P); ok {
			b, err := v.(json.Marshaler).MarshalJSON()
			require.NoError(f, err)
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, w := P(new(V)), P(new(V))
		if string(in) == "null" || v.UnmarshalJSON(in) != nil {
			require.Equal(t, P(new(V)), v)
			return
		}
		enc, err := v.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, w.UnmarshalBinary(enc))
		require.Equal(t, v, w)
		enc, err = v.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, w.UnmarshalJSON(enc))
		require.Equal(t, v, w)
	})
}

func FuzzSiblings(f *testing.F)     { fuzzBinary[*resolver.Siblings[string]](f) }
func FuzzSiblingsDocs(f *testing.F) { fuzzBinary[*resolver.Siblings[doc]](f) }
func FuzzSiblingsJSON(f *testing.F) { fuzzJSON[*resolver.Siblings[string]](f) }
func FuzzTicket(f *testing.F)       { fuzzBinary[*resolver.Ticket[string]](f) }
func FuzzTicketJSON(f *testing.F)   { fuzzJSON[*resolver.Ticket[string]](f) }
func FuzzContext(f *testing.F)      { fuzzBinary[*resolver.Context](f) }
func FuzzContextJSON(f *testing.F)  { fuzzJSON[*resolver.Context](f) }

func FuzzContextText(f *testing.F) {
	for _, v := range samples(f) {
		if c, ok := v.(*resolver.Context); ok {
			f.Add(c.String())
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		var c resolver.Context
		if c.UnmarshalText([]byte(in)) == nil {
			require.Equal(t, in, c.String())
		}
	})
}

// FuzzVersionJSON decodes what records hold.
func FuzzVersionJSON(f *testing.F) {
	for _, v := range samples(f) {
		if s, ok := v.(*resolver.Siblings[string]); ok {
			for _, v := range s.Versions() {
				b, err := v.MarshalJSON()
				require.NoError(f, err)
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var v, w resolver.Version[string]
		if string(in) == "null" || v.UnmarshalJSON(in) != nil {
			require.Equal(t, w, v)
			return
		}
		enc, err := v.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, w.UnmarshalJSON(enc))
		require.Equal(t, v, w)
	})
}

func FuzzID(f *testing.F) {
	f.Add("00112233445566778899aabbccddeeff")
	f.Fuzz(func(t *testing.T, in string) {
		var id resolver.ID
		if id.UnmarshalText([]byte(in)) == nil {
			require.Equal(t, in, id.String())
		}
	})
}

func FuzzAction(f *testing.F) {
	for a := resolver.Defer; a <= resolver.Pass; a++ {
		f.Add(a.String())
	}
	f.Fuzz(func(t *testing.T, in string) {
		var a resolver.Action
		if a.UnmarshalText([]byte(in)) == nil {
			require.Equal(t, in, a.String())
		}
	})
}

// FuzzRecordJSON reads records as a log file has them, and replays them: what does
// not hold together is skipped or named, and nothing panics.
func FuzzRecordJSON(f *testing.F) {
	log := &resolver.MemoryLog{}
	deferred := samples(f)["siblings_deferred"].(*resolver.Siblings[string]).Clone()
	forked := samples(f)["siblings_forked"].(*resolver.Siblings[string])
	for _, rule := range []resolver.Rule[string]{
		nil, resolver.LastWriterWins[string], resolver.DeleteWins[string],
		resolver.Named("both", "both", func(_ context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
			return c.Use("both", "").With(c.Compensation("refund")), nil
		}),
	} {
		r := &resolver.Reconciler[string]{Rule: rule, Log: log}
		resolve(f, r, deferred)
		resolve(f, r, forked)
	}
	r := &resolver.Reconciler[string]{Log: log}
	ticket := resolve(f, r, deferred).Ticket
	written, err := r.Settle(bg, at("eu", 30), deferred, ticket, ticket.Conflict.Delete("by ann"))
	require.NoError(f, err)
	require.NoError(f, r.Fenced(bg, "k", written.Version))
	for _, rec := range log.Entries() {
		b, err := json.Marshal(rec)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var x, y resolver.LogEntry
		if json.Unmarshal(in, &x) != nil {
			return
		}
		replayed := resolver.Replay(t.Context(), []resolver.LogEntry{x}, resolver.FirstWriterWins[string])
		require.Equal(t, 1, replayed.Decisions+replayed.Skipped+len(replayed.Damaged))
		require.NotEmpty(t, replayed.String())
		enc, err := json.Marshal(x)
		if err != nil {
			require.ErrorContains(t, err, "resolver: encode", "of what text can be read, all can be written")
			return
		}
		require.NoError(t, json.Unmarshal(enc, &y))
		again, err := json.Marshal(y)
		require.NoError(t, err)
		require.Equal(t, string(enc), string(again))
		require.Equal(t, x.Identity().Winner, y.Identity().Winner)
		require.NoError(t, (&resolver.SlogLog{Logger: slog.New(slog.DiscardHandler)}).Append(t.Context(), x))
	})
}
