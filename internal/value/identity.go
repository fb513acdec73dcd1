package value

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Identity returns the fields of K with their kinds, in order, if K is a struct of
// exported fields or an array of such; else "". A header that has it says what
// the bytes of keys mean: those of a struct do not name their fields.
func Identity[K comparable]() string {
	typ := reflect.TypeFor[K]()
	if k := typ.Kind(); k != reflect.Struct && k != reflect.Array {
		return ""
	}
	if text, ok := identities.Load(typ); ok {
		return text.(string)
	}
	text := identity(typ)
	if !strings.Contains(text, "{") {
		text = ""
	}
	identities.Store(typ, text)
	return text
}

// identities has the results of [Identity] by type.
//
//nolint:gochecknoglobals // a memo of a pure function of types
var identities sync.Map

func identity(typ reflect.Type) string {
	switch k := typ.Kind(); k {
	case reflect.Int:
		return "int64"
	case reflect.Uint, reflect.Uintptr:
		return "uint64"
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", typ.Len(), identity(typ.Elem()))
	case reflect.Struct:
		if isSealed(typ) {
			return "own"
		}
		fields := make([]string, typ.NumField())
		for i := range fields {
			sf := typ.Field(i)
			var f planField
			if _, err := f.names(sf); err != nil {
				f.name = sf.Name
			}
			fields[i] = f.name + " " + identity(sf.Type)
		}
		return "{" + strings.Join(fields, ", ") + "}"
	default:
		return k.String()
	}
}

// CheckIdentity returns an error that names the first field in which the keys of
// stored bytes differ from those of a type, both as [Identity] has them.
func CheckIdentity(stored, want string) error {
	if stored == want {
		return nil
	}
	a, b := strings.Split(stored, ", "), strings.Split(want, ", ")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if len(a) != len(b) && i == min(len(a), len(b))-1 && strings.TrimRight(a[i], "}") == strings.TrimRight(b[i], "}") {
		i++ // the one ends there, and the other goes on
	}
	at := func(fields []string) string {
		if i >= len(fields) {
			return "nothing"
		}
		return strings.Trim(fields[i], "{}")
	}
	return wire.OfType("keys or elements have other fields: %.80s where the type has %.80s (stored %.200s, want %.200s)", at(a), at(b), stored, want)
}
