#!/usr/bin/env bash
# Prints the rows of Yjs, Automerge, Loro, TinyBase and PouchDB in docs/systems.md: what A and B read after they have
# worked apart and exchanged all.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps yjs@13.6.33 @automerge/automerge@3.5.0 loro-crdt@1.17.1 \
	tinybase@10.0.1 pouchdb-core@9.0.0 pouchdb-adapter-memory@9.0.0 pouchdb-replication@9.0.0 >/dev/null
cat >run.mjs <<'EOT'
import * as Y from 'yjs'
import * as A from '@automerge/automerge'
import { LoroDoc } from 'loro-crdt'
import { createMergeableStore } from 'tinybase'
import PouchDB from 'pouchdb-core'
import memory from 'pouchdb-adapter-memory'
import replication from 'pouchdb-replication'

PouchDB.plugin(memory).plugin(replication)

const say = (system, question, a, b) => console.log(`${system} | ${question} | ${JSON.stringify(a) === JSON.stringify(b) ? JSON.stringify(a) ?? 'nothing' : `A ${JSON.stringify(a)}, B ${JSON.stringify(b)}`}`)

// Yjs
{
  const two = (idA, idB, start) => {
    const [a, b] = [idA, idB].map((id) => Object.assign(new Y.Doc(), { clientID: id }))
    start(a.getMap('m'))
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
    return [a, b]
  }
  const run = (idA, idB, start, onA, onB) => {
    const [a, b] = two(idA, idB, start)
    onA(a.getMap('m'))
    onB(b.getMap('m'))
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
    return [a.getMap('m').toJSON().k, b.getMap('m').toJSON().k]
  }
  const start = (m) => m.set('k', 'old')
  const twice = (m) => { m.set('k', 'A1'); m.set('k', 'A2') }
  const once = (m) => m.set('k', 'B')
  const write = (m) => m.set('k', 'A')
  say('yjs', 'A writes twice, B once, greater id A', ...run(2, 1, start, twice, once))
  say('yjs', 'A writes twice, B once, greater id B', ...run(1, 2, start, twice, once))
  say('yjs', 'A writes, B deletes, greater id A', ...run(2, 1, start, write, (m) => m.delete('k')))
  say('yjs', 'A writes, B deletes, greater id B', ...run(1, 2, start, write, (m) => m.delete('k')))
  say('yjs', 'A sets old again, B writes, greater id A', ...run(2, 1, start, start, once))
}
// Automerge
{
  const run = (idA, idB, start, onA, onB) => {
    let a = A.change(A.init({ actor: idA }), start)
    let b = A.clone(a, { actor: idB })
    for (const f of [onA].flat()) a = A.change(a, f)
    for (const f of [onB].flat()) b = A.change(b, f)
    a = A.merge(a, b)
    b = A.merge(b, a)
    return [a.k, b.k].map((v) => (v instanceof A.Counter ? v.value : v))
  }
  const start = (d) => { d.k = 'old' }
  const twice = [(d) => { d.k = 'A1' }, (d) => { d.k = 'A2' }]
  const once = (d) => { d.k = 'B' }
  say('automerge', 'A writes twice, B once, greater id A', ...run('bb', 'aa', start, twice, once))
  say('automerge', 'A writes twice, B once, greater id B', ...run('aa', 'bb', start, twice, once))
  say('automerge', 'A and B write once, greater id B', ...run('aa', 'bb', start, twice[0], once))
  say('automerge', 'A writes, B deletes, greater id A', ...run('bb', 'aa', start, twice[0], (d) => { delete d.k }))
  say('automerge', 'A writes, B deletes, greater id B', ...run('aa', 'bb', start, twice[0], (d) => { delete d.k }))
  const counter = (d) => { d.k = new A.Counter(10) }
  say('automerge', 'A adds 5 to a counter, B deletes it', ...run('bb', 'aa', counter, (d) => d.k.increment(5), (d) => { delete d.k }))
  say('automerge', 'A sets old again, B writes, greater id A', ...run('bb', 'aa', start, start, once))
}
// Loro
{
  const run = (idA, idB, start, onA, onB) => {
    const [a, b] = [new LoroDoc(), new LoroDoc()]
    a.setPeerId(idA)
    b.setPeerId(idB)
    start(a.getMap('m'), a)
    a.commit()
    b.import(a.export({ mode: 'update' }))
    for (const f of [onA].flat()) { f(a.getMap('m'), a); a.commit() }
    for (const f of [onB].flat()) { f(b.getMap('m'), b); b.commit() }
    a.import(b.export({ mode: 'update' }))
    b.import(a.export({ mode: 'update' }))
    return [a.toJSON().m?.k, b.toJSON().m?.k]
  }
  const start = (m) => m.set('k', 'old')
  const twice = [(m) => m.set('k', 'A1'), (m) => m.set('k', 'A2')]
  const once = (m) => m.set('k', 'B')
  const write = (m) => m.set('k', 'A')
  say('loro', 'A writes twice, B once, greater id A', ...run(2, 1, start, twice, once))
  say('loro', 'A writes twice, B once, greater id B', ...run(1, 2, start, twice, once))
  say('loro', 'A and B write once, greater id B', ...run(1, 2, start, twice[0], once))
  say('loro', 'A writes, B deletes, greater id A', ...run(2, 1, start, write, (m) => m.delete('k')))
  say('loro', 'A writes, B deletes, greater id B', ...run(1, 2, start, write, (m) => m.delete('k')))
  say('loro', 'A adds 5 to a mergeable counter of 10, B deletes it', ...run(2, 1, (m) => m.ensureMergeableCounter('k').increment(10), (m) => m.ensureMergeableCounter('k').increment(5), (m) => m.delete('k')))
  const again = (m) => m.ensureMergeableCounter('k').increment(1)
  say('loro', 'the same, and A had deleted and counted on by 1', ...run(2, 1, (m) => m.ensureMergeableCounter('k').increment(10), [(m) => m.delete('k'), again], (m) => m.ensureMergeableCounter('k').increment(5)))
  say('loro', 'A sets old again, B writes, greater id A', ...run(2, 1, start, start, once))
}
// TinyBase
{
  const minute = 60_000
  const run = (aheadA, start, onA, onB, later = 1000) => {
    let now = 1_900_000_000_000
    const a = createMergeableStore('a', () => now + aheadA)
    const b = createMergeableStore('b', () => now)
    start(a)
    b.applyMergeableChanges(a.getMergeableContent())
    now += 10 * minute
    onA(a)
    now += later
    onB(b)
    now += later
    a.applyMergeableChanges(b.getMergeableContent())
    b.applyMergeableChanges(a.getMergeableContent())
    return [a.getRow('t', 'r'), b.getRow('t', 'r')]
  }
  const start = (s) => s.setCell('t', 'r', 'k', 'old')
  const write = (v) => (s) => s.setCell('t', 'r', 'k', v)
  say('tinybase', 'A writes, B writes a second later', ...run(0, start, write('A'), write('B')))
  say('tinybase', 'A writes, B deletes the row a second later', ...run(0, start, write('A'), (s) => s.delRow('t', 'r')))
  say('tinybase', 'A deletes the row, B writes a second later', ...run(0, start, (s) => s.delRow('t', 'r'), write('B')))
  say('tinybase', 'A writes an unseen cell, B deletes the row a second later', ...run(0, start, (s) => s.setCell('t', 'r', 'x', 'A'), (s) => s.delRow('t', 'r')))
  say('tinybase', 'A and B write at one time', ...run(0, start, write('A'), write('B'), 0))
  say('tinybase', 'clock of A 4 minutes ahead, B writes a second later', ...run(4 * minute, () => {}, write('A'), write('B')))
  say('tinybase', 'clock of A 10 minutes ahead, B writes a second later', ...run(10 * minute, () => {}, write('A'), write('B')))
  say('tinybase', 'A writes, B sets old again a second later', ...run(0, start, write('A'), write('old')))
}
// PouchDB
{
  let made = 0
  const run = async (onA, onB) => {
    const [a, b] = [0, 0].map(() => new PouchDB(`db${made++}`, { adapter: 'memory' }))
    const sync = async () => { await a.replicate.to(b); await b.replicate.to(a) }
    await a.put({ _id: 'd', v: 'old' })
    await sync()
    for (const v of onA) await a.put({ ...(await a.get('d')), ...v })
    for (const v of onB) await b.put({ ...(await b.get('d')), ...v })
    await sync()
    const read = async (db) => db.get('d', { conflicts: true }).then((d) => `${d.v}, ${d._conflicts?.length ?? 0} conflicts`, (e) => e.reason)
    return [await read(a), await read(b)]
  }
  say('pouchdb', 'A writes twice, B once', ...(await run([{ v: 'A1' }, { v: 'A2' }], [{ v: 'B' }])))
  say('pouchdb', 'A and B write once', ...(await run([{ v: 'A' }], [{ v: 'B' }])))
  say('pouchdb', 'A writes, B deletes', ...(await run([{ v: 'A' }], [{ _deleted: true }])))
  say('pouchdb', 'A writes, B writes twice and deletes', ...(await run([{ v: 'A' }], [{ v: 'B1' }, { v: 'B2' }, { _deleted: true }])))
  say('pouchdb', 'A sets old again and again, B writes', ...(await run([{ v: 'old' }, { v: 'old' }], [{ v: 'B' }])))
}
EOT
node run.mjs
