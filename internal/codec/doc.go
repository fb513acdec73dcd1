// Package codec gives keys, elements and values their canonical bytes and their
// JSON form.
//
// Replicas agree on a state only if they agree on its bytes, so each key and
// each value has exactly one encoding, and decoding accepts nothing else. The
// form follows from the kind of the type; a marshaler is asked only where no
// kind covers the type, so that a method added to a type later does not change
// what is already stored.
//
// # Keys and elements
//
//	kind                        bytes                                  JSON
//	bool                        1: 0 or 1                              true, false
//	int8, int16, int32          1, 2, 4: big-endian, sign flipped      number
//	int, int64                  8: big-endian, sign flipped            decimal string
//	uint8, uint16, uint32       1, 2, 4: big-endian                    number
//	uint, uint64, uintptr       8: big-endian                          decimal string
//	float32, float64            4, 8: IEEE 754 big-endian, sign        number; "+Inf", "-Inf"
//	                            flipped, or all bits if negative
//	string                      as is                                  string; {"base64":…} if not UTF-8 or with a NUL
//	array                       elements in order                      list; of bytes: hexadecimal string
//	struct, exported fields     fields in order                        object by field name
//	marshals itself             AppendBinary or MarshalBinary,         string if MarshalText is
//	                            else AppendText or MarshalText         lossless, else {"base64":…}
//
// Inside an array or a struct, strings and the output of marshalers have their
// length before them, as a varint; elsewhere the length is the container's to
// keep. Scalars sort bytewise in their natural order.
//
// Negative zero is stored as zero and NaN is refused, at any depth. A type that
// marshals itself must be comparable and have the unmarshaler on its pointer;
// each of its values is checked to come back == as it enters and as it is
// decoded. Interfaces, pointers, channels and complex numbers are refused.
//
// The names and the methods of a type may change; its kinds, and the number
// and order of its fields, may not.
//
// # Null
//
// In every package, the JSON null changes nothing where it stands for a whole state
// or value with an UnmarshalJSON, as encoding/json asks for. Inside one, null is an
// error, except where it is the form of a value that may be nil.
//
// # Values
//
//	type                        bytes                                  JSON
//	covered by kinds alone      as above                               as above
//	[]byte                      as is; nil is empty                    base64 string
//	binary marshaler            AppendBinary or MarshalBinary          encoding/json if lossless,
//	                                                                   else {"base64":…}
//	anything else               encoding/json                          the same
//
// A value that its own marshaler cannot reproduce is refused as it enters, so
// that no replica accepts what its peers cannot read.
package codec
