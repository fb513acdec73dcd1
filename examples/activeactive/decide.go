package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

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
		t.also(`INSERT INTO effects (name, done) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING`, c.Name)
	}
}

// fence writes down versions of a deposed primary, which are not in the set any
// more.
func (g *region) fence(t *tx, key string, versions ...resolver.Version[Order]) {
	for _, v := range versions {
		t.audit(key, fmt.Sprintf("fenced: %+v, written %v in epoch %d", v.Value, v.Stamp, v.Epoch))
	}
}

// effectsLoop carries out what has been noted: it asks the bank for refunds. The
// name is the bank's idempotency key, so that it does not matter how often, and
// from how many regions, it is asked.
func (g *region) effectsLoop(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, 500*time.Millisecond) {
		if err := g.carryOut(ctx); err != nil && ctx.Err() == nil {
			g.log.Info("refunds", "error", err)
		}
	}
}

func (g *region) carryOut(ctx context.Context) error {
	rows, err := g.store.db.QueryContext(ctx, `SELECT name FROM effects WHERE done = 0 ORDER BY name LIMIT 50`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if err := g.askBank(ctx, name); err != nil {
			return err
		}
		if err := g.store.write(ctx, func(t *tx) error {
			t.also(`UPDATE effects SET done = 1 WHERE name = $1`, name)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
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
