package vclock_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// exchange lets one merge the matrix of another, as if the state came with it, and
// records what it has then.
func exchange(t require.TestingT, to, from *vclock.Matrix, now uint64) {
	_, err := to.Merge(from)
	require.NoError(t, err)
	to.Record(now)
}

func base(r vclock.Replica) vclock.Replica {
	name, _ := r.Lineage()
	return name
}

func TestMatrix(t *testing.T) {
	names := []vclock.Replica{"ap", "eu", "us"}
	ap, eu, us := vclock.NewMatrix("ap", names...), vclock.NewMatrix("eu", names...), vclock.NewMatrix("us", "ap", "eu")
	require.Equal(t, vclock.Replica("eu"), eu.Owner())
	require.Equal(t, 3, eu.Len())
	require.True(t, eu.Equal(us))
	require.True(t, eu.Stable().IsZero())
	require.True(t, eu.Confirmed())

	require.True(t, eu.Record(9))
	require.False(t, eu.Record(8), "late")
	exchange(t, us, eu, 8)
	require.Equal(t, "eu:9,us:8", row(t, us, "us").String())
	require.Zero(t, us.Floor(), "ap has not been heard of")
	require.True(t, us.Stable().IsZero())

	exchange(t, ap, us, 6)
	exchange(t, eu, ap, 10)
	require.Equal(t, "eu:9,us:8", eu.Stable().String())
	require.Zero(t, eu.Floor(), "us has not merged ap")
	require.True(t, eu.Settled())
	exchange(t, us, eu, 11)
	exchange(t, ap, us, 12)
	require.Equal(t, "ap:6,eu:10,us:8", ap.Stable().String())
	require.Equal(t, uint64(6), ap.Floor())
	seen, reading := ap.Horizon()
	require.Equal(t, []uint64{6, 12}, []uint64{seen, reading})

	_, ok := eu.Row("zz")
	require.False(t, ok)
	require.Equal(t, names, slices.Sorted(maps.Keys(maps.Collect(eu.All()))))
	require.Equal(t, "ap ap:6,eu:9,us:8\neu ap:6,eu:10,us:8\nus eu:9,us:8\n", eu.String())
}

func row(t *testing.T, m *vclock.Matrix, r vclock.Replica) vclock.Clock {
	t.Helper()
	c, ok := m.Row(r)
	require.True(t, ok)
	return c
}

// TestZeroMatrix has no members, so it knows nothing.
func TestZeroMatrix(t *testing.T) {
	var m vclock.Matrix
	require.True(t, m.Stable().IsZero())
	require.Zero(t, m.Floor())
	require.False(t, m.Record(1))
	require.Error(t, m.Check(vclock.NewMatrix("eu")))
	_, err := vclock.NewMatrix("eu").Merge(&m)
	require.Error(t, err)
	require.False(t, m.Confirmed())
	require.False(t, m.Settled())
	require.Panics(t, func() { vclock.NewMatrix("eu", "") })
}

// TestMatrixAdmit: a newcomer begins from a snapshot that was taken after it was
// admitted, and writes when all have heard of it.
func TestMatrixAdmit(t *testing.T) {
	a, b := vclock.NewMatrix("a", "b"), vclock.NewMatrix("b", "a")
	early := a.Clone()
	require.NoError(t, a.Admit("c"))
	_, err := early.For("c")
	require.Equal(t, &vclock.MemberError{Replica: "c"}, err, "a snapshot from before")

	c, err := a.Clone().For("c")
	require.NoError(t, err)
	c.Record(1)
	require.False(t, c.Confirmed())
	require.Equal(t, &vclock.MemberError{Replica: "c", Unconfirmed: true}, c.Usable())
	exchange(t, c, b, 2)
	require.False(t, c.Confirmed(), "b has not heard of c")
	require.Equal(t, &vclock.MemberError{Replica: "c"}, b.Check(c))
	exchange(t, b, a, 3)
	exchange(t, b, c, 3)
	require.True(t, b.Contains("c"))
	require.False(t, c.Confirmed())
	exchange(t, c, b, 4)
	require.True(t, c.Confirmed(), "a has said so with the snapshot")
	require.NoError(t, c.Usable())
	require.NoError(t, a.Admit("c"), "again")
}

