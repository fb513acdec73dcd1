package value

import (
	"database/sql/driver"
	"math/big"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A priced is a value for a database.
type priced struct{ Cents int64 }

func (p priced) Value() (driver.Value, error) { return p.Cents, nil }

// A halfway has one half of each form, which is none.
type halfway struct{ _ int }

func (halfway) MarshalBinary() ([]byte, error) { return nil, nil }
func (halfway) MarshalText() ([]byte, error)   { return nil, nil }
func (halfway) MarshalJSON() ([]byte, error)   { return nil, nil }

// A reader has the other halves.
type reader struct{ _ int }

func (*reader) UnmarshalBinary([]byte) error { return nil }
func (*reader) UnmarshalText([]byte) error   { return nil }
func (*reader) UnmarshalJSON([]byte) error   { return nil }

// A listed has a text form, and is not comparable.
type listed struct{ _ []string }

func (listed) MarshalText() ([]byte, error)   { return nil, nil }
func (*listed) UnmarshalText([]byte) error    { return nil }
func (listed) MarshalBinary() ([]byte, error) { return nil, nil }

// TestCompile names the part of a type that cannot be merged, and what is wrong with it.
func TestCompile(t *testing.T) {
	for _, tt := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[chan int](), "chan int cannot be compared and copied"},
		{reflect.TypeFor[func()](), "func() cannot be compared and copied"},
		{reflect.TypeFor[unsafe.Pointer](), "unsafe.Pointer cannot be compared and copied"},
		{reflect.TypeFor[error](), "error is an interface with methods"},
		{reflect.TypeFor[sync.Mutex](), "sync.Mutex is a lock"},
		{reflect.TypeFor[[]error](), "error is an interface with methods"},
		{reflect.TypeFor[[1]error](), "error is an interface with methods"},
		{reflect.TypeFor[*error](), "error is an interface with methods"},
		{reflect.TypeFor[map[string]error](), "error is an interface with methods"},
		{reflect.TypeFor[map[*int]int](), "*int has no canonical form as a key or element"},
		{reflect.TypeFor[map[any]int](), "interface {} has no canonical form as a key or element"},
		{reflect.TypeFor[map[sealed]int](), "value.sealed has unexported fields and no binary, text or JSON form"},
		{reflect.TypeFor[wrapped[wrapped[error]]](), "value.wrapped[github.com/rejoin-go/rejoin/internal/value.wrapped[error]].V: value.wrapped[error].V: error is an interface with methods"},
		{reflect.TypeFor[struct{ list []int }](), "struct { list []int } has unexported fields and no binary, text or JSON form"},
		{reflect.TypeFor[struct{ at time.Time }](), "struct { at time.Time } has unexported fields and no binary, text or JSON form"},
		{reflect.TypeFor[struct{ mu sync.Mutex }](), "struct { mu sync.Mutex } has unexported fields and no binary, text or JSON form"},
	} {
		var c Compiler
		_, err := c.Compile(tt.typ)
		require.EqualError(t, err, tt.want)
		_, err = c.Compile(tt.typ)
		require.EqualError(t, err, tt.want, "a type that has failed is not remembered")
	}
}

// TestCompileAgain: a Compiler gives a type one Type, and forgets what refers to a type that
// failed.
func TestCompileAgain(t *testing.T) {
	type part struct{ N int }
	type whole struct {
		A  part
		P  *whole
		Ch chan int
	}
	var c Compiler
	a, err := c.Compile(reflect.TypeFor[part]())
	require.NoError(t, err)
	_, err = c.Compile(reflect.TypeFor[whole]())
	require.ErrorContains(t, err, "whole.Ch: chan int cannot")
	_, err = c.Compile(reflect.TypeFor[*whole]())
	require.ErrorContains(t, err, "whole.Ch: chan int cannot", "what refers to it is not known by half")
	b, err := c.Compile(reflect.TypeFor[part]())
	require.NoError(t, err)
	require.Same(t, a, b)
	list, err := c.Compile(reflect.TypeFor[[]part]())
	require.NoError(t, err)
	require.Same(t, a, list.Elem)
}

