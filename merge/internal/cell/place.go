package cell

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/vclock"
)

// A Place is where an element stands in a list: a list of levels that are
// compared one by one. Where one place is a prefix of another, a negative next
// number comes before it, any other after. Elements of one place are in order of
// their keys.
//
// Who puts an element between two others counts on at the shallowest level that
// has room, so that places stay short in whatever order elements are added; only
// where each is put between the two before it they grow, by a byte each.
type Place []Level

// A Level is one number of a [Place], and who chose it.
type Level struct {
	N       int64
	Replica vclock.Replica
}

// maxNumber bounds the numbers of levels, so that JavaScript has them all.
const maxNumber = 1 << 53

// A placeReader reads the levels of a place that own wrote.
type placeReader struct {
	text string
	own  string
}

// next reads one level; ok is false at the end, and where the text is not what
// [Place.Append] writes.
func (r *placeReader) next() (n int64, replica string, ok bool) {
	u, size := uvarint(r.text)
	if size <= 0 {
		return 0, "", false
	}
	r.text = r.text[size:]
	n, replica = int64(u>>2)^-int64(u>>1&1), r.own
	if u&1 == 0 {
		length, size := uvarint(r.text)
		if size <= 0 || length > uint64(len(r.text)-size) {
			r.text = ""
			return 0, "", false
		}
		if replica, r.text = r.text[size:size+int(length)], r.text[size+int(length):]; replica == r.own {
			return 0, "", false
		}
	}
	return n, replica, true
}

// uvarint is [binary.Uvarint] of a string, and refuses what is longer than it has to be.
func uvarint(s string) (uint64, int) {
	var x uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		if b := s[i]; b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 || b == 0 && i > 0 {
				return 0, -1
			}
			return x | uint64(b)<<(7*i), i + 1
		}
		x |= uint64(s[i]&0x7f) << (7 * i)
	}
	return 0, -1
}

// ReadPlace returns the place that c, of kind [Placed], holds; nil if c is nil.
func ReadPlace(c *Cell) Place {
	if c == nil {
		return nil
	}
	var p Place
	r := placeReader{c.Value, string(c.Stamp.Replica)}
	for {
		n, replica, ok := r.next()
		if !ok {
			return p
		}
		p = append(p, Level{n, vclock.Replica(replica)})
	}
}

// Append appends p as own writes it: each level is a varint, which is twice
// the zigzag form of the number, plus 1 if own chose it; if not, the length of
// the name of who did follows, and the name.
func (p Place) Append(b []byte, own vclock.Replica) []byte {
	for _, l := range p {
		u := uint64(l.N<<1^l.N>>63) << 1
		if l.Replica == own {
			b = binary.AppendUvarint(b, u|1)
			continue
		}
		b = binary.AppendUvarint(b, u)
		b = append(binary.AppendUvarint(b, uint64(len(l.Replica))), l.Replica...)
	}
	return b
}

// isPlace reports whether c, of kind [Placed], holds a place in the form that
// [Place.Append] gives it, chosen by who wrote it.
//
// An element may stand nowhere, as one of a map does: it is written to say when it was made.
func isPlace(c *Cell) bool {
	if c.Value == "" {
		return true
	}
	r := placeReader{c.Value, string(c.Stamp.Replica)}
	for {
		n, replica, ok := r.next()
		switch {
		case !ok || n > maxNumber || n < -maxNumber || !vclock.Replica(replica).IsValid():
			return false
		case r.text == "":
			return true
		}
	}
}

// ComparePlaces compares the places that two cells of kind [Placed] hold; none is
// before all others.
func ComparePlaces(a, b *Cell) int {
	if !a.IsPlaced() || !b.IsPlaced() {
		return cmp.Compare(bit(a.IsPlaced()), bit(b.IsPlaced()))
	}
	x, y := placeReader{a.Value, string(a.Stamp.Replica)}, placeReader{b.Value, string(b.Stamp.Replica)}
	for {
		n, r, more := x.next()
		m, s, also := y.next()
		if n := compareLevels(n, r, more, m, s, also); n != 0 || !more {
			return n
		}
	}
}

