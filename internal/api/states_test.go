package api_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/nocopy"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// A state is one of the replicated types. Set is nil for those of which go vet refuses
// copies; of the others a copy is a Clone, as set shows by writing text to one.
type state struct {
	typ reflect.Type
	set func(t *testing.T, state any, text string)
}

var (
	plan   = merge.MustCompile(merge.Options[note]{Record: true})
	writer = lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
)

type note struct {
	Text string
	Tags map[string]bool
}

func states() map[string]state {
	marked := func(typ reflect.Type) state { return state{typ: typ} }
	return map[string]state{
		"crdt.BoundedCounter": marked(reflect.TypeFor[crdt.BoundedCounter]()),
		"crdt.DWFlag":         marked(reflect.TypeFor[crdt.DWFlag]()),
		"crdt.EWFlag":         marked(reflect.TypeFor[crdt.EWFlag]()),
		"crdt.GCounter":       marked(reflect.TypeFor[crdt.GCounter]()),
		"crdt.GMap":           marked(reflect.TypeFor[crdt.GMap[string, *crdt.GCounter]]()),
		"crdt.GSet":           marked(reflect.TypeFor[crdt.GSet[string]]()),
		"crdt.MVRegister":     marked(reflect.TypeFor[crdt.MVRegister[string]]()),
		"crdt.ORMap":          marked(reflect.TypeFor[crdt.ORMap[string, *crdt.ORSet[string]]]()),
		"crdt.ORSet":          marked(reflect.TypeFor[crdt.ORSet[string]]()),
		"crdt.PNCounter":      marked(reflect.TypeFor[crdt.PNCounter]()),
		"crdt.RWSet":          marked(reflect.TypeFor[crdt.RWSet[string]]()),
		"crdt.TwoPSet":        marked(reflect.TypeFor[crdt.TwoPSet[string]]()),
		"lww.Map":             marked(reflect.TypeFor[lww.Map[string, string]]()),
		"lww.Set":             marked(reflect.TypeFor[lww.Set[string]]()),
		"vclock.DotSet":       marked(reflect.TypeFor[vclock.DotSet]()),
		"vclock.Matrix":       marked(reflect.TypeFor[vclock.Matrix]()),
		"lww.Register": {reflect.TypeFor[lww.Register[string]](), func(t *testing.T, state any, text string) {
			t.Helper()
			require.NoError(t, state.(*lww.Register[string]).Set(writer, text))
		}},
		"vclock.DVVSet": {reflect.TypeFor[vclock.DVVSet[string]](), func(t *testing.T, state any, text string) {
			t.Helper()
			_, err := state.(*vclock.DVVSet[string]).Put(vclock.Replica(text), vclock.Clock{}, text)
			require.NoError(t, err)
		}},
		"resolver.Siblings": {reflect.TypeFor[resolver.Siblings[string]](), func(t *testing.T, state any, text string) {
			t.Helper()
			_, err := state.(*resolver.Siblings[string]).Write(resolver.Writer{Writer: writer}, resolver.Context{}, text)
			require.NoError(t, err)
		}},
		"merge.Record": {reflect.TypeFor[merge.Record[note]](), func(t *testing.T, state any, text string) {
			t.Helper()
			r := state.(*merge.Record[note])
			r.Merge(plan.NewRecord())
			require.NoError(t, r.Update(writer, func(n *note) error {
				n.Text = text
				if n.Tags == nil {
					n.Tags = map[string]bool{}
				}
				n.Tags[text] = true
				return nil
			}))
		}},
	}
}

var method = regexp.MustCompile(`^(\S+): func \(\w+ \*(\w+)(?:\[[^\]]*\])?\) (Merge|Clone)\(`)

// TestStates: what merges and is cloned is in the list of states, and encodes itself.
func TestStates(t *testing.T) {
	names, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	has := map[string]int{}
	for line := range strings.Lines(string(names)) {
		if m := method.FindStringSubmatch(line); m != nil {
			has[m[1]+"."+m[2]]++
		}
	}
	all := states()
	for name, n := range has {
		require.True(t, n < 2 || all[name].typ != nil, "%s is not in the list", name)
	}
	for name, s := range all {
		require.Equal(t, 2, has[name], name)
		for _, i := range []reflect.Type{
			reflect.TypeFor[encoding.BinaryAppender](), reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](),
			reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[driver.Valuer](), reflect.TypeFor[sql.Scanner](),
		} {
			require.True(t, reflect.PointerTo(s.typ).Implements(i), "%s is no %v", name, i)
		}
		require.True(t, s.typ.Implements(reflect.TypeFor[json.Marshaler]()), "a %s that a struct holds by value has no JSON", name)
	}
}

// TestCopies: a copy of a state is a Clone, or go vet complains about it.
func TestCopies(t *testing.T) {
	for name, s := range states() {
		t.Run(name, func(t *testing.T) {
			marked := false
			for f := range s.typ.Fields() {
				marked = marked || f.Type == reflect.TypeFor[nocopy.NoCopy]()
			}
			require.Equal(t, s.set == nil, marked, "go vet complains about copies")
			if marked {
				return
			}
			a, b := reflect.New(s.typ), reflect.New(s.typ)
			s.set(t, a.Interface(), "x")
			b.Elem().Set(a.Elem())
			was := bytesOf(t, a)
			require.Equal(t, was, bytesOf(t, b))
			s.set(t, b.Interface(), "y")
			require.Equal(t, was, bytesOf(t, a), "the copy changed it")
			is := bytesOf(t, b)
			require.NotEqual(t, was, is)
			s.set(t, a.Interface(), "z")
			require.Equal(t, is, bytesOf(t, b), "it changed the copy")
		})
	}
}

func bytesOf(t *testing.T, state reflect.Value) string {
	t.Helper()
	b, err := state.Interface().(encoding.BinaryMarshaler).MarshalBinary()
	require.NoError(t, err)
	return string(b)
}
