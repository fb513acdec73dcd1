package crdt

import (
	"encoding/binary"
	"math/bits"
)

// checkBlock returns an error where decodeBlock does.
func (k elements[E]) checkBlock(p []byte, n int) error {
	switch {
	case k.integer && k.spare == 0:
		return checkVarints(p, n)
	case k.integer:
		return k.checkIntegers(p, n)
	case k.text:
		_, err := checkStrings(p, n)
		return err
	}
	_, err := k.decodeBlock(nil, &blockText{}, p, n)
	return err
}

// An origin says that the bytes of a string from the one at from on are those of
// a block from base+from on.
type origin struct{ from, base int }

// checkStrings returns the total size of the n strings of a block, of up to
// pageSize, and an error unless p is such a block.
//
// Whether a string shares with the one before all that it can is decided by one
// byte of that, which stands somewhere in p. Last tells where the bytes of the
// last string from last.from on are, and the origins below top tell, by ascending
// from, where those before are. So nothing is copied.
func checkStrings(p []byte, n int) (int, error) {
	var origins [pageSize]origin // their from is less than pageSize
	var last origin
	top, size, at, total := 0, 0, 0, 0
	for range n {
		if at >= len(p) {
			return 0, errBlock
		}
		shared, suffix := int(p[at]>>4), int(p[at]&15)
		at++
		if shared == 15 {
			if isShort(p, at) {
				shared, at = 15+int(p[at]), at+1
			} else {
				shared, at = longSize(p, at)
			}
		}
		if suffix == 15 {
			if isShort(p, at) {
				suffix, at = 15+int(p[at]), at+1
			} else {
				suffix, at = longSize(p, at)
			}
		}
		if shared > min(size, maxShared) || suffix > len(p)-at {
			return 0, errBlock
		}
		for last.from > shared {
			top--
			last = origins[top&pageMask]
		}
		if shared < size && shared < maxShared && suffix > 0 && p[last.base+shared] == p[at] {
			return 0, errBlock
		}
		if last.from < shared {
			origins[top&pageMask] = last
			top++
		}
		last = origin{shared, at - shared}
		size = shared + suffix
		at += suffix
		total += size
	}
	if at < len(p) {
		return 0, errBlock
	}
	return total, nil
}

// isShort reports whether a varint of one byte stands at p[at].
func isShort(p []byte, at int) bool { return at < len(p) && p[at] < 0x80 }

// longSize reads the rest of a size of at least 15, and returns one that is larger
// than p if there is no shortest varint.
func longSize(p []byte, at int) (size, next int) {
	size, rest := moreSize(p[at:])
	if size < 0 {
		return len(p) + maxShared, at
	}
	return size, len(p) - len(rest)
}

// checkVarints returns an error unless p is n shortest varints of 64 bits.
func checkVarints(p []byte, n int) error {
	const more = 0x8080808080808080 // the bit of each byte that another one follows
	at := 0
	for n > 0 && at+binary.MaxVarintLen64 <= len(p) {
		v := p[at : at+binary.MaxVarintLen64]
		w := binary.LittleEndian.Uint64(v)
		if w&more == 0 && n >= 8 {
			at, n = at+8, n-8
			continue
		}
		n--
		if last := bits.TrailingZeros64(^w&more) >> 3; last < 8 {
			if last > 0 && w>>(8*last)&0xff == 0 {
				return errBlock
			}
			at += last + 1
			continue
		}
		// The last byte is the ninth, of which 7 bits count, or the tenth, of which
		// one does.
		tenth := v[8] >> 7
		if v[8+tenth]-1 >= 127-126*tenth {
			return errBlock
		}
		at += 9 + int(tenth)
	}
	for range n {
		_, used := binary.Uvarint(p[at:])
		if used <= 0 || used > 1 && p[at+used-1] == 0 {
			return errBlock
		}
		at += used
	}
	if at < len(p) {
		return errBlock
	}
	return nil
}

// checkIntegers returns an error unless p is n integers of the width of E.
func (k elements[E]) checkIntegers(p []byte, n int) error {
	last := uint64(0)
	for range n {
		z, used := binary.Uvarint(p)
		if used <= 0 || used > 1 && p[used-1] == 0 {
			return errBlock
		}
		p = p[used:]
		last += unzigzag(z)
		if k.signed && uint64(int64(last<<k.spare)>>k.spare) != last || !k.signed && last<<k.spare>>k.spare != last {
			return errBlock
		}
	}
	if len(p) > 0 {
		return errBlock
	}
	return nil
}
