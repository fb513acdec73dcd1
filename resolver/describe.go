package resolver

import (
	"fmt"
	"strings"
)

// A Policy says in words what a rule does, and what its parts do.
type Policy struct {
	Name  string
	Text  string
	Parts []Policy
}

// Fingerprint returns a hash of the text of p, as log entries name policies.
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
