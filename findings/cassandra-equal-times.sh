#!/usr/bin/env bash
# Cassandra 5.0.4 (Maven org.apache.cassandra:cassandra-all), its rule for two cells of one column: of writes with equal
# timestamps the one that expires wins, and when it has expired neither is left; and two rows become a third.
#
# One would guess: last writer wins, and of equal timestamps one write wins as a whole; a value without a time to live
#   stays until somebody deletes it.
# True: each column is decided alone, at equal times by kind first: a delete beats all, a value that expires beats one
#   that does not, whatever they are, and of two that expire the later; then the greater bytes win ("9" beats "10"). Rows (A, z) and (B, y) read (B, z), which
#   nobody wrote. Once the expiring value has run out it counts as a delete of that time, so the permanent value
#   does not come back.
# Source: cassandra.apache.org/doc/latest, Dynamo architecture, last write wins; issue CASSANDRA-14592 on the order of
#   kinds; the outcome is seen by asking the database's own function, in both orders.
# Why users care: all statements of a batch, and all writes that take their time from one event, have equal timestamps.
#   A default time to live on some writers removes what the others wrote for good.
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
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
      <version>5.0.4</version>
    </dependency>
  </dependencies>
</project>
EOT
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null
echo '<configuration><root level="OFF"/></configuration>' >logback.xml

cat >Run.java <<'EOT'
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.db.marshal.UTF8Type;
import org.apache.cassandra.db.rows.BufferCell;
import org.apache.cassandra.db.rows.Cell;
import org.apache.cassandra.db.rows.Cells;
import org.apache.cassandra.schema.ColumnMetadata;

class Run {
  static final long EXPIRES = 2_000_000_000L; // seconds, the same for all that expire
  static ColumnMetadata column;

  static Cell<?> value(String v, long time) {
    return BufferCell.live(column, time, UTF8Type.instance.decompose(v));
  }

  static Cell<?> expiring(String v, long time) {
    return BufferCell.expiring(column, time, 60, EXPIRES - 60, UTF8Type.instance.decompose(v));
  }

  static Cell<?> delete(long time) {
    return BufferCell.tombstone(column, time, EXPIRES);
  }

  static String read(Cell<?> c, long now) {
    return c.isLive(now) ? UTF8Type.instance.compose(c.buffer()) : "nothing";
  }

  static void say(String what, Cell<?> x, Cell<?> y) {
    Cell<?> xy = Cells.reconcile(x, y);
    Cell<?> yx = Cells.reconcile(y, x);
    String later = xy.isExpiring() ? ", after its time to live " + read(xy, EXPIRES + 1) : "";
    System.out.println(what + ": " + read(xy, EXPIRES - 1) + later + ", order matters: " + (xy != yx));
  }

  public static void main(String[] args) {
    DatabaseDescriptor.clientInitialization();
    column = ColumnMetadata.regularColumn("ks", "t", "c", UTF8Type.instance);
    say("A at 5, B at 6", value("A", 5), value("B", 6));
    say("A at 6, delete at 5", value("A", 6), delete(5));
    say("A at 5, delete at 6", value("A", 5), delete(6));
    say("A at 5, delete at 5", value("A", 5), delete(5));
    say("first column, A at 5, B at 5", value("A", 5), value("B", 5));
    say("second column, z at 5, y at 5", value("z", 5), value("y", 5));
    say("9 at 5, 10 at 5", value("9", 5), value("10", 5));
    say("permanent Z at 5, expiring A at 5", value("Z", 5), expiring("A", 5));
    say("permanent Z at 6, expiring A at 5", value("Z", 6), expiring("A", 5));
  }
}
EOT

cat >want <<'EOT'
A at 5, B at 6: B, order matters: false
A at 6, delete at 5: A, order matters: false
A at 5, delete at 6: nothing, order matters: false
A at 5, delete at 5: nothing, order matters: false
first column, A at 5, B at 5: B, order matters: false
second column, z at 5, y at 5: z, order matters: false
9 at 5, 10 at 5: 9, order matters: false
permanent Z at 5, expiring A at 5: A, after its time to live nothing, order matters: false
permanent Z at 6, expiring A at 5: Z, order matters: false
EOT
javac -cp 'lib/*' Run.java
opens=()
for package in java.lang java.nio java.io java.util sun.nio.ch jdk.internal.ref jdk.internal.misc; do
	opens+=(--add-opens "java.base/$package=ALL-UNNAMED" --add-exports "java.base/$package=ALL-UNNAMED")
done
java "${opens[@]}" -Dlogback.configurationFile="file://$dir/logback.xml" -cp 'lib/*:.' Run 2>log | tee got
diff want got
