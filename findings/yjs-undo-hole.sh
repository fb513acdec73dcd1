#!/usr/bin/env bash
# Yjs 13.6.33 (npm yjs), UndoManager: undoing a delete brings an object back without the fields that a peer edited
# meanwhile, with neither the old value nor the new one.
#
# One would guess: Ann deletes a card, Ben changes its title meanwhile, Ann undoes: the card is back with the old title, or
#   with Ben's.
# True: if Ben's edit is sent before he hears of the delete, the card has no title on either side; if after, it has the old
#   one. The undo makes a new card and copies what Ann's delete took, but of a title that Ben has replaced nothing
#   is copied, and Ben's is no part of Ann's delete. Ben setting the title that it had makes the same hole. And
#   the card that Ben's program still holds is the dead one: a field set there raises no error and is read by nobody,
#   himself included.
# Source: issue yjs/yjs 472 (open) has a case of a value that is then undefined; that it hangs on the order of messages is
#   seen by running it. Loro 1.17.1 brings the old title back.
# Why users care: the more an object is worked on, the emptier it comes back: required fields are missing on all
#   replicas, which code that checks them at creation does not expect. Set ignoreRemoteMapChanges, off by default, which
#   brings the old title back, or mark objects as deleted instead of deleting them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts yjs@13.6.33 loro-crdt@1.17.1 >/dev/null

cat >run.mjs <<'EOT'
import { LoroDoc, LoroMap, UndoManager } from 'loro-crdt'
import * as Y from 'yjs'

function play(what, edit, { crossing = true, ...options } = {}) {
  const [ann, ben] = [1, 2].map((id) => Object.assign(new Y.Doc(), { clientID: id }))
  const exchange = () => {
    const early = Y.encodeStateAsUpdate(ben)
    Y.applyUpdate(ben, Y.encodeStateAsUpdate(ann), 'remote')
    Y.applyUpdate(ann, crossing ? early : Y.encodeStateAsUpdate(ben), 'remote')
    if (crossing) Y.applyUpdate(ann, Y.encodeStateAsUpdate(ben), 'remote')
  }
  ann.getArray('cards').push([new Y.Map([['title', 'milk'], ['amount', 1]])])
  exchange()
  const held = ben.getArray('cards').get(0)
  const undo = new Y.UndoManager(ann.getArray('cards'), options)
  ann.getArray('cards').delete(0)
  edit(held)
  exchange()
  undo.undo()
  exchange()
  console.log(`${what}: ann ${JSON.stringify(ann.toJSON().cards)}, ben ${JSON.stringify(ben.toJSON().cards)}`)
  return [held, exchange, ann]
}
play('undo alone', () => {})
play('beside title = oat milk', (card) => card.set('title', 'oat milk'))
play('the same, ben hears of the delete before he sends', (card) => card.set('title', 'oat milk'), { crossing: false })
play('the same, ignoreRemoteMapChanges', (card) => card.set('title', 'oat milk'), { ignoreRemoteMapChanges: true })
play('beside title = milk, as it was', (card) => card.set('title', 'milk'))
const [held, exchange, ann] = play('beside both fields', (card) => card.set('title', 'oat milk') && card.set('amount', 2))
held.set('title', 'tea')
exchange()
console.log(`ben then sets tea: he reads ${held.get('title')}, ann ${JSON.stringify(ann.toJSON().cards)}`)

const [x, y] = [1n, 2n].map((id) => {
  const doc = new LoroDoc()
  doc.setPeerId(id)
  return doc
})
const exchangeLoro = () => [[x, y], [y, x]].forEach(([from, to]) => to.import(from.export({ mode: 'update' })))
const card = x.getList('cards').insertContainer(0, new LoroMap())
card.set('title', 'milk')
card.set('amount', 1)
x.commit()
exchangeLoro()
const undo = new UndoManager(x, {})
x.getList('cards').delete(0, 1)
x.commit()
y.getList('cards').get(0).set('title', 'oat milk')
y.commit()
exchangeLoro()
undo.undo()
exchangeLoro()
console.log(`loro, beside title = oat milk: ann ${JSON.stringify(x.toJSON().cards)}, ben ${JSON.stringify(y.toJSON().cards)}`)
EOT

cat >want <<'EOT'
undo alone: ann [{"title":"milk","amount":1}], ben [{"title":"milk","amount":1}]
beside title = oat milk: ann [{"amount":1}], ben [{"amount":1}]
the same, ben hears of the delete before he sends: ann [{"title":"milk","amount":1}], ben [{"title":"milk","amount":1}]
the same, ignoreRemoteMapChanges: ann [{"title":"milk","amount":1}], ben [{"title":"milk","amount":1}]
beside title = milk, as it was: ann [{"amount":1}], ben [{"amount":1}]
beside both fields: ann [{}], ben [{}]
ben then sets tea: he reads undefined, ann [{}]
loro, beside title = oat milk: ann [{"title":"milk","amount":1}], ben [{"title":"milk","amount":1}]
EOT
node run.mjs | tee got
diff want got
