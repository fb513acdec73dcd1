package value

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A TypeError says that a type, or a value of it, cannot be content, and why.
type TypeError struct {
	Type   reflect.Type
	Path   string // the place inside the value, "" for the value itself
	Reason string
	err    error
}

func (e *TypeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%v: %s", e.Type, e.Reason)
	}
	return fmt.Sprintf("%v: %s: %s", e.Type, e.Path, e.Reason)
}

// Unwrap returns the error of the type's own method, if it is the reason.
func (e *TypeError) Unwrap() error { return e.err }

// A Codec is what a program has handed over for a type. Encode and Decode are nil if the
// type keeps its own form, the others if nobody may ask for them.
type Codec struct {
	Encode  func(v reflect.Value) ([]byte, error)
	Decode  func(p []byte, dst reflect.Value) error
	Compare func(a, b reflect.Value) int
	Add     func(dst, a, b reflect.Value) // dst becomes a + b
	Negate  func(dst, v reflect.Value)    // dst becomes −v
}

// plans holds what is known of types: a codec, and how content of it is encoded.
//
//nolint:gochecknoglobals // a memo of pure functions of types; codecs are registered before use
var plans struct {
	mu     sync.Mutex
	codecs map[reflect.Type]*Codec
	asked  map[reflect.Type]bool // types that something was compiled of
	of     sync.Map              // reflect.Type to *compiled
}

type compiled struct {
	plan *plan
	err  error
}

// Register makes c the encoding of values of typ. It panics if values of typ have
// been encoded or merged before, or if typ has another codec.
func Register(typ reflect.Type, c *Codec) {
	plans.mu.Lock()
	defer plans.mu.Unlock()
	if _, used := plans.of.Load(typ); used || plans.asked[typ] {
		panic(fmt.Sprintf("content: register %v: the type has been used", typ))
	}
	if plans.codecs[typ] != nil {
		panic(fmt.Sprintf("content: register %v: the type has a codec", typ))
	}
	if plans.codecs == nil {
		plans.codecs = make(map[reflect.Type]*Codec)
	}
	plans.codecs[typ] = c
}

// CodecOf returns what was handed over for typ, which cannot be changed any more.
func CodecOf(typ reflect.Type) Codec {
	plans.mu.Lock()
	defer plans.mu.Unlock()
	if plans.asked == nil {
		plans.asked = make(map[reflect.Type]bool)
	}
	plans.asked[typ] = true
	if c := plans.codecs[typ]; c != nil {
		return *c
	}
	return Codec{}
}

// Encodes reports whether c is the encoding of its type.
func (c Codec) Encodes() bool { return c.Encode != nil }

// A plan is how content of one type is encoded. It is immutable once compiled, but
// for a memo.
type plan struct {
	typ    reflect.Type
	kind   Kind                         // by which values are read; 0 if no kind covers the type
	own    form                         // the form that values are written in, formNone for the kind
	codec  *Codec                       // that encodes values, or nil
	order  func(a, b reflect.Value) int // handed over, or nil
	binary bool                         // has a binary form, so that bytes of one can be read
	text   bool
	json   bool // has a JSON form, or is an interface
	elem   *plan
	key    *plan
	fields []planField // of a struct, by name
	byName map[string]int

	plain bool // holds no reference but strings, and == tells what bytes tell
	exact bool // kinds alone, so that bytes decode to a value of the same bytes
	asIs  bool // plain and without floats, so that every value is stored as it is

	flatStruct bool // a struct of few bools, numbers and strings

	singles *atomic.Pointer[[]single] // a memo
}

type planField struct {
	name  string
	was   []string
	path  string // as Go names it
	json  string // the name in encoding/json, "" if that leaves it out
	index []int
	*plan
}

func planFor[V any]() (*plan, error) { return planOf(reflect.TypeFor[V]()) }

func planOf(typ reflect.Type) (*plan, error) {
	if c, ok := plans.of.Load(typ); ok {
		return c.(*compiled).plan, c.(*compiled).err
	}
	plans.mu.Lock()
	defer plans.mu.Unlock()
	c := planner{made: make(map[reflect.Type]*plan)}
	p, err := c.compile(typ)
	if err != nil {
		if e := new(TypeError); errors.As(err, &e) {
			err = &TypeError{Type: typ, Path: e.Path, Reason: e.Reason}
		}
		p = nil
	}
	for t, made := range c.made {
		made.settle()
		if t != typ {
			plans.of.LoadOrStore(t, &compiled{plan: made})
		}
	}
	plans.of.Store(typ, &compiled{plan: p, err: err})
	return p, err
}

