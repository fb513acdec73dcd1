package main

import "strings"

// A row is an operation of ours beside those that users would pick instead.
type row struct {
	name   string
	ours   figure
	theirs []peer
}

type peer struct {
	name string
	figure
}

func op(bench string) figure { return figure{bench, "ns/op"} }

func other(name, bench string) peer { return peer{name, op(bench)} }

func element(name, bench string) peer { return peer{name, figure{bench, "ns/elem"}} }

var peers = []row{
	{"`hlc.Clock.Now`", op("hlc: Clock/Now"), []peer{
		other("`time.Now`", "hlc: Clock/Now/baseline=time.Now"), other("a clock with a mutex", "hlc: Clock/Now/baseline=mutex"),
	}},
	{"`vclock.Clock.Compare`, 8 replicas, concurrent", op("peerbench: ClockCompare/concurrent/library=rejoin"), []peer{
		other("Syncthing's `Vector`, whose names are integers,", "peerbench: ClockCompare/concurrent/library=syncthing"), other("GoVector", "peerbench: ClockCompare/concurrent/library=govector"),
	}},
	{"`vclock.Clock.Join`, 8 replicas, concurrent", op("peerbench: ClockJoin/concurrent/library=rejoin"), []peer{
		other("Syncthing", "peerbench: ClockJoin/concurrent/library=syncthing"), other("GoVector", "peerbench: ClockJoin/concurrent/library=govector"),
	}},
	{"`vclock.Clock`, encode", op("peerbench: ClockEncode/marshal/library=rejoin"), []peer{
		other("Syncthing", "peerbench: ClockEncode/marshal/library=syncthing"), other("GoVector", "peerbench: ClockEncode/marshal/library=govector"),
	}},
	{"`lww.Map.Merge`, 1000 equal keys, strings", op("peerbench: MapMergeEqual/rejoin/value=string"), []peer{
		other("dskit's `ring.Desc.Merge`", "peerbench: MapMergeEqual/dskit"),
	}},
	{"`lww.Map.Merge`, 100,000 equal keys in another order", op("lww: MapMergeEqual/n=100000/shuffled"), []peer{
		other("a built-in map that does it", "lww: MapMergeEqual/n=100000/baseline=map"),
	}},
	{"`crdt.PNCounter.Add`", op("crdt: Increment/type=PNCounter/replicas=1"), []peer{
		other("a built-in map", "crdt: Increment/baseline=map"), other("an `int64` behind a mutex", "crdt: Increment/baseline=mutex"),
	}},
	{"`crdt.ORSet.Add`, an element of a million", figure{"crdt: ORSetAdd/dropped/n=1000000", "ns/elem"}, []peer{
		element("a built-in map of 24-byte values", "crdt: ORSetAdd/map24/n=1000000"),
	}},
	{"`crdt.ORSet.Merge`, an element of a million, half of them new", figure{"crdt: ORSetMergeHalfNew/set/n=1000000", "ns/elem"}, []peer{
		element("the union of two built-in maps", "crdt: ORSetMergeHalfNew/union_of_maps/n=1000000"),
	}},
	{"`crdt.ORSet.MergeBinary`, an element of a million that both have, validated", figure{"crdt: ORSetEncode/merge_bytes/sequential/n=1000000", "ns/elem"}, []peer{
		element("decoding it", "crdt: ORSetEncode/decode/sequential/n=1000000"),
	}},
	{"`crdt.ORSet.Ask` and `Answer`, 100 differences in a million elements, 10 % removed before", figure{"crdt: Exchange/replicas=3/removed=0.1/100_adds_50_removals", "bytes/op"}, nil},
	{"`merge.Plan.Merge`, three-way, a struct with lists and maps", op("peerbench: MergeThreeWay/struct=mixed/library=rejoin"), []peer{
		other("r3labs/diff", "peerbench: MergeThreeWay/struct=mixed/library=r3labs"),
	}},
	{"`merge.Plan.Merge`, three-way, ten scalars", op("merge: PlanFlat/three-way/by=plan"), []peer{
		other("written by hand", "merge: PlanFlat/three-way/by=hand"),
	}},
	{"`merge.Plan.Merge`, two-way, ten scalars", op("peerbench: MergeTwoWay/struct=flat/library=rejoin"), []peer{
		other("mergo", "peerbench: MergeTwoWay/struct=flat/library=mergo"),
	}},
	{"`merge.Record.Merge`, equal, a struct with lists and maps", op("merge: Record/merge/equal"), []peer{
		other("`reflect.DeepEqual` of the values", "merge: Record/reflect.DeepEqual"),
	}},
	{"`resolver.Reconciler.Resolve`, one version", op("resolver: Resolve/values=scalars/versions=1"), []peer{
		other("written by hand", "resolver: Resolve/baseline=hand-written"),
	}},
	{"`resolver.Reconciler.Resolve`, two versions, the last writer wins", op("resolver: Resolve/values=scalars/versions=2/rule=last"), nil},
}