// TestKindOfType tells how the values of a type are read, and whether assignment copies them.
func TestKindOfType(t *testing.T) {
	for _, tt := range []struct {
		typ  reflect.Type
		kind Kind
		flat bool
	}{
		{reflect.TypeFor[bool](), KindBool, true},
		{reflect.TypeFor[int16](), KindInt, true},
		{reflect.TypeFor[uintptr](), KindUint, true},
		{reflect.TypeFor[float32](), KindFloat, true},
		{reflect.TypeFor[complex64](), KindComplex, true},
		{reflect.TypeFor[string](), KindString, true},
		{reflect.TypeFor[[]byte](), KindBytes, false},
		{reflect.TypeFor[[]int8](), KindSlice, false},
		{reflect.TypeFor[[2]int](), KindArray, true},
		{reflect.TypeFor[[2]*int](), KindArray, false},
		{reflect.TypeFor[map[string]int](), KindMap, false},
		{reflect.TypeFor[*int](), KindPointer, false},
		{reflect.TypeFor[several](), KindStruct, true},
		{reflect.TypeFor[struct {
			P *int
			N int
		}](), KindStruct, false},
		{reflect.TypeFor[sealed](), KindRaw, true},
		{reflect.TypeFor[struct{ n [2]complex128 }](), KindRaw, true},
		{reflect.TypeFor[struct{ n struct{ b bool } }](), KindRaw, true},
		{reflect.TypeFor[time.Time](), KindTime, false},
		{reflect.TypeFor[celsius](), KindOpaque, true},
		{reflect.TypeFor[big.Int](), KindOpaque, false},
		{reflect.TypeFor[weight](), KindOpaque, false},
		{reflect.TypeFor[any](), KindDocument, false},
	} {
		s := typeOf(t, tt.typ)
		require.Equal(t, tt.kind, s.Kind, "%v", tt.typ)
		require.Equal(t, tt.flat, s.Flat, "%v", tt.typ)
	}
}

// TestElementable tells what may be a key, and names what may not.
func TestElementable(t *testing.T) {
	const (
		noForm = " has no canonical form as a key or element"
		hides  = " has unexported fields and no binary, text or JSON form"
	)
	for _, tt := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[string](), ""},
		{reflect.TypeFor[float64](), ""},
		{reflect.TypeFor[[2]int](), ""},
		{reflect.TypeFor[several](), ""},
		{reflect.TypeFor[netip.Addr](), ""},
		{reflect.TypeFor[time.Time](), ""},
		{reflect.TypeFor[complex64](), "complex64" + noForm},
		{reflect.TypeFor[complex128](), "complex128" + noForm},
		{reflect.TypeFor[*int](), "*int" + noForm},
		{reflect.TypeFor[any](), "interface {}" + noForm},
		{reflect.TypeFor[chan int](), "chan int" + noForm},
		{reflect.TypeFor[unsafe.Pointer](), "unsafe.Pointer" + noForm},
		{reflect.TypeFor[[1]*int](), "*int" + noForm},
		{reflect.TypeFor[wrapped[*int]](), "*int" + noForm},
		{reflect.TypeFor[[]int](), "[]int is not comparable"},
		{reflect.TypeFor[map[string]int](), "map[string]int is not comparable"},
		{reflect.TypeFor[wrapped[[]int]](), "[]int is not comparable"},
		{reflect.TypeFor[func()](), "func() is not comparable"},
		{reflect.TypeFor[sealed](), "value.sealed" + hides},
		{reflect.TypeFor[wrapped[sealed]](), "value.sealed" + hides},
		{reflect.TypeFor[halfway](), "value.halfway" + hides},
		{reflect.TypeFor[reader](), "value.reader" + hides},
		{reflect.TypeFor[listed](), "value.listed" + hides},
	} {
		err := Elementable(tt.typ)
		if tt.want == "" {
			require.NoError(t, err, "%v", tt.typ)
			continue
		}
		require.EqualError(t, err, tt.want)
	}
}

// TestIsBasic tells the types that are read by kind through unexported fields.
func TestIsBasic(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[uintptr](), reflect.TypeFor[complex128](), reflect.TypeFor[string](),
		reflect.TypeFor[[2]string](), reflect.TypeFor[sealed](), reflect.TypeFor[struct{}](),
	} {
		require.True(t, IsBasic(typ), "%v", typ)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[time.Time](), reflect.TypeFor[sync.Mutex](), reflect.TypeFor[[]int](), reflect.TypeFor[*int](), reflect.TypeFor[any](),
		reflect.TypeFor[map[string]int](), reflect.TypeFor[chan int](), reflect.TypeFor[unsafe.Pointer](), reflect.TypeFor[[1]time.Time](),
		reflect.TypeFor[struct {
			A int
			B []int
		}](),
	} {
		require.False(t, IsBasic(typ), "%v", typ)
	}
}

// TestIsOneValue tells the types whose fields make sense together only.
func TestIsOneValue(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[celsius](), reflect.TypeFor[weight](), reflect.TypeFor[priced](), reflect.TypeFor[big.Int](), reflect.TypeFor[time.Time](),
	} {
		require.True(t, IsOneValue(typ), "%v", typ)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[several](), reflect.TypeFor[halfway](), reflect.TypeFor[reader](), reflect.TypeFor[string]()} {
		require.False(t, IsOneValue(typ), "%v", typ)
	}
	require.True(t, IsTime(reflect.TypeFor[time.Time]()))
	require.False(t, IsTime(reflect.TypeFor[*time.Time]()))
	require.True(t, IsAny(reflect.TypeFor[any]()))
	require.False(t, IsAny(reflect.TypeFor[error]()))
	require.True(t, IsLock(reflect.TypeFor[sync.RWMutex]()))
	require.False(t, IsLock(reflect.TypeFor[sync.Once]()))
}
