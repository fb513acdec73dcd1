package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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

// errBehind refuses a context that is ahead of what this region has merged: the
// client has read in another region, or here before a backup was restored, and
// what it saw is on its way.
var errBehind = &httpError{http.StatusServiceUnavailable, "What you have seen has not arrived in this region yet. Try again in a second."}

// statusOf returns the status of an error. At 503 the client should try the same
// again a little later.
func statusOf(err error) int {
	if e, ok := errors.AsType[*httpError](err); ok {
		return e.status
	}
	if e, ok := errors.AsType[*crdt.RightsError](err); ok {
		for _, h := range e.Held {
			if h.Replica != e.Replica && h.Rights > 0 {
				return http.StatusServiceUnavailable // other regions have some, and cannot be asked
			}
		}
		return http.StatusConflict // sold out
	}
	switch {
	case is[errDeposed](err), is[*resolver.FencedError](err):
		return http.StatusMisdirectedRequest
	case errors.Is(err, crdt.ErrAmount), errors.Is(err, crdt.ErrOverflow), is[*merge.WriteError](err):
		return http.StatusUnprocessableEntity
	case is[*merge.StaleError](err), is[*merge.OtherRecordError](err):
		return http.StatusPreconditionFailed
	case is[*resolver.StaleError](err):
		return http.StatusConflict
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

// A handler answers a request, or returns why not.
type handler func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := h(w, r); err != nil {
		status := statusOf(err)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		reply(w, status, map[string]string{"error": err.Error()})
	}
}

// reply writes an answer, one without content for nil.
func reply(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

// get is a handler of requests that have no body.
func get(do func(r *http.Request) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		answer, err := do(r)
		if err == nil {
			reply(w, http.StatusOK, answer)
		}
		return err
	}
}

// post is a handler of requests that are answered without content.
func post[Q any](do func(ctx context.Context, q Q) error) handler {
	return get(func(r *http.Request) (any, error) {
		q, err := readBody[Q](r)
		if err != nil {
			return nil, err
		}
		return nil, do(r.Context(), q)
	})
}

// readBody decodes the body of a request.
func readBody[Q any](r *http.Request) (q Q, err error) {
	if _, none := any(q).(struct{}); none {
		return q, nil
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, badRequest("The body of the request is not what is wanted here: %v.", err)
	}
	if d.More() {
		return q, badRequest("The body of the request has more than one value.")
	}
	return q, nil
}

// A relayed request is one that another region answers.
type relayed struct {
	Method, Path, Match string
	Body                []byte
}

// answered is its answer.
type answered struct {
	Status int
	Header http.Header
	Body   []byte
}

// route lets a write be done by the region that takes it: by its home, if rows
// have homes. If that cannot be reached the write is taken here, and becomes a
// version beside those of the home if both happen to be written.
func (g *region) route(w http.ResponseWriter, r *http.Request, row string, h handler) error {
	if err := g.mayWrite(); err != nil {
		return err
	}
	home := g.peer(string(g.home(row)))
	if g.mode.Load().Name != homeRegion || r.Header.Get("Relayed") != "" || home == nil || !home.conn.IsConnected() {
		return h(w, r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest("The request cannot be read: %v.", err)
	}
	var a answered
	// Whether the home has done it is not known if there is no answer.
	if err := home.ask(r.Context(), "http", relayed{r.Method, r.URL.RequestURI(), r.Header.Get("If-Match"), body}, &a); err != nil {
		return err
	}
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Answered-By", home.name)
	w.WriteHeader(a.Status)
	_, err = w.Write(a.Body)
	return err
}

// answerHTTP answers a request that another region has passed on.
func (g *region) answerHTTP(ctx context.Context, q relayed) (answered, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return answered{}, err
	}
	r.Header.Set("If-Match", q.Match)
	r.Header.Set("Relayed", "yes")
	a := httptest.NewRecorder()
	g.api.ServeHTTP(a, r)
	return answered{a.Code, a.Header(), a.Body.Bytes()}, nil
}
