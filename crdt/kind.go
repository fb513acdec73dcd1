package crdt

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// Kinds of types, which follow the version in their encodings.
const (
	_ byte = iota
	kindORSet
	kindRWSet
	kindORMap
	kindEWFlag
	kindDWFlag
	_ // was an MVRegister whose values had no names of fields
	kindPNCounter
	kindMVRegister
	kindGSet
	kindTwoPSet
	kindGMap
	kindGCounter
	kindBoundedCounter
	kindClosedGCounter // a GCounter with closed totals

	// Named is added to the kind where the fields of keys or elements follow, as they are
	// structs: their bytes do not name them.
	named byte = 0x80
)

// appendKeyed appends a kind with the fields of the keys, if there are any.
func appendKeyed[K comparable](b []byte, kind byte) []byte {
	return appendKind(b, kind, value.Identity[K]())
}

func appendKind(b []byte, kind byte, fields string) []byte {
	if fields == "" {
		return append(b, kind)
	}
	return wire.AppendBytes(append(b, kind|named), fields)
}

// appendGrownHead appends what the bytes of a grow-only type begin with: version, kind and the
// fields of its keys, if there are any.
func appendGrownHead(b []byte, kind byte, fields string) []byte {
	return appendKind(append(b, stateVersion), kind, fields)
}

// readGrownHead reads what appendGrownHead wrote, and fails if it is of another type.
func readGrownHead(r *wire.Reader, kind byte, fields string) {
	r.Version(stateVersion)
	if b := r.Unread(); fields == "" && len(b) > 0 && b[0] == kind {
		r.Take(1)
		return
	}
	readKinds(r, appendKind(nil, kind, fields))
}

// readKinds reads the kinds of a state and its values, and fails unless they are those
// wanted.
func readKinds(r *wire.Reader, want []byte) {
	b := r.Unread()
	if bytes.HasPrefix(b, want) {
		r.Take(len(want))
		return
	}
	got := wire.NewReader(b)
	wanted := wire.NewReader(want)
	var names []string
	for wanted.Len() > 0 {
		k, fields := readKind(got)
		kind, wantFields := readKind(wanted)
		names = append(names, kindName(k))
		switch {
		case got.Err() != nil:
			r.Take(r.Len() + 1) // too short
			return
		case k != kind:
			r.Fail("%w", wire.OfType("holds %s, want %s", strings.Join(names, "/"), kindNames(want)))
			return
		case fields != wantFields:
			r.Fail("%w", value.CheckIdentity(fields, wantFields))
			return
		}
	}
	r.Fail("kinds are not in their canonical form")
}

// readKind reads one kind and the fields of its keys.
func readKind(r *wire.Reader) (kind byte, fields string) {
	if kind = r.Byte(); kind&named != 0 {
		fields = string(r.Bytes())
	}
	return kind &^ named, fields
}

// typeName names a type by its kind and those of its values, as in
// "ORMap/ORSet".
func typeName(f interface{ kinds(b []byte) []byte }) string { return kindNames(f.kinds(nil)) }

func kindNames(kinds []byte) string {
	var names []string
	for r := wire.NewReader(kinds); r.Len() > 0; {
		k, _ := readKind(r)
		names = append(names, kindName(k))
	}
	return strings.Join(names, "/")
}

func kindName(k byte) string {
	switch k {
	case kindORSet:
		return "ORSet"
	case kindRWSet:
		return "RWSet"
	case kindORMap:
		return "ORMap"
	case kindEWFlag:
		return "EWFlag"
	case kindDWFlag:
		return "DWFlag"
	case kindMVRegister:
		return "MVRegister"
	case kindPNCounter:
		return "PNCounter"
	case kindGSet:
		return "GSet"
	case kindTwoPSet:
		return "TwoPSet"
	case kindGMap:
		return "GMap"
	case kindGCounter, kindClosedGCounter:
		return "GCounter"
	case kindBoundedCounter:
		return "BoundedCounter"
	}
	return fmt.Sprintf("kind %d", k)
}
