// Package rowbench measures what a service does per request: it takes the bytes
// of a row, makes one change, and has the bytes of the row again; or it merges a
// peer's delta, as bytes, into the bytes of a row. Its tests use exported names
// only, so that the same files measure an older build beside this one: see
// internal/compare.sh.
package rowbench