// settle computes what depends on all of a finished plan.
func (p *plan) settle() {
	p.plain = p.everywhere(make(map[*plan]bool), func(q *plan) bool {
		return q.own == formNone && (q.kind <= KindString || q.kind == KindArray || q.kind == KindStruct)
	})
	p.exact = p.everywhere(make(map[*plan]bool), func(q *plan) bool { return q.own == formNone && q.kind != KindDocument })
	p.asIs = p.plain && p.everywhere(make(map[*plan]bool), func(q *plan) bool { return q.kind != KindFloat && q.kind != KindComplex })
	p.singles = new(atomic.Pointer[[]single])
	p.flatStruct = p.own == formNone && p.kind == KindStruct && len(p.fields) <= 64 &&
		!slices.ContainsFunc(p.fields, func(f planField) bool { return f.own != formNone || f.kind > KindString })
}

func (p *plan) everywhere(seen map[*plan]bool, ok func(*plan) bool) bool {
	if p == nil || seen[p] {
		return true
	}
	seen[p] = true
	if !ok(p) {
		return false
	}
	for i := range p.fields {
		if !p.fields[i].everywhere(seen, ok) {
			return false
		}
	}
	return p.elem.everywhere(seen, ok) && p.key.everywhere(seen, ok)
}

// A planner compiles a type and those that it is made of.
type planner struct {
	made  map[reflect.Type]*plan
	order []reflect.Type
}

func (c *planner) compile(typ reflect.Type) (*plan, error) {
	if p := c.made[typ]; p != nil {
		return p, nil
	}
	p := &plan{typ: typ}
	n := len(c.order)
	c.made[typ], c.order = p, append(c.order, typ)
	if err := c.fill(p); err != nil {
		for _, t := range c.order[n:] {
			delete(c.made, t)
		}
		c.order = c.order[:n]
		return nil, err
	}
	return p, nil
}

const choices = "give the type a binary, text or JSON form, or register a content.Codec"

func (c *planner) fill(p *plan) error {
	if IsTime(p.typ) {
		p.kind = KindTime
		return nil
	}
	if c := plans.codecs[p.typ]; c != nil {
		if p.order = c.Compare; c.Encodes() {
			p.codec = c
		}
	}
	p.binary, p.text, p.json = formsOf(p.typ)
	err := c.fillKind(p)
	if err != nil {
		p.kind, p.elem, p.key, p.fields, p.byName = 0, nil, nil, nil, nil
	}
	switch {
	case p.codec != nil || p.binary:
		p.own = formBinary
	case err == nil:
	case p.text:
		p.own = formText
	case p.json:
		p.own = formJSON
	default:
		return err
	}
	return nil
}

func refuse(typ reflect.Type, format string, args ...any) error {
	return &TypeError{Type: typ, Reason: fmt.Sprintf(format, args...)}
}

// within puts name in front of the path of an error about a part.
func within(name string, err error) error {
	if e := new(TypeError); errors.As(err, &e) {
		path := name
		if e.Path != "" && e.Path[0] != '[' && e.Path[0] != '{' {
			path += "."
		}
		return &TypeError{Type: e.Type, Path: shortened(path + e.Path), Reason: e.Reason, err: e.err}
	}
	return err
}

// shortened returns the beginning of a path, which in a cycle goes on and on.
func shortened(path string) string {
	const longest = 80
	if len(path) <= longest {
		return path
	}
	path = strings.TrimSuffix(path, "…")
	return strings.ToValidUTF8(path[:min(len(path), longest)], "") + "…"
}

func (c *planner) fillKind(p *plan) (err error) {
	switch k := p.typ.Kind(); k {
	case reflect.Bool:
		p.kind = KindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.kind = KindInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.kind = KindUint
	case reflect.Float32, reflect.Float64:
		p.kind = KindFloat
	case reflect.Complex64, reflect.Complex128:
		p.kind = KindComplex
	case reflect.String:
		p.kind = KindString
	case reflect.Array, reflect.Slice:
		p.elem, err = c.compile(p.typ.Elem())
		if err != nil {
			return within("[]", err)
		}
		p.kind = KindSlice
		switch bytes := p.elem.kind == KindUint && p.elem.own == formNone && p.typ.Elem().Kind() == reflect.Uint8; {
		case k == reflect.Array:
			p.kind = KindArray
		case bytes:
			p.kind = KindBytes
		}
	case reflect.Pointer:
		p.kind = KindPointer
		p.elem, err = c.compile(p.typ.Elem())
	case reflect.Map:
		p.kind = KindMap
		if p.key, err = c.compile(p.typ.Key()); err != nil {
			return within("{key}", err)
		}
		if err = mapKey(p.key); err != nil {
			return within("{key}", err)
		}
		if p.elem, err = c.compile(p.typ.Elem()); err != nil {
			return within("{}", err)
		}
	case reflect.Struct:
		p.kind = KindStruct
		return c.fillFields(p)
	case reflect.Interface:
		if p.typ.NumMethod() > 0 {
			return refuse(p.typ, "an interface with methods, of which no peer knows the type; use a struct, or register a content.Codec")
		}
		p.kind, p.json = KindDocument, true
	default:
		return refuse(p.typ, "a %v cannot be sent; leave it out, or %s", k, choices)
	}
	return err
}

