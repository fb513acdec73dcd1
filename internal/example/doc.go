// Package example holds what the programs below examples share: the command
// line, the reading of a log, and text that fits a terminal.
package example
