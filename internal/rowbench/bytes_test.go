package rowbench_test

import (
	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/lww"
)

// What this file names, older builds do not have.

var _ = register("PNCounter", func(int) bytesWay {
	first := replica(0)
	return bytesWay{change: func(p []byte, _ lww.Writer) ([]byte, error) { return crdt.AddBinary(nil, p, first, 1) }}
})

var _ = register("ORMap", func(int) bytesWay {
	first := sku(0)
	return bytesWay{change: func(p []byte, w lww.Writer) ([]byte, error) { return crdt.AddAtBinary(nil, p, w.Replica, first, 2) }}
})

var _ = register("LWWMap", func(int) bytesWay {
	first := sku(0)
	return bytesWay{
		change: func(p []byte, w lww.Writer) ([]byte, error) { return lww.PutBinary(nil, p, w, first, "another") },
		merge:  func(p, delta []byte) ([]byte, error) { return lww.MergeBinary[string, string](nil, p, delta) },
	}
})
