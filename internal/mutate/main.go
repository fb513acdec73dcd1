// Mutate measures how strong the tests of a package are: it changes the package in
// many small ways, one at a time, runs its tests, and lists the changes that no
// test noticed, the survivors.
//
//	go run ./internal/mutate -n 60 -seed 1 ./resolver
//
// All mutants of a package are compiled into one test binary, through -overlay, and
// the environment chooses one; so there is one build, and no file is changed.
//
// Mutants that change nothing which anybody sees are in equivalent.txt, each with the
// reason. They are not drawn and count for nothing. A survivor is printed by the name
// that it would have there, after its line.
package main

import (
	"cmp"
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
	last   string
	by     string
	listed bool
	known  string // what is equivalent, as in equivalent.txt
}

func main() {
	o := options{known: equivalent}
	flag.IntVar(&o.n, "n", 60, "mutants per package")
	flag.Uint64Var(&o.seed, "seed", 1, "which mutants: one seed draws the same of the same code")
	flag.StringVar(&o.at, "at", "", "only mutants of places that match, such as 'clock.go:14[0-9]$'")
	flag.IntVar(&o.checks, "checks", 40, "histories of each rapid test")
	flag.StringVar(&o.wall, "timeout", "10m", "of one run of the tests; processor time is bounded by that of the unchanged run too")
	flag.StringVar(&o.skip, "skip", "", "tests left out, as in go test -skip")
	flag.StringVar(&o.last, "last", "", "slow tests, as in go test -run, that only what survives the others meets")
	flag.StringVar(&o.by, "by", "", "packages whose tests judge, with commas, instead of the package's own")
	flag.BoolVar(&o.listed, "listed", false, "only the mutants that are listed as equivalent, of which none should be killed")
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
	var suites []*suite
	for judge := range strings.SplitSeq(cmp.Or(o.by, p.path), ",") {
		all, err := p.build(dir, o, judge, mutants)
		if err != nil {
			return err
		}
		suites = append(suites, all...)
		for _, b := range all {
			if len(b.skipped) == 0 {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s: without %s, which fail unmutated\n", judge, strings.Join(b.skipped, ", ")); err != nil {
				return err
			}
		}
	}
	killed := 0
	for _, m := range mutants {
		alive, err := survives(suites, m.id)
		if err != nil {
			return err
		}
		if !alive {
			killed++
		}
		if alive == o.listed {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", m.place, m.name(p.short)); err != nil {
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
