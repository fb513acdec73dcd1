package wire_test

import (
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

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

// Varints about the ends of one, two and three bytes, and of 64 bits, are read as they
// were written, whatever follows them.
func TestReaderReadsUvarints(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1, math.MaxUint64 >> shift} {
			b := binary.AppendUvarint(nil, v)
			r := wire.NewReader(append(b, 0x80))
			require.Equal(t, v, r.Uvarint())
			require.Equal(t, len(b), r.Offset())
			require.NoError(t, r.Err())

			for _, p := range [][]byte{slices.Concat([]byte{7}, b), slices.Concat([]byte{7}, b, []byte{0x80})} {
				w, next := wire.UvarintAt(p, 1)
				require.Equal(t, v, w)
				require.Equal(t, 1+len(b), next)
			}
			for n := range b { // cut off
				_, next := wire.UvarintAt(b[:n], 0)
				require.Greater(t, next, n)
			}
			padded := append(slices.Clone(b), 0)
			padded[len(b)-1] |= 0x80
			_, next := wire.UvarintAt(padded, 0)
			require.Greater(t, next, len(padded))
		}
	}
}

// What cannot be read is zero, and nothing is left to read.
func TestReaderYieldsNothing(t *testing.T) {
	long := []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 2}
	for name, read := range map[string]func(r *wire.Reader) any{
		"long varint":   func(r *wire.Reader) any { return int(r.Uvarint()) },
		"count":         func(r *wire.Reader) any { return r.Count(1) },
		"short":         func(r *wire.Reader) any { r.Take(3); return int(r.Uint64()) },
		"negative take": func(r *wire.Reader) any { return len(r.Take(-1)) },
		"long take":     func(r *wire.Reader) any { return len(r.Take(11)) },
	} {
		r := wire.NewReader(long)
		require.Zero(t, read(r), name)
		require.Zero(t, r.Len(), name)
		require.ErrorIs(t, r.Close(), wire.ErrDamaged, name)
	}
	r := wire.NewReader([]byte{1, 2})
	require.Equal(t, []byte{1, 2}, r.Take(2))
	require.Empty(t, r.Take(0))
	require.NoError(t, r.Close())

	// What ends where the input does can be read.
	r = wire.NewReader([]byte{0, 0, 0, 0, 0, 0, 1, 2, 3})
	require.Equal(t, uint64(1<<8|2), r.Uint64())
	require.Equal(t, byte(3), r.Byte())
	require.NoError(t, r.Close())
	r = wire.NewReader([]byte{0, 0, 0, 0, 0, 0, 1, 2})
	require.Equal(t, uint64(1<<8|2), r.Uint64())
	require.NoError(t, r.Close())
}

// An error says whose fault the bytes are, the first one only.
func TestReaderTellsFaults(t *testing.T) {
	r := wire.NewReader([]byte{2, 3})
	r.Version(1)
	require.ErrorIs(t, r.Err(), wire.ErrVersion)
	require.NotErrorIs(t, r.Err(), wire.ErrDamaged)
	r.Fail("other")
	require.NotErrorIs(t, r.Close(), wire.ErrDamaged)

	r = wire.NewReader(nil)
	r.Version(1)
	require.EqualError(t, r.Close(), "offset 0: unexpected end of input")
	require.ErrorIs(t, r.Err(), wire.ErrDamaged)
}

// TestStringAtOfCopies: a copy of a reader reads on by itself, and overwrites no string.
func TestStringAtOfCopies(t *testing.T) {
	input := []byte(strings.Repeat("abcdefgh", 400))
	r := wire.NewReader(input)
	first := r.StringAt(0, 8)
	ahead := *r
	second, other := ahead.StringAt(9, 4), r.StringAt(2, 3)
	require.Equal(t, []string{"abcdefgh", "bcde", "cde"}, []string{first, second, other})
}

