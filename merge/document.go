package merge

import (
	"fmt"

	"github.com/rejoin-go/rejoin/internal/value"
)

// A DocumentError says what is no value of a document, and where. [Document],
// [Plan.Merge], [Plan.Explain] and methods that write to a [Record] return it.
type DocumentError = value.DocumentError

// Document returns x, as YAML, TOML or a program makes it, as a document, which
// plans and records take: nil, bool, string, numbers, []any and map[string]any.
// It is the caller's, and shares nothing with x.
//
// Other types become what [encoding/json] makes of them: lists and maps,
// pointers, values with a form in JSON or a text form, such as a [time.Time] in
// its own zone, []byte in base 64, structs by their tags. Beyond that, NaN and
// infinities stay, and keys of a map[any]any may be strings, integers, bools
// and what has a text form. Anything else is a [*DocumentError], as is a map
// with two keys that are one in a document, such as 1 and "1"; over 1,000
// levels are an error, too.
func Document(x any) (any, error) {
	doc, err := value.ToDocument(x, 0)
	if err != nil {
		return nil, fmt.Errorf("merge: document: %w", err)
	}
	return doc, nil
}
