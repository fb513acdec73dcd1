package vclock

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer].
func (s *DotSet) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *DotSet) Scan(src any) error { return wire.Scan("vclock: scan DotSet", src, s) }

// Value implements [database/sql/driver.Valuer].
func (s *DVVSet[V]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *DVVSet[V]) Scan(src any) error { return wire.Scan("vclock: scan DVVSet", src, s) }

// Value implements [database/sql/driver.Valuer].
func (m *Matrix) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (m *Matrix) Scan(src any) error { return wire.Scan("vclock: scan Matrix", src, m) }
