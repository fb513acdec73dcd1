package antientropy

// A sketch is a set of marks in cells, each mark in sketchHashes of them. If
// another set is taken out of it, what is left can be listed as long as it is not
// much more than half as many marks as there are cells, whatever the sets' sizes.
//
// See Goodrich, Mitzenmacher, Invertible Bloom Lookup Tables, 2011,
// https://arxiv.org/abs/1101.2245, and Eppstein et al., What's the Difference?,
// 2011.
type sketch struct {
	cells []cell
	salt  uint64
}

// A cell has the marks in it, put in less taken out, modulo 256, and what they
// and hashes of them are together.
type cell struct {
	count uint8
	check uint32 // of checkBits
	marks mark
}

const (
	sketchHashes = 4
	checkBits    = 24
	cellSize     = 1 + checkBits/8 + 8 // in a message
)

// newSketch returns a sketch from which about n marks can be listed.
func newSketch(n int, salt uint64) *sketch {
	per := (n*9/5+28)/sketchHashes + 1
	return &sketch{make([]cell, sketchHashes*per), salt}
}

// places returns the cells of m.
func (s *sketch) places(m mark) (at [sketchHashes]int) {
	per := uint64(len(s.cells) / sketchHashes)
	h := mix(uint64(m) ^ s.salt)
	for i := range at {
		at[i] = i*int(per) + int((h>>32)*per>>32)
		h = mix(h)
	}
	return at
}

func (s *sketch) check(m mark) uint32 { return uint32(mix(uint64(m)+s.salt) >> (64 - checkBits)) }

// add puts m into the sketch n times, or takes it out if n is -1 modulo 256.
func (s *sketch) add(m mark, n uint8) {
	check := s.check(m)
	for _, at := range s.places(m) {
		c := &s.cells[at]
		c.count += n
		c.marks ^= m
		c.check ^= check
	}
}

const takenOut = ^uint8(0) // -1

// list returns the marks that were put in only, and those that were taken out
// only, and false if they cannot be listed. It empties the sketch.
func (s *sketch) list() (in, out []mark, ok bool) {
	todo := make([]int, len(s.cells))
	for i := range todo {
		todo[i] = i
	}
	for len(todo) > 0 {
		c := s.cells[todo[len(todo)-1]]
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c.count != 1 && c.count != takenOut || c.check != s.check(c.marks) {
			continue
		}
		places := s.places(c.marks)
		if places[at*sketchHashes/len(s.cells)] != at {
			continue
		}
		if len(in)+len(out) == len(s.cells) {
			return nil, nil, false
		}
		if c.count == 1 {
			in = append(in, c.marks)
		} else {
			out = append(out, c.marks)
		}
		s.add(c.marks, -c.count)
		todo = append(todo, places[:]...)
	}
	for _, c := range s.cells {
		if c != (cell{}) {
			return nil, nil, false
		}
	}
	return in, out, true
}
