// Package codectest keeps values of types that other modules own: messages of protobuf,
// decimals and big integers. It is a module of its own, so that the library needs none of
// them.
package codectest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// An Invoice has a value of each.
type Invoice struct {
	Number string
	Due    *timestamppb.Timestamp `merge:"max"`
	Extra  *structpb.Struct
	Total  decimal.Decimal  `merge:"additive"`
	Paid   *decimal.Decimal `merge:"additive"`
	Points *big.Int         `merge:"additive"`
	Limit  decimal.Decimal  `merge:"max"`
}

// message returns the codec of a message of protobuf.
func message[T proto.Message](fresh func() T, compare func(a, b T) int) content.Codec[T] {
	return content.Codec[T]{
		Encode: func(m T) ([]byte, error) { return proto.MarshalOptions{Deterministic: true}.Marshal(m) },
		Decode: func(p []byte) (T, error) {
			m := fresh()
			return m, proto.Unmarshal(p, m)
		},
		Compare: compare,
	}
}

// affordable returns an error for a decimal that takes long to compare and to add: 16 bytes
// hold one of two billion digits.
func affordable(d decimal.Decimal) error {
	if e := d.Exponent(); e < -1000 || e > 1000 {
		return fmt.Errorf("exponent %d is not within 1000", e)
	}
	return nil
}

func register() {
	content.Register(message(
		func() *timestamppb.Timestamp { return new(timestamppb.Timestamp) },
		func(a, b *timestamppb.Timestamp) int {
			return cmp.Or(cmp.Compare(a.GetSeconds(), b.GetSeconds()), cmp.Compare(a.GetNanos(), b.GetNanos()))
		},
	))
	content.Register(message(func() *structpb.Struct { return new(structpb.Struct) }, nil))
	content.Register(content.Codec[decimal.Decimal]{ // which has a binary form
		Encode: func(d decimal.Decimal) ([]byte, error) {
			if err := affordable(d); err != nil {
				return nil, err
			}
			return d.MarshalBinary()
		},
		Decode: func(p []byte) (d decimal.Decimal, err error) {
			if err := d.UnmarshalBinary(p); err != nil {
				return d, err
			}
			return d, affordable(d)
		},
		Compare: decimal.Decimal.Cmp, Add: decimal.Decimal.Add, Negate: decimal.Decimal.Neg,
	})
	content.Register(content.Codec[*big.Int]{
		Encode:  func(n *big.Int) ([]byte, error) { return n.GobEncode() },
		Decode:  func(p []byte) (*big.Int, error) { n := new(big.Int); return n, n.GobDecode(p) },
		Compare: (*big.Int).Cmp,
		Add:     func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) },
		Negate:  func(n *big.Int) *big.Int { return new(big.Int).Neg(n) },
	})
}

func TestMain(m *testing.M) {
	register()
	os.Exit(m.Run())
}

// show returns all of an invoice: equal texts are equal values.
func show(v Invoice) string {
	paid := "none"
	if v.Paid != nil {
		paid = v.Paid.String()
	}
	extra, err := json.Marshal(v.Extra)
	return fmt.Sprint(v.Number, v.Due.GetSeconds(), v.Due.GetNanos(), v.Due == nil, string(extra), err, v.Extra == nil, v.Total, paid, v.Points, v.Limit)
}

var base = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)

func amount() *rapid.Generator[decimal.Decimal] {
	return rapid.Map(rapid.SampledFrom([]string{"0", "0.10", "0.1", "-12345678901234567890.05", "7"}), decimal.RequireFromString)
}

