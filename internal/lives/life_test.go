package lives_test

import (
	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// A life is what a member of a store is beside its objects.
type life struct {
	id     vclock.Identity
	me     vclock.Replica
	matrix *vclock.Matrix
	round  *vclock.Round[string, crdt.Context]
	sure   bool // it was confirmed once
}

// founders returns the lives of members who have been there from the beginning.
func founders(names ...vclock.Replica) []life {
	lives := make([]life, len(names))
	for i, r := range names {
		id, me := vclock.NewIdentity(r).Start(0)
		lives[i] = life{id: id, me: me, matrix: vclock.NewMatrix(r, names...), sure: true}
	}
	return lives
}

func (l *life) clone() life {
	c := *l
	c.matrix = l.matrix.Clone()
	return c
}

// record notes that all that was merged is stored.
func (l *life) record(now uint64) {
	l.matrix.Record(now)
	l.sure = l.sure || l.matrix.Confirmed()
}

// restart makes l what the member is after a crash from which it goes on as it was in old,
// as its next incarnation unless it leaves that out.
func (l *life) restart(old life, same bool, now func() uint64) {
	id, sure := l.id, l.sure
	*l = old.clone()
	l.id, l.sure, l.round = id, sure, nil
	if same {
		return
	}
	l.id, l.me = id.Start(0)
	must(l.matrix.Begin(l.me, now()))
}

// admit returns the life of a newcomer whom l admits, if it may.
func (l *life) admit(r vclock.Replica) (newcomer life, ok bool) {
	if !l.sure || l.matrix.Usable() != nil || l.matrix.Admit(r) != nil {
		return life{}, false
	}
	matrix, err := l.matrix.For(r)
	must(err)
	id, me := vclock.NewIdentity(r).Start(0)
	return life{id: id, me: me, matrix: matrix}, true
}

// meet admits o again, where l has gone back to before it was admitted.
func (l *life) meet(o *life) {
	if o.sure && l.sure && l.matrix.Check(o.matrix) != nil {
		_ = l.matrix.Admit(o.id.Name) // a retired one stays out
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
