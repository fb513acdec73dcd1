package crdt_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// every has an empty state of each replicated type.
var every = []any{
	new(crdt.ORSet[string]), new(crdt.RWSet[string]), new(crdt.EWFlag), new(crdt.DWFlag), new(crdt.MVRegister[string]),
	new(crdt.PNCounter), new(crdt.ORMap[string, *crdt.PNCounter]), new(crdt.GCounter), new(crdt.BoundedCounter),
	new(crdt.GSet[string]), new(crdt.TwoPSet[string]), new(crdt.GMap[string, *crdt.GCounter]),
}

// writes are the methods that change their receiver; a nil one cannot be. MarshalJSON is
// that of a value; encoding/json writes null for a nil pointer.
var writes = []string{
	"Add", "AddSeen", "Answer", "Clear", "ClearSeen", "Close", "Compact", "Delete", "DeleteSeen", "Disable", "DisableSeen", "Enable", "EnableSeen",
	"MarshalJSON", "Merge", "MergeAt", "MergeBinary", "MergeLenient", "Put", "Reclaim", "Remove", "RemoveSeen", "Reset", "ResetSeen", "Scan", "Set", "SetSeen",
	"Sub", "Transfer", "UnmarshalBinary", "UnmarshalJSON", "UnmarshalLenient", "Update", "UpdateSeen",
}

// TestNilReadsOfEveryType calls every method that reads on a nil pointer, and on an empty state.
func TestNilReadsOfEveryType(t *testing.T) {
	for _, empty := range every {
		of := reflect.TypeOf(empty)
		for m := range of.Methods() {
			if slices.Contains(writes, m.Name) {
				continue
			}
			t.Run(fmt.Sprint(of, ".", m.Name), func(t *testing.T) {
				for _, arg := range []reflect.Value{reflect.Zero(of), reflect.ValueOf(empty)} {
					want := readOf(m, reflect.ValueOf(empty), arg)
					require.Equal(t, want, readOf(m, reflect.Zero(of), arg))
				}
			})
		}
	}
}

// readOf calls a method, with arg where it takes another state, and returns what it returned.
func readOf(m reflect.Method, on, arg reflect.Value) (got []string) {
	args := []reflect.Value{on}
	for i := 1; i < m.Type.NumIn(); i++ {
		switch in := m.Type.In(i); {
		case in == arg.Type():
			args = append(args, arg)
		case in == reflect.TypeFor[vclock.Replica]():
			args = append(args, reflect.ValueOf(vclock.Replica("eu")))
		case m.Type.IsVariadic() && i == m.Type.NumIn()-1:
		default:
			args = append(args, reflect.Zero(in))
		}
	}
	for _, v := range m.Func.Call(args) {
		got = append(got, textOf(v))
	}
	return got
}

func textOf(v reflect.Value) string {
	if v.Kind() == reflect.Func && !v.IsNil() { // an iterator
		n := 0
		yield := reflect.MakeFunc(v.Type().In(0), func([]reflect.Value) []reflect.Value {
			n++
			return []reflect.Value{reflect.ValueOf(true)}
		})
		v.Call([]reflect.Value{yield})
		return fmt.Sprint(n, " elements")
	}
	return fmt.Sprint(v.Interface())
}
