package crdt

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer].
func (c *BoundedCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (c *BoundedCounter) Scan(src any) error { return wire.Scan("crdt: scan BoundedCounter", src, c) }

// Value implements [database/sql/driver.Valuer].
func (f *DWFlag) Value() (driver.Value, error) { return f.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (f *DWFlag) Scan(src any) error { return wire.Scan("crdt: scan DWFlag", src, f) }

// Value implements [database/sql/driver.Valuer].
func (f *EWFlag) Value() (driver.Value, error) { return f.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (f *EWFlag) Scan(src any) error { return wire.Scan("crdt: scan EWFlag", src, f) }

// Value implements [database/sql/driver.Valuer].
func (c *GCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (c *GCounter) Scan(src any) error { return wire.Scan("crdt: scan GCounter", src, c) }

// Value implements [database/sql/driver.Valuer].
func (m *GMap[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (m *GMap[K, V]) Scan(src any) error { return wire.Scan("crdt: scan GMap", src, m) }

// Value implements [database/sql/driver.Valuer].
func (s *GSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *GSet[E]) Scan(src any) error { return wire.Scan("crdt: scan GSet", src, s) }

// Value implements [database/sql/driver.Valuer].
func (m *MVRegister[V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (m *MVRegister[V]) Scan(src any) error { return wire.Scan("crdt: scan MVRegister", src, m) }

// Value implements [database/sql/driver.Valuer].
func (m *ORMap[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (m *ORMap[K, V]) Scan(src any) error { return wire.Scan("crdt: scan ORMap", src, m) }

// Value implements [database/sql/driver.Valuer].
func (s *ORSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *ORSet[E]) Scan(src any) error { return wire.Scan("crdt: scan ORSet", src, s) }

// Value implements [database/sql/driver.Valuer].
func (c *PNCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (c *PNCounter) Scan(src any) error { return wire.Scan("crdt: scan PNCounter", src, c) }

// Value implements [database/sql/driver.Valuer].
func (s *RWSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *RWSet[E]) Scan(src any) error { return wire.Scan("crdt: scan RWSet", src, s) }

// Value implements [database/sql/driver.Valuer].
func (s *TwoPSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner].
func (s *TwoPSet[E]) Scan(src any) error { return wire.Scan("crdt: scan TwoPSet", src, s) }
