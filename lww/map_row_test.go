package lww_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// A rowChange is one change of a row: what it is of a decoded state, and of bytes.
type rowChange[K comparable, V any] struct {
	state func(m *lww.Map[K, V]) error
	bytes func(dst, row []byte) ([]byte, error)
}

func putting[K comparable, V any](r vclock.Replica, t hlc.Timestamp, k K, v V) rowChange[K, V] {
	return rowChange[K, V]{
		func(m *lww.Map[K, V]) error { _, err := m.Put(frozen(r, t), k, v); return err },
		func(dst, row []byte) ([]byte, error) { return lww.PutBinary(dst, row, frozen(r, t), k, v) },
	}
}

func deleting[K comparable, V any](r vclock.Replica, t hlc.Timestamp, k K) rowChange[K, V] {
	return rowChange[K, V]{
		func(m *lww.Map[K, V]) error { _, err := m.Delete(frozen(r, t), k); return err },
		func(dst, row []byte) ([]byte, error) { return lww.DeleteBinary[K, V](dst, row, frozen(r, t), k) },
	}
}

func merging[K comparable, V any](delta []byte) rowChange[K, V] {
	return rowChange[K, V]{
		func(m *lww.Map[K, V]) error { _, err := m.MergeBinary(delta); return err },
		func(dst, row []byte) ([]byte, error) { return lww.MergeBinary[K, V](dst, row, delta) },
	}
}

// requireRow checks that the two ways of a change do the same with row.
func requireRow[K comparable, V any](t require.TestingT, row []byte, c rowChange[K, V]) {
	var m lww.Map[K, V]
	werr := m.UnmarshalBinary(row)
	if werr == nil {
		werr = c.state(&m)
	}
	before := slices.Clone(row)
	got, err := c.bytes([]byte("before"), row)
	if !bytes.Equal(before, row) {
		require.Equal(t, before, row)
	}
	if werr != nil {
		require.EqualError(t, err, werr.Error(), "% x", row)
		require.Equal(t, "before", string(got))
		for _, e := range []error{lww.ErrDamaged, lww.ErrType, lww.ErrVersion, lww.ErrUnreadable} {
			require.Equal(t, errors.Is(werr, e), errors.Is(err, e))
		}
		return
	}
	want, _ := m.AppendBinary([]byte("before"))
	if err != nil || !bytes.Equal(want, got) {
		require.NoError(t, err, "% x", row)
		require.Equal(t, want, got, "% x", row)
	}
}

func encodedMap[K comparable, V any](m *lww.Map[K, V]) []byte {
	p, _ := m.MarshalBinary() // there is no error
	return p
}

// TestRowExhaustive compares the changes of bytes with those of a decoded state, for all
// states of a small domain, all writes of it and all pairs of states.
func TestRowExhaustive(t *testing.T) {
	type change = rowChange[string, string]
	var writes []change
	for _, r := range []vclock.Replica{"0", "a", "b", "c"} {
		for _, physical := range []hlc.Timestamp{1, 2, 9} {
			for _, k := range []string{"j", "k", "kk", "l", "m"} {
				writes = append(writes, putting(r, physical, k, "new"), deleting[string, string](r, physical, k))
			}
		}
	}
	var rows [][]byte
	plain := 0
	for _, s := range domain([]string{"k", "l"}, versions([]string{"", "x"}, at(1, "a"), at(2, "a"), at(2, "b"), at(3, "c")), 2) {
		row := encodedMap(s.build(t))
		if lww.IsPlainRow[string, string](row) {
			plain++
		}
		for _, w := range writes {
			requireRow(t, row, w)
		}
		rows = append(rows, row)
	}
	require.Equal(t, len(rows), plain)
	for _, delta := range rows {
		c := merging[string, string](delta)
		for _, row := range rows {
			requireRow(t, row, c)
		}
	}
}

