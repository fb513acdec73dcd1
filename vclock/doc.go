// Package vclock tells whether two versions of some data are ordered by
// causality or were written without knowledge of each other.
//
// Wall clocks cannot tell: the larger of two times may belong to a write that
// knew nothing of the other. Here every [Replica] counts its own writes, and a
// version carries what its writer had seen. If each of two versions holds a
// write that the other lacks, they are concurrent, and somebody has to decide.
package vclock
