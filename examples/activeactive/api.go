package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

// routes returns the API of a region. Reads are answered from its database, writes once they are
// committed there; no request waits for another region, except a sale that needs rights to stock.
func (g *region) routes() http.Handler {
	mux := http.NewServeMux()
	on(g, mux, "PATCH /profile/{id}", g.patchProfile)
	on(g, mux, "DELETE /profile/{id}", func(_ *call, record *Profiles, _ struct{}) (*Profiles, error) {
		return nil, record.Delete(g.stamps())
	})
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
	on(g, mux, "DELETE /order/{id}", func(c *call, orders *Orders, _ struct{}) (*Orders, error) {
		return nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
			return orders.Delete(g.writer(), seen)
		})
	})
	on(g, mux, "POST /order/{id}/settle", g.settle)
	mux.Handle("GET /{kind}/{id}", handler(g.getRow))
	mux.Handle("GET /status", handler(g.getStatus)) // this and what follows is for operators and the page
	mux.Handle("GET /rows", handler(g.getRows))
	mux.Handle("GET /events", handler(g.getEvents))
	mux.Handle("GET /audit", handler(func(r *http.Request) (any, error) {
		return g.store.strings(r.Context(), `SELECT id || ': ' || what FROM audit ORDER BY at DESC LIMIT 100`)
	}))
	mux.Handle("POST /admin/mode", post(g.setMode))
	mux.Handle("POST /admin/retire", post(g.retire))
	mux.Handle("POST /admin/promote", handler(func(r *http.Request) (any, error) { return g.promote(r.Context()) }))
	mux.Handle("POST /admin/skew", post(func(_ context.Context, q struct{ MS int64 }) error {
		g.clocks.offset.Store(int64(time.Duration(q.MS) * time.Millisecond))
		return nil
	}))
	return mux
}

// A call is one write: a request, the row that it changes, and the answer, once that is committed.
type call struct {
	r      *http.Request
	t      *tx
	row    *row
	answer shown
}

// on registers what changes rows of one kind. do gets what the row holds and what the request says,
// and returns what goes to the other regions: nil for all that the row then holds.
func on[S replicated[S], Q any](g *region, mux *http.ServeMux, pattern string, do func(c *call, s S, q Q) (delta S, err error)) {
	kind := strings.Split(pattern, "/")[1]
	mux.Handle(pattern, handler(func(r *http.Request) (any, error) {
		key := kind + "/" + r.PathValue("id")
		if !g.store.knows(key) {
			return nil, badRequest("A name is a text of at most 200 bytes.")
		}
		return g.route(r, key, func(r *http.Request) (any, error) {
			q, err := readBody[Q](r)
			if err != nil {
				return nil, err
			}
			c := &call{r: r}
			for try := 0; ; try++ {
				err := g.store.write(r.Context(), func(t *tx) error {
					c.t, c.row = t, t.row(key)
					c.row.garbage = c.row.garbage || r.Method == http.MethodDelete
					delta, err := do(c, as[S](c.row.state), q)
					if err == nil {
						changed(t, c.row, delta)
					}
					return err
				}, key)
				if try == 3 || !g.borrow(r.Context(), key, err) {
					return c.answer, err
				}
			}
		})
	}))
}

// getRow answers with what there is to show of a row.
func (g *region) getRow(r *http.Request) (any, error) {
	row := r.PathValue("kind") + "/" + r.PathValue("id")
	st, err := g.store.read(r.Context(), row)
	if err != nil {
		return nil, &httpError{http.StatusNotFound, err.Error()}
	}
	return g.view(r.Context(), row, st)
}

// A profilePatch has what a client wants changed: the whole form would revert what has changed since.
type profilePatch struct {
	*Profile
	AddTags, RemoveTags []string
	AddPoints           int64
}

