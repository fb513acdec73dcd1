package lww

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/internal/value"
	"github.com/rejoin-go/rejoin/internal/wire"
	"github.com/rejoin-go/rejoin/vclock"
)

// PutBinary sets the value of k in the [Map] whose bytes are row, and appends
// the bytes of the result to dst: what decoding row, [Map.Put] and encoding
// make. It is for a service that keeps a map in a row of a database and needs
// no delta.
//
// Row must be a state, if only the zero Map. Errors are those of
// [Map.UnmarshalBinary] and Put, and leave dst as it was; panics are those of
// Put. It takes O(n) for n keys, and allocates only the result where V is
// string, int, int64, uint64 or float64 and at most 64 replicas have written;
// else it decodes row. Any number of goroutines may call it with one row; dst
// and row must not overlap.
func PutBinary[K comparable, V any](dst, row []byte, w Writer, k K, v V) ([]byte, error) {
	if b, done, err := writeRow(dst, row, w, k, v, false); done {
		return b, err
	}
	var m Map[K, V]
	if err := m.UnmarshalBinary(row); err != nil {
		return dst, err
	}
	if _, err := m.Put(w, k, v); err != nil {
		return dst, err
	}
	return m.AppendBinary(dst)
}

// DeleteBinary deletes k in the [Map] whose bytes are row, as [PutBinary] puts.
func DeleteBinary[K comparable, V any](dst, row []byte, w Writer, k K) ([]byte, error) {
	var zero V
	if b, done, err := writeRow(dst, row, w, k, zero, true); done {
		return b, err
	}
	var m Map[K, V]
	if err := m.UnmarshalBinary(row); err != nil {
		return dst, err
	}
	if _, err := m.Delete(w, k); err != nil {
		return dst, err
	}
	return m.AppendBinary(dst)
}

// MergeBinary joins the [Map] with the bytes delta into that with the bytes
// row: see [PutBinary]. It decodes neither if one Put or Delete returned delta.
func MergeBinary[K comparable, V any](dst, row, delta []byte) ([]byte, error) {
	if b, done := mergeRow[K, V](dst, row, delta); done {
		return b, nil
	}
	var m Map[K, V]
	if err := m.UnmarshalBinary(row); err != nil {
		return dst, err
	}
	if _, err := m.MergeBinary(delta); err != nil {
		return dst, err
	}
	return m.AppendBinary(dst)
}

// writeRow puts or deletes k. It is done unless row is not what a mapRow can be.
func writeRow[K comparable, V any](dst, row []byte, w Writer, k K, v V, deleted bool) (_ []byte, done bool, err error) {
	var x mapRow[K, V]
	if !x.read(row) {
		return dst, false, nil
	}
	if k, err = value.Normalize(k); err != nil {
		return dst, false, nil // the way by a decoded state returns it
	}
	if v, _, err = value.Store(v); err != nil {
		return dst, false, nil
	}
	var room, writer [64]byte
	x.key, x.writer = appendKey(room[:0], k), append(writer[:0], w.Replica...)
	if !x.find() {
		return dst, false, nil
	}
	w.mustBeValid()
	if x.holds(deleted, &v) {
		return append(dst, row...), true, nil
	}
	after := x.horizon
	if x.to > x.from {
		after = max(after, x.old.time)
	}
	s, err := w.Next(after)
	if err != nil {
		return dst, true, err
	}
	return x.write(dst, &rowEntry{rowVersion: rowVersion{time: s.Time, deleted: deleted}}, &v), true, nil
}

// holds reports whether the key has what a write would make of it.
func (x *mapRow[K, V]) holds(deleted bool, v *V) bool {
	if x.to == x.from || deleted || x.old.deleted {
		return x.to > x.from && deleted && x.old.deleted
	}
	return x.values.Is(x.row[x.value:x.to], v)
}

// mergeRow merges a delta of one version. It is not done if row or delta are not what a
// mapRow can be.
func mergeRow[K comparable, V any](dst, row, delta []byte) (_ []byte, done bool) {
	var x, d mapRow[K, V]
	if !x.read(row) || !d.read(delta) || d.entries != 1 || d.horizon != 0 || !d.find() {
		return dst, false
	}
	e, _ := d.entry(d.first)
	x.key, x.writer = e.key, d.name(0)
	if !x.find() {
		return dst, false
	}
	if e.time <= x.horizon || x.to > x.from && x.compare(&e) >= 0 {
		return append(dst, row...), true
	}
	return x.write(dst, &e, nil), true
}

// compare returns the order of what x has of the key and another version of the writer: see
// [compare].
func (x *mapRow[K, V]) compare(e *rowEntry) int {
	if x.old.time != e.time {
		return cmp.Compare(x.old.time, e.time)
	}
	return cmp.Or(
		bytes.Compare(x.name(x.old.rank), x.writer), cmp.Compare(x.old.mark(), e.mark()), bytes.Compare(x.row[x.value:x.to], e.value),
	)
}

