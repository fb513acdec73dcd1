package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// helpers is the file that is added to a package: what the wraps call.
const helpers = `package %s

import (
	"os"
	"strconv"
)

var mutantNow, _ = strconv.Atoi(os.Getenv("MUTANT"))

func mutantBit(n int) int {
	if n == mutantNow {
		return 1
	}
	return 0
}

func mutantPick[T any](n int, a, b T) T {
	if n == mutantNow {
		return b
	}
	return a
}

func mutantCut[S ~[]E, E any](n int, s S) S {
	if n == mutantNow && len(s) > 0 {
		return s[:len(s)-1]
	}
	return s
}

func mutantSwallow(n int, err error) error {
	if n == mutantNow {
		return nil
	}
	return err
}
`

// rewritten returns the files of the package with all mutants in them.
func (p *source) rewritten(mutants []mutant) map[string][]byte {
	byFile := make(map[string][]wrap)
	for _, m := range mutants {
		for _, w := range m.wraps {
			id := strconv.Itoa(m.id)
			w.before, w.after = strings.ReplaceAll(w.before, "ID", id), strings.ReplaceAll(w.after, "ID", id)
			byFile[w.file] = append(byFile[w.file], w)
		}
	}
	out := map[string][]byte{
		filepath.Join(p.dir, "mutate_helpers.go"): fmt.Appendf(nil, helpers, p.files[0].tree.Name.Name),
	}
	for _, f := range p.files {
		if wraps := byFile[f.name]; len(wraps) > 0 {
			out[f.name] = applied(f.text, wraps)
		}
	}
	return out
}

// applied returns text with the wraps around its stretches, which nest.
func applied(text []byte, wraps []wrap) []byte {
	slices.SortStableFunc(wraps, func(a, b wrap) int { // outer ones first
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	var out []byte
	var open []wrap
	at := 0
	closeUpTo := func(end int) {
		for len(open) > 0 && open[len(open)-1].end <= end {
			w := open[len(open)-1]
			open = open[:len(open)-1]
			out = append(append(out, text[at:w.end]...), w.after...)
			at = w.end
		}
	}
	for _, w := range wraps {
		closeUpTo(w.start)
		out = append(append(out, text[at:w.start]...), w.before...)
		at = w.start
		open = append(open, w)
	}
	closeUpTo(len(text))
	return append(out, text[at:]...)
}

// compiling returns the mutants without those that the language forbids, such as
// an end of a function without a return.
func (p *source) compiling(mutants []mutant) ([]mutant, error) {
	for {
		bad, err := p.faulty(mutants)
		if err != nil || len(bad) == 0 {
			return mutants, err
		}
		mutants = slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return bad[m.id] })
	}
}