// IsPlaced reports whether c, of kind [Placed] or nil, holds a place.
func (c *Cell) IsPlaced() bool { return c != nil && c.Value != "" }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareLevels compares the next levels of two places that were equal so far,
// either of which may have no more.
func compareLevels(n int64, r string, more bool, m int64, s string, also bool) int {
	switch {
	case more && also:
		return cmp.Or(cmp.Compare(n, m), strings.Compare(r, s))
	case more:
		return 1 - 2*bit(n < 0)
	case also:
		return 2*bit(m < 0) - 1
	}
	return 0
}

// Compare compares two places; nil is before all others.
func (p Place) Compare(q Place) int {
	if p == nil || q == nil {
		return cmp.Compare(bit(p != nil), bit(q != nil))
	}
	for i := range max(len(p), len(q)) {
		var l, m Level
		if i < len(p) {
			l = p[i]
		}
		if i < len(q) {
			m = q[i]
		}
		if c := compareLevels(l.N, string(l.Replica), i < len(p), m.N, string(m.Replica), i < len(q)); c != 0 {
			return c
		}
	}
	return 0
}

// Between returns a place between two others that own chooses, the first of
// which is before the second; either is nil if there is none. It counts on from
// a neighbour of its own, so that runs of one writer stay on one level, unless
// shallow says that the shortest place is wanted.
func Between(left, right Place, own vclock.Replica, shallow bool) Place {
	lies := func(p Place) bool {
		n := p[len(p)-1].N
		return n <= maxNumber && n >= -maxNumber && (left == nil || left.Compare(p) < 0) && (right == nil || p.Compare(right) < 0)
	}
	beside := func(p Place, level int, step int64) Place {
		return append(slices.Clip(p[:level]), Level{p[level].N + step, own})
	}
	if n := len(left); !shallow && n > 0 && left[n-1].Replica == own {
		if p := beside(left, n-1, 1); lies(p) {
			return p
		}
	}
	if n := len(right); !shallow && n > 0 && right[n-1].Replica == own {
		if p := beside(right, n-1, -1); lies(p) {
			return p
		}
	}
	for level := range max(len(left), len(right)) {
		if level < len(left) {
			if p := beside(left, level, 1); lies(p) {
				return p
			}
		}
		if level < len(right) {
			if p := beside(right, level, -1); lies(p) {
				return p
			}
		}
	}
	switch {
	case left == nil && right == nil:
		return Place{{0, own}}
	case left == nil || len(right) > len(left) && slices.Equal(right[:len(left)], left):
		return append(slices.Clip(right), Level{-1, own})
	}
	return append(slices.Clip(left), Level{0, own})
}

// placeJSON returns the bytes of a place as JSON: of each level the number, and
// who chose it, if it was not who wrote the place.
func placeJSON(content string) json.RawMessage {
	list := []json.RawMessage{}
	for _, l := range ReadPlace(&Cell{Value: content}) {
		if list = append(list, mustJSON(l.N)); l.Replica != "" {
			list = append(list, mustJSON(string(l.Replica)))
		}
	}
	out := mustJSON(taggedJSON{Place: list})
	if back, err := parseValue(out, 0); err != nil || back != content {
		return ValueJSON(nil, content)
	}
	return out
}

func parsePlace(list []json.RawMessage) ([]byte, error) {
	var p Place
	for _, e := range list {
		var n int64
		if err := json.Unmarshal(e, &n); err == nil {
			p = append(p, Level{N: n})
			continue
		}
		var name string
		if err := json.Unmarshal(e, &name); err != nil || len(p) == 0 || p[len(p)-1].Replica != "" {
			return nil, fmt.Errorf("%.64q in a place", string(e))
		}
		p[len(p)-1].Replica = vclock.Replica(name)
	}
	return p.Append(nil, ""), nil
}