// appendKey is [value.AppendKey] that leaves b on the stack where K is string.
func appendKey[K comparable](b []byte, k K) []byte {
	if s, ok := any(&k).(*string); ok {
		return append(b, *s...)
	}
	return append(b, value.AppendKey(nil, k)...)
}

// A mapRow is the bytes of a [Map] whose values are all of a basic V, and which few
// replicas have written; and where in them a key is.
type mapRow[K comparable, V any] struct {
	row      []byte
	values   value.Basic[V]
	horizon  hlc.Timestamp
	names    int // where the number of replicas is
	replicas int // how many
	count    int // where the number of entries is
	entries  int // how many
	first    int // where they begin
	oldest   hlc.Timestamp
	some     bool // whether one has a value

	key      []byte // set by who made the mapRow: a method that took it would have it escape
	writer   []byte
	rank     int  // the place of the writer, or where it would be
	known    bool // whether it is there
	from, to int  // the entry of the key; from where it would be if that is to
	old      rowVersion
	value    int // where the value of that is

	least hlc.Timestamp // of the other entries
	used  uint64        // the places of their replicas
	live  bool          // whether one of them has a value
}

// A rowEntry is one version as bytes.
type rowEntry struct {
	rowVersion
	key, value []byte
}

// A rowVersion is a version but for its value.
type rowVersion struct {
	time    hlc.Timestamp
	rank    int // the place of its replica
	deleted bool
}

func (e *rowVersion) mark() uint64 {
	if e.deleted {
		return gone
	}
	return 0
}

// mostRanks is how many replicas a mapRow may have: the bits of used.
const mostRanks = 64

// read reads what stands before the entries, as decodeBinary does. It reports false if that
// is not what a mapRow can be.
func (x *mapRow[K, V]) read(row []byte) (ok bool) {
	if x.values, ok = value.BasicOf[V](); !ok || len(row) < 2 || row[0] != formatVersion {
		return false
	}
	i := 2
	if id := value.Identity[K](); id == "" {
		ok = row[1] == typeMap
	} else {
		n, at := wire.UvarintAt(row, i)
		ok = row[1] == typeMap|named && at <= len(row) && n == uint64(len(id)) && strings.HasPrefix(string(row[at:min(len(row), at+len(id))]), id)
		i = at + len(id)
	}
	if !ok {
		return false
	}
	horizon, names := wire.UvarintAt(row, i)
	replicas, i := wire.UvarintAt(row, names)
	if horizon >= uint64(hlc.Max) || replicas > mostRanks {
		return false
	}
	x.row, x.horizon, x.names, x.replicas = row, hlc.Timestamp(horizon), names, int(replicas)
	for range x.replicas {
		n, at := wire.UvarintAt(row, i)
		if at > len(row) || n > uint64(len(row)-at) {
			return false
		}
		i = at + int(n)
	}
	x.count = i
	entries, i := wire.UvarintAt(row, i)
	oldest := uint64(hlc.Max)
	if entries > 0 {
		oldest, i = wire.UvarintAt(row, i)
		x.some, i = x.values.ReadTables(row, i)
	}
	x.entries, x.first, x.oldest = int(entries), i, hlc.Timestamp(oldest)
	return i <= len(row) && entries <= uint64(len(row)-i)/smallest && oldest >= 1 && oldest <= uint64(hlc.Max)
}

// find reads the names and the entries, and finds those of the writer and the key, which
// are set, among them. It reports false if they are not what decodeBinary takes.
func (x *mapRow[K, V]) find() bool { return x.findWriter() && x.findKey() }

func (x *mapRow[K, V]) findWriter() bool {
	_, i := wire.UvarintAt(x.row, x.names)
	var last []byte
	for k := range x.replicas {
		n, at := wire.UvarintAt(x.row, i)
		i = at + int(n)
		name := x.row[at:i]
		if n == 0 || n > vclock.MaxReplica || !utf8.Valid(name) || bytes.Compare(name, last) <= 0 {
			return false
		}
		last = name
		if c := bytes.Compare(name, x.writer); c == 0 {
			x.rank, x.known = k, true
		} else if c < 0 {
			x.rank = k + 1
		}
	}
	return true
}

func (x *mapRow[K, V]) findKey() bool {
	x.least = hlc.Max
	i, none := x.first, uint64(0)
	var last []byte
	least := hlc.Max
	for k := range x.entries {
		e, next := x.entry(i)
		if next > len(x.row) || k > 0 && bytes.Compare(e.key, last) <= 0 || e.rank >= x.replicas ||
			e.time > hlc.Max || e.deleted && e.time <= x.horizon || !value.IsKey[K](e.key) {
			return false
		}
		last, least = e.key, min(least, e.time)
		if x.from == 0 {
			order := bytes.Compare(e.key, x.key)
			if order >= 0 {
				x.from, x.to = i, i
			}
			if order == 0 {
				x.to, x.old, x.value = next, e.rowVersion, next-len(e.value)
				none = 1 << e.rank
				i = next
				continue
			}
		}
		x.least = min(x.least, e.time)
		x.used |= 1 << e.rank
		x.live = x.live || !e.deleted
		i = next
	}
	if x.from == 0 {
		x.from, x.to = i, i
	}
	some := x.live || x.to > x.from && !x.old.deleted
	return i == len(x.row) && bits.OnesCount64(x.used|none) == x.replicas && least == x.oldest && some == x.some
}

