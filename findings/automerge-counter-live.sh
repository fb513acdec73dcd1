#!/usr/bin/env bash
# Automerge 3.5.0 (npm @automerge/automerge): after an increment of a counter that two peers had created, the live
# document reads one value and the same document saved and loaded another.
#
# One would guess: a document reads the same before and after save and load; and two counters made by two peers under one
#   key end as one counter, or as one of the two.
# True: one counter is shown, both are kept, and an increment counts on both. The peer that increments reads the other
#   one's value from then on, 11; its saved and reloaded document, and its peer, read 21. Both have equal heads.
# Source: automerge.org/docs/reference/documents/conflicts and /counters; the behaviour is seen by running it.
# Why users care: "create the counter if it is missing" on first start is how applications are written, and then what
#   one user sees depends on whether the page was reloaded. Create counters once, in a shared initial document.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @automerge/automerge@3.5.0 >/dev/null

cat >run.mjs <<'EOT'
import * as A from '@automerge/automerge'

const start = A.from({}, { actor: '00' })
let a = A.change(A.clone(start, { actor: 'aa' }), (d) => { d.n = new A.Counter(10) })
let b = A.change(A.clone(start, { actor: 'bb' }), (d) => { d.n = new A.Counter(20) })
a = A.merge(a, b)
b = A.merge(b, a)
console.log(`created as 10 and 20, merged: a ${a.n.value}, b ${b.n.value}`)
a = A.change(a, (d) => d.n.increment(1))
b = A.merge(b, a)
const reloaded = A.load(A.save(a))
console.log(`a increments by 1: a live ${a.n.value}, a reloaded ${reloaded.n.value}, b ${b.n.value}`)
console.log(`heads equal: ${A.getHeads(a).join() === A.getHeads(b).join() && A.getHeads(a).join() === A.getHeads(reloaded).join()}`)
console.log(`both values: ${Object.values(A.getConflicts(b, 'n')).map((c) => c.value)}`)
EOT

cat >want <<'EOT'
created as 10 and 20, merged: a 20, b 20
a increments by 1: a live 11, a reloaded 21, b 21
heads equal: true
both values: 11,21
EOT
node run.mjs | tee got
diff want got
