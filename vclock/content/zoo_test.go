package content_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

var update = flag.Bool("update", false, "write the table of docs/types.md")

// A holder is a state of one value, of some package.
type holder[V any] interface {
	write(v V) error
	read() (V, bool)
	encodable
}

type encodable interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(p []byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON(p []byte) error
}

var writer = lww.Writer{Replica: "eu", Clock: clock{}}

// A clock of one tick a call.
type clock struct{}

func (clock) Next(after hlc.Timestamp) (hlc.Timestamp, error) { return after + 1, nil }

type (
	register[V any] struct{ lww.Register[V] }
	entry[V any]    struct{ lww.Map[string, V] }
	mv[V any]       struct{ crdt.MVRegister[V] }
	nested[V any]   struct {
		crdt.ORMap[string, *crdt.MVRegister[V]]
	}
	versions[V any] struct{ vclock.DVVSet[V] }
	siblings[V any] struct{ resolver.Siblings[V] }
)

func (r *register[V]) write(v V) error { return r.Set(writer, v) }
func (r *register[V]) read() (V, bool) { return r.Get() }

func (m *entry[V]) write(v V) error {
	_, err := m.Put(writer, "k", v)
	return err
}
func (m *entry[V]) read() (V, bool) { return m.At("k") }

func (m *mv[V]) write(v V) error {
	_, err := m.Set("eu", v)
	return err
}
func (m *mv[V]) read() (V, bool) { return m.Get() }

func (m *nested[V]) write(v V) (err error) {
	m.Update("eu", "k", func(r *crdt.MVRegister[V]) { _, err = r.Set("eu", v) })
	return err
}

func (m *nested[V]) read() (v V, ok bool) {
	r, _ := m.At("k")
	return r.Get()
}

func (s *versions[V]) write(v V) error {
	_, err := s.Put("eu", s.Context(), v)
	return err
}

func (s *versions[V]) read() (v V, ok bool) {
	for v := range s.Values() {
		return v, true
	}
	return v, false
}

func (s *siblings[V]) write(v V) error {
	_, err := s.Write(resolver.Writer{Writer: writer}, s.Context(), v)
	return err
}

func (s *siblings[V]) read() (v V, ok bool) {
	for _, w := range s.Versions() {
		return w.Value, w.Check() == nil
	}
	return v, false
}

// An outcome is what becomes of a value, in bytes and in JSON.
type outcome struct{ bytes, json string }

// in writes v into a state and tells what became of it, having checked that the writer
// reads what a peer reads.
func in[V any](t *testing.T, v V, fresh func() holder[V]) (o outcome) {
	t.Helper()
	s := fresh()
	empty, err := s.MarshalBinary()
	require.NoError(t, err)
	if err := s.write(v); err != nil {
		bad := new(content.TypeError)
		require.ErrorAs(t, err, &bad)
		after, err := s.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, empty, after, "a write that is refused changes nothing")
		reason, _, _ := strings.Cut(bad.Reason, ";")
		if bad.Path != "" {
			reason = bad.Path + ": " + reason
		}
		return outcome{"refused: " + reason, ""}
	}
	got, ok := s.read()
	require.True(t, ok)
	o.bytes = "kept"
	if !alike(v, got) {
		o.bytes = "reads " + text(got)
	}

	data, err := s.MarshalBinary()
	require.NoError(t, err)
	peer := fresh()
	require.NoError(t, peer.UnmarshalBinary(data))
	there, ok := peer.read()
	require.True(t, ok)
	require.True(t, alike(got, there), "the writer reads %s, a peer %s", text(got), text(there))

	doc, err := s.MarshalJSON()
	if err != nil {
		bad := new(content.TypeError)
		require.ErrorAs(t, err, &bad)
		return outcome{o.bytes, "error: " + bad.Reason}
	}
	require.True(t, json.Valid(doc))
	require.NotContains(t, string(doc), `\u0000`, "which PostgreSQL refuses in jsonb")
	back := fresh()
	require.NoError(t, back.UnmarshalJSON(doc), "%s", doc)
	there, ok = back.read()
	require.True(t, ok)
	require.True(t, alike(got, there), "the writer reads %s, a peer by JSON %s: %s", text(got), text(there), doc)
	again, err := back.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again, "JSON leads to other bytes: %s", doc)
	o.json = "yes"
	return o
}

