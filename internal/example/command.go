package example

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// A Program replays a log and prints what comes of it.
type Program struct {
	Name   string
	Source string // of its main.go, whose comment explains the arguments and the log

	// Story is the built-in log, and StoryName the name of its file.
	Story, StoryName string

	// Run replays the log that it reads from r; name is that of its file. The error
	// is a *[LineError] if the log is wrong.
	Run func(name string, r io.Reader) (Report, error)
}

// A Report is what a log leads to. Its JSON form is what -json prints.
type Report interface {
	// Text returns the report for people, in lines of at most [Width] columns.
	Text() string
}

// Command runs p and returns its exit status: 0, or 1 if input or output fails,
// or 2 if the arguments or the log are wrong.
func (p Program) Command(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {}
	file := flags.String("f", "", "")
	asJSON := flags.Bool("json", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, p.usage())
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%s -h explains the arguments and the log\n", p.Name)
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "%s: unexpected argument %q: a log is named with -f\n", p.Name, flags.Arg(0))
		return 2
	}

	rep, err := p.load(*file, stdin)
	if err == nil && *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		err = e.Encode(rep)
	} else if err == nil {
		_, err = io.WriteString(stdout, rep.Text())
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
	if _, ok := errors.AsType[*LineError](err); ok {
		return 2
	}
	return 1
}

// load replays the log of that name: "" is the built-in one, and "-" is stdin.
func (p Program) load(name string, stdin io.Reader) (Report, error) {
	switch name {
	case "":
		return p.Run(p.StoryName, strings.NewReader(p.Story))
	case "-":
		return p.Run("standard input", stdin)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return p.Run(name, bytes.NewReader(data))
}

// usage returns the comment at the top of the source: there is one description.
func (p Program) usage() string {
	doc, _, _ := strings.Cut(p.Source, "package main")
	var b strings.Builder
	for line := range strings.Lines(doc) {
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
	}
	return b.String()
}
