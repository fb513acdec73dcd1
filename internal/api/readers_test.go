package api_test

import (
	"context"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// writes are the methods of states that change them. All others read.
var writes = []string{
	"Add", "AddAt", "AddClock", "AddSeen", "Admit", "Apply", "Begin", "Clear", "ClearSeen", "Close", "Compact", "CompactRows", "Delete", "DeleteAt",
	"DeleteSeen", "Disable", "DisableSeen", "Edit", "Enable", "EnableSeen", "Expire", "Forget", "Merge", "MergeAt", "MergeBinary",
	"MergeLenient", "Promote", "Put", "PutAt", "Reap", "Reclaim", "Record", "Remove", "RemoveAt", "RemoveSeen", "Reset", "ResetSeen",
	"Retire", "Scan", "Seed", "Set", "SetAt", "SetSeen", "Sub", "Touch", "Transfer", "UnmarshalBinary", "UnmarshalJSON",
	"UnmarshalLenient", "Update", "Write",
}

// filled returns a state of each type that has something to read, and something removed.
func filled(t *testing.T) []any {
	t.Helper()
	var (
		clock  = vclock.Clock{}.With("us", 2)
		stock  = crdt.AtLeast(0)
		off    = new(crdt.DWFlag)
		on     = new(crdt.EWFlag)
		views  = new(crdt.GCounter)
		topics = new(crdt.GMap[string, *crdt.GCounter])
		names  = new(crdt.GSet[string])
		title  = new(crdt.MVRegister[string])
		cart   = new(crdt.ORMap[string, *crdt.ORSet[string]])
		tags   = new(crdt.ORSet[string])
		likes  = new(crdt.PNCounter)
		banned = new(crdt.RWSet[string])
		gone   = new(crdt.TwoPSet[string])
		flags  = new(lww.Map[string, string])
		seats  = new(lww.Set[string])
		reg    = new(lww.Register[string])
		dots   = new(vclock.DotSet)
		dvv    = new(vclock.DVVSet[string])
		order  = new(resolver.Siblings[string])
		page   = plan.NewRecord()
	)
	fill := func(_ any, err error) { require.NoError(t, err) }
	fill(stock.Add("eu", 5))
	fill(stock.Transfer("eu", "us", 2))
	off.Enable("us")
	off.Disable("eu")
	on.Enable("us")
	on.Enable("eu")
	views.Add("eu", 1)
	topics.Update("k", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 1) })
	fill(title.Set("eu", "x"))
	other := title.Clone()
	fill(title.Set("us", "y"))
	fill(other.Set("ap", "z"))
	title.Merge(other)
	cart.Update("eu", "k", func(s *crdt.ORSet[string]) { s.Add("eu", "x"); s.Add("eu", "y") })
	cart.Update("us", "l", func(s *crdt.ORSet[string]) { s.Add("us", "x") })
	cart.Delete("us", "l")
	for _, e := range []string{"k", "x", "y"} {
		names.Add(e)
		tags.Add("eu", e)
		banned.Add("eu", e)
		gone.Add(e)
		fill(flags.Put(writer, e, e))
		fill(seats.Add(writer, e))
		fill(dvv.Put("eu", clock, e))
		fill(order.Write(resolver.Writer{Writer: writer}, resolver.Context{}, e))
	}
	tags.Remove("us", "x")
	banned.Remove("us", "x")
	gone.Remove("x")
	fill(flags.Delete(writer, "x"))
	fill(seats.Remove(writer, "x"))
	likes.Add("eu", 5)
	likes.Reset("us")
	likes.Add("us", -1)
	dots.AddClock(clock)
	dots.Add(vclock.Dot{Replica: "us", Seq: 4})
	fill(nil, reg.Set(writer, "x"))
	fill(nil, page.Update(writer, func(n *note) error { n.Text, n.Tags = "x", map[string]bool{"k": true}; return nil }))
	return []any{
		stock, off, on, views, topics, names, title, cart, tags, likes, banned, gone, flags, seats, reg, dots, dvv, order, page,
		vclock.NewMatrix("eu", "eu", "us"),
	}
}

// TestReaders calls, in several goroutines at once, all methods of states that read, on one
// state of each type as it was made and as it was decoded, and those that write on copies of
// it. What they share in memory, the race detector tells; what a reader wrote, the bytes.
func TestReaders(t *testing.T) {
	made := filled(t)
	require.Len(t, made, len(states()))
	called := map[string]bool{}
	for _, x := range made {
		y := reflect.ValueOf(x).MethodByName("Clone").Call(nil)[0]
		was := bytesOf(t, y)
		require.NoError(t, y.Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary([]byte(was)))
		for _, state := range []reflect.Value{reflect.ValueOf(x), y} {
			peer := state.MethodByName("Clone").Call(nil)[0]
			for i := range state.NumMethod() {
				name := state.Type().Method(i).Name
				called[name] = true
				together(func() func() {
					if !slices.Contains(writes, name) {
						return call(t, state.Method(i), peer)
					}
					f := call(t, state.MethodByName("Clone").Call(nil)[0].Method(i), peer)
					return func() {
						defer func() { _ = recover() }() // no caller writes with such arguments
						f()
					}
				})
			}
			require.Equal(t, was, bytesOf(t, state), "a method of %T that is not among the writes changed it", x)
			require.Equal(t, was, bytesOf(t, peer), "a method of %T changed its argument", x)
		}
	}
	for _, name := range writes {
		require.True(t, called[name], "no state has %s", name)
	}
}

