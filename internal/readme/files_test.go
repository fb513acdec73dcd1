package readme_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFilesInOrder: the files of these packages can be read from the ground up, as no two
// of them use what the other declares, be it by way of others. A file uses a type, a function,
// a variable or a constant that it names, and a method, too, only by declaring it.
func TestFilesInOrder(t *testing.T) {
	for _, pkg := range []string{"hlc", "merge", "resolver"} {
		uses := usesOfFiles(t, root+pkg)
		for _, loop := range loops(uses) {
			var why strings.Builder
			for _, from := range loop {
				for _, to := range loop {
					if names := uses[from][to]; names != nil {
						fmt.Fprintf(&why, "\n%s uses of %s: %s", from, to, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
					}
				}
			}
			t.Errorf("%s: files in a loop: %s%s", pkg, strings.Join(loop, ", "), &why)
		}
	}
}

// usesOfFiles returns what the files of a package use of each other: by the file that uses,
// and the one that declares.
func usesOfFiles(t *testing.T, dir string) map[string]map[string]map[string]bool {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.go")
	require.NoError(t, err)
	fset, files := token.NewFileSet(), []*ast.File(nil)
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	require.NotEmpty(t, files)
	// Names of other packages are not looked at: what they are does not matter.
	config := types.Config{Importer: unread{}, Error: func(error) {}, FakeImportC: true}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	pkg, _ := config.Check(dir, fset, files, info)
	uses := make(map[string]map[string]map[string]bool)
	for name, object := range info.Uses {
		if object.Parent() != pkg.Scope() {
			continue
		}
		from, to := filepath.Base(fset.Position(name.Pos()).Filename), filepath.Base(fset.Position(object.Pos()).Filename)
		if uses[from] == nil {
			uses[from] = make(map[string]map[string]bool)
		}
		if from == to {
			continue
		}
		if uses[from][to] == nil {
			uses[from][to] = make(map[string]bool)
		}
		uses[from][to][object.Name()] = true
	}
	return uses
}

// unread imports every package as one of which nothing is known.
type unread struct{}

func (unread) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// loops returns the sets of files that use each other, in order.
func loops(uses map[string]map[string]map[string]bool) (all [][]string) {
	reach := make(map[string]map[string]bool)
	var walk func(from, at string)
	walk = func(from, at string) {
		for to := range uses[at] {
			if !reach[from][to] {
				reach[from][to] = true
				walk(from, to)
			}
		}
	}
	for from := range uses {
		reach[from] = make(map[string]bool)
		walk(from, from)
	}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		if !reach[file][file] || slices.ContainsFunc(all, func(loop []string) bool { return slices.Contains(loop, file) }) {
			continue
		}
		var loop []string
		for other := range reach[file] {
			if reach[other][file] {
				loop = append(loop, other)
			}
		}
		slices.Sort(loop)
		all = append(all, loop)
	}
	return all
}

// TestLoops: the check finds what there is to find, in files made for it.
func TestLoops(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go":      "package p\n\nimport \"x\"\n\ntype a struct{ b b }\n\nfunc f() { x.F(x.T{A: c}) }\n",
		"b.go":      "package p\n\ntype b struct{ c int }\n\nfunc (b) name() {}\n",
		"c.go":      "package p\n\nvar c = 1\n\nfunc (x b) call() { x.name(); var a int; _ = a; d() }\n",
		"d.go":      "package p\n\nfunc d() { e[int]() }\n",
		"e.go":      "package p\n\nfunc e[T any]() { _ = x.F[a](g) }\n\nfunc g() {}\n",
		"f_test.go": "package p\n\nfunc h() { h2() }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	uses := usesOfFiles(t, dir)
	require.Equal(t, [][]string{{"a.go", "c.go", "d.go", "e.go"}}, loops(uses))
	require.Equal(t, map[string]bool{"b": true}, uses["a.go"]["b.go"])
	require.Equal(t, map[string]bool{"c": true}, uses["a.go"]["c.go"])
	require.Equal(t, map[string]bool{"a": true}, uses["e.go"]["a.go"])
}
