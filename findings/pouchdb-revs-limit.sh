#!/usr/bin/env bash
# PouchDB 9.0.0 (npm pouchdb-core): with a revs_limit, one writer without any concurrent edit gets a conflict, and a
# delete brings the oldest value back.
#
# One would guess: a conflict needs two writers, and a document that its only writer deletes is gone.
# True: after more edits between two replications than revs_limit keeps, the new revision no longer names the old one
#   as its ancestor, so the target keeps both as rivals and sends the old one back. Nothing shows until the document
#   is deleted: then both sides read the first value again.
# Source: docs.couchdb.org/en/stable/api/database/misc.html, _revs_limit, warns of spurious conflicts; that a single
#   writer's delete resurrects the oldest value is seen by running it.
# Why users care: deleted data comes back, with a value from before the last replication, on all replicas. Keep
#   revs_limit above the most edits that a device makes while it is offline, and look for _conflicts before a delete.
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
const writer = new PouchDB('writer', { adapter: 'memory', revs_limit: 3 })
const copy = new PouchDB('copy', { adapter: 'memory' })
const sync = async () => {
  await writer.replicate.to(copy)
  await copy.replicate.to(writer)
}
const show = async (when) => {
  const read = async (db) => {
    const doc = await db.get('d', { conflicts: true }).catch((e) => ({ v: e.reason }))
    return `v ${doc.v}, conflicts ${doc._conflicts?.length ?? 0}`
  }
  console.log(`${when}: writer ${await read(writer)}; copy ${await read(copy)}`)
}

await writer.put({ _id: 'd', v: 0 })
await sync()
for (let v = 1; v <= 5; v++) await writer.put({ ...(await writer.get('d')), v })
await show('five edits by the only writer')
await sync()
await show('replicated')
await writer.remove(await writer.get('d'))
await sync()
await show('deleted by the only writer')
EOT

cat >want <<'EOT'
five edits by the only writer: writer v 5, conflicts 0; copy v 0, conflicts 0
replicated: writer v 5, conflicts 1; copy v 5, conflicts 1
deleted by the only writer: writer v 0, conflicts 0; copy v 0, conflicts 0
EOT
node run.mjs | tee got
diff want got
