// Package antientropy finds out what two replicas have to send each other. It
// neither sends nor stores anything: messages are bytes that the application
// carries.
//
// A [Table] is for a store of many states, such as a row or an object each. It
// holds a fingerprint of every state, and two tables find the keys whose states
// differ in a few messages, whose size goes by the number of those keys and not
// by that of all:
//
//	msg := mine.Ask(salt)                        // to the peer, which answers
//	reply, send, err := theirs.Answer(msg)       // and sends the states of the keys in send
//
// A [Log] is for a replica that sends its changes as deltas: it keeps the
// recent ones for each peer until the peer has acknowledged them.
//
// What is received is a state or a delta of a type that merges. So a message
// that is lost, late, or there twice, and a table that changes between two
// messages, make nothing wrong: they cost another exchange at most.
package antientropy
