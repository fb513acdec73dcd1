package merge

import (
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A DocumentError says what in a document, or in what [Document] was given, is none of
// its values, and where. [Document], [Plan.Merge], [Plan.Explain] and the methods
// that write to a [Record] return it.
type DocumentError = value.DocumentError

// Document returns x, as YAML, TOML or a program makes it, as a document, which plans and
// records take: nil, bool, string, numbers, []any and map[string]any. It is the
// caller's, and shares nothing with x.
//
// What documents have stays as it is. The rest becomes what [encoding/json] makes of
// it: lists and maps of any type, pointers, values with a form in JSON or a text form, such
// as a [time.Time] in its own zone, []byte in base 64, structs by their tags. Beyond that, NaN and
// infinities stay, and keys of a map[any]any may be strings, integers, bools and what has a
// text form.
//
// It returns a [*DocumentError] for anything else, and for a map with two keys that
// are one in a document, such as 1 and "1"; and an error for what is nested deeper
// than 1,000 levels.
func Document(x any) (any, error) {
	doc, err := value.ToDocument(x, 0)
	if err != nil {
		return nil, fmt.Errorf("merge: document: %w", err)
	}
	return doc, nil
}
