package cell

import (
	"encoding/json"

	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
)

// EachMember calls visit for each member of a group's tuple.
func EachMember(tuple string, visit func(name, content string)) {
	for r := wire.NewReader([]byte(tuple)); r.Len() > 0; {
		name, content := string(r.Bytes()), string(r.Bytes())
		if r.Err() == nil {
			visit(name, content)
		}
	}
}

// GroupJSON returns the members of a group as JSON; shape returns the type of
// the one with the given name, nil if the program has none.
func GroupJSON(tuple string, shape func(name string) *value.Type) json.RawMessage {
	members := map[string]memberJSON{}
	for r := wire.NewReader([]byte(tuple)); r.Len() > 0; {
		name, content := string(r.Bytes()), string(r.Bytes())
		if r.Err() != nil {
			return ValueJSON(nil, tuple)
		}
		s := shape(name)
		if s == nil || content == "" || TypeCode(content[0]) != TypeOf(s, true) {
			members[name] = memberJSON{Value: ValueJSON(nil, content)}
			continue
		}
		members[name] = memberJSON{TypeCode(content[0]).String(), ValueJSON(s, content[1:])}
	}
	out := mustJSON(taggedJSON{Group: members})
	if back, err := parseValue(out, 0); err != nil || back != tuple {
		return ValueJSON(nil, tuple)
	}
	return out
}
