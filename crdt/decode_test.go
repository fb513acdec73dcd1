package crdt_test

import (
	"encoding/json"
	"fmt"
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
