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

// layouts has the layout of each kind. The key of a row is a path or bytes, depending on its
// parent.
//
//nolint:gochecknoglobals // a table
var layouts = [1 << 8]layout{
	Register:  {key: keyPath, stamp: true, value: true},
	First:     {key: keyPath, stamp: true, value: true},
	Max:       {key: keyPath, stamp: true, value: true},
	Min:       {key: keyPath, stamp: true, value: true},
	Placed:    {key: keyPath, stamp: true, value: true},
	Deleted:   {key: keyPath, stamp: true},
	Immutable: {key: keyPath, kids: Fact},
	Choice:    {key: keyPath, kids: Option},
	State:     {key: keyPath, kids: Version},
	Totals:    {key: keyPath, kids: Total},
	Sums:      {key: keyPath, kids: Sum},
	Manual:    {key: keyPath, kids: Replica},
	Union:     {key: keyPath, kids: Member},
	Set:       {key: keyPath, kids: Element},
	Table:     {key: keyPath, kids: Entry},
	Rows:      {key: keyPath, kids: Row},
	Row:       {key: keyPath, stamp: true, live: true, kids: anyField},
	Fact:      {key: keyBytes, stamp: true},
	Option:    {key: keyBytes, stamp: true},
	Member:    {key: keyBytes, stamp: true},
	Version:   {key: keyBytes, kids: Seen},
	Seen:      {key: keyReplica, stamp: true},
	Total:     {key: keyReplica, stamp: true, value: true},
	Sum:       {key: keyReplica, stamp: true, value: true},
	Replica:   {key: keyReplica, stamp: true, kids: Sibling},
	Sibling:   {key: keyTime, stamp: true, value: true},
	Element:   {key: keyBytes, stamp: true, live: true},
	Entry:     {key: keyBytes, stamp: true, live: true, value: true},
}

// layoutOf returns the layout of a kind, the zero layout if there is no such kind.
func layoutOf(k Kind) layout { return layouts[k] }

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
