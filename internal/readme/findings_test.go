package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFindings holds each script of findings/ to what CONTRIBUTING says of it. The scripts themselves are not run: they
// install packages.
func TestFindings(t *testing.T) {
	pinned := regexp.MustCompile(`(npm install .*@\d|pip .* install .*==\d|cargo add .*@=\d|go get \S+@v\d|dependency:copy -Dartifact=\S+:\d|<version>\d\S*\.\d)`)
	machine := regexp.MustCompile(`/(home|root|work|Users)/|registry\.|https?://(localhost|127)`)
	want := regexp.MustCompile(`(?s)cat >want <<'EOT'\n(.+?)\nEOT\n`)

	entries, err := os.ReadDir("../../findings")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(entries), 10)
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			assert.Equal(t, ".sh", filepath.Ext(entry.Name()))
			info, err := entry.Info()
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o111), info.Mode()&0o111, "executable")
			b, err := os.ReadFile(filepath.Join("../../findings", entry.Name()))
			require.NoError(t, err)
			script := string(b)

			head, body, found := strings.Cut(script, "set -euo pipefail\n")
			require.True(t, found, "stops at the first error")
			assert.True(t, strings.HasPrefix(head, "#!/usr/bin/env bash\n# "))
			for _, part := range []string{"\n# One would guess: ", "\n# True: ", "\n# Source: ", "\n# Why users care: "} {
				assert.Equal(t, 1, strings.Count(head, part), "head says %q", part)
			}
			assert.Regexp(t, `\d+\.\d+`, head, "head names the version")
			assert.Contains(t, body, "mktemp -d")
			assert.Regexp(t, pinned, body, "installs a pinned package")
			assert.NotRegexp(t, machine, script)
			assert.NotContains(t, body, "rejoin", "runs without this module")
			assert.Regexp(t, want, body, "holds the output seen")
			assert.True(t, strings.HasSuffix(body, "| tee got\ndiff want got\n"), "fails if the output changes")
		})
	}
}
