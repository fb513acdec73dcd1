package cell

import (
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
)

// The life of a row is the stamp of the delete that it began with. Where that may
// have been forgotten, it is open: the time up to which deletes were forgotten where
// the row was made, and no replica. An open life is any that began by then; zero is
// the open one of a row made where nothing was forgotten.
//
// Who makes a row under an open life has merged every delete up to its time, and so has
// every member by the time that any forgets. So a row with an open life and one of a life
// that began by then are one row: who still knows of the delete keeps its stamp, which
// tells what was written before.

// OpenLife returns the life of rows made where deletes up to t are forgotten.
func OpenLife(t hlc.Timestamp) lww.Stamp { return lww.Stamp{Time: t} }

func isOpen(life lww.Stamp) bool { return life.Replica == "" }

// CompareLives compares two lives; the later wins as a whole. It returns 0 for
// those that may be one.
func CompareLives(a, b lww.Stamp) int {
	switch {
	case isOpen(a) && isOpen(b), isOpen(a) && b.Time <= a.Time, isOpen(b) && a.Time <= b.Time:
		return 0
	}
	return a.Compare(b)
}

// oneLife returns what is known of a life that [CompareLives] takes for one: the delete
// if one side knows it.
func oneLife(a, b lww.Stamp) lww.Stamp {
	if isOpen(a) != isOpen(b) && isOpen(a) || isOpen(a) == isOpen(b) && b.After(a) {
		return b
	}
	return a
}

// Remains reports whether the row that has a life now is the one that was read under
// another, and which no delete can have ended since.
func Remains(read, now lww.Stamp) bool { return read == now || isOpen(read) && now.Time <= read.Time }
