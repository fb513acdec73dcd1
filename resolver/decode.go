package resolver

import "github.com/rejoin-go/rejoin/internal/wire"

// The errors of decoders, but for that of an [Action], wrap one of these. All
// packages of the module share them.
var (
	// ErrVersion says that a newer program wrote the bytes: keep them, and wait for
	// the deployment.
	ErrVersion = wire.ErrVersion
	// ErrType says that the bytes are those of another type: a mistake of the program.
	ErrType = wire.ErrType
	// ErrDamaged says that no program writes such bytes: take a copy from a peer or
	// a backup.
	ErrDamaged = wire.ErrDamaged
)
