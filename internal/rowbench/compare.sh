#!/usr/bin/env bash
# Measures the row path of an older build beside this one, in one run:
#
#	internal/rowbench/compare.sh [REVISION [BENCHTIME [BENCHMARKS [ROUNDS]]]]
#
# The two take turns, so that a machine that changes its pace changes both. The
# table has the best time of all rounds, three unless given, and the ratio of this build to the old.
set -euo pipefail
cd "$(dirname "$0")/../.."
rev=${1:-4346f19} time=${2:-100ms} bench=${3:-.} rounds=${4:-3}
tmp=$(mktemp -d)
trap 'git worktree remove --force "$tmp/old" 2>/dev/null; rm -rf "$tmp"' EXIT
git worktree add --quiet --detach "$tmp/old" "$rev"
mkdir -p "$tmp/old/internal/rowbench"
cp internal/rowbench/{doc.go,row_test.go} "$tmp/old/internal/rowbench/"
go test -c -o "$tmp/new.test" ./internal/rowbench
go test -C "$tmp/old" -c -o "$tmp/old.test" ./internal/rowbench
for ((i = 0; i < rounds; i++)); do
	for side in old new; do
		"$tmp/$side.test" -test.run '^$' -test.bench "$bench" -test.benchtime "$time" | sed "s/^/$side /" >>"$tmp/out"
	done
done
awk '$2 ~ /^BenchmarkRow/ {
	name = $2; sub(/^BenchmarkRow\//, "", name); sub(/-[0-9]+$/, "", name)
	for (i = 4; i < NF; i++) { if ($(i+1) == "ns/op") ns = $i; if ($(i+1) == "allocs/op") allocs = $i }
	if (!(name in seen)) { seen[name] = 1; order[++n] = name }
	if (!(($1, name) in best) || ns < best[$1, name]) best[$1, name] = ns
	count[$1, name] = allocs
}
END {
	printf "%-44s %12s %8s %12s %8s %7s\n", "row", "old ns", "allocs", "new ns", "allocs", "ratio"
	for (i = 1; i <= n; i++) {
		r = order[i]
		if (!(("old", r) in best) || !(("new", r) in best)) continue
		printf "%-44s %12.0f %8d %12.0f %8d %7.2f\n", r, best["old", r], count["old", r], best["new", r], count["new", r], best["new", r] / best["old", r]
	}
}' "$tmp/out"
