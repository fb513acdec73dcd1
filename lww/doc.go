// Package lww implements last-writer-wins data types: each write has a [Stamp],
// and the larger stamp wins.
//
// Databases that do this with wall clocks lose writes whose author's clock was
// slow, even writes that replaced a value on purpose. Here a [Writer] stamps a
// write above what it replaces, by a hybrid logical clock of package hlc.
package lww