// patchProfile changes fields, under If-Match only if the profile was not deleted since.
func (g *region) patchProfile(c *call, record *Profiles, body json.RawMessage) (*Profiles, error) {
	var seen merge.Token
	match, err := readTag(c.r, c.row.key, &seen)
	if err != nil {
		return nil, err
	}
	next, _ := record.Get()
	patch := profilePatch{Profile: &next} // decoding writes the fields that are there
	if err := decodeBody(bytes.NewReader(body), &patch); err != nil {
		return nil, err
	}
	next.Tags = slices.DeleteFunc(append(next.Tags, patch.AddTags...), func(tag string) bool { return slices.Contains(patch.RemoveTags, tag) })
	slices.Sort(next.Tags)
	next.Tags = slices.Compact(next.Tags)
	next.Points += patch.AddPoints
	c.row.garbage = c.row.garbage || len(patch.RemoveTags) > 0
	before := record.Clone()
	if match {
		now, _ := record.Get()
		err = record.Apply(g.stamps(), seen, now, next)
	} else {
		err = record.Update(g.stamps(), func(p *Profile) error { *p = next; return nil })
	}
	return record.Since(before), err
}

type amount struct {
	N int64 `json:"n"`
}

func (g *region) addToCart(c *call, cart *Cart, by amount) (*Cart, error) {
	if by.N == 0 || by.N > 1000 || by.N < -1000 {
		return nil, badRequest("A line changes by 1 to 1000 pieces, up or down.")
	}
	return cart.Update(g.me(), c.r.PathValue("sku"), func(c *crdt.PNCounter) { c.Add(g.me(), by.N) }), nil
}

// deleteFromCart deletes what the client was shown of a line. What was added since stays.
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

// putOrder writes an order in the place of what the client was shown, or beside what there is.
func (g *region) putOrder(c *call, orders *Orders, order Order) (*Orders, error) {
	if order.Item == "" || !slices.Contains([]string{"new", "paid", "shipped", "cancelled"}, order.Status) || order.Total < 0 {
		return nil, badRequest("An order has an item, a total, and one of the states new, paid, shipped and cancelled.")
	}
	return nil, g.writeOrder(c, orders, func(seen resolver.Context) (resolver.Written[Order], error) {
		return orders.Write(g.writer(), seen, order)
	})
}

func (g *region) writeOrder(c *call, orders *Orders, write func(resolver.Context) (resolver.Written[Order], error)) error {
	var seen resolver.Context
	_, err := readTag(c.r, c.row.key, &seen)
	now, failed := g.clocks.clock.Now()
	ahead, clocks := seen.Ahead(now, maxAhead), g.clocks.report() // a write under it would be stamped after that
	switch err = cmp.Or(err, failed, g.mayWrite()); {
	case err != nil:
		return err // it may have been promoted away meanwhile
	case ahead != nil && !(clocks.Outlier && clocks.Self < 0): // if this clock is behind, it is not the client
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

// settle takes a person's answer to a ticket: which of the choices to keep.
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
		"started": g.started, "incarnation": g.id.Incarnation, "mode": g.mode.Load(), "epoch": g.store.epoch.Load(),
		"caughtUp": g.caughtUp, "clocks": g.clocks.report(),
	}, nil
}

// An httpError is an answer that says what is wrong, as a sentence.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// errBehind refuses a context of another region, or of before a backup: what was seen is on its way.
var errBehind = &httpError{http.StatusServiceUnavailable, "What you have seen has not arrived in this region yet. Try again in a second."}

