package crdt

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// appendPast appends a context: names are ascending and no seen is empty.
// FORMAT.md documents the layout.
func appendPast(b []byte, names []vclock.Replica, seen []runs) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for i := range names {
		b = appendReplica(b, names[i], &seen[i])
	}
	return b
}

// appendReplica appends what appendPast does for each replica.
func appendReplica(b []byte, name vclock.Replica, seen *runs) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.AppendUvarint(b, seen.prefix)
	b = binary.AppendUvarint(b, uint64(seen.gaps()))
	end := seen.prefix
	for _, c := range seen.far {
		for _, s := range c.spans {
			b = binary.AppendUvarint(b, s.lo-end-2)
			b = binary.AppendUvarint(b, s.hi-s.lo)
			end = s.hi
		}
	}
	return b
}

// readPast reads what appendPast wrote. What it allocates is bounded by the
// bytes it reads: 16 bytes for each span of at least 2, and about 60 for each
// replica of at least 4.
func readPast(d *wire.Reader) (names []vclock.Replica, seen []runs) {
	n := d.Count(4)
	return readReplicas(d, n, make([]vclock.Replica, 0, n), make([]runs, 0, n))
}

// readReplicas reads what appendPast wrote of n replicas and appends it to names
// and seen. All names are parts of one string.
func readReplicas(d *wire.Reader, n int, names []vclock.Replica, seen []runs) ([]vclock.Replica, []runs) {
	var room [256]byte
	text := room[:0]
	var last []byte
	for i := range n {
		name := d.Take(int(d.Byte()))
		switch {
		case d.Err() != nil:
		case len(name) == 0 || !utf8.Valid(name):
			d.Fail("invalid replica %q", name)
		case i > 0 && bytes.Compare(last, name) >= 0:
			d.Fail("replica %q after %q", name, last)
		}
		text, last = append(append(text, byte(len(name))), name...), name
		seen = append(seen, readRuns(d))
		if d.Err() != nil {
			return nil, nil
		}
	}
	for rest := string(text); rest != ""; {
		end := 1 + int(rest[0])
		names, rest = append(names, vclock.Replica(rest[1:end])), rest[end:]
	}
	return names, seen
}

// readRuns reads the context of one replica, which is not empty.
func readRuns(d *wire.Reader) runs {
	r := runs{prefix: d.Uvarint()}
	n := d.Count(2)
	if r.prefix > maxSeq || r.prefix == 0 && n == 0 {
		d.Fail("prefix %d is not in the range of numbers", r.prefix)
	}
	end := r.prefix
	for range n {
		gap, size := d.Uvarint(), d.Uvarint()
		if gap > maxSeq || size > maxSeq || end+2+gap+size > maxSeq {
			d.Fail("span exceeds the largest number %d", uint64(maxSeq))
		}
		if d.Err() != nil {
			return runs{}
		}
		s := span{lo: end + 2 + gap, hi: end + 2 + gap + size}
		r.insert(len(r.far), 0, s)
		end = s.hi
	}
	return r
}
