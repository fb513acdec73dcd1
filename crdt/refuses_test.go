package crdt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/vclock"
)

// refusesBytes requires that x, decoding and merging, refuses the bytes head and those of
// each row, says why, and stays as it is.
func refusesBytes[S byteState[S]](t *testing.T, x S, head string, rows []refusal) {
	t.Helper()
	before := x.Clone()
	for _, row := range rows {
		data := []byte(head + row.text)
		_, merged := x.MergeBinary(data)
		for _, err := range []error{x.UnmarshalBinary(data), merged} {
			require.ErrorContains(t, err, row.want, "%q", row.text)
			require.ErrorIs(t, err, crdt.ErrDamaged, "%q", row.text)
		}
		require.True(t, x.Equal(before), "%q", row.text)
	}
}

// takesBytes requires that x takes the bytes and writes them.
func takesBytes[S byteState[S]](t *testing.T, x S, all ...string) {
	t.Helper()
	for _, data := range all {
		require.NoError(t, x.UnmarshalBinary([]byte(data)), "%q", data)
		require.Equal(t, data, string(encoded(t, x)))
		var none S
		merged := none.Clone()
		must(merged.MergeBinary([]byte(data)))
		require.True(t, merged.Equal(x), "%q", data)
	}
}

// manyNames is the beginning of a context of nine, where a name tells what it shares with the
// one before: all but the last.
const manyNames = "\x09\x01a\x04\x00\x01b\x04\x00\x01c\x04\x00\x01d\x04\x00\x01e\x04\x00\x01f\x04\x00\x01g\x04\x00\x02hi\x04"

const page41 = "\x80\x80\x80\x80\x80\x40" // 2⁴¹: a page more than there are

// TestRefusesContexts has a flag of a, or of others, and what a context must not have.
func TestRefusesContexts(t *testing.T) {
	const head = "\x03\x04"
	takesBytes(t, new(crdt.EWFlag), head+"\x00\x00", head+"\x01\x01a\x04\x01\x00\x00", head+"\x01\x01a\x05\x01\x00\x00\x00", head+"\x02\x01a\x04\x01b\x04\x00")
	refusesBytes(t, new(crdt.EWFlag).Enable("us"), head, []refusal{
		{"\x01\x00\x04\x00", `invalid replica ""`},
		{"\x01\x01\xff\x04\x00", `invalid replica "\xff"`},
		{"\x02\x01b\x04\x01a\x04\x00", `replica "a" after "b"`},
		{"\x02\x01a\x04\x01a\x04\x00", `replica "a" after "a"`},
		{"\x01\x01a\x00\x00", "a replica has no numbers"},
		{"\x01\x01a\x01\x00\x00", "no spans"},
		{"\x01\x01a\x05\x00\x00", "no spans"},
		{"\x01\x01a\x05\x01\x00\xff\xff\xff\xff\xff\xff\x7f\x00", "span exceeds the largest number"},
		{"\x01\x01a\x05\x01\x00\xfd\xff\xff\xff\xff\xff\x3f\x00", "span exceeds the largest number"},
		{"\x01\x01a\x84\x00\x00", "no number"},
		{"\x01\x01a\x05\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", "span exceeds the largest number"},
		{"\x7f\x01a\x04\x00", "count 127 exceeds"},
	})
	takesBytes(t, new(crdt.EWFlag), head+"\x01\x01a\x05\x01\x00\xfc\xff\xff\xff\xff\xff\x3f\x00")
	takesBytes(t, new(crdt.EWFlag), head+manyNames+"\x00\x01i\x04\x00", head+manyNames+"\x01\x01j\x04\x00", head+manyNames+"\x02\x01j\x04\x00")
	refusesBytes(t, new(crdt.EWFlag).Enable("us"), head+manyNames, []refusal{
		{"\x03\x01j\x04\x00", `a name shares 3 bytes with "hi"`},
		{"\x00\x02hj\x04\x00", `a name shares 0 bytes with "hi"`},
		{"\x01\x01i\x04\x00", `a name shares 1 bytes with "hi"`},
		{"\x02\x00\x04\x00", `replica "hi" after "hi"`},
		{"\x01\x00\x04\x00", `replica "h" after "hi"`},
	})
}