// Strings are parts of few copies of the input: in order, across the end of a copy, out
// of order, longer than a copy, and at the very end.
func TestStringAt(t *testing.T) {
	input := make([]byte, 5000)
	for i := range input {
		input[i] = byte(i % 251)
	}
	r := wire.NewReader(input)
	at := func(off, n int) {
		t.Helper()
		require.Equal(t, string(input[off:off+n]), r.StringAt(off, n))
	}
	for off := 0; off+7 <= len(input); off += 7 {
		at(off, 7)
	}
	for _, p := range [][2]int{{0, 0}, {0, 1}, {0, 1024}, {10, 1014}, {10, 1015}, {1023, 1}, {1024, 1}, {3, 5}, {700, 3000}, {2, 2}, {1020, 8}, {4990, 10}, {4000, 256}, {4000, 257}, {4999, 1}, {5000, 0}} {
		at(p[0], p[1])
	}
	ends := wire.NewReader(input)
	require.Equal(t, string(input[100:108]), ends.StringAt(100, 8))
	require.Equal(t, string(input[96:104]), ends.StringAt(96, 8), "before the copy")
	require.Equal(t, string(input[1112:1120]), ends.StringAt(1112, 8), "up to the end of the copy")
	require.Equal(t, string(input[1113:1121]), ends.StringAt(1113, 8), "and beyond")
}

// An input of one window has one copy, from the first string on, and so have strings that
// end where it does.
func TestStringAtOfShortInput(t *testing.T) {
	for _, size := range []int{1, 100, 1023, 1024, 1025} {
		input := make([]byte, size)
		for i := range input {
			input[i] = byte(i % 251)
		}
		r := wire.NewReader(input)
		for _, off := range []int{size / 2, 0, size - 1, size / 3, size} {
			for _, n := range []int{0, 1, 7, size / 5, size / 2, size} {
				if off+n <= size {
					require.Equal(t, string(input[off:off+n]), r.StringAt(off, n), "%d bytes at %d of %d", n, off, size)
				}
			}
		}
	}
}

// TestStringOr takes a string that is there already if it is the one that is read, and no
// other.
func TestStringOr(t *testing.T) {
	r := wire.NewReader([]byte("eu, us and ap"))
	old := string([]byte("us"))
	got := r.StringOr(4, 2, old)
	require.Equal(t, "us", got)
	require.Same(t, unsafe.StringData(old), unsafe.StringData(got))
	for _, other := range []string{"", "u", "ap", "usa", "eu"} {
		require.Equal(t, "us", r.StringOr(4, 2, other), "beside %q", other)
	}
	require.Equal(t, "ap", r.StringOr(11, 2, "us"))
	require.Empty(t, r.StringOr(13, 0, "us"))
}

// Strings take no more memory than they have bytes, but for the end of a window, wherever in
// the input they stand.
func TestStringAtMemory(t *testing.T) {
	input := make([]byte, 1<<20)
	for apart, most := range map[int]uint64{16: 1 << 20, 64: 1 << 18} {
		kept := make([]string, 0, len(input)/apart)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := wire.NewReader(input)
		for off := 0; off < len(input); off += apart {
			kept = append(kept, r.StringAt(off, 16))
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, most+most/4, "one each %d bytes", apart)
		require.Len(t, kept, len(input)/apart)
	}
}

// Strings of an input that are read in order take a copy for each window, and a long one
// a copy of its own.
func TestStringAtAllocs(t *testing.T) {
	input := make([]byte, 8192)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		r := wire.NewReader(input)
		for off := 0; off < len(input); off += 16 {
			_ = r.StringAt(off, 16)
		}
	}), 9.0)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		r := wire.NewReader(input)
		for off := 0; off < len(input); off += 64 { // what stands between strings is not kept
			_ = r.StringAt(off, 16)
		}
	}), 3.0)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		r := wire.NewReader(input)
		_ = r.StringAt(0, 16)
		_ = r.StringAt(512, 600)
		_ = r.StringAt(16, 16)
	}), 3.0)
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
		w, next := wire.UvarintAt(append([]byte{7}, b...), 1)
		require.Equal(t, r.Err() == nil, next <= len(b)+1)
		if r.Err() == nil {
			require.Equal(t, v, w)
			require.Equal(t, 1+r.Offset(), next)
		}
		_, after := wire.UvarintAt(b, len(b)+1)
		require.Greater(t, after, len(b))
	})
}
