package crdt_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// TestDecodeErrors: the errors of decoders can be told apart.
func TestDecodeErrors(t *testing.T) {
	var rw crdt.RWSet[string]
	rw.Add("eu", "milk")
	data, err := rw.MarshalBinary()
	require.NoError(t, err)
	text, err := json.Marshal(&rw)
	require.NoError(t, err)

	var or crdt.ORSet[string]
	_, merge := or.MergeBinary(data)
	for _, err := range []error{or.UnmarshalBinary(data), merge, or.UnmarshalJSON(text)} {
		require.ErrorIs(t, err, crdt.ErrType)
		require.ErrorContains(t, err, "holds RWSet, want ORSet")
	}
	require.ErrorIs(t, rw.UnmarshalBinary([]byte{99}), crdt.ErrVersion)
	require.ErrorIs(t, rw.UnmarshalBinary(data[:len(data)-1]), crdt.ErrDamaged)
	require.ErrorIs(t, json.Unmarshal([]byte(`{}`), &rw), crdt.ErrDamaged)
}

// TestGrownNamed: bytes of a type that only grows say which one it is.
func TestGrownNamed(t *testing.T) {
	type state interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
		MergeBinary(data []byte) (bool, error)
	}
	type point struct{ X, Y int }
	all := map[string]state{
		"GSet": new(crdt.GSet[string]), "TwoPSet": new(crdt.TwoPSet[point]), "GMap": new(crdt.GMap[string, *crdt.GCounter]),
		"GCounter": new(crdt.GCounter), "BoundedCounter": new(crdt.BoundedCounter), "ORSet": new(crdt.ORSet[string]),
	}
	for from, s := range all {
		data, err := s.MarshalBinary()
		require.NoError(t, err)
		for to, o := range all {
			_, merge := o.MergeBinary(data)
			for _, err := range []error{o.UnmarshalBinary(data), merge} {
				if from == to {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, crdt.ErrType)
				require.ErrorContains(t, err, "holds "+from+", want "+to)
			}
		}
	}
	require.ErrorIs(t, new(crdt.GSet[string]).UnmarshalBinary([]byte{1, 0}), crdt.ErrVersion, "the format before")
}

// TestDecodeLogsDoNotWrap: a gap so large that the place of a replica wraps around
// does not lead back to one that was there.
func TestDecodeLogsDoNotWrap(t *testing.T) {
	var or crdt.ORSet[string]
	or.Add("eu", "milk")
	or.Add("us", "bread")
	data, err := or.MarshalBinary()
	require.NoError(t, err)

	log := []byte("\x00\x00\x00\x01\x01\x06\x05bread") // no gap, one page: number 0, dot 1
	at := bytes.Index(data, log)
	require.Positive(t, at, "%x", data)
	for gap := range uint64(3) { // −3, −2, −1
		bad := slices.Concat(data[:at], binary.AppendUvarint(nil, gap-3), data[at+1:])
		var s crdt.ORSet[string]
		s.Add("eu", "salt")
		before := s.Clone()
		require.ErrorIs(t, s.UnmarshalBinary(bad), crdt.ErrDamaged, "%x", bad)
		_, err := s.MergeBinary(bad)
		require.ErrorIs(t, err, crdt.ErrDamaged, "%x", bad)
		require.True(t, s.Equal(before))
	}
}

// An error of a decoder says whether to wait, to repair the program, or to fetch
// the state from elsewhere.
func ExampleErrType() {
	var carts crdt.RWSet[string]
	carts.Add("eu", "milk")
	data, _ := carts.MarshalBinary()

	var wrong crdt.ORSet[string]
	fmt.Println(wrong.UnmarshalBinary(data))
	// Output: crdt: decode ORSet: offset 1: holds RWSet, want ORSet
}
