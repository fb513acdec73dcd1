package resolver_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// writer returns the writer of a region; a program has one clock for all keys.
func writer(r vclock.Replica) resolver.Writer {
	return resolver.Writer{Writer: lww.Writer{Replica: r, Clock: &hlc.Clock{}}}
}

// must returns v. The examples have no errors to handle.
func must[V any](v V, err error) V {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// An Order is what two regions change while they cannot reach each other.
type Order struct {
	Status string `json:"status"`
	Paid   bool   `json:"paid"`
}

// paidFirst is a business rule: an order that is paid is not canceled.
func paidFirst(_ context.Context, c *resolver.Conflict[Order]) (resolver.Decision[Order], error) {
	for i, v := range c.Versions {
		if v.Value.Paid {
			return c.Keep(i, "paid"), nil
		}
	}
	return c.Pass("nobody paid"), nil
}

// One region takes the payment for an order while another cancels it. Neither
// write was made in knowledge of the other, so a rule decides.
func Example() {
	ctx := context.Background()
	orders := resolver.New(resolver.Chain(
		resolver.Named("paid first", "an order that is paid is not canceled", paidFirst),
		resolver.LastWriterWins,
	))

	var eu, us resolver.Siblings[Order]
	must(eu.Write(writer("eu"), resolver.Context{}, Order{Status: "open"}))
	us.Merge(&eu)

	out := must(orders.Resolve(ctx, "order-17", &eu))
	must(eu.Write(writer("eu"), out.Context, Order{Status: "open", Paid: true}))
	out = must(orders.Resolve(ctx, "order-17", &us))
	must(us.Write(writer("us"), out.Context, Order{Status: "canceled"}))

	eu.Merge(&us)
	out = must(orders.Resolve(ctx, "order-17", &eu))
	fmt.Printf("%+v: %s\n", out.Value, out.Reason)
	// Output: {Status:open Paid:true}: paid
}

// A stock of 10 is sold from in two regions. The versions are merged field by
// field with the value that both started from, so both sales count.
func ExampleFields() {
	type Stock struct {
		Name   string
		OnHand int64 `merge:"additive"`
	}
	stocks := resolver.New(resolver.Fields(merge.MustCompile(merge.Options[Stock]{})))

	var eu, us resolver.Siblings[Stock]
	base := Stock{"mug", 10}
	must(eu.Write(writer("eu"), resolver.Context{}, base))
	us.Merge(&eu)
	seen := eu.Context()
	must(eu.Edit(writer("eu"), seen, base, Stock{"mug", 8}))
	must(us.Edit(writer("us"), seen, base, Stock{"blue mug", 7}))

	eu.Merge(&us)
	out := must(stocks.Resolve(context.Background(), "sku-1", &eu))
	fmt.Printf("%+v\n", out.Value)
	// Output: {Name:blue mug OnHand:5}
}

// A rule that cannot decide leaves it to a person. Meanwhile a provisional value
// is shown, and a write over it does not swallow the conflict.
func ExampleReconciler_Settle() {
	ctx := context.Background()
	prices := resolver.New[int](resolver.Manual)

	var eu, us resolver.Siblings[int]
	must(eu.Write(writer("eu"), resolver.Context{}, 100))
	must(us.Write(writer("us"), resolver.Context{}, 120))
	eu.Merge(&us)

	out := must(prices.Resolve(ctx, "sku-1", &eu))
	fmt.Println("provisional:", out.Value)

	ticket := out.Ticket // may be stored, as bytes or JSON, until somebody has time
	_, err := prices.Settle(ctx, writer("eu"), &eu, ticket, ticket.Conflict.Use(110, "agreed by phone"))
	out = must(prices.Resolve(ctx, "sku-1", &eu))
	fmt.Println("settled:", out.Value, err)

	_, err = prices.Settle(ctx, writer("eu"), &eu, ticket, ticket.Conflict.Keep(0, "too late"))
	fmt.Println(err != nil)
	// Output:
	// provisional: 120
	// settled: 110 <nil>
	// true
}

// What would another policy have done with last month's conflicts?
func ExampleReplay() {
	ctx := context.Background()
	log := &resolver.MemoryLog{}
	r := resolver.Reconciler[string]{Rule: resolver.LastWriterWins[string], Log: log}
	for _, key := range []string{"ann", "bob"} {
		var eu, us resolver.Siblings[string]
		must(eu.Write(writer("eu"), resolver.Context{}, "Köln"))
		must(us.Write(writer("us"), resolver.Context{}, map[string]string{"ann": "Köln", "bob": "Cologne"}[key]))
		eu.Merge(&us)
		must(r.Resolve(ctx, key, &eu))
	}
	replayed := resolver.Replay(ctx, log.Entries(), resolver.FirstWriterWins[string])
	fmt.Println(len(replayed.Differ), "of", replayed.Decisions, "would have differed:", replayed.Differ[0].Was.Key)
	// Output: 1 of 2 would have differed: bob
}

// The policy in force describes itself, for the documentation.
func ExampleReconciler_Describe() {
	orders := resolver.New(resolver.Chain(
		resolver.Named("paid first", "an order that is paid is not canceled", paidFirst),
		resolver.LastWriterWins,
	))
	fmt.Print(orders.Describe().Markdown())
	// Output:
	// - **chain**: the first of these that decides
	//   - **paid first**: an order that is paid is not canceled
	//   - **last writer wins**: the version with the latest time stands, at equal times that of the larger replica name
}

// Both regions decide to refund an order. The compensations have one key, so it
// is refunded once.
func ExampleConflict_Compensation() {
	rule := resolver.Named("first come", "the earliest stands", func(_ context.Context, c *resolver.Conflict[string]) (resolver.Decision[string], error) {
		return c.Keep(0, "first come").With(c.Compensation("refund "+c.Versions[1].Value, 1)), nil
	})
	var eu, us resolver.Siblings[string]
	must(eu.Write(writer("eu"), resolver.Context{}, "order 17"))
	must(us.Write(writer("us"), resolver.Context{}, "order 18"))
	eu.Merge(&us)
	us.Merge(&eu)

	refunded := map[resolver.ID]bool{}
	for _, region := range []*resolver.Siblings[string]{&eu, &us} {
		out := must(resolver.New(rule).Resolve(context.Background(), "last mug", region))
		for _, c := range out.Compensations {
			if !refunded[c.Key] {
				refunded[c.Key] = true
				fmt.Println(c.Name)
			}
		}
	}
	// Output: refund order 18
}

// Deletes are kept until everybody has merged them. Then the key is forgotten, and
// a late message does not bring it back.
func ExampleSiblings_Reap() {
	clock := &hlc.Clock{}
	w := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: clock}}
	var s resolver.Siblings[string]
	must(s.Write(w, resolver.Context{}, "v"))
	late := s.Clone()
	must(s.Delete(w, s.Context()))

	members, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	members.Record(uint64(clock.Now()))
	must(us.Merge(members)) // sent along with the state
	us.Record(uint64(clock.Now()))
	must(members.Merge(us)) // sent back along with the state of us
	reaped, err := s.Reap(members.Stable(), clock.Now())
	fmt.Println(reaped, err)

	absent := resolver.NewSiblings[string](members.Stable(), 0)
	absent.Merge(late)
	fmt.Println(absent.Len())
	// Output:
	// true <nil>
	// 0
}

