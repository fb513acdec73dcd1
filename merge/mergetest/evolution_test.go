package mergetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
)

type (
	personV1 struct {
		Name  string
		Home  homeV1   `merge:"atomic"`
		Tags  []string `merge:"set"`
		Kept  homeV1   `merge:"group=g"`
		Stock int      `merge:"additive"`
		Lines []homeV1
	}
	homeV1 struct {
		City string
		No   int8
	}
	personV2 struct {
		Phone string
		Full  string   `merge:"lww,name=Name"`
		Home  *homeV2  `merge:"atomic"`
		Tags  []string `merge:"set"`
		Kept  homeV2   `merge:"group=g"`
		Stock int64    `merge:"additive"`
		Lines []homeV2
	}
	homeV2 struct {
		No   int8
		Zip  string
		City string
	}
	wholeV1 struct { // which the next version merges by parts
		Tags   []string
		Seen   []string
		Lines  []homeV1
		Street string
		No     int8
	}
	partsV2 struct {
		Tags   []string `merge:"set"`
		Seen   []string `merge:"union"`
		Lines  []homeV1 `merge:"keyed=City"`
		Street string   `merge:"group=home"`
		No     *int8    `merge:"group=home"`
	}
	personV3 struct { // cannot read the numbers of others
		Home struct{ No string } `merge:"atomic"`
	}
)

// Two versions of which the keys differ.
type (
	shelvesV1 struct{ Stock map[int]string }
	shelvesV2 struct{ Stock map[int8]string }
)

// TestEvolution checks a pair of types that may run side by side, and tells one that may not.
func TestEvolution(t *testing.T) {
	one := merge.MustCompile(merge.Options[personV1]{Record: true})
	two := merge.MustCompile(merge.Options[personV2]{Record: true})
	three := merge.MustCompile(merge.Options[personV3]{Record: true})
	mergetest.CheckEvolution(t, one, mergetest.Values[personV1](), two, mergetest.Values[personV2]())

	whole := merge.MustCompile(merge.Options[wholeV1]{Record: true})
	parts := merge.MustCompile(merge.Options[partsV2]{Record: true})
	mergetest.CheckEvolution(t, whole, mergetest.Values[wholeV1](), parts, mergetest.Values[partsV2]())

	fault := func(evolve func(t *rapid.T) error) (err error) {
		for seed := range 200 {
			rapid.Custom(func(t *rapid.T) int {
				if e := evolve(t); e != nil {
					err = e
				}
				return 0
			}).Example(seed)
		}
		return err
	}
	require.ErrorContains(t, fault(func(t *rapid.T) error {
		return mergetest.Evolve(t, one, mergetest.Values[personV1](), three, mergetest.Values[personV3]())
	}), "personV3: unreadable value of key Home: field No: stored int")

	wide := merge.MustCompile(merge.Options[shelvesV1]{Record: true})
	narrow := merge.MustCompile(merge.Options[shelvesV2]{Record: true})
	require.ErrorContains(t, fault(func(t *rapid.T) error {
		return mergetest.Evolve(t, wide, rapid.Just(shelvesV1{map[int]string{1000: "x"}}), narrow, mergetest.Values[shelvesV2]())
	}), "stored bytes of no such key, want int8")
}
