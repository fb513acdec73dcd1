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

	"github.com/stretchr/testify/require"
)

// typeRow finds a row of the table of types: the type, and four cells.
var typeRow = regexp.MustCompile("(?m)^\\| `((?:crdt|lww|merge|resolver|vclock)\\.\\w+)` \\| (.*) \\| (.*) \\| (.*) \\| (.*) \\|$")

// TestNamesOfEveryType: the table in docs/names.md has each type that merges with another of
// its kind, and each of its methods is there where the table says so, and nowhere else.
func TestNamesOfEveryType(t *testing.T) {
	text, err := os.ReadFile(root + "docs/names.md")
	require.NoError(t, err)
	var listed []string
	for _, m := range typeRow.FindAllStringSubmatch(string(text), -1) {
		pkg, name, _ := strings.Cut(m[1], ".")
		listed = append(listed, m[1])
		methods := exports(t, pkg)
		for i, method := range []string{"LastOf", "Verify", "Usable", "Speaks"} {
			has := slices.Contains(methods, name+"."+method)
			require.Equal(t, m[2+i] != "–", has, "%s.%s", m[1], method)
		}
	}
	slices.Sort(listed)
	require.Equal(t, merging(t), listed)
}

// merging returns the types with a method Merge that takes their like.
func merging(t *testing.T) (types []string) {
	t.Helper()
	for _, pkg := range []string{"crdt", "lww", "merge", "resolver", "vclock"} {
		files, err := filepath.Glob(root + pkg + "/*.go")
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok || fn.Recv == nil || fn.Name.Name != "Merge" || fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
					continue
				}
				if of := receiver(fn.Recv.List[0].Type); ast.IsExported(of) {
					types = append(types, pkg+"."+of)
				}
			}
		}
	}
	slices.Sort(types)
	return types
}
