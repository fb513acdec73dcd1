package merge_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// An account has a sum without bounds.
type account struct {
	Balance *big.Int
	Last    string
}

func accountOptions() merge.Options[account] {
	return merge.Options[account]{Overrides: []merge.Override[account]{
		merge.Field(func(a *account) **big.Int { return &a.Balance }, merge.Additive(
			"sum", new(big.Int),
			func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) },
			func(n *big.Int) *big.Int { return new(big.Int).Neg(n) },
		)),
	}}
}

// huge returns n·2¹⁰⁰.
func huge(n int64) *big.Int { return new(big.Int).Lsh(big.NewInt(n), 100) }

// TestAdditiveOfUsers adds up big integers: changes that are alike count twice, and nil is
// zero, but stays nil where nobody changed it.
func TestAdditiveOfUsers(t *testing.T) {
	p := merge.MustCompile(accountOptions())
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
				require.Equal(t, "additive sum", report.Changes[0].Rule)
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
	p := recordPlan(t, accountOptions())
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

// TestRecordAdditiveBytes is the promise to stored sums.
func TestRecordAdditiveBytes(t *testing.T) {
	p := recordPlan(t, accountOptions())
	r := p.NewRecord()
	require.NoError(t, r.Update(lww.Writer{Replica: "eu", Clock: &ticks{}}, set(func(a *account) { a.Balance = big.NewInt(5) })))
	b, err := r.MarshalBinary()
	require.NoError(t, err)
	require.Equal(t, "038a946b31c7ecc26e0001026575010100010742616c616e6365100c01010001130e0135", hex.EncodeToString(b))
}

// Two shops count what they sell in an amount that fits no integer of Go.
func ExampleAdditive() {
	plan := merge.MustCompile(accountOptions())
	base := account{Balance: huge(10)}
	merged, err := plan.Merge(
		&base,
		merge.Side[account]{Value: account{Balance: huge(8)}, Stamp: stamp(1, "eu")},
		merge.Side[account]{Value: account{Balance: huge(7)}, Stamp: stamp(2, "us")},
	)
	fmt.Println(merged.Balance.Cmp(huge(5)), err)
	// Output: 0 <nil>
}