// A grown is one operation at several sizes, which stand for * in the name of the
// benchmark.
type grown struct {
	what  string // the sizes
	name  string
	bench string
	unit  string
	sizes []string
}

func (g grown) at(size string) figure {
	return figure{strings.ReplaceAll(g.bench, "*", strings.ReplaceAll(size, ",", "")), g.unit}
}

var (
	three    = []string{"1,000", "100,000", "1,000,000"}
	two      = []string{"1,000", "100,000"}
	replicas = []string{"2", "8", "64", "256"}
	rows     = []string{"1", "10", "100", "1,000"}
)

var growth = []grown{
	{"an element of", "`crdt.ORSet.Add`", "crdt: ORSetAdd/dropped/n=*", "ns/elem", three},
	{"", "`crdt.ORSet.Merge`, all new in half", "crdt: ORSetMergeHalfNew/set/n=*", "ns/elem", three},
	{"", "`crdt.ORSet.Merge`, nothing new", "crdt: ORSetMergeShared/holes/n=*", "ns/elem", three},
	{"", "a delta, in random order", "crdt: ORSetDeltas/random/n=*", "ns/elem", three},
	{"", "`crdt.ORSet`, encode", "crdt: ORSetEncode/encode/sequential/n=*", "ns/elem", three},
	{"", "`crdt.ORSet`, decode", "crdt: ORSetEncode/decode/sequential/n=*", "ns/elem", three},
	{"", "`crdt.ORSet.MergeBinary`, nothing new", "crdt: ORSetEncode/merge_bytes/sequential/n=*", "ns/elem", three},
	{"a state of", "`lww.Map.Merge`, nothing new", "lww: MapMergeEqual/n=*/decoded", "ns/op", two},
	{"", "`lww.Map.Put`", "lww: MapPut/n=*/delta=dropped", "ns/op", two},
	{"", "`lww.Map`, encode", "lww: MapBinary/n=*/encode", "ns/op", two},
	{"", "`lww.Map`, decode", "lww: MapBinary/n=*/decode", "ns/op", two},
	{"replicas", "`vclock.Clock.Compare`", "vclock: Clock/Compare/replicas=*", "ns/op", replicas},
	{"", "`vclock.Clock.Join`", "vclock: Clock/Join/replicas=*", "ns/op", replicas},
	{"", "`vclock.Clock`, decode", "vclock: Clock/UnmarshalBinary/replicas=*", "ns/op", replicas},
	{"", "`crdt.PNCounter.Add`, by the last of them", "crdt: Increment/type=PNCounter/replicas=*", "ns/op", replicas},
	{"", "`crdt.BoundedCounter.Add`, by the last of them", "crdt: Increment/type=BoundedCounter/replicas=*", "ns/op", replicas},
	{"a row of", "`encoding/json` of a built-in map", "internal/rowbench: Row/type=baseline-json/n=*/change", "ns/op", rows},
	{"", "`crdt.ORMap` of counters", "internal/rowbench: Row/type=ORMap/n=*/change", "ns/op", rows},
	{"", "the same, decoded into a state that was used", "internal/rowbench: Row/type=ORMap/n=*/reused", "ns/op", rows},
	{"", "`crdt.AddAtBinary`", "internal/rowbench: Row/type=ORMap/n=*/change-bytes", "ns/op", rows},
	{"", "`crdt.ORSet`", "internal/rowbench: Row/type=ORSet/n=*/change", "ns/op", rows},
	{"", "the same, decoded into a state that was used", "internal/rowbench: Row/type=ORSet/n=*/reused", "ns/op", rows},
	{"", "`lww.Map`", "internal/rowbench: Row/type=LWWMap/n=*/change", "ns/op", rows},
	{"", "`lww.PutBinary`", "internal/rowbench: Row/type=LWWMap/n=*/change-bytes", "ns/op", rows},
	{"", "`lww.MergeBinary`, a delta", "internal/rowbench: Row/type=LWWMap/n=*/delta-bytes", "ns/op", rows},
}
