package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A source is one package: its files, and what the type checker says of them.
type source struct {
	path, dir string
	short     string // path without that of the module
	files     []file
	fset      *token.FileSet
	info      *types.Info
	exports   map[string]string // import path → file with what it exports
}

type file struct {
	name string // absolute
	text []byte
	tree *ast.File
}

// A listed is what the go command says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	DepOnly                 bool
	Module                  struct{ Path string }
}

// load reads and checks the package that the go command knows by name.
func load(name string) (*source, error) {
	out, err := goCommand("list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly,Module", name, "os", "strconv")
	if err != nil {
		return nil, err
	}
	p := &source{fset: token.NewFileSet(), exports: make(map[string]string)}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		p.exports[l.ImportPath] = l.Export
		if l.DepOnly || l.ImportPath == "os" || l.ImportPath == "strconv" { // of which helpers needs two
			continue
		}
		if p.path != "" {
			return nil, fmt.Errorf("more than one package: %s, %s", p.path, l.ImportPath)
		}
		p.path, p.dir, p.short = l.ImportPath, l.Dir, strings.TrimPrefix(l.ImportPath, l.Module.Path+"/")
		for _, base := range l.GoFiles {
			if err := p.parse(filepath.Join(l.Dir, base)); err != nil {
				return nil, err
			}
		}
	}
	p.info = &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object)}
	trees := make([]*ast.File, len(p.files))
	for i := range p.files {
		trees[i] = p.files[i].tree
	}
	_, err = p.config().Check(p.path, p.fset, trees, p.info)
	return p, err
}

func (p *source) parse(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	tree, err := parser.ParseFile(p.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	p.files = append(p.files, file{name, text, tree})
	return err
}

// config returns what checks the package, which imports what the go command built.
func (p *source) config() *types.Config {
	open := func(path string) (io.ReadCloser, error) { return os.Open(p.exports[path]) }
	return &types.Config{Importer: importer.ForCompiler(p.fset, "gc", open)}
}

// goCommand runs the go command and returns what it prints, or an error with what
// it complains of.
func goCommand(args ...string) ([]byte, error) {
	out, err := exec.Command("go", args...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("go %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return out, err
}
