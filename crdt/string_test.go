package crdt_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// TestString prints every type as what it shows, also where there is no state.
func TestString(t *testing.T) {
	var hits crdt.GCounter
	hits.Add("eu", 3)
	var most crdt.GCounter
	most.Add("eu", math.MaxUint64)
	most.Add("us", 1)
	var stock crdt.PNCounter
	stock.Add("eu", -3)
	seats := crdt.AtLeast(0)
	must(seats.Add("eu", 5))
	var on crdt.EWFlag
	on.Enable("eu")
	var off crdt.DWFlag
	off.Enable("eu")
	off.Disable("eu")
	var grown crdt.GSet[int]
	grown.Add(10)
	grown.Add(9)
	var twice crdt.TwoPSet[string]
	twice.Add("b")
	twice.Add("a")
	twice.Remove("b")
	var set crdt.ORSet[string]
	set.Add("eu", "tea")
	set.Add("eu", "milk")
	var strict crdt.RWSet[string]
	strict.Add("eu", "tea")
	var name, other crdt.MVRegister[string]
	must(name.Set("eu", "b"))
	must(other.Set("us", "a"))
	name.Merge(&other)
	var views crdt.GMap[string, *crdt.GCounter]
	views.Update("home", func(c *crdt.GCounter) *crdt.GCounter { return c.Add("eu", 2) })
	var cart crdt.ORMap[string, *crdt.PNCounter]
	cart.Update("eu", "tea", func(c *crdt.PNCounter) { c.Add("eu", 2) })
	cart.Update("eu", "milk", func(c *crdt.PNCounter) { c.Add("eu", 1) })

	for want, s := range map[string]fmt.Stringer{
		"3":                     &hits,
		"18446744073709551615?": &most,
		"-3":                    &stock,
		"5":                     seats,
		"true":                  &on,
		"false":                 &off,
		"[9 10]":                &grown,
		"[a]":                   &twice,
		"[milk tea]":            &set,
		"[tea]":                 &strict,
		"[a b]":                 &name,
		"map[home:2]":           &views,
		"map[milk:1 tea:2]":     &cart,
		"[]":                    (*crdt.ORSet[string])(nil),
		"0":                     (*crdt.PNCounter)(nil),
		"map[]":                 (*crdt.ORMap[string, *crdt.PNCounter])(nil),
	} {
		require.Equal(t, want, s.String(), "%T", s)
	}
}