// alike reports whether two values are the same: NaN is itself, and −0 is not 0.
func alike[V any](a, b V) bool { return text(a) == text(b) }

// text shows a value with all that tells it from others.
func text[V any](v V) string { return show(reflect.ValueOf(&v).Elem()) }

func show(v reflect.Value) string {
	if v.CanInterface() && v.Kind() != reflect.Interface {
		if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			return s.String()
		}
	}
	list := func(n int, at func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = at(i)
		}
		if v.Kind() == reflect.Map {
			slices.Sort(parts)
		}
		return fmt.Sprintf("%v{%s}", v.Type(), strings.Join(parts, ", "))
	}
	switch k := v.Kind(); {
	case (k == reflect.Pointer || k == reflect.Interface || k == reflect.Map || k == reflect.Slice) && v.IsNil():
		return "nil"
	case k == reflect.Pointer:
		return "&" + show(v.Elem())
	case k == reflect.Interface:
		return fmt.Sprintf("%v(%s)", v.Elem().Type(), show(v.Elem()))
	case k == reflect.Slice || k == reflect.Array:
		return list(v.Len(), func(i int) string { return show(v.Index(i)) })
	case k == reflect.Map:
		keys := v.MapKeys()
		return list(len(keys), func(i int) string { return show(keys[i]) + ": " + show(v.MapIndex(keys[i])) })
	case k == reflect.Struct:
		return list(v.NumField(), func(i int) string { return v.Type().Field(i).Name + ": " + show(v.Field(i)) })
	case k == reflect.String:
		return strconv.Quote(v.String())
	case k == reflect.Float32 || k == reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()) // which tells −0
	}
	return fmt.Sprintf("%v", v)
}

// An animal is a value of some type, and how the table shows both.
type animal struct {
	typ, value string
	test       func(t *testing.T) outcome
}

// of makes an animal, which is held by a DVVSet: the compiler makes code of its own
// for each type.
func of[V any](typ, shown string, v V) animal {
	return animal{typ, shown, func(t *testing.T) outcome {
		t.Helper()
		return in(t, v, func() holder[V] { return new(versions[V]) })
	}}
}

// everywhere makes an animal with which all packages must do the same.
func everywhere[V any](typ, shown string, v V) animal {
	a := of(typ, shown, v)
	return animal{typ, shown, func(t *testing.T) outcome {
		t.Helper()
		want := a.test(t)
		for name, fresh := range map[string]func() holder[V]{
			"lww.Register":    func() holder[V] { return new(register[V]) },
			"lww.Map":         func() holder[V] { return new(entry[V]) },
			"crdt.MVRegister": func() holder[V] { return new(mv[V]) },
			"crdt.ORMap":      func() holder[V] { return new(nested[V]) },
			"resolver":        func() holder[V] { return new(siblings[V]) },
		} {
			require.Equal(t, want, in(t, v, fresh), "%s does otherwise than vclock.DVVSet", name)
		}
		return want
	}}
}

type (
	// A Masked is a secret that shows only in the program.
	Masked string
	// A Sealed has an unexported field and no method.
	Sealed struct{ n int }
	// A Node refers to others.
	Node struct {
		Name string
		Next *Node
	}
	// A Tree nests without pointers.
	Tree map[string]Tree
	// A Base is embedded.
	Base struct{ ID string }
	// A Doubled gives one name to two fields.
	Doubled struct {
		A int `json:"x"`
		B int `rejoin:"name=x"`
	}
	// A Shape is an interface with a method.
	Shape interface{ Area() float64 }
)

