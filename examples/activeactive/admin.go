package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// adminRoutes adds what operators and the page use.
func (g *region) adminRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /status":         get(g.getStatus),
		"GET /rows":           get(g.getRows),
		"GET /events":         get(g.getEvents),
		"GET /audit":          get(g.getAudit),
		"POST /admin/mode":    post(g.setMode),
		"POST /admin/promote": get(g.postPromote),
		"POST /admin/retire":  post(g.retire),
		"POST /admin/skew":    post(g.setSkew),
	} {
		mux.Handle(pattern, h)
	}
}

func (g *region) getStatus(*http.Request) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	peers := map[string]any{}
	for _, p := range g.peers {
		peers[p.name] = map[string]any{"connected": p.conn.IsConnected(), "synced": p.synced}
	}
	return map[string]any{
		"region": g.name, "started": g.started, "incarnation": g.id.Incarnation, "mode": g.mode.Load(), "peers": peers, "caughtUp": g.caughtUp,
		"skew": time.Duration(g.clocks.offset.Load()).String(), "clocks": g.clocks.report(),
		"epoch": g.store.highestEpoch(),
	}, nil
}

func (g *region) postPromote(r *http.Request) (any, error) {
	p, err := g.promote(r.Context())
	return map[string]any{"epoch": p.Epoch, "cut": p.Cut.String()}, err
}

// An order of an operator, or of the page.
type (
	retirement struct {
		Region string `json:"region"`
	}
	skew struct {
		Milliseconds int64 `json:"ms"`
	}
)

func (g *region) setSkew(_ context.Context, q skew) error {
	g.clocks.offset.Store(int64(time.Duration(q.Milliseconds) * time.Millisecond))
	return nil
}

func (g *region) getAudit(r *http.Request) (any, error) {
	lines, err := g.store.strings(r.Context(), `SELECT id || ': ' || what FROM audit ORDER BY at DESC LIMIT 100`)
	return append([]string{}, lines...), err
}

func (g *region) getEvents(r *http.Request) (any, error) {
	after, err := strconv.ParseInt("0"+r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		return nil, badRequest("after is the number of an event.")
	}
	return g.events.since(after), nil
}

// getRows answers with all rows that begin with a prefix, for the page.
func (g *region) getRows(r *http.Request) (any, error) {
	prefix := r.URL.Query().Get("prefix")
	out := map[string]rowView{}
	err := g.store.readAll(r.Context(), func(key string, data []byte) error {
		if !strings.HasPrefix(key, prefix) || len(out) >= 200 {
			return nil
		}
		v, err := g.viewRow(r.Context(), key, data)
		out[key] = v
		return err
	}, `WHERE id >= $1 ORDER BY id LIMIT 500`, prefix)
	return out, err
}