// statusOf returns the status of an error. At 503 the client should try the same again.
func statusOf(err error) int {
	if e, ok := errors.AsType[*httpError](err); ok {
		return e.status
	}
	short, ok := errors.AsType[*crdt.RightsError](err)
	switch {
	case ok && slices.ContainsFunc(short.Held, func(h crdt.Held) bool { return h.Replica != short.Replica && h.Rights > 0 }):
		return http.StatusServiceUnavailable // other regions have some, and cannot be asked
	case ok, is[*resolver.StaleError](err):
		return http.StatusConflict // sold out, or to be read again
	case is[*resolver.FencedError](err):
		return http.StatusMisdirectedRequest
	case errors.Is(err, crdt.ErrAmount), errors.Is(err, crdt.ErrOverflow), is[*crdt.ContextError](err), is[*merge.WriteError](err):
		return http.StatusUnprocessableEntity
	case is[*merge.StaleError](err), is[*merge.OtherRecordError](err):
		return http.StatusPreconditionFailed
	case is[*resolver.BehindError](err), is[*merge.BehindError](err), is[*resolver.AheadError](err),
		errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A handler returns what answers a request, or why there is nothing.
type handler func(r *http.Request) (answer any, err error)

// A shown value is an answer with the ETag under which it may be changed.
type shown struct {
	value any
	etag  string
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	answer, err := h(r)
	status := http.StatusOK
	if err != nil {
		answer, status = map[string]string{"error": err.Error()}, statusOf(err)
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	switch a := answer.(type) {
	case *relayed:
		maps.Copy(w.Header(), a.Head)
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body)
		return
	case shown:
		if answer = a.value; a.etag != "" {
			w.Header().Set("ETag", a.etag)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if answer == nil {
		status = http.StatusNoContent
	}
	if w.WriteHeader(status); answer != nil {
		_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
	}
}

// post is a handler of requests that are answered without content.
func post[Q any](do func(ctx context.Context, q Q) error) handler {
	return func(r *http.Request) (any, error) {
		q, err := readBody[Q](r)
		if err == nil {
			err = do(r.Context(), q)
		}
		return nil, err
	}
}

func readBody[Q any](r *http.Request) (q Q, err error) {
	if _, none := any(q).(struct{}); none {
		return q, nil
	}
	return q, decodeBody(r.Body, &q)
}

func decodeBody(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badRequest("The body of the request is not what is wanted here: %v.", err)
	}
	if d.More() {
		return badRequest("The body of the request has more than one value.")
	}
	return nil
}

// A relayed request is one that another region answers, and its answer: an http.ResponseWriter.
type relayed struct {
	Method, Path string
	Head         http.Header
	Body         []byte
	Status       int
}

func (a *relayed) Header() http.Header         { return a.Head }
func (a *relayed) WriteHeader(status int)      { a.Status = status }
func (a *relayed) Write(b []byte) (int, error) { a.Body = append(a.Body, b...); return len(b), nil }

// route lets a write be done by its home, if rows have homes. If that cannot be reached it is taken
// here, and becomes a version beside those of the home if both happen to be written.
func (g *region) route(r *http.Request, row string, h handler) (any, error) {
	if err := g.mayWrite(); err != nil {
		return nil, err
	}
	var home *peer
	if g.mode.Load().Name == homeRegion && r.Header.Get("Relayed") == "" {
		home = g.peers[string(g.home(row))]
	}
	if home == nil || !home.conn.IsConnected() {
		return h(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("The request cannot be read: %v.", err)
	}
	r.Header.Set("Relayed", "yes")
	// Whether the home has done it is not known if there is no answer.
	a, err := ask[*relayed](r.Context(), home, "http", relayed{Method: r.Method, Path: r.URL.RequestURI(), Head: r.Header, Body: body})
	if err == nil {
		a.Head.Set("Answered-By", home.name)
	}
	return a, err
}

func (g *region) answerHTTP(ctx context.Context, q relayed) (*relayed, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	r.Header = q.Head
	a := &relayed{Head: http.Header{}}
	g.api.ServeHTTP(a, r)
	return a, nil
}

// tag makes an ETag of what a client was shown: of the context, or token, of what it read. A write under
// it replaces exactly that. It names its row, lest a client remove from a cart what it saw in another.
func tag(row string, context encoding.TextMarshaler) string {
	text, _ := context.MarshalText() // no context has an error
	return fmt.Sprintf(`"%x.%s"`, antientropy.Fingerprint([]byte(row)), text)
}

// readTag reads the If-Match of a request, and reports whether there is one.
func readTag(r *http.Request, row string, context encoding.TextUnmarshaler) (bool, error) {
	header := r.Header.Get("If-Match")
	if header == "" || header == "*" {
		return false, nil
	}
	text, ok := strings.CutPrefix(header, fmt.Sprintf(`"%x.`, antientropy.Fingerprint([]byte(row))))
	if !ok || context.UnmarshalText([]byte(strings.TrimSuffix(text, `"`))) != nil {
		return false, badRequest("The If-Match of the request is no ETag of %s: it is damaged, or that of another row.", row)
	}
	return true, nil
}
