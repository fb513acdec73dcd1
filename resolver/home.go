package resolver

import "github.com/rejoin-go/rejoin/vclock"

// Home returns the home of a key among replicas: the region that its users are
// routed to, so that conflicts are rare, and whose writes count if they happen
// all the same (see [HomeWins]). It is the empty replica if there are none.
//
// It is rendezvous hashing (Thaler, Ravishankar, “Using Name-Based Mappings to
// Increase Hit Rates”, 1998): the largest score for the key wins, then the
// smaller name. Adding a replica to n moves about 1/(n+1) of the keys, all of
// them to it; removing one moves its own keys alone. The score, which will not
// change, is the 64-bit FNV-1a hash of the length of the name as one byte, the
// name, and the key, finished by MurmurHash3's fmix64.
func Home(key string, replicas ...vclock.Replica) vclock.Replica {
	var home vclock.Replica
	var most uint64
	for i, r := range replicas {
		s := score(key, r)
		if i == 0 || s > most || s == most && r < home {
			home, most = r, s
		}
	}
	return home
}

func score(key string, r vclock.Replica) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := (uint64(offset) ^ uint64(byte(len(r)))) * prime
	for i := range len(r) {
		h = (h ^ uint64(r[i])) * prime
	}
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
