#!/usr/bin/env bash
# Pekko distributed data 1.1.3 (Maven org.apache.pekko:pekko-distributed-data_2.13): a counter that was deleted and
# counted anew reads 1, 10 or 11, and which of them depends on who counts and on how the delete travels.
#
# One would guess: without any concurrency, remove(k) of a counter at 10 and then increment(k, 1) read 1 on all nodes;
#   or, at worst, 11 everywhere.
# True: the map forgets the counter, its node counts from 0 again, and the peer's old 10 is merged by maximum. Sent as
#   deltas, the remove and the increment read 1 at the peer. Sent as a full state, they read 10: the delete is undone
#   and the increment is lost. Counted anew by another node, they read 11. LWWMap has the same gap: a value
#   put after a remove, by a clock that is behind, gives way to the removed one.
# Source: pekko.apache.org/docs/pekko/current/typed/distributed-data.html says that a removed and re-added entry of an
#   ORMap may bring back old values; that deltas and full states then differ is seen by running it.
# Why users care: quotas and rate limits that are reset by removing their key come back at their old height, for all
#   nodes, some time later, as full states travel by gossip only now and then.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<'EOT'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>run</groupId>
  <artifactId>run</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.pekko</groupId>
      <artifactId>pekko-distributed-data_2.13</artifactId>
      <version>1.1.3</version>
    </dependency>
  </dependencies>
</project>
EOT
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null

cat >Run.java <<'EOT'
import org.apache.pekko.actor.Address;
import org.apache.pekko.cluster.UniqueAddress;
import org.apache.pekko.cluster.ddata.LWWMap;
import org.apache.pekko.cluster.ddata.ORMap;
import org.apache.pekko.cluster.ddata.PNCounterMap;
import org.apache.pekko.cluster.ddata.SelfUniqueAddress;

class Run {
  static SelfUniqueAddress node(String host) {
    return new SelfUniqueAddress(new UniqueAddress(new Address("pekko", "demo", host, 2552), 1L));
  }

  @SuppressWarnings("unchecked")
  static PNCounterMap<String> delta(PNCounterMap<String> to, PNCounterMap<String> from) {
    return (PNCounterMap<String>) to.mergeDelta((ORMap.DeltaOp) (Object) from.delta().get());
  }

  public static void main(String[] args) {
    var a = node("a");
    var b = node("b");
    var ten = PNCounterMap.<String>create().increment(a, "k", 10).resetDelta(); // what the peer has
    var removed = ten.remove("k", a);
    var counted = removed.resetDelta().increment(a, "k", 1);
    System.out.println("10, removed, 1 added, all by a: a reads " + counted.getEntries());
    System.out.println("a peer that gets the two deltas: " + delta(delta(ten, removed), counted).getEntries());
    System.out.println("a peer that gets the full state: " + ten.merge(counted).getEntries());
    System.out.println("1 added by b, full state: " + ten.merge(removed.increment(b, "k", 1)).getEntries());

    var first = LWWMap.<String, String>create().put(a, "k", "first", (now, v) -> 5L);
    var second = first.remove(a, "k").put(a, "k", "second", (now, v) -> 3L);
    System.out.println("put, removed, put by a slower clock: a reads " + second.getEntries() + ", after a merge " + second.merge(first).getEntries());
  }
}
EOT

cat >want <<'EOT'
10, removed, 1 added, all by a: a reads {k=1}
a peer that gets the two deltas: {k=1}
a peer that gets the full state: {k=10}
1 added by b, full state: {k=11}
put, removed, put by a slower clock: a reads {k=second}, after a merge {k=first}
EOT
javac -cp 'lib/*' Run.java
java -cp 'lib/*:.' Run | tee got
diff want got
