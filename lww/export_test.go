package lww

// Hash returns what keys are looked up by.
func Hash[K comparable](k K) uint32 { return hashOf(k) }

// IsPlainRow reports whether [PutBinary] takes no decoded state for row.
func IsPlainRow[K comparable, V any](row []byte) bool {
	var x mapRow[K, V]
	return x.read(row) && x.find()
}
