// Package value decides what a Go value is: how the values of a type are
// compared, ordered, copied and encoded.
//
// A [Type] is compiled from a Go type once. Two values are one iff their
// canonical bytes are, and the order of two values of one type is total.
package value
