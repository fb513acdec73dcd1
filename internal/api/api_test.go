// Package api_test keeps api.txt, the exported names of the packages that users
// import, one a line, so that no change of them goes unseen.
package api_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write api.txt")

const (
	root   = "../.."
	module = "github.com/rejoin-go/rejoin"
)

// TestAPI fails on every change of the exported API that api.txt does not have. To
// accept one, run it with -update and commit the file.
func TestAPI(t *testing.T) {
	var all []string
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); dir != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"internal", "examples", "testdata"}, name)) {
			return fs.SkipDir
		}
		all = append(all, namesIn(t, dir)...)
		return nil
	})
	require.NoError(t, err)
	slices.Sort(all)
	got := strings.Join(all, "\n") + "\n"

	const file = "api.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644)) //nolint:gosec // a file of the repository
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, name := range all {
		if !slices.Contains(want, name) {
			t.Errorf("new: %s", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(all, name) {
			t.Errorf("gone: %s", name)
		}
	}
	if t.Failed() {
		t.Error("the exported API has changed: go test ./internal/api -update, and say so in CHANGELOG.md")
	}
}

var appendBinary = regexp.MustCompile(`^(\S+): func \(\w+ \*?(\w+)(?:\[[^\]]*\])?\) AppendBinary\(`)

// TestFormats: FORMAT.md has the bytes of every type that has any.
func TestFormats(t *testing.T) {
	format, err := os.ReadFile(root + "/FORMAT.md")
	require.NoError(t, err)
	names, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	found := 0
	for line := range strings.Lines(string(names)) {
		m := appendBinary.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		found++
		if head := fmt.Sprintf("\n### %s.%s\n", m[1], m[2]); !strings.Contains(string(format), head) {
			t.Errorf("FORMAT.md has no section %s.%s", m[1], m[2])
		}
	}
	require.NotZero(t, found)
}

// namesIn returns the exported names of the package in dir, if there is one.
func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	set := token.NewFileSet()
	found, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range found {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil
	}
	rel, err := filepath.Rel(root, dir)
	require.NoError(t, err)
	p, err := doc.NewFromFiles(set, files, path.Join(module, filepath.ToSlash(rel)))
	require.NoError(t, err)
	l := list{set: set, pkg: filepath.ToSlash(rel)}
	l.values(p.Consts)
	l.values(p.Vars)
	l.funcs(p.Funcs)
	for _, typ := range p.Types {
		l.add(typ.Decl)
		l.values(typ.Consts)
		l.values(typ.Vars)
		l.funcs(typ.Funcs)
		l.funcs(typ.Methods)
	}
	return l.names
}

// A list is what one package exports.
type list struct {
	set   *token.FileSet
	pkg   string
	names []string
}

func (l *list) values(all []*doc.Value) {
	for _, v := range all {
		for _, spec := range v.Decl.Specs {
			l.add(&ast.GenDecl{Tok: v.Decl.Tok, Specs: []ast.Spec{spec}})
		}
	}
}

func (l *list) funcs(all []*doc.Func) {
	for _, f := range all {
		l.add(f.Decl)
	}
}

// oneLine joins the lines of a declaration, and drops what stands for fields that
// are not exported.
var oneLine = strings.NewReplacer("\n\t// contains filtered or unexported fields", "", "\n\t// contains filtered or unexported methods", "",
	"{\n\t", "{ ", "\n}", " }", "\n\t", "; ", "\n", " ", "\t", " ")

// add appends a declaration without its comments, on one line.
func (l *list) add(decl ast.Decl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			n.Doc, n.Body = nil, nil
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
	var text bytes.Buffer
	err := (&printer.Config{Mode: printer.RawFormat}).Fprint(&text, l.set, decl)
	if err != nil {
		panic(err) // a syntax tree that was parsed prints
	}
	l.names = append(l.names, fmt.Sprintf("%s: %s", l.pkg, oneLine.Replace(text.String())))
}

// TestJSONByValue: encoding/json asks a value that it cannot address for the methods of
// the value alone, and makes {} of one whose method is of the pointer, without an error. So
// what a struct may hold by value marshals itself by value.
func TestJSONByValue(t *testing.T) {
	text, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	method := regexp.MustCompile(`(?m)^(\S+): func \((?:\w+ )?(\*?)(\w+)(?:\[[\w, ]+\])?\) (MarshalJSON|UnmarshalJSON)\(`)
	byValue, read := map[string]bool{}, map[string]bool{}
	for _, m := range method.FindAllStringSubmatch(string(text), -1) {
		name := m[1] + "." + m[3]
		if m[4] == "UnmarshalJSON" {
			read[name] = true
		} else {
			byValue[name] = m[2] == ""
		}
	}
	require.Len(t, read, len(byValue)-1) // merge.Absent is for reports
	for name := range read {
		require.True(t, byValue[name], "%s marshals itself by pointer only", name)
	}
}
