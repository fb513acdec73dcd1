package main

import (
	"context"
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
	read := func(kind string, h func(w http.ResponseWriter, r *http.Request, row string) error) {
		mux.Handle("GET /"+kind+"/{id}", handler(func(w http.ResponseWriter, r *http.Request) error {
			return h(w, r, kind+"/"+r.PathValue("id"))
		}))
	}
	write := func(method, kind, rest string, h func(w http.ResponseWriter, r *http.Request, row string) error) {
		mux.Handle(method+" /"+kind+"/{id}"+rest, handler(func(w http.ResponseWriter, r *http.Request) error {
			id := r.PathValue("id")
			if len(id) > 200 {
				return badRequest("A name has at most 200 bytes.")
			}
			if g.config.plain {
				h = g.overwrite
			}
			row := kind + "/" + id
			return g.toWriter(row, func(w http.ResponseWriter, r *http.Request) error { return h(w, r, row) })(w, r)
		}))
	}
	read(profileKind, g.getProfile)
	write("PATCH", profileKind, "", g.patchProfile)
	write("DELETE", profileKind, "", g.deleteProfile)
	read(cartKind, g.getCart)
	write("POST", cartKind, "/{sku}", g.addToCart)
	write("DELETE", cartKind, "/{sku}", g.deleteFromCart)
	read(stockKind, g.getStock)
	write("POST", stockKind, "/deliver", g.deliver)
	write("POST", stockKind, "/buy", g.buy)
	read(flagKind, g.getFlags)
	write("PUT", flagKind, "/{flag}", g.putFlag)
	write("DELETE", flagKind, "/{flag}", g.deleteFlag)
	read(orderKind, g.getOrder)
	write("PUT", orderKind, "", g.putOrder)
	write("DELETE", orderKind, "", g.deleteOrder)
	write("POST", orderKind, "/settle", g.settle)
	g.adminRoutes(mux)
	return mux
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

func (g *region) getProfile(w http.ResponseWriter, r *http.Request, row string) error {
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return err
	}
	profile, seen := as[*merge.Record[Profile]](st).Snapshot()
	etag, err := tag(row, seen)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag)
	reply(w, http.StatusOK, profile)
	return nil
}

// patchProfile changes fields. Under If-Match it is refused if the profile was
// deleted since the client read it.
func (g *region) patchProfile(w http.ResponseWriter, r *http.Request, row string) error {
	var patch profilePatch
	if err := readBody(r, &patch); err != nil {
		return err
	}
	var seen merge.Token
	match, err := readTag(r, row, &seen)
	if err != nil {
		return err
	}
	var profile Profile
	err = g.store.write(r.Context(), func(t *tx) error {
		record := as[*merge.Record[Profile]](t.row(row).state)
		if !match {
			err = record.Update(g.stamps(), patch.apply)
		} else {
			now, _ := record.Value()
			next, _ := record.Value()
			err = errors.Join(patch.apply(&next), record.Apply(g.stamps(), seen, now, next))
		}
		if err == nil {
			profile, _ = record.Value()
			t.changed(t.row(row), nil)
		}
		return err
	}, row)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, profile)
	return nil
}

func (g *region) deleteProfile(w http.ResponseWriter, r *http.Request, row string) error {
	err := g.store.write(r.Context(), func(t *tx) error {
		if err := as[*merge.Record[Profile]](t.row(row).state).Delete(g.stamps()); err != nil {
			return err
		}
		t.changed(t.row(row), nil)
		return nil
	}, row)
	return noContent(w, err)
}

// A cartLine has an ETag of its own: to delete it is to delete what the client
// was shown of it, and what another device has added since stays.
type cartLine struct {
	SKU   string `json:"sku"`
	Count int64  `json:"count"`
	ETag  string `json:"etag"`
}

func cartLines(row string, cart *Cart) ([]cartLine, error) {
	lines := []cartLine{}
	for sku, c := range cart.All() {
		etag, err := tag(row+"/"+sku, c.Context())
		if err != nil {
			return nil, err
		}
		n, _ := c.Value()
		lines = append(lines, cartLine{sku, n, etag})
	}
	slices.SortFunc(lines, func(a, b cartLine) int { return strings.Compare(a.SKU, b.SKU) })
	return lines, nil
}

func (g *region) getCart(w http.ResponseWriter, r *http.Request, row string) error {
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return err
	}
	lines, err := cartLines(row, as[*Cart](st))
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, lines)
	return nil
}

// A change says by how much.
type change struct {
	N int64 `json:"n"`
}

