#!/usr/bin/env bash
# SQLite Sync 1.1.4 (npm @sqliteai/sqlite-sync-linux-x86_64), a text column that merges by lines: of two lines that two
# devices add at the same place one is lost, and an added line can take the edit of another line away.
#
# One would guess: each line has an identity of its own, so two devices that both append to a list or a log keep both
#   lines, in some order; of two edits of one line the last one wins.
# True: a line is known by its place, a key between those of its neighbours, and two devices make the same key out of the
#   same neighbours. So two new lines are two values of one line, and the greater text wins, whoever wrote last. An edited
#   line is a new one beside the old, so it meets a line that the other device adds before it, and one of the two goes.
#   The loser is in no table of either device any more.
# Source: sqliteai/sqlite-sync, docs/block-lww.md: a unique position for each block, made so that agents append logs
#   and add notes without overwriting each other, and the last writer wins; what becomes of the lines is seen by running it.
# Why users care: appending is what lists, logs and notes are for; both devices read the same text, so nobody sees that
#   a line is missing. Keep such lines as rows, with an id each.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts @sqliteai/sqlite-sync-linux-x86_64@1.1.4 >/dev/null
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check apsw==3.54.1.0

cat >run.py <<'EOT'
import apsw

EXTENSION = "node_modules/@sqliteai/sqlite-sync-linux-x86_64/cloudsync.so"


class Device:
    def __init__(self):
        self.db = apsw.Connection(":memory:")
        self.db.enable_load_extension(True)
        self.db.load_extension(EXTENSION)
        self.db.execute("CREATE TABLE note (id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL DEFAULT '')")
        self.db.execute("SELECT cloudsync_init('note')")
        self.db.execute("SELECT cloudsync_set_column('note', 'body', 'algo', 'block')")

    def write(self, lines):
        self.db.execute("UPDATE note SET body = ?", ("\n".join(lines),))

    def read(self):
        return self.db.execute("SELECT body FROM note").get.split("\n")

    def changes(self):
        return self.db.execute(
            "SELECT cloudsync_payload_encode(tbl, pk, col_name, col_value, col_version, db_version, site_id, cl, seq)"
            " FROM cloudsync_changes").get

    def holds(self, text):
        tables = self.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return any(text in str(row) for (t,) in tables for row in self.db.execute(f'SELECT * FROM "{t}"'))

    def close(self):
        self.db.execute("SELECT cloudsync_terminate()")
        self.db.close()

    def apply(self, changes):
        self.db.execute("SELECT cloudsync_payload_apply(?)", (changes,)).fetchall()


def play(what, base, first, second):
    ann, ben = Device(), Device()
    ann.db.execute("INSERT INTO note VALUES ('n', ?)", ("\n".join(base),))
    ben.apply(ann.changes())
    ann.write(first)
    ben.write(second)
    for _ in range(2):
        of_ann, of_ben = ann.changes(), ben.changes()
        ann.apply(of_ben)
        ben.apply(of_ann)
    lost = [line for line in first + second if line not in base and not ann.holds(line) and not ben.holds(line)]
    print(f"{what}: {first} then {second}: {ann.read()}, equal {ann.read() == ben.read()}, lost {lost}")
    ann.close()
    ben.close()


play("edits of two lines", ["milk", "salt"], ["oat milk", "salt"], ["milk", "sea salt"])
play("both append", ["milk"], ["milk", "bread"], ["milk", "eggs"])
play("both append", ["milk"], ["milk", "eggs"], ["milk", "bread"])
play("both append", ["milk"], ["milk", "apples", "bread"], ["milk", "eggs"])
play("both insert", ["milk", "salt"], ["milk", "eggs", "salt"], ["milk", "bread", "salt"])
play("an edit, and a line before it", ["milk", "salt"], ["milk", "much salt"], ["milk", "zucchini", "salt"])
play("an edit, and a line after it", ["milk", "salt"], ["milk", "much salt"], ["milk", "salt", "zucchini"])
EOT

cat >want <<'EOT'
edits of two lines: ['oat milk', 'salt'] then ['milk', 'sea salt']: ['oat milk', 'sea salt'], equal True, lost []
both append: ['milk', 'bread'] then ['milk', 'eggs']: ['milk', 'eggs'], equal True, lost ['bread']
both append: ['milk', 'eggs'] then ['milk', 'bread']: ['milk', 'eggs'], equal True, lost ['bread']
both append: ['milk', 'apples', 'bread'] then ['milk', 'eggs']: ['milk', 'eggs', 'bread'], equal True, lost ['apples']
both insert: ['milk', 'eggs', 'salt'] then ['milk', 'bread', 'salt']: ['milk', 'eggs', 'salt'], equal True, lost ['bread']
an edit, and a line before it: ['milk', 'much salt'] then ['milk', 'zucchini', 'salt']: ['milk', 'zucchini'], equal True, lost ['much salt']
an edit, and a line after it: ['milk', 'much salt'] then ['milk', 'salt', 'zucchini']: ['milk', 'much salt', 'zucchini'], equal True, lost []
EOT
venv/bin/python run.py | tee got
diff want got
