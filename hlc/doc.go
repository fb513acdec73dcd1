// Package hlc implements hybrid logical clocks: timestamps that read like wall
// time and order events like logical clocks.
//
// Wall clocks of different machines disagree. A write stamped by a slow clock
// loses against an older write stamped by a fast one, even if its author had
// seen the older write. A hybrid logical clock is never behind anything that it
// has seen: if event e happened before event f, the timestamp of e is smaller,
// however wrong the wall clocks are, and it stays within the clock error of
// wall time.
//
// The algorithm is that of Kulkarni, Demirbas, Madeppa, Avva, Leone: “Logical
// Physical Clocks”, OPODIS 2014, https://cse.buffalo.edu/tech-reports/2014-04.pdf.
package hlc
