package vclock

import (
	"encoding/json"
	"fmt"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// A DVV is a dotted version vector: one write and what its writer had seen,
// which must not contain it. It is the clock to store with a version that
// others may replace.
//
// A [Clock] alone cannot be that: one that holds a server's third write holds
// its second as well, which a client with a stale context had not seen. The dot
// stands apart from the past, so nothing between the two is claimed.
//
// A DVV is immutable. It has no useful ==: equal dots are of the same write.
//
// See Preguiça, Baquero, Almeida, Fonte, Gonçalves, “Dotted Version Vectors:
// Logical Clocks for Optimistic Replication”, 2010,
// https://arxiv.org/abs/1011.5808.
type DVV struct {
	Dot  Dot
	Past Clock
}

// Compare returns the causal order of two writes in O(n) time for n replicas:
// [Before] means that w replaces v, which its writer had seen; [Equal] that
// they are one write; [Concurrent] also that each claims to have seen the
// other, which cannot be.
func (v DVV) Compare(w DVV) Order {
	if v.Dot == w.Dot {
		return Equal
	}
	switch before, after := w.Past.Contains(v.Dot), v.Past.Contains(w.Dot); {
	case before && !after:
		return Before
	case after && !before:
		return After
	}
	return Concurrent
}

// Contains reports whether d is the write of v or in its past.
func (v DVV) Contains(d Dot) bool { return d == v.Dot && d.Seq > 0 || v.Past.Contains(d) }

// String returns the dot and the past, such as "eu:4 after eu:2,us:7".
func (v DVV) String() string {
	if v.Past.IsZero() {
		return v.Dot.String()
	}
	return v.Dot.String() + " after " + v.Past.String()
}

// check returns an error if v cannot be a write.
func (v DVV) check() error {
	switch {
	case !v.Dot.IsValid():
		return errInvalidDot(v.Dot)
	case v.Past.Contains(v.Dot):
		return fmt.Errorf("dot %v is in its own past", v.Dot)
	}
	return nil
}

const dvvVersion = 1

// AppendBinary implements [encoding.BinaryAppender]. Its errors are for a dot
// that is invalid, or in the past.
func (v DVV) AppendBinary(b []byte) ([]byte, error) {
	if err := v.check(); err != nil {
		return b, fmt.Errorf("vclock: encode DVV: %w", err)
	}
	b, err := v.Dot.AppendBinary(append(b, dvvVersion))
	if err != nil {
		return b, err
	}
	return v.Past.AppendBinary(b)
}

// MarshalBinary implements [encoding.BinaryMarshaler]: see [DVV.AppendBinary].
func (v DVV) MarshalBinary() ([]byte, error) { return v.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (v *DVV) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(dvvVersion)
	w := DVV{Dot: readDot(r)}
	r.Version(clockVersion)
	w.Past = readClock(r, Clock{})
	err := r.Close()
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode DVV: %w", wire.Damaged(err))
	}
	*v = w
	return nil
}

// MarshalJSON implements [json.Marshaler], with the errors of
// [DVV.AppendBinary]: {"dot":"eu:4","past":{"eu":"2","us":"7"}}.
func (v DVV) MarshalJSON() ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("vclock: encode DVV: %w", err)
	}
	return json.Marshal(struct {
		Dot  Dot   `json:"dot"`
		Past Clock `json:"past"`
	}{v.Dot, v.Past})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *DVV) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var w DVV
	err := decodeFields(data, fields{"dot": &w.Dot, "past": &w.Past})
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode DVV: %w", wire.Damaged(err))
	}
	*v = w
	return nil
}
