#!/usr/bin/env bash
# kdbxweb 2.1.1 (npm), the merge of KeePass files: two edits in one second leave the devices different for ever.
#
# One would guess: of two edits of one entry with equal times some rule picks the same one everywhere, and the other
#   goes to the entry's history.
# True: with equal times each side keeps its own and records nothing of the other's. Times are stored in whole
#   seconds, so "equal" is common where a program edits. No later merge sees a difference, until a third edit takes one
#   of the two away unseen.
# Source: KdbxEntry.merge compares lastModTime with < and > alone (package's lib/format/kdbx-entry.ts); the outcome is
#   seen by running it.
# Why users care: a merge that reports success leaves one device with the old password and the other with the new
#   one. Scripts that rotate passwords on two machines at a scheduled time meet it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts kdbxweb@2.1.1 >/dev/null

cat >run.mjs <<'EOT'
import kdbx from 'kdbxweb'

const credentials = () => new kdbx.Credentials(kdbx.ProtectedValue.fromString('demo'))
const load = (bytes) => kdbx.Kdbx.load(bytes, credentials())

const db = kdbx.Kdbx.create(credentials(), 'vault')
db.setKdf(kdbx.Consts.KdfId.Aes)
db.createEntry(db.getDefaultGroup()).fields.set('UserName', 'u0')
const bytes = await db.save()
const entry = (d) => d.getDefaultGroup().entries[0]

async function edited(value, millis) {
  const d = await load(bytes)
  entry(d).pushHistory()
  entry(d).fields.set('UserName', value)
  entry(d).times.lastModTime = new Date(Date.UTC(2030, 0, 1) + millis)
  return load(await d.save())
}

async function exchange(a, b) {
  const [fromA, fromB] = [await a.save(), await b.save()]
  a.merge(await load(fromB))
  b.merge(await load(fromA))
  return [await load(await a.save()), await load(await b.save())]
}

const show = (d) => `${entry(d).fields.get('UserName')}, history [${entry(d).history.map((h) => h.fields.get('UserName'))}]`
for (const apart of [0, 900, 1000]) {
  let [a, b] = await exchange(await edited('fromA', 0), await edited('fromB', apart))
  for (let i = 0; i < 3; i++) [a, b] = await exchange(a, b)
  console.log(`edits ${apart} ms apart: A ${show(a)}; B ${show(b)}`)
}
EOT

cat >want <<'EOT'
edits 0 ms apart: A fromA, history [u0]; B fromB, history [u0]
edits 900 ms apart: A fromA, history [u0]; B fromB, history [u0]
edits 1000 ms apart: A fromB, history [u0,fromA]; B fromB, history [u0,fromA]
EOT
node run.mjs | tee got
diff want got
