package resolver

import (
	"context"
	"fmt"
	"strings"
)

// A Policy says in words what a rule does, and what its parts do.
type Policy struct {
	Name  string
	Text  string
	Parts []Policy
}

// Describe returns the policy that r enforces, made from the rule itself. Rules
// of this package say what they do; an application's own go by the names of
// their functions, unless [Named] gives them a better one.
//
// A rule of this package that is instantiated inside of generic code goes by the
// name of that code. Names are for people: no decision depends on one.
func (r *Reconciler[T]) Describe() Policy {
	if r.Rule == nil {
		return describe(Func[T](Manual[T]))
	}
	if f, ok := r.Rule.(Func[T]); ok {
		return describe(f)
	}
	return Policy{Name: fmt.Sprintf("%T", r.Rule), Text: "a rule of the application"}
}

// describe returns the policy of a rule. A function has no room for a
// description, so those of this package answer a conflict that has a probe.
func describe[T any](rule Func[T]) Policy {
	if rule == nil {
		return Policy{Name: "nil", Text: "fails, so that a person decides"}
	}
	if s := sourceOf(rule); !s.own {
		return Policy{Name: s.name, Text: "a rule of the application"}
	}
	var p Policy
	_, _ = rule(context.Background(), &Conflict[T]{probe: &p}) // a probe has no decision
	return p
}

// Fingerprint returns a hash of the text of p. Records carry it, so that
// decisions under another policy are told apart.
func (p Policy) Fingerprint() string { return hashID([]byte(p.String())).String() }

// String returns the policy as indented text, one line for each part.
func (p Policy) String() string {
	var b strings.Builder
	p.write(&b, "", "%s%s: %s\n", "  ")
	return b.String()
}

// Markdown returns the policy as a nested list, for a document.
func (p Policy) Markdown() string {
	var b strings.Builder
	p.write(&b, "", "%s- **%s**: %s\n", "  ")
	return b.String()
}

func (p Policy) write(b *strings.Builder, indent, format, step string) {
	fmt.Fprintf(b, format, indent, p.Name, p.Text)
	for _, part := range p.Parts {
		part.write(b, indent+step, format, step)
	}
}
