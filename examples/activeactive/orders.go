package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// The ways to run the regions. An operator changes the mode in every region that can be reached.
const (
	activeActive  = "active-active"  // every region takes every write
	homeRegion    = "home-region"    // a key has a home, which its writes are forwarded to while it can be reached
	activePassive = "active-passive" // one region takes writes, until another is promoted
)

type mode struct {
	Name    string `json:"mode"`
	Primary string `json:"primary,omitempty"` // of active-passive
	Epoch   uint64 `json:"epoch,omitempty"`   // of the promotion that made it primary
}

func (g *region) setMode(ctx context.Context, m mode) error {
	switch {
	case m.Name == activeActive, m.Name == homeRegion:
	case m.Name != activePassive:
		return badRequest("there is no mode %q: it is %s, %s or %s", m.Name, activeActive, homeRegion, activePassive)
	case !slices.Contains(g.names, vclock.Replica(m.Primary)):
		return badRequest("there is no region %q to be the primary", m.Primary)
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
	// If the highest epoch is not that of the mode, rows have come that another region wrote as the
	// primary: nobody has told this one, but it knows.
	m := g.mode.Load()
	if m.Name == activePassive && (m.Primary != g.name || g.store.epoch.Load() > m.Epoch) {
		return &httpError{http.StatusMisdirectedRequest, fmt.Sprintf("This region is not the primary: the last that it has heard of is %q.", m.Primary)}
	}
	return nil
}

// promote makes this region the primary. Whoever calls it, an operator or a lease, makes sure that
// no two regions are promoted into the same epoch.
//
// The cut says what this region had merged of each replica that ever wrote, over all orders: a
// version outside of it came too late, and is fenced wherever it turns up.
func (g *region) promote(ctx context.Context) (p resolver.Promotion, err error) {
	// From here on nothing is written that the cut has not seen: what is under way asks mayWrite again.
	before := g.mode.Swap(&mode{Name: activePassive})
	defer func() {
		if err != nil {
			g.mode.Store(before)
		}
	}()
	err = g.store.write(ctx, func(*tx) error { return nil })
	keys, failed := g.store.keysOf(ctx, orderKind)
	if err = cmp.Or(err, failed); err != nil {
		return p, err
	}
	err = g.store.write(ctx, func(t *tx) error {
		var cut resolver.Cut
		for _, key := range keys {
			cut.Add(as[*Orders](t.row(key).state))
		}
		if p, err = cut.Promotion(g.store.epoch.Load() + 1); err != nil {
			return err
		}
		for _, key := range keys {
			fence(t, key, as[*Orders](t.row(key).state).Promote(p)...)
			changed[*Orders](t, t.row(key), nil)
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

func (g *region) rule() *resolver.Reconciler[Order] {
	return g.rules[g.mode.Load().Name == homeRegion]
}

// home returns the home region of a key: that of its user. order/ann:17 and cart/ann are both of ann.
func (g *region) home(key string) vclock.Replica {
	_, name, _ := strings.Cut(key, "/")
	user, _, _ := strings.Cut(name, ":")
	return resolver.Home(user, g.names...)
}

// decide asks the rule about concurrent versions of an order, in the transaction that brought them
// together. A refund that this makes necessary is written down with it, and carried out later.
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

// compensate notes what has to be done outside. Regions that decide alike note the same.
func (t *tx) compensate(list []resolver.Compensation) {
	for _, c := range list {
		t.exec(`INSERT INTO effects (name, done) VALUES ($1, FALSE) ON CONFLICT (name) DO NOTHING`, c.Name)
	}
}

// fence writes down versions of a deposed primary, which are not in the set any more.
func fence(t *tx, key string, versions ...resolver.Version[Order]) {
	for _, v := range versions {
		what := fmt.Sprintf("fenced: %+v, written %v in epoch %d", v.Value, v.Stamp, v.Epoch)
		t.exec(`INSERT INTO audit (at, id, what) VALUES ($1, $2, $3)`, time.Now().UnixNano(), key, what)
	}
}

// carryOut does what has been noted: it asks the bank for refunds. The name is the bank's
// idempotency key, so that it does not matter how often, and from how many regions, it is asked.
func (g *region) carryOut(ctx context.Context) error {
	names, err := g.store.strings(ctx, `SELECT name FROM effects WHERE NOT done ORDER BY name LIMIT 50`)
	for _, name := range names {
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.bank, strings.NewReader(name))
		if err != nil {
			return err
		}
		q.Header.Set("Idempotency-Key", name)
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		_ = a.Body.Close() // nothing was read
		if a.StatusCode/100 != 2 {
			return fmt.Errorf("the bank answers %s", a.Status)
		}
		if err := g.store.write(ctx, func(t *tx) error {
			t.exec(`UPDATE effects SET done = TRUE WHERE name = $1`, name)
			return nil
		}); err != nil {
			return err
		}
	}
	return err
}
