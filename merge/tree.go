package merge

import (
	"maps"
	"reflect"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A row is a value that is there or not as a whole: T itself, an element of a
// keyed list, an entry of a map, what a pointer points to. Structs nested in
// place are flattened, so that a row is a list of fields.
type row struct {
	typ    reflect.Type
	fields []*field
	groups []*group
	sealed bool // holds unexported fields, which only assigning field by field leaves out
	flat   bool // assignment copies all of it
	cyclic bool // values may nest without bound
	always bool // has a Func that is called for every change
	asks   bool // has a Func, which is told stamps
	quiet  bool // merging it has nothing to tell about places in it
	checks bool // values have to be validated first
	zero   reflect.Value

	known, unknown []op // what merging takes, with a base and without
}

// A class says what kind of part a field is.
type class uint8

const (
	classLeaf     class = iota + 1 // one value, chosen or combined as a whole
	classIgnored                   // rule "-"
	classPointer                   // optional row
	classMap                       // rows or leaves by key
	classKeyed                     // list of rows by a field of theirs
	classSet                       // list of distinct elements
	classDocument                  // any, or map[string]any
)

// A field is one part of a row that merges by one rule.
type field struct {
	name  string // its path below the row; empty if the row is this one value
	index []int  // where the row holds it; empty if the row is this one value
	typ   reflect.Type
	class class
	rule  rule

	shape  *value.Type   // of the whole field; nil for rows and for joins of opaque types
	code   cell.TypeCode // of a leaf of a record
	leaf   value.Leaf    // of one that is content
	join   *joiner       // rule join
	order  *order        // rules max and min
	adder  *value.Codec  // rule additive, of what is no integer
	group  *group        // rule group
	choose chooseFunc    // rules that take one of the versions
	elem   *row          // pointer, map and keyed: what it holds
	key    *value.Type   // map and keyed: the keys
	plain  bool          // map whose entries are leaves under lww: entries have no row
	at     [][]int       // keyed: where an element holds its key, which may be of several fields
	keys   []*value.Type // keyed by several fields: of each
	byRef  bool          // keyed: the elements are pointers
	doc    *docRule
}

// A group is the fields of one struct that move together.
type group struct {
	scope  string // the struct they belong to
	name   string
	fields []*field
}

// An opcode says how one field of a row is merged.
type opcode uint8

const (
	opScalar   opcode = iota + 1 // register that assignment copies, with a base
	opTime                       // register of a time
	opRegister                   // register that has to be copied
	opLeaf                       // leaf whose rule chooses one of the inputs
	opAdditive                   // integer whose rule adds changes up
	opGroup                      // fields that move together
	opJoin                       // type with a Merge method
	opJoinFunc                   // custom Join
	opFunc                       // custom Func
	opSum                        // leaf with a codec whose rule adds changes up
	opPointer
	opMap
	opKeyed
	opSet
	opDocument
	opZero // rule "-"
)

type op struct {
	code  opcode
	index int // of the field, if it is a direct field of the row's struct
	f     *field
}

// in returns the field's value in a value of the row.
func (f *field) in(v reflect.Value) reflect.Value { return walk(v, f.index) }

func walk(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		v = v.Field(i)
	}
	return v
}

// isRegister reports whether f is a leaf of which the newest version wins.
func (f *field) isRegister() bool {
	return f.class == classLeaf && (f.rule.id == ruleLWW || f.rule.id == ruleAtomic)
}

// flat reports whether assignment copies all of the field.
func (f *field) flat() bool { return f.class == classLeaf && f.shape != nil && f.shape.Flat }

// fill makes dst, which holds the zero value, a copy of the row src.
func (w *row) fill(dst, src reflect.Value) {
	if w.flat {
		dst.Set(src)
		return
	}
	if !w.sealed {
		dst.Set(src)
	}
	for _, f := range w.fields {
		if !f.flat() || w.sealed {
			f.fill(f.in(dst), f.in(src))
		}
	}
}

// assign makes dst, which holds the zero value, what src is, sharing memory
// with it; the operations of the row then repair what has to be repaired.
func (w *row) assign(dst, src reflect.Value) {
	if !w.sealed {
		dst.Set(src)
		return
	}
	for _, f := range w.fields {
		if f.class != classIgnored {
			f.in(dst).Set(f.in(src))
		}
	}
}

// fill makes dst a copy of src, two values of the field.
func (f *field) fill(dst, src reflect.Value) {
	switch f.class {
	case classIgnored:
		if dst.CanSet() {
			dst.SetZero()
		}
	case classPointer:
		if src.IsNil() {
			dst.SetZero()
			return
		}
		p := reflect.New(f.elem.typ)
		f.elem.fill(p.Elem(), src.Elem())
		dst.Set(p)
	case classMap:
		f.fillMap(dst, src)
	case classKeyed:
		f.fillKeyed(dst, src)
	case classLeaf:
		if f.join != nil {
			f.fillJoin(dst, src)
			return
		}
		f.shape.Fill(dst, src)
	case classSet, classDocument:
		f.shape.Fill(dst, src)
	}
}

func (f *field) fillJoin(dst, src reflect.Value) {
	p := f.join.ref(src)
	if !p.IsValid() {
		dst.SetZero()
		return
	}
	if q, err := f.join.copyOf(p); err == nil {
		f.join.put(dst, q)
	}
}

