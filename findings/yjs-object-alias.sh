#!/usr/bin/env bash
# Yjs 13.6.33 (npm yjs): an object that is changed after it was set differs between peers for ever, under equal state
# vectors and equal snapshots.
#
# One would guess: set copies the value, or later changes to the object stay local; and two documents with equal
#   state vectors, equal snapshots and nothing to send to each other hold the same values.
# True: the document keeps a reference. A peer that was online got the value as it was at the set; one that joins
#   later is sent the value as it is then. Both hold "the same" operation with different content, and no exchange of
#   states repairs it. The same goes for a Date: the writer reads a Date, every peer reads {}.
# Source: docs.yjs.dev/api/shared-types/y.map allows any value that can be written as JSON and does not say whether it is
#   copied; the behaviour is seen by running it.
# Why users care: reading an object out of the map, changing it and setting another key is an everyday slip, and
#   whoever is online during it sees other data than whoever joins later.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts yjs@13.6.33 >/dev/null

cat >run.mjs <<'EOT'
import * as Y from 'yjs'

const writer = new Y.Doc()
const online = new Y.Doc()
writer.on('update', (update) => Y.applyUpdate(online, update))
const order = { qty: 1, due: new Date(0) }
writer.getMap('m').set('order', order)
order.qty = 2

const late = new Y.Doc()
Y.applyUpdate(late, Y.encodeStateAsUpdate(writer))
Y.applyUpdate(online, Y.encodeStateAsUpdate(late, Y.encodeStateVector(online)))
Y.applyUpdate(late, Y.encodeStateAsUpdate(online, Y.encodeStateVector(late)))
Y.applyUpdate(online, Y.encodeStateAsUpdate(writer))

for (const [name, doc] of Object.entries({ writer, online, late })) {
  const read = doc.getMap('m').get('order')
  console.log(`${name}: qty ${read.qty}, due is a Date: ${read.due instanceof Date}`)
}
console.log('state vectors equal:', Y.encodeStateVector(online).join() === Y.encodeStateVector(late).join())
console.log('snapshots equal:', Y.equalSnapshots(Y.snapshot(online), Y.snapshot(late)))
EOT

cat >want <<'EOT'
writer: qty 2, due is a Date: true
online: qty 1, due is a Date: false
late: qty 2, due is a Date: false
state vectors equal: true
snapshots equal: true
EOT
node run.mjs | tee got
diff want got
