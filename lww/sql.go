package lww

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [Map.MarshalJSON].
func (m *Map[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves m unchanged if it returns an error.
func (m *Map[K, V]) Scan(src any) error { return wire.Scan("lww: scan Map", src, m) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [Register.MarshalJSON].
func (r *Register[V]) Value() (driver.Value, error) { return r.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves r unchanged if it returns an error.
func (r *Register[V]) Scan(src any) error { return wire.Scan("lww: scan Register", src, r) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [Set.MarshalJSON].
func (s *Set[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *Set[E]) Scan(src any) error { return wire.Scan("lww: scan Set", src, s) }
