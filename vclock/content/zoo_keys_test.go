package content_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
)

// A collection is a state that has a key or an element, of some package.
type collection[K any] interface {
	add(k K) error
	elements() iter.Seq[K]
	encodable
}

type (
	lastSet[K comparable] struct{ lww.Set[K] }
	orSet[K comparable]   struct{ crdt.ORSet[K] }
	gSet[K comparable]    struct{ crdt.GSet[K] }
)

func (s *lastSet[K]) add(k K) error {
	_, err := s.Add(writer, k)
	return err
}
func (s *lastSet[K]) elements() iter.Seq[K] { return s.All() }

func (s *orSet[K]) add(k K) error {
	s.Add("eu", k)
	return nil
}
func (s *orSet[K]) elements() iter.Seq[K] { return s.All() }

func (s *gSet[K]) add(k K) error {
	s.Add(k)
	return nil
}
func (s *gSet[K]) elements() iter.Seq[K] { return s.All() }

// among adds k to a state and tells what became of it.
func among[K any](t *testing.T, k K, fresh func() collection[K]) (outcome string) {
	t.Helper()
	s := fresh()
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
		}()
		return s.add(k)
	}()
	if err != nil {
		require.Empty(t, slices.Collect(s.elements()), "what is refused changes nothing")
		_, reason, _ := strings.Cut(err.Error(), ": ") // the package says that it is it
		return "refused: " + regexp.MustCompile(` m=[-+.0-9]+`).ReplaceAllString(reason, "")
	}
	only := func(s collection[K]) K {
		all := slices.Collect(s.elements())
		require.Len(t, all, 1)
		return all[0]
	}
	got := only(s)
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	peer := fresh()
	require.NoError(t, peer.UnmarshalBinary(data))
	require.Equal(t, text(got), text(only(peer)), "the writer reads another than a peer")
	doc, err := s.MarshalJSON()
	require.NoError(t, err)
	require.True(t, json.Valid(doc))
	require.NotContains(t, string(doc), `\u0000`)
	peer = fresh()
	require.NoError(t, peer.UnmarshalJSON(doc), "%s", doc)
	require.Equal(t, text(got), text(only(peer)), "the writer reads another than a peer by JSON")
	if alike(k, got) {
		return "kept"
	}
	return "reads " + text(got)
}

// key makes an animal of the zoo of keys. All packages must do the same with it.
func key[K comparable](typ, shown string, k K) animal {
	return animal{typ, shown, func(t *testing.T) outcome {
		t.Helper()
		want := among(t, k, func() collection[K] { return new(lastSet[K]) })
		require.Equal(t, want, among(t, k, func() collection[K] { return new(orSet[K]) }), "crdt.ORSet and lww.Set differ")
		require.Equal(t, want, among(t, k, func() collection[K] { return new(gSet[K]) }), "crdt.GSet and lww.Set differ")
		return outcome{bytes: want}
	}}
}

func keys() []animal {
	started := time.Now()
	here := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("CET", 3600))
	return []animal{
		key("int64", "the smallest", int64(math.MinInt64)),
		key("uint64", "the largest", uint64(math.MaxUint64)),
		key("float64", "NaN", math.NaN()),
		key("float64", "−0", math.Copysign(0, -1)),
		key("complex128", "1i", 1i),
		key("string", `"\x00"`, "\x00"),
		key("string", `"\xff", no UTF-8`, "\xff"),
		key("[2]string", "", [2]string{"a", ""}),
		key("struct of exported fields", "", struct {
			A int
			B string
		}{1, "x"}),
		key("struct of exported fields", "a NaN in it", struct{ A float64 }{math.NaN()}),
		key("field `json:\"-\"`", "not zero", struct {
			A int `json:"-"`
		}{1}),
		key("unexported field", "no method", Sealed{1}),
		key("time.Time", "UTC", here.UTC()),
		key("time.Time", "in a zone", here),
		key("time.Time", "with a monotonic reading", started.Add(here.Sub(started))),
		key("netip.Addr", "binary form", netip.MustParseAddr("::1%eth0")),
		key("binary form, exported fields", "loses something", Hush{"a"}),
		key("JSON form, unexported fields", "loses something", Veiled{"a"}),
		key("text form of a string", "loses something", Masked("a")),
		key("*int", "", new(int)),
		key("any", "", any(1)),
		key("chan int", "", make(chan int)),
	}
}

// TestKeyZoo: each key or element is kept exactly, read as the table of docs/types.md
// says, or refused, alike in every package.
func TestKeyZoo(t *testing.T) {
	local := time.Local
	time.Local = time.UTC //nolint:gosmopolitan // so that the table is the same everywhere
	defer func() { time.Local = local }()
	var b strings.Builder
	b.WriteString("| type | value | as key or element |\n|---|---|---|\n")
	for _, a := range keys() {
		t.Run(a.typ+"/"+a.value, func(t *testing.T) {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", a.typ, a.value, a.test(t).bytes)
		})
	}
	checkTable(t, "keys", b.String())
}
