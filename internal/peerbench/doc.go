// Package peerbench measures this library next to the libraries that users
// would pick instead. It is a module of its own, so that none of them becomes a
// dependency of rejoin. Times on different machines or in different runs do not
// compare; ratios within one run do:
//
//	cd internal/peerbench && go test -bench .
package peerbench
