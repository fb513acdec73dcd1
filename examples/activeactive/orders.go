package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// The ways to run the regions. The mode is a note in each region's database and is changed by an
// operator, in every region that can be reached.
const (
	activeActive  = "active-active"  // every region takes every write
	homeRegion    = "home-region"    // a key has a home, which its writes are forwarded to while it can be reached
	activePassive = "active-passive" // one region takes writes, until another is promoted
)

// A mode is how the regions are run.
type mode struct {
	Name    string `json:"mode"`
	Primary string `json:"primary,omitempty"` // of active-passive
	Epoch   uint64 `json:"epoch,omitempty"`   // of the promotion that made it primary
}

// setMode notes a mode.
func (g *region) setMode(ctx context.Context, m mode) error {
	switch m.Name {
	case activeActive, homeRegion:
		m.Primary = ""
	case activePassive:
		if !slices.Contains(g.regions(), m.Primary) {
			return badRequest("there is no region %q to be the primary", m.Primary)
		}
	default:
		return badRequest("there is no mode %q: it is %s, %s or %s", m.Name, activeActive, homeRegion, activePassive)
	}
	err := g.store.write(ctx, func(t *tx) error {
		t.observe(m.Epoch)
		t.note("mode", m)
		return nil
	})
	if err == nil {
		g.mode.Store(&m)
	}
	return err
}

// mayWrite says whether this region takes writes.
func (g *region) mayWrite() error {
	m, highest := g.mode.Load(), g.store.highestEpoch()
	switch {
	case m.Name == activePassive && m.Primary != g.name:
		return &httpError{http.StatusMisdirectedRequest, fmt.Sprintf("This region is not the primary: send the write to %q.", m.Primary)}
	case m.Name == activePassive && highest > m.Epoch:
		// Rows have come that another region wrote as the primary: nobody has told this one, but it
		// knows.
		return &httpError{http.StatusMisdirectedRequest, fmt.Sprintf("Another region has been promoted in epoch %d.", highest)}
	}
	return nil
}

// promote makes this region the primary. Whoever calls it, an operator or a lease, makes sure that
// no two regions are promoted into the same epoch.
//
// The cut says what this region had merged of each replica, over all orders: a version outside of
// it came too late, and is fenced wherever it turns up. The cut forgets no replica that ever wrote,
// living or not: without its name, all that it wrote would be outside.
func (g *region) promote(ctx context.Context) (p resolver.Promotion, err error) {
	// From here on nothing is written that the cut has not seen: what is under way asks again, in
	// its transaction.
	before := g.mode.Swap(&mode{Name: activePassive})
	defer func() {
		if err != nil {
			g.mode.Store(before)
		}
	}()
	var keys []string
	if err := g.store.write(ctx, func(*tx) (err error) {
		keys, err = g.store.keysOf(ctx, orderKind)
		return err
	}); err != nil {
		return p, err
	}
	err = g.store.write(ctx, func(t *tx) error {
		var cut resolver.Cut
		for _, key := range keys {
			cut.Add(as[*Orders](t.row(key).state))
		}
		if p, err = cut.Promotion(g.store.highestEpoch() + 1); err != nil {
			return err
		}
		for _, key := range keys {
			fence(t, key, as[*Orders](t.row(key).state).Promote(p)...)
			t.changed(t.row(key), nil)
		}
		return nil
	}, keys...)
	if err != nil {
		return p, err
	}
	return p, g.setMode(ctx, mode{Name: activePassive, Primary: g.name, Epoch: p.Epoch})
}

// writer returns who writes orders here, and in which epoch.
func (g *region) writer() resolver.Writer {
	return resolver.Writer{Writer: g.stamps(), Epoch: g.mode.Load().Epoch}
}

// rule returns what is done about concurrent versions of an order.
func (g *region) rule() *resolver.Reconciler[Order] {
	if g.mode.Load().Name == homeRegion {
		return g.homeRule
	}
	return g.freeRule
}

// home returns the home region of a key: that of its user, not of the row, so that all that a user
// does is in one place.
func (g *region) home(key string) vclock.Replica {
	var replicas []vclock.Replica
	for _, name := range g.regions() {
		replicas = append(replicas, vclock.Replica(name))
	}
	return resolver.Home(userOf(key), replicas...)
}

// decide asks the rule about an order that has concurrent versions, in the transaction that brought
// them together. What the decision makes necessary outside, a refund, is written down with it, and
// carried out later.
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

// compensate notes what has to be done outside. Regions that decide alike note the same; the name
// says which payment is meant, and a payment is refunded once.
func (t *tx) compensate(list []resolver.Compensation) {
	for _, c := range list {
		t.exec(`INSERT INTO effects (name, done) VALUES ($1, FALSE) ON CONFLICT (name) DO NOTHING`, c.Name)
	}
}

// fence writes down versions of a deposed primary, which are not in the set any more.
func fence(t *tx, key string, versions ...resolver.Version[Order]) {
	for _, v := range versions {
		t.audit(key, "fenced: %+v, written %v in epoch %d", v.Value, v.Stamp, v.Epoch)
	}
}

// carryOut does what has been noted: it asks the bank for refunds. The name is the bank's
// idempotency key, so that it does not matter how often, and from how many regions, it is asked.
func (g *region) carryOut(ctx context.Context) error {
	names, err := g.store.strings(ctx, `SELECT name FROM effects WHERE NOT done ORDER BY name LIMIT 50`)
	for _, name := range names {
		if err = g.askBank(ctx, name); err != nil {
			break
		}
		err = g.store.write(ctx, func(t *tx) error {
			t.exec(`UPDATE effects SET done = TRUE WHERE name = $1`, name)
			return nil
		})
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
	if a.StatusCode/100 != 2 {
		err = fmt.Errorf("the bank answers %s", a.Status)
	}
	return errors.Join(err, a.Body.Close())
}
