package resolvertest_test

import (
	"context"
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/resolver/resolvertest"
)

// An Order is what two regions change while they cannot reach each other.
type Order struct {
	Status string
	Paid   bool
}

// paidFirst is to keep an order that is paid. Its author forgot that
// somebody else may delete what a customer paid for.
func paidFirst(_ context.Context, c *resolver.Conflict[Order]) (resolver.Decision[Order], error) {
	last := len(c.Versions) - 1
	if c.Versions[last].Deleted {
		return c.Delete("deleted"), nil
	}
	for i, v := range c.Versions {
		if v.Value.Paid {
			return c.Keep(i, "paid"), nil
		}
	}
	return c.Keep(last, "latest"), nil
}

func Example() {
	kit := &resolvertest.Kit[Order]{
		Rule:   resolver.Named("paid first", "an order that is paid stands", paidFirst),
		Values: rapid.SampledFrom([]Order{{Status: "open"}, {Status: "open", Paid: true}}),
		Expect: func(out resolver.Outcome[Order]) error {
			for _, v := range out.Conflict.Versions {
				if v.Value.Paid && !out.Value.Paid {
					return errors.New("a payment is lost")
				}
			}
			return nil
		},
	}
	// In a test: kit.Check(t)
	fmt.Println(kit.Run(1, 100))
	// Output:
	// resolvertest: broken law: an outcome is as expected
	//   1. eu writes {open true}
	//   2. us deletes
	// conflict over "k" (tied): eu@1 {open true}, us@1 deleted
	// eu deletes: deleted: a payment is lost
}
