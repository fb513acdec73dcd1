package crdttest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// Join checks the laws of Merge on three states, which it does not change. It
// returns a [*LawError] without a history for the first law broken, or nil. A
// [Kit] does this and more: Join is for states from elsewhere, as a fuzz test.
func Join[S crdt.State[S]](x, y, z S) error {
	k := &Kit[S]{}
	for _, p := range [][2]S{{x, y}, {y, z}, {z, x}} {
		if failure := k.checkMerge(p[0], p[1]); failure != nil {
			return failure
		}
	}
	if failure := k.checkAssociative(x, y, z); failure != nil {
		return failure
	}
	return nil
}

func join[S crdt.State[S]](x, y S) S {
	z := x.Clone()
	z.Merge(y)
	return z
}

// checkMerge checks what can be said about x ⊔ y alone. It changes neither.
func (k *Kit[S]) checkMerge(x, y S) *LawError {
	if failure := k.checkCopy(x); failure != nil {
		return failure
	}
	z, failure := k.merged(x, y)
	if failure != nil {
		return failure
	}
	for _, twice := range []struct {
		what string
		arg  S
	}{{"z ⊔ y", y}, {"z ⊔ z", z}} {
		again, failure := k.merged(z, twice.arg)
		switch {
		case failure != nil:
			return failure
		case !again.Equal(z) || k.key(again) != k.key(z):
			return k.changed(z, Idempotent, "x is %s\ny is %s\nz = x ⊔ y is %s\n"+twice.what+" is %s", k.texts(x, y, z, again)...)
		}
	}
	self := z.Clone()
	if self.Merge(self) || !self.Equal(z) {
		return k.changed(z, Idempotent, "merging a state into itself changes it from %s to %s", k.texts(z, self)...)
	}
	yx, failure := k.merged(y, x)
	switch {
	case failure != nil:
		return failure
	case !yx.Equal(z) || k.key(yx) != k.key(z):
		return k.changed(z, Commutative, "x is %s\ny is %s\nx ⊔ y is %s\ny ⊔ x is %s", k.texts(x, y, z, yx)...)
	}
	if failure := k.checkAlike("x ⊔ y", z, "y ⊔ x", yx); failure != nil {
		return failure
	}
	if zx := join(z, x); !zx.Equal(z) {
		return k.changed(z, Associative, "x is %s\ny is %s\nx ⊔ y is %s\nx ⊔ y ⊔ x is %s", k.texts(x, y, z, zx)...)
	}
	return k.checkMergeBinary(x, y, z)
}

// checkMergeApart is checkMerge, and checks that x ⊔ y shares no memory with y.
func (k *Kit[S]) checkMergeApart(x, y S) *LawError {
	if failure := k.checkMerge(x, y); failure != nil {
		return failure
	}
	return k.checkApart("the result of a merge", join(x, y), "its argument", func() (S, S) {
		y := y.Clone()
		return join(x, y), y
	})
}

// merged returns x ⊔ y, having checked what Merge returned and what it did to y.
func (k *Kit[S]) merged(x, y S) (S, *LawError) {
	z, arg, key := x.Clone(), y.Clone(), k.key(y)
	changed := z.Merge(arg)
	if !arg.Equal(y) || k.key(arg) != key {
		return z, k.changed(y, Argument, "x is %s\nthe argument y was %s\nand is %s", k.texts(x, y, arg)...)
	}
	if changed == z.Equal(x) {
		return z, k.misreported("Merge", changed, x, z)
	}
	return z, nil
}

func (k *Kit[S]) misreported(method string, changed bool, before, after S) *LawError {
	return broken(Reports, "%s returned %t\n%s", method, changed,
		fmt.Sprintf("before: %s\nafter:  %s", k.texts(before, after)...))
}

// quoted returns the text of err for use in a format.
func quoted(err error) string { return strings.ReplaceAll(err.Error(), "%", "%%") }

func (k *Kit[S]) checkAssociative(x, y, z S) *LawError {
	l, r := join(join(x, y), z), join(x, join(y, z))
	if l.Equal(r) && k.key(l) == k.key(r) {
		return nil
	}
	return k.changed(l, Associative, "x is %s\ny is %s\nz is %s\n(x ⊔ y) ⊔ z is %s\nx ⊔ (y ⊔ z) is %s",
		k.texts(x, y, z, l, r)...)
}

