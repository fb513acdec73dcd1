package vclock

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/rejoin-go/rejoin/internal/wire"
)

const matrixVersion = 4

// AppendBinary implements [encoding.BinaryAppender].
func (m *Matrix) AppendBinary(b []byte) ([]byte, error) {
	b = append(append(b, matrixVersion, byte(len(m.owner))), m.owner...)
	b = append(b, byte(m.standing()))
	b = binary.AppendUvarint(b, uint64(len(m.members)))
	for i := range m.members {
		b = append(append(b, byte(len(m.members[i].name))), m.members[i].name...)
	}
	for i := range m.members {
		x := &m.members[i]
		b = binary.AppendUvarint(b, x.life)
		b = x.sealed.append(x.row.append(b))
		b = binary.AppendUvarint(b, uint64(len(x.strangers)))
		for _, r := range x.strangers {
			k, _ := m.find(r)
			b = binary.AppendUvarint(b, uint64(k))
		}
	}
	return m.closed.append(m.declared.append(b)), nil
}

func (c Clock) append(b []byte) []byte {
	b, _ = c.AppendBinary(b) // never an error
	return b
}

func (c Closing) append(b []byte) []byte { return c.since.append(c.lives.append(b)) }

// MarshalBinary implements [encoding.BinaryMarshaler].
func (m *Matrix) MarshalBinary() ([]byte, error) { return m.AppendBinary(nil) }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (m *Matrix) UnmarshalBinary(data []byte) error {
	r := wire.NewReader(data)
	r.Version(matrixVersion)
	d := Matrix{matrixState: matrixState{owner: Replica(r.Take(int(r.Byte())))}}
	d.was = standing(r.Byte())
	const leastMember = 10 // a name of one byte and its length, a life, three empty clocks, a count
	if n := r.Count(leastMember); n > 0 {
		for names := readNames(r, n, ""); names != ""; {
			var x member
			x.name, names = cutName(names)
			d.members = append(d.members, x)
		}
	}
	for i := range d.members {
		x := &d.members[i]
		x.life = r.Uvarint()
		x.row = readVersionedClock(r)
		x.sealed = readClosing(r)
		next := uint64(0)
		for range r.Count(1) {
			k := r.Uvarint()
			if k < next || k >= uint64(len(d.members)) {
				r.Fail("place %d in a list of %d members", k, len(d.members))
				break
			}
			x.strangers, next = append(x.strangers, d.members[k].name), k+1
		}
	}
	d.declared, d.closed = readClosing(r), readClosing(r)
	err := r.Close()
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode Matrix: %w", wire.Damaged(err))
	}
	m.matrixState = d.matrixState
	return nil
}

func readVersionedClock(r *wire.Reader) Clock {
	r.Version(clockVersion)
	return readClock(r, Clock{})
}

func readClosing(r *wire.Reader) Closing {
	c := Closing{lives: readVersionedClock(r)}
	c.since = readVersionedClock(r)
	return c
}

// check returns an error if m is not what a matrix can be.
func (m *Matrix) check() error {
	switch {
	case m.owner == "" && !m.Equal(new(Matrix)):
		return errNoOwner
	case m.owner != "" && !m.owner.IsValid():
		return fmt.Errorf("invalid replica %.64q", string(m.owner))
	case !m.declared.Covers(m.closed):
		return errors.New("what is closed was not declared")
	}
	if err := m.declared.check(); err != nil {
		return err
	}
	if err := m.closed.check(); err != nil {
		return err
	}
	for i := range m.members {
		x := &m.members[i]
		switch {
		case m.closed.isGone(x.name):
			return fmt.Errorf("member %q is gone", string(x.name))
		case !m.declared.Covers(x.sealed):
			return fmt.Errorf("what %q has sealed was not declared", string(x.name))
		case x.life > MaxIncarnation || x.life > m.declared.lives.At(x.name):
			return fmt.Errorf("incarnation %d of %q was not declared", x.life, string(x.name))
		case slices.Contains(x.strangers, x.name):
			return fmt.Errorf("member %q does not know itself", string(x.name))
		}
		if err := x.sealed.check(); err != nil {
			return err
		}
	}
	if m.was > confirmed || m.was != m.standing() {
		return fmt.Errorf("standing %d of the owner, where the rows of the others say %d", m.was, m.standing())
	}
	return nil
}

