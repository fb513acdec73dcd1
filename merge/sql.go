package merge

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [Record.MarshalJSON].
func (r *Record[T]) Value() (driver.Value, error) { return r.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves r unchanged if it returns an error.
func (r *Record[T]) Scan(src any) error { return wire.Scan("merge: scan Record", src, r) }
