// Package content says what becomes of a Go value in a register, a map, a
// sibling or a leaf of a record: in a state it is content, bytes that outlive
// the program that wrote them.
//
// Every package of the module stores values alike. A write stores what its
// bytes decode to, and the writer reads that at once, as its peers do. What
// bytes would not keep is refused by the write, with a [*TypeError] that names
// the type, the field and what to do; nothing is dropped silently. (The
// packages that take keys and elements tell of those.)
//
// # Which form
//
// The first of these that a type has is its form. Bytes say which it is, so a
// type that gains a method later still reads what was stored before:
//
//   - a [Codec] that was registered for it;
//   - [encoding.BinaryMarshaler] and [encoding.BinaryUnmarshaler];
//   - its kinds: bool, integer, float, complex, string, []byte, time.Time,
//     slice, array, map, pointer, and struct if every field is exported,
//     whatever methods for text and JSON these have;
//   - [encoding.TextMarshaler] and [encoding.TextUnmarshaler];
//   - [encoding/json.Marshaler] and [encoding/json.Unmarshaler].
//
// An interface without methods is stored as JSON, and read as encoding/json
// reads it, but refused with an integer that a float64 cannot hold. Refused are
// functions, channels, other interfaces, and structs with unexported fields and
// none of these methods.
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
// A type with a form of its own is refused a value that does not come back from
// it: by its method Equal, the Compare of its codec, its fields if all are
// exported, or == if it holds no pointers. What methods for text and JSON leave
// out where kinds count is in the bytes, and in the JSON of a state.
//
// # Types that change
//
// A field has the name that its tag says, `rejoin:"name=x"`, else the one in
// its tag json, else that in Go. Two with one name are an error. Fields are
// told apart by these names and may change places. A field that is zero is not
// stored, and reads as zero:
//
//   - A program that lacks a field keeps what is stored in it: a write that
//     replaces a value, but not one under a given stamp, such as PutAt, carries
//     it over, along with the bytes of all that did not change, also inside of
//     lists, maps and structs. Elements of a list are found by what they hold:
//     one that changed is new, and keeps nothing of the old one.
//   - A field that was renamed reads what is stored under its earlier names,
//     `rejoin:"name=y,was=x"`, until it changes. Do not use a name that is free
//     again, and may still be stored, for something else.
//   - All integers are one kind, so are floats: a field may be widened. T may
//     become *T, and the other way round, but the zero of one is nil to the
//     other.
//   - Any other change of kind makes values unreadable, and so does a number
//     that the type cannot hold.
//
// # Unreadable values
//
// A state with a value that its type cannot hold is refused by the plain
// decoders with a [*ValueError], which names the key, the field and the kinds.
// The lenient ones (UnmarshalLenient, MergeLenient) return that beside the
// state. The value is kept, merged and encoded byte for byte as it came;
// reading it gives zero and false.
package content
