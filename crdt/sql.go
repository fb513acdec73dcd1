package crdt

import (
	"database/sql/driver"

	"github.com/rejoin-go/rejoin/internal/wire"
)

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [BoundedCounter.MarshalJSON].
func (c *BoundedCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves c unchanged if it returns an error.
func (c *BoundedCounter) Scan(src any) error { return wire.Scan("crdt: scan BoundedCounter", src, c) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [DWFlag.MarshalJSON].
func (f *DWFlag) Value() (driver.Value, error) { return f.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves f unchanged if it returns an error.
func (f *DWFlag) Scan(src any) error { return wire.Scan("crdt: scan DWFlag", src, f) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [EWFlag.MarshalJSON].
func (f *EWFlag) Value() (driver.Value, error) { return f.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves f unchanged if it returns an error.
func (f *EWFlag) Scan(src any) error { return wire.Scan("crdt: scan EWFlag", src, f) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [GCounter.MarshalJSON].
func (c *GCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves c unchanged if it returns an error.
func (c *GCounter) Scan(src any) error { return wire.Scan("crdt: scan GCounter", src, c) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [GMap.MarshalJSON].
func (m *GMap[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves m unchanged if it returns an error.
func (m *GMap[K, V]) Scan(src any) error { return wire.Scan("crdt: scan GMap", src, m) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [GSet.MarshalJSON].
func (s *GSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *GSet[E]) Scan(src any) error { return wire.Scan("crdt: scan GSet", src, s) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [MVRegister.MarshalJSON].
func (m *MVRegister[V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves m unchanged if it returns an error.
func (m *MVRegister[V]) Scan(src any) error { return wire.Scan("crdt: scan MVRegister", src, m) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [ORMap.MarshalJSON].
func (m *ORMap[K, V]) Value() (driver.Value, error) { return m.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves m unchanged if it returns an error.
func (m *ORMap[K, V]) Scan(src any) error { return wire.Scan("crdt: scan ORMap", src, m) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [ORSet.MarshalJSON].
func (s *ORSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *ORSet[E]) Scan(src any) error { return wire.Scan("crdt: scan ORSet", src, s) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [PNCounter.MarshalJSON].
func (c *PNCounter) Value() (driver.Value, error) { return c.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves c unchanged if it returns an error.
func (c *PNCounter) Scan(src any) error { return wire.Scan("crdt: scan PNCounter", src, c) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [RWSet.MarshalJSON].
func (s *RWSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *RWSet[E]) Scan(src any) error { return wire.Scan("crdt: scan RWSet", src, s) }

// Value implements [database/sql/driver.Valuer]: the binary form, for a column of
// bytes. A column of JSON takes the text of [TwoPSet.MarshalJSON].
func (s *TwoPSet[E]) Value() (driver.Value, error) { return s.MarshalBinary() }

// Scan implements [database/sql.Scanner] for a column of bytes or of JSON. It
// refuses NULL, and leaves s unchanged if it returns an error.
func (s *TwoPSet[E]) Scan(src any) error { return wire.Scan("crdt: scan TwoPSet", src, s) }