func (k *Kit[S]) checkCopy(x S) *LawError {
	c := x.Clone()
	if !c.Equal(x) || !x.Equal(c) || !x.Equal(x) || k.key(c) != k.key(x) {
		return k.changed(x, Copy, "the original is %s\nits clone is %s", k.texts(x, c)...)
	}
	return nil
}

// checkApart checks that the two states that fresh makes share no memory: that
// changing one leaves the other as it was.
func (k *Kit[S]) checkApart(xName string, want S, yName string, fresh func() (S, S)) *LawError {
	x, y := fresh()
	k.poke(y)
	if !x.Equal(want) || k.key(x) != k.key(want) {
		return k.changed(want, Aliasing, "changing "+yName+" changes "+xName+" from %s to %s", k.texts(want, x)...)
	}
	x, y = fresh()
	yWant := y.Clone()
	k.poke(x)
	if !y.Equal(yWant) {
		return broken(Aliasing, "changing "+xName+" changes "+yName+" from %s to %s", k.texts(yWant, y)...)
	}
	return nil
}

// checkClones checks that changing a clone of s leaves s alone. All other checks work
// on clones, so this one comes first.
func (r *run[S]) checkClones(s S) *LawError {
	before := r.k.key(s) + r.k.show(s)
	r.k.poke(s.Clone())
	if r.k.key(s)+r.k.show(s) != before {
		return r.k.changed(s, Aliasing, "changing a clone of a state changes the state, which is now %s", r.k.show(s))
	}
	return nil
}

// poke changes s in every way that the operations offer.
func (k *Kit[S]) poke(s S) {
	for i, op := range k.Ops {
		for _, arg := range k.samples[i][:min(3, len(k.samples[i]))] {
			for _, r := range []vclock.Replica{"a", "poke"} {
				tryOut(op, s, r, s, arg)
			}
		}
	}
}

// tryOut applies op and minds neither errors nor panics: an update of the history
// that has one will tell.
func tryOut[S any](op Operation[S], s S, r vclock.Replica, client S, arg any) {
	defer func() { _ = recover() }()
	_, _ = op.apply(s, r, client, arg)
}

// An updated is a state before and after an update, which was done twice on
// equal states.
type updated[S any] struct {
	before       S
	after, delta S
	again, twin  S    // the second result and its delta
	some         bool // whether the type has deltas
}

func (k *Kit[S]) checkUpdate(u updated[S]) *LawError {
	if !u.again.Equal(u.after) || k.key(u.again) != k.key(u.after) {
		return k.changed(u.after, Deterministic, "x is %s\nm(x) is %s once, and %s another time", k.texts(u.before, u.after, u.again)...)
	}
	if failure := k.checkMerge(u.before, u.after); failure != nil {
		return failure
	}
	if x := join(u.before, u.after); !x.Equal(u.after) || k.key(x) != k.key(u.after) {
		return k.changed(x, Inflation, "x is %s\nm(x) is %s\nx ⊔ m(x) is %s", k.texts(u.before, u.after, x)...)
	}
	if !u.some {
		return nil
	}
	if failure := k.checkMergeApart(u.before, u.delta); failure != nil {
		return failure
	}
	if x := join(u.before, u.delta); !x.Equal(u.after) || k.key(x) != k.key(u.after) {
		return k.changed(x, Delta, "x is %s\nm(x) is %s\nx ⊔ mδ(x) is %s", k.texts(u.before, u.after, x)...)
	}
	if !u.twin.Equal(u.delta) {
		return broken(Deterministic, "the delta is %s once, and %s another time", k.texts(u.delta, u.twin)...)
	}
	if failure := k.checkCodec(u.delta); failure != nil {
		return failure
	}
	k.poke(u.twin)
	if !u.again.Equal(u.after) || k.key(u.again) != k.key(u.after) {
		return k.changed(u.after, Aliasing, "changing the delta changes the state from %s to %s", k.texts(u.after, u.again)...)
	}
	return nil
}

func (k *Kit[S]) checkRefused(before, after, delta S, err error) *LawError {
	if !after.Equal(before) || k.key(after) != k.key(before) {
		return k.changed(before, Refused, "the state changed from %s to %s, with the error: "+quoted(err), k.texts(before, after)...)
	}
	if isNil(delta) {
		return nil
	}
	if x := join(before, delta); !x.Equal(before) {
		return broken(Refused, "the delta turns %s into %s, with the error: "+quoted(err), k.texts(before, x)...)
	}
	return nil
}

