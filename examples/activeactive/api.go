package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// routes returns the API of a region. Reads are answered from its database,
// writes once they are committed there; no request waits for another region,
// except a sale that needs rights to stock.
func (g *region) routes() http.Handler {
	mux := http.NewServeMux()
	on(g, mux, "PATCH /profile/{id}", g.patchProfile)
	on(g, mux, "DELETE /profile/{id}", g.deleteProfile)
	on(g, mux, "POST /cart/{id}/{sku}", g.addToCart)
	on(g, mux, "DELETE /cart/{id}/{sku}", g.deleteFromCart)
	on(g, mux, "POST /stock/{id}/deliver", g.deliver)
	on(g, mux, "PUT /flags/{id}/{flag}", g.putFlag)
	on(g, mux, "DELETE /flags/{id}/{flag}", g.deleteFlag)
	on(g, mux, "PUT /order/{id}", g.putOrder)
	on(g, mux, "DELETE /order/{id}", g.deleteOrder)
	on(g, mux, "POST /order/{id}/settle", g.settle)
	g.handle(mux, "POST /stock/{id}/buy", g.buy)
	mux.Handle("GET /{kind}/{id}", handler(g.getRow))
	g.adminRoutes(mux)
	return mux
}

// handle registers the handler of a write to a row.
func (g *region) handle(mux *http.ServeMux, pattern string, h func(w http.ResponseWriter, r *http.Request, row string) error) {
	kind := strings.Split(pattern, "/")[1]
	mux.Handle(pattern, handler(func(w http.ResponseWriter, r *http.Request) error {
		row := kind + "/" + r.PathValue("id")
		if len(row) > 200 {
			return badRequest("A name has at most 200 bytes.")
		}
		return g.route(w, r, row, func(w http.ResponseWriter, r *http.Request) error { return h(w, r, row) })
	}))
}

// A call is one write: a request, and the row that it changes in a transaction.
type call struct {
	r    *http.Request
	t    *tx
	row  *row
	etag string // of the answer
}

// on registers what changes rows of one kind. do gets what the row holds and what
// the request says. It returns what goes to the other regions, nil for all that
// the row then holds, and the answer, which is given once that is committed.
func on[S replicated[S], Q any](g *region, mux *http.ServeMux, pattern string, do func(c *call, s S, q Q) (delta S, answer any, err error)) {
	g.handle(mux, pattern, func(w http.ResponseWriter, r *http.Request, key string) error {
		q, err := readBody[Q](r)
		if err != nil {
			return err
		}
		var answer any
		var c *call
		if err := g.store.write(r.Context(), func(t *tx) error {
			c = &call{r: r, t: t, row: t.row(key)}
			var delta, whole S
			var err error
			if delta, answer, err = do(c, as[S](c.row.state), q); err != nil {
				return err
			}
			if delta == whole {
				t.changed(c.row, nil)
			} else {
				t.changed(c.row, of[S]{delta})
			}
			return nil
		}, key); err != nil {
			return err
		}
		if c.etag != "" {
			w.Header().Set("ETag", c.etag)
		}
		reply(w, http.StatusOK, answer)
		return nil
	})
}

// getRow answers with what there is to show of a row, see view.go.
func (g *region) getRow(w http.ResponseWriter, r *http.Request) error {
	row := r.PathValue("kind") + "/" + r.PathValue("id")
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return &httpError{http.StatusNotFound, err.Error()}
	}
	shown, etag, err := g.view(r.Context(), row, st)
	if err != nil {
		return err
	}
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	reply(w, http.StatusOK, shown)
	return nil
}

// A profilePatch has what a client wants changed, and leaves the rest alone: a
// form that sends everything it shows back would revert what has changed since.
type profilePatch struct {
	Name       *string  `json:"name"`
	Email      *string  `json:"email"`
	Phone      *string  `json:"phone"`
	City       *string  `json:"city"`
	Tier       *string  `json:"tier"`
	AddTags    []string `json:"addTags"`
	RemoveTags []string `json:"removeTags"`
	AddPoints  int64    `json:"addPoints"`
}

