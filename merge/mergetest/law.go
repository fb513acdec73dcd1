package mergetest

import (
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// A Law is a statement that must hold. Its text is the statement.
type Law string

// The laws of plans: m is a merge, b its base, and x, y and z sides.
const (
	Symmetric     Law = "a merge does not depend on the order of its sides"
	Deterministic Law = "the same inputs give the same result"
	Argument      Law = "what is given is left alone"
	Aliasing      Law = "the result shares no memory with the inputs: changing one changes no other"
	Untouched     Law = "what one side did not touch is as the other left it: m(b, b, x) = x"
	Agreed        Law = "changes that agree are one change: m(b, x, x) = m(b, x)"
	Pairwise      Law = "merging two by two is merging at once: m(b, m(b, x, y), z) = m(b, x, y, z)"
	Explained     Law = "Explain says what Merge did"
	Panics        Law = "nothing panics"
)

// The laws of the functions that custom rules are made of.
const (
	Reflexive     Law = "compare holds a value equal to itself: compare(a, a) = 0"
	Antisymmetric Law = "compare(a, b) and compare(b, a) have opposite signs"
	Transitive    Law = "compare is transitive: a ≤ b and b ≤ c make a ≤ c"
	Commutative   Law = "join is commutative: join(a, b) = join(b, a)"
	Associative   Law = "join is associative: join(join(a, b), c) = join(a, join(b, c))"
	Idempotent    Law = "join is idempotent: join(a, a) = a"
)

// The laws of records x, y and z, with ⊔ for [merge.Record.Merge].
const (
	MergeCommutative Law = "merging records is commutative: x ⊔ y = y ⊔ x"
	MergeAssociative Law = "merging records is associative: (x ⊔ y) ⊔ z = x ⊔ (y ⊔ z)"
	MergeIdempotent  Law = "merging records is idempotent: x ⊔ y ⊔ y = x ⊔ y"
	Converges        Law = "records that have merged each other are equal, to the byte"
	Inflation        Law = "a write takes nothing away: merged with what it was before, a record is as it is"
	ReadBack         Law = "a write reads back, or is refused"
	Refused          Law = "what returns an error changes nothing"
	Reports          Law = "Merge says whether its receiver changed, Changed and Explain say where"
	Compacts         Law = "Compact changes nothing that is seen"
	RoundTrip        Law = "decoding what was encoded gives an equal record"
	Hostile          Law = "what is decoded is refused and changes nothing, or is a record"
	Model            Law = "a record shows what the model says"
	Invariant        Law = "the invariant holds wherever writes were merged that each kept it"
)

// A LawError reports a broken law with the smallest inputs found to break it.
type LawError struct {
	Law    Law
	Inputs []string // what was merged, such as `base: {Name:"a"}`; the numbered steps of records
	Detail string   // what was seen
}

// Error returns the law, the inputs and the detail, each on separate lines.
func (e *LawError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mergetest: broken law: %s\n", e.Law)
	for _, s := range e.Inputs {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	b.WriteString(e.Detail)
	return b.String()
}

func broken(l Law, format string, args ...any) *LawError {
	return &LawError{Law: l, Detail: fmt.Sprintf(format, args...)}
}

// contain calls check and turns a panic into a broken law.
func contain(check func() *LawError) (failure *LawError) {
	defer func() {
		if v := recover(); v != nil {
			failure = broken(Panics, "panic: %v%s", v, lawkit.Origin())
		}
	}()
	return check()
}
