package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// routes returns the API of a region. Reads are answered from its database,
// writes once they are committed there; no request waits for another region,
// except a sale that needs rights to stock.
func (g *region) routes() http.Handler {
	mux := http.NewServeMux()
	write := func(pattern string, h func(w http.ResponseWriter, r *http.Request, key string) error) {
		method, path, _ := strings.Cut(pattern, " ")
		kind, rest, _ := strings.Cut(path, "/")
		mux.Handle(method+" /"+kind+"/{id}"+strings.TrimSuffix("/"+rest, "/"), handler(func(w http.ResponseWriter, r *http.Request) error {
			row := kind + "/" + r.PathValue("id")
			if len(row) > 200 {
				return badRequest("A name has at most 200 bytes.")
			}
			if g.config.plain {
				h = g.overwrite
			}
			return g.toWriter(row, func(w http.ResponseWriter, r *http.Request) error { return h(w, r, row) })(w, r)
		}))
	}
	write("PATCH profile", g.patchProfile)
	write("DELETE profile", g.deleteProfile)
	write("POST cart/{sku}", g.addToCart)
	write("DELETE cart/{sku}", g.deleteFromCart)
	write("POST stock/deliver", g.deliver)
	write("POST stock/buy", g.buy)
	write("PUT flags/{flag}", g.putFlag)
	write("DELETE flags/{flag}", g.deleteFlag)
	write("PUT order", g.putOrder)
	write("DELETE order", g.deleteOrder)
	write("POST order/settle", g.settle)
	mux.Handle("GET /{kind}/{id}", handler(g.getRow))
	g.adminRoutes(mux)
	return mux
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

// change lets do change a row, and answers with what it returns once that is
// committed.
func (g *region) change(w http.ResponseWriter, r *http.Request, key string, do func(t *tx, row *row) (answer any, err error)) error {
	var answer any
	err := g.store.write(r.Context(), func(t *tx) (err error) {
		answer, err = do(t, t.row(key))
		return err
	}, key)
	switch {
	case err != nil:
		return err
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		reply(w, http.StatusOK, answer)
	}
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
func (g *region) patchProfile(w http.ResponseWriter, r *http.Request, key string) error {
	var patch profilePatch
	var seen merge.Token
	match, err := readTag(r, key, &seen)
	if err := cmp.Or(err, readBody(r, &patch)); err != nil {
		return err
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		record := as[*merge.Record[Profile]](row.state)
		before := record.Clone()
		var err error
		if match {
			now, _ := record.Get()
			next, _ := record.Get()
			err = cmp.Or(patch.apply(&next), record.Apply(g.stamps(), seen, now, next))
		} else {
			err = record.Update(g.stamps(), patch.apply)
		}
		if err != nil {
			return nil, err
		}
		t.changed(row, of[*merge.Record[Profile]]{record.Since(before)})
		shown, _ := record.Get()
		return shown, nil
	})
}

func (g *region) deleteProfile(w http.ResponseWriter, r *http.Request, key string) error {
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		if err := as[*merge.Record[Profile]](row.state).Delete(g.stamps()); err != nil {
			return nil, err
		}
		t.changed(row, nil)
		return nil, nil
	})
}

// An amount says by how much.
type amount struct {
	N int64 `json:"n"`
}

func (g *region) addToCart(w http.ResponseWriter, r *http.Request, key string) error {
	var by amount
	if err := readBody(r, &by); err != nil {
		return err
	}
	if by.N == 0 || by.N > 1000 || by.N < -1000 {
		return badRequest("A line changes by 1 to 1000 pieces, up or down.")
	}
	sku := r.PathValue("sku")
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		cart := as[*Cart](row.state)
		t.changed(row, of[*Cart]{cart.Update(g.me(), sku, func(c *crdt.PNCounter) { c.Add(g.me(), by.N) })})
		counter, _ := cart.At(sku)
		line, err := viewLine(row.key, sku, counter)
		w.Header().Set("ETag", line.ETag)
		return line, err
	})
}

// deleteFromCart deletes what the client was shown of a line, and what another
// device has added since stays.
func (g *region) deleteFromCart(w http.ResponseWriter, r *http.Request, key string) error {
	sku := r.PathValue("sku")
	var seen crdt.Context
	match, err := readTag(r, key+"/"+sku, &seen)
	if err != nil {
		return err
	}
	if !match {
		return badRequest("A line is deleted under the ETag that it was shown with: send it as If-Match.")
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		cart := as[*Cart](row.state)
		if err := checkSeen(cart, seen); err != nil {
			return nil, err
		}
		delta, err := cart.DeleteSeen(g.me(), seen, sku)
		if err != nil {
			return nil, badRequest("The ETag is that of another line.")
		}
		t.changed(row, of[*Cart]{delta})
		return nil, nil
	})
}

func (g *region) deliver(w http.ResponseWriter, r *http.Request, key string) error {
	var by amount
	if err := readBody(r, &by); err != nil {
		return err
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		delta, err := as[*crdt.BoundedCounter](row.state).Add(g.seller(), by.N)
		if err == nil {
			t.changed(row, of[*crdt.BoundedCounter]{delta})
		}
		return nil, err
	})
}

