// Command table measures this library, next to what users would pick instead, and
// writes the tables of BENCHMARKS.md:
//
//	go run -C internal/peerbench ./table
//
// Each row comes from one run, so that its ratios hold on any machine. With -print it
// writes to the terminal, with -time each benchmark runs for longer or shorter.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	file       = "BENCHMARKS.md"
	begin, end = "<!-- measured -->\n", "<!-- end -->\n"
)

func main() {
	log.SetFlags(0)
	only := flag.Bool("print", false, "print the tables and leave "+file+" alone")
	time := flag.String("time", "200ms", "how long each benchmark runs")
	flag.Parse()

	m := measured{}
	for _, dir := range dirs() {
		log.Println("measuring", dir)
		if err := m.run(dir, *time); err != nil {
			log.Fatal(err)
		}
	}
	tables := m.tables()
	if *only {
		fmt.Print(tables)
		return
	}
	if err := replace(filepath.Join(root, file), tables); err != nil {
		log.Fatal(err)
	}
}

// root is the module that is measured, seen from this one.
const root = "../.."

// A figure is what a benchmark, a name in package dir, says in a unit.
type figure struct {
	bench string // "dir: Name/of=case"
	unit  string
}

func (f figure) split() (dir, name string) {
	dir, name, _ = strings.Cut(f.bench, ": ")
	return dir, name
}

// dirs returns the folders of all benchmarks of the tables.
func dirs() []string {
	var all []string
	for _, f := range figures() {
		dir, _ := f.split()
		all = append(all, dir)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// figures returns all figures of the tables.
func figures() []figure {
	var all []figure
	for _, r := range peers {
		all = append(all, r.ours)
		for _, p := range r.theirs {
			all = append(all, p.figure)
		}
	}
	for _, g := range growth {
		for _, size := range g.sizes {
			all = append(all, g.at(size))
		}
	}
	return all
}

// measured has the results by folder, benchmark and unit.
type measured map[string]float64

func key(dir, name, unit string) string { return dir + ": " + name + " " + unit }

var result = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// run measures the benchmarks of one folder that are in the tables.
func (m measured) run(dir, time string) error {
	groups := map[string]bool{}
	for _, f := range figures() {
		if d, name := f.split(); d == dir {
			first, _, _ := strings.Cut(name, "/")
			groups[first] = true
		}
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	cmd := exec.Command("go", "test", "-run", "^$", "-benchmem", "-benchtime", time, "-bench", "^Benchmark("+strings.Join(names, "|")+")$", "./"+filepath.Base(dir)) //nolint:gosec // names of this program
	cmd.Dir = filepath.Join(root, filepath.Dir(dir))
	if dir == "peerbench" {
		cmd.Args[len(cmd.Args)-1], cmd.Dir = ".", "."
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", dir, err, out)
	}
	for line := range strings.Lines(string(out)) {
		found := result.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		words := strings.Fields(found[2])
		for i := 0; i+1 < len(words); i += 2 {
			n, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
			m[key(dir, found[1], words[i+1])] = n
		}
	}
	return nil
}

// of returns a figure with its unit, and ends the program if no benchmark has it: a
// name in the tables is wrong.
func (m measured) of(f figure) string {
	dir, name := f.split()
	n, ok := m[key(dir, name, f.unit)]
	if !ok {
		log.Fatalf("no benchmark %s with %s", f.bench, f.unit)
	}
	text := show(n, f.unit)
	if allocs, ok := m[key(dir, name, "allocs/op")]; ok && f.unit == "ns/op" && allocs == 0 {
		text += ", 0 allocs"
	}
	return text
}

// show rounds to two digits, or what stands before the point.
func show(n float64, unit string) string {
	if unit == "bytes/op" {
		return fmt.Sprintf("%.0f bytes", n)
	}
	for _, scale := range []struct {
		from float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if n >= scale.from {
			return number(n/scale.from) + " " + scale.name
		}
	}
	return number(n) + " ns"
}

func number(n float64) string {
	switch {
	case n >= 10:
		return fmt.Sprintf("%.0f", n)
	case n >= 1:
		return fmt.Sprintf("%.1f", n)
	}
	return fmt.Sprintf("%.2g", n)
}

// tables returns both tables.
func (m measured) tables() string {
	var b strings.Builder
	b.WriteString("| operation | rejoin | next to it, in the same run |\n|---|---|---|\n")
	for _, r := range peers {
		var others []string
		for _, p := range r.theirs {
			others = append(others, p.name+" "+m.of(p.figure))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, m.of(r.ours), cmp.Or(strings.Join(others, "; "), "–"))
	}
	for i, g := range growth {
		if i == 0 || !slices.Equal(g.sizes, growth[i-1].sizes) {
			fmt.Fprintf(&b, "\n| %s | %s |\n|---|%s\n", g.what, strings.Join(g.sizes, " | "), strings.Repeat("---|", len(g.sizes)))
		}
		cells := make([]string, len(g.sizes))
		for k, size := range g.sizes {
			cells[k] = m.of(g.at(size))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", g.name, strings.Join(cells, " | "))
	}
	return b.String()
}

// replace puts the tables between the marks of a file.
func replace(name, tables string) error {
	text, err := os.ReadFile(name) //nolint:gosec // a file of this module
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no lines %q and %q", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	if err := os.WriteFile(name, []byte(head+begin+"\n"+tables+"\n"+end+tail), 0o644); err != nil { //nolint:gosec // a file of this module
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
