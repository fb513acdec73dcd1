#!/usr/bin/env bash
# Hazelcast 5.5.0 (Maven com.hazelcast:hazelcast), LatestUpdateMergePolicy after a split brain: an older write replaces a
# newer one if both are of one second.
#
# One would guess: the policy keeps the entry that was updated last; times are in milliseconds, as the API returns
#   them, and of equal times one rule that has nothing to do with the network decides.
# True: the time of an update is kept in whole seconds and returned as milliseconds that end in 000. Of equal times the
#   entry of the cluster that merges into the other wins. A write of that side replaces one that the other side made and
#   acknowledged 300 ms later, on all members. With two seconds between them the later one wins.
# Source: docs.hazelcast.com/hazelcast/5.5/network-partitioning/split-brain-recovery, on the policy; the seconds are seen
#   by running two members that start apart and merge.
# Why users care: hot keys are written many times in a second, and just they lose, in favour of the side that
#   gives up its cluster. Put a version of your own into the value and merge by that.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mvn -q -B dependency:copy -Dartifact=com.hazelcast:hazelcast:5.5.0 -DoutputDirectory=lib >/dev/null 2>&1

cat >Run.java <<'EOT'
import com.hazelcast.config.Config;
import com.hazelcast.config.MergePolicyConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import com.hazelcast.map.IMap;
import java.util.List;
import java.util.Map;

class Run {
  static volatile String merged = "none"; // the side that gave up its own cluster and joined the other

  static HazelcastInstance start(int port, String... members) {
    var config = new Config();
    config.setClusterName("demo");
    for (var p : Map.of("phone.home.enabled", "false", "wait.seconds.before.join", "0", "max.join.seconds", "3",
        "merge.first.run.delay.seconds", "15", "merge.next.run.delay.seconds", "5", "partition.count", "11").entrySet()) {
      config.setProperty("hazelcast." + p.getKey(), p.getValue());
    }
    var network = config.getNetworkConfig().setPort(port).setPortAutoIncrement(false);
    network.getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    network.getJoin().getAutoDetectionConfig().setEnabled(false);
    network.getJoin().getTcpIpConfig().setEnabled(true).setMembers(List.of(members)).setConnectionTimeoutSeconds(1);
    config.getMapConfig("map").setPerEntryStatsEnabled(true).setMergePolicyConfig(new MergePolicyConfig("LatestUpdateMergePolicy", 100));
    var instance = Hazelcast.newHazelcastInstance(config);
    instance.getLifecycleService().addLifecycleListener(e -> {
      if (e.getState() == LifecycleState.MERGED) merged = instance.getName();
    });
    return instance;
  }

  /** Writes a key at one side, after a pause at the other, and returns the key; a pause under a second stays within one second. */
  static String write(HazelcastInstance here, HazelcastInstance there, String key, long pause) throws Exception {
    for (int i = 0; ; i++) {
      while (System.currentTimeMillis() % 1000 > 100) Thread.sleep(5);
      long second = System.currentTimeMillis() / 1000;
      map(here).put(key + i, "earlier, of " + here.getName());
      Thread.sleep(pause);
      map(there).put(key + i, "later, of " + there.getName());
      if (pause > 1000 || System.currentTimeMillis() / 1000 == second) return key + i;
    }
  }

  static IMap<String, String> map(HazelcastInstance side) {
    return side.getMap("map");
  }

  public static void main(String[] args) throws Exception {
    var x = start(47102, "127.0.0.1:47102", "127.0.0.1:47101"); // looks for the other, which is not there yet
    var y = start(47101, "127.0.0.1:47101");
    System.out.println("members seen: " + x.getCluster().getMembers().size() + " and " + y.getCluster().getMembers().size());
    for (int i = 0; i < 50; i++) for (var side : List.of(x, y)) map(side).put("warm", "up");

    var keys = List.of(write(x, y, "a", 300), write(y, x, "b", 300), write(x, y, "c", 2000), write(y, x, "d", 2000));
    for (var k : keys) {
      long first = map(x).getEntryView(k).getLastUpdateTime(), second = map(y).getEntryView(k).getLastUpdateTime();
      System.out.println(k.charAt(0) + ": times equal " + (first == second) + ", milliseconds " + first % 1000 + " and " + second % 1000);
    }
    if (x.getCluster().getMembers().size() != 1) throw new IllegalStateException("merged too early: run it again");

    for (int i = 0; i < 240 && merged.equals("none"); i++) Thread.sleep(500);
    Thread.sleep(3000);
    System.out.println("members seen: " + x.getCluster().getMembers().size() + " and " + y.getCluster().getMembers().size());
    int lost = 0;
    for (var k : keys) {
      var v = map(x).get(k);
      boolean later = v.startsWith("later");
      if (!later) lost++;
      var why = k.startsWith("a") || k.startsWith("b") ? "the write of the side that merged: " + v.endsWith(" " + merged) : "the later write: " + later;
      System.out.println(k.charAt(0) + ": both read the same " + v.equals(map(y).get(k)) + ", " + why);
    }
    System.out.println("later writes lost: " + lost + " of 4");
    Hazelcast.shutdownAll();
  }
}
EOT

cat >want <<'EOT'
members seen: 1 and 1
a: times equal true, milliseconds 0 and 0
b: times equal true, milliseconds 0 and 0
c: times equal false, milliseconds 0 and 0
d: times equal false, milliseconds 0 and 0
members seen: 2 and 2
a: both read the same true, the write of the side that merged: true
b: both read the same true, the write of the side that merged: true
c: both read the same true, the later write: true
d: both read the same true, the later write: true
later writes lost: 1 of 4
EOT
javac -cp 'lib/*' Run.java
java -cp 'lib/*:.' Run 2>log | tee got
diff want got
