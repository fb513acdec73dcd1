package vclock_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// A region is a member of a store: the writes that it holds, by dots whose numbers are
// times, and its matrix.
type region struct {
	writes history
	matrix *vclock.Matrix
	sure   bool // it was confirmed once
}

func (g *region) clone() *region { return &region{maps.Clone(g.writes), g.matrix.Clone(), g.sure} }

func (g *region) name() vclock.Replica { return base(g.matrix.Owner()) }

// A group is a random history of regions that write, send their states late, twice or
// never, admit others, retire each other, crash and go on from older states.
type group struct {
	rng     *rand.Rand
	now     uint64
	regions map[vclock.Replica]*region
	parcels []*region
	said    []string

	hasty bool // a newcomer is taken for a member at once
	early bool // its snapshot was taken before it was admitted
	alone bool // matrices arrive without states
}

func (w *group) pick() *region {
	names := slices.Sorted(maps.Keys(w.regions))
	return w.regions[names[w.rng.IntN(len(names))]]
}

func (w *group) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// record notes what a region has.
func (w *group) record(g *region) {
	w.now++
	g.matrix.Record(w.now)
	g.sure = g.sure || g.matrix.Confirmed()
}

func (w *group) step() {
	g := w.pick()
	before := g.matrix.Clone()
	defer func() {
		same := g.matrix.Owner() == before.Owner() && !g.matrix.Sealed().IsOver(before.Owner())
		if same && before.Usable() == nil && g.matrix.Usable() != nil || same && before.Confirmed() && !g.matrix.Confirmed() {
			panic(fmt.Sprintf("%s is confirmed no more: %v", g.name(), w.said))
		}
	}()
	switch w.rng.IntN(17) {
	case 0, 1, 2:
		if g.matrix.Usable() == nil || w.hasty {
			w.now++
			g.writes[vclock.Dot{Replica: g.name(), Seq: w.now}] = true
			w.say("%s writes %d", g.name(), w.now)
		}
	case 3, 4, 5, 6:
		w.record(g)
		w.parcels = append(w.parcels, g.clone())
		w.say("%s sends", g.name())
	case 7, 8, 9, 10, 11:
		if len(w.parcels) > 0 {
			w.receive(g, w.parcels[len(w.parcels)-1-min(w.rng.IntN(3), w.rng.IntN(len(w.parcels)))])
		}
	case 12:
		w.admit(g)
	case 13:
		if o := w.pick(); o != g && len(w.regions) > 2 {
			w.say("%s retires %s", g.name(), o.name())
			delete(w.regions, o.name())
			g.matrix.Retire(o.name())
		}
	case 14:
		w.restart(g)
	case 15:
		g.matrix.Close()
	case 16:
		w.again(g)
	}
}

// again lets another admit a newcomer, which begins from that one's snapshot if nobody has
// heard of it.
func (w *group) again(g *region) {
	o := w.pick()
	if g.matrix.Usable() == nil || g == o || o.matrix.Usable() != nil || o.matrix.Admit(g.name()) != nil {
		return
	}
	w.say("%s admits %s, too", o.name(), g.name())
	if slices.ContainsFunc(w.parcels, func(p *region) bool { return p.name() == g.name() }) {
		return
	}
	m, err := o.matrix.For(g.name())
	if err != nil {
		panic(err)
	}
	w.say("%s begins from that", g.name())
	g.matrix, g.writes = m, maps.Clone(o.writes)
}

func (w *group) receive(g, p *region) {
	if g.matrix.Check(p.matrix) != nil {
		return
	}
	w.say("%s gets %s", g.name(), p.name())
	if !w.alone || w.rng.IntN(3) > 0 {
		maps.Copy(g.writes, p.writes)
	}
	if _, err := g.matrix.Merge(p.matrix); err == nil {
		w.record(g)
	}
}

