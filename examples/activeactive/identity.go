package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rejoin-go/rejoin/vclock"
)

// A replica is a lineage of stored state. A database that goes back to what it
// was before, because a backup was restored, must not go on under the name that
// it had: it would number its changes as it has numbered others before, which
// peers have seen. It begins a new incarnation.
//
// What tells the two apart is the number of commits, which is kept twice: in the
// database, in the transaction of every change, and in a file beside it, which
// no backup of the database holds. After a stop, a crash, or a kill, the
// database is at the number in the file or a few commits past it. A restored one
// is behind. A machine that was restored as a whole, with the file, is found out
// by its peers, which remember how far they have read.

// A witness is the file beside the database.
type witness struct {
	Incarnation uint64 `json:"incarnation"`
	Commits     int64  `json:"commits"`
}

// An identity is who a region is in this life.
type identity struct {
	file        *os.File
	incarnation uint64
	commits     int64 // that the database had at the start
	fresh       bool  // this life is a new incarnation
}

// identify reads the database and the file, asks what peers remember, and says
// which incarnation this life is. A life that is a new incarnation has written
// that down in both places.
func identify(ctx context.Context, db *sql.DB, dir string, ask func(context.Context) []witness) (*identity, error) {
	path := filepath.Join(dir, "witness")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	var outside, inside witness
	cut := json.NewDecoder(f).Decode(&outside) // no file yet, or one that a crash has cut
	err = db.QueryRowContext(ctx, `SELECT incarnation, commits FROM lineage`).Scan(&inside.Incarnation, &inside.Commits)
	empty := errors.Is(err, sql.ErrNoRows)
	if err != nil && !empty {
		return nil, errors.Join(err, f.Close())
	}
	id := &identity{file: f, incarnation: inside.Incarnation, commits: inside.Commits}
	last := inside.later(outside)
	for _, w := range ask(ctx) {
		last = last.later(w)
	}
	// A region that nobody has ever heard of begins its first life.
	id.fresh = inside != inside.later(last) || (empty || cut != nil) && last != witness{}
	if !id.fresh && !empty {
		return id, nil
	}
	if id.fresh {
		id.incarnation = last.Incarnation + 1
	}
	if err := id.note(inside.Commits); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = db.ExecContext(ctx, `INSERT INTO lineage (one, incarnation, commits) VALUES (1, $1, $2)
		ON CONFLICT (one) DO UPDATE SET incarnation = excluded.incarnation`, int64(id.incarnation), inside.Commits)
	return id, errors.Join(err, f.Sync())
}

// note writes the number of a commit into the file. It is not synced: a file
// that is behind is no harm, only one that is ahead of its database.
func (id *identity) note(commits int64) error {
	text, err := json.Marshal(witness{id.incarnation, commits})
	if err == nil {
		_, err = id.file.WriteAt(fmt.Appendf(nil, "%-64s\n", text), 0)
	}
	return err
}

// replica returns the name that the region writes under.
func (id *identity) replica(region string) vclock.Replica {
	return vclock.Incarnation(region, id.incarnation)
}

// later returns the later of two.
func (w witness) later(o witness) witness {
	if o.Incarnation > w.Incarnation || o.Incarnation == w.Incarnation && o.Commits > w.Commits {
		return o
	}
	return w
}

// into writes w into the header of a message, and witnessOf reads it.
func (w witness) into(h nats.Header) { h.Set("Commit", fmt.Sprint(w.Incarnation, w.Commits)) }

func witnessOf(h nats.Header) (w witness) {
	if _, err := fmt.Sscan(h.Get("Commit"), &w.Incarnation, &w.Commits); err != nil {
		return witness{}
	}
	return w
}

// witness says how far this region is.
func (g *region) witness() witness {
	return witness{g.identity.incarnation, g.store.commits.Load()}
}

// remember notes how far a peer was when it sent what is merged.
func (g *region) remember(t *tx, peer string, w witness) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.seen[peer]; old.later(w) != old {
		g.seen[peer] = w
		t.note("seen/"+peer, fmt.Sprint(w.Incarnation, w.Commits))
	}
}

// answerSeen says how far this region has read a peer.
func (g *region) answerSeen(_ context.Context, q beat) (witness, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen[q.From], nil
}

// loadSeen reads what is remembered of the peers.
func (g *region) loadSeen(ctx context.Context) error {
	for _, p := range g.peers {
		note, err := g.store.meta(ctx, "seen/"+p.name)
		if err != nil {
			return err
		}
		var w witness
		if _, err := fmt.Sscan(note, &w.Incarnation, &w.Commits); err == nil {
			g.seen[p.name] = w
		}
	}
	return nil
}

// askSeen asks all peers that can be reached how far they have read this region.
func (g *region) askSeen(ctx context.Context) (seen []witness) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answers := make(chan *witness, len(g.peers))
	for _, p := range g.peers {
		go func() {
			var w witness
			for ctx.Err() == nil {
				if p.conn.IsConnected() && p.ask(ctx, "seen", beat{From: g.name}, &w) == nil {
					answers <- &w
					return
				}
				sleep(ctx, 50*time.Millisecond)
			}
			answers <- nil
		}()
	}
	for range g.peers {
		if w := <-answers; w != nil {
			seen = append(seen, *w)
		}
	}
	return seen
}
