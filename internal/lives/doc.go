// Package lives plays the lives of a store: replicas start, crash, go on from older
// states, join and leave, while what they wrote is on its way. It has tests only.
package lives
