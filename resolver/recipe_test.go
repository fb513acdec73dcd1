package resolver_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// clockAt returns a clock whose physical time is that many seconds past noon.
func clockAt(seconds int) *hlc.Clock {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return &hlc.Clock{Physical: func() time.Time { return noon.Add(time.Duration(seconds) * time.Second) }}
}

func regionAt(r vclock.Replica, seconds int) resolver.Writer {
	return resolver.Writer{Writer: lww.Writer{Replica: r, Clock: clockAt(seconds)}}
}

// A DynamoDB global table keeps the item that was written last, whole. Here it is
// a policy like others, and the log says what was lost by it.
func Example_dynamoDBItem() {
	type Item struct{ Name, Email string }
	ctx := context.Background()
	log := &resolver.MemoryLog{}
	table := resolver.New[Item](resolver.LastWriterWins)
	table.Log = log

	var eu, us resolver.Siblings[Item]
	must(eu.Write(regionAt("eu", 0), resolver.Context{}, Item{"Ann", "a@old"}))
	us.Merge(&eu)
	seen := eu.Context()
	must(eu.Write(regionAt("eu", 1), seen, Item{"Ann", "a@new"}))
	must(us.Write(regionAt("us", 2), seen, Item{"Anna", "a@old"}))

	eu.Merge(&us)
	out := must(table.Resolve(ctx, "ann", &eu))
	fmt.Printf("%+v by %s\n", out.Value, out.Winner.Replica)
	var lost resolver.Version[Item]
	check(lost.UnmarshalJSON(log.Entries()[0].Versions[0]))
	fmt.Printf("lost: %+v by %s\n", lost.Value, lost.Stamp.Replica)
	// Output:
	// {Name:Anna Email:a@old} by us
	// lost: {Name:Ann Email:a@new} by eu
}

// A Cassandra row keeps the last write of each cell. Deletes are tombstones, which it drops
// some days later, repaired or not; an lww.Map, which needs no sibling set for that, drops
// them once every replica has them.
func Example_cassandraRow() {
	var eu, us lww.Map[string, string]
	w := func(r vclock.Replica, seconds int) lww.Writer { return lww.Writer{Replica: r, Clock: clockAt(seconds)} }
	must(eu.Put(w("eu", 0), "name", "Ann"))
	must(eu.Put(w("eu", 0), "phone", "123"))
	us.Merge(&eu)

	must(eu.Put(w("eu", 1), "email", "a@new"))
	must(us.Put(w("us", 2), "name", "Anna"))
	must(us.Delete(w("us", 3), "phone"))
	eu.Merge(&us)
	us.Merge(&eu)

	horizon := clockAt(10).Now() // what a vclock.Matrix says that all have
	fmt.Println(eu.Compact(horizon), us.Compact(horizon), eu.Equal(&us))
	for k, v := range eu.All() {
		fmt.Println(k, v)
	}
	for k := range eu.Tombstones() {
		fmt.Println("tombstone", k)
	}
	// Output:
	// <nil> <nil> true
	// name Anna
	// email a@new
}

// Riak hands all siblings to the client, which merges them by its own rule and
// writes the result under the context that it got with them.
func Example_riakSiblings() {
	var eu, us resolver.Siblings[[]string]
	must(eu.Write(regionAt("eu", 0), resolver.Context{}, []string{"milk"}))
	must(us.Write(regionAt("us", 1), resolver.Context{}, []string{"eggs"}))
	eu.Merge(&us)

	var cart []string
	for _, v := range eu.Versions() {
		cart = append(cart, v.Value...)
	}
	seen := eu.Context()
	must(eu.Write(regionAt("eu", 2), seen, cart))
	fmt.Println(eu.Len(), eu.Versions()[0].Value)

	// A client that did not read the result adds a sibling, and only one, however
	// often it writes under what it got with its own writes.
	written := must(eu.Write(regionAt("eu", 3), seen, []string{"salt"}))
	must(eu.Write(regionAt("eu", 4), written.Context, []string{"salt", "tea"}))
	fmt.Println(eu.Len(), eu.Versions()[1].Value)
	// Output:
	// 1 [milk eggs]
	// 2 [salt tea]
}

