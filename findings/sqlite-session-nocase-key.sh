#!/usr/bin/env bash
# SQLite's session extension 3.54.1 (PyPI apsw 3.54.1.0): a key that ignores case makes changesets that an identical
# copy of the database cannot apply.
#
# One would guess: a changeset recorded on one database applies to a copy of it. With a key column that ignores case,
#   "Ann" and "ann" are one row.
# True: the session tells rows apart by the bytes of the key, the table by its collation. Changing 'Ann' to 'ann' is
#   recorded as an insert of a second row, beside the update of the first, and applying it to a copy fails as a whole.
#   A delete and a new insert under another spelling are two changes that are taken for two rows.
# Source: sqlite.org/sessionintro.html names the limits of the extension (virtual tables, no or NULL keys) and does not
#   name this one; the behaviour is seen by running it.
# Why users care: e-mail addresses, user names and tags are declared so, and one corrected capital stops replication:
#   the changeset is refused each time it is tried, with all other changes in it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: apsw==3.54.1.0

cat >run.py <<'EOT'
import apsw

names = {apsw.SQLITE_INSERT: "insert", apsw.SQLITE_UPDATE: "update", apsw.SQLITE_DELETE: "delete"}


def database(collation):
    db = apsw.Connection(":memory:")
    db.execute(f"create table u(name text primary key not null {collation}, n); insert into u values('Ann', 1), ('Bob', 2)")
    return db


print("SQLite", apsw.sqlite_lib_version())
for collation in ("", "collate nocase"):
    writer, copy = database(collation), database(collation)
    session = apsw.Session(writer, "main")
    session.attach()
    writer.execute("update u set name='ann' where name='Ann'; update u set n=3 where name='Bob'")
    changeset = session.changeset()
    kinds = sorted(names.get(change.opcode, str(change.opcode)) for change in apsw.Changeset.iter(changeset))
    try:
        apsw.Changeset.apply(changeset, copy, conflict=lambda kind, change: apsw.SQLITE_CHANGESET_OMIT)
        outcome = "applied"
    except apsw.Error as error:
        outcome = f"refused with {type(error).__name__}"
    print(f"key {collation or 'collate binary'}: changes {kinds}, {outcome}")
    print(f"  writer {sorted(writer.execute('select * from u'))}, copy {sorted(copy.execute('select * from u'))}")
EOT

cat >want <<'EOT'
SQLite 3.54.1
key collate binary: changes ['delete', 'insert', 'update'], applied
  writer [('Bob', 3), ('ann', 1)], copy [('Bob', 3), ('ann', 1)]
key collate nocase: changes ['insert', 'update', 'update'], refused with SQLError
  writer [('Bob', 3), ('ann', 1)], copy [('Ann', 1), ('Bob', 2)]
EOT
venv/bin/python run.py | tee got
diff want got
