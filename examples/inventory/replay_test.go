package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/example/exampletest"
	"github.com/rejoin-go/rejoin/resolver"
)

func play(t require.TestingT, log string) *report {
	events, err := parse("log", strings.NewReader(log))
	require.NoError(t, err, "%s", log)
	rep, err := run(events, strategies())
	require.NoError(t, err, "%s", log)
	return rep
}

// first returns the first n lines of the sale. The partition ends after 14; after
// 16, two regions know of the conflict.
func first(n int) string { return strings.Join(strings.SplitAfter(sale, "\n")[:n], "") }

// TestSaleInEveryOrderOfReceipts keeps the orders of the sale and delivers them in
// every order, some twice and some late: the outcome is the same.
func TestSaleInEveryOrderOfReceipts(t *testing.T) {
	deliveries := []string{
		`{"region": "us", "clock": "2026-11-27T12:10:00Z", "receive": "eu"}`,
		`{"region": "us", "clock": "2026-11-27T12:10:00Z", "receive": "eu", "sent": 8}`,
		`{"region": "eu", "clock": "2026-11-27T12:10:00Z", "receive": "us"}`,
		`{"region": "ap", "clock": "2026-11-27T12:10:00Z", "receive": "eu", "sent": 11}`,
		`{"region": "us", "clock": "2026-11-27T12:10:00Z", "receive": "ap"}`,
	}
	want := play(t, first(14)).Outcomes
	require.NotNil(t, want[3].Products[0].Ticket)
	require.Len(t, want[3].Products[0].Ticket.Orders, 5)
	orders := 0
	exampletest.Permute(deliveries, func(receipts []string) {
		orders++
		log := first(14) + strings.Join(receipts, "\n")
		require.Equal(t, want, play(t, log).Outcomes, "%s", log)
	})
	require.Equal(t, 120, orders)
}

// TestRefundOnce lets two regions settle the sale, in every order of what they
// receive and decide: one refund is emitted, whether one of them decides or both.
func TestRefundOnce(t *testing.T) {
	const settle = `"settle": {"product": "lamp", "cancel": ["u-3"]}}`
	steps := []string{
		`{"region": "eu", "clock": "2026-11-27T12:10:00Z", "receive": "us"}`,
		`{"region": "us", "clock": "2026-11-27T12:10:00Z", "receive": "eu"}`,
		`{"region": "us", "clock": "2026-11-27T12:10:00Z", "receive": "eu", "sent": 13}`,
		`{"region": "eu", "clock": "2026-11-27T12:14:00Z", ` + settle,
		`{"region": "us", "clock": "2026-11-27T12:15:00Z", ` + settle,
		`{"region": "ap", "clock": "2026-11-27T12:15:00Z", "receive": "us"}`,
	}
	before := func(order []string, a, b int) bool {
		return slices.Index(order, steps[a]) < slices.Index(order, steps[b])
	}
	var (
		keys    = make(map[resolver.ID]bool)
		decided [3]int // orders of the steps, by how many regions decided
	)
	exampletest.Permute(slices.Clone(steps), func(order []string) {
		if !before(order, 0, 3) || !before(order, 1, 4) && !before(order, 2, 4) {
			return // a region settles before it knows of a conflict
		}
		log := first(14) + strings.Join(order, "\n")
		o := play(t, log).Outcomes[3]
		require.True(t, o.Agreed, "%s", log)
		require.Zero(t, o.Products[0].Left, "%s", log)
		require.Nil(t, o.Products[0].Ticket, "%s", log)
		require.Len(t, o.Refunds, 1, "%s", log)
		decided[len(o.Refunds[0].Requests)]++
		for _, r := range o.Refunds[0].Requests {
			keys[r.Key] = true
		}
	})
	require.Zero(t, decided[0])
	require.NotZero(t, decided[1])
	require.NotZero(t, decided[2])
	require.Len(t, keys, 1)
}