// TestMatrixRetire: one that was retired counts until all have told what they had
// after they heard of it.
func TestMatrixRetire(t *testing.T) {
	names := []vclock.Replica{"ap", "eu", "us"}
	ap, eu, us := vclock.NewMatrix("ap", names...), vclock.NewMatrix("eu", names...), vclock.NewMatrix("us", names...)
	exchange(t, us, eu, 8)
	exchange(t, eu, us, 9)
	exchange(t, us, eu, 10)
	require.Zero(t, us.Floor())

	eu.Retire("ap", "zz")
	require.Equal(t, 2, eu.Len())
	require.False(t, eu.Contains("ap"))
	require.Zero(t, eu.Floor(), "us may have something of ap that eu lacks")
	eu.Record(10)
	require.True(t, eu.Closing().IsZero())
	require.False(t, eu.Settled())
	exchange(t, us, eu, 11)
	require.Equal(t, "ap:65536", us.Closing().String())
	require.Zero(t, us.Floor())
	require.Equal(t, "ap:65536", us.Close().String())
	require.Equal(t, uint64(8), us.Floor())
	require.Equal(t, "ap:281474976710655", us.Closed().Counts().String())
	require.Equal(t, "ap:9223372036854775807", us.Closed().Times().String())
	exchange(t, eu, us, 12)
	require.Equal(t, us.Closed(), eu.Closed(), "what was closed where a state is from is closed")

	_, err := eu.Merge(ap)
	require.Equal(t, &vclock.MemberError{Replica: "ap", Over: true, Retired: true}, err)
	require.ErrorContains(t, err, `"ap" was retired`)
	require.Equal(t, &vclock.MemberError{Replica: "ap", Retired: true}, eu.Admit("ap"))
	_, err = eu.For("ap")
	require.Error(t, err)
	_, err = ap.Merge(eu)
	require.NoError(t, err, "that it is retired it may hear")
	require.Equal(t, &vclock.MemberError{Replica: "ap", Over: true, Retired: true}, ap.Usable())
	require.False(t, ap.Record(99))
}

// TestMatrixBegin: an incarnation that follows another says so to all, who refuse
// what the former one still sends.
func TestMatrixBegin(t *testing.T) {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	eu.Record(5)
	exchange(t, us, eu, 10)
	zombie := eu.Clone()
	require.NoError(t, eu.Begin("eu#2", 20))
	require.Equal(t, vclock.Replica("eu#2"), eu.Owner())
	require.NoError(t, eu.Begin("eu#2", 30), "again")
	require.NoError(t, eu.Usable(), "it asks nobody")
	require.False(t, eu.Confirmed())
	require.True(t, row(t, eu, "eu").IsZero(), "what it had it may have lost")
	require.Equal(t, &vclock.MemberError{Replica: "eu#1", Over: true}, eu.Begin("eu#1", 40))
	require.Equal(t, &vclock.MemberError{Replica: "us"}, eu.Begin("us", 40))
	require.ErrorContains(t, eu.Begin("eu#3", 20), "not after 20")
	eu.Record(21)

	exchange(t, us, eu, 22)
	require.True(t, row(t, us, "eu").IsZero(), "it may lack what it wrote before")
	require.Equal(t, "eu:2", us.Sealed().String())
	require.Equal(t, "eu:8589934591", us.Sealed().Counts().String())
	require.Equal(t, "eu:19", us.Sealed().Times().String())
	_, err := us.Merge(zombie)
	require.Equal(t, &vclock.MemberError{Replica: "eu", Over: true}, err)
	require.ErrorContains(t, err, "followed")
	require.Equal(t, "eu:2", us.Closing().String())
	exchange(t, eu, us, 23)
	require.Equal(t, "eu:23,us:22", row(t, eu, "eu").String())
	require.True(t, eu.Confirmed())
	require.False(t, eu.Settled())
	eu.Close()
	require.True(t, eu.Settled())
	_, err = zombie.Merge(us)
	require.NoError(t, err)
	require.Equal(t, &vclock.MemberError{Replica: "eu", Over: true}, zombie.Usable())
}

func checkMatrixEncodings(t require.TestingT, m *vclock.Matrix) {
	b, err := m.MarshalBinary()
	require.NoError(t, err)
	var fromBinary, fromJSON vclock.Matrix
	require.NoError(t, fromBinary.UnmarshalBinary(b))
	require.True(t, m.Equal(&fromBinary))
	j, err := m.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, fromJSON.UnmarshalJSON(j))
	require.True(t, m.Equal(&fromJSON))
	require.True(t, m.Equal(m.Clone()))
	require.Equal(t, m.Owner(), fromJSON.Owner())
	require.Equal(t, m.Floor(), fromJSON.Floor())
}