func invoices() *rapid.Generator[Invoice] {
	return rapid.Custom(func(t *rapid.T) (v Invoice) {
		v.Number = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "number")
		v.Due = rapid.SampledFrom([]*timestamppb.Timestamp{nil, {}, timestamppb.New(base), timestamppb.New(base.Add(time.Hour))}).Draw(t, "due")
		switch n := rapid.IntRange(0, 2).Draw(t, "extra"); n {
		case 0:
		case 1:
			v.Extra = new(structpb.Struct)
		default:
			v.Extra, _ = structpb.NewStruct(map[string]any{"b": 1.5, "a": []any{"x", nil, true}, "c": map[string]any{"d": "e", "f": rapid.Bool().Draw(t, "f")}})
		}
		v.Total, v.Limit = amount().Draw(t, "total"), amount().Draw(t, "limit")
		if rapid.Bool().Draw(t, "is paid") {
			v.Paid = new(amount().Draw(t, "paid"))
			v.Points = new(big.Int).Lsh(big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "points")), 70)
		}
		return v
	})
}

var writer = lww.Writer{Replica: "eu", Clock: new(clock)}

type clock struct{ now hlc.Timestamp }

func (c *clock) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	c.now = max(c.now, after) + 1
	return c.now, nil
}

// A state holds one invoice, in some package.
type state interface {
	put(v Invoice) error
	get() (Invoice, bool)
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(p []byte) error
	MarshalJSON() ([]byte, error)
	UnmarshalJSON(p []byte) error
}

type (
	table    struct{ lww.Map[string, Invoice] }
	single   struct{ crdt.MVRegister[Invoice] }
	versions struct{ vclock.DVVSet[Invoice] }
	siblings struct{ resolver.Siblings[Invoice] }
	record   struct{ *merge.Record[Invoice] }
)

func (s *table) put(v Invoice) error {
	_, err := s.Put(writer, "k", v)
	return err
}
func (s *table) get() (Invoice, bool) { return s.At("k") }

func (s *single) put(v Invoice) error {
	_, err := s.Set("eu", v)
	return err
}
func (s *single) get() (Invoice, bool) { return s.Get() }

func (s *versions) put(v Invoice) error {
	_, err := s.Put("eu", s.Context(), v)
	return err
}

func (s *versions) get() (v Invoice, ok bool) {
	for v := range s.Values() {
		return v, true
	}
	return v, false
}

func (s *siblings) put(v Invoice) error {
	_, err := s.Write(resolver.Writer{Writer: writer}, s.Context(), v)
	return err
}

func (s *siblings) get() (v Invoice, ok bool) {
	for _, w := range s.Versions() {
		return w.Value, w.Check() == nil
	}
	return v, false
}

func (s record) put(v Invoice) error {
	return s.Update(writer, func(at *Invoice) error { *at = v; return nil })
}
func (s record) get() (Invoice, bool) { return s.Get() }

func plan() *merge.Plan[Invoice] { return merge.MustCompile(merge.Options[Invoice]{Record: true}) }

// TestStates writes invoices into every state and reads them there, and where their bytes
// and their JSON arrive. What the caller does to a message that was written, and to one that
// was read, changes nothing.
func TestStates(t *testing.T) {
	p := plan()
	for name, fresh := range map[string]func() state{
		"lww.Map":           func() state { return new(table) },
		"crdt.MVRegister":   func() state { return new(single) },
		"vclock.DVVSet":     func() state { return new(versions) },
		"resolver.Siblings": func() state { return new(siblings) },
		"merge.Record":      func() state { return record{p.NewRecord()} },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := invoices().Draw(t, "invoice")
				s, want := fresh(), show(v)
				require.NoError(t, s.put(v))
				got, _ := s.get()
				require.Equal(t, want, show(got))
				data, err := s.MarshalBinary()
				require.NoError(t, err)
				for _, touched := range []Invoice{v, got} {
					if touched.Due != nil {
						touched.Due.Seconds++
					}
					if touched.Extra != nil {
						touched.Extra.Fields = map[string]*structpb.Value{"z": structpb.NewNullValue()}
					}
					if touched.Points != nil {
						touched.Points.SetInt64(1)
					}
				}
				again, err := s.MarshalBinary()
				require.NoError(t, err)
				require.Equal(t, data, again)
				peer := fresh()
				require.NoError(t, peer.UnmarshalBinary(data))
				got, _ = peer.get()
				require.Equal(t, want, show(got))

				doc, err := s.MarshalJSON()
				require.NoError(t, err)
				peer = fresh()
				require.NoError(t, peer.UnmarshalJSON(doc), "%s", doc)
				again, err = peer.MarshalBinary()
				require.NoError(t, err)
				require.Equal(t, data, again, "%s", doc)
			})
		})
	}
}

