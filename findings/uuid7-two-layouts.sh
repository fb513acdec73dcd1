#!/usr/bin/env bash
# Version 7 UUIDs from uuid7 0.1.0 (PyPI) beside uuid6 2025.0.1 and uuid-utils 1.2.0 (PyPI) and uuidv7 1.2.1 (npm): what one
# library makes now sorts after all that the others will make in the next century.
#
# One would guess: version 7 is one format. It begins with the milliseconds since 1970, so that ids of several programs,
#   whatever they are written in, sort by time; that is what the version is for.
# True: the package named uuid7 follows an early draft: whole seconds in 36 bits, then a fraction. Its ids carry the same
#   version and variant, and any parser accepts them; read by RFC 9562 their time lies in the year 2203 (made in 2026). In a table with
#   ids of another library they are all at the end, and their first six bytes as a time of writing win for good.
# Source: RFC 9562, section 5.7; draft-peabody-dispatch-new-uuid-format-02, section 4.4; the order is seen by running it.
# Why users care: "last by id", "after this id" as a checkpoint of a replication, and ids as tie-breakers all take the
#   order for granted. A reader whose checkpoint has met one such id skips every row that the others write. Check
#   the time of an id of another program against the clock, like any other stamp.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts uuidv7@1.2.1 >/dev/null
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: uuid7==0.1.0 uuid6==2025.0.1 uuid_utils==1.2.0

cat >run.mjs <<'EOT'
import { uuidv7 } from 'uuidv7'

console.log(uuidv7())
EOT
cat >run.py <<'EOT'
import subprocess
import time
import uuid

import uuid6
import uuid_extensions
import uuid_utils

makers = {
    "uuid7": uuid_extensions.uuid7,
    "uuid6": uuid6.uuid7,
    "uuid-utils": uuid_utils.uuid7,
    "uuidv7 of npm": lambda: subprocess.run(["node", "run.mjs"], capture_output=True, check=True, text=True).stdout.strip(),
}
ids = []
for name, make in makers.items():  # one after the other, a few milliseconds apart
    ids.append((uuid.UUID(str(make())), name))
    time.sleep(0.01)
for i, name in ids:
    ahead = ((i.int >> 80) / 1000 - time.time()) / (365.25 * 24 * 3600)
    print(f"{name}: version {i.version}, {'more than a century ahead' if ahead > 100 else 'now' if abs(ahead) < 0.01 else ahead}")
print("made: " + ", ".join(name for _, name in ids))
print("sorted: " + ", ".join(name for _, name in sorted(ids)))

checkpoint = max(i for i, _ in ids)
time.sleep(0.01)
later = {name: uuid.UUID(str(make())) for name, make in makers.items()}
print("made later and after the checkpoint: " + ", ".join(name for name, i in later.items() if i > checkpoint))
EOT

cat >want <<'EOT'
uuid7: version 7, more than a century ahead
uuid6: version 7, now
uuid-utils: version 7, now
uuidv7 of npm: version 7, now
made: uuid7, uuid6, uuid-utils, uuidv7 of npm
sorted: uuid6, uuid-utils, uuidv7 of npm, uuid7
made later and after the checkpoint: uuid7
EOT
venv/bin/python run.py | tee got
diff want got