// checkAll checks the laws that speak of several states at once.
func (k *Kit[S]) checkAll(states []S) *LawError {
	used := k.New()
	for i, x := range states {
		if failure := k.checkJSON(x, used); failure != nil {
			return failure
		}
		if e := k.New(); !join(x, e).Equal(x) || !join(e, x).Equal(x) {
			return broken(Neutral, "x is %s\nx ⊔ 0 is %s\n0 ⊔ x is %s", k.texts(x, join(x, e), join(e, x))...)
		}
		for j, y := range states[:i+1] {
			if x.Equal(y) != y.Equal(x) {
				return broken(Copy, "x is %s, y is %s\nx = y is %t, y = x is %t", k.show(x), k.show(y), x.Equal(y), y.Equal(x))
			}
			if failure := k.checkMerge(x, y); failure != nil {
				return failure
			}
			for _, z := range states[:j+1] {
				if failure := k.checkAssociative(x, y, z); failure != nil {
					return failure
				}
			}
		}
	}
	return k.checkSameBytes(states)
}

// changed reports a difference between two states that should be one. Where it
// is only that a state has no one encoding, that is the law it names.
func (k *Kit[S]) changed(s S, l Law, format string, args ...any) *LawError {
	if failure := k.checkStable(s, 400); failure != nil {
		return failure
	}
	return broken(l, format, args...)
}

// texts shows states of which two differ. Where different ones read the same, what
// tells them apart follows: JSON, bytes, or what fmt finds in them.
func (k *Kit[S]) texts(states ...S) []any {
	texts := make([]any, len(states))
	for i, s := range states {
		texts[i] = k.show(s)
	}
	for i, x := range states {
		for j, y := range states[:i] {
			if texts[i] != texts[j] || x.Equal(y) && k.key(x) == k.key(y) {
				continue
			}
			detail := k.apart(x, y)
			for i, s := range states {
				texts[i] = fmt.Sprintf("%s %s", texts[i], detail(s))
			}
			return texts
		}
	}
	return texts
}

// apart returns the first of several ways to show a state that tells x from y.
func (k *Kit[S]) apart(x, y S) func(S) string {
	asJSON := func(s S) string {
		p, err := json.Marshal(s)
		if err != nil || !k.format.json {
			return ""
		}
		return fmt.Sprintf("(JSON %s)", p)
	}
	asBytes := func(s S) string {
		p, err := encode(s)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("(bytes %s)", readable(p))
	}
	for _, way := range []func(S) string{asJSON, asBytes} {
		if way(x) != way(y) {
			return way
		}
	}
	return func(s S) string {
		if v := reflect.ValueOf(s); v.Kind() == reflect.Pointer && !v.IsNil() {
			return fmt.Sprintf("(%+v)", v.Elem())
		}
		return fmt.Sprintf("(%+v)", s)
	}
}

// show returns a state as a person reads it.
func (k *Kit[S]) show(s S) string {
	if k.Value != nil {
		return fmt.Sprint(k.Value(s))
	}
	switch s := any(s).(type) {
	case fmt.Stringer:
		return s.String()
	case json.Marshaler:
		if b, err := s.MarshalJSON(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprintf("%+v", s)
}

// key returns what tells one state from another most finely: its bytes, or
// else what it shows, or else nothing.
func (k *Kit[S]) key(s S) string {
	if b, err := encode(s); err == nil {
		return string(b)
	}
	if k.Value != nil {
		return fmt.Sprint(k.Value(s))
	}
	return ""
}

// checkAlike checks that two states, which are equal, show the same.
func (k *Kit[S]) checkAlike(xName string, x S, yName string, y S) *LawError {
	if k.Value == nil {
		return nil
	}
	a, b := k.Value(x), k.Value(y)
	switch {
	case same(a, b):
	case fmt.Sprint(a) != fmt.Sprint(b):
		return broken(Alike, "%s shows %v\n%s shows %v", xName, a, yName, b)
	case !strings.Contains(fmt.Sprint(a), "NaN"): // which does not equal itself
		return broken(Alike, "%s shows %#v\n%s shows %#v", xName, a, yName, b)
	}
	return nil
}

// same compares two values as [Kit.Model] says.
func same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() || x.Type() != y.Type() {
		return false
	}
	return (x.Kind() == reflect.Slice || x.Kind() == reflect.Map) && x.Len() == 0 && y.Len() == 0
}

func isNil(s any) bool {
	v := reflect.ValueOf(s)
	k := v.Kind()
	return k == reflect.Invalid || (k == reflect.Pointer || k == reflect.Map || k == reflect.Slice) && v.IsNil()
}