func (Masked) MarshalText() ([]byte, error) { return []byte("***"), nil }
func (*Masked) UnmarshalText([]byte) error  { return nil }

// A Hush has a binary form that leaves everything out.
type Hush struct{ Word string }

func (Hush) MarshalBinary() ([]byte, error) { return []byte("***"), nil }
func (*Hush) UnmarshalBinary([]byte) error  { return nil }

// A Shown has a JSON form that leaves everything out, and exported fields.
type Shown struct{ Word string }

func (Shown) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }
func (*Shown) UnmarshalJSON([]byte) error  { return nil }

// A Veiled has a JSON form that leaves everything out, and no other.
type Veiled struct{ word string }

func (Veiled) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }
func (*Veiled) UnmarshalJSON([]byte) error  { return nil }

// zoo returns numbers, texts, times and the like, and what holds them: the table of docs/types.md.
func zoo() []animal {
	started := time.Now()
	loop := &Node{Name: "a"}
	loop.Next = loop
	here := time.Date(2026, 3, 1, 12, 0, 0, 5, time.FixedZone("CET", 3600))
	return []animal{
		of("int64", "the smallest", int64(math.MinInt64)),
		of("uint64", "the largest", uint64(math.MaxUint64)),
		everywhere("float64", "NaN", math.NaN()),
		everywhere("float64", "−0", math.Copysign(0, -1)),
		everywhere("float64", "+Inf", math.Inf(1)),
		of("float32", "0.1", float32(0.1)),
		of("complex128", "1+2i", 1+2i),
		of("complex128", "NaN", complex(math.NaN(), 0)),
		of("string", `"\x00"`, "\x00"),
		of("string", `"\xff", no UTF-8`, "\xff"),
		of("[]byte", "nil", []byte(nil)),
		of("[]byte", "empty", []byte{}),
		of("json.RawMessage", "no JSON", json.RawMessage("{")),
		everywhere("time.Time", "zero", time.Time{}),
		everywhere("time.Time", "UTC, nanoseconds", time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)),
		everywhere("time.Time", "12:00 in a zone CET", here),
		everywhere("time.Time", "with a monotonic reading", started.Add(here.Sub(started))),
		of("time.Duration", "1.5s", 1500*time.Millisecond),
		of("[]string", "nil", []string(nil)),
		of("[]string", "empty", []string{}),
		of("map[string]int", "nil", map[string]int(nil)),
		of("map[string]int", "empty", map[string]int{}),
		of("map[string]int", "a zero element", map[string]int{"a": 0}),
		of("map[int]string", "a key −1", map[int]string{-1: "x"}),
		of("map[Base]bool", "a key that is a struct", map[Base]bool{{"a"}: true}),
		of("map[float64]int", "a key NaN", map[float64]int{math.NaN(): 1}),
		of("map[float64]int", "a key −0", map[float64]int{math.Copysign(0, -1): 1}),
		of("map[time.Time]int", "two zones of one instant", map[time.Time]int{here: 1, here.UTC(): 2}),
		of("map[*int]int", "empty", map[*int]int{}),
		of("map[any]int", "empty", map[any]int{}),
		of("[2][2]int8", "of numbers", [2][2]int8{{1, 2}, {3, -4}}),
		of("[3]byte", "of bytes", [3]byte{1, 2, 3}),
		of("*int", "nil", (*int)(nil)),
		of("*int", "to zero", new(0)),
		of("**int", "to nil", new((*int)(nil))),
		of("[]*int", "nil and to zero", []*int{nil, new(0)}),
		of("struct{}", "", struct{}{}),
		of("struct of exported fields", "", struct {
			A int
			B string
		}{1, "x"}),
		everywhere("field `json:\"-\"`", "not zero", struct {
			A int `json:"-"`
		}{1}),
		of("field `json:\"-\"`", "zero", struct {
			A int `json:"-"`
			B int
		}{B: 1}),
		of("field `json:\",omitempty\"`", "an empty slice", struct {
			A []int `json:",omitempty"`
		}{[]int{}}),
		of("field `json:\",omitzero\"`", "−0", struct {
			A float64 `json:",omitzero"`
			B int
		}{math.Copysign(0, -1), 1}),
		of("field `json:\",string\"`", "7", struct {
			A int64 `json:",string"`
		}{7}),
		of("two fields of one name", "", Doubled{1, 2}),
		of("embedded struct", "", struct {
			Base
			N int
		}{Base{"a"}, 1}),
		of("embedded pointer", "", struct {
			*Base
			N int
		}{&Base{"a"}, 1}),
		of("embedded pointer", "nil", struct {
			*Base
			N int
		}{nil, 1}),
		of("unexported field", "no method", Sealed{1}),
		of("unexported field", "in a slice", []Sealed{{1}}),
		of("Node, recursive", "a list", &Node{"a", &Node{"b", nil}}),
		of("Node, recursive", "a cycle", loop),
		of("Tree, recursive", "nested", Tree{"a": {"b": nil}}),
		everywhere("any", "nil", any(nil)),
		everywhere("any", "float64", any(1.5)),
		everywhere("any", "int", any(7)),
		everywhere("any", "int64, 2⁵³+1", any(int64(1<<53+1))),
		everywhere("any", "[]any, empty", any([]any{})),
		everywhere("any", "*int, nil", any((*int)(nil))),
		everywhere("any", "time.Time", any(here.UTC())),
		everywhere("any", "struct", any(Base{"a"})),
		everywhere("any", "NaN", any(math.NaN())),
		everywhere("any", "no UTF-8", any("\xff")),
		of("map[string]any", "of JSON", map[string]any{"a": []any{"x", nil, true}}),
		of("interface with methods", "nil", Shape(nil)),
		of("error", "", errors.New("x")),
		of("func()", "nil", (func())(nil)),
		of("chan int", "nil", (chan int)(nil)),
		of("netip.Addr", "binary form", netip.MustParseAddr("::1%eth0")),
		of("*big.Int", "text form", big.NewInt(-7)),
		of("binary form", "loses something", Hush{"a"}),
		of("JSON form, exported fields", "loses something", Shown{"a"}),
		of("JSON form, unexported fields", "loses something", Veiled{"a"}),
		of("text form of a string", "loses something", Masked("a")),
		of("sync.Mutex", "", &sync.Mutex{}),
	}
}

