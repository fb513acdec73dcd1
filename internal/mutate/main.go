// Mutate measures how strong the tests of a package are: it changes the package in
// many small ways, one at a time, runs its tests, and lists the changes that no
// test noticed, the survivors.
//
//	go run ./internal/mutate -n 60 -seed 1 ./resolver
//
// All mutants of a package are compiled into one test binary, through -overlay, and
// the environment chooses one; so there is one build, and no file is changed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// options are the flags of the command.
type options struct {
	n      int
	seed   uint64
	at     string
	checks int
	wall   string
	skip   string
	by     string
}

func main() {
	var o options
	flag.IntVar(&o.n, "n", 60, "mutants per package")
	flag.Uint64Var(&o.seed, "seed", 1, "which mutants: one seed draws the same of the same code")
	flag.StringVar(&o.at, "at", "", "only mutants of places that match, such as 'clock.go:14[0-9]$'")
	flag.IntVar(&o.checks, "checks", 40, "histories of each rapid test")
	flag.StringVar(&o.wall, "timeout", "10m", "of one run of the tests; processor time is bounded by that of the unchanged run too")
	flag.StringVar(&o.skip, "skip", "", "tests left out, as in go test -skip")
	flag.StringVar(&o.by, "by", "", "a package whose tests judge, instead of the package's own")
	flag.Parse()
	if err := run(os.Stdout, o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run mutates each of the packages and writes what survived.
func run(w io.Writer, o options, packages []string) error {
	if len(packages) == 0 {
		return errors.New("usage: mutate [flags] packages")
	}
	for _, name := range packages {
		if err := mutate(w, o, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func mutate(w io.Writer, o options, name string) (err error) {
	p, err := load(name)
	if err != nil {
		return err
	}
	mutants, possible, err := p.sample(o)
	if err != nil {
		return err
	}
	if mutants, err = p.compiling(mutants); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := p.build(dir, o, mutants)
	if err != nil {
		return err
	}
	if len(b.skipped) > 0 {
		if _, err := fmt.Fprintf(w, "%s: without %s, which fail unmutated\n", name, strings.Join(b.skipped, ", ")); err != nil {
			return err
		}
	}
	killed := 0
	for _, m := range mutants {
		alive, err := b.survives(m.id)
		switch {
		case err != nil:
			return err
		case !alive:
			killed++
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %s\n", m.place, m.kind, m.what); err != nil {
			return err
		}
	}
	percent := 100
	if len(mutants) > 0 {
		percent = 100 * killed / len(mutants)
	}
	_, err = fmt.Fprintf(w, "%s: %d of %d mutants killed, %d %%; %d possible\n", name, killed, len(mutants), percent, possible)
	return err
}