// As with RDS, a standby takes over. The old primary is cut off and goes on
// writing; its late writes are fenced, and kept for audit.
func Example_rdsFailover() {
	ctx := context.Background()
	log := &resolver.MemoryLog{}
	rows := resolver.New[string](resolver.LastWriterWins)
	rows.Log = log

	var primary, standby resolver.Siblings[string]
	must(primary.Write(regionAt("us", 0), resolver.Context{}, "v1"))
	standby.Merge(&primary)

	// The coordinator promotes the standby, which has the writes of us up to noon.
	p := resolver.Promotion{Epoch: 1, Cut: vclock.Clock{}.With("us", uint64(clockAt(0).Now()))}
	standby.Promote(p)

	// The old primary does not know. Its write is causally later, and still late.
	must(primary.Write(regionAt("us", 60), primary.Context(), "late"))
	check(rows.Fenced(ctx, "row-1", standby.Fenced(&primary)...))
	standby.Merge(&primary)
	out := must(rows.Resolve(ctx, "row-1", &standby))
	fmt.Println(out.Value)

	// Once it has heard of the new epoch, its own set refuses.
	primary.Merge(&standby)
	written, err := primary.Write(regionAt("us", 90), out.Context, "later")
	check(rows.Fenced(ctx, "row-1", written.Version))
	fmt.Println(err)
	for _, r := range log.Entries() {
		var v resolver.Version[string]
		check(v.UnmarshalJSON(r.Versions[0]))
		fmt.Println(r.Event, v.Value)
	}
	// Output:
	// v1
	// resolver: write in epoch 0 is fenced by epoch 1
	// fenced late
	// fenced later
}

// Users are routed to the home region of their key. One travels, and writes in
// another region while the home is written too: the home wins. If only the other
// region was written, there is no conflict, and the write stands.
func Example_stickyRouting() {
	ctx := context.Background()
	home := func(key string) vclock.Replica { return resolver.Home(key, "eu", "us", "ap") }
	users := resolver.New(resolver.Chain(resolver.HomeWins[string](home), resolver.LastWriterWins))
	fmt.Println("home:", home("ann"))

	var atHome, away resolver.Siblings[string]
	must(atHome.Write(regionAt(home("ann"), 0), resolver.Context{}, "dark"))
	away.Merge(&atHome)

	must(away.Write(regionAt("ap", 10), away.Context(), "light"))
	atHome.Merge(&away)
	out := must(users.Resolve(ctx, "ann", &atHome))
	fmt.Println("traveling:", out.Value)

	seen := atHome.Context()
	must(atHome.Write(regionAt(home("ann"), 20), seen, "blue"))
	must(away.Write(regionAt("ap", 30), seen, "red"))
	atHome.Merge(&away)
	out = must(users.Resolve(ctx, "ann", &atHome))
	fmt.Println("both:", out.Value)
	// Output:
	// home: us
	// traveling: light
	// both: blue
}

// The application numbers the versions of its documents. The larger number wins;
// where two regions made the same one, a person decides.
func Example_applicationVersions() {
	type Document struct {
		Rev  int
		Text string
	}
	ctx := context.Background()
	sameRev := resolver.Named("same number", "left to a person", func(_ context.Context, c *resolver.Conflict[Document]) (resolver.Decision[Document], error) {
		for _, v := range c.Versions[1:] {
			if v.Value.Rev != c.Versions[0].Value.Rev {
				return c.Pass("numbers differ"), nil
			}
		}
		return c.Defer("the same number twice"), nil
	})
	documents := resolver.New(resolver.Chain(sameRev, resolver.MaxBy("revision", func(d Document) int { return d.Rev })))

	var eu, us resolver.Siblings[Document]
	must(eu.Write(regionAt("eu", 60), resolver.Context{}, Document{3, "from eu"}))
	must(us.Write(regionAt("us", 0), resolver.Context{}, Document{4, "from us, by a slow clock"}))
	eu.Merge(&us)
	out := must(documents.Resolve(ctx, "d", &eu))
	fmt.Println(out.Value.Text, "/", out.Reason)

	must(us.Write(regionAt("us", 70), us.Context(), Document{5, "new in us"}))
	must(eu.Write(regionAt("eu", 70), out.Context, Document{5, "new in eu"}))
	eu.Merge(&us)
	out = must(documents.Resolve(ctx, "d", &eu))
	fmt.Println(out.Ticket.Reason)
	// Output:
	// from us, by a slow clock / 4
	// the same number twice
}

// A standby takes over with all that it has. The old primary hears of it by one key,
// and may not create another one any more.
func ExampleStoreEpoch() {
	standby := map[string]*resolver.Siblings[string]{"a": {}, "b": {}}
	must(standby["a"].Write(regionAt("eu", 0), resolver.Context{}, "from eu"))
	must(standby["b"].Write(regionAt("us", 1), resolver.Context{}, "from us"))

	var cut resolver.Cut
	for _, set := range standby {
		cut.Add(set)
	}
	promotion := must(cut.Promotion(1))
	for _, set := range standby {
		set.Promote(promotion)
	}

	var old resolver.StoreEpoch // of the store of the old primary
	fmt.Println(old.Check(regionAt("eu", 2)))
	old.Observe(standby["b"]) // as it is merged there
	fmt.Println(old.Check(regionAt("eu", 3)))
	// Output:
	// <nil>
	// resolver: write in epoch 0 is fenced by epoch 1
}