// TestRowHistories: rows of many keys and replicas.
func TestRowHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		row := encodedMap(new(lww.Map[string, string]))
		key := rapid.StringMatching(`[a-f]{0,2}`)
		replica := rapid.SampledFrom([]vclock.Replica{"a", "eu", "eu#1", "us", "zz"})
		time := rapid.Uint64Range(1, 5000)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			r, k, at := replica.Draw(t, "replica"), key.Draw(t, "key"), hlc.Timestamp(time.Draw(t, "time"))
			var c rowChange[string, string]
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				c = putting(r, at, k, rapid.StringN(0, 3, 200).Draw(t, "value"))
			case 2:
				c = deleting[string, string](r, at, k)
			default:
				var m lww.Map[string, string]
				require.NoError(t, m.UnmarshalBinary(row))
				d, err := m.PutAt(k, "late", lww.Stamp{Time: at, Replica: r})
				require.NoError(t, err)
				c = merging[string, string](encodedMap(d))
			}
			require.True(t, lww.IsPlainRow[string, string](row))
			requireRow(t, row, c)
			var err error
			row, err = c.bytes(nil, row)
			require.NoError(t, err)
		}
	})
}

// nearly yields bytes that are nearly p.
func nearly(p []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range p {
			for _, c := range []byte{0, 1, 0x7f, 0x80, 0xff, p[i] - 1, p[i] + 1, p[i] ^ 0x10} {
				q := slices.Clone(p)
				q[i] = c
				if !yield(q) {
					return
				}
			}
			if !yield(p[:i]) || !yield(slices.Delete(slices.Clone(p), i, i+1)) || !yield(slices.Insert(slices.Clone(p), i, 1)) {
				return
			}
		}
		yield(append(slices.Clone(p), 0))
	}
}

// requireRows checks what a row and a delta of some types make, and what is nearly one.
func requireRows[K comparable, V any](t *testing.T, plain bool, keys []K, values []V) {
	t.Helper()
	var m lww.Map[K, V]
	var deltas [][]byte
	regions := []vclock.Replica{"ap", "eu", "us"}
	for i, k := range keys {
		deltas = append(deltas, encodedMap(put(t, &m, frozen(regions[i%3], noon+hlc.Timestamp(i)), k, values[i%len(values)])))
	}
	d, err := m.Delete(frozen("us", noon+300), keys[0])
	require.NoError(t, err)
	deltas = append(deltas, encodedMap(d))
	compacted := m.Clone()
	require.NoError(t, compacted.Compact(noon+1))
	for _, m := range []*lww.Map[K, V]{&m, compacted} {
		row := encodedMap(m)
		require.Equal(t, plain, lww.IsPlainRow[K, V](row), "%T", m)
		for p := range nearly(row) {
			requireRow(t, p, putting("eu", noon+9000, keys[0], values[0]))
			requireRow(t, p, merging[K, V](deltas[1]))
		}
		for i, k := range keys {
			requireRow(t, row, putting("eu", noon+9000, k, values[i%len(values)]))
			requireRow(t, row, putting("new", noon-9000, k, values[i%len(values)]))
			requireRow(t, row, deleting[K, V]("eu", noon+9000, k))
		}
		for _, delta := range deltas {
			requireRow(t, row, merging[K, V](delta))
			for p := range nearly(delta) {
				requireRow(t, row, merging[K, V](p))
			}
		}
	}
}

// TestRowTypes: also of types of which a row takes a decoded state.
func TestRowTypes(t *testing.T) {
	texts := []string{"", "a", "ab", "sku-00000001", "\xff"}
	requireRows(t, true, texts, []string{"", "a value", "\xff", string(make([]byte, 300))})
	requireRows(t, true, texts, []int64{0, -1, math.MaxInt64, math.MinInt64})
	requireRows(t, true, texts, []int{0, -1, 300})
	requireRows(t, true, texts, []uint64{0, 1, math.MaxUint64})
	requireRows(t, true, texts, []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1.5})
	requireRows(t, true, []int64{-1, 0, 300}, []string{"a", "b"})
	requireRows(t, true, []bool{false, true}, []string{"a", "b"})
	requireRows(t, true, []column{{"a", 1}, {"b", 0}}, []string{"a", "b"})
	requireRows(t, true, [][2]float64{{1, 2}, {0, 1}}, []string{"a", "b"})
	type named string
	requireRows(t, false, []named{"a", "b"}, []named{"a", "b"})
	requireRows(t, false, texts, []bool{true, false})
	requireRows(t, false, texts, []column{{"a", 1}, {"", 0}, {"b", 0}})
	requireRows(t, false, texts, [][]string{nil, {}, {"a"}})
}