func (w *group) admit(g *region) {
	r := vclock.Replica(fmt.Sprint("n", len(w.said)))
	if len(w.regions) > 3 || g.matrix.Usable() != nil {
		return
	}
	state := g.clone().writes
	if w.early {
		for _, p := range w.parcels {
			if p.name() == g.name() {
				state = p.clone().writes
			}
		}
	}
	if g.matrix.Admit(r) != nil {
		return
	}
	m, err := g.matrix.For(r)
	if err != nil {
		panic(err)
	}
	w.say("%s admits %s, which joins", g.name(), r)
	w.regions[r] = &region{writes: state, matrix: m, sure: w.hasty}
}

// restart lets a region go on from what it once was, as its next incarnation.
func (w *group) restart(g *region) {
	for _, p := range w.parcels {
		_, life := g.matrix.Owner().Lineage()
		if p.name() != g.name() || w.rng.IntN(3) > 0 {
			continue
		}
		w.say("%s goes on from an older state", g.name())
		sure := g.sure
		*g = *p.clone()
		g.sure = sure
		w.now++
		if err := g.matrix.Begin(vclock.Incarnation(string(g.name()), life+1), w.now); err != nil {
			panic(err)
		}
		return
	}
}

// wrong returns what a region takes for known to all although it is not.
func (w *group) wrong() string {
	for _, g := range w.regions {
		if !g.sure || !g.matrix.Settled() {
			continue
		}
		stable := g.matrix.Stable()
		for _, h := range w.regions {
			_, life := h.matrix.Owner().Lineage()
			if !h.sure && !g.matrix.Contains(h.name()) || stable.IsZero() {
				continue
			}
			if sealed := uint64(0); life > 0 {
				for r, n := range g.matrix.Sealed().All() {
					if r == h.name() {
						sealed = n
					}
				}
				if sealed < life {
					continue // g has not heard that h has lost something
				}
			}
			for _, o := range w.regions {
				if !o.sure && !g.matrix.Contains(o.name()) {
					continue // its sponsor has gone back, and has admitted nobody
				}
				for d := range o.writes {
					if stable.Contains(d) && !h.writes[d] {
						return fmt.Sprintf("%s lacks %v, which %s takes for known", h.name(), d, g.name())
					}
				}
			}
		}
	}
	return ""
}

// play runs n histories and returns what is wrong in the first that goes wrong.
func play(n, steps int, change func(*group)) (string, []string) {
	for seed := range uint64(n) {
		w := &group{rng: rand.New(rand.NewPCG(seed, 7)), regions: map[vclock.Replica]*region{}}
		members := []vclock.Replica{"a", "b"}
		if seed%2 == 0 {
			members = append(members, "c")
		}
		for _, r := range members {
			w.regions[r] = &region{history{}, vclock.NewMatrix(r, members...), true}
		}
		change(w)
		for range steps {
			w.step()
			if wrong := w.wrong(); wrong != "" {
				return wrong, w.said
			}
		}
	}
	return "", nil
}

// TestMatrixIsSafe: whatever a member that may forget calls stable is with everybody.
func TestMatrixIsSafe(t *testing.T) {
	n := 3000
	if testing.Short() {
		n /= 10
	}
	wrong, said := play(n, 40, func(*group) {})
	require.Empty(t, wrong, "%q", said)
}

// TestMatrixNeedsEachRule: each weaker rule of admission is found out.
func TestMatrixNeedsEachRule(t *testing.T) {
	for name, change := range map[string]func(*group){
		"a newcomer writes at once":                         func(w *group) { w.hasty = true },
		"the snapshot is taken first":                       func(w *group) { w.early = true },
		"matrices arrive without their states now and then": func(w *group) { w.alone = true },
	} {
		t.Run(name, func(t *testing.T) {
			wrong, said := play(20000, 40, change)
			require.NotEmpty(t, wrong)
			t.Logf("%s: %d steps", wrong, len(said))
		})
	}
}
