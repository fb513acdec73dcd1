package merge_test

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

// An account has a sum without bounds.
type account struct {
	Balance *big.Int `merge:"additive"`
	Last    string
}

// An amount is a number of a type that shows nothing of itself.
type amount struct{ n int }

// What the tests of this package hand over: no type may have been used before.
var _ = func() bool {
	content.Register(content.Codec[*big.Int]{
		Add:    func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) },
		Negate: func(n *big.Int) *big.Int { return new(big.Int).Neg(n) },
	})
	content.Register(content.Codec[amount]{
		Encode: func(a amount) ([]byte, error) { return strconv.AppendInt(nil, int64(a.n), 10), nil },
		Decode: func(p []byte) (amount, error) {
			n, err := strconv.Atoi(string(p))
			return amount{n}, err
		},
		Compare: func(a, b amount) int { return cmp.Compare(a.n, b.n) },
		Add:     func(a, b amount) amount { return amount{a.n + b.n} },
		Negate:  func(a amount) amount { return amount{-a.n} },
	})
	content.Register(content.Codec[wideCents]{
		Encode: func(c wideCents) ([]byte, error) { return strconv.AppendInt(nil, int64(c), 10), nil },
		Decode: func(p []byte) (wideCents, error) {
			n, err := strconv.ParseInt(string(p), 10, 32)
			return wideCents(n), err
		},
		Add:    func(a, b wideCents) wideCents { return a + b },
		Negate: func(c wideCents) wideCents { return -c },
	})
	content.Register(content.Codec[cents]{
		Encode: func(c cents) ([]byte, error) { return strconv.AppendInt(nil, int64(c), 10), nil },
		Decode: func(p []byte) (cents, error) {
			n, err := strconv.ParseInt(string(p), 10, 8)
			return cents(n), err
		},
		Add:    func(a, b cents) cents { return a + b },
		Negate: func(c cents) cents { return -c },
	})
	return true
}()

// Two versions of a program count in cents, of which the older has fewer.
type (
	wideCents int32
	cents     int8
)

func amounts() []amount { return []amount{{0}, {1}, {2}, {3}} }

// ofAmounts says what rules make of amounts: what they make of integers.
func ofAmounts() situation[amount] {
	return situation[amount]{
		same: func(a, b amount) bool { return a == b }, zero: func(a amount) bool { return a.n == 0 },
		less: func(a, b amount) bool { return a.n < b.n },
		unite: func(base *amount, sides []amount) amount {
			total := base.n
			for _, s := range sides {
				total += s.n - base.n
			}
			return amount{total}
		},
	}
}

// huge returns n·2¹⁰⁰.
func huge(n int64) *big.Int { return new(big.Int).Lsh(big.NewInt(n), 100) }

// TestAdditiveOfUsers adds up big integers: changes that are alike count twice, and nil is
// zero, but stays nil where nobody changed it.
func TestAdditiveOfUsers(t *testing.T) {
	p := merge.MustCompile(merge.Options[account]{})
	side := func(n *big.Int, r vclock.Replica) merge.Side[account] {
		return merge.Side[account]{Value: account{Balance: n}, Stamp: stamp(1, r)}
	}
	for _, tt := range []struct {
		name             string
		base, a, b, want *big.Int
	}{
		{"different", huge(10), huge(8), huge(7), huge(5)},
		{"alike", huge(10), huge(8), huge(8), huge(6)},
		{"one", huge(10), huge(10), huge(8), huge(8)},
		{"none", huge(10), huge(10), huge(10), huge(10)},
		{"from nil", nil, huge(2), huge(3), huge(5)},
		{"to nil", huge(10), nil, huge(10), nil},
		{"nil and a change", huge(10), nil, huge(12), huge(2)},
		{"nil", nil, nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, report, err := p.Explain(&account{Balance: tt.base}, side(tt.a, "a"), side(tt.b, "b"))
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(tt.want), fmt.Sprint(got.Balance))
			if tt.a != nil && tt.b != nil && tt.name != "none" && tt.name != "one" {
				require.Len(t, report.Changes, 1)
				require.Equal(t, merge.Combined, report.Changes[0].Outcome)
				require.Equal(t, "additive", report.Changes[0].Rule)
			}
		})
	}
	_, err := p.Merge(nil, side(huge(1), "a"), side(huge(2), "b"))
	require.ErrorContains(t, err, "changes cannot be added up without a base")
	_, err = p.Merge(nil, side(huge(2), "a"), side(huge(2), "b"))
	require.NoError(t, err)
}

