package peerbench

import (
	"maps"
	"slices"
	"testing"
)

// run measures the same operation of several libraries.
func run(b *testing.B, name string, libraries map[string]func()) {
	for _, library := range slices.Sorted(maps.Keys(libraries)) {
		f := libraries[library]
		b.Run(name+"/library="+library, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
