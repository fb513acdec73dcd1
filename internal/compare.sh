#!/usr/bin/env bash
# Measures an older build beside this one, in one run, by the benchmarks that
# both have:
#
#	internal/compare.sh [-r REVISION] [-b BENCHMARKS] [-t BENCHTIME] [-n ROUNDS] [PACKAGE...]
#
# The package is that of the path of a row unless named; an older build that has
# none gets a copy. The two take turns, so that a machine that changes its pace
# changes both. A row has the median of all rounds, three unless given, the ratio
# of this build to the old, and the same ratio of the best times.
set -euo pipefail
cd "$(dirname "$0")/.."
rev=4346f19 bench=. time=100ms rounds=3
while getopts r:b:t:n: flag; do
	case $flag in
	r) rev=$OPTARG ;;
	b) bench=$OPTARG ;;
	t) time=$OPTARG ;;
	n) rounds=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
tmp=$(mktemp -d)
trap 'git worktree remove --force "$tmp/old" 2>/dev/null; rm -rf "$tmp"' EXIT
git worktree add --quiet --detach "$tmp/old" "$rev"
mkdir -p "$tmp/old/internal/rowbench"
cp internal/rowbench/{doc.go,row_test.go} "$tmp/old/internal/rowbench/"
packages=("${@:-internal/rowbench}")
for package in "${packages[@]}"; do
	build=$tmp/${package//\//-}
	go test -c -o "$build.new" "./$package"
	go test -C "$tmp/old" -c -o "$build.old" "./$package"
done
for ((i = 0; i < rounds; i++)); do
	for package in "${packages[@]}"; do
		for side in old new; do
			"$tmp/${package//\//-}.$side" -test.run '^$' -test.bench "$bench" -test.benchtime "$time" |
				sed "s|^|$side ${package##*/} |" >>"$tmp/out"
		done
	done
done
awk '$3 ~ /^Benchmark/ {
	name = $3; sub(/^Benchmark/, "", name); sub(/-[0-9]+$/, "", name); name = $2 "." name
	for (i = 5; i < NF; i++) { if ($(i+1) == "ns/op") ns = $i; if ($(i+1) == "allocs/op") count[$1, name] = $i }
	if (!(name in seen)) { seen[name] = 1; order[++n] = name }
	at = ++rounds[$1, name]
	for (; at > 1 && took[$1, name, at-1] > ns; at--) took[$1, name, at] = took[$1, name, at-1]
	took[$1, name, at] = ns
}
function median(side, name) { return took[side, name, int((rounds[side, name] + 1) / 2)] }
END {
	printf "%-58s %13s %7s %13s %7s %6s %6s\n", "row", "old ns", "allocs", "new ns", "allocs", "ratio", "best"
	for (i = 1; i <= n; i++) {
		r = order[i]
		if (!(("old", r) in rounds) || !(("new", r) in rounds)) continue
		o = median("old", r); w = median("new", r)
		both++
		printf "%-58s %13.1f %7d %13.1f %7d %6.2f %6.2f\n", r, o, count["old", r], w, count["new", r], w / o, took["new", r, 1] / took["old", r, 1]
	}
	if (!both) { print "no benchmark that both builds have" >"/dev/stderr"; exit 1 }
}' "$tmp/out"