// somewhere returns matrices that a random history of a few replicas leads to.
func somewhere(t require.TestingT, rng *rand.Rand, steps int) []*vclock.Matrix {
	names := []vclock.Replica{"a", "b", "c", "d"}
	all := map[vclock.Replica]*vclock.Matrix{"a": vclock.NewMatrix("a", "b"), "b": vclock.NewMatrix("b", "a")}
	kept := []*vclock.Matrix{all["a"].Clone(), all["b"].Clone()}
	for now := uint64(1); now < uint64(steps); now++ {
		x := slices.Sorted(maps.Keys(all))[rng.IntN(len(all))]
		m, r := all[x], names[rng.IntN(len(names))]
		_, life := m.Owner().Lineage()
		switch rng.IntN(9) {
		case 0:
			if m.Admit(r) == nil && all[r] == nil {
				all[r], _ = m.For(r)
			}
		case 1:
			if rng.IntN(3) == 0 {
				m.Retire(r)
			}
		case 2:
			_ = m.Begin(vclock.Incarnation(string(x), life+1), now)
		case 3:
			m.Close()
		case 4:
			o := kept[rng.IntN(len(kept))]
			if rng.IntN(2) == 0 && all[base(o.Owner())] != nil {
				all[base(o.Owner())] = o.Clone() // restored from a backup
			}
		default:
			o := kept[rng.IntN(len(kept))]
			if m.Check(o) == nil {
				exchange(t, m, o, now)
			}
		}
		kept = append(kept, m.Clone())
	}
	return kept
}

