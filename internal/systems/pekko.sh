#!/usr/bin/env bash
# Prints the row of Pekko distributed data in docs/systems.md.
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
import org.apache.pekko.cluster.ddata.LWWRegister;
import org.apache.pekko.cluster.ddata.PNCounterMap;
import org.apache.pekko.cluster.ddata.SelfUniqueAddress;

class Run {
  static SelfUniqueAddress node(String host) {
    return new SelfUniqueAddress(new UniqueAddress(new Address("pekko", "demo", host, 2552), 1L));
  }

  static LWWRegister.Clock<String> at(long time) {
    return (now, value) -> time;
  }

  public static void main(String[] args) {
    var a = node("a");
    var b = node("b");
    var hour = System.currentTimeMillis() + 3_600_000;
    LWWRegister.Clock<String> ordinary = LWWRegister.defaultClock();

    var old = LWWRegister.create(a, "old", at(1));
    System.out.println("A at 5, B at 6: " + old.withValue(a, "A", at(5)).merge(old.withValue(b, "B", at(6))).value());
    System.out.println("A at 5, B at 5: " + old.withValue(a, "A", at(5)).merge(old.withValue(b, "B", at(5))).value());
    System.out.println("A at 5, B sets old again at 6: " + old.withValue(a, "A", at(5)).merge(old.withValue(b, "old", at(6))).value());
    var fast = old.withValue(a, "A", at(hour));
    System.out.println("A an hour fast, B has not seen it: " + fast.merge(old.withValue(b, "B", ordinary)).value());
    System.out.println("A an hour fast, B has seen it: " + fast.merge(fast.withValue(b, "B", ordinary)).value());

    var map = LWWMap.<String, String>create().put(a, "k", "old");
    System.out.println("A puts, B removes: " + map.put(a, "k", "A").merge(map.remove(b, "k")).getEntries());
    var ten = PNCounterMap.<String>create().increment(a, "k", 10);
    System.out.println("counter of 10, B adds 5, A removes it: " + ten.increment(b, "k", 5).merge(ten.remove("k", a)).getEntries());
  }
}
EOT
javac -cp 'lib/*' Run.java
java -cp 'lib/*:.' Run
