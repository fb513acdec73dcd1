#!/usr/bin/env bash
# OrbitDB 4.0.0 (npm @orbitdb/core), KeyValueIndexed: an edit of another key brings an old value or a deleted key back.
#
# One would guess: KeyValueIndexed is KeyValue with a faster get. One database answers get and all alike, and so do
#   replicas that hold the same log; a key with one writer has no conflicts.
# True: for each edit that arrives, the index walks the log from the newest entry down to that edit and takes, of each
#   key, the first entry that it has not marked, whatever it took before. Entries that were outdated when they came are
#   never marked. So an edit that was made offline, of any key, puts the value before the last in place of the last and
#   undoes deletes: get reads the old value; all, of the same object, the last. Of two offline edits of one key, each
#   side's get reads the other's.
# Source: the package's src/databases/keyvalue-indexed.js, and pull request orbitdb/orbitdb 1160, which has mended the
#   index once; the behaviour is seen by running it.
# Why users care: heads are equal, so nothing is left to exchange; what was deleted is back on some replicas, and
#   which ones hangs on who came online in which order. Use KeyValue, and keep an index of your own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
# OrbitDB imports it-drain without declaring it.
npm install --silent --no-audit --no-fund --ignore-scripts @orbitdb/core@4.0.0 it-drain@3.0.12 >/dev/null

cat >run.mjs <<'EOT'
import { Identities, KeyStore, KeyValue, KeyValueIndexed, MemoryStorage } from '@orbitdb/core'

const memory = () => MemoryStorage()
const identities = await Identities({ keystore: await KeyStore({ storage: await memory() }), storage: await memory() })
const access = { canAppend: async () => true }
const blocks = await memory() // shared, as IPFS is

// open makes a replica whose network is meet alone.
async function open(name, address, Database = KeyValueIndexed) {
  let hear
  const pubsub = { addEventListener: (kind, f) => { if (kind === 'message') hear = f }, subscribe() {}, publish() {} }
  const ipfs = { libp2p: { handle() {}, addEventListener() {}, services: { pubsub } } }
  const db = await Database()({
    ipfs, access, address, name: address, identity: await identities.createIdentity({ id: name }), directory: `./${name}`,
    entryStorage: blocks, headsStorage: await memory(), indexStorage: await memory(),
  })
  const receive = async (heads) => {
    for (const { hash } of heads) {
      const updated = new Promise((resolve) => db.events.once('update', resolve))
      hear({ detail: { topic: address, data: await blocks.get(hash) } })
      await updated
    }
  }
  return { name, db, receive }
}

// meet does what two replicas do when they connect: they send each other the heads of their logs.
async function meet(a, b) {
  const [of1, of2] = [await a.db.log.heads(), await b.db.log.heads()]
  await a.receive(of2)
  await b.receive(of1)
}

async function show(when, ...replicas) {
  console.log(`${when}:`)
  const heads = new Set()
  for (const { name, db } of replicas) {
    const all = Object.fromEntries((await db.all()).map((e) => [e.key, e.value]))
    const read = async (k) => `${k} by get ${await db.get(k)}, by all ${all[k]}`
    console.log(`  ${name}: ${await read('title')}; ${await read('draft')}`)
    heads.add((await db.log.heads()).map((e) => e.hash).sort().join())
  }
  console.log(`  equal heads: ${heads.size === 1}`)
}

{
  const [ann, ben, cid] = await Promise.all(['Ann', 'Ben', 'Cid'].map((name) => open(name, 'one writer')))
  const plain = await open('KeyValue', 'one writer', KeyValue)
  for (const v of ['first', 'second', 'third']) await ann.db.put('title', v)
  await ann.db.put('draft', 'text')
  await ann.db.del('draft')
  for (const r of [ben, plain]) await r.receive(await ann.db.log.heads())
  await show('Ann, the only writer of both keys, has told the others', ann, ben, plain)

  await cid.db.put('other', 'of Cid')
  for (const r of [ann, ben, plain]) await r.receive(await cid.db.log.heads())
  await show("Cid's edit of another key arrives", ann, ben, plain)

  await ann.db.put('other', 'of Ann')
  for (const r of [ben, plain]) await r.receive(await ann.db.log.heads())
  await show('a later edit of that key', ann, ben, plain)
}

{
  const [dot, eve] = await Promise.all(['Dot', 'Eve'].map((name) => open(name, 'two writers')))
  await dot.db.put('other', 'of Dot')
  await dot.db.put('title', 'of Dot')
  await eve.db.put('title', 'of Eve')
  await meet(dot, eve)
  await show('Dot and Eve have written title offline, and meet', dot, eve)
}
process.exit()
EOT

cat >want <<'EOT'
Ann, the only writer of both keys, has told the others:
  Ann: title by get third, by all third; draft by get undefined, by all undefined
  Ben: title by get third, by all third; draft by get undefined, by all undefined
  KeyValue: title by get third, by all third; draft by get undefined, by all undefined
  equal heads: true
Cid's edit of another key arrives:
  Ann: title by get third, by all third; draft by get undefined, by all undefined
  Ben: title by get second, by all third; draft by get text, by all undefined
  KeyValue: title by get third, by all third; draft by get undefined, by all undefined
  equal heads: true
a later edit of that key:
  Ann: title by get third, by all third; draft by get undefined, by all undefined
  Ben: title by get second, by all third; draft by get text, by all undefined
  KeyValue: title by get third, by all third; draft by get undefined, by all undefined
  equal heads: true
Dot and Eve have written title offline, and meet:
  Dot: title by get of Eve, by all of Dot; draft by get undefined, by all undefined
  Eve: title by get of Dot, by all of Dot; draft by get undefined, by all undefined
  equal heads: true
EOT
node run.mjs | tee got
diff want got