// TestMatrixMergeIsAJoin takes triples of matrices that histories lead to, be they
// careless ones.
func TestMatrixMergeIsAJoin(t *testing.T) {
	join := func(x, y *vclock.Matrix) (*vclock.Matrix, bool) {
		z := x.Clone()
		_, err := z.Merge(y)
		var refused *vclock.MemberError
		require.True(t, err == nil || errors.As(err, &refused))
		return z, err == nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	joined := 0
	for range 30 {
		kept := somewhere(t, rng, 40)
		for range 120 {
			x, y, z := kept[rng.IntN(len(kept))], kept[rng.IntN(len(kept))], kept[rng.IntN(len(kept))]
			before := y.Clone()
			xy, ok1 := join(x, y)
			yx, ok2 := join(y, x)
			yz, ok3 := join(y, z)
			require.True(t, y.Equal(before))
			if !ok1 || !ok2 || !ok3 {
				continue
			}
			require.True(t, xy.Equal(yx), "commutative")
			left, ok1 := join(xy, z)
			right, ok2 := join(x, yz)
			if !ok1 || !ok2 {
				continue
			}
			joined++
			require.True(t, left.Equal(right), "associative: %v | %v | %v", x, y, z)
			again, _ := join(left, y)
			require.True(t, again.Equal(left), "idempotent")
			if joined%20 == 0 {
				checkMatrixEncodings(t, left)
			}
		}
	}
	require.Greater(t, joined, 500)
}

// TestMatrixStaysConfirmed: members go on while a newcomer is silent, and what is decoded does.
func TestMatrixStaysConfirmed(t *testing.T) {
	now := uint64(0)
	members := []*vclock.Matrix{vclock.NewMatrix("a", "b", "c"), vclock.NewMatrix("b", "a", "c"), vclock.NewMatrix("c", "a", "b")}
	all := func() {
		for _, x := range members {
			for _, y := range members {
				if x != y {
					now++
					x.Record(now)
					_, err := y.Merge(x)
					require.NoError(t, err)
				}
			}
		}
	}
	usable := func() {
		t.Helper()
		for _, m := range members {
			require.NoError(t, m.Usable())
			require.True(t, m.Confirmed())
			checkMatrixEncodings(t, m)
		}
	}
	all()
	require.NoError(t, members[0].Admit("n"))
	usable()
	silent, err := members[0].For("n")
	require.NoError(t, err)
	require.Error(t, silent.Usable())
	checkMatrixEncodings(t, silent)
	all()
	usable()
	require.Zero(t, members[1].Floor(), "it is waited for")
	require.NoError(t, members[1].Begin("b#1", now+1)) // while it is silent
	require.NoError(t, members[1].Usable())
	require.False(t, members[1].Confirmed(), "nobody has heard of the incarnation")
	checkMatrixEncodings(t, members[1])
	members[0].Retire("n")
	for range 3 {
		all()
	}
	usable()
}

func TestMatrixUnmarshalRefuses(t *testing.T) {
	valid, err := vclock.NewMatrix("eu", "us").MarshalBinary()
	require.NoError(t, err)
	for i := range valid {
		require.Error(t, new(vclock.Matrix).UnmarshalBinary(valid[:i]))
	}
	none := "0100" + "0100"
	tests := []struct{ name, input, want string }{
		{"another version", "01" + "00" + "00" + none + none, "offset 0: unknown format version 1, want 4"},
		{"members of nobody", "04" + "00" + "00" + "01" + "026575" + "00" + "0100" + none + "00" + none + none, "without an owner"},
		{"more members than bytes", "04" + "026575" + "02" + "02" + "026575", "count 2 exceeds"},
		{"a stranger that is no member", "04" + "026575" + "02" + "01" + "026575" + "00" + "0100" + none + "0101" + none + none, "place 1 in a list of 1 members"},
		{"who does not know itself", "04" + "026575" + "02" + "01" + "026575" + "00" + "0100" + none + "0100" + none + none, "does not know itself"},
		{"a closing that nobody declared", "04" + "026575" + "02" + "00" + none + "0101026575010100", "was not declared"},
		{"a seal that nobody declared", "04" + "026575" + "02" + "01" + "026575" + "00" + "0100" + "0101026575010100" + "00" + none + none, "was not declared"},
		{"a life that nobody declared", "04" + "026575" + "02" + "01" + "026575" + "01" + "0100" + none + "00" + none + none, "was not declared"},
		{"a time of no incarnation", "04" + "026575" + "02" + "00" + "0100" + "010102657501" + none, "which has no incarnation"},
		{"an incarnation of no time", "04" + "026575" + "02" + "00" + "010102657501" + "0100" + none, `incarnation 1 of replica "eu" at 0`},
		{"an incarnation that none is", "04" + "026575" + "02" + "00" + "0101026575818004" + "010102657501" + none, `incarnation 65537 of replica "eu" at 1`},
		{"a retired name with a time", "04" + "026575" + "02" + "00" + "0101026575808004" + "010102657501" + none, `incarnation 65536 of replica "eu" at 1`},
		{"a time too large", "04" + "026575" + "02" + "00" + "010102657501" + "010102657580808080808080808001" + none, `incarnation 1 of replica "eu" at 9223372036854775808`},
		{"a time for ever", "04" + "026575" + "02" + "00" + "010102657501" + "0101026575ffffffffffffffffff01" + none, `incarnation 1 of replica "eu" at 18446744073709551615`},
		{"a standing that none is", "04" + "026575" + "03" + "01" + "026575" + "00" + "0100" + none + "00" + none + none, "standing 3 of the owner"},
		{"a newcomer for whom all wait", "04" + "026575" + "00" + "01" + "026575" + "00" + "0100" + none + "00" + none + none, "standing 0 of the owner, where the rows of the others say 2"},
		{"trailing bytes", "04" + "00" + "00" + "00" + none + none + "00", "1 trailing bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.input)
			require.NoError(t, err)
			var m vclock.Matrix
			err = m.UnmarshalBinary(b)
			require.ErrorContains(t, err, "vclock: decode Matrix: ")
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, new(vclock.Matrix), &m)
		})
	}

	rest := `"declared":{"incarnations":{},"since":{}},"closed":{"incarnations":{},"since":{}}}`
	for input, want := range map[string]string{
		`{"members":{}}`: `member "closed" is missing`,
		`{"owner":"eu","standing":"confirmed","members":null,` + rest:                                                                                         "decode Matrix",
		`{"owner":"eu","standing":"confirmed","members":{"eu":null},` + rest:                                                                                  "decode Matrix",
		`{"owner":"eu","standing":"sure","members":{"eu":{"incarnation":0,"row":{},"sealed":{"incarnations":{},"since":{}},"strangers":[]}},` + rest:          `unknown standing "sure"`,
		`{"owner":"","standing":"newcomer","members":{"eu":{"incarnation":0,"row":{},"sealed":{"incarnations":{},"since":{}},"strangers":[]}},` + rest:        "without an owner",
		`{"owner":"eu","standing":"confirmed","members":{"eu":{"incarnation":0,"row":{},"sealed":{"incarnations":{},"since":{}},"strangers":["us"]}},` + rest: "strangers of",
	} {
		t.Run(input, func(t *testing.T) {
			var m vclock.Matrix
			err := m.UnmarshalJSON([]byte(input))
			require.ErrorContains(t, err, "vclock: decode Matrix: ")
			require.ErrorContains(t, err, want)
			require.Equal(t, new(vclock.Matrix), &m)
		})
	}
}

