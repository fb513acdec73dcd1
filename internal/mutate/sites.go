package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A mutant is one small change of a package.
type mutant struct {
	id    int // above 0
	kind  string
	place string // file and line
	in    string // the function around it
	again int    // how many like it are before it in the function
	what  string // what becomes what
	wraps []wrap
	rank  uint64 // the order in which a seed draws
}

// name returns what the mutant is called in the list of equivalent ones. It stays when
// lines move.
func (m *mutant) name(dir string) string {
	file, _, _ := strings.Cut(m.place, ":")
	name := fmt.Sprintf("%s/%s: %s: %s: %s", dir, file, m.in, m.kind, m.what)
	if m.again > 0 {
		name += fmt.Sprintf(" #%d", m.again+1)
	}
	return name
}

// A wrap is what a mutant puts around a stretch of a file. Stretches are nodes of
// the syntax tree, so that those of several mutants nest. ID in the text stands for
// the number of the mutant.
type wrap struct {
	file          string
	start, end    int
	before, after string
}

// finding is what looks for places to mutate in one file.
type finding struct {
	*source
	file
	found []mutant
	stack []ast.Node
}

// sample returns the mutants that o asks for and how many there are to draw from,
// without those that o knows as equivalent. One kind after the other gives one, so that
// rare kinds are not drowned.
func (p *source) sample(o options) (drawn []mutant, possible int, err error) {
	at, err := regexp.Compile(o.at)
	if err != nil {
		return nil, 0, err
	}
	taken, err := knownOf(o.known, p.short)
	if err != nil {
		return nil, 0, err
	}
	kinds := make(map[string][]mutant)
	for _, f := range p.files {
		for _, m := range p.find(f) {
			name := m.name(p.short)
			_, listed := taken[name]
			if listed {
				taken[name] = true
			}
			if listed != o.listed || !at.MatchString(m.place) {
				continue
			}
			sum := sha256.Sum256(fmt.Append(nil, o.seed, filepath.Base(f.name), m.kind, m.what, m.wraps[0].start))
			m.rank = binary.BigEndian.Uint64(sum[:])
			kinds[m.kind] = append(kinds[m.kind], m)
			possible++
		}
	}
	for _, k := range kinds {
		slices.SortFunc(k, func(a, b mutant) int { return cmp.Compare(a.rank, b.rank) })
	}
	if err := untaken(taken); err != nil {
		return nil, 0, err
	}
	for round := 0; len(drawn) < min(o.n, possible); round++ {
		for _, k := range slices.Sorted(maps.Keys(kinds)) {
			if round < len(kinds[k]) && len(drawn) < o.n {
				m := kinds[k][round]
				m.id = len(drawn) + 1
				drawn = append(drawn, m)
			}
		}
	}
	return drawn, possible, nil
}

// find returns all mutants of a file.
func (p *source) find(f file) []mutant {
	s := finding{source: p, file: f}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil {
			s.stack = s.stack[:len(s.stack)-1]
			return true
		}
		if !s.enters(n) {
			return false
		}
		s.node(n)
		s.stack = append(s.stack, n)
		return true
	})
	again := make(map[string]int)
	for i := range s.found {
		m := &s.found[i]
		name := m.name("")
		m.again = again[name]
		again[name]++
	}
	return s.found
}

// enters reports whether there may be something to mutate in n: not in constants
// and types, where the language wants what is known at compile time.
func (s *finding) enters(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.ArrayType, *ast.FieldList, *ast.ImportSpec:
		return false
	case ast.Expr:
		tv, ok := s.info.Types[n]
		if _, literal := n.(*ast.BasicLit); ok && !literal && tv.Value != nil {
			return false
		}
		return !ok || !tv.IsType()
	}
	return true
}

func (s *finding) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.IfStmt:
		s.condition(n.Cond)
	case *ast.BinaryExpr:
		s.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			s.wrap("not", n, s.text(n.X), "(mutantNow == ID) != (", ")")
		}
	case *ast.BasicLit:
		s.literal(n)
	case *ast.CallExpr:
		s.call(n)
	case *ast.ReturnStmt:
		s.returns(n)
	case *ast.RangeStmt:
		s.loop(n)
	case *ast.BranchStmt:
		s.branch(n)
	case *ast.BlockStmt:
		s.statements(n.List)
	case *ast.CaseClause:
		s.statements(n.Body)
	}
}

