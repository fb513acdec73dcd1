// Package resolver keeps the concurrent versions of a record side by side, and
// lets the application decide what they mean.
//
// Where two regions write the same record without knowing of each other, there
// is no later write. Siblings keeps both versions until somebody who was shown
// both writes again; a Reconciler asks a rule what to show until then. Only the
// set of versions merges. What it means is a function of the set and of nothing
// else, so any rule converges that gives equal answers to equal questions: it
// need not be commutative or associative, and no order of arrival can matter.
package resolver