func (g *region) addToCart(w http.ResponseWriter, r *http.Request, row string) error {
	var by change
	if err := readBody(r, &by); err != nil {
		return err
	}
	if by.N == 0 || by.N > 1000 || by.N < -1000 {
		return badRequest("A line changes by 1 to 1000 pieces, up or down.")
	}
	sku := r.PathValue("sku")
	var line cartLine
	err := g.store.write(r.Context(), func(t *tx) (err error) {
		cart := as[*Cart](t.row(row).state)
		delta := cart.Update(g.me(), sku, func(c *crdt.PNCounter) { c.Add(g.me(), by.N) })
		t.changed(t.row(row), of[*Cart]{delta})
		c, _ := cart.At(sku)
		line.SKU = sku
		line.Count, _ = c.Value()
		line.ETag, err = tag(row+"/"+sku, c.Context())
		return err
	}, row)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", line.ETag)
	reply(w, http.StatusOK, line)
	return nil
}

func (g *region) deleteFromCart(w http.ResponseWriter, r *http.Request, row string) error {
	sku := r.PathValue("sku")
	var seen crdt.Context
	match, err := readTag(r, row+"/"+sku, &seen)
	if err != nil {
		return err
	}
	if !match {
		return badRequest("A line is deleted under the ETag that it was shown with: send it as If-Match.")
	}
	err = g.store.write(r.Context(), func(t *tx) error {
		cart := as[*Cart](t.row(row).state)
		if err := checkCovers(cart, seen); err != nil {
			return err
		}
		t.changed(t.row(row), of[*Cart]{cart.Update(g.me(), sku, func(c *crdt.PNCounter) { c.ResetSeen(g.me(), seen) })})
		return nil
	}, row)
	return noContent(w, err)
}

type stockView struct {
	Left    int64            `json:"left"`
	Exact   bool             `json:"exact"`
	Holders map[string]int64 `json:"holders"`
}

func viewStock(stock *crdt.BoundedCounter) stockView {
	v := stockView{Holders: map[string]int64{}}
	v.Left, v.Exact = stock.Value()
	for r, n := range stock.Holders() {
		v.Holders[string(r)] = n
	}
	return v
}

func (g *region) getStock(w http.ResponseWriter, r *http.Request, row string) error {
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, viewStock(as[*crdt.BoundedCounter](st)))
	return nil
}

func (g *region) deliver(w http.ResponseWriter, r *http.Request, row string) error {
	var by change
	if err := readBody(r, &by); err != nil {
		return err
	}
	err := g.store.write(r.Context(), func(t *tx) error {
		delta, err := as[*crdt.BoundedCounter](t.row(row).state).Add(g.seller(), by.N)
		if err == nil {
			t.changed(t.row(row), of[*crdt.BoundedCounter]{delta})
		}
		return err
	}, row)
	return noContent(w, err)
}

func (g *region) buy(w http.ResponseWriter, r *http.Request, row string) error {
	var by change
	if err := readBody(r, &by); err != nil {
		return err
	}
	return noContent(w, g.sell(r.Context(), row, by.N))
}

func (g *region) getFlags(w http.ResponseWriter, r *http.Request, row string) error {
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return err
	}
	flags := map[string]string{}
	for k, v := range as[*Flags](st).All() {
		flags[k] = v
	}
	reply(w, http.StatusOK, flags)
	return nil
}

func (g *region) putFlag(w http.ResponseWriter, r *http.Request, row string) error {
	var body struct {
		Value string `json:"value"`
	}
	if err := readBody(r, &body); err != nil {
		return err
	}
	return g.setFlag(w, r, row, func(f *Flags, by lww.Writer, flag string) (*Flags, error) { return f.Put(by, flag, body.Value) })
}

func (g *region) deleteFlag(w http.ResponseWriter, r *http.Request, row string) error {
	return g.setFlag(w, r, row, (*Flags).Delete)
}

// setFlag writes a flag and answers with its stamp, which says what it wins
// over.
func (g *region) setFlag(w http.ResponseWriter, r *http.Request, row string, set func(f *Flags, by lww.Writer, flag string) (*Flags, error)) error {
	flag := r.PathValue("flag")
	var stamp lww.Stamp
	err := g.store.write(r.Context(), func(t *tx) error {
		flags := as[*Flags](t.row(row).state)
		delta, err := set(flags, g.stamps(), flag)
		if err == nil {
			stamp = flags.Stamp(flag)
			t.changed(t.row(row), of[*Flags]{delta})
		}
		return err
	}, row)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]lww.Stamp{"stamp": stamp})
	return nil
}