func (s *finding) condition(c ast.Expr) {
	s.wrap("if", c, "!("+s.text(c)+")", "(mutantNow == ID) != (", ")")
	s.wrap("pin", c, "true", "mutantNow == ID || (", ")")
	s.wrap("pin", c, "false", "mutantNow != ID && (", ")")
}

func (s *finding) binary(n *ast.BinaryExpr) {
	x, y := s.text(n.X), s.text(n.Y)
	switch n.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		other := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[n.Op]
		alt := x + " " + other + " " + y
		s.wrap("bound", n, alt, "(mutantNow == ID && "+alt+" || mutantNow != ID && ", ")")
	case token.EQL, token.NEQ:
		s.wrap("equal", n, "!("+s.text(n)+")", "((mutantNow == ID) != (", "))")
	case token.LAND:
		s.wrap("and", n.X, "true", "(mutantNow == ID || ", ")")
		s.wrap("and", n.Y, "true", "(mutantNow == ID || ", ")")
	case token.LOR:
		s.wrap("or", n.X, "false", "(mutantNow != ID && (", "))")
		s.wrap("or", n.Y, "false", "(mutantNow != ID && (", "))")
	case token.ADD, token.SUB:
		typ := s.integer(n)
		if typ == "" || s.calls(n.Y) {
			return
		}
		op, alt := "-", x+" - "+y
		if n.Op == token.SUB {
			op, alt = "+", x+" + "+y
		}
		s.wrap("sum", n, alt, "(", fmt.Sprintf(" %s %s(2*mutantBit(ID))*(%s))", op, typ, y))
	default:
	}
}

func (s *finding) literal(n *ast.BasicLit) {
	typ := s.integer(n)
	if typ == "" {
		return
	}
	for _, n := range slices.Backward(s.stack) {
		if _, ok := n.(*ast.CompositeLit); ok { // where a key of an array is a constant
			return
		}
		if _, ok := n.(ast.Expr); !ok {
			break
		}
	}
	s.wrap("number", n, n.Value+" + 1", "(", " + "+typ+"(mutantBit(ID)))")
	s.wrap("number", n, n.Value+" - 1", "(", " - "+typ+"(mutantBit(ID)))")
}

func (s *finding) call(n *ast.CallExpr) {
	if f, ok := n.Fun.(*ast.Ident); ok {
		if b, ok := s.info.Uses[f].(*types.Builtin); ok && (b.Name() == "max" || b.Name() == "min") && !s.calls(n.Args...) {
			alt := strings.Replace(s.text(n), b.Name(), map[string]string{"max": "min", "min": "max"}[b.Name()], 1)
			s.wrap("extreme", n, alt, "mutantPick(ID, ", ", "+alt+")")
		}
	}
	for i := 1; i < len(n.Args); i++ {
		a, b := n.Args[i-1], n.Args[i]
		x, y := s.info.Types[a], s.info.Types[b]
		if x.Type == nil || y.Type == nil || !types.Identical(x.Type, y.Type) || x.IsNil() || s.calls(a, b) || !isSimple(a) || !isSimple(b) || s.text(a) == s.text(b) {
			continue
		}
		s.found = append(s.found, mutant{
			kind: "swap", place: s.place(n), in: s.function(), what: s.text(a) + ", " + s.text(b) + " → " + s.text(b) + ", " + s.text(a),
			wraps: []wrap{
				s.around(a, "mutantPick(ID, ", ", "+s.text(b)+")"), s.around(b, "mutantPick(ID, ", ", "+s.text(a)+")"),
			},
		})
	}
}

func isSimple(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isSimple(e.X)
	}
	return false
}

func (s *finding) returns(n *ast.ReturnStmt) {
	if len(n.Results) == 0 {
		return
	}
	last := n.Results[len(n.Results)-1]
	tv := s.info.Types[last]
	switch {
	case tv.Type == nil:
	case tv.Type.String() == "error":
		s.wrap("error", last, "nil", "mutantSwallow(ID, ", ")")
	case types.Identical(tv.Type.Underlying(), types.Typ[types.Bool]), tv.Value != nil && tv.Value.Kind() == constant.Bool:
		s.wrap("answer", last, "!("+s.text(last)+")", "(mutantNow == ID) != (", ")")
	}
}

func (s *finding) loop(n *ast.RangeStmt) {
	typ := s.info.Types[n.X].Type
	if name := s.integer(n.X); name != "" {
		s.wrap("last", n.X, s.text(n.X)+" - 1", "("+name+"(", ") - "+name+"(mutantBit(ID)))")
	} else if _, ok := typ.Underlying().(*types.Slice); ok {
		s.wrap("last", n.X, "all but the last", "mutantCut(ID, ", ")")
	}
}

