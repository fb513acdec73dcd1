// Inventory replays a log of what happened to the stock of a shop in several
// regions, and shows what becomes of each sale:
//
//	(a) under last-writer-wins, where a sale writes the stock that is left,
//	    package lww,
//	(b) with a counter that counts all sales, and can sell too much, and
//	(c) with a counter that never does, as its regions share out the right to
//	    sell, PNCounter and BoundedCounter of package crdt,
//	(d) and with a ledger of orders, where the shop's own rule asks a person whom
//	    to disappoint when too much was sold, package resolver.
//
// Usage:
//
//	go run ./examples/inventory [-json] [-f FILE]
//
// Without -f it replays a built-in log, the story of a flash sale during a
// partition. With -f - it reads standard input. With -json it prints the outcome
// for programs.
//
// # The log
//
// A log has one JSON object per line, in the order in which things happened.
// Blank lines are skipped. Each object has these members:
//
//	region    where it happened: 1 to 32 letters, digits, '-', '_' or '.'
//	clock     what that region's own clock showed, such as "2026-03-01T10:00:02.5Z"
//
// and one of these:
//
//	restock   a quantity of a product has arrived
//	transfer  the region gives away the right to sell a quantity of a product, to
//	          another region. Only (c) knows of such rights.
//	order     a customer orders a quantity of a product. It is sold if there is
//	          enough, as far as the region knows, or else refused.
//	receive   the name of another region: its state arrives here and is merged
//	settle    a person in this region decides which orders of a product to cancel,
//	          and their customers get their money back. Only (d) asks a person.
//
// What receive brings is all that the other region holds at this line, be it made
// there or received from elsewhere. A message that was under way for longer, or
// that arrives late, twice or out of order, also has
//
//	sent      the number of a line: the state that the other region held after it
//
// The clocks of two regions need not agree. When the log ends, each region
// receives the last state of every other, in the order of their names.
//
//	{"region": "eu", "clock": "2026-11-27T08:00:00Z", "restock": {"product": "lamp", "quantity": 10}}
//	{"region": "eu", "clock": "2026-11-27T08:00:01Z", "transfer": {"product": "lamp", "quantity": 4, "to": "us"}}
//	{"region": "us", "clock": "2026-11-27T08:00:02Z", "receive": "eu"}
//	{"region": "us", "clock": "2026-11-27T08:00:03Z", "order": {"id": "u-1", "product": "lamp", "quantity": 2}}
//	{"region": "us", "clock": "2026-11-27T08:00:04Z", "settle": {"product": "lamp", "cancel": ["u-1"]}}
//
// A line that is wrong is reported with its number; nothing else is printed, and
// the exit status is 2.
package main

import (
	_ "embed"
	"io"
	"os"

	"github.com/rejoin-go/rejoin/internal/example"
)

//go:embed main.go
var source string

//go:embed testdata/sale.jsonl
var sale string

func main() { os.Exit(program().Command(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func program() example.Program {
	return example.Program{
		Name: "inventory", Source: source, Story: sale, StoryName: "sale.jsonl",
		Run: func(name string, r io.Reader) (example.Report, error) {
			events, err := parse(name, r)
			if err != nil {
				return nil, err
			}
			return run(events, strategies())
		},
	}
}