func FuzzMatrixUnmarshalBinary(f *testing.F) {
	for _, m := range somewhere(f, rand.New(rand.NewPCG(3, 4)), 12) {
		b, err := m.MarshalBinary()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m vclock.Matrix
		if err := m.UnmarshalBinary(b); err != nil {
			require.Equal(t, new(vclock.Matrix), &m)
			return
		}
		got, err := m.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, b, got, "the encoding is unique")
		checkMatrixEncodings(t, &m)
	})
}

func FuzzMatrixUnmarshalJSON(f *testing.F) {
	for _, m := range somewhere(f, rand.New(rand.NewPCG(3, 4)), 12) {
		b, err := m.MarshalJSON()
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m vclock.Matrix
		if err := m.UnmarshalJSON(b); err != nil {
			require.Equal(t, new(vclock.Matrix), &m)
			return
		}
		checkMatrixEncodings(t, &m)
	})
}

// three returns the matrices of three offices that have not spoken yet.
func three() (ap, eu, us *vclock.Matrix) {
	names := []vclock.Replica{"ap", "eu", "us"}
	return vclock.NewMatrix("ap", names...), vclock.NewMatrix("eu", names...), vclock.NewMatrix("us", names...)
}

// A delete may be forgotten when all three offices have it, and whoever is asked must
// also know that they have.
func TestMatrixForgetsWhatAllHave(t *testing.T) {
	ap, eu, us := three()
	eu.Record(10) // eu deletes something at 10
	exchange(t, us, eu, 11)
	exchange(t, ap, us, 12)
	require.Equal(t, uint64(10), ap.Stable().At("eu"), "ap has it from us, and knows that all have")
	require.Zero(t, eu.Stable().At("eu"), "eu has heard of nobody")
	exchange(t, eu, ap, 13)
	require.Equal(t, uint64(10), eu.Stable().At("eu"))
}

// One office is cut off for a week. Nothing that happens in it is forgotten meanwhile,
// and everything when it is back.
func TestMatrixWaitsForTheCutOff(t *testing.T) {
	ap, eu, us := three()
	for _, m := range []*vclock.Matrix{ap, eu, us} {
		m.Record(1)
	}
	for now := uint64(10); now < 17; now++ {
		exchange(t, eu, us, now)
		exchange(t, us, eu, now)
	}
	require.Zero(t, eu.Floor())
	require.Zero(t, us.Floor())
	for range 2 {
		exchange(t, ap, us, 20)
		exchange(t, eu, ap, 21)
		exchange(t, us, eu, 22)
	}
	require.GreaterOrEqual(t, us.Floor(), uint64(20))
}

// The office that is cut off is given up. What it held back may be forgotten by the
// others as soon as they all know.
func TestMatrixGivesUpAnOffice(t *testing.T) {
	_, eu, us := three()
	eu.Record(10)
	exchange(t, us, eu, 11)
	exchange(t, eu, us, 12)
	require.Zero(t, eu.Floor())
	eu.Retire("ap")
	require.False(t, eu.Contains("ap"))
	for now := uint64(13); now < 17; now++ {
		exchange(t, us, eu, now)
		exchange(t, eu, us, now)
		eu.Close()
		us.Close()
	}
	require.False(t, us.Contains("ap"))
	require.NotZero(t, us.Floor())
}

// A message of last week arrives today. It tells nothing new, and takes nothing back.
func TestMatrixLateMessage(t *testing.T) {
	_, eu, us := three()
	eu.Record(10)
	late := eu.Clone()
	eu.Record(20)
	exchange(t, us, eu, 21)
	before := us.Clone()
	changed, err := us.Merge(late)
	require.NoError(t, err)
	require.False(t, changed)
	require.True(t, us.Equal(before))
	changed, err = us.Merge(us)
	require.NoError(t, err)
	require.False(t, changed, "nor does its own")
}

// What an office knows is written down and read again after a restart: it goes on
// where it was, and forgets no more than before.
func TestMatrixAfterARestart(t *testing.T) {
	ap, eu, us := three()
	eu.Record(10)
	exchange(t, us, eu, 11)
	exchange(t, ap, us, 12)
	exchange(t, eu, ap, 13)
	b, err := eu.MarshalBinary()
	require.NoError(t, err)
	var again vclock.Matrix
	require.NoError(t, again.UnmarshalBinary(b))
	require.True(t, again.Equal(eu))
	require.True(t, again.Stable().Equal(eu.Stable()))
	require.Equal(t, vclock.Replica("eu"), again.Owner())
	require.False(t, again.Record(12), "late")
	require.True(t, again.Record(14))
}
