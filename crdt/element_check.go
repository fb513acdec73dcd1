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
	_, err := k.decodeBlock(p, n)
	return err
}

// An origin says that the bytes of a string from the one at from on are those of
// a block from base+from on.
type origin struct{ from, base int }

// checkStrings returns the total size of the n strings of a block, of up to
// pageSize, and an error unless p is such a block.
//
// Whether a string shares with the one before all that it can is decided by one
// byte of that, which stands somewhere in p: the origins of the last string, by
// ascending from, tell where. So nothing is copied.
func checkStrings(p []byte, n int) (int, error) {
	var origins [pageSize]origin // from ascends and is less than pageSize
	top, size, at, total := 0, 0, 0, 0
	for range n {
		if at >= len(p) {
			return 0, errBlock
		}
		shared, suffix := int(p[at]>>4), int(p[at]&15)
		at++
		if shared == 15 {
			if shared, at = longSize(p, at); shared > maxShared {
				return 0, errBlock
			}
		}
		if suffix == 15 {
			suffix, at = longSize(p, at)
		}
		if shared > size || suffix > len(p)-at {
			return 0, errBlock
		}
		o := &origins[top&pageMask]
		for o.from > shared {
			top--
			o = &origins[top&pageMask]
		}
		if shared < size && shared < maxShared && suffix > 0 && p[o.base+shared] == p[at] {
			return 0, errBlock
		}
		if o.from < shared {
			top++
			o = &origins[top&pageMask]
		}
		*o = origin{shared, at - shared}
		size = shared + suffix
		at += suffix
		total += size
	}
	if at < len(p) {
		return 0, errBlock
	}
	return total, nil
}

// longSize reads the rest of a size of at least 15, and returns one that is larger
// than p if there is no shortest varint.
func longSize(p []byte, at int) (size, next int) {
	if at < len(p) && p[at] < 0x80 {
		return int(p[at]) + 15, at + 1
	}
	size, rest := moreSize(p[at:])
	if size < 0 {
		return len(p) + maxShared, at
	}
	return size, len(p) - len(rest)
}

// checkVarints returns an error unless p is n shortest varints of 64 bits.
func checkVarints(p []byte, n int) error {
	const more = 0x8080808080808080 // the bit of each byte that another one follows
	for n > 0 && len(p) >= binary.MaxVarintLen64 {
		w := binary.LittleEndian.Uint64(p)
		if w&more == 0 && n >= 8 {
			p, n = p[8:], n-8
			continue
		}
		n--
		if last := bits.TrailingZeros64(^w&more) >> 3; last < 8 {
			if last > 0 && w>>(8*last)&0xff == 0 {
				return errBlock
			}
			p = p[last+1:]
			continue
		}
		// The last byte is the ninth, of which 7 bits count, or the tenth, of which
		// one does.
		tenth := p[8] >> 7
		if p[8+tenth]-1 >= 127-126*tenth {
			return errBlock
		}
		p = p[9+tenth:]
	}
	for range n {
		_, used := binary.Uvarint(p)
		if used <= 0 || used > 1 && p[used-1] == 0 {
			return errBlock
		}
		p = p[used:]
	}
	if len(p) > 0 {
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