// TestRecordAdditiveOfUsers adds up what three replicas wrote, whatever was merged when, also
// through bytes and JSON and deltas: the sum of all changes ever made.
func TestRecordAdditiveOfUsers(t *testing.T) {
	p := recordPlan(t, merge.Options[account]{})
	rapid.Check(t, func(t *rapid.T) {
		type site struct {
			rec     *merge.Record[account]
			changes map[int]int64 // of all that it knows of
		}
		names := []vclock.Replica{"ap", "eu", "us"}
		var sites []*site
		for range names {
			sites = append(sites, &site{p.NewRecord(), map[int]int64{}})
		}
		sum := func(s *site) (n int64) {
			for _, c := range s.changes {
				n += c
			}
			return n
		}
		count := 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			i, j := rapid.IntRange(0, 2).Draw(t, "site"), rapid.IntRange(0, 2).Draw(t, "other")
			s := sites[i]
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				change := rapid.Int64Range(-5, 5).Draw(t, "change")
				before := s.rec.Clone()
				require.NoError(t, s.rec.Update(writer(names[i]), set(func(a *account) { a.Balance = huge(sum(s) + change) })))
				if delta := s.rec.Since(before); rapid.Bool().Draw(t, "send") {
					sites[j].rec.Merge(s.rec)
					sites[j].rec.Merge(delta)
					maps.Copy(sites[j].changes, s.changes)
					sites[j].changes[count] = change
				}
				s.changes[count] = change
				count++
			case 1:
				o := sites[j]
				s.rec.Merge(o.rec)
				maps.Copy(s.changes, o.changes)
			case 2:
				again := p.NewRecord()
				b, err := s.rec.MarshalBinary()
				require.NoError(t, err)
				require.NoError(t, again.UnmarshalBinary(b))
				require.True(t, again.Equal(s.rec))
				if b, err = json.Marshal(s.rec); len(s.changes) > 0 {
					require.NoError(t, err)
					require.NoError(t, again.UnmarshalJSON(b))
					require.True(t, again.Equal(s.rec), string(b))
				}
				s.rec = again
			}
			if got, _ := s.rec.Get(); len(s.changes) > 0 && got.Balance != nil {
				require.Equal(t, huge(sum(s)).String(), got.Balance.String())
			} else {
				require.Zero(t, sum(s))
			}
			require.NoError(t, s.rec.Check())
		}
	})
}

// TestRecordSumsOfAnotherType: a program that adds up values of another type shows what it can read,
// says that there is more, and adds nothing to what it cannot read.
func TestRecordSumsOfAnotherType(t *testing.T) {
	wide := recordPlan(t, merge.Options[box[wideCents]]{Paths: map[string]string{"V": "additive"}})
	narrow := recordPlan(t, merge.Options[box[cents]]{Paths: map[string]string{"V": "additive"}})
	r := wide.NewRecord()
	for i, w := range []lww.Writer{writer("ap"), writer("eu"), writer("us")} {
		require.NoError(t, r.Update(w, set(func(b *box[wideCents]) { b.V += []wideCents{1, 300, 2}[i] })))
	}
	here := exchange(t, r, narrow)
	require.Equal(t, cents(3), value(t, here).V, "what it can read")
	require.EqualError(t, here.Check(), "merge: conflict: V: a value is of another type")
	before := here.Clone()
	require.EqualError(t, here.Update(writer("eu"), set(func(b *box[cents]) { b.V++ })), `merge: write to V: rule "additive": what eu has added is of another type`)
	require.True(t, here.Equal(before))
	require.NoError(t, here.Update(writer("us"), set(func(b *box[cents]) { b.V++ })))
	require.Equal(t, wideCents(304), value(t, exchange(t, here, wide)).V)
}

// TestRecordAdditiveBytes is the promise to stored sums.
func TestRecordAdditiveBytes(t *testing.T) {
	p := recordPlan(t, merge.Options[account]{})
	r := p.NewRecord()
	require.NoError(t, r.Update(lww.Writer{Replica: "eu", Clock: &ticks{}}, set(func(a *account) { a.Balance = big.NewInt(5) })))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "04089d3243846ac1cb0001026575010100010742616c616e6365100c01010001130e0135", hex.EncodeToString(b))
}

// TestHandedOver merges a type of which the package knows what was handed over: as one
// value, a copy, behind a pointer, and in an order.
func TestHandedOver(t *testing.T) {
	type till struct {
		Now   amount
		Most  *amount `merge:"max"`
		Least *amount `merge:"min"`
		Sum   *amount `merge:"additive"`
		All   map[string]amount
		List  []amount
	}
	p := recordPlan(t, merge.Options[till]{})
	base := till{Now: amount{1}, Most: &amount{2}, Sum: &amount{10}, All: map[string]amount{"a": {1}}, List: []amount{{1}}}
	eu, us := base, base
	eu.Now, eu.Most, eu.Least, eu.Sum, eu.List = amount{5}, nil, &amount{4}, &amount{8}, []amount{{1}, {2}}
	us.Most, us.Least, us.Sum, us.All = &amount{3}, &amount{-3}, &amount{7}, map[string]amount{"a": {2}}
	got, err := p.Merge(&base, merge.Side[till]{Value: eu, Stamp: stamp(1, "eu")}, merge.Side[till]{Value: us, Stamp: stamp(2, "us")})
	require.NoError(t, err)
	require.Equal(t, till{
		Now: amount{5}, Most: &amount{3}, Least: &amount{-3}, Sum: &amount{5}, All: map[string]amount{"a": {2}}, List: []amount{{1}, {2}},
	}, got)
	require.NotSame(t, us.Most, got.Most)

	r := p.NewRecord()
	require.NoError(t, r.Update(writer("eu"), set(func(v *till) { *v = got })))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	o := p.NewRecord()
	require.NoError(t, o.UnmarshalBinary(b))
	again, ok := o.Get()
	require.True(t, ok)
	require.Equal(t, got, again)
	refused := new(merge.WriteError)
	require.ErrorAs(t, o.Update(writer("us"), set(func(v *till) { v.Most = &amount{2} })), &refused)
	require.Equal(t, "max", refused.Rule)
	require.ErrorAs(t, o.Update(writer("us"), set(func(v *till) { v.Least = nil })), &refused)
	require.Equal(t, "nil is no value to compare", refused.Reason)
}
