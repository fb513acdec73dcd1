package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// routes returns the API of a region. Reads are answered from its database, writes once they are
// committed there; no request waits for another region, except a sale that needs rights to stock.
func (g *region) routes() http.Handler {
	mux := http.NewServeMux()
	on(g, mux, "PATCH /profile/{id}", g.patchProfile)
	on(g, mux, "DELETE /profile/{id}", g.deleteProfile)
	on(g, mux, "POST /cart/{id}/{sku}", g.addToCart)
	on(g, mux, "DELETE /cart/{id}/{sku}", g.deleteFromCart)
	on(g, mux, "POST /stock/{id}/deliver", func(_ *call, stock *Stock, by amount) (*Stock, error) { return stock.Add(g.me(), by.N) })
	on(g, mux, "POST /stock/{id}/buy", func(_ *call, stock *Stock, by amount) (*Stock, error) { return stock.Sub(g.me(), by.N) })
	on(g, mux, "PUT /flags/{id}/{flag}", func(c *call, flags *Flags, to struct{ Value string }) (*Flags, error) {
		return flags.Put(g.stamps(), c.r.PathValue("flag"), to.Value)
	})
	on(g, mux, "DELETE /flags/{id}/{flag}", func(c *call, flags *Flags, _ struct{}) (*Flags, error) {
		return flags.Delete(g.stamps(), c.r.PathValue("flag"))
	})
	on(g, mux, "PUT /order/{id}", g.putOrder)
	on(g, mux, "DELETE /order/{id}", g.deleteOrder)
	on(g, mux, "POST /order/{id}/settle", g.settle)
	for pattern, h := range map[string]handler{ // the last are for operators and the page
		"GET /{kind}/{id}":    g.getRow,
		"GET /status":         g.getStatus,
		"GET /rows":           g.getRows,
		"GET /events":         g.getEvents,
		"GET /audit":          g.getAudit,
		"POST /admin/mode":    post(g.setMode),
		"POST /admin/promote": g.postPromote,
		"POST /admin/retire":  post(g.retire),
		"POST /admin/skew":    post(g.setSkew),
	} {
		mux.Handle(pattern, h)
	}
	return mux
}

// A call is one write: a request, the row that it changes in a transaction, and the answer, which
// is given once that is committed.
type call struct {
	r      *http.Request
	t      *tx
	row    *row
	answer shown
}

// on registers what changes rows of one kind. do gets what the row holds and what the request says.
// It returns what goes to the other regions, nil for all that the row then holds.
func on[S replicated[S], Q any](g *region, mux *http.ServeMux, pattern string, do func(c *call, s S, q Q) (delta S, err error)) {
	kind := strings.Split(pattern, "/")[1]
	mux.Handle(pattern, handler(func(r *http.Request) (any, error) {
		key := kind + "/" + r.PathValue("id")
		if !isName(key) {
			return nil, badRequest("A name is a text of at most 200 bytes.")
		}
		return g.route(r, key, func(r *http.Request) (any, error) {
			q, err := readBody[Q](r)
			if err != nil {
				return nil, err
			}
			c := &call{r: r}
			err = g.borrowing(r.Context(), key, func() error {
				return g.store.write(r.Context(), func(t *tx) error {
					c.t, c.row = t, t.row(key)
					var whole S
					delta, err := do(c, as[S](c.row.state), q)
					switch {
					case err != nil:
					case delta == whole:
						t.changed(c.row, nil)
					default:
						t.changed(c.row, of[S]{delta})
					}
					return err
				}, key)
			})
			return c.answer, err
		})
	}))
}

// getRow answers with what there is to show of a row, see view.go.
func (g *region) getRow(r *http.Request) (any, error) {
	row := r.PathValue("kind") + "/" + r.PathValue("id")
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return nil, &httpError{http.StatusNotFound, err.Error()}
	}
	return g.view(r.Context(), row, st)
}

// A profilePatch has what a client wants changed, and leaves the rest alone: a form that sends
// everything it shows back would revert what has changed since.
type profilePatch struct {
	Name, Email, Phone, City, Tier *string
	AddTags, RemoveTags            []string
	AddPoints                      int64
}

func (p *profilePatch) apply(to *Profile) error {
	for _, f := range [][2]*string{{p.Name, &to.Name}, {p.Email, &to.Email}, {p.Phone, &to.Phone}, {p.City, &to.City}, {p.Tier, &to.Tier}} {
		if f[0] != nil {
			*f[1] = *f[0]
		}
	}
	to.Tags = slices.DeleteFunc(append(to.Tags, p.AddTags...), func(tag string) bool { return slices.Contains(p.RemoveTags, tag) })
	slices.Sort(to.Tags)
	to.Tags = slices.Compact(to.Tags)
	to.Points += p.AddPoints
	return nil
}

// patchProfile changes fields. Under If-Match it is refused if the profile was deleted since the
// client read it.
func (g *region) patchProfile(c *call, record *Profiles, patch profilePatch) (*Profiles, error) {
	var seen merge.Token
	match, err := readTag(c.r, c.row.key, &seen)
	if err != nil {
		return nil, err
	}
	before := record.Clone()
	if match {
		now, _ := record.Get()
		next, _ := record.Get()
		err = cmp.Or(patch.apply(&next), record.Apply(g.stamps(), seen, now, next))
	} else {
		err = record.Update(g.stamps(), patch.apply)
	}
	c.row.garbage = c.row.garbage || len(patch.RemoveTags) > 0
	return record.Since(before), err
}

func (g *region) deleteProfile(c *call, record *Profiles, _ struct{}) (*Profiles, error) {
	c.row.garbage = true
	return nil, record.Delete(g.stamps())
}

