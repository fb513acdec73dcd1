package main

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

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

// errBehind refuses a context that is ahead of what this region has merged: the client has read in
// another region, or here before a backup was restored, and what it saw is on its way.
var errBehind = &httpError{http.StatusServiceUnavailable, "What you have seen has not arrived in this region yet. Try again in a second."}

// statusOf returns the status of an error. At 503 the client should try the same again a little
// later.
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

// ServeHTTP implements http.Handler.
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
		maps.Copy(w.Header(), a.Header)
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
		if err != nil {
			return nil, err
		}
		return nil, do(r.Context(), q)
	}
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

// A relayed request is one that another region answers, and its answer.
type relayed struct {
	Method, Path string
	Header       http.Header
	Body         []byte
	Status       int
}

// route lets a write be done by the region that takes it: by its home, if rows have homes. If that
// cannot be reached the write is taken here, and becomes a version beside those of the home if both
// happen to be written.
func (g *region) route(r *http.Request, row string, h handler) (any, error) {
	if err := g.mayWrite(); err != nil {
		return nil, err
	}
	home := g.peers[string(g.home(row))]
	if g.mode.Load().Name != homeRegion || r.Header.Get("Relayed") != "" || home == nil || !home.conn.IsConnected() {
		return h(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("The request cannot be read: %v.", err)
	}
	r.Header.Set("Relayed", "yes")
	// Whether the home has done it is not known if there is no answer.
	a, err := ask[*relayed](r.Context(), home, "http", relayed{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header, Body: body})
	if err == nil {
		a.Header.Set("Answered-By", home.name)
	}
	return a, err
}

// answerHTTP answers a request that another region has passed on.
func (g *region) answerHTTP(ctx context.Context, q relayed) (*relayed, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	r.Header = q.Header
	a := httptest.NewRecorder()
	g.api.ServeHTTP(a, r)
	return &relayed{Status: a.Code, Header: a.Header(), Body: a.Body.Bytes()}, nil
}

// What a client was shown goes to it as an ETag and comes back as If-Match: the context, or token,
// of what it read. A write under it replaces exactly that. The tag names its row, as a context is
// good for one row only: under that of another cart, a client would remove what it never saw.

// tag makes an ETag of what a reader of a row was shown.
func tag(row string, context encoding.TextMarshaler) string {
	text, _ := context.MarshalText() // no context has an error
	return fmt.Sprintf(`"%s.%s"`, rowSum(row), text)
}

// readTag reads the If-Match of a request, and reports whether there is one.
func readTag(r *http.Request, row string, context encoding.TextUnmarshaler) (bool, error) {
	header := r.Header.Get("If-Match")
	if header == "" || header == "*" {
		return false, nil
	}
	text, ok := strings.CutPrefix(strings.Trim(header, `"`), rowSum(row)+".")
	if !ok || context.UnmarshalText([]byte(text)) != nil {
		return false, badRequest("The If-Match of the request is no ETag of %s: it is damaged, or that of another row.", row)
	}
	return true, nil
}

func rowSum(row string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(row))
	return fmt.Sprintf("%x", h.Sum64())
}
