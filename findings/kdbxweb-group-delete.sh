#!/usr/bin/env bash
# kdbxweb 2.1.1 (npm), the merge of KeePass files: deleting a group destroys entries that the deleter has never seen.
#
# One would guess: an entry that one device adds to a group survives when another device deletes the group
#   meanwhile, in the parent or in the recycle bin; or the group comes back. At worst the loss is recorded.
# True: the merge drops the group with all that stands in it. The new entry has no record of deletion and is in no
#   group, no bin and no history, on either device. And an edit of an entry that is made after its deletion elsewhere
#   is lost as well: a record of deletion beats everything, whatever the times say.
# Source: the comment on mergeCollection in the package's lib/format/kdbx-group.ts calls it a two-phase set; what this
#   does to the content of groups is seen by running it.
# Why users care: it is a store of passwords; the entry that was just made on the phone is gone, and nothing says so.
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
const group = db.createGroup(db.getDefaultGroup(), 'work')
db.createEntry(group).fields.set('Title', 'old')
db.createEntry(db.getDefaultGroup()).fields.set('Title', 'mail')
const bytes = await db.save()
const [phone, desk] = [await load(bytes), await load(bytes)]
const groups = (d) => [...d.getDefaultGroup().allGroups()]
const find = (d, name) => groups(d).find((g) => g.name === name)

phone.createEntry(find(phone, 'work')).fields.set('Title', 'new')
desk.move(find(desk, 'work'), null) // deleted, with a record of deletion
desk.move(desk.getDefaultGroup().entries[0], null)
await new Promise((resolve) => setTimeout(resolve, 1100))
const mail = phone.getDefaultGroup().entries[0]
mail.pushHistory()
mail.fields.set('UserName', 'edited after the delete')
mail.times.update()

const [fromPhone, fromDesk] = [await phone.save(), await desk.save()]
phone.merge(await load(fromDesk))
desk.merge(await load(fromPhone))
for (const [name, d] of Object.entries({ phone, desk })) {
  const titles = groups(d).flatMap((g) => g.entries.map((e) => e.fields.get('Title')))
  console.log(`${name}: groups ${groups(d).map((g) => g.name)}; entries [${titles}]; records of deletion ${d.deletedObjects.length}`)
}
EOT

cat >want <<'EOT'
phone: groups vault,Recycle Bin; entries []; records of deletion 3
desk: groups vault,Recycle Bin; entries []; records of deletion 3
EOT
node run.mjs | tee got
diff want got