// mapKey returns an error unless values of p may be keys of a map: equal keys
// have equal bytes.
func mapKey(p *plan) error {
	if p.everywhere(make(map[*plan]bool), func(q *plan) bool {
		return q.own != formNone || q.kind != KindPointer && q.kind != KindDocument
	}) {
		return nil
	}
	return refuse(p.typ, "a key with a pointer or an interface has no canonical bytes")
}

// fillFields fills in the fields of a struct, those of embedded structs among
// them.
func (c *planner) fillFields(p *plan) error {
	if err := c.addFields(p, p.typ, nil, ""); err != nil {
		return err
	}
	slices.SortFunc(p.fields, func(a, b planField) int { return strings.Compare(a.name, b.name) })
	p.byName = make(map[string]int)
	for i := range p.fields {
		f := &p.fields[i]
		if j, twice := p.byName[f.name]; twice {
			return refuse(p.typ, "fields %s and %s both have the name %q; give one another by a tag `rejoin:\"name=…\"`", p.fields[j].path, f.path, f.name)
		}
		p.byName[f.name] = i
	}
	for i := range p.fields {
		for _, was := range p.fields[i].was {
			if j, twice := p.byName[was]; twice {
				return refuse(p.typ, "fields %s and %s both have the name %q", p.fields[j].path, p.fields[i].path, was)
			}
			p.byName[was] = i
		}
	}
	return nil
}

func (c *planner) addFields(p *plan, typ reflect.Type, index []int, prefix string) error {
	for i := range typ.NumField() {
		sf := typ.Field(i)
		f := planField{path: prefix + sf.Name, index: append(slices.Clone(index), i)}
		tagged, err := f.names(sf)
		if err != nil {
			return refuse(p.typ, "field %s: %v", f.path, err)
		}
		if sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct && !IsTime(sf.Type) {
			sub, err := c.compile(sf.Type)
			if err == nil && sub.own == formNone {
				if err := c.addFields(p, sf.Type, f.index, f.path+"."); err != nil {
					return err
				}
				continue
			}
		}
		if !sf.IsExported() {
			return refuse(p.typ, "field %s is not exported; %s", f.path, choices)
		}
		if f.plan, err = c.compile(sf.Type); err != nil {
			return within(f.path, err)
		}
		p.fields = append(p.fields, f)
	}
	return nil
}

// names sets the names of a field: that of its tag rejoin, else of its tag json,
// else its own.
func (f *planField) names(sf reflect.StructField) (tagged bool, err error) {
	f.name, f.json = sf.Name, sf.Name
	js, _, options := strings.Cut(sf.Tag.Get("json"), ",")
	switch {
	case js == "-" && !options:
		f.json = ""
	case js != "":
		f.name, f.json, tagged = js, js, true
	}
	tag, ok := sf.Tag.Lookup("rejoin")
	if !ok || tag == "" {
		return tagged, nil
	}
	for part := range strings.SplitSeq(tag, ",") {
		key, name, _ := strings.Cut(part, "=")
		switch {
		case name == "" || key != "name" && key != "was":
			return false, fmt.Errorf("tag rejoin:%q is not of the form name=x,was=y", tag)
		case key == "name":
			f.name, tagged = name, true
		default:
			f.was = append(f.was, name)
		}
	}
	return tagged, nil
}

// in returns the field of the struct v.
func (f *planField) in(v reflect.Value) reflect.Value {
	if len(f.index) == 1 {
		return v.Field(f.index[0])
	}
	return v.FieldByIndex(f.index)
}

// isZero reports whether v is what decoding nothing gives. −0 is 0.
func (p *plan) isZero(v reflect.Value) bool {
	if p.own != formNone {
		return v.IsZero()
	}
	switch p.kind {
	case KindFloat:
		return v.Float() == 0
	case KindComplex:
		return v.Complex() == 0
	case KindTime:
		t := timeIn(v)
		_, offset := t.Zone()
		return t.IsZero() && offset == 0
	case KindArray:
		if v.IsZero() {
			return true
		}
		for i := range v.Len() {
			if !p.elem.isZero(v.Index(i)) {
				return false
			}
		}
		return true
	case KindStruct:
		for i := range p.fields {
			if f := &p.fields[i]; !f.isZero(f.in(v)) {
				return false
			}
		}
		return true
	case KindBool, KindInt, KindUint, KindString, KindBytes, KindSlice, KindMap, KindPointer, KindRaw, KindOpaque, KindDocument:
	}
	return v.IsZero()
}
