package crdt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// causalJSON appends a whole state: v, whose root is r.
//
//	{"type": "ORSet", "context": {"eu": "1-4,7"}, "state": …}
//
// The context has the numbers seen of each replica. Dots are strings as
// [vclock.Dot.String] has them.
func causalJSON(r *root, v causal) ([]byte, error) {
	e := newEncoder(nil, r)
	e.text(`{"type":`)
	e.string(typeName(v))
	e.text(`,"context":{`)
	for at, i := range e.order {
		e.comma(at)
		e.string(string(r.names[i]))
		e.text(`:"`)
		n := 0
		for s := range r.seen[i].all() {
			e.comma(n)
			e.buf = strconv.AppendUint(e.buf, s.lo, 10)
			if s.hi > s.lo {
				e.buf = strconv.AppendUint(append(e.buf, '-'), s.hi, 10)
			}
			n++
		}
		e.text(`"`)
	}
	e.text(`},"state":`)
	v.encodeJSON(e)
	e.text("}")
	if e.err != nil {
		return nil, fmt.Errorf("crdt: encode %s: %w", typeName(v), e.err)
	}
	return e.buf, nil
}

// fail records that a value has no JSON.
func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) text(s string)   { e.buf = append(e.buf, s...) }
func (e *encoder) string(s string) { e.buf = value.AppendString(e.buf, s) }

// comma appends the comma before all but the first of several items.
func (e *encoder) comma(at int) {
	if at > 0 {
		e.buf = append(e.buf, ',')
	}
}

// dotsJSON appends a list of dots.
func (e *encoder) dotsJSON(ds []dot) {
	e.text("[")
	for i, d := range ds {
		e.comma(i)
		e.string(e.root.name(d).String())
	}
	e.text("]")
}

// readCausalJSON reads what causalJSON wrote, and refuses values that their type
// cannot hold.
func readCausalJSON[V Value[V]](p []byte) (V, error) {
	of := makerOf[V]{}
	x, bad, err := parseCausal(of, p)
	if err := decoded("crdt: decode %s from JSON: %w", of, bad, err); err != nil {
		var none V
		return none, err
	}
	return x.(V), nil
}

// isNull reports whether p is the JSON null, which changes nothing where it stands
// for a whole state, as encoding/json asks for. Inside a state it is an error.
func isNull(p []byte) bool { return string(p) == "null" }

func parseCausal(of maker, p []byte) (v causal, bad *content.ValueError, err error) {
	m, err := members(p, "type", "context", "state")
	if err != nil {
		return nil, nil, err
	}
	got, err := value.DecodeString(m[0])
	if err == nil && got != typeName(of) {
		err = wire.OfType("holds %.64s, want %s", got, typeName(of))
	}
	if err != nil {
		return nil, nil, err
	}
	d := new(decoder)
	if d.root, err = parseContext(m[1]); err != nil {
		return nil, nil, fmt.Errorf("context: %w", err)
	}
	v = of.fresh(d.root)
	if err := v.decodeJSON(d, m[2]); err != nil {
		return nil, nil, err
	}
	return v, d.bad, distinct(&d.census, v, d.root)
}

// members returns the members of the JSON object p, which must be names.
func members(p []byte, names ...string) ([][]byte, error) {
	values, err := membersOf(p, names...)
	for i, v := range values {
		if err == nil && v == nil {
			err = fmt.Errorf("no member %q", names[i])
		}
	}
	return values, err
}

// membersOf returns the members of the JSON object p, which must be among names,
// and nil for each that it lacks.
func membersOf(p []byte, names ...string) ([][]byte, error) {
	values := make([][]byte, len(names))
	return values, value.DecodeObject(p, func(name string, value []byte) error {
		i := slices.Index(names, name)
		if i < 0 {
			return errors.New("unknown member")
		}
		values[i] = value
		return nil
	})
}

// A numeral is a number that JSON shows as a string.
type numeral interface{ UnmarshalText(text []byte) error }

// parseNumeral reads the JSON string p into n.
func parseNumeral(p []byte, n numeral) error {
	text, err := value.DecodeString(p)
	if err != nil {
		return err
	}
	return n.UnmarshalText([]byte(text))
}

// parseContext reads the context of a state.
func parseContext(p []byte) (*root, error) {
	r := new(root)
	return r, value.DecodeObject(p, func(name string, spans []byte) error {
		if !vclock.Replica(name).IsValid() {
			return errors.New("invalid replica")
		}
		text, err := value.DecodeString(spans)
		if err != nil {
			return err
		}
		seen := &r.seen[r.meet(vclock.Replica(name))]
		for part := range strings.SplitSeq(text, ",") {
			s, err := parseSpan(part)
			if err != nil {
				return err
			}
			if !seen.isEmpty() && s.lo <= seen.last()+1 {
				return fmt.Errorf("numbers %.64q do not follow those before", part)
			}
			seen.add(s.lo, s.hi)
		}
		return nil
	})
}

// parseSpan reads one number, or the first and the last of several.
func parseSpan(text string) (span, error) {
	first, last, several := strings.Cut(text, "-")
	lo, err := parseSeq(first)
	if err != nil || !several {
		return span{lo, lo}, err
	}
	hi, err := parseSeq(last)
	if err == nil && hi <= lo {
		err = fmt.Errorf("numbers %.64q do not ascend", text)
	}
	return span{lo, hi}, err
}

func parseSeq(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > maxSeq || text[0] == '0' {
		return 0, fmt.Errorf("%.64q is not the number of a dot", text)
	}
	return n, nil
}

// dotsIn reads a list of dots, all in the context.
func (d *decoder) dotsIn(p []byte) ([]dot, error) {
	var texts []string
	if err := decodeList(p, &texts); err != nil {
		return nil, err
	}
	ds := make([]dot, len(texts))
	for i, text := range texts {
		var err error
		if ds[i], err = d.named(text); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// list returns the items of the JSON list p.
func list(p []byte) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if p = bytes.TrimSpace(p); len(p) == 0 || p[0] != '[' {
		return nil, fmt.Errorf("%.64q is not a list", p)
	}
	return items, json.Unmarshal(p, &items)
}
