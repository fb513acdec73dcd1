package crdttest

import (
	"fmt"
	"strings"
)

// A Law is a statement that must hold in every history. Its text says what.
type Law string

// The laws, with x, y, z for states, ⊔ for Merge, m for an update, mδ for the delta
// that it returns, c for Compact. Bounded allows 64 KiB, and 512 bytes per byte of
// input.
const (
	Idempotent  Law = "Merge is idempotent: x ⊔ y ⊔ y = x ⊔ y, x ⊔ x = x"
	Commutative Law = "Merge is commutative: x ⊔ y = y ⊔ x"
	Associative Law = "Merge is associative: (x ⊔ y) ⊔ z = x ⊔ (y ⊔ z)"
	Neutral     Law = "the empty state is neutral: x ⊔ 0 = x, 0 ⊔ x = x"
	Reports     Law = "Merge reports whether its receiver changed"
	Argument    Law = "Merge leaves its argument alone"
	Aliasing    Law = "states share no memory with each other or with bytes: changing one changes no other"
	Copy        Law = "Clone returns an equal state, and Equal is reflexive and symmetric"

	Inflation     Law = "an update is an inflation: x ⊔ m(x) = m(x)"
	Delta         Law = "a delta has the effect of its update: x ⊔ mδ(x) = m(x)"
	Path          Law = "a state is the join of the deltas of what it has seen"
	Refused       Law = "a refused update changes nothing"
	Deterministic Law = "the same history gives the same states"
	Converges     Law = "replicas that have seen the same updates are equal"
	Compaction    Law = "Compact forgets what does not show: x ⊔ c(x) = c(x), and c(x) shows what x shows"
	Model         Law = "a state shows what the model says"

	Canonical Law = "equal states have equal bytes, unequal states unequal bytes"
	RoundTrip Law = "decoding what was encoded gives an equal state, whatever it is decoded into"
	Alike     Law = "equal states show the same, and so does one that was decoded from the bytes of another"
	Bytes     Law = "MergeBinary is Merge of the decoded state"
	Hostile   Law = "a decoder refuses whatever the encoder would not write, and then leaves its receiver alone"
	Bounded   Law = "a decoder allocates in proportion to its input"
	Panics    Law = "nothing panics"
)

// A LawError reports a broken law with a history that breaks it, a short one.
type LawError struct {
	Law     Law
	History []string // the steps, in order, such as "a: Add p" or "b merges a"
	Detail  string   // what was seen and what was expected after the last step

	atEnd bool // found by the checks that follow the last step
}

// Error returns the law, the numbered steps and the detail, in lines.
func (e *LawError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "crdttest: broken law: %s\n", e.Law)
	if len(e.History) == 0 {
		b.WriteString("  in the empty state\n")
	}
	for i, s := range e.History {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, s)
	}
	b.WriteString(e.Detail)
	return b.String()
}

func broken(l Law, format string, args ...any) *LawError {
	return &LawError{Law: l, Detail: fmt.Sprintf(format, args...)}
}
