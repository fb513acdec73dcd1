package crdt

import "github.com/rejoin-go/rejoin/internal/wire"

// Decoders return errors that wrap one of these, the same in every package.
var (
	// ErrVersion says that a newer program wrote the bytes: keep them until this one is as new.
	ErrVersion = wire.ErrVersion
	// ErrType says that the bytes are those of another type: a mistake of the program.
	ErrType = wire.ErrType
	// ErrDamaged says that no program writes such bytes: take a copy from a peer or a backup.
	ErrDamaged = wire.ErrDamaged
)
