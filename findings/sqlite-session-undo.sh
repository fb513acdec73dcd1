#!/usr/bin/env bash
# SQLite's session extension 3.54.1 (PyPI apsw 3.54.1.0): undoing an applied changeset does not give back what it
# overwrote, and no conflict is reported.
#
# One would guess: applying a changeset and then its inverse leaves the database as it was, or reports a conflict.
# True: the inverse holds the values of the database where the changeset was recorded. A local edit that gave way when
#   the changeset was applied is not restored: the row reads the writer's old value, which nobody here ever wrote over
#   the local one.
# Source: sqlite.org/session/sqlite3changeset_invert.html; the behaviour is seen by running it.
# Why users care: "undo the last sync" is built on this function, and it silently replaces local data by older remote
#   data. Keep a changeset of the local database, recorded during the apply, and invert that one.
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
    db.execute("create table t(id integer primary key, a); insert into t values(1, 'base')")
    return db


def recorded(db, edit):
    session = apsw.Session(db, "main")
    session.attach()
    edit(db)
    return session.changeset()


def apply(db, changeset, asked):
    apsw.Changeset.apply(changeset, db, conflict=lambda kind, change: (asked.append(kind), apsw.SQLITE_CHANGESET_REPLACE)[1])


print("SQLite", apsw.sqlite_lib_version())
remote = recorded(database(), lambda db: db.execute("update t set a='remote'"))
for inverse_of in ("the remote changeset", "a changeset recorded here"):
    db, applied, undone = database(), [], []
    db.execute("update t set a='here'")
    own = recorded(db, lambda d: apply(d, remote, applied))
    apply(db, apsw.Changeset.invert(remote if inverse_of == "the remote changeset" else own), undone)
    row = list(db.execute("select a from t"))[0][0]
    print(f"here 'here', applied ({len(applied)} conflict), undone by the inverse of {inverse_of} ({len(undone)} conflicts): reads '{row}'")
EOT

cat >want <<'EOT'
SQLite 3.54.1
here 'here', applied (1 conflict), undone by the inverse of the remote changeset (0 conflicts): reads 'base'
here 'here', applied (1 conflict), undone by the inverse of a changeset recorded here (0 conflicts): reads 'here'
EOT
venv/bin/python run.py | tee got
diff want got