// A region that sells on, before it hears of the settlement, has other versions in
// its ticket, and so another idempotency key. The order is refunded once.
func TestRefundOnceUnderTwoKeys(t *testing.T) {
	rep := play(t, `
{"region":"eu","clock":"2026-11-27T08:00:00Z","restock":{"product":"lamp","quantity":9}}
{"region":"us","clock":"2026-11-27T08:00:00Z","receive":"eu"}
{"region":"eu","clock":"2026-11-27T12:00:00Z","order":{"id":"e-1","product":"lamp","quantity":5}}
{"region":"us","clock":"2026-11-27T12:00:00Z","order":{"id":"u-1","product":"lamp","quantity":5}}
{"region":"ap","clock":"2026-11-27T12:01:00Z","receive":"eu"}
{"region":"ap","clock":"2026-11-27T12:01:00Z","receive":"us"}
{"region":"ap","clock":"2026-11-27T12:02:00Z","settle":{"product":"lamp","cancel":["e-1"]}}
{"region":"eu","clock":"2026-11-27T12:02:00Z","order":{"id":"e-2","product":"lamp","quantity":1}}
{"region":"us","clock":"2026-11-27T12:03:00Z","receive":"eu"}
{"region":"us","clock":"2026-11-27T12:04:00Z","settle":{"product":"lamp","cancel":["e-1"]}}`)
	o := rep.Outcomes[3]
	require.Len(t, o.Refunds, 1)
	require.Len(t, o.Refunds[0].Requests, 2)
	require.NotEqual(t, o.Refunds[0].Requests[0].Key, o.Refunds[0].Requests[1].Key)
	require.EqualValues(t, 3, o.Products[0].Left)
	require.Nil(t, o.Products[0].Ticket)
}

// TestReplay draws logs of three regions, and delivers in each some messages
// again. What holds for every log: repetitions change nothing; regions agree;
// counters count every sale and the bounded one sells no more than there is; the
// ledgers hold exactly what was taken, cancelled or not, and a refund is that of an
// order which is cancelled.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log, repeated := drawLog(t)
		want := play(t, log).Outcomes
		require.Equal(t, want, play(t, repeated).Outcomes, "%s", repeated)

		events, err := parse("log", strings.NewReader(log))
		require.NoError(t, err)
		p := newReplay(events, strategies())
		model := make(map[string]map[entry]bool) // by product: what ever came and went
		for _, product := range p.products {
			model[product] = make(map[entry]bool)
		}
		quantities := make(map[string]int64)
		for _, e := range events {
			effects, err := p.play(e)
			require.NoError(t, err)
			if e.Receive != "" || effects[3].Refused {
				continue
			}
			switch e.Action {
			case "restock":
				model[e.Product][entry{e.ID, e.Quantity}] = true
			case "order":
				quantities[e.ID] = e.Quantity
				model[e.Product][entry{e.ID, -e.Quantity}] = true
			case "settle":
				for _, id := range e.Cancel {
					model[e.Product][entry{id, quantities[id]}] = true
				}
			}
		}
		require.NoError(t, p.finish())

		for name, r := range p.regions {
			for _, product := range p.products {
				require.Equal(t, model[product], entries(r, product), "%s in %s after\n%s", product, name, log)
			}
		}
		refunded := make(map[string]bool)
		for _, f := range want[3].Refunds {
			require.False(t, refunded[f.Order], "%s twice after\n%s", f.Order, log)
			refunded[f.Order] = true
		}
		for i, o := range want {
			require.True(t, o.Agreed, "%s disagrees after\n%s", o.Strategy, log)
			for _, product := range o.Products {
				product.check(t, i, log)
			}
		}
	})
}

// entries returns what a region has in its ledger of a product.
func entries(r *region, product string) map[entry]bool {
	all := make(map[entry]bool)
	for e := range union(r.sites[3].(*desk).siblings(product).Versions()).All() {
		all[e] = true
	}
	return all
}

// check checks p, an outcome of strategy i.
func (p *product) check(t *rapid.T, i int, log string) {
	if i > 0 {
		require.Zero(t, p.Lost, "%s after\n%s", p.Name, log)
	}
	switch i {
	case 2:
		var sum int64
		for _, n := range p.Rights {
			require.GreaterOrEqual(t, n, int64(0), "%s after\n%s", p.Name, log)
			sum += n
		}
		require.Equal(t, p.Left, sum, "%s after\n%s", p.Name, log)
	case 3:
		require.Equal(t, p.Left < 0, p.Ticket != nil, "%s after\n%s", p.Name, log)
	}
}

