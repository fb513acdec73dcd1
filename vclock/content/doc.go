// Package content says what becomes of a Go value in a register, a map, a sibling
// or a leaf of a record: in a state it is content, bytes that outlive the program
// that wrote them.
//
// Every package of the module stores values alike. What a write stores is what its
// bytes decode to, and the writer reads that at once, as its peers do. What bytes
// would not keep is refused by the write, with a [*TypeError] that names the type,
// the field and what to do; nothing is dropped silently. (Keys and elements are not
// content: of those the packages that take them tell.)
//
// # Which form
//
// The first of these that a type has is its form:
//
//   - a [Codec] that was registered for it;
//   - [encoding.BinaryMarshaler] and [encoding.BinaryUnmarshaler];
//   - its kinds: bool, integer, float, complex, string, []byte, [time.Time], slice,
//     array, map, pointer, and struct if every field is exported; methods for text
//     and JSON do not count then;
//   - [encoding.TextMarshaler] and [encoding.TextUnmarshaler];
//   - [encoding/json.Marshaler] and [encoding/json.Unmarshaler].
//
// An interface without methods is stored as JSON, and read as encoding/json reads it;
// an integer that a float64 cannot hold is refused.
// Functions, channels, interfaces with methods, and structs with unexported fields and
// none of these methods are refused. Bytes say which form they are in, so that a type
// which gains a method later still reads what was stored before.
//
// # What is kept
//
//	NaN               one NaN, equal to itself
//	−0                0
//	time.Time         the instant and the seconds east of UTC, without the name of the
//	                  zone and the monotonic reading: it reads as UTC or a fixed zone
//	nil and empty     are two values, for slices, maps and pointers
//	pointer           what it points to; one to zero is not nil; cycles are refused
//	embedded struct   its fields, as if they were those of the outer one
//	json:"-"          is kept; JSON of a state that has one which is not zero is an error
//	map keys          like values, without pointers, interfaces and NaN
//
// A type with a form of its own is refused a value that does not come back from it:
// by its method Equal, or by its fields if all are exported, or by == if it holds no
// pointers. Methods for text and JSON that leave something out do not count where kinds
// do: a value that they hide is in the bytes, and in the JSON of a state too.
//
// # Types that change
//
// A field has the name that its tag says, `rejoin:"name=x"`, else the one in its tag
// json, else that in Go. Two with one name are an error. Fields are told apart by
// these names and may change places. A field that is zero is not stored, and what
// is not stored reads as zero:
//
//   - A program that lacks a field keeps what is stored in it: a write that replaces
//     a value (not one under a given stamp, such as PutAt) carries it over, along
//     with the bytes of all that did not change, inside of lists, maps and structs
//     too. Elements of a list are found by what they hold: one that changed is a new
//     one, and what the program does not know of the old one goes.
//   - A field that was renamed reads what is stored under its earlier names,
//     `rejoin:"name=y,was=x"`, until it changes. A name that is free again may still be
//     stored: do not use it for something else.
//   - All integers are one kind, so are floats: a field may be widened. T may become
//     *T, but the zero of one is nil to the other, and the other way round.
//   - Any other change of kind makes values unreadable, and so does a number that
//     the type cannot hold.
//
// # Unreadable values
//
// A state with a value that its type cannot hold is refused by the plain decoders
// with a [*ValueError], which wraps [ErrUnreadable] and names the key, the field and
// the kinds. The lenient ones (UnmarshalLenient, MergeLenient) take it and return
// the error beside it. Such a value is kept, merged and encoded byte for byte as it
// came; reading it gives zero and false.
package content