// A journal is a log with an entry for each decision, as a table with a unique key.
type journal map[resolver.Identity]resolver.LogEntry

func (j journal) Append(_ context.Context, e resolver.LogEntry) error {
	j[e.Identity()] = e
	return nil
}

// A conflict is decided each time that it is read, and written down once.
func ExampleLogEntry_Identity() {
	var eu, us resolver.Siblings[string]
	must(eu.Write(at("eu", 1), resolver.Context{}, "blue"))
	must(us.Write(at("us", 2), resolver.Context{}, "green"))
	eu.Merge(&us)

	written := journal{}
	r := resolver.New(resolver.LastWriterWins[string])
	r.Log = written
	for range 3 {
		must(r.Resolve(context.Background(), "color", &eu))
	}
	for _, entry := range written {
		fmt.Println(entry.Event, entry.Kind, entry.Rule, entry.Winner.Replica)
	}
	// Output:
	// decided create/create last writer wins us
}

// A server refuses a context from the far future before it writes under it: the
// write would be stamped after it, and every later one after that.
func ExampleContext_Ahead() {
	var far, cart resolver.Siblings[string]
	_, _ = far.Write(at("us", hlc.At(time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC))), resolver.Context{}, "from a broken clock")
	form := far.Context().String() // it comes back with a client's write

	var seen resolver.Context
	if err := seen.UnmarshalText([]byte(form)); err != nil {
		fmt.Println(err)
	}
	now := hlc.At(time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC))
	if err := seen.Ahead(now, time.Minute); err != nil {
		fmt.Println(err)
		return
	}
	_, _ = cart.Write(at("eu", now), seen, "lamp")
	// Output:
	// resolver: time 2262-01-01T00:00:00.000000000Z of "us" is 2060798h0m0s ahead of the clock
}
