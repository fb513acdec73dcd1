package merge_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// Types that merge by themselves, one for each form that findJoin takes. All hold
// the largest number; those of the receiver's sort change it, the others leave it
// alone.
type (
	gainsByPointer struct{ N int }
	gainsByValue   struct{ N int }
	saysGain       struct{ N int }
	givesPointer   struct{ N int }
	givesValue     struct{ N int }
	joinsValue     struct{ N int }
	mayFail        struct{ N int }
	ownCopies      struct {
		Hidden *int // shared by assignment, so that Clone has to be called
	}
)

func (g *gainsByPointer) Merge(o *gainsByPointer) { g.N = max(g.N, o.N) }

func (g *gainsByValue) Merge(o gainsByValue) { g.N = max(g.N, o.N) }

func (g *saysGain) Merge(o *saysGain) bool {
	changed := o.N > g.N
	g.N = max(g.N, o.N)
	return changed
}

func (g *givesPointer) Merge(o *givesPointer) *givesPointer { return &givesPointer{max(g.N, o.N)} }

func (g givesValue) Merge(o givesValue) givesValue { return givesValue{max(g.N, o.N)} }

func (j joinsValue) Join(o joinsValue) joinsValue { return joinsValue{max(j.N, o.N)} }

func (m mayFail) Join(o mayFail) (mayFail, error) {
	if m.N < 0 || o.N < 0 {
		return mayFail{}, errors.New("negative")
	}
	return mayFail{max(m.N, o.N)}, nil
}

func (c *ownCopies) Merge(o *ownCopies) {
	if c.Hidden == nil {
		c.Hidden = o.Hidden
	} else {
		*c.Hidden = max(*c.Hidden, *o.Hidden)
	}
}

// Clone returns the value, and not the pointer that the method is on.
func (c *ownCopies) Clone() ownCopies {
	n := *c.Hidden
	return ownCopies{&n}
}

// Types that say themselves what is equal: a cache is no part of the value.
type (
	equalByPointer struct{ N, Cache int }
	equalByValue   struct{ N, Cache int }
)

func (e *equalByPointer) Merge(o *equalByPointer) { e.N = max(e.N, o.N) }

func (e *equalByPointer) Equal(o *equalByPointer) bool { return e.N == o.N }

func (e *equalByValue) Merge(o *equalByValue) { e.N = max(e.N, o.N) }

func (e *equalByValue) Equal(o equalByValue) bool { return e.N == o.N }

// Types that look like those above, and are none of them.
type (
	otherArgument struct{ N int }
	otherResult   struct{ N int }
	pointerResult struct{ N int }
	addsInPlace   struct{ N int }
	manyArguments struct{ N int }
)

func (a *otherArgument) Merge(o *gainsByValue) { a.N += o.N }

func (r otherResult) Merge(o otherResult) int { return r.N + o.N }

// Merge mixes a pointer argument with a value result: neither form.
func (r *pointerResult) Merge(o *pointerResult) pointerResult { return pointerResult{r.N + o.N} }

// Join changes its receiver; a join returns what it makes.
func (a *addsInPlace) Join(o *addsInPlace) { a.N += o.N }

func (m *manyArguments) Merge(os ...manyArguments) { m.N += len(os) }

// TestMergeMethodForms merges types by each form of a Merge or Join method, and
// leaves what it was given as it was.
func TestMergeMethodForms(t *testing.T) {
	type all struct {
		A gainsByPointer
		B gainsByValue
		C saysGain
		D givesPointer
		E givesValue
		F joinsValue
		G mayFail
		P *givesPointer
	}
	p := merge.MustCompile(merge.Options[all]{})
	of := func(n, m int) all {
		return all{
			gainsByPointer{n}, gainsByValue{m}, saysGain{n}, givesPointer{m}, givesValue{n}, joinsValue{m}, mayFail{n}, &givesPointer{m},
		}
	}
	one, two := of(1, 4), of(3, 2)
	require.Equal(t, of(3, 4), merge2(t, p, nil, one, two))
	require.Equal(t, of(1, 4), one)
	require.Equal(t, of(3, 2), two)

	two.G.N = -1
	_, err := p.Merge(nil, merge.Side[all]{Value: one, Stamp: stamp(3, "a")}, merge.Side[all]{Value: two, Stamp: stamp(2, "b")})
	require.ErrorContains(t, err, "merge: G: negative")
}

// TestMergeMethodClone copies a value that merges itself by its own Clone, which is
// the only way that does not share its memory.
func TestMergeMethodClone(t *testing.T) {
	type all struct{ V ownCopies }
	p := merge.MustCompile(merge.Options[all]{Paths: map[string]string{"V": "join"}})
	n, m := 1, 2
	one, two := all{ownCopies{&n}}, all{ownCopies{&m}}
	require.Equal(t, 2, *merge2(t, p, nil, one, two).V.Hidden)
	require.Equal(t, [2]int{1, 2}, [2]int{n, m}, "the sides are as they were")
}

// TestMergeMethodEqual asks a type that merges itself what is a change.
func TestMergeMethodEqual(t *testing.T) {
	type all struct {
		P equalByPointer
		V equalByValue
	}
	p := merge.MustCompile(merge.Options[all]{Paths: map[string]string{"P": "join", "V": "join"}})
	base := all{equalByPointer{1, 0}, equalByValue{1, 0}}
	_, report, err := p.Explain(&base, merge.Side[all]{Value: all{equalByPointer{1, 7}, equalByValue{1, 7}}, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Empty(t, report.Changes)
	_, report, err = p.Explain(&base, merge.Side[all]{Value: all{equalByPointer{2, 0}, equalByValue{2, 0}}, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Len(t, report.Changes, 2)
}

// TestMergeMethodLookAlikes refuses methods that are called Merge or Join and do not
// join: of another argument, with another result, or in place.
func TestMergeMethodLookAlikes(t *testing.T) {
	require.ErrorContains(t, compileJoin[otherArgument](), "needs a method Merge")
	require.ErrorContains(t, compileJoin[otherResult](), "needs a method Merge")
	require.ErrorContains(t, compileJoin[pointerResult](), "needs a method Merge")
	require.ErrorContains(t, compileJoin[addsInPlace](), "needs a method Merge")
	require.ErrorContains(t, compileJoin[manyArguments](), "needs a method Merge")
	require.NoError(t, compileJoin[joinsValue]())
}

func compileJoin[V any]() error {
	_, err := merge.Compile(merge.Options[box[V]]{Paths: map[string]string{"V": "join"}})
	return err
}
