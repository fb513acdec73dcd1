package main

import "sync"

// faults spoils what the publisher sends, to see that nothing depends on it.
type faults struct {
	mu     sync.Mutex
	Drop   int `json:"drop"`   // every so many messages is lost, never if 0
	Repeat int `json:"repeat"` // every so many is sent a second time, late
	n      int
	late   [][]byte
}

func (f *faults) set(drop, repeat int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Drop, f.Repeat = drop, repeat
}

// mangle returns what is sent in place of a message.
func (f *faults) mangle(message []byte) (out [][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.Drop == 0 || f.n%f.Drop != 0 {
		out = append(out, message)
	}
	if f.Repeat > 0 && f.n%f.Repeat == 0 {
		f.late = append(f.late, message)
	}
	if len(f.late) > 5 || f.Repeat == 0 {
		out = append(out, f.late...)
		f.late = nil
	}
	return out
}
