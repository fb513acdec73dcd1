package lww

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer].
func (m *Map[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (m *Map[K, V]) Scan(src any) error { return wire.Scan("lww: scan Map", src, m) }

// Value implements [database/sql/driver.Valuer].
func (r *Register[V]) Value() (driver.Value, error) { return r.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (r *Register[V]) Scan(src any) error { return wire.Scan("lww: scan Register", src, r) }

// Value implements [database/sql/driver.Valuer].
func (s *Set[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *Set[E]) Scan(src any) error { return wire.Scan("lww: scan Set", src, s) }