// TestJSON: people read what the types' own JSON shows.
func TestJSON(t *testing.T) {
	s := new(table)
	require.NoError(t, s.put(Invoice{Number: "7", Total: decimal.RequireFromString("1.50"), Points: big.NewInt(3)}))
	doc, err := s.MarshalJSON()
	require.NoError(t, err)
	require.Contains(t, string(doc), `"Total":"1.5"`)
	require.Contains(t, string(doc), `"Points":3`)
}

// TestOtherType: what is stored as another type is kept, and stops nothing else.
func TestOtherType(t *testing.T) {
	type loose struct{ Due []byte }
	var s lww.Map[string, loose]
	_, err := s.Put(writer, "bad", loose{[]byte("\xff")})
	require.NoError(t, err)
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	var o lww.Map[string, Invoice]
	bad := new(content.ValueError)
	require.ErrorAs(t, o.UnmarshalBinary(data), &bad)
	require.Equal(t, "Due", bad.Field)
	require.ErrorAs(t, o.UnmarshalLenient(data), &bad)
	again, err := o.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, data, again)
}

// TestPlan puts a plan of all of these types through the kit, and adds up by hand.
func TestPlan(t *testing.T) {
	p := plan()
	(&mergetest.Kit[Invoice]{Plan: p, Values: invoices()}).Check(t)

	number := decimal.RequireFromString
	start := Invoice{Due: timestamppb.New(base), Total: number("10.50"), Paid: new(number("1")), Points: big.NewInt(10)}
	eu := Invoice{Due: timestamppb.New(base.Add(time.Minute)), Total: number("10.25"), Paid: new(number("2.5")), Points: big.NewInt(8), Limit: number("10")}
	us := Invoice{Due: timestamppb.New(base.Add(time.Second)), Total: number("11.50"), Paid: new(number("1.5")), Points: big.NewInt(7), Limit: number("9.5")}
	got, err := p.Merge(&start,
		merge.Side[Invoice]{Value: eu, Stamp: lww.Stamp{Time: 1, Replica: "eu"}}, merge.Side[Invoice]{Value: us, Stamp: lww.Stamp{Time: 2, Replica: "us"}})
	require.NoError(t, err)
	want := Invoice{Due: timestamppb.New(base.Add(time.Minute)), Total: number("11.25"), Paid: new(number("3")), Points: big.NewInt(5), Limit: number("10")}
	require.Equal(t, show(want), show(got))
}

// TestRecord lets three replicas write and merge: all hold the same in the end, and sums are
// those of all changes.
func TestRecord(t *testing.T) {
	p := plan()
	rapid.Check(t, func(t *rapid.T) {
		names := []vclock.Replica{"ap", "eu", "us"}
		all := []*merge.Record[Invoice]{p.NewRecord(), p.NewRecord(), p.NewRecord()}
		now, points := new(clock), new(big.Int)
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			i := rapid.IntRange(0, 2).Draw(t, "at")
			if rapid.Bool().Draw(t, "merge") {
				all[i].Merge(all[rapid.IntRange(0, 2).Draw(t, "from")])
				continue
			}
			next, change := invoices().Draw(t, "next"), big.NewInt(rapid.Int64Range(-3, 3).Draw(t, "change"))
			require.NoError(t, all[i].Update(lww.Writer{Replica: names[i], Clock: now}, func(v *Invoice) error {
				v.Number, v.Extra, v.Total = next.Number, next.Extra, v.Total.Add(next.Total)
				if v.Points == nil {
					v.Points = new(big.Int)
				}
				v.Points = new(big.Int).Add(v.Points, change)
				return nil
			}))
			points.Add(points, change)
		}
		for range 2 {
			for i := range all {
				all[i].Merge(all[(i+1)%3])
			}
		}
		require.True(t, all[0].Equal(all[1]))
		require.True(t, all[0].Equal(all[2]))
		if v, ok := all[0].Get(); ok && v.Points != nil {
			require.Equal(t, points.String(), v.Points.String())
		}
	})
}