// entry reads the entry at i, and returns what follows: more than there is if there is
// none.
func (x *mapRow[K, V]) entry(i int) (e rowEntry, next int) {
	p := x.row
	size, i := wire.UvarintAt(p, i)
	if i > len(p) || size > uint64(len(p)-i) {
		return e, len(p) + 1
	}
	e.key = p[i : i+int(size)]
	delta, i := wire.UvarintAt(p, i+int(size))
	by, i := wire.UvarintAt(p, i)
	if i > len(p) || delta > uint64(hlc.Max) || by>>1 >= mostRanks {
		return e, len(p) + 1
	}
	e.time, e.rank, e.deleted = x.oldest+hlc.Timestamp(delta), int(by>>1), by&gone != 0
	next = i
	if !e.deleted {
		next = x.values.End(p, i)
		e.value = p[i:min(next, len(p))]
	}
	return e, next
}

// name returns the name of the replica at a place.
func (x *mapRow[K, V]) name(rank int) []byte {
	_, i := wire.UvarintAt(x.row, x.names)
	for ; ; rank-- {
		n, at := wire.UvarintAt(x.row, i)
		if i = at + int(n); rank == 0 {
			return x.row[at:i]
		}
	}
}

// write appends the row with e, a version of the writer, in the place of what it has of the
// key. The value is v unless e has it.
func (x *mapRow[K, V]) write(dst []byte, e *rowEntry, v *V) []byte {
	room := len(e.value)
	if v != nil {
		room = x.values.Room(v)
	}
	dst = slices.Grow(dst, len(x.row)+len(x.key)+len(x.writer)+room+6*binary.MaxVarintLen64)
	dst = append(dst, x.row[:x.names]...)
	lost := -1 // the place of a name that nothing refers to any more
	if x.to > x.from && x.used>>x.old.rank&1 == 0 && (!x.known || x.rank != x.old.rank) {
		lost = x.old.rank
	}
	moved := !x.known || lost >= 0
	dst = x.appendNames(dst, lost)
	n := x.entries
	if x.to == x.from {
		n++
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	oldest := min(x.least, e.time)
	dst = binary.AppendUvarint(dst, uint64(oldest))
	dst = x.values.AppendTables(dst, x.live || !e.deleted)
	if e.rank = x.rank; lost >= 0 && lost < x.rank {
		e.rank--
	}
	if !moved && oldest == x.oldest {
		dst = append(dst, x.row[x.first:x.from]...)
	} else {
		dst = x.appendEntries(dst, x.first, x.from, oldest, lost)
	}
	dst = wire.AppendBytes(dst, x.key)
	dst = binary.AppendUvarint(dst, uint64(e.time-oldest))
	dst = binary.AppendUvarint(dst, uint64(e.rank)<<1|e.mark())
	switch {
	case e.deleted:
	case v != nil:
		dst = x.values.Append(dst, v)
	default:
		dst = append(dst, e.value...)
	}
	if !moved && oldest == x.oldest {
		return append(dst, x.row[x.to:]...)
	}
	return x.appendEntries(dst, x.to, len(x.row), oldest, lost)
}

// appendNames appends the names with that of the writer, and without the one at a place.
func (x *mapRow[K, V]) appendNames(dst []byte, lost int) []byte {
	if x.known && lost < 0 {
		return append(dst, x.row[x.names:x.count]...)
	}
	n := x.replicas
	if lost >= 0 {
		n--
	}
	if !x.known {
		n++
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	_, i := wire.UvarintAt(x.row, x.names)
	for k := 0; ; k++ {
		if k == x.rank && !x.known {
			dst = wire.AppendBytes(dst, x.writer)
		}
		if k == x.replicas {
			return dst
		}
		n, at := wire.UvarintAt(x.row, i)
		if k != lost {
			dst = append(dst, x.row[i:at+int(n)]...)
		}
		i = at + int(n)
	}
}

// appendEntries appends the entries between two offsets with times after another oldest and
// other places of their replicas.
func (x *mapRow[K, V]) appendEntries(dst []byte, i, to int, oldest hlc.Timestamp, lost int) []byte {
	for i < to {
		e, next := x.entry(i)
		rank := e.rank
		if !x.known && rank >= x.rank {
			rank++
		}
		if lost >= 0 && e.rank > lost {
			rank--
		}
		dst = wire.AppendBytes(dst, e.key)
		dst = binary.AppendUvarint(dst, uint64(e.time-oldest))
		dst = binary.AppendUvarint(dst, uint64(rank)<<1|e.mark())
		dst = append(dst, e.value...)
		i = next
	}
	return dst
}
