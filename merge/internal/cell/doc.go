// Package cell is the state of a record without the Go type that it is of: a tree
// of cells, their join, their bytes and their JSON.
//
// A program joins, encodes and decodes cells of fields that only another version
// of it knows. What it knows of a field it says by [Knows].
package cell