func (p *profilePatch) apply(to *Profile) error {
	for _, f := range []struct{ from, to *string }{
		{p.Name, &to.Name}, {p.Email, &to.Email}, {p.Phone, &to.Phone}, {p.City, &to.City}, {p.Tier, &to.Tier},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	for _, tag := range p.AddTags {
		if !slices.Contains(to.Tags, tag) {
			to.Tags = append(to.Tags, tag)
		}
	}
	to.Tags = slices.DeleteFunc(to.Tags, func(tag string) bool { return slices.Contains(p.RemoveTags, tag) })
	to.Points += p.AddPoints
	return nil
}

// patchProfile changes fields. Under If-Match it is refused if the profile was
// deleted since the client read it.
func (g *region) patchProfile(c *call, record *Profiles, patch profilePatch) (*Profiles, any, error) {
	var seen merge.Token
	match, err := readTag(c.r, c.row.key, &seen)
	if err != nil {
		return nil, nil, err
	}
	before := record.Clone()
	if match {
		now, _ := record.Get()
		next, _ := record.Get()
		err = cmp.Or(patch.apply(&next), record.Apply(g.stamps(), seen, now, next))
	} else {
		err = record.Update(g.stamps(), patch.apply)
	}
	if err != nil {
		return nil, nil, err
	}
	c.row.garbage = c.row.garbage || len(patch.RemoveTags) > 0
	return record.Since(before), nil, nil
}

func (g *region) deleteProfile(c *call, record *Profiles, _ struct{}) (*Profiles, any, error) {
	c.row.garbage = true
	return nil, nil, record.Delete(g.stamps())
}

// An amount says by how much.
type amount struct {
	N int64 `json:"n"`
}

func (g *region) addToCart(c *call, cart *Cart, by amount) (*Cart, any, error) {
	if by.N == 0 || by.N > 1000 || by.N < -1000 {
		return nil, nil, badRequest("A line changes by 1 to 1000 pieces, up or down.")
	}
	sku := c.r.PathValue("sku")
	delta := cart.Update(g.me(), sku, func(c *crdt.PNCounter) { c.Add(g.me(), by.N) })
	counter, _ := cart.At(sku)
	line := viewLine(c.row.key, sku, counter)
	c.etag = line.ETag
	return delta, line, nil
}

// deleteFromCart deletes what the client was shown of a line, and what another
// device has added since stays.
func (g *region) deleteFromCart(c *call, cart *Cart, _ struct{}) (*Cart, any, error) {
	sku := c.r.PathValue("sku")
	var seen crdt.Context
	match, err := readTag(c.r, c.row.key+"/"+sku, &seen)
	switch {
	case err != nil:
		return nil, nil, err
	case !match:
		return nil, nil, badRequest("A line is deleted under the ETag that it was shown with: send it as If-Match.")
	case !cart.HasSeen(seen):
		return nil, nil, errBehind
	}
	delta, err := cart.DeleteSeen(g.me(), seen, sku)
	if err != nil {
		return nil, nil, badRequest("The ETag is that of another line.")
	}
	return delta, nil, nil
}

func (g *region) deliver(_ *call, stock *crdt.BoundedCounter, by amount) (*crdt.BoundedCounter, any, error) {
	delta, err := stock.Add(g.me(), by.N)
	return delta, nil, err
}

// buy may have to ask other regions before it can change the row, so it is no
// single transaction: see rights.go.
func (g *region) buy(w http.ResponseWriter, r *http.Request, row string) error {
	by, err := readBody[amount](r)
	if err = cmp.Or(err, g.sell(r.Context(), row, by.N)); err == nil {
		reply(w, http.StatusOK, nil)
	}
	return err
}

// A flagValue is what a flag is set to.
type flagValue struct {
	Value string `json:"value"`
}

func (g *region) putFlag(c *call, flags *Flags, to flagValue) (*Flags, any, error) {
	delta, err := flags.Put(g.stamps(), c.r.PathValue("flag"), to.Value)
	return delta, nil, err
}

func (g *region) deleteFlag(c *call, flags *Flags, _ struct{}) (*Flags, any, error) {
	delta, err := flags.Delete(g.stamps(), c.r.PathValue("flag"))
	return delta, nil, err
}

// putOrder writes an order. Under If-Match it replaces what the client was
// shown, without it is a new order beside whatever there is.
func (g *region) putOrder(c *call, orders *Orders, order Order) (*Orders, any, error) {
	if order.Item == "" || !slices.Contains([]string{"new", "paid", "shipped", "cancelled"}, order.Status) || order.Total < 0 {
		return nil, nil, badRequest("An order has an item, a total, and one of the states new, paid, shipped and cancelled.")
	}
	return nil, nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
		return orders.Write(g.writer(), seen, order)
	})
}

func (g *region) deleteOrder(c *call, orders *Orders, _ struct{}) (*Orders, any, error) {
	c.row.garbage = true
	return nil, nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
		return orders.Delete(g.writer(), seen)
	})
}

func (g *region) writeOrder(c *call, orders *Orders, write func(resolver.Context) (resolver.Written[Order], error)) error {
	var seen resolver.Context
	if _, err := readTag(c.r, c.row.key, &seen); err != nil {
		return err
	}
	if now, err := g.clocks.clock.Now(); err != nil {
		return err
	} else if err := seen.Ahead(now, maxAhead); err != nil && !g.clocks.slow() {
		return err // a write under it would be stamped after that
	}
	if err := g.mayWrite(); err != nil {
		return err // it was promoted away meanwhile
	}
	if seen.Epoch() >= orders.Epoch() && !orders.Covers(seen) {
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
	c.etag = tag(c.row.key, done.Context)
	return nil
}

// A settlement is a person's answer to a ticket: one of the versions, by its
// number among the choices.
type settlement struct {
	Ticket string `json:"ticket"`
	Keep   int    `json:"keep"`
}

func (g *region) settle(c *call, orders *Orders, answer settlement) (*Orders, any, error) {
	out, err := g.rule().Resolve(c.r.Context(), c.row.key, orders)
	if err != nil {
		return nil, nil, err
	}
	if out.Ticket == nil || out.Ticket.Conflict.ID.String() != answer.Ticket {
		return nil, nil, &httpError{http.StatusConflict, "This is not to be decided any more, or more versions have come: read the order again."}
	}
	conflict := out.Ticket.Conflict
	if answer.Keep < 0 || answer.Keep >= len(conflict.Versions) {
		return nil, nil, badRequest("The versions have numbers from 0 to %d.", len(conflict.Versions)-1)
	}
	back := refunds(conflict, conflict.Versions[answer.Keep].Value)
	done, err := g.rule().Settle(c.r.Context(), g.writer(), orders, out.Ticket, conflict.Keep(answer.Keep, "decided at "+g.name).With(back...))
	if err != nil {
		return nil, nil, err
	}
	fence(c.t, c.row.key, done.Fenced...)
	c.t.compensate(back)
	return nil, nil, nil
}
