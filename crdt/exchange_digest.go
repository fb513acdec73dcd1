package crdt

import (
	"math/bits"
	"slices"

	"github.com/rejoin-go/rejoin/vclock"
)

// A livePage is which numbers of a page of one replica are live.
type livePage struct {
	num  uint64
	live [2]uint64
}

// livePages are the pages with live dots, ascending, by replica index.
type livePages [][]livePage

// pagesOf returns the live dots of v, a value of r. It takes O(p) for p pages of a
// set, and O(n log n) for n dots of another type.
func pagesOf(r *root, v causal) livePages {
	all := make(livePages, len(r.names))
	if s, ok := v.(interface{ pages(livePages) }); ok {
		s.pages(all)
		return all
	}
	seqs := make([][]uint64, len(r.names))
	v.dots(func(d dot) { seqs[d.replica] = append(seqs[d.replica], d.seq) })
	for i, seqs := range seqs {
		slices.Sort(seqs)
		l := &all[i]
		for _, seq := range seqs {
			num := seq >> pageBits
			if n := len(*l); n == 0 || (*l)[n-1].num != num {
				*l = append(*l, livePage{num: num})
			}
			(*l)[len(*l)-1].live[seq>>6&1] |= 1 << (seq & 63)
		}
	}
	return all
}

func (s *ORSet[E]) pages(all livePages) { s.store.livePages(all) }
func (s *RWSet[E]) pages(all livePages) { s.store.livePages(all) }

func (s *store[E]) livePages(all livePages) {
	if s == nil {
		return
	}
	for i := range s.logs {
		l := &s.logs[i]
		pages := make([]livePage, len(l.pages))
		for k, p := range l.pages {
			pages[k] = livePage{p.num, p.live}
		}
		all[l.replica] = pages
	}
}

// count returns the number of live dots, or limit if there are as many.
func (all livePages) count(limit int) int {
	n := 0
	for _, pages := range all {
		for _, p := range pages {
			if n += bitCount(p.live); n >= limit {
				return limit
			}
		}
	}
	return n
}

// find returns what is live of a page of a replica.
func (all livePages) find(replica uint32, num uint64) [2]uint64 {
	pages := all[replica]
	i, ok := slices.BinarySearchFunc(pages, num, func(p livePage, num uint64) int { return compareSeq(p.num, num) })
	if !ok {
		return [2]uint64{}
	}
	return pages[i].live
}

// pageWords returns which numbers of a page are in r.
func (r *runs) pageWords(num uint64) [2]uint64 {
	w := [2]uint64{r.word(2 * num), r.word(2*num + 1)}
	if num == 0 {
		w[0] &^= 1
	}
	return w
}

// mix is a number that each bit of x changes half of, and no two x have the same:
// the last step of MurmurHash3 in the variant of David Stafford.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// saltOf returns the salt for what is of the replica name.
func saltOf(salt uint64, name vclock.Replica) uint64 {
	h := mix(salt ^ uint64(len(name)))
	for i := range len(name) {
		h = mix(h ^ uint64(name[i]))
	}
	return h
}

// pagePrint returns the fingerprint of a page: 0 if nothing is live.
func pagePrint(salt, num uint64, live [2]uint64) uint64 {
	if live == [2]uint64{} {
		return 0
	}
	return mix(live[0] ^ mix(live[1]^mix(num^salt)))
}

// wholePrint returns the fingerprint of a state of r with the live dots all: of its
// context too.
func wholePrint(r *root, all livePages, salt uint64) uint64 {
	sum := mix(salt)
	for i, name := range r.names {
		if r.seen[i].isEmpty() {
			continue
		}
		salt := saltOf(salt, name)
		h := salt
		for s := range r.seen[i].all() {
			h = mix(mix(h^s.lo) ^ s.hi)
		}
		sum += h
		for _, p := range all[i] {
			sum += pagePrint(salt, p.num, p.live)
		}
	}
	return mix(sum)
}

// A pageRange is n consecutive pages of one replica, and the fingerprint of what is
// live in them.
type pageRange struct {
	first, n uint64
	print    uint64
}

// rangesOf returns ranges of pages of one replica that hold all of them, size of
// them in each but the last.
func rangesOf(pages []livePage, salt uint64, size int) []pageRange {
	ranges := make([]pageRange, 0, (len(pages)+size-1)/size)
	for part := range slices.Chunk(pages, size) {
		first := part[0].num
		ranges = append(ranges, pageRange{first, part[len(part)-1].num + 1 - first, sumOf(part, salt)})
	}
	return ranges
}

// sumOf returns the fingerprint of some pages.
func sumOf(pages []livePage, salt uint64) uint64 {
	sum := uint64(0)
	for _, p := range pages {
		sum += pagePrint(salt, p.num, p.live)
	}
	return sum
}

// masked returns the pages of which something is left of what is live if only
// numbers in seen count.
func masked(pages []livePage, seen *runs) []livePage {
	if len(pages) == 0 || pages[len(pages)-1].num < seen.prefix>>pageBits {
		return pages
	}
	kept := make([]livePage, 0, len(pages))
	for _, p := range pages {
		words := seen.pageWords(p.num)
		p.live[0] &= words[0]
		p.live[1] &= words[1]
		if p.live != [2]uint64{} {
			kept = append(kept, p)
		}
	}
	return kept
}

func bitCount(words [2]uint64) int { return bits.OnesCount64(words[0]) + bits.OnesCount64(words[1]) }