// TestPlanIsShared merges by one plan in several goroutines, which share its scratch memory.
func TestPlanIsShared(t *testing.T) {
	type line struct {
		SKU string
		N   int
	}
	type order struct {
		Name  string
		Stock int64 `merge:"additive"`
		Gift  *bool
		Tags  []string `merge:"set"`
		Prefs map[string]string
		Lines []line `merge:"keyed=SKU"`
	}
	gift := true
	base := order{"Ada", 100, &gift, []string{"a", "b"}, map[string]string{"x": "1", "y": "2"}, []line{{"tea", 1}, {"cup", 2}}}
	eu := order{"Eve", 98, nil, []string{"a", "c"}, map[string]string{"x": "3", "y": "2"}, []line{{"tea", 5}, {"cup", 2}}}
	us := order{"Ada", 97, &gift, []string{"a", "b", "d"}, map[string]string{"x": "1"}, []line{{"tea", 1}, {"cup", 3}, {"jar", 1}}}
	sides := []merge.Side[order]{{Value: eu, Stamp: lww.Stamp{Time: 1, Replica: "eu"}}, {Value: us, Stamp: lww.Stamp{Time: 2, Replica: "us"}}}
	p := merge.MustCompile(merge.Options[order]{})
	want, err := p.Merge(&base, sides...)
	require.NoError(t, err)
	require.Equal(t, []line{{"tea", 5}, {"cup", 3}, {"jar", 1}}, want.Lines)
	together(func() func() {
		return func() {
			for range 200 {
				got, report, err := p.Explain(&base, sides...)
				if err != nil || !reflect.DeepEqual(want, got) || !report.OK() {
					t.Error("a merge differs")
					return
				}
			}
		}
	})
}

// together runs what prepare returns in four goroutines. What they share is ready before the first
// of them begins: each step that they take in order hides a race from the detector.
func together(prepare func() func()) {
	var begin, end sync.WaitGroup
	begin.Add(1)
	for range 4 {
		f := prepare()
		end.Go(func() {
			begin.Wait()
			f()
		})
	}
	begin.Done()
	end.Wait()
}

// call returns a call of f with arguments of its types, of which peer is one, that reads what
// f returns, too.
func call(t *testing.T, f, peer reflect.Value) func() {
	t.Helper()
	args := make([]reflect.Value, f.Type().NumIn())
	for i := range args {
		args[i] = argument(t, f.Type().In(i), peer)
	}
	run := f.Call
	if f.Type().IsVariadic() {
		run = f.CallSlice
	}
	return func() {
		for _, got := range run(args) {
			if got.Kind() == reflect.Func && got.Type().CanSeq2() {
				for range got.Seq2() {
				}
			} else if got.Kind() == reflect.Func && got.Type().CanSeq() {
				for range got.Seq() {
				}
			} else if view, ok := reflect.TypeAssert[fmt.Stringer](got); ok && got.Kind() == reflect.Pointer {
				_ = view.String()
			}
		}
	}
}

// argument returns a value of a type to call a method with.
func argument(t *testing.T, typ reflect.Type, peer reflect.Value) reflect.Value {
	t.Helper()
	switch typ {
	case peer.Type():
		return peer
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(t.Context())
	case reflect.TypeFor[[]byte]():
		return reflect.ValueOf([]byte(bytesOf(t, peer)))
	case reflect.TypeFor[lww.Writer]():
		return reflect.ValueOf(writer)
	case reflect.TypeFor[resolver.Writer]():
		return reflect.ValueOf(resolver.Writer{Writer: writer})
	case reflect.TypeFor[crdt.Context]():
		return peer.MethodByName("Context").Call(nil)[0]
	case reflect.TypeFor[vclock.Replica]():
		return reflect.ValueOf(vclock.Replica("eu"))
	}
	switch typ.Kind() {
	case reflect.String:
		return reflect.ValueOf("k").Convert(typ)
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return reflect.ValueOf(1).Convert(typ)
	case reflect.Slice:
		return reflect.Append(reflect.Zero(typ), argument(t, typ.Elem(), peer))
	case reflect.Func:
		return reflect.MakeFunc(typ, func(in []reflect.Value) []reflect.Value {
			out := make([]reflect.Value, typ.NumOut())
			for i := range out {
				out[i] = reflect.Zero(typ.Out(i))
				if len(in) > i && in[i].Type() == typ.Out(i) {
					out[i] = in[i]
				}
			}
			return out
		})
	}
	return reflect.Zero(typ)
}