func (g *region) buy(w http.ResponseWriter, r *http.Request, key string) error {
	var by amount
	if err := readBody(r, &by); err != nil {
		return err
	}
	return noContent(w, g.sell(r.Context(), key, by.N))
}

func (g *region) putFlag(w http.ResponseWriter, r *http.Request, key string) error {
	var body struct {
		Value string `json:"value"`
	}
	if err := readBody(r, &body); err != nil {
		return err
	}
	return g.setFlag(w, r, key, func(f *Flags, by lww.Writer, flag string) (*Flags, error) { return f.Put(by, flag, body.Value) })
}

func (g *region) deleteFlag(w http.ResponseWriter, r *http.Request, key string) error {
	return g.setFlag(w, r, key, (*Flags).Delete)
}

// setFlag writes a flag and answers with its stamp, which says what it wins
// over.
func (g *region) setFlag(w http.ResponseWriter, r *http.Request, key string, set func(f *Flags, by lww.Writer, flag string) (*Flags, error)) error {
	flag := r.PathValue("flag")
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		flags := as[*Flags](row.state)
		delta, err := set(flags, g.stamps(), flag)
		if err != nil {
			return nil, err
		}
		t.changed(row, of[*Flags]{delta})
		return map[string]lww.Stamp{"stamp": flags.Stamp(flag)}, nil
	})
}

// putOrder writes an order. Under If-Match it replaces what the client was
// shown, without it is a new order beside whatever there is.
func (g *region) putOrder(w http.ResponseWriter, r *http.Request, key string) error {
	var order Order
	if err := readBody(r, &order); err != nil {
		return err
	}
	if order.Item == "" || !slices.Contains([]string{"new", "paid", "shipped", "cancelled"}, order.Status) || order.Total < 0 {
		return badRequest("An order has an item, a total, and one of the states new, paid, shipped and cancelled.")
	}
	return g.writeOrder(w, r, key, func(s *Orders, seen resolver.Context) (resolver.Written[Order], error) {
		return s.Write(g.writer(), seen, order)
	})
}

func (g *region) deleteOrder(w http.ResponseWriter, r *http.Request, key string) error {
	return g.writeOrder(w, r, key, func(s *Orders, seen resolver.Context) (resolver.Written[Order], error) {
		return s.Delete(g.writer(), seen)
	})
}

func (g *region) writeOrder(w http.ResponseWriter, r *http.Request, key string, write func(*Orders, resolver.Context) (resolver.Written[Order], error)) error {
	var seen resolver.Context
	if _, err := readTag(r, key, &seen); err != nil {
		return err
	}
	if now, err := g.clocks.clock.Now(); err != nil {
		return err
	} else if err := seen.Ahead(now, maxAhead); err != nil && !g.clocks.slow() {
		return err // a write under it would be stamped after that
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		if err := g.mayWrite(); err != nil {
			return nil, err // it was promoted away meanwhile
		}
		done, err := write(as[*Orders](row.state), seen)
		if f, ok := errors.AsType[*resolver.FencedError](err); ok {
			g.fence(t, row.key, f.Version.(resolver.Version[Order]))
		}
		if err != nil {
			return nil, err
		}
		g.fence(t, row.key, done.Fenced...)
		t.changed(row, nil)
		g.decide(t, row)
		etag, err := tag(row.key, done.Context)
		w.Header().Set("ETag", etag)
		return nil, err
	})
}

// A settlement is a person's answer to a ticket: one of the versions, by its
// number among the choices.
type settlement struct {
	Ticket string `json:"ticket"`
	Keep   int    `json:"keep"`
}

func (g *region) settle(w http.ResponseWriter, r *http.Request, key string) error {
	var answer settlement
	if err := readBody(r, &answer); err != nil {
		return err
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		orders := as[*Orders](row.state)
		out, err := g.rule().Resolve(r.Context(), row.key, orders)
		if err != nil {
			return nil, err
		}
		if out.Ticket == nil || out.Ticket.Conflict.ID.String() != answer.Ticket {
			return nil, &httpError{http.StatusConflict, "This is not to be decided any more, or more versions have come: read the order again."}
		}
		c := out.Ticket.Conflict
		if answer.Keep < 0 || answer.Keep >= len(c.Versions) {
			return nil, badRequest("The versions have numbers from 0 to %d.", len(c.Versions)-1)
		}
		refunds := refundAfterSettling(c, c.Versions[answer.Keep].Value)
		done, err := g.rule().Settle(r.Context(), g.writer(), orders, out.Ticket, c.Keep(answer.Keep, "decided at "+g.name).With(refunds...))
		if err != nil {
			return nil, err
		}
		g.fence(t, row.key, done.Fenced...)
		t.compensate(refunds)
		t.changed(row, nil)
		return nil, nil
	})
}

// overwrite is all handlers of writes without the library: see plain.go.
func (g *region) overwrite(w http.ResponseWriter, r *http.Request, key string) error {
	var body any
	if err := readBody(r, &body); err != nil {
		return err
	}
	return g.change(w, r, key, func(t *tx, row *row) (any, error) {
		row.state = &plainState{[]byte(r.URL.Path + time.Now().String())}
		t.changed(row, nil)
		return nil, nil
	})
}

func noContent(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
