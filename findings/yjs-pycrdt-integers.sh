#!/usr/bin/env bash
# Yjs 13.6.33 (npm yjs) and pycrdt 0.14.13 (PyPI): whether an integer from Python is a number or a BigInt in JavaScript
# depends on its low bits.
#
# One would guess: a map entry that Python fills with 64-bit ids has one type in JavaScript.
# True: an integer that a float64 holds exactly arrives as a number, any other as a BigInt. 2^53+2 is a number and
#   2^53+1 a BigInt; of ids near 2^60 one in 256 is a number. Small integers come back to Python as floats, 1 as 1.0,
#   even in the document that wrote them.
# Source: the encodings of "any" values in lib0 (npm) and yrs (crates.io), which pycrdt uses; the behaviour is seen by
#   running it.
# Why users care: JSON.stringify and arithmetic fail on a BigInt and comparing the two kinds with === is false, for some
#   rows only; as the type of a field changes with its value, no test with small numbers shows it. Send ids as strings.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts yjs@13.6.33 >/dev/null
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: pycrdt==0.14.13

cat >write.py <<'EOT'
import pycrdt

doc = pycrdt.Doc()
ids = doc.get("ids", type=pycrdt.Map)
for name, n in {"one": 1, "2^53+1": 2**53 + 1, "2^53+2": 2**53 + 2, "2^60": 2**60, "2^60+1": 2**60 + 1}.items():
    ids[name] = n
for i in range(2560):
    ids[f"id {i}"] = 2**60 + i
print(f"python reads its own 1 as {ids['one']!r} and 2^53+1 as {ids['2^53+1']!r}")
open("update", "wb").write(doc.get_update())
EOT
cat >read.mjs <<'EOT'
import { readFileSync } from 'node:fs'
import * as Y from 'yjs'

const doc = new Y.Doc()
Y.applyUpdate(doc, readFileSync('update'))
const ids = doc.getMap('ids')
for (const name of ['one', '2^53+1', '2^53+2', '2^60', '2^60+1']) console.log(`${name}: ${typeof ids.get(name)} ${ids.get(name)}`)
const counts = {}
for (const [name, v] of ids) if (name.startsWith('id ')) counts[typeof v] = (counts[typeof v] ?? 0) + 1
console.log(`2560 ids from 2^60 on: ${counts.number} numbers, ${counts.bigint} BigInts`)
EOT

cat >want <<'EOT'
python reads its own 1 as 1.0 and 2^53+1 as 9007199254740993
one: number 1
2^53+1: bigint 9007199254740993
2^53+2: number 9007199254740994
2^60: number 1152921504606847000
2^60+1: bigint 1152921504606846977
2560 ids from 2^60 on: 10 numbers, 2550 BigInts
EOT
{
	venv/bin/python write.py
	node read.mjs
} | tee got
diff want got
