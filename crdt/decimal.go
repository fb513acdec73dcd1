package crdt

import (
	"fmt"
	"strconv"
)

// decimal and natural are integers that JSON shows as strings, because numbers
// above 2^53 do not survive JavaScript.
type (
	decimal int64
	natural uint64
)

func (d decimal) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(d), 10), nil }

func (d *decimal) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != string(text) {
		return fmt.Errorf("%q is not a decimal 64-bit integer", text)
	}
	*d = decimal(n)
	return nil
}

func (n natural) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(n), 10), nil }

func (n *natural) UnmarshalText(text []byte) error {
	u, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || strconv.FormatUint(u, 10) != string(text) {
		return fmt.Errorf("%q is not a decimal unsigned 64-bit integer", text)
	}
	*n = natural(u)
	return nil
}
