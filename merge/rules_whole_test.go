package merge

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRulesAreWhole checks that every rule has an entry that says all there is
// to say, and its rows in the tables.
func TestRulesAreWhole(t *testing.T) {
	tables := make([]string, 2)
	for i, file := range []string{"testdata/rules.txt", "testdata/record_rules.txt"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tables[i] = "\n" + string(text)
	}
	require.Empty(t, ruleNone.def().name)
	names := map[string]ruleID{}
	for _, id := range allRules() {
		def := id.def()
		require.NotEmpty(t, def.name, "rule %d has no entry", id)
		require.NotContains(t, names, def.name)
		names[def.name] = id
		custom := id == rulePrefer || id == ruleJoinFunc || id == ruleFunc
		require.Equal(t, !custom, def.tag, "%s: a tag names it", def.name)
		require.Equal(t, def.tag, def.fits != nil, "%s: what types it is for", def.name)
		if def.tag {
			require.Equal(t, id, ruleByName(def.name))
		}
		for _, table := range tables {
			require.Regexp(t, `(?m)^`+def.name+`( |=|$)`, table, "%s has a row in each table", def.name)
		}

		// A plan takes one of the versions, combines them, or merges what is inside.
		takes := def.op == 0 || def.op == opLeaf || def.op == opFunc
		require.Equal(t, takes, def.choose != nil, "%s: how it chooses", def.name)
		require.False(t, takes && def.combines, "%s chooses and combines", def.name)
		require.False(t, def.adds && !def.combines, "%s adds and does not combine", def.name)
		require.False(t, def.order != nil && def.choose == nil, "%s compares and does not choose", def.name)
		if def.tag && !def.typed {
			require.True(t, def.choose != nil || def.document != nil || def.op == opZero, "%s: what it does to documents", def.name)
		}
		require.False(t, def.parts != nil && def.document == nil, "%s: what it does to parts of documents", def.name)

		// A record has a cell for it, or does not take it and says why.
		require.Equal(t, def.record.kind == nil, def.record.never != "", "%s: a cell, or why there is none", def.name)
		if def.record.refuses != nil && def.choose != nil && def.name != "nonzero" {
			require.NotEmpty(t, def.record.stays, "%s: why the present value stays", def.name)
		}
		require.False(t, strings.HasSuffix(def.record.stays+def.record.never, "."), "%s: a reason has no full stop", def.name)
		require.False(t, def.record.listed != nil && def.record.prefers == nil, "%s lists values and does not compare them", def.name)
	}
}
