package readme_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// A name is `pkg.Name` or `pkg.Type.Method`, with whatever follows it.
	name = regexp.MustCompile("`\\*?(hlc|vclock|lww|crdt|merge|resolver)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?[^`]*`")
)

// documents returns every page that a user reads.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "*.md")
	require.NoError(t, err)
	guide, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	return append(files, guide...)
}

// TestLinks: each link inside of the repository leads to a file, and to a heading
// of it if it names one.
func TestLinks(t *testing.T) {
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(block.ReplaceAllString(string(text), ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			where := path
			if file != "" {
				where = filepath.Join(filepath.Dir(path), file)
			}
			body, err := os.Stat(where)
			require.NoError(t, err, "%s links to %s", path, target)
			if anchor != "" && !body.IsDir() {
				require.Contains(t, anchors(t, where), anchor, "%s links to %s", path, target)
			}
		}
	}
}

// anchors returns the names under which the headings of a page can be linked to.
func anchors(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []string
	for line := range strings.Lines(block.ReplaceAllString(string(text), "")) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			all = append(all, strings.Map(func(r rune) rune {
				switch {
				case r == ' ' || r == '-':
					return '-'
				case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
					return unicode.ToLower(r)
				}
				return -1
			}, strings.TrimSpace(heading)))
		}
	}
	return all
}

// TestNames: each name of a package that a page mentions is exported by it.
func TestNames(t *testing.T) {
	exported := make(map[string][]string)
	for _, path := range documents(t) {
		if filepath.Base(path) == "CHANGELOG.md" { // tells of names that are gone
			continue
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range name.FindAllStringSubmatch(block.ReplaceAllString(string(text), ""), -1) {
			pkg, want := m[1], m[2]
			if m[3] != "" {
				want += "." + m[3]
			}
			if exported[pkg] == nil {
				exported[pkg] = exports(t, pkg)
			}
			require.True(t, slices.Contains(exported[pkg], want), "%s says %s, which there is not", path, m[0])
		}
	}
}

// exports returns the exported names of a package: Name, Type.Method and Type.Field.
func exports(t *testing.T, pkg string) []string {
	t.Helper()
	files, err := filepath.Glob(root + pkg + "/*.go")
	require.NoError(t, err)
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			names = append(names, declared(d)...)
		}
	}
	slices.Sort(names)
	return names
}

func declared(d ast.Decl) []string {
	var names []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		return []string{receiver(d.Recv.List[0].Type) + "." + d.Name.Name}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			case *ast.TypeSpec:
				names = append(append(names, s.Name.Name), members(s)...)
			}
		}
	}
	return names
}

// members returns the fields of a struct and the methods of an interface.
func members(s *ast.TypeSpec) []string {
	var list *ast.FieldList
	switch typ := s.Type.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return nil
	}
	var names []string
	for _, f := range list.List {
		for _, n := range f.Names {
			names = append(names, s.Name.Name+"."+n.Name)
		}
	}
	return names
}

// receiver returns the name of the type of a receiver.
func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}