// TestRefusesCells: the dots of flags and registers ascend, and are in the context.
func TestRefusesCells(t *testing.T) {
	const context = "\x02\x01a\x08\x01b\x04"
	rows := []refusal{
		{"\x01\x02\x00", "a dot is not in the context"},
		{"\x01\x00\x04", "a dot is not in the context"},
		{"\x01\x01\x02", "a dot is not in the context"},
		{"\x02\x00\x00\x00\x00", "dots do not ascend"},
		{"\x02\x00\x02\x00\x00", "dots do not ascend"},
		{"\x02\x01\x00\x00\x00", "dots do not ascend"},
		{"\x03\x00\x00", "exceeds"},
		{"\x01\x00\x00\x00", ""},
	}
	takesBytes(t, new(crdt.EWFlag), "\x03\x04"+context+"\x03\x00\x00\x00\x02\x01\x00")
	refusesBytes(t, new(crdt.EWFlag).Enable("us"), "\x03\x04"+context, rows)
	takesBytes(t, new(crdt.DWFlag), "\x03\x05"+context+"\x02\x00\x00\x01\x00\x01\x00\x02")
	refusesBytes(t, new(crdt.DWFlag).Enable("us"), "\x03\x05"+context+"\x00", rows)
	refusesBytes(t, new(crdt.DWFlag).Enable("us"), "\x03\x05"+context, []refusal{
		{"\x01\x00\x00\x01\x00\x00", "dot a:1 appears twice"},
		{"\x02\x00\x02\x00\x00\x00", "dots do not ascend"},
	})
	takesBytes(t, new(crdt.MVRegister[string]), string(encoded(t, must(new(crdt.MVRegister[string]).Set("a", "x")))))
}