// An orderView is what there is to show of an order.
type orderView struct {
	Order    *Order   `json:"order"` // null if there is none
	Versions []string `json:"versions,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Ticket   string   `json:"ticket,omitempty"` // of what a person has to decide
	Choices  []Order  `json:"choices,omitempty"`
}

func (g *region) viewOrder(ctx context.Context, row string, s *Orders) (orderView, resolver.Outcome[Order], error) {
	out, err := g.rule().Resolve(ctx, row, s)
	if err != nil {
		return orderView{}, out, err
	}
	v := orderView{Rule: out.Rule, Reason: out.Reason}
	if out.Found {
		v.Order = &out.Value
	}
	if out.Conflict != nil {
		for _, version := range out.Conflict.Versions {
			v.Versions = append(v.Versions, version.Stamp.String())
			v.Choices = append(v.Choices, version.Value)
		}
	}
	if out.Ticket != nil {
		v.Ticket, v.Reason = out.Ticket.Conflict.ID.String(), out.Ticket.Reason
	}
	return v, out, nil
}

func (g *region) getOrder(w http.ResponseWriter, r *http.Request, row string) error {
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return err
	}
	v, out, err := g.viewOrder(r.Context(), row, as[*Orders](st))
	if err != nil {
		return err
	}
	etag, err := tag(row, out.Context)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag)
	reply(w, http.StatusOK, v)
	return nil
}

// putOrder writes an order. Under If-Match it replaces what the client was
// shown, without it is a new order beside whatever there is.
func (g *region) putOrder(w http.ResponseWriter, r *http.Request, row string) error {
	var order Order
	if err := readBody(r, &order); err != nil {
		return err
	}
	if order.Item == "" || !slices.Contains([]string{"new", "paid", "shipped", "cancelled"}, order.Status) || order.Total < 0 {
		return badRequest("An order has an item, a total, and one of the states new, paid, shipped and cancelled.")
	}
	return g.writeOrder(w, r, row, func(s *Orders, seen resolver.Context) (resolver.Written[Order], error) {
		return s.Write(g.writer(), seen, order)
	})
}

func (g *region) deleteOrder(w http.ResponseWriter, r *http.Request, row string) error {
	return g.writeOrder(w, r, row, func(s *Orders, seen resolver.Context) (resolver.Written[Order], error) {
		return s.Delete(g.writer(), seen)
	})
}

func (g *region) writeOrder(w http.ResponseWriter, r *http.Request, row string, write func(*Orders, resolver.Context) (resolver.Written[Order], error)) error {
	var seen resolver.Context
	if _, err := readTag(r, row, &seen); err != nil {
		return err
	}
	if now, err := g.clocks.clock.Now(); err != nil {
		return err
	} else if err := seen.Ahead(now, maxAhead); err != nil && !g.clocks.slow() {
		return err // a write under it would be stamped after that
	}
	var etag string
	err := g.store.write(r.Context(), func(t *tx) error {
		if err := g.mayWrite(); err != nil {
			return err // it was promoted away meanwhile
		}
		row := t.row(row)
		done, err := write(as[*Orders](row.state), seen)
		if err != nil {
			if f, ok := errors.AsType[*resolver.FencedError](err); ok {
				g.fence(t, row.key, f.Version.(resolver.Version[Order]))
			}
			return err
		}
		g.fence(t, row.key, done.Fenced...)
		t.changed(row, nil)
		g.decide(t, row)
		etag, err = tag(row.key, done.Context)
		return err
	}, row)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// A settlement is a person's answer to a ticket: one of the versions, by its
// number among the choices.
type settlement struct {
	Ticket string `json:"ticket"`
	Keep   int    `json:"keep"`
}

func (g *region) settle(w http.ResponseWriter, r *http.Request, row string) error {
	var answer settlement
	if err := readBody(r, &answer); err != nil {
		return err
	}
	err := g.store.write(r.Context(), func(t *tx) error {
		row := t.row(row)
		orders := as[*Orders](row.state)
		out, err := g.rule().Resolve(r.Context(), row.key, orders)
		if err != nil {
			return err
		}
		if out.Ticket == nil || out.Ticket.Conflict.ID.String() != answer.Ticket {
			return &httpError{http.StatusConflict, "This is not to be decided any more, or more versions have come: read the order again."}
		}
		c := out.Ticket.Conflict
		if answer.Keep < 0 || answer.Keep >= len(c.Versions) {
			return badRequest("The versions have numbers from 0 to %d.", len(c.Versions)-1)
		}
		refunds := refundAfterSettling(c, c.Versions[answer.Keep].Value)
		done, err := g.rule().Settle(r.Context(), g.writer(), orders, out.Ticket, c.Keep(answer.Keep, "decided at "+g.name).With(refunds...))
		if err != nil {
			return err
		}
		g.fence(t, row.key, done.Fenced...)
		t.compensate(refunds)
		t.changed(row, nil)
		return nil
	}, row)
	return noContent(w, err)
}

// overwrite is all handlers of writes without the library: see plain.go.
func (g *region) overwrite(w http.ResponseWriter, r *http.Request, row string) error {
	var body any
	if err := readBody(r, &body); err != nil {
		return err
	}
	text := []byte(r.URL.Path + time.Now().String())
	err := g.store.write(r.Context(), func(t *tx) error {
		t.row(row).state = &plainState{text}
		t.changed(t.row(row), nil)
		return nil
	}, row)
	return noContent(w, err)
}

func noContent(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
