package merge

import (
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/merge/internal/cell"
)

// A recordPlan is what a record needs of its plan.
type recordPlan struct {
	row   *row
	top   *recordPart
	print Fingerprint
	check func(reflect.Value) error // Options.Check, or nil
}

// A recordRow is what a plan says about a row of a [Record].
type recordRow struct {
	row   *row
	parts []*recordPart // in ascending order of key
	paths []partPath    // of the parts
}

// A partPath is the path of a part, or of a member of a group.
type partPath struct {
	names  []string
	part   *recordPart
	member *field // nil unless part is a group
}

// A recordPart is what a plan says about one field, or one group of fields, of
// a row. Methods on a nil part are for fields that the plan does not know.
type recordPart struct {
	key   string
	kind  cell.Kind
	typ   cell.TypeCode
	f     *field     // the field; of a group the first
	rule  recordRule // what its rule says of records
	group []*field   // the members of a group in ascending order of name
	in    *recordRow // the row that it is a part of
	elem  *recordRow // pointer, map of rows, keyed: the rows
	entry *field     // table: the values
	whole *field     // of what is merged by parts: all of it as one value; nil if it has no such form
	refs  bool       // of the whole record: it has lists of pointers, in which none may be nil
}

// part returns the part that k, a field of the row, belongs to, or nil.
func (w *recordRow) part(k *cell.Cell) *recordPart { return w.partAt(k.Key, k.Kind, k.Type) }

func (w *recordRow) partAt(key string, kind cell.Kind, typ cell.TypeCode) *recordPart {
	if p := w.partOf(key); p != nil && p.kind == kind && p.typ == typ {
		return p
	}
	return nil
}

// partOf returns the part of w with a key, be its kind and type what they are, or nil.
func (w *recordRow) partOf(key string) *recordPart {
	i, ok := slices.BinarySearchFunc(w.parts, key, func(p *recordPart, key string) int { return strings.Compare(p.key, key) })
	if !ok {
		return nil
	}
	return w.parts[i]
}

func (p *recordPart) rows() *recordRow {
	if p == nil {
		return nil
	}
	return p.elem
}

// A recordRule is what a rule says of records.
type recordRule struct {
	kind      func(*field) cell.Kind                             // the cell that holds a leaf
	never     string                                             // why no record can have it
	refuses   func(p *recordPart, next reflect.Value) string     // why a value could not show; nil if any can
	stays     string                                             // why the present value does not give way
	unchanged func(p *recordPart, read, next reflect.Value) bool // a change that is none; nil if there are no such
	listed    func(p *recordPart, content string) bool           // of options: whether the program knows where it stands; nil if it does wherever it can read it
	prefers   func(p *recordPart, a, b string) int               // of options: +1 if a is to be chosen
}

// A recordCompiler turns the rows of a plan into those of a record.
type recordCompiler struct {
	root  reflect.Type
	rows  map[recordRowKey]*recordRow
	trail string
	refs  bool
	errs  []error
}

type recordRowKey struct {
	row *row
	key string // the fields that hold the key of a list element
}

// compileRecord returns what a record of typ needs besides its plan, or a
// [*RuleError] for each field that a record cannot carry.
func compileRecord(typ reflect.Type, w *row) (*recordPart, error) {
	c := recordCompiler{root: typ, rows: make(map[recordRowKey]*recordRow)}
	top := &recordPart{kind: cell.Row, elem: c.row(w, nil)}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	top.refs = c.refs
	return top, nil
}

