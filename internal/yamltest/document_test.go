// Package yamltest merges what a YAML package reads. It is a module of its own, so that the
// library needs no such package.
package yamltest

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

// fromYAML returns a text as package yaml reads it.
func fromYAML(t *testing.T, text string) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(text), &v))
	return v
}

// TestDocumentOfYAML converts what package yaml makes of every kind of node.
func TestDocumentOfYAML(t *testing.T) {
	v := fromYAML(t, `
list: [x, 1, 1.5, true, ~]
keys: {1: one, true: yes, -3: three, text: t}
day: 2026-01-02
time: 2026-01-02T10:00:00.123+02:00
big: 12345678901234567890
inf: -.inf
bytes: !!binary aGVsbG8=
anchor: &a {q: 1}
alias: *a
dates: {2026-01-02: first}
set: !!set {a, b}
`)
	doc, err := merge.Document(v)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"list": []any{"x", 1, 1.5, true, nil},
		"keys": map[string]any{"1": "one", "true": "yes", "-3": "three", "text": "t"},
		"day":  "2026-01-02T00:00:00Z", "time": "2026-01-02T10:00:00.123+02:00",
		"big": uint64(12345678901234567890), "inf": math.Inf(-1), "bytes": "hello",
		"anchor": map[string]any{"q": 1}, "alias": map[string]any{"q": 1},
		"dates": map[string]any{"2026-01-02T00:00:00Z": "first"},
		"set":   map[string]any{"a": nil, "b": nil},
	}, doc)
	p := merge.MustCompile(merge.Options[any]{})
	got, err := p.Merge(&doc, merge.Side[any]{Value: doc, Stamp: lww.Stamp{Time: 1, Replica: "a"}}, merge.Side[any]{Value: doc, Stamp: lww.Stamp{Time: 2, Replica: "b"}})
	require.NoError(t, err)
	require.Equal(t, doc, got)
}
