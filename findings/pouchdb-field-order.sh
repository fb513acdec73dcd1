#!/usr/bin/env bash
# PouchDB 9.0.0 (npm pouchdb-core): the same edit on two replicas is a conflict if the fields stand in another order.
#
# One would guess: the revision is a hash of the document, so two replicas that make the same edit get the same
#   revision and no conflict; that is the reason why revisions are hashes. The order of fields in JSON means nothing.
# True: the order counts, even that of _id and _rev. {x, y} and {y, x} get two revisions, and the document is in
#   conflict with itself from then on.
# Source: docs.couchdb.org, replication/conflicts, and pouchdb.com/guides/conflicts, on deterministic revisions; the
#   behaviour is seen by running it.
# Why users care: two versions of an application, or a migration that runs on every device, fill the database with
#   conflicts that hold no difference, and each stays until somebody deletes the loser. Sort the fields before put.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts pouchdb-core@9.0.0 pouchdb-adapter-memory@9.0.0 pouchdb-replication@9.0.0 >/dev/null

cat >run.mjs <<'EOT'
import PouchDB from 'pouchdb-core'
import memory from 'pouchdb-adapter-memory'
import replication from 'pouchdb-replication'

PouchDB.plugin(memory).plugin(replication)
let made = 0

async function edited(first, second) {
  const [a, b] = [0, 0].map(() => new PouchDB(`db${made++}`, { adapter: 'memory' }))
  const sync = async () => {
    await a.replicate.to(b)
    await b.replicate.to(a)
  }
  const { rev } = await a.put({ _id: 'd', v: 0 })
  await sync()
  await a.put(first(rev))
  await b.put(second(rev))
  await sync()
  const doc = await a.get('d', { conflicts: true })
  return doc._conflicts?.length ?? 0
}

const xy = (rev) => ({ _id: 'd', _rev: rev, x: 1, y: 2 })
console.log('same edit, same order: conflicts', await edited(xy, xy))
console.log('same edit, y before x: conflicts', await edited(xy, (rev) => ({ _id: 'd', _rev: rev, y: 2, x: 1 })))
console.log('same edit, _rev before _id: conflicts', await edited(xy, (rev) => ({ _rev: rev, _id: 'd', x: 1, y: 2 })))
EOT

cat >want <<'EOT'
same edit, same order: conflicts 0
same edit, y before x: conflicts 1
same edit, _rev before _id: conflicts 1
EOT
node run.mjs | tee got
diff want got
