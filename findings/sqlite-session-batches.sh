#!/usr/bin/env bash
# SQLite's session extension 3.54.1 (PyPI apsw 3.54.1.0): how often a session is cut decides which edits survive.
#
# One would guess: sending two edits as two changesets, as one session, or as two changesets joined by a change group,
#   to the same database with the same conflict handler gives the same rows.
# True: conflicts are found per row of a changeset, so a longer session puts more edits under one verdict. Two edits of
#   different columns: with the handler that keeps local rows, two changesets deliver the column that nobody touched
#   here, one changeset loses it. Delete and create anew: in one changeset this is an update, which finds no row where
#   the row is gone, and the new row is lost. Write and write back: in one changeset nothing, so the handler that takes
#   the remote value is never asked.
# Source: sqlite.org/session/sqlite3changegroup_add.html says how changes of a row are joined; that the result of
#   applying them differs is seen by running it.
# Why users care: whether data is lost depends on how often the application synchronised. Where edits must count one by
#   one, cut a changeset for each transaction and apply them in order, and do not join them for speed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: apsw==3.54.1.0

cat >run.py <<'EOT'
import apsw


def database():
    db = apsw.Connection(":memory:")
    db.execute("create table t(id integer primary key, a, b); insert into t values(1, 'x', 'y')")
    return db


def record(db, *statements):
    session = apsw.Session(db, "main")
    session.attach()
    for statement in statements:
        db.execute(statement)
    return session.changeset()


def apply(local_edit, answer, *changesets):
    db, asked = database(), []
    db.execute(local_edit)
    for changeset in changesets:
        apsw.Changeset.apply(changeset, db, conflict=lambda kind, change: (asked.append(kind), answer)[1])
    return f"{list(db.execute('select * from t'))}, handler asked {len(asked)} times"


def joined(*changesets):
    group = apsw.ChangesetBuilder()
    for changeset in changesets:
        group.add(changeset)
    return group.output()


keep_local, take_remote = apsw.SQLITE_CHANGESET_OMIT, apsw.SQLITE_CHANGESET_REPLACE
cases = {
    "two columns, here b is edited, keep local": ("update t set a='A'", "update t set b='B'", "update t set b='here'", keep_local),
    "delete, create anew, here deleted, keep local": ("delete from t", "insert into t values(1, 'n', 'n')", "delete from t", keep_local),
    "write, write back, here a is edited, take remote": ("update t set a='A'", "update t set a='x'", "update t set a='here'", take_remote),
}
print("SQLite", apsw.sqlite_lib_version())
for name, (first, second, here, answer) in cases.items():
    writer = database()
    two = [record(writer, first), record(writer, second)]
    print(name)
    print("  two changesets:", apply(here, answer, *two))
    print("  one session:   ", apply(here, answer, record(database(), first, second)))
    print("  joined:        ", apply(here, answer, joined(*two)))
EOT

cat >want <<'EOT'
SQLite 3.54.1
two columns, here b is edited, keep local
  two changesets: [(1, 'A', 'here')], handler asked 1 times
  one session:    [(1, 'x', 'here')], handler asked 1 times
  joined:         [(1, 'x', 'here')], handler asked 1 times
delete, create anew, here deleted, keep local
  two changesets: [(1, 'n', 'n')], handler asked 1 times
  one session:    [], handler asked 1 times
  joined:         [], handler asked 1 times
write, write back, here a is edited, take remote
  two changesets: [(1, 'x', 'y')], handler asked 1 times
  one session:    [(1, 'here', 'y')], handler asked 0 times
  joined:         [(1, 'here', 'y')], handler asked 0 times
EOT
venv/bin/python run.py | tee got
diff want got
