#!/usr/bin/env bash
# Flock 4.5.1 (npm @loro-dev/flock): an update that was lost once is never asked for again.
#
# One would guess: asking a peer for "everything after my version" repairs whatever was lost on the way, as it does
#   with Yjs, Automerge and Loro, which hold an update back until those before it are there.
# True: the version is the highest clock seen of each peer. A replica that got the second update without the first
#   has the same version as the writer, so exports from its version, and from its inclusive version, are empty; the
#   entry of the lost update stays missing, and only checkConsistency or a full export shows it.
# Source: the comments on version and inclusiveVersion in the package's type declarations speak of "completeness
#   checks"; the behaviour is seen by running it.
# Why users care: one dropped or reordered message on an at-most-once channel is silent, permanent loss, although
#   both sides say that they are in sync. Send full exports now and then.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @loro-dev/flock@4.5.1 >/dev/null

cat >run.mjs <<'EOT'
import { Flock } from '@loro-dev/flock'

const a = new Flock('a')
const b = new Flock('b')
a.put(['first'], 1, 1000)
const since = a.version()
a.put(['second'], 2, 2000)
b.importJson(a.exportJson(since)) // the message with "first" was lost

const state = () => `first ${b.get(['first'])}, second ${b.get(['second'])}`
console.log(`b got the second update: ${state()}`)
console.log(`versions equal: ${JSON.stringify(a.version()) === JSON.stringify(b.version())}`)
console.log(`inclusive versions equal: ${JSON.stringify(a.inclusiveVersion()) === JSON.stringify(b.inclusiveVersion())}`)
b.importJson(a.exportJson(b.version()))
b.importJson(a.exportJson(b.inclusiveVersion()))
console.log(`b asked for what is after its version: ${state()}, consistent: ${Flock.checkConsistency(a, b)}`)
b.importJson(a.exportJson())
console.log(`b got a full export: ${state()}, consistent: ${Flock.checkConsistency(a, b)}`)
EOT

cat >want <<'EOT'
b got the second update: first undefined, second 2
versions equal: true
inclusive versions equal: true
b asked for what is after its version: first undefined, second 2, consistent: false
b got a full export: first 1, second 2, consistent: true
EOT
node run.mjs | tee got
diff want got
