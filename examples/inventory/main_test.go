package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/internal/example/exampletest"
)

func TestProgram(t *testing.T) {
	exampletest.Run(t, program(), "restock", "transfer", "order", "settle", "cancel")
}

// TestJSON reads the outcome of the sale as a program would.
func TestJSON(t *testing.T) {
	type outcome struct {
		Strategy string
		Agreed   bool
		Products []struct {
			Product          string
			Sold, Left, Lost int64
			Shown, Rights    map[string]int64
		}
		Refunds []struct {
			Order    string
			Key      string
			Requests []struct{ Region, Key string }
		}
		Refused []struct{ ID string }
	}
	var got struct{ Outcomes []outcome }
	require.NoError(t, json.Unmarshal([]byte(exampletest.Output(t, program(), "", "-json")), &got))
	require.Len(t, got.Outcomes, 4)
	last, counted, bounded, resolved := got.Outcomes[0], got.Outcomes[1], got.Outcomes[2], got.Outcomes[3]
	for _, o := range got.Outcomes {
		require.True(t, o.Agreed, o.Strategy)
		require.Equal(t, "lamp", o.Products[0].Product)
	}

	require.EqualValues(t, 8, last.Products[0].Lost)
	require.EqualValues(t, 4, last.Products[1].Lost)

	require.EqualValues(t, -3, counted.Products[0].Left)
	require.Zero(t, counted.Products[0].Lost)

	require.EqualValues(t, 2, bounded.Products[0].Left)
	require.Equal(t, map[string]int64{"eu": 0, "us": 2}, bounded.Products[0].Rights)
	require.Len(t, bounded.Refused, 3)

	require.EqualValues(t, 0, resolved.Products[0].Left)
	require.EqualValues(t, 11, resolved.Products[1].Left)
	require.Len(t, resolved.Refunds, 1)
	require.Equal(t, "u-3", resolved.Refunds[0].Order)
	require.Len(t, resolved.Refunds[0].Requests, 2, "both regions decided")
	for _, r := range resolved.Refunds[0].Requests {
		require.Equal(t, resolved.Refunds[0].Key, r.Key)
	}
}

// TestBadLog: a wrong line is named with what is wrong with it, and nothing is
// printed but that. What all examples have in common, package profile tests.
func TestBadLog(t *testing.T) {
	// line completes a line that happens in eu.
	line := func(members string) string {
		return `{"region":"eu","clock":"2026-03-01T10:00:00Z",` + members + "}\n"
	}
	restock := line(`"restock":{"product":"lamp","quantity":3}`)
	order := restock + line(`"order":{"id":"e-1","product":"lamp","quantity":1}`)

	for _, tt := range []struct {
		name string
		log  string
		want string
	}{
		{"empty file", "", "1: the log ends without an event"},
		{"not JSON", restock + "lamp", "2: not JSON: invalid character 'l' looking for beginning of value"},
		{"nothing happens", `{"region":"eu","clock":"2026-03-01T10:00:00Z"}`, `1: nothing happens: one of "restock", "transfer", "order", "receive" or "settle" is needed`},
		{"unknown member", line(`"sale":1`), `1: unknown member "sale": a line has region, clock, and one of restock, transfer, order, receive (with sent) or settle`},
		{"two events", line(`"restock":{},"order":{}`), "1: restock and order on one line: an event is one of them"},
		{"from nobody", restock + line(`"receive":"us"`), `2: eu receives from "us", of which no line before this one tells (regions so far: [eu])`},

		{"not an object", line(`"restock":3`), `1: "restock": want a JSON object, have 3`},
		{"no product", line(`"restock":{"quantity":3}`), `1: "restock" has no "product", want product, quantity`},
		{"a member of another action", line(`"restock":{"product":"lamp","quantity":3,"to":"us"}`), `1: "restock" has "to", want product, quantity`},
		{"duplicate member", line(`"restock":{"product":"lamp","product":"mug"}`), `1: "restock": "product" appears twice`},
		{"product with a space", line(`"restock":{"product":"a lamp","quantity":3}`), `1: "product" is "a lamp", want the name of a product: 1 to 32 letters, digits, '-', '_' or '.'`},
		{"quantity of nothing", line(`"restock":{"product":"lamp","quantity":0}`), `1: "quantity" is 0, want a number from 1 to 1000000`},
		{"too large a quantity", line(`"restock":{"product":"lamp","quantity":1000001}`), `1: "quantity" is 1000001, want a number from 1 to 1000000`},
		{"half a lamp", line(`"restock":{"product":"lamp","quantity":0.5}`), `1: "quantity" is 0.5, want a number from 1 to 1000000`},

		{"unknown product", restock + line(`"order":{"id":"e-1","product":"lmap","quantity":1}`), `2: no line before this one restocks "lmap"`},
		{"order without number", restock + line(`"order":{"product":"lamp","quantity":1}`), `2: "order" has no "id", want id, product, quantity`},
		{"number used twice", order + line(`"order":{"id":"e-1","product":"lamp","quantity":2}`), "3: order e-1 is on line 2 already: each has a number of its own"},
		{"transfer to itself", restock + line(`"transfer":{"product":"lamp","quantity":1,"to":"eu"}`), "2: eu gives rights to itself"},
		{"transfer to nobody", restock + line(`"transfer":{"product":"lamp","quantity":1,"to":""}`), `2: "to" is "", want the name of a region: 1 to 32 letters, digits, '-', '_' or '.'`},

		{"cancel nothing", order + line(`"settle":{"product":"lamp","cancel":[]}`), `3: "cancel" is [], want a list of one or more orders`},
		{"cancel of the wrong type", order + line(`"settle":{"product":"lamp","cancel":"e-1"}`), `3: "cancel" is "e-1", want a list of one or more orders`},
		{"cancel a number", order + line(`"settle":{"product":"lamp","cancel":[1]}`), `3: "cancel" is 1, want the number of an order: 1 to 32 letters, digits, '-', '_' or '.'`},
		{"cancel twice", order + line(`"settle":{"product":"lamp","cancel":["e-1","e-1"]}`), `3: "cancel" names order e-1 twice`},
		{"cancel an unknown order", order + line(`"settle":{"product":"lamp","cancel":["e-2"]}`), "3: no line before this one has an order e-2 to cancel"},
		{
			"cancel the order of another product",
			order + strings.Replace(restock, "lamp", "mug", 1) + line(`"settle":{"product":"mug","cancel":["e-1"]}`),
			"4: order e-1 is one of lamp, not of mug",
		},
	} {
		t.Run(tt.name, func(t *testing.T) { exampletest.Refuse(t, program(), tt.log, tt.want) })
	}
}
