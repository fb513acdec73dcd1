package lww

import (
	"github.com/rejoin-go/rejoin/internal/wire"
)

// The errors of the decoders wrap one of these, the same in every package of
// the module.
var (
	// ErrVersion says that a newer program wrote the bytes, in a format version
	// that this one does not know: keep them, and wait for the deployment.
	ErrVersion = wire.ErrVersion
	// ErrType says that the bytes are of another type: a mistake of the program.
	ErrType = wire.ErrType
	// ErrDamaged says that no program writes such bytes: take a copy from a peer
	// or a backup.
	ErrDamaged = wire.ErrDamaged
	// ErrUnreadable says that V cannot hold a value that is stored. A
	// [*content.ValueError] wraps it.
	ErrUnreadable = wire.ErrUnreadable
)
