package wire_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/internal/wire"
)

func TestReaderReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.Byte().Draw(t, "version")
		fixed := rapid.Uint64().Draw(t, "fixed")
		varint := rapid.Uint64().Draw(t, "varint")
		text := rapid.String().Draw(t, "text")

		b := []byte{version}
		b = binary.BigEndian.AppendUint64(b, fixed)
		b = binary.AppendUvarint(b, varint)
		b = wire.AppendBytes(b, text)
		b = wire.AppendBytes(b, []byte(nil))

		r := wire.NewReader(b)
		r.Version(version)
		require.Equal(t, fixed, r.Uint64())
		require.Equal(t, varint, r.Uvarint())
		require.Equal(t, text, string(r.Bytes()))
		require.Empty(t, r.Bytes())
		require.NoError(t, r.Close())
		require.Equal(t, len(b), r.Offset())
	})
}

func TestUvarintLen(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift} {
			require.Len(t, binary.AppendUvarint(nil, v), wire.UvarintLen(v), "%d", v)
		}
	}
	require.Equal(t, binary.MaxVarintLen64, wire.UvarintLen(math.MaxUint64))
}

func TestReaderRefuses(t *testing.T) {
	tests := []struct {
		name  string
		input []byte
		read  func(*wire.Reader)
		want  string
	}{
		{"unknown version", []byte{2}, func(r *wire.Reader) { r.Version(1) }, "offset 0: unknown format version 2, want 1"},
		{"missing byte", nil, func(r *wire.Reader) { r.Byte() }, "offset 0: unexpected end of input"},
		{"short integer", make([]byte, 7), func(r *wire.Reader) { r.Uint64() }, "offset 0: unexpected end of input"},
		{"unfinished varint", []byte{0x80}, func(r *wire.Reader) { r.Uvarint() }, "offset 0: unexpected end of input"},
		{"padded varint", []byte{0x81, 0}, func(r *wire.Reader) { r.Uvarint() }, "offset 0: varint is not in its shortest form"},
		{"padded zero", []byte{0x80, 0}, func(r *wire.Reader) { r.Uvarint() }, "offset 0: varint is not in its shortest form"},
		{
			"varint of 65 bits",
			[]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 2},
			func(r *wire.Reader) { r.Uvarint() },
			"offset 0: varint exceeds 64 bits",
		},
		{
			"count beyond the input",
			binary.AppendUvarint(nil, math.MaxUint64),
			func(r *wire.Reader) { r.Count(1) },
			"offset 0: count 18446744073709551615 exceeds what 0 bytes can hold",
		},
		{
			"items larger than the input",
			[]byte{3, 0, 0, 0, 0, 0},
			func(r *wire.Reader) { r.Count(2) },
			"offset 0: count 3 exceeds what 5 bytes can hold",
		},
		{"string beyond the input", []byte{2, 'e'}, func(r *wire.Reader) { r.Bytes() }, "offset 0: count 2 exceeds what 1 bytes can hold"},
		{"take beyond the input", []byte{1}, func(r *wire.Reader) { r.Take(2) }, "offset 0: unexpected end of input"},
		{"trailing bytes", []byte{1, 2, 3}, func(r *wire.Reader) { r.Byte() }, "offset 1: 2 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.NewReader(tt.input)
			tt.read(r)
			require.EqualError(t, r.Close(), tt.want)
		})
	}
}

// After the first error every read yields nothing and the error stays.
func TestReaderErrorSticks(t *testing.T) {
	r := wire.NewReader([]byte{0x80, 0, 9, 9, 9, 9, 9, 9, 9, 9})
	r.Uvarint()
	first := r.Err()
	require.Error(t, first)
	require.Zero(t, r.Byte())
	require.Zero(t, r.Uint64())
	require.Zero(t, r.Uvarint())
	require.Empty(t, r.Bytes())
	r.Fail("another")
	require.Equal(t, first, r.Close())
}

// A varint that the reader accepts is the one that the standard library writes.
func FuzzUvarint(f *testing.F) {
	for _, b := range [][]byte{{}, {0}, {0x80}, {0x80, 0}, {0x80, 1}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 1}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		v := r.Uvarint()
		if r.Err() == nil {
			require.Equal(t, b[:r.Offset()], binary.AppendUvarint(nil, v))
		}
	})
}
