package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A database that goes back to what it was before, because a backup was restored, must not go on under
// the name that it had: it would number its changes as it has numbered others before, which peers have
// seen. It begins a new life, the next incarnation.
//
// What tells is the number of commits, which is kept in the database, in the transaction of every
// change, and in a vclock.Identity, in a file that no backup of the database holds. After a crash the
// database is at the number in the file or past it. A restored one is behind. A machine that was
// restored with the file is found out by its peers, which remember the number of what they have
// merged. The n-th life begins with commit n·2³².
const lifeBits = 32

// begin says which life of the region this is, and makes the database and the file say so.
func (g *region) begin(ctx context.Context) (err error) {
	id := vclock.NewIdentity(vclock.Replica(g.name))
	if g.witness, err = os.OpenFile(filepath.Join(g.config.dir, "witness"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	cut := json.NewDecoder(g.witness).Decode(&id) // no file yet, or one that a crash has cut
	var commits uint64
	for scan := range g.store.query(ctx, &err, `SELECT commits FROM lineage`) {
		scan(&commits)
	}
	known := max(id.Commits, commits, g.askPeers(ctx))
	if id.Incarnation = known >> lifeBits; id.Incarnation >= vclock.MaxIncarnation {
		err = fmt.Errorf("there is no life after %v", id)
	}
	if err != nil {
		return err
	}
	// The database that was written last goes on.
	id.Stopped, id.Commits = commits == known && (cut == nil || commits == 0), commits
	life := id.Incarnation
	if g.id, g.store.replica = id.Start(commits); g.id.Incarnation > life {
		commits = g.id.Incarnation << lifeBits
	}
	g.store.commits.Store(commits)
	if err := errors.Join(g.witnessed(commits), g.witness.Sync()); err != nil {
		return err
	}
	_, err = g.store.db.ExecContext(ctx, `INSERT INTO lineage (one, commits) VALUES (1, $1)
		ON CONFLICT (one) DO UPDATE SET commits = excluded.commits WHERE lineage.commits < excluded.commits`, commits)
	now, failed := g.clocks.clock.Now()
	if err = cmp.Or(err, failed); err == nil && g.matrix.Owner() != g.me() {
		err = g.matrix.Begin(g.me(), uint64(now)) // what earlier lives wrote and nobody has is given up
	}
	if err == nil {
		g.round = vclock.NewRound[string, crdt.Context](g.matrix)
	}
	return err
}

// witnessed writes the number of a commit into the file, unsynced: that may be behind the database.
func (g *region) witnessed(commits uint64) error {
	text, err := json.Marshal(g.id.Stop(commits))
	if err == nil {
		_, err = g.witness.WriteAt(fmt.Appendf(nil, "%-200s\n", text), 0)
	}
	return err
}

// askPeers returns the largest number that any peer which can be reached remembers of this region.
func (g *region) askPeers(ctx context.Context) (known uint64) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answers := make(chan uint64)
	for _, p := range g.peers {
		go func() {
			n, err := ask[uint64](ctx, p, "heard", g.name)
			for ; err != nil && ctx.Err() == nil; n, err = ask[uint64](ctx, p, "heard", g.name) {
				sleep(ctx, 50*time.Millisecond)
			}
			answers <- n
		}()
	}
	for range g.peers {
		known = max(known, <-answers)
	}
	return known
}
