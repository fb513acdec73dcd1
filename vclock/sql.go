package vclock

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [DotSet.MarshalJSON].
func (s *DotSet) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *DotSet) Scan(src any) error { return wire.Scan("vclock: scan DotSet", src, s) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [DVVSet.MarshalJSON].
func (s *DVVSet[V]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *DVVSet[V]) Scan(src any) error { return wire.Scan("vclock: scan DVVSet", src, s) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [Matrix.MarshalJSON].
func (m *Matrix) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves m unchanged if it returns an error.
func (m *Matrix) Scan(src any) error { return wire.Scan("vclock: scan Matrix", src, m) }