func (s *finding) branch(n *ast.BranchStmt) {
	other := map[token.Token]string{token.BREAK: "continue", token.CONTINUE: "break"}[n.Tok]
	if other == "" {
		return
	}
	if n.Label != nil {
		other += " " + n.Label.Name
	}
	s.wrap("branch", n, other, "if mutantNow == ID { "+other+" }; ", "")
}

// statements mutates a list of statements: each that has an effect may be missing,
// and the function may end before each but the first.
func (s *finding) statements(list []ast.Stmt) {
	for i, n := range list {
		switch n := n.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
			s.wrap("drop", n, "nothing", "if mutantNow != ID { ", " }")
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				s.wrap("drop", n, "nothing", "if mutantNow != ID { ", " }")
			}
		}
		switch n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.AssignStmt, *ast.ExprStmt:
			if text, ok := s.nothing(); ok && i > 0 {
				s.wrap("early", n, text, "if mutantNow == ID { "+text+" }; ", "")
			}
		}
	}
}

// nothing returns a statement that returns zero values from the function around.
func (s *finding) nothing() (string, bool) {
	for _, n := range slices.Backward(s.stack) {
		var typ *ast.FuncType
		switch n := n.(type) {
		case *ast.FuncDecl:
			typ = n.Type
		case *ast.FuncLit:
			typ = n.Type
		default:
			continue
		}
		var zeros []string
		if typ.Results != nil {
			for _, f := range typ.Results.List {
				if len(f.Names) > 0 {
					return "return", true
				}
				zeros = append(zeros, "*new("+s.text(f.Type)+")")
			}
		}
		return strings.TrimSpace("return " + strings.Join(zeros, ", ")), true
	}
	return "", false
}

// integer returns the name of the type of e if it is an integer of a type that can
// be named in the package, or "".
func (s *finding) integer(e ast.Expr) string {
	tv := s.info.Types[e]
	if tv.Type == nil {
		return ""
	}
	if b, ok := tv.Type.Underlying().(*types.Basic); !ok || b.Info()&types.IsInteger == 0 {
		return ""
	}
	switch t := types.Default(tv.Type).(type) {
	case *types.Basic:
		return t.Name()
	case *types.Named:
		if t.Obj().Pkg() != nil && t.Obj().Pkg().Path() == s.path {
			return t.Obj().Name()
		}
	}
	return ""
}

// calls reports whether evaluating one of the expressions twice might matter.
func (s *finding) calls(exprs ...ast.Expr) bool {
	found := false
	for _, e := range exprs {
		ast.Inspect(e, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				f, ok := n.Fun.(*ast.Ident)
				found = found || !ok || f.Name != "len" && !s.info.Types[n.Fun].IsType()
			case *ast.UnaryExpr:
				found = found || n.Op == token.ARROW
			}
			return !found
		})
	}
	return found
}

// wrap notes a mutant that makes what stands at n into something else.
func (s *finding) wrap(kind string, n ast.Node, to, before, after string) {
	what := s.text(n) + " → " + to
	if kind == "early" {
		what = to + " before " + s.text(n)
	}
	s.found = append(s.found, mutant{
		kind: kind, place: s.place(n), in: s.function(), what: oneLine(what), wraps: []wrap{s.around(n, before, after)},
	})
}

// function returns the name of the function that the finding stands in, with its type if
// it is a method; "var" outside.
func (s *finding) function() string {
	for _, n := range s.stack {
		f, ok := n.(*ast.FuncDecl)
		switch {
		case !ok:
		case f.Recv == nil:
			return f.Name.Name
		default:
			of := s.text(f.Recv.List[0].Type)
			of, _, _ = strings.Cut(strings.TrimPrefix(of, "*"), "[")
			return of + "." + f.Name.Name
		}
	}
	return "var"
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 160 {
		text = string(r[:160]) + "…"
	}
	return text
}

func (s *finding) around(n ast.Node, before, after string) wrap {
	return wrap{s.name, s.fset.Position(n.Pos()).Offset, s.fset.Position(n.End()).Offset, before, after}
}

func (s *finding) place(n ast.Node) string {
	at := s.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
}

func (s *finding) text(n ast.Node) string {
	return string(s.file.text[s.fset.Position(n.Pos()).Offset:s.fset.Position(n.End()).Offset])
}