// TestZoo: each value is kept exactly, read as the table of docs/types.md says, or
// refused, alike in every package; who wrote it reads what others read.
func TestZoo(t *testing.T) {
	local := time.Local
	time.Local = time.UTC //nolint:gosmopolitan // so that the table is the same everywhere
	defer func() { time.Local = local }()
	var b strings.Builder
	b.WriteString("| type | value | in a state | in JSON, and back |\n|---|---|---|---|\n")
	for _, a := range zoo() {
		t.Run(a.typ+"/"+a.value, func(t *testing.T) {
			o := a.test(t)
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.typ, a.value, o.bytes, o.json)
		})
	}
	checkTable(t, "zoo", b.String())
}

// checkTable compares a table of docs/types.md, or writes it.
func checkTable(t *testing.T, name, want string) {
	t.Helper()
	if t.Failed() {
		return
	}
	const file = "../../docs/types.md"
	from, to := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(page), from)
	require.True(t, ok)
	got, tail, ok := strings.Cut(rest, to)
	require.True(t, ok)
	if *update {
		page := head + from + want + to + tail
		require.NoError(t, os.WriteFile(file, []byte(page), 0o644)) //nolint:gosec // a file of the repository
		return
	}
	require.Equal(t, want, got, "go test ./vclock/content -run Zoo -update")
}
