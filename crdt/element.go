package crdt

// elements is what a store has to know about its element type.
type elements[E comparable] struct{}

func elementsOf[E comparable]() elements[E] { return elements[E]{} }