// row compiles a row, whose fields at the indexes at, if any, are the key that it
// is found by and so no parts of their own.
func (c *recordCompiler) row(w *row, at [][]int) *recordRow {
	key := recordRowKey{w, fmt.Sprint(at)}
	if out := c.rows[key]; out != nil {
		return out
	}
	out := &recordRow{row: w}
	c.rows[key] = out
	isKey := func(f *field) bool { return f.isAt(at) }
	for _, f := range w.fields {
		if f.class != classIgnored && f.group == nil && !isKey(f) {
			c.part(out, f)
		}
	}
	for _, g := range w.groups {
		p := &recordPart{key: groupKey(g), kind: cell.Register, in: out}
		for _, f := range g.fields {
			if !isKey(f) {
				c.content(f)
				p.group = append(p.group, f)
			}
		}
		if len(p.group) == 0 {
			continue
		}
		slices.SortFunc(p.group, func(a, b *field) int { return strings.Compare(a.name, b.name) })
		p.f, p.rule = p.group[0], ruleGroup.def().record
		out.parts = append(out.parts, p)
	}
	slices.SortFunc(out.parts, func(a, b *recordPart) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(out.parts); i++ {
		if p := out.parts[i]; p.key == out.parts[i-1].key {
			c.refuse(p.f, "the group needs another name: a field has the path "+p.key, nil)
		}
	}
	out.addPaths()
	return out
}

func (w *recordRow) addPaths() {
	for _, p := range w.parts {
		if p.group == nil {
			w.paths = append(w.paths, partPath{names: namesOf(p.key), part: p})
		}
		for _, f := range p.group {
			w.paths = append(w.paths, partPath{names: namesOf(f.name), part: p, member: f})
		}
	}
}

// groupKey returns the path of a group: where its struct is, and its name
// after an equals sign.
func groupKey(g *group) string {
	name := g.fields[0].name
	names, _ := splitPath(name)
	for i := range names {
		names[i] = value.QuoteKey(names[i])
	}
	return value.JoinPath(strings.Join(names[:max(0, len(names)-1)], "."), "="+value.QuoteKey(g.name))
}

// part adds the part that holds f to w.
func (c *recordCompiler) part(w *recordRow, f *field) {
	p := &recordPart{key: f.name, f: f, rule: f.rule.id.def().record, in: w}
	ok := false
	switch f.class {
	case classLeaf:
		p.kind, ok = c.leaf(f)
	case classPointer:
		p.kind, ok = cell.Row, true
		p.elem = c.below(f, "", nil)
	case classMap:
		ok = c.codable(f, f.key)
		if p.kind = cell.Rows; f.plain && !f.rule.keep {
			p.kind, p.entry = cell.Table, f.elem.fields[0]
			ok = c.content(p.entry) && ok
			break
		}
		p.elem = c.below(f, "*", nil)
	case classKeyed:
		p.kind, ok = cell.Rows, c.codable(f, f.key)
		c.refs = c.refs || f.byRef
		p.elem = c.below(f, "*", f.at)
	case classSet:
		p.kind = p.rule.kind(f)
		ok = c.codable(f, f.key)
	case classDocument:
		c.document(f)
	case classIgnored:
	}
	if !ok {
		return
	}
	if p.kind.IsTyped() {
		p.typ = p.code()
	}
	if f.class != classLeaf {
		p.compileWhole()
	}
	w.parts = append(w.parts, p)
}

// document refuses a document that would be merged by key: deleting an object,
// or putting something else in its place, asks for a life of its own that
// documents, which have no plan, do not keep.
func (c *recordCompiler) document(f *field) {
	reason := "a record holds a document as one value only"
	if f.name == "" && c.trail == "" {
		reason += ", in a field of a struct"
	}
	c.refuse(f, reason, []ruleID{ruleAtomic, ruleIgnore})
}

// code returns the code of the values, or of the elements of a set.
func (p *recordPart) code() cell.TypeCode {
	switch {
	case p.entry != nil:
		return p.entry.code
	case p.f.key != nil:
		return cell.TypeOf(p.f.key, true)
	}
	return p.f.code
}

func (c *recordCompiler) below(f *field, name string, at [][]int) *recordRow {
	trail := c.trail
	c.trail = value.JoinPath(value.JoinPath(trail, f.name), name)
	w := c.row(f.elem, at)
	c.trail = trail
	return w
}

// leaf returns the kind of cell that holds a leaf.
func (c *recordCompiler) leaf(f *field) (cell.Kind, bool) {
	def := f.rule.id.def().record
	switch {
	case def.never != "":
		c.refuse(f, def.never, leafRules(f.typ))
		return 0, false
	case f.shape == nil:
		c.refuse(f, fmt.Sprintf("%v has no binary, text or JSON form that a record could keep", f.typ), []ruleID{ruleIgnore})
		return 0, false
	}
	return def.kind(f), c.content(f)
}

// content has f, a leaf, encoded as its code says.
func (c *recordCompiler) content(f *field) bool {
	f.code = cell.TypeOf(f.shape, true)
	if !f.code.IsContent() {
		return c.codable(f, f.shape)
	}
	var err error
	if f.leaf, err = value.LeafOf(f.typ); err != nil {
		c.refuse(f, err.Error(), []ruleID{ruleIgnore})
		return false
	}
	return true
}

func (c *recordCompiler) codable(f *field, s *value.Type) bool {
	if err := s.Codable(); err != nil {
		c.refuse(f, err.Error(), []ruleID{ruleIgnore})
		return false
	}
	return true
}

func (c *recordCompiler) refuse(f *field, reason string, choices []ruleID) {
	c.errs = append(c.errs, &RuleError{
		Type: c.root, Path: value.JoinPath(c.trail, f.name), Rule: f.rule.String(), Reason: reason, Choices: usages(choices),
	})
}

// A Fingerprint tells plans apart: equal ones have the same fields and rules.
type Fingerprint uint64

// String returns 16 hexadecimal digits.
func (f Fingerprint) String() string { return fmt.Sprintf("%016x", uint64(f)) }

// fingerprint returns a hash of the paths, kinds and rules of a plan: equal for
// programs that treat all states alike.
func (p *recordPart) fingerprint() Fingerprint {
	h := fnv.New64a()
	p.elem.describe(h.Write, "", map[*recordRow]bool{})
	return Fingerprint(h.Sum64())
}

func (w *recordRow) describe(write func([]byte) (int, error), prefix string, open map[*recordRow]bool) {
	if open[w] {
		_, _ = write([]byte(prefix + "\tas above\n"))
		return
	}
	open[w] = true
	for _, p := range w.parts {
		path := value.JoinPath(prefix, p.key)
		_, _ = write(fmt.Appendf(nil, "%s\t%d\t%s\t%d\t", path, p.kind, p.f.rule.String(), p.typ))
		for _, f := range p.group {
			_, _ = write(fmt.Appendf(nil, "%s\t%d\t", f.name, f.code))
		}
		_, _ = write([]byte{'\n'})
		if p.elem != nil {
			p.elem.describe(write, value.JoinPath(path, "*"), open)
		}
	}
	delete(open, w)
}
