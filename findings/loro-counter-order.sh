#!/usr/bin/env bash
# Loro 1.17.1 (npm loro-crdt): the value of a counter depends on the order in which updates arrive.
#
# One would guess: two documents that hold the same operations read the same counter; that is what a CRDT promises.
# True: the counter is a float64 and the increments are added in the order of arrival. With the same updates, equal
#   versions and nothing left to exchange, one document reads 0 and the other 1; or 0.6000000000000001 and 0.6. A new
#   document that loads the snapshot of one inherits its value, so the difference spreads and nothing repairs it.
# Source: loro.dev/docs/tutorial/counter, which says that counters take floats; the behaviour is seen by running it.
# Why users care: balances and totals kept in a counter differ between devices for ever once a fraction, or a number
#   beyond 2^53, has been added. Count in integers of the smallest unit, and keep the sum below 2^53.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts loro-crdt@1.17.1 >/dev/null

cat >run.mjs <<'EOT'
import { LoroDoc } from 'loro-crdt'

function replicas(amounts, orders) {
  const updates = amounts.map((amount, i) => {
    const doc = new LoroDoc()
    doc.setPeerId(BigInt(i + 1))
    doc.getCounter('n').increment(amount)
    doc.commit()
    return doc.export({ mode: 'update' })
  })
  return orders.map((order) => {
    const doc = new LoroDoc()
    for (const i of order) doc.import(updates[i])
    return doc
  })
}

for (const [amounts, order] of [[[0.1, 0.2, 0.3], [2, 1, 0]], [[1e16, 1, -1e16], [2, 0, 1]]]) {
  const [x, y] = replicas(amounts, [[0, 1, 2], order])
  x.import(y.export({ mode: 'update' }))
  y.import(x.export({ mode: 'update' }))
  const fresh = new LoroDoc()
  fresh.import(y.export({ mode: 'snapshot' }))
  console.log(`${amounts}: x ${x.toJSON().n}, y ${y.toJSON().n}, from y's snapshot ${fresh.toJSON().n}, versions equal: ${x.version().compare(y.version()) === 0}`)
}
EOT

cat >want <<'EOT'
0.1,0.2,0.3: x 0.6000000000000001, y 0.6, from y's snapshot 0.6, versions equal: true
10000000000000000,1,-10000000000000000: x 0, y 1, from y's snapshot 1, versions equal: true
EOT
node run.mjs | tee got
diff want got
