package cell

// A Kind says what a cell holds and how it joins. Its number is part of
// the encoding.
type Kind uint8

// The kinds of cells that hold a field, whose path is the key.
const (
	Register  Kind = iota + 1 // the newest stamp wins, then the larger value
	First                     // the oldest stamp wins, then the smaller value
	Max                       // the larger value wins, then the newer stamp
	Min                       // the smaller value wins, then the newer stamp
	Immutable                 // facts by value: the oldest wins, all are kept
	Choice                    // options by value: those who know the rule keep the best
	State                     // versions by value: those who know the type join them
	Totals                    // what each replica added
	Manual                    // siblings by replica
	Union                     // members by element
	Set                       // elements
	Table                     // entries by key
	Rows                      // rows by key
	Row                       // a life, and fields; also the kid of Rows
	Placed                    // where an element stands in a list: the newest stamp wins
	Sums                      // what each replica added, of a type that the program adds up
	Deleted                   // the last delete of a row that is kept: the newest stamp wins
)

// The kinds of cells that are kids of those.
const (
	Fact    Kind = iota + 32 // value is the key; the older wins
	Option                   // value is the key; the newer wins
	Version                  // value is the key; kids are what it includes
	Seen                     // the last write of a replica that a version includes
	Total                    // the sum of a replica's changes
	Replica                  // the last write of a replica that is known of; kids are its siblings
	Sibling                  // a value nobody replaced; the time is the key
	Member
	Element // the newest wins, removed before added
	Entry   // the newest wins, deleted before put
	Sum     // the sum of a replica's changes
)

// PositionKey is the key of the cells of a row that hold where the row stands
// in a list, and when it was deleted. No path is a star.
const PositionKey = "*"

// A layout says which parts of a cell are in use.
type layout struct {
	key   keyOf
	stamp bool // of a row it may be zero
	live  bool
	value bool // if there is a live bit, only with it
	kids  Kind // 0 if none, anyField for fields
}

// A keyOf says where the key of a cell comes from.
type keyOf uint8

const (
	keyPath keyOf = iota + 1
	keyBytes
	keyReplica // the replica of the stamp
	keyTime    // the time of the stamp
)

const anyField Kind = 255

// layoutOf returns the layout of a kind, the zero layout if there is no such
// kind. The key of a row is a path or bytes, depending on its parent.
func layoutOf(k Kind) layout {
	switch k {
	case Register, First, Max, Min, Placed:
		return layout{key: keyPath, stamp: true, value: true}
	case Deleted:
		return layout{key: keyPath, stamp: true}
	case Immutable:
		return layout{key: keyPath, kids: Fact}
	case Choice:
		return layout{key: keyPath, kids: Option}
	case State:
		return layout{key: keyPath, kids: Version}
	case Totals:
		return layout{key: keyPath, kids: Total}
	case Sums:
		return layout{key: keyPath, kids: Sum}
	case Manual:
		return layout{key: keyPath, kids: Replica}
	case Union:
		return layout{key: keyPath, kids: Member}
	case Set:
		return layout{key: keyPath, kids: Element}
	case Table:
		return layout{key: keyPath, kids: Entry}
	case Rows:
		return layout{key: keyPath, kids: Row}
	case Row:
		return layout{key: keyPath, stamp: true, live: true, kids: anyField}
	case Fact, Option, Member:
		return layout{key: keyBytes, stamp: true}
	case Version:
		return layout{key: keyBytes, kids: Seen}
	case Seen:
		return layout{key: keyReplica, stamp: true}
	case Total, Sum:
		return layout{key: keyReplica, stamp: true, value: true}
	case Replica:
		return layout{key: keyReplica, stamp: true, kids: Sibling}
	case Sibling:
		return layout{key: keyTime, stamp: true, value: true}
	case Element:
		return layout{key: keyBytes, stamp: true, live: true}
	case Entry:
		return layout{key: keyBytes, stamp: true, live: true, value: true}
	case anyField:
	}
	return layout{}
}

// holdsValue reports whether cells of the kind have a value of their field's type: see
// [Cell.Content].
func (k Kind) holdsValue() bool {
	switch k {
	case Register, First, Max, Min, Fact, Option, Version, Sum, Sibling, Entry:
		return true
	case Immutable, Choice, State, Totals, Manual, Union, Set, Table, Rows, Row, Placed, Sums, Deleted, Seen, Total, Replica, Member, Element,
		anyField:
	}
	return false
}

// IsField reports whether cells of the kind hold a field.
func (k Kind) IsField() bool { return k >= Register && k <= Deleted }

// IsRegister reports whether cells of the kind hold one value under one stamp.
func (k Kind) IsRegister() bool { return k >= Register && k <= Min }

// IsTyped reports whether fields of the kind say what type their values have.
func (k Kind) IsTyped() bool {
	return k.IsField() && k < Rows && k != Totals || k == Sums
}

// Kid returns the kind of the kids of cells of kind k, zero if they have none or
// hold fields.
func (k Kind) Kid() Kind {
	if kid := layoutOf(k).kids; kid != anyField {
		return kid
	}
	return 0
}
