// Package readme_test runs the programs of README.md and of the guide in docs/,
// and follows their links and names.
package readme_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var block = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// A page is a document with the file that has its programs.
type page struct{ path, examples string }

// pages returns README.md and the pages of the guide.
func pages(t *testing.T) []page {
	t.Helper()
	all := []page{{root + "README.md", "example_test.go"}}
	guide, err := filepath.Glob(root + "docs/*.md")
	require.NoError(t, err)
	for _, path := range guide {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		all = append(all, page{path, "docs_" + name + "_test.go"})
	}
	return all
}

const root = "../../"

// TestPrograms: each block of Go in a page is an Example of this package, word
// for word, and the block after it is what the Example prints.
func TestPrograms(t *testing.T) {
	for _, p := range pages(t) {
		t.Run(filepath.Base(p.path), func(t *testing.T) {
			text, err := os.ReadFile(p.path)
			require.NoError(t, err)
			examples := load(t, p.examples)
			programs := len(examples)
			blocks := block.FindAllStringSubmatch(string(text), -1)
			for i, b := range blocks {
				if b[1] != "go" {
					continue
				}
				body := bodyOf(t, b[2])
				output, ok := examples[body]
				require.True(t, ok, "no Example in %s has this body:\n%s", p.examples, body)
				if output != "" {
					require.Less(t, i+1, len(blocks), "the output is missing after:\n%s", body)
					require.Equal(t, output, strings.TrimSpace(blocks[i+1][2]))
				}
				delete(examples, body)
			}
			require.Empty(t, examples, "not in %s", p.path)
			if p.path == root+"README.md" {
				require.Positive(t, programs)
			}
		})
	}
}

// load returns the bodies of the Examples in a file with their outputs. A page
// without programs needs no file.
func load(t *testing.T, file string) map[string]string {
	t.Helper()
	examples := make(map[string]string)
	src, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return examples
	}
	require.NoError(t, err)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments)
	require.NoError(t, err)
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") {
			code, comment, ok := strings.Cut(between(fset, src, fn.Body), "// Output:\n")
			require.True(t, ok, fn.Name.Name)
			var lines []string
			for line := range strings.Lines(comment) {
				lines = append(lines, strings.TrimPrefix(strings.TrimSpace(line), "// "))
			}
			examples[tidy(t, code)] = strings.TrimSpace(strings.Join(lines, "\n"))
		}
	}
	return examples
}

// bodyOf returns what a program does: the body of main if it is a whole program,
// which must then import what it uses, or all of it.
func bodyOf(t *testing.T, program string) string {
	t.Helper()
	if !strings.HasPrefix(program, "package main\n") {
		return tidy(t, program)
	}
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	require.Equal(t, string(formatted), program)

	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", program, parser.ParseComments)
	require.NoError(t, err)
	imported, used := make(map[string]bool), make(map[string]bool)
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		require.NoError(t, err)
		imported[path[strings.LastIndex(path, "/")+1:]] = true
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && id.Obj == nil {
				used[id.Name] = true
			}
		}
		return true
	})
	require.Equal(t, used, imported)
	main := f.Decls[len(f.Decls)-1].(*ast.FuncDecl)
	require.Equal(t, "main", main.Name.Name)
	return tidy(t, between(fset, []byte(program), main.Body))
}

func between(fset *token.FileSet, src []byte, b *ast.BlockStmt) string {
	return string(src[fset.Position(b.Lbrace).Offset+1 : fset.Position(b.Rbrace).Offset])
}

// tidy returns code as gofmt has it at the start of a line.
func tidy(t *testing.T, code string) string {
	t.Helper()
	b, err := format.Source([]byte(strings.TrimSpace(code)))
	require.NoError(t, err, "%s", code)
	return string(b)
}
