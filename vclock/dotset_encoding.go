package vclock

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/rejoin-go/rejoin/internal/wire"
)

const dotSetVersion = 1

// AppendBinary implements [encoding.BinaryAppender].
func (s *DotSet) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, dotSetVersion)
	b = binary.AppendUvarint(b, uint64(len(s.names)))
	for _, r := range s.names {
		b = append(append(b, byte(len(r))), r...)
	}
	for i := range s.held {
		n := &s.held[i]
		b = binary.AppendUvarint(b, n.prefix)
		b = binary.AppendUvarint(b, uint64(n.runs.len()))
		end := n.prefix
		for _, chunk := range n.runs.chunks {
			for _, r := range chunk {
				b = binary.AppendUvarint(b, r.first-end-2)
				b = binary.AppendUvarint(b, r.last-r.first)
				end = r.last
			}
		}
	}
	return b, nil
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (s *DotSet) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (s *DotSet) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(dotSetVersion)
	var d DotSet
	const leastReplica = 4 // a length, a name of one byte, a prefix, a count
	if n := r.Count(leastReplica); n > 0 {
		for names := readNames(r, n, ""); names != ""; {
			var name Replica
			name, names = cutName(names)
			d.names = append(d.names, name)
		}
	}
	for range d.names {
		d.held = append(d.held, readNumbers(r))
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("vclock: decode DotSet: %w", wire.Damaged(err))
	}
	s.dotSetState = d.dotSetState
	return nil
}

func readNumbers(r *wire.Reader) numbers {
	n := numbers{prefix: r.Uvarint()}
	const leastRun = 2 // a gap, a length
	count := r.Count(leastRun)
	if n.prefix == 0 && count == 0 {
		r.Fail("replica without numbers")
	}
	end := n.prefix
	for range count {
		gap, more := r.Uvarint(), r.Uvarint()
		if end > math.MaxUint64-2 || gap > math.MaxUint64-2-end || more > math.MaxUint64-2-end-gap {
			r.Fail("number exceeds 64 bits")
			return numbers{}
		}
		first := end + gap + 2
		end = first + more
		n.runs.push(run{first, end})
	}
	return n
}

// MarshalJSON implements [json.Marshaler]: {"eu":"1-4","us":"1-7,9,11-13"}.
func (s dotSetState) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, r := range s.names {
		b = appendMember(b, r)
		b = s.held[i].appendRanges(append(b, '"'))
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *DotSet) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	held := map[Replica]numbers{}
	err := decodeObject(data, func(r Replica, value []byte) error {
		text, err := decodeString(value)
		if err != nil {
			return err
		}
		held[r], err = parseRanges(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("vclock: decode DotSet: %w", wire.Damaged(err))
	}
	var d DotSet
	for _, r := range slices.Sorted(maps.Keys(held)) {
		d.names, d.held = append(d.names, r), append(d.held, held[r])
	}
	s.dotSetState = d.dotSetState
	return nil
}

// parseRanges reads what appendRanges writes.
func parseRanges(s string) (numbers, error) {
	var n numbers
	end := uint64(0)
	for text := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(text, "-")
		r := run{}
		var err error
		if r.first, err = parseSeq(first); err != nil {
			return n, err
		}
		r.last = r.first
		if isRange {
			if r.last, err = parseSeq(last); err != nil {
				return n, err
			}
		}
		held := run{0, end}
		switch {
		case isRange && r.last <= r.first:
			return n, fmt.Errorf("range %q does not ascend", text)
		case r.first == 1 && end == 0:
			n.prefix = r.last
		case held.touches(r):
			return n, fmt.Errorf("range %q leaves no gap after %d", text, end)
		default:
			n.runs.push(r)
		}
		end = r.last
	}
	return n, nil
}
