package crdt_test

// must returns d, and panics if there is an error.
func must[T any](d T, err error) T {
	if err != nil {
		panic(err)
	}
	return d
}
