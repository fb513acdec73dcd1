package crdt

// A noCopy in a struct makes go vet complain about copies of it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
