package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
)

// An httpError is an answer that says what is wrong, as a sentence.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &httpError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// statusOf returns the status of an error, and whether the client should try the
// same again a little later.
func statusOf(err error) (status int, again bool) {
	if e, ok := errors.AsType[*httpError](err); ok {
		return e.status, e.status == http.StatusServiceUnavailable
	}
	if e, ok := errors.AsType[*crdt.RightsError](err); ok {
		for _, h := range e.Held {
			if h.Replica != e.Replica && h.Rights > 0 {
				return http.StatusServiceUnavailable, true // other regions have some, and cannot be asked
			}
		}
		return http.StatusConflict, false // sold out
	}
	switch {
	case is[errDeposed](err), is[*resolver.FencedError](err):
		return http.StatusMisdirectedRequest, false
	case errors.Is(err, crdt.ErrAmount), errors.Is(err, crdt.ErrOverflow), is[*merge.WriteError](err):
		return http.StatusUnprocessableEntity, false
	case is[*merge.StaleError](err), is[*merge.OtherRecordError](err):
		return http.StatusPreconditionFailed, false
	case is[*resolver.StaleError](err):
		return http.StatusConflict, false
	case is[*resolver.BehindError](err), is[*merge.BehindError](err), is[*resolver.AheadError](err),
		errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, true
	}
	return http.StatusInternalServerError, false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// A handler answers a request, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	err := h(w, r)
	if err == nil {
		return
	}
	status, again := statusOf(err)
	if again {
		w.Header().Set("Retry-After", "1")
	}
	reply(w, status, map[string]string{"error": err.Error()})
}

// reply writes an answer.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// readBody decodes the body of a request.
func readBody(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badRequest("The body of the request is not what is wanted here: %v.", err)
	}
	if d.More() {
		return badRequest("The body of the request has more than one value.")
	}
	return nil
}

// post is a handler of requests that are answered without content.
func post[Q any](do func(ctx context.Context, q Q) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var q Q
		if err := readBody(r, &q); err != nil {
			return err
		}
		return noContent(w, do(r.Context(), q))
	}
}

// A relayed request is one that another region answers, as text of HTTP.
type relayed struct {
	Text []byte `json:"text"`
}

// toWriter passes a write on to the region that takes it: to its home, if keys
// have homes. If that cannot be reached the write is taken here, and becomes a
// version beside those of the home if both happen to be written.
func (g *region) toWriter(row string, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := g.mayWrite(); err != nil {
			return err
		}
		if g.mode.Load().Name != homeRegion || r.Header.Get("Relayed") != "" {
			return h(w, r)
		}
		home := g.peer(string(g.home(row)))
		if home == nil || !home.conn.IsConnected() {
			return h(w, r)
		}
		return g.relay(w, r, home)
	}
}

func (g *region) relay(w http.ResponseWriter, r *http.Request, home *peer) error {
	r.Header.Set("Relayed", g.name)
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		return badRequest("The request cannot be read: %v.", err)
	}
	var answer relayed
	// Whether the home has done it is not known if there is no answer.
	if err := home.ask(r.Context(), "http", relayed{text.Bytes()}, &answer); err != nil {
		return err
	}
	a, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer.Text)), r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Answered-By", home.name)
	w.WriteHeader(a.StatusCode)
	_, err = io.Copy(w, a.Body)
	return err
}

// answerHTTP answers a request that another region has passed on.
func (g *region) answerHTTP(ctx context.Context, q relayed) (relayed, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(q.Text)))
	if err != nil {
		return relayed{}, err
	}
	rec := httptest.NewRecorder()
	g.api.ServeHTTP(rec, r.WithContext(ctx))
	var text bytes.Buffer
	err = rec.Result().Write(&text)
	return relayed{text.Bytes()}, err
}

// checkSeen refuses a context that is ahead of what this region has merged: the
// client has read in another region, and what it saw is on its way.
func checkSeen(cart *Cart, seen crdt.Context) error {
	if cart.HasSeen(seen) {
		return nil
	}
	return &httpError{http.StatusServiceUnavailable, "What you have seen has not arrived in this region yet. Try again in a second."}
}
