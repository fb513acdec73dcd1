//go:build race

package lww_test

const raceEnabled = true
