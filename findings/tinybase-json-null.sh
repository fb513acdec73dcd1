#!/usr/bin/env bash
# TinyBase 10.0.1 (npm tinybase): mergeable content that goes through JSON.stringify brings deleted cells back as null,
# under equal hashes.
#
# One would guess: the content of a MergeableStore, arrays and objects of plain values, may be sent as JSON, and stores
#   whose content hashes are equal read the same.
# True: a deleted cell is kept as undefined, which JSON turns into null, and null is a value that a cell may hold. The
#   receiver reads rows and cells that the sender has deleted, as null. Stamps and hashes are those of the sender, so
#   both sides say that they are in sync, and merging again in either direction repairs nothing.
# Source: tinybase.org/api/mergeable-store/type-aliases/mergeable/mergeablecontent calls the form opaque and does not
#   speak of JSON; the behaviour is seen by running it.
# Why users care: a hand-written transport resurrects every deleted row as a row of nulls, and comparing hashes, the
#   way the library itself finds differences, does not see it. The library's own synchronizers use another encoding.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps tinybase@10.0.1 >/dev/null

cat >run.mjs <<'EOT'
import { createMergeableStore } from 'tinybase'

const a = createMergeableStore('a')
const b = createMergeableStore('b')
a.setTables({ pets: { fido: { species: 'dog', color: 'brown' }, rex: { species: 'dog' } } })
a.delCell('pets', 'fido', 'color', true)
a.delRow('pets', 'rex')
b.applyMergeableChanges(JSON.parse(JSON.stringify(a.getMergeableContent())))

const show = (when) => {
  const equal = JSON.stringify(a.getMergeableContentHashes()) === JSON.stringify(b.getMergeableContentHashes())
  console.log(`${when}: a ${JSON.stringify(a.getTables())}, b ${JSON.stringify(b.getTables())}, hashes equal: ${equal}`)
}
show('sent as JSON')
a.merge(b)
b.merge(a)
show('merged both ways')
EOT

cat >want <<'EOT'
sent as JSON: a {"pets":{"fido":{"species":"dog"}}}, b {"pets":{"fido":{"species":"dog","color":null},"rex":{"species":null}}}, hashes equal: true
merged both ways: a {"pets":{"fido":{"species":"dog"}}}, b {"pets":{"fido":{"species":"dog","color":null},"rex":{"species":null}}}, hashes equal: true
EOT
node run.mjs | tee got
diff want got