// drawLog draws what follows on the partition of the sale, twice: in repeated, some
// messages are delivered again, on lines that are blank in log.
func drawLog(t *rapid.T) (log, repeated string) {
	var (
		a, b    strings.Builder
		regions = []string{"ap", "eu", "us"}
		began   = map[string]int{"ap": 7, "eu": 1, "us": 6} // their first lines
		orders  = map[string][]string{"lamp": {"e-1", "e-2", "e-3", "u-1", "u-3"}, "mug": {"a-1", "u-2"}}
		sent    []string // messages delivered
	)
	write := func(line string) {
		fmt.Fprintln(&a, line)
		fmt.Fprintln(&b, line)
	}
	write(strings.TrimSuffix(first(16), "\n"))
	for line := range rapid.IntRange(1, 25).Draw(t, "lines") {
		line += 17
		if len(sent) > 0 && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			fmt.Fprintln(&a)
			fmt.Fprintln(&b, rapid.SampledFrom(sent).Draw(t, "message"))
			continue
		}
		r := rapid.SampledFrom(regions).Draw(t, "region")
		product := rapid.SampledFrom([]string{"lamp", "lamp", "mug"}).Draw(t, "product")
		quantity := rapid.IntRange(1, 5).Draw(t, "quantity")
		from := rapid.SampledFrom(regions).Draw(t, "other")
		head := fmt.Sprintf(`{"region":%q,"clock":"2026-11-27T12:00:%02dZ",`, r, rapid.IntRange(0, 59).Draw(t, "clock"))
		what := rapid.SampledFrom([]string{"order", "receive", "receive", "settle", "settle", "transfer", "restock"}).Draw(t, "what")
		switch {
		case what == "receive" && from != r:
			at := rapid.IntRange(began[from], line-1).Draw(t, "sent")
			sent = append(sent, fmt.Sprintf(`%s"receive":%q,"sent":%d}`, head, from, at))
			write(sent[len(sent)-1])
		case what == "settle" && len(orders[product]) > 0:
			cancel, _ := json.Marshal(rapid.SliceOfNDistinct(rapid.SampledFrom(orders[product]), 1, 2, rapid.ID).Draw(t, "cancel"))
			write(fmt.Sprintf(`%s"settle":{"product":%q,"cancel":%s}}`, head, product, cancel))
		case what == "transfer" && from != r:
			write(fmt.Sprintf(`%s"transfer":{"product":%q,"quantity":%d,"to":%q}}`, head, product, quantity, from))
		case what == "restock":
			write(fmt.Sprintf(`%s"restock":{"product":%q,"quantity":%d}}`, head, product, quantity))
		default:
			id := fmt.Sprintf("o-%d", line)
			orders[product] = append(orders[product], id)
			write(fmt.Sprintf(`%s"order":{"id":%q,"product":%q,"quantity":%d}}`, head, id, product, quantity))
		}
	}
	return a.String(), b.String()
}

// FuzzParse feeds the parser anything. What it accepts can be replayed and
// printed; what it refuses, it refuses with the number of a line.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sale))
	f.Add([]byte(`{"region":"us","clock":"2026-03-01T10:00:00Z","restock":{"product":"a","product":"b"}}`))
	f.Add([]byte("\ufeff{}\r\n\n"))
	f.Add([]byte(`{"region":"us","clock":"2261-12-31T23:59:59.999999999+01:00","restock":{"product":"lamp","quantity":1000000}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := parse("log", strings.NewReader(string(data)))
		if err != nil {
			require.Regexp(t, `^log:[0-9]+: .`, err.Error())
			require.Nil(t, events)
			return
		}
		rep, err := run(events, strategies())
		require.NoError(t, err)
		for _, o := range rep.Outcomes {
			require.True(t, o.Agreed)
		}
		for _, r := range rep.Text() {
			require.False(t, r < ' ' && r != '\n', "control character %q in the text", r)
		}
		_, err = json.Marshal(rep)
		require.NoError(t, err)
	})
}