// An amount says by how much.
type amount struct {
	N int64 `json:"n"`
}

func (g *region) addToCart(c *call, cart *Cart, by amount) (*Cart, error) {
	if by.N == 0 || by.N > 1000 || by.N < -1000 {
		return nil, badRequest("A line changes by 1 to 1000 pieces, up or down.")
	}
	sku := c.r.PathValue("sku")
	delta := cart.Update(g.me(), sku, func(c *crdt.PNCounter) { c.Add(g.me(), by.N) })
	counter, _ := cart.At(sku)
	line := viewLine(c.row.key, sku, counter)
	c.answer = shown{line, line.ETag}
	return delta, nil
}

// deleteFromCart deletes what the client was shown of a line, and what another device has added
// since stays.
func (g *region) deleteFromCart(c *call, cart *Cart, _ struct{}) (*Cart, error) {
	sku := c.r.PathValue("sku")
	var seen crdt.Context
	match, err := readTag(c.r, c.row.key+"/"+sku, &seen)
	switch {
	case err != nil:
		return nil, err
	case !match:
		return nil, badRequest("A line is deleted under the ETag that it was shown with: send it as If-Match.")
	case !cart.HasSeen(seen):
		return nil, errBehind
	}
	return cart.DeleteSeen(g.me(), seen, sku) // its tag says that the context is of this line
}

// putOrder writes an order. Under If-Match it replaces what the client was shown, without it is a
// new order beside whatever there is.
func (g *region) putOrder(c *call, orders *Orders, order Order) (*Orders, error) {
	if order.Item == "" || !slices.Contains([]string{"new", "paid", "shipped", "cancelled"}, order.Status) || order.Total < 0 {
		return nil, badRequest("An order has an item, a total, and one of the states new, paid, shipped and cancelled.")
	}
	return nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
		return orders.Write(g.writer(), seen, order)
	})
}

func (g *region) deleteOrder(c *call, orders *Orders, _ struct{}) (*Orders, error) {
	c.row.garbage = true
	return nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
		return orders.Delete(g.writer(), seen)
	})
}

func (g *region) writeOrder(c *call, orders *Orders, write func(resolver.Context) (resolver.Written[Order], error)) error {
	var seen resolver.Context
	_, err := readTag(c.r, c.row.key, &seen)
	now, failed := g.clocks.clock.Now()
	ahead := seen.Ahead(now, maxAhead) // a write under it would be stamped after that
	switch err = cmp.Or(err, failed, g.mayWrite()); {
	case err != nil:
		return err // it may have been promoted away meanwhile
	case ahead != nil && !g.clocks.slow():
		return ahead
	case seen.Epoch() >= orders.Epoch() && !orders.Covers(seen):
		return errBehind
	}
	done, err := write(seen)
	if f, ok := errors.AsType[*resolver.FencedError](err); ok {
		fence(c.t, c.row.key, f.Version.(resolver.Version[Order]))
	}
	if err != nil {
		return err
	}
	fence(c.t, c.row.key, done.Fenced...)
	g.decide(c.t, c.row)
	c.answer.etag = tag(c.row.key, done.Context)
	return nil
}

// settle takes a person's answer to a ticket: which of the versions to keep, by its number among
// the choices.
func (g *region) settle(c *call, orders *Orders, answer struct {
	Ticket string
	Keep   int
},
) (*Orders, error) {
	out, err := g.rule().Resolve(c.r.Context(), c.row.key, orders)
	if err != nil {
		return nil, err
	}
	if out.Ticket == nil || out.Ticket.Conflict.ID.String() != answer.Ticket {
		return nil, &httpError{http.StatusConflict, "This is not to be decided any more, or more versions have come: read the order again."}
	}
	conflict := out.Ticket.Conflict
	if answer.Keep < 0 || answer.Keep >= len(conflict.Versions) {
		return nil, badRequest("The versions have numbers from 0 to %d.", len(conflict.Versions)-1)
	}
	back := refunds(conflict, conflict.Versions[answer.Keep].Value)
	done, err := g.rule().Settle(c.r.Context(), g.writer(), orders, out.Ticket, conflict.Keep(answer.Keep, "decided at "+g.name).With(back...))
	if err != nil {
		return nil, err
	}
	fence(c.t, c.row.key, done.Fenced...)
	c.t.compensate(back)
	return nil, nil
}

func (g *region) getStatus(*http.Request) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return map[string]any{
		"started": g.started, "incarnation": g.id.Incarnation, "mode": g.mode.Load(), "epoch": g.store.highestEpoch(),
		"caughtUp": g.caughtUp, "clocks": g.clocks.report(),
	}, nil
}

func (g *region) postPromote(r *http.Request) (any, error) {
	p, err := g.promote(r.Context())
	return map[string]any{"epoch": p.Epoch, "cut": p.Cut.String()}, err
}

func (g *region) setSkew(_ context.Context, q struct{ MS int64 }) error {
	g.clocks.offset.Store(int64(time.Duration(q.MS) * time.Millisecond))
	return nil
}

func (g *region) getAudit(r *http.Request) (any, error) {
	return g.store.strings(r.Context(), `SELECT id || ': ' || what FROM audit ORDER BY at DESC LIMIT 100`)
}

func (g *region) getEvents(r *http.Request) (any, error) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64) // from the first on, without
	return g.events.since(after), nil
}

// getRows answers with the first rows, for the page.
func (g *region) getRows(r *http.Request) (any, error) {
	out := map[string]any{}
	var err error
	for row := range g.store.rows(r.Context(), &err, `ORDER BY id LIMIT 200`) {
		out[row.key], err = g.viewRow(r.Context(), row.key, row.data)
	}
	return out, err
}
