package merge

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer]: the binary form. For a column
// of JSON take [Record.MarshalJSON].
func (r *Record[T]) Value() (driver.Value, error) { return r.MarshalBinary() }

// Scan implements [database/sql.Scanner] for bytes or JSON. It refuses NULL.
func (r *Record[T]) Scan(src any) error { return wire.Scan("merge: scan Record", src, r) }