// faulty returns the mutants that stand where the type checker complains: on the
// line, or else in the function.
func (p *source) faulty(mutants []mutant) (map[int]bool, error) {
	texts := p.rewritten(mutants)
	var trees []*ast.File
	for _, name := range append(p.names(), filepath.Join(p.dir, "mutate_helpers.go")) {
		var text any
		if t, ok := texts[name]; ok {
			text = t
		}
		tree, err := parser.ParseFile(p.fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	bad := make(map[int]bool)
	var unknown error
	config := p.config()
	config.Error = func(err error) {
		var e types.Error
		if !errors.As(err, &e) || !p.blame(bad, mutants, trees, e) {
			unknown = errors.Join(unknown, err)
		}
	}
	_, err := config.Check(p.path, p.fset, trees, nil)
	if err != nil && len(bad) == 0 {
		return nil, cmp.Or(unknown, err)
	}
	return bad, nil
}

const allKinds = "if pin bound equal and or not sum number extreme swap error answer last branch drop early"

func (p *source) names() []string {
	var names []string
	for _, f := range p.files {
		names = append(names, f.name)
	}
	return names
}

// blame marks the mutants that an error may come from, and reports whether there
// are any.
func (p *source) blame(bad map[int]bool, mutants []mutant, trees []*ast.File, e types.Error) bool {
	at := p.fset.Position(e.Pos)
	first, last := at.Line, at.Line
	mark := func(kinds string) (found bool) {
		for _, m := range mutants {
			base, line, _ := strings.Cut(m.place, ":")
			n, _ := strconv.Atoi(line)
			if base == filepath.Base(at.Filename) && first <= n && n <= last && strings.Contains(kinds, m.kind) {
				bad[m.id], found = true, true
			}
		}
		return found
	}
	if mark(allKinds) {
		return true
	}
	for _, t := range trees {
		for _, d := range t.Decls {
			if d.Pos() <= e.Pos && e.Pos <= d.End() {
				first, last = p.fset.Position(d.Pos()).Line, p.fset.Position(d.End()).Line
			}
		}
	}
	return mark("drop branch") || mark(allKinds) // a return is missing, mostly
}

// A suite is a test binary that holds all mutants.
type suite struct {
	path, dir string
	args      []string
	env       []string
	limit     int // seconds of processor time of one run
	wall      time.Duration
	skip      string   // tests that it leaves out
	skipped   []string // what fails without a mutant
}

// build compiles the tests of a package with all mutants, and runs them once with none. If
// some are to be asked last, they are a suite of their own, the second.
func (p *source) build(dir string, o options, judge string, mutants []mutant) ([]*suite, error) {
	wall, err := time.ParseDuration(o.wall)
	if err != nil {
		return nil, err
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for name, text := range p.rewritten(mutants) {
		copied := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(copied, text, 0o600); err != nil {
			return nil, err
		}
		overlay.Replace[name] = copied
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, list, 0o600); err != nil {
		return nil, err
	}
	where, err := goCommand("list", "-f", "{{.Dir}}", judge)
	if err != nil {
		return nil, err
	}
	needs, err := goCommand("list", "-deps", "-test", judge)
	if err != nil {
		return nil, err
	}
	b := &suite{path: filepath.Join(dir, "tests-"+strings.ReplaceAll(judge, "/", "-")), dir: strings.TrimSpace(string(where)), wall: wall}
	if _, err := goCommand("test", "-c", "-overlay", overlayFile, "-o", b.path, judge); err != nil {
		return nil, err
	}
	b.args = []string{"-test.timeout=" + o.wall}
	if bytes.Contains(needs, []byte("pgregory.net/rapid\n")) {
		b.args = append(b.args, "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	}
	b.env = append(os.Environ(), "RAPID_CHECKS="+strconv.Itoa(o.checks))
	all := []*suite{b.only("", strings.Trim(o.skip+"|"+o.last, "|"))}
	if o.last != "" {
		all = append(all, b.only(o.last, o.skip))
	}
	for _, b := range all {
		if err := b.unchanged(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// only returns the suite of those tests of b that match run and not skip.
func (b *suite) only(run, skip string) *suite {
	c := *b
	c.skip = skip
	c.args = append(slices.Clone(b.args), "-test.run="+run, "-test.skip="+skip)
	return &c
}

// unchanged runs the tests without a mutant and takes from it how much processor
// time one run may need. Tests that count allocations may fail even so, as functions
// with mutants in them are not inlined: they are left out.
func (b *suite) unchanged() error {
	run := func() ([]byte, *exec.Cmd, error) {
		cmd := exec.Command(b.path, b.args...)
		cmd.Dir, cmd.Env = b.dir, append(b.env, "MUTANT=0")
		out, err := cmd.CombinedOutput()
		return out, cmd, err
	}
	out, cmd, err := run()
	if err != nil {
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
				b.skipped = append(b.skipped, strings.Fields(name)[0])
			}
		}
		b.args = append(b.args, "-test.skip="+strings.Trim(b.skip+"|^("+strings.Join(b.skipped, "|")+")$", "|"))
		if out, cmd, err = run(); err != nil {
			return fmt.Errorf("the tests fail without a mutant: %w\n%s", err, out)
		}
	}
	const slower = 4
	b.limit = slower*int((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())/time.Second) + slower
	return nil
}

// survives reports whether the tests of all suites pass with a mutant.
func survives(suites []*suite, id int) (bool, error) {
	for _, b := range suites {
		if alive, err := b.survives(id); !alive || err != nil {
			return false, err
		}
	}
	return true, nil
}

// survives reports whether all tests pass with a mutant. One that makes them run
// for ever does not.
func (b *suite) survives(id int) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.wall+time.Minute)
	defer cancel()
	shell := fmt.Sprintf(`ulimit -t %d; exec "$0" "$@"`, b.limit)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", shell, b.path, "-test.failfast"}, b.args...)...)
	cmd.Dir, cmd.Env = b.dir, append(b.env, "MUTANT="+strconv.Itoa(id))
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); ok || ctx.Err() != nil {
		return false, nil
	}
	return err == nil, err
}