// TestRecordKit puts records of all of these types through the kit: they converge through
// bytes and JSON, and what hostile bytes decode to encodes to those bytes.
func TestRecordKit(t *testing.T) {
	(&mergetest.RecordKit[Invoice]{
		Plan: plan(),
		Edit: func(t *rapid.T, _ vclock.Replica, v *Invoice) {
			next := invoices().Draw(t, "next")
			switch rapid.IntRange(0, 6).Draw(t, "field") {
			case 0:
				v.Number = next.Number
			case 1:
				v.Due = next.Due
			case 2:
				v.Extra = next.Extra
			case 3:
				v.Total = v.Total.Add(next.Total)
			case 4:
				v.Paid = next.Paid
			case 5:
				v.Points = next.Points
			default:
				v.Limit = next.Limit
			}
		},
	}).Check(t)
}

// TestNilIsNoSum: a sum is a number once one was written, and a write of nil would read as zero.
func TestNilIsNoSum(t *testing.T) {
	r := plan().NewRecord()
	set := func(n *big.Int) error {
		return r.Update(writer, func(v *Invoice) error { v.Points = n; return nil })
	}
	require.NoError(t, set(big.NewInt(2)))
	was, err := r.MarshalBinary()
	require.NoError(t, err)
	wrong := new(merge.WriteError)
	require.ErrorAs(t, set(nil), &wrong)
	require.Equal(t, "Points", wrong.Path)
	is, err := r.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, was, is)
	require.NoError(t, set(new(big.Int)))
	v, _ := r.Get()
	require.Equal(t, "0", v.Points.String())
}

// TestUnaffordable: a decimal of two billion digits is refused by a write, and of bytes it is
// carried along, before anything is computed with it.
func TestUnaffordable(t *testing.T) {
	huge := decimal.New(1, 2_000_000_000)
	r := plan().NewRecord()
	limit := func(d decimal.Decimal) error {
		return r.Update(writer, func(v *Invoice) error { v.Limit = d; return nil })
	}
	require.ErrorContains(t, limit(huge), "exponent 2000000000 is not within 1000")
	require.NoError(t, limit(decimal.New(7, 3)))
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	small, err := decimal.New(7, 3).MarshalBinary()
	require.NoError(t, err)
	large, err := decimal.New(7, 2_000_000_000).MarshalBinary()
	require.NoError(t, err)
	require.Contains(t, string(data), string(small))
	peer := plan().NewRecord()
	require.NoError(t, peer.UnmarshalBinary(bytes.ReplaceAll(data, small, large)), "it is carried along")
	peer.Merge(r)
	v, _ := peer.Get()
	require.Equal(t, "7000", v.Limit.String())
	require.ErrorContains(t, peer.Check(), "Limit")
}

// A coin is used before anything is handed over for it.
type coin struct{ Cents int64 }

// TestRegisterAfterUse: a codec that comes too late would split what is stored.
func TestRegisterAfterUse(t *testing.T) {
	merge.MustCompile(merge.Options[struct{ Coin coin }]{})
	require.PanicsWithValue(t, "content: register codectest.coin: the type has been used", func() {
		content.Register(content.Codec[coin]{
			Encode: func(c coin) ([]byte, error) { return []byte(strconv.FormatInt(c.Cents, 10)), nil },
			Decode: func(p []byte) (coin, error) {
				n, err := strconv.ParseInt(strings.TrimSpace(string(p)), 10, 64)
				return coin{n}, err
			},
		})
	})
}
