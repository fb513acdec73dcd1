package merge

import (
	"reflect"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// store returns the bytes of v, a value of f. Where old is not empty, it is those of the
// value that v replaces: what v does not change of it stays, and so does what the program does
// not know.
func (f *field) store(v reflect.Value, old string) (string, error) {
	v = value.Addressable(v)
	if f.code.IsContent() {
		return f.leaf.Replace(v, old)
	}
	return f.shape.Bytes(v)
}

// alike reports whether a and b, two values of f that is kept as one, have the same bytes, as
// 0 and −0 have: to set one to the other is no write.
func (f *field) alike(a, b reflect.Value) bool {
	if f.shape.Same(a, b) {
		return true
	}
	switch f.shape.Kind {
	case value.KindBool, value.KindInt, value.KindUint, value.KindString, value.KindBytes:
		return false
	case value.KindFloat, value.KindComplex, value.KindTime, value.KindArray, value.KindStruct, value.KindSlice, value.KindMap, value.KindPointer,
		value.KindRaw, value.KindOpaque, value.KindDocument:
	}
	x, errX := f.store(a, "")
	y, errY := f.store(b, "")
	return errX == nil && errY == nil && x == y
}

// load sets dst, which holds the zero value, to the value of f with the given bytes, but
// for what the program does not know of it. If the type cannot hold it, dst stays zero, and
// what load returns says why.
func (f *field) load(dst reflect.Value, content string) *value.ValueError {
	if f.code.IsContent() {
		return f.leaf.Load(dst, content)
	}
	if !f.shape.Load(dst, content) {
		return &value.ValueError{Stored: "bytes of no such value", Wanted: f.typ.String()}
	}
	return nil
}

// loadExact is load of a value in which there is nothing that the program does not know. It
// reports whether that is so; if not, dst stays zero.
func (f *field) loadExact(dst reflect.Value, content string) bool {
	if f.code.IsContent() {
		return f.leaf.LoadExact(dst, content)
	}
	return f.shape.Load(dst, content)
}

// values returns what is known of the values of f, a leaf.
func (f *field) values() cell.Values { return cell.Values{Code: f.code, Type: f.shape, Leaf: f.leaf} }

// blank returns a zero value of f that can be set.
func (f *field) blank() reflect.Value { return reflect.New(f.typ).Elem() }

// isCombined reports whether programs make new values out of those that a leaf holds, or
// drop some of them. They need to know all of a value for that.
func (p *recordPart) isCombined() bool {
	return p.kind == cell.State || p.kind == cell.Choice || p.kind == cell.Sums
}
