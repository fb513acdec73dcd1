package main

import (
	"encoding"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
)

// What a client was shown goes to it as an ETag and comes back as If-Match: the
// context, or token, of what it read. A write under it replaces exactly that.
// The tag names its row, as a context is good for one row only: under that of
// another cart, a client would remove what it never saw.

// tag makes an ETag of what a reader of a row was shown.
func tag(row string, context encoding.TextMarshaler) string {
	text, _ := context.MarshalText() // no context has an error
	return fmt.Sprintf(`"%s.%s"`, rowSum(row), text)
}

// readTag reads the If-Match of a request, and reports whether there is one.
func readTag(r *http.Request, row string, context encoding.TextUnmarshaler) (bool, error) {
	header := r.Header.Get("If-Match")
	if header == "" || header == "*" {
		return false, nil
	}
	sum, text, ok := strings.Cut(strings.Trim(header, `"`), ".")
	if !ok || len(sum) != 16 {
		return false, badRequest("The If-Match of the request is no ETag of this service.")
	}
	if sum != rowSum(row) {
		return false, badRequest("The If-Match of the request is the ETag of another row than %s.", row)
	}
	if err := context.UnmarshalText([]byte(text)); err != nil {
		return false, badRequest("The If-Match of the request is damaged: %v.", err)
	}
	return true, nil
}

func rowSum(row string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(row))
	return fmt.Sprintf("%016x", h.Sum64())
}