// TestRefusesPages: the dots of a set are in pages, which ascend, and so do those in them.
func TestRefusesPages(t *testing.T) {
	const set, marked = "\x03\x01\x01\x01a\x0c", "\x03\x02\x01\x01a\x0c" // a has added three times
	rows := []refusal{
		{"\x01\x01\x00\x00\x01\x01\x02\x01x", "a log is of no replica in the context"},
		{"\x02\x00\x00\x00\x01\x01\x02\x01x\x00\x00\x00\x01\x02\x02\x01y", "a log is of no replica in the context"},
		{"\x01\x00\x7f\x00\x01\x01\x02\x01x", "count of pages 127 exceeds"},
		{"\x01\x00\x00" + page41 + "\x01\x01\x02\x01x", "exceeds the largest number"},
		{"\x01\x00\x00\x00\x00\x01\x02\x01x", "0 live dots in a page"},
		{"\x01\x00\x00\x00\x81\x01\x02\x01x", "129 live dots in a page"},
		{"\x01\x00\x00\x00\x01\x00\x02\x01x", "a dot has the number 0"},
		{"\x01\x00\x00\x00\x01\x04\x02\x01x", "a dot is not in the context"},
		{"\x01\x00\x00\x00\x01\x80\x02\x01x", "offset 128 after -1 in a page"},
		{"\x01\x00\x00\x00\x02\x01\x01\x04\x01x\x01y", "offset 1 after 1 in a page"},
		{"\x01\x00\x00\x00\x02\x02\x01\x04\x01x\x01y", "offset 1 after 2 in a page"},
		{"\x01\x00\x00\x00\x11\x0e\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "the bits of a page are not 17"},
		{"\x01\x00\x00\x00\x80\x00", "a dot has the number 0"},
		{"\x01\x00\x00\x01\x01\x00\x02\x01x", "a dot is not in the context"},
	}
	blocks := []refusal{
		{"\x00", "block: "},
		{"\x01\x01", "block: "},
		{"\x02\x11x", "block: "},
		{"\x03\x01xy", "block: "},
		{"\x02\x02x", "block: "},
		{"\x01\xf0", "block: "},
		{"\x02\x0f\x00", "block: "},
		{"\x03\x0f\x80\x00", "block: "},
	}
	takesBytes(t, new(crdt.ORSet[string]), set+"\x00", set+"\x01\x00\x00\x00\x01\x01\x02\x01x", set+"\x01\x00\x00\x00\x02\x01\x03\x04\x01x\x11y",
		set+"\x01\x00\x00\x00\x03\x01\x02\x03\x16\x01x\x0f\x00yyyyyyyyyyyyyyy\xf1\x00z")
	refusesBytes(t, new(crdt.ORSet[string]).Add("us", "x"), set, rows)
	for _, block := range blocks {
		refusesBytes(t, new(crdt.ORSet[string]).Add("us", "x"), set+"\x01\x00\x00\x00\x01\x01", []refusal{block})
	}
	type label string // is decoded another way
	takesBytes(t, new(crdt.ORSet[label]), set+"\x01\x00\x00\x00\x03\x01\x02\x03\x16\x01x\x0f\x00yyyyyyyyyyyyyyy\xf1\x00z")
	for _, block := range blocks {
		refusesBytes(t, new(crdt.ORSet[label]).Add("us", "x"), set+"\x01\x00\x00\x00\x01\x01", []refusal{block})
		refusesBytes(t, new(crdt.ORSet[[1]bool]).Add("us", [1]bool{}), set+"\x01\x00\x00\x00\x01\x01", []refusal{block})
	}
	refusesBytes(t, new(crdt.ORSet[label]).Add("us", "x"), set+"\x01\x00\x00\x00\x02\x01\x02", []refusal{
		{"\x03\x01x\x01", "block: "}, {"\x04\x01x\x01x", "block: "}, {"\x03\x01x\x20", "block: "},
	})
	refusesBytes(t, new(crdt.ORSet[string]).Add("us", "x"), set+"\x01\x00\x00\x00\x02\x01\x02", []refusal{
		{"\x03\x01x\x01", "block: "},
		{"\x04\x01x\x01x", "block: "}, // what is shared is written
		{"\x03\x01x\x20", "block: "},  // more is shared than there is
	})
	takesBytes(t, new(crdt.RWSet[string]), marked+"\x01\x00\x00\x00\x02\x01\x02\x01\x02\x04\x01x\x01y")
	refusesBytes(t, new(crdt.RWSet[string]).Add("us", "x"), marked+"\x01\x00\x00\x00\x01\x01", []refusal{
		{"\x01\x02\x02\x01x", "a removal is not live"},
		{"\x02\x02\x01\x02\x01x", "offset 1 after 2 in a page"},
		{"\x01\x80\x02\x01x", "offset 128 after -1 in a page"},
	})
	takesBytes(t, new(crdt.ORSet[int8]), set+"\x01\x00\x00\x00\x01\x01\x02\xff\x01")
	refusesBytes(t, new(crdt.ORSet[int8]).Add("us", 1), set+"\x01\x00\x00\x00\x01\x01", []refusal{
		{"\x02\x80\x02", "block: "}, // 128
		{"\x02\x80\x00", "block: "},
		{"\x01\x80", "block: "},
		{"\x02\x00\x00", "block: "},
	})
	refusesBytes(t, new(crdt.ORSet[uint8]).Add("us", 1), set+"\x01\x00\x00\x00\x01\x01", []refusal{{"\x01\x01", "block: "}, {"\x02\x80\x04", "block: "}})
}

// TestRefusesMaps: the keys of a map ascend, and each has something.
func TestRefusesMaps(t *testing.T) {
	const head = "\x03\x03\x04\x02\x01a\x08\x01b\x04" // of flags
	takesBytes(t, new(crdt.ORMap[string, *crdt.EWFlag]), head+"\x00", head+"\x02\x01k\x01\x00\x00\x01l\x02\x00\x02\x01\x00")
	m := new(crdt.ORMap[string, *crdt.EWFlag]).Update("us", "k", func(f *crdt.EWFlag) { f.Enable("us") })
	refusesBytes(t, m, head, []refusal{
		{"\x02\x01l\x01\x00\x00\x01k\x01\x00\x02", "keys do not ascend"},
		{"\x02\x01k\x01\x00\x00\x01k\x01\x00\x02", "keys do not ascend"},
		{"\x01\x01k\x00", "the value of a key is empty"},
		{"\x02\x01k\x01\x00\x00\x01l\x01\x00\x00", "dot a:1 stands for changes in two places"},
		{"\x01\x01k\x01\x02\x00", "a dot is not in the context"},
		{"\x7f\x01k\x01\x00\x00", "count 127 exceeds"},
	})
	refusesBytes(t, m, "\x03\x03\x04\x00", []refusal{{"\x01\x01k\x00", "the value of a key is empty"}, {"\x01\x01k\x01\x00\x00", "a dot is not in the context"}})
	n := new(crdt.ORMap[int8, *crdt.EWFlag]).Update("us", 1, func(f *crdt.EWFlag) { f.Enable("us") })
	refusesBytes(t, n, head, []refusal{{"\x01\x00\x01\x00\x00", "key: "}, {"\x01\x02kk\x01\x00\x00", "key: "}})
	c := new(counters)
	countAt(c, "us", "k", 1)
	const counts = "\x03\x03\x07\x02\x01a\x08\x01b\x04"
	takesBytes(t, new(counters), counts+"\x01\x01k\x02\x04\x00\x02\x0c\x00\x02")
	rows := []refusal{
		{"\x01\x01k\x00", "the value of a key is empty"},
		{"\x01\x01k\x01\x14\x00\x02", "place of a replica exceeds the context"},
		{"\x01\x01k\x02\x04\x00\x02\x04\x00\x02", "places of replicas do not ascend"},
		{"\x01\x01k\x01\x00\x00\x01\x02", "the span of one increment"},
		{"\x01\x01k\x01\x00\x00\x02\x02", "a sum includes no increment"},
		{"\x01\x01k\x01\x07\x00\x02", "unknown form"},
		{"\x01\x01k\x01\x04\x04\x02", "an increment is not in the context"},
		{"\x02\x01k\x01\x04\x00\x02\x01l\x01\x04\x00\x02", "dot a:1 stands for changes in two places"},
		{"\x02\x01l\x01\x04\x00\x02\x01k\x01\x0c\x00\x02", "keys do not ascend"},
		{"\x02\x01k\x01\x04\x00\x02\x01k\x01\x0c\x00\x02", "keys do not ascend"},
		{"\x01\x7fk\x01\x04\x00\x02", "exceeds"},
		{"\x01\x01k\x01\x04\x00\x02\x00", "1 trailing bytes"},
		{"\x02\x01k\x01\x04\x00\x02\x01l", "unexpected end of input"},
		{"\x02\x01k\x01\x04\x00\x02\x01l\x00", "the value of a key is empty"},
		{"\x01\x01k\x01\x04\x00", "exceeds"},
	}
	refusesBytes(t, c, counts, rows)
	for _, row := range rows { // and so does who adds to the row
		for _, key := range []string{"", "k", "kk", "l", "z"} {
			for _, r := range []vclock.Replica{"a", "b", "c"} {
				require.False(t, requireAddedAt(t, []byte(counts+row.text), r, key, 1), "%q", row.text)
			}
		}
	}
}

// TestRefusesCounts: who adds to the row of a counter refuses what its decoder refuses.
func TestRefusesCounts(t *testing.T) {
	const head = "\x03\x07\x02\x01a\x08\x01b\x04" // a has counted twice, b once
	takesBytes(t, new(crdt.PNCounter), head+"\x02\x00\x02\x02\x02\x0c\x00\x02")
	rows := []refusal{
		{"\x01\x14\x00\x02", "place of a replica exceeds the context"},
		{"\x02\x04\x00\x02\x04\x00\x02", "places of replicas do not ascend"},
		{"\x02\x04\x00\x02\x04\x02\x02", "places of replicas do not ascend"},
		{"\x01\x00\x00\x01\x02", "the span of one increment"},
		{"\x01\x00\x02\x03\x02", "a sum includes no increment"},
		{"\x01\x00\x00\x00\x02", "a sum includes no increment"},
		{"\x01\x07\x00\x02", "unknown form"},
		{"\x01\x04\x04\x02", "an increment is not in the context"},
		{"\x01\x0c\x02\x02", "an increment is not in the context"},
		{"\x01\x04\x00\x02\x00", "1 trailing bytes"},
		{"\x01\x04\x00", "exceeds"},
		{"\x02\x04\x00\x02", "exceeds"},
		{"\x7f\x04\x00\x02", "count 127 exceeds"},
	}
	refusesBytes(t, new(crdt.PNCounter).Add("us", 1), head, rows)
	for _, row := range rows {
		for _, r := range []vclock.Replica{"a", "b", "c", "a#1"} {
			require.False(t, requireAdded(t, []byte(head+row.text), r, 1), "%q", row.text)
		}
	}
	for _, context := range []string{
		"\x01\x00\x04", "\x01\x01\xff\x04", "\x02\x01b\x04\x01a\x04", "\x02\x01a\x04\x01a\x04", "\x01\x01a\x00", "\x01\x01a\x01\x00", "\x01\x01a\x05\x00",
		"\x01\x01a\x05\x01\x00\xff\xff\xff\xff\xff\xff\x7f", "\x01\x01a\x84\x00", "\x7f\x01a\x04", "\x01\x7fa\x04", "\x02\x01a\x04\x01b\x01\x00", "\x02\x01a\x04\x01b\x00",
		"\x02\x01a\x04\x01b\x84\x00",
		manyNames + "\x03\x01j\x04", manyNames + "\x00\x02hj\x04", manyNames + "\x01\x01i\x04", manyNames + "\x01\x01b\x04", manyNames + "\x02\x00\x04", manyNames + "\x01\x00\x04",
		manyNames + "\x02\x01\xff\x04", manyNames + "\x02\x7fj\x04", manyNames + "\x02", manyNames,
	} {
		for _, r := range []vclock.Replica{"a", "b", "c", "h", "hi", "hj"} {
			for _, tallies := range []string{"\x00", "\x01\x04\x00\x02", "\x01\x0c\x00\x02"} {
				_, err := crdt.AddBinary(nil, []byte("\x03\x07"+context+tallies), r, 1)
				require.ErrorIs(t, err, crdt.ErrDamaged, "%q", context+tallies)
				requireAdded(t, []byte("\x03\x07"+context+tallies), r, 1)
			}
			for _, entries := range []string{"\x00", "\x01\x01k\x01\x04\x00\x02", "\x01\x01k\x01\x0c\x00\x02"} {
				_, err := crdt.AddAtBinary(nil, []byte("\x03\x03\x07"+context+entries), r, "k", 1)
				require.ErrorIs(t, err, crdt.ErrDamaged, "%q", context+entries)
				requireAddedAt(t, []byte("\x03\x03\x07"+context+entries), r, "l", 1)
			}
		}
	}
}

// TestMergeOfGrownRefuses: what the types that only grow refuse to decode they refuse to
// merge.
func TestMergeOfGrownRefuses(t *testing.T) {
	refusesBytes(t, new(crdt.GCounter).Add("us", 1), "\x03\x0c", []refusal{
		{"\x01\x00\x01\x01", `invalid replica ""`},
		{"\x01\x01a\x00", `replica "a" has a total of 0`},
		{"\x02\x01b\x01\x01a\x01", `replica "a" follows "b"`},
		{"\x00\x00", "1 trailing bytes"},
	})
	refusesBytes(t, gset("p"), "\x03\x09", []refusal{
		{"\x02\x01b\x01a", "key 61 does not follow 62"},
		{"\x02\x01b\x01b", "key 62 does not follow 62"},
		{"\x02\x01b", "unexpected end of input"},
		{"\x00\x00", "1 trailing bytes"},
	})
	refusesBytes(t, gset(1), "\x03\x09", []refusal{{"\x01\x01a", "key: "}})
	refusesBytes(t, twopset([]string{"p"}, []string{"q"}), "\x03\x0a", []refusal{
		{"\x00\x02\x01b\x01a", "key 61 does not follow 62"},
		{"\x01\x01a\x01\x01a", `"a" is both present and removed`},
		{"\x02\x01a\x01c\x03\x01b\x01c\x01d", `"c" is both present and removed`},
		{"\x00\x00\x00", "1 trailing bytes"},
	})
	refusesBytes(t, new(crdt.GMap[int64, *wiredHigh]).MergeAt(7, new(wiredHigh)), "\x03\x0b", []refusal{
		{"\x03\x00\x01\x00\x00", "count 3 exceeds what 4 bytes can hold"},
		{"\x02\x08\x80\x00\x00\x00\x00\x00\x00\x01\x01\x00\x08\x80\x00\x00\x00\x00\x00\x00\x01\x01\x00", "does not follow"},
		{"\x01\x01\x80\x01\x00", "key: "},
		{"\x01\x08\x80\x00\x00\x00\x00\x00\x00\x01\x00", "value: not a number"},
		{"\x01\x08\x80\x00\x00\x00\x00\x00\x00\x01\x02\x80\x00", "value is not in the form that its type writes"},
		{"\x00\x00", "1 trailing bytes"},
	})
	refusesBytes(t, new(crdt.GMap[string, *wiredHigh]).MergeAt("p", new(wiredHigh)), "\x03\x0b", []refusal{
		{"\x02\x01b\x01\x00\x01a\x01\x00", "key 61 does not follow 62"},
		{"\x02\x01b\x01\x00\x01b\x01\x00", "key 62 does not follow 62"},
		{"\x02\x01b\x01\x00\x01c\x01", "exceeds"},
	})
	refusesBytes(t, crdt.AtMost(8), "\x03\x0d", []refusal{
		{"\x02\x00\x00\x00", "side 2 of the bound"},
		{"\x00\x00\x01\x01a\x00\x00\x00", `replica "a" did nothing`},
		{"\x00\x00\x00\x00\x00", "1 trailing bytes"},
	})
	for name, err := range map[string]error{
		"GSet":    merged(new(crdt.GSet[any])),
		"TwoPSet": merged(new(crdt.TwoPSet[any])),
		"GMap":    merged(new(crdt.GMap[any, *crdt.GCounter])),
	} {
		require.ErrorContains(t, err, "crdt: merge "+name+": key type interface {}")
	}
	require.ErrorContains(t, new(crdt.TwoPSet[any]).UnmarshalBinary(nil), "crdt: decode TwoPSet: key type interface {}")
	require.ErrorContains(t, new(crdt.GMap[any, *crdt.GCounter]).UnmarshalBinary(nil), "crdt: decode GMap: key type interface {}")
	require.ErrorContains(t, merged(new(crdt.GMap[string, *high])), "has neither AppendBinary nor MarshalBinary")
}

func merged(x interface {
	MergeBinary(data []byte) (bool, error)
},
) error {
	_, err := x.MergeBinary(nil)
	return err
}

// TestRefusesVarints: integers are in their shortest form and have 64 bits, wherever in a
// block they stand.
func TestRefusesVarints(t *testing.T) {
	const nine = "\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	block := func(n, at int, number string) string {
		all := strings.Repeat("\x02", at) + number + strings.Repeat("\x02", n-at-1)
		head := append([]byte("\x03\x01\x01\x01a"), byte(n)<<2, 1, 0, 0, 0, byte(n))
		for i := range n {
			head = append(head, byte(i+1))
		}
		return string(append(head, byte(len(all)))) + all
	}
	for _, n := range []int{1, 2, 7, 8, 9, 12, 15} {
		for at := range n {
			for _, number := range []string{
				"\x80\x00", "\xff\x80\x00", "\x80\x80\x80\x80\x80\x80\x80\x00", "\x80\x80\x80\x80\x80\x80\x80\x80\x00", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
				nine + "\x02", nine + "\x7f", nine + "\xff\x01", "\x02\x02", "",
			} {
				refusesBytes(t, new(crdt.ORSet[int64]).Add("us", 1), block(n, at, number), []refusal{{"", "block: "}})
				refusesBytes(t, new(crdt.ORSet[int16]).Add("us", 1), block(n, at, number), []refusal{{"", "block: "}})
			}
			for _, number := range []string{
				"\x04", "\x80\x01", "\xff\x7f", "\xff\xff\xff\xff\xff\xff\xff\x7f", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\x80\x80\x80\x80\x80\x80\x80\x80\x01", nine + "\x01",
			} {
				takesBytes(t, new(crdt.ORSet[int64]), block(n, at, number))
			}
			refusesBytes(t, new(crdt.ORSet[int16]).Add("us", 1), block(n, at, "\x80\x80\x04"), []refusal{{"", "block: "}}) // 2¹⁵ more
		}
	}
}
