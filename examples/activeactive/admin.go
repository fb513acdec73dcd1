package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/vclock"
)

// adminRoutes adds what operators and the page use.
func (g *region) adminRoutes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /status":         g.getStatus,
		"GET /digest":         g.getDigest,
		"GET /rows":           g.getRows,
		"GET /events":         g.getEvents,
		"GET /audit":          g.getAudit,
		"POST /admin/mode":    post(g.setMode),
		"POST /admin/promote": g.postPromote,
		"POST /admin/retire":  post(g.retire),
		"POST /admin/skew":    post(g.setSkew),
		"POST /admin/faults":  post(g.spoil),
		"POST /admin/backup":  post(g.backup),
	} {
		mux.Handle(pattern, h)
	}
}

func (g *region) getStatus(w http.ResponseWriter, _ *http.Request) error {
	g.mu.Lock()
	peers := map[string]any{}
	for _, p := range g.peers {
		peers[p.name] = map[string]any{"connected": p.conn.IsConnected(), "synced": p.synced, "equal": p.equal}
	}
	synced, caughtUp := g.syncStats, g.caughtUp
	g.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{
		"region": g.name, "started": g.started, "incarnation": g.identity.incarnation, "mode": g.mode.Load(), "peers": peers, "caughtUp": caughtUp,
		"skew": time.Duration(g.clocks.offset.Load()).String(), "clocks": g.clocks.report(), "store": g.store.statistics(),
		"antientropy": synced, "epoch": g.store.highestEpoch(),
	})
	return nil
}

// getDigest answers with a hash over all rows, for tests: regions are equal if
// it is.
func (g *region) getDigest(w http.ResponseWriter, r *http.Request) error {
	h := sha256.New()
	rows := 0
	err := g.store.readAll(r.Context(), func(key string, data []byte) error {
		rows++
		_, _ = h.Write([]byte(key))
		sum := sha256.Sum256(data)
		_, _ = h.Write(sum[:])
		return nil
	}, `ORDER BY id`)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, digest{Rows: rows, Hash: hex.EncodeToString(h.Sum(nil))})
	return nil
}

type auditLine struct {
	At        time.Time
	Key, What string
}

type digest struct {
	Rows int    `json:"rows"`
	Hash string `json:"hash"`
}

func (g *region) postPromote(w http.ResponseWriter, r *http.Request) error {
	p, err := g.promote(r.Context())
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]any{"epoch": p.Epoch, "cut": p.Cut.String()})
	return nil
}

// An order of an operator, or of the page.
type (
	retirement struct {
		Region string `json:"region"`
	}
	skew struct {
		Milliseconds int64 `json:"ms"`
	}
	spoiling struct {
		Drop   int `json:"drop"`
		Repeat int `json:"repeat"`
	}
	backup struct {
		Path string `json:"path"`
	}
)

// retire takes a region that is gone for good out of the group: nobody waits for
// it any more before something is forgotten.
func (g *region) retire(ctx context.Context, q retirement) error {
	return g.store.write(ctx, func(*tx) error {
		g.collector.matrix.Retire(vclock.Replica(q.Region))
		return nil
	})
}

func (g *region) setSkew(_ context.Context, q skew) error {
	g.clocks.offset.Store(int64(time.Duration(q.Milliseconds) * time.Millisecond))
	return nil
}

func (g *region) spoil(_ context.Context, q spoiling) error {
	g.faults.set(q.Drop, q.Repeat)
	return nil
}

// backup copies the database, as it is at one moment, into a new file.
func (g *region) backup(ctx context.Context, q backup) error {
	_, err := g.store.db.ExecContext(ctx, `VACUUM INTO $1`, q.Path)
	return err
}

func (g *region) getAudit(w http.ResponseWriter, r *http.Request) error {
	rows, err := g.store.db.QueryContext(r.Context(), `SELECT at, id, what FROM audit ORDER BY at DESC LIMIT 100`)
	if err != nil {
		return err
	}
	defer rows.Close()
	lines := []auditLine{}
	for rows.Next() {
		var at int64
		var l auditLine
		if err := rows.Scan(&at, &l.Key, &l.What); err != nil {
			return err
		}
		l.At = time.Unix(0, at).UTC()
		lines = append(lines, l)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	reply(w, http.StatusOK, lines)
	return nil
}

func (g *region) getEvents(w http.ResponseWriter, r *http.Request) error {
	after, err := strconv.ParseInt("0"+r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		return badRequest("after is the number of an event.")
	}
	reply(w, http.StatusOK, g.events.since(after))
	return nil
}

// getRows answers with all rows that begin with a prefix, for the page.
func (g *region) getRows(w http.ResponseWriter, r *http.Request) error {
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
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, out)
	return nil
}
