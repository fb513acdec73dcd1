package crdt

import (
	"encoding/binary"

	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// appendPast appends a context: names are ascending and no seen is empty.
// [Context.AppendBinary] documents the layout.
func appendPast(b []byte, names []vclock.Replica, seen []runs) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for i := range names {
		b = append(b, byte(len(names[i])))
		b = append(b, names[i]...)
		b = binary.AppendUvarint(b, seen[i].prefix)
		b = binary.AppendUvarint(b, uint64(seen[i].gaps()))
		end := seen[i].prefix
		for _, c := range seen[i].far {
			for _, s := range c.spans {
				b = binary.AppendUvarint(b, s.lo-end-2)
				b = binary.AppendUvarint(b, s.hi-s.lo)
				end = s.hi
			}
		}
	}
	return b
}

// readPast reads what appendPast wrote. What it allocates is bounded by the
// bytes it reads: 16 bytes for each span of at least 2, and about 60 for each
// replica of at least 4.
func readPast(d *wire.Reader) (names []vclock.Replica, seen []runs) {
	n := d.Count(4)
	names, seen = make([]vclock.Replica, 0, n), make([]runs, 0, n)
	for range n {
		name := vclock.Replica(d.Take(int(d.Byte())))
		switch {
		case d.Err() != nil:
		case !name.IsValid():
			d.Fail("invalid replica %q", string(name))
		case len(names) > 0 && names[len(names)-1] >= name:
			d.Fail("replica %q after %q", string(name), string(names[len(names)-1]))
		}
		names, seen = append(names, name), append(seen, readRuns(d))
		if d.Err() != nil {
			return nil, nil
		}
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
