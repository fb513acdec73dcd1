// Package readme_test runs the programs of README.md.
package readme_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var block = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// TestPrograms: each block of Go in README.md is an Example of this package, word
// for word, and the block after it is what the Example prints.
func TestPrograms(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	examples := load(t)

	blocks := block.FindAllStringSubmatch(string(text), -1)
	programs := 0
	for i, b := range blocks {
		if b[1] != "go" {
			continue
		}
		programs++
		body := bodyOf(t, b[2])
		output, ok := examples[body]
		require.True(t, ok, "no Example has this body:\n%s", body)
		if output != "" {
			require.Less(t, i+1, len(blocks), "the output is missing after:\n%s", body)
			require.Equal(t, output, strings.TrimSpace(blocks[i+1][2]))
		}
		delete(examples, body)
	}
	require.Positive(t, programs)
	require.Empty(t, examples, "not in README.md")
}

// load returns the bodies of the Examples with their outputs.
func load(t *testing.T) map[string]string {
	t.Helper()
	src, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ParseComments)
	require.NoError(t, err)
	examples := make(map[string]string)
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