// TestRowErrors: a change of bytes returns what one of a decoded state does.
func TestRowErrors(t *testing.T) {
	row := encodedMap(new(lww.Map[float64, float64]))
	requireRow(t, row, putting("eu", noon, math.NaN(), 1.0))
	requireRow(t, row, putting("eu", noon, math.Copysign(0, -1), 1.0))
	chans := encodedMap(new(lww.Map[string, chan int]))
	requireRow(t, chans, putting("eu", noon, "k", make(chan int)))
	broken := lww.Writer{Replica: "eu", Clock: stuck{}}
	_, err := lww.PutBinary(nil, encodedMap(new(lww.Map[string, string])), broken, "k", "v")
	_, want := new(lww.Map[string, string]).Put(broken, "k", "v")
	require.EqualError(t, err, want.Error())
	require.Panics(t, func() { _, _ = lww.PutBinary(nil, row, frozen("", noon), 1.0, 1.0) })

	many := new(lww.Map[int, string])
	for i := range 100 {
		put(t, many, frozen(vclock.Replica(fmt.Sprint("r", i)), noon), i, "v")
	}
	require.False(t, lww.IsPlainRow[int, string](encodedMap(many)))
	requireRow(t, encodedMap(many), putting("eu", noon, 7, "w"))
}

// A stuck clock has no time to give.
type stuck struct{}

func (stuck) Next(hlc.Timestamp) (hlc.Timestamp, error) { return 0, errors.New("stuck") }

func TestRowBytesAllocs(t *testing.T) {
	if raceEnabled || testing.CoverMode() != "" {
		t.Skip("race detection and coverage change inlining and allocation")
	}
	var m lww.Map[string, string]
	for i, k := range skus(0, 10) {
		put(t, &m, frozen([]vclock.Replica{"eu", "us", "ap"}[i%3], noon), k, "a value")
	}
	row := encodedMap(&m)
	w, k, buf := frozen("eu", noon), skus(3, 4)[0], make([]byte, 0, 2*len(row))
	delta := encodedMap(put(t, m.Clone(), frozen("us", noon+5), k, "late"))
	for name, f := range map[string]func(dst []byte){
		"put":    func(dst []byte) { _, _ = lww.PutBinary(dst, row, w, k, "another") },
		"add":    func(dst []byte) { _, _ = lww.PutBinary(dst, row, w, "new", "another") },
		"delete": func(dst []byte) { _, _ = lww.DeleteBinary[string, string](dst, row, w, k) },
		"merge":  func(dst []byte) { _, _ = lww.MergeBinary[string, string](dst, row, delta) },
	} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() { f(nil) }), 1.0, name)
		require.Zero(t, testing.AllocsPerRun(100, func() { f(buf) }), name)
	}
}

func FuzzMapRow(f *testing.F) {
	var m lww.Map[string, string]
	put(f, &m, frozen("eu", noon), "k", "v")
	delta := encodedMap(put(f, &m, frozen("us", noon), "l", "v"))
	f.Add(encodedMap(&m), delta, "k")
	f.Add(encodedMap(new(lww.Map[string, string])), delta, "")
	f.Fuzz(func(t *testing.T, row, delta []byte, k string) {
		requireRow(t, row, putting("eu", noon, k, "new"))
		requireRow(t, row, deleting[string, string]("new", noon, k))
		requireRow(t, row, merging[string, string](delta))
		requireRow(t, row, putting("eu", noon, k, int64(1)))
	})
}
