package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rejoin-go/rejoin/resolver"
)

// decide asks the rule about an order that has concurrent versions, in the
// transaction that brought them together. What the decision makes necessary
// outside, a refund, is written down with it, and carried out later.
func (g *region) decide(t *tx, r *row) {
	orders, ok := r.state.(of[*Orders])
	if !ok || orders.s.Len() < 2 {
		return
	}
	out, err := g.rule().Resolve(context.Background(), r.key, orders.s)
	if err != nil {
		g.log.Error("deciding", "key", r.key, "error", err)
		return
	}
	t.compensate(out.Compensations)
}

// compensate notes what has to be done outside. Regions that decide alike note
// the same; the name says which payment is meant, and a payment is refunded
// once.
func (t *tx) compensate(list []resolver.Compensation) {
	for _, c := range list {
		t.exec(`INSERT INTO effects (name, done) VALUES ($1, FALSE) ON CONFLICT (name) DO NOTHING`, c.Name)
	}
}

// fence writes down versions of a deposed primary, which are not in the set any
// more.
func fence(t *tx, key string, versions ...resolver.Version[Order]) {
	for _, v := range versions {
		t.audit(key, "fenced: %+v, written %v in epoch %d", v.Value, v.Stamp, v.Epoch)
	}
}

// carryOut does what has been noted: it asks the bank for refunds. The name is the
// bank's idempotency key, so that it does not matter how often, and from how many
// regions, it is asked.
func (g *region) carryOut(ctx context.Context) error {
	names, err := g.store.strings(ctx, `SELECT name FROM effects WHERE NOT done ORDER BY name LIMIT 50`)
	for _, name := range names {
		if err = g.askBank(ctx, name); err != nil {
			return err
		}
		if err = g.store.write(ctx, func(t *tx) error {
			t.exec(`UPDATE effects SET done = TRUE WHERE name = $1`, name)
			return nil
		}); err != nil {
			return err
		}
	}
	return err
}

// askBank asks for one refund.
func (g *region) askBank(ctx context.Context, name string) error {
	if g.config.bank == "" {
		return nil
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.bank, strings.NewReader(name))
	if err != nil {
		return err
	}
	q.Header.Set("Idempotency-Key", name)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode/100 != 2 {
		return fmt.Errorf("the bank answers %s", a.Status)
	}
	return nil
}
