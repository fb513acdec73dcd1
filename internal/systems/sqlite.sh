#!/usr/bin/env bash
# Prints the row of SQLite's session extension in docs/systems.md.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: apsw==3.54.1.0
venv/bin/python - <<'EOT'
import apsw

kinds = {apsw.SQLITE_CHANGESET_DATA: "DATA", apsw.SQLITE_CHANGESET_CONFLICT: "CONFLICT", apsw.SQLITE_CHANGESET_NOTFOUND: "NOTFOUND"}


def run(name, remote, here, patch=False):
    for answer, does in ((apsw.SQLITE_CHANGESET_OMIT, "keep local"), (apsw.SQLITE_CHANGESET_REPLACE, "take remote")):
        a, b = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        for db in (a, b):
            db.execute("create table t(id integer primary key, a, b); insert into t values(1, 'x', 'y')")
        session = apsw.Session(a, "main")
        session.attach()
        a.execute(remote)
        b.execute(here)
        asked = []

        def conflict(kind, change):
            asked.append(kinds[kind])
            return apsw.SQLITE_CHANGESET_OMIT if kind == apsw.SQLITE_CHANGESET_NOTFOUND else answer

        apsw.Changeset.apply(session.patchset() if patch else session.changeset(), b, conflict=conflict)
        print(f"{name}, {does}: {list(b.execute('select * from t'))}, asked {asked}")


print("SQLite", apsw.sqlite_lib_version())
run("a updated on both", "update t set a='A'", "update t set a='here'")
run("a updated, b updated here", "update t set a='A'", "update t set b='here'")
run("a updated to the same on both", "update t set a='A'", "update t set a='A'")
run("deleted, updated here", "delete from t", "update t set b='here'")
run("deleted, updated here, patchset", "delete from t", "update t set b='here'", patch=True)
run("updated, deleted here", "update t set a='A'", "delete from t")
EOT