func (f *field) fillMap(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	out := reflect.MakeMapWithSize(f.typ, src.Len())
	v := reflect.New(f.elem.typ).Elem()
	for it := src.MapRange(); it.Next(); {
		v.SetZero()
		f.elem.fill(v, value.Addressable(it.Value()))
		out.SetMapIndex(it.Key(), v)
	}
	dst.Set(out)
}

func (f *field) fillKeyed(dst, src reflect.Value) {
	if src.IsNil() {
		dst.SetZero()
		return
	}
	n := src.Len()
	out := reflect.MakeSlice(f.typ, n, n)
	for i := range n {
		if f.byRef && src.Index(i).IsNil() {
			continue // in a list that is one value; one that is merged by key has none
		}
		f.elem.fill(f.slot(out, i), f.element(src, i))
	}
	dst.Set(out)
}

// element returns the row at position i of a keyed list, which must not be a
// nil pointer.
func (f *field) element(list reflect.Value, i int) reflect.Value {
	if f.byRef {
		return list.Index(i).Elem()
	}
	return list.Index(i)
}

// slot returns a fresh row at position i of a list.
func (f *field) slot(list reflect.Value, i int) reflect.Value {
	if f.byRef {
		list.Index(i).Set(reflect.New(f.elem.typ))
	}
	return f.element(list, i)
}

// same reports whether two rows hold the same values.
func (w *row) same(a, b reflect.Value) bool {
	for _, f := range w.fields {
		if !f.same(f.in(a), f.in(b)) {
			return false
		}
	}
	return true
}

// same reports whether two values of the field are the same. Where the rule
// merges inside the field, nil and empty are; the order of a list counts.
func (f *field) same(a, b reflect.Value) bool {
	switch f.class {
	case classIgnored:
		return true
	case classPointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return f.elem.same(a.Elem(), b.Elem())
	case classMap:
		return f.sameMap(a, b)
	case classKeyed:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if f.byRef && (a.Index(i).IsNil() || b.Index(i).IsNil()) {
				if a.Index(i).IsNil() && b.Index(i).IsNil() {
					continue
				}
				return false
			}
			if !f.elem.same(f.element(a, i), f.element(b, i)) {
				return false
			}
		}
		return true
	case classSet:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !value.SameKey(f.key, a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case classLeaf, classDocument:
	}
	switch {
	case f.join != nil:
		return f.join.same(f.shape, a, b)
	case f.class == classDocument && f.typ.Kind() == reflect.Map && (a.Len() == 0 || b.Len() == 0):
		return a.Len() == b.Len()
	}
	return f.shape.Same(a, b)
}

func (f *field) sameMap(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	if x, ok := texts(a); ok && f.plain {
		if y, ok := texts(b); ok {
			return maps.Equal(x, y)
		}
	}
	for it := a.MapRange(); it.Next(); {
		v := b.MapIndex(it.Key())
		if !v.IsValid() || !f.elem.same(value.Addressable(it.Value()), value.Addressable(v)) {
			return false
		}
	}
	return true
}

// texts returns a map of strings by strings as what it is.
func texts(v reflect.Value) (map[string]string, bool) {
	if !v.CanAddr() {
		return nil, false
	}
	m, ok := reflect.TypeAssert[*map[string]string](v.Addr())
	if !ok {
		return nil, false
	}
	return *m, true
}

// compare orders the values of a row, so that versions with equal stamps have
// an order that depends on nothing but what they hold.
func (w *row) compare(a, b reflect.Value) int {
	for _, f := range w.fields {
		if c := f.compare(f.in(a), f.in(b)); c != 0 {
			return c
		}
	}
	return 0
}

func (f *field) compare(a, b reflect.Value) int {
	switch f.class {
	case classIgnored:
		return 0
	case classPointer:
		if a.IsNil() || b.IsNil() {
			return -value.CompareBool(a.IsNil(), b.IsNil())
		}
		return f.elem.compare(a.Elem(), b.Elem())
	case classMap:
		return f.compareMap(a, b)
	case classKeyed:
		return f.compareKeyed(a, b)
	case classLeaf, classSet, classDocument:
	}
	if f.shape == nil { // a join of a type without bytes: by all that is in its memory
		return strings.Compare(plainText(a), plainText(b))
	}
	return f.shape.Compare(a, b)
}

func (f *field) compareMap(a, b reflect.Value) int {
	if c := -value.CompareBool(a.IsNil(), b.IsNil()); c != 0 {
		return c
	}
	ka, kb := f.key.Sorted(a.MapKeys()), f.key.Sorted(b.MapKeys())
	for i := range min(len(ka), len(kb)) {
		if c := f.key.Compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := f.elem.compare(value.Addressable(a.MapIndex(ka[i])), value.Addressable(b.MapIndex(kb[i]))); c != 0 {
			return c
		}
	}
	return len(ka) - len(kb)
}

func (f *field) compareKeyed(a, b reflect.Value) int {
	if c := -value.CompareBool(a.IsNil(), b.IsNil()); c != 0 {
		return c
	}
	for i := range min(a.Len(), b.Len()) {
		x, y := a.Index(i), b.Index(i)
		if f.byRef {
			if x.IsNil() || y.IsNil() {
				if c := -value.CompareBool(x.IsNil(), y.IsNil()); c != 0 {
					return c
				}
				continue
			}
			x, y = x.Elem(), y.Elem()
		}
		if c := f.elem.compare(x, y); c != 0 {
			return c
		}
	}
	return a.Len() - b.Len()
}