// check returns an error if no matrix makes c.
func (c Closing) check() error {
	for r, n := range c.lives.All() {
		if n > gone || c.since.At(r) == 0 {
			return fmt.Errorf("incarnation %d of replica %q at %d", n, string(r), c.since.At(r))
		}
	}
	for r, t := range c.since.All() {
		switch {
		case c.lives.At(r) == 0:
			return fmt.Errorf("a time of replica %q, which has no incarnation", string(r))
		case c.isGone(r) != (t == forever), !c.isGone(r) && t > math.MaxInt64:
			return fmt.Errorf("incarnation %d of replica %q at %d", c.lives.At(r), string(r), t)
		}
	}
	return nil
}

// A memberJSON is the JSON form of a row.
type memberJSON struct {
	Life      uint64      `json:"incarnation"`
	Row       Clock       `json:"row"`
	Sealed    closingJSON `json:"sealed"`
	Strangers []Replica   `json:"strangers"`
}

// A closingJSON is the JSON form of a closing.
type closingJSON struct {
	Lives Clock `json:"incarnations"`
	Since Clock `json:"since"`
}

func (c Closing) json() closingJSON { return closingJSON{c.lives, c.since} }

// MarshalJSON implements [json.Marshaler].
//
//	{"owner":"eu","standing":"confirmed","members":{"eu":{"incarnation":0,"row":{"eu":"4","us":"6"},
//	 "sealed":{"incarnations":{"us":"2"},"since":{"us":"5"}},"strangers":[]}},"declared":{"incarnations":{"us":"2"},"since":{"us":"5"}},"closed":{"incarnations":{},"since":{}}}
func (m matrixState) MarshalJSON() ([]byte, error) {
	owner, err := json.Marshal(m.owner)
	b := append(append([]byte(`{"owner":`), owner...), `,"standing":"`+standings()[(&Matrix{matrixState: m}).standing()]+`","members":{`...)
	for i := 0; i < len(m.members) && err == nil; i++ {
		x := &m.members[i]
		var row []byte
		row, err = json.Marshal(memberJSON{x.life, x.row, x.sealed.json(), append([]Replica{}, x.strangers...)})
		b = append(appendMember(b, x.name), row...)
	}
	for _, c := range []struct {
		name string
		closingJSON
	}{{`},"declared":`, m.declared.json()}, {`,"closed":`, m.closed.json()}} {
		if err == nil {
			var p []byte
			p, err = json.Marshal(c.closingJSON)
			b = append(append(b, c.name...), p...)
		}
	}
	return append(b, '}'), err
}

// standings returns the names of standings.
func standings() []string {
	return []string{newcomer: "newcomer", named: "named", confirmed: "confirmed"}
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Matrix) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var d Matrix
	var members, declared, closed json.RawMessage
	var text string
	err := decodeFields(data, fields{"owner": &d.owner, "standing": &text, "members": &members, "declared": &declared, "closed": &closed})
	if err == nil {
		err = d.decodeMembers(members)
	}
	if err == nil {
		err = decodeClosing(&d.declared, declared)
	}
	if err == nil {
		err = decodeClosing(&d.closed, closed)
	}
	if err == nil {
		i := slices.Index(standings(), text)
		if i < 0 {
			return fmt.Errorf("vclock: decode Matrix: %w", wire.Damaged(fmt.Errorf("unknown standing %.64q", text)))
		}
		d.was = standing(i)
		err = d.check()
	}
	if err != nil {
		return fmt.Errorf("vclock: decode Matrix: %w", wire.Damaged(err))
	}
	m.matrixState = d.matrixState
	return nil
}

func decodeClosing(c *Closing, data []byte) error {
	return decodeFields(data, fields{"incarnations": &c.lives, "since": &c.since})
}

func (m *Matrix) decodeMembers(data []byte) error {
	rows := map[Replica]member{}
	err := decodeObject(data, func(r Replica, value []byte) error {
		x := member{name: r}
		var sealed json.RawMessage
		err := decodeFields(value, fields{"incarnation": &x.life, "row": &x.row, "sealed": &sealed, "strangers": &x.strangers})
		if err == nil {
			err = decodeClosing(&x.sealed, sealed)
		}
		if len(x.strangers) == 0 {
			x.strangers = nil
		}
		rows[r] = x
		return err
	})
	for _, r := range slices.Sorted(maps.Keys(rows)) {
		m.members = append(m.members, rows[r])
	}
	for _, x := range m.members {
		for i, r := range x.strangers {
			if _, ok := rows[r]; !ok || i > 0 && x.strangers[i-1] >= r {
				return fmt.Errorf("strangers of %q are not members in order", string(x.name))
			}
		}
	}
	return err
}
