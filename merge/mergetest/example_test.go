package mergetest_test

import (
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
	"github.com/rejoin-go/rejoin/vclock"
)

// Longest keeps the longer text. The author forgot that two texts can be of one
// length.
func longest(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func ExampleJoin() {
	// In a test: require.NoError(t, mergetest.Join(longest, "", "a", "b", "ab"))
	fmt.Println(mergetest.Join(longest, "", "a", "b", "ab"))
	// Output:
	// mergetest: broken law: join is commutative: join(a, b) = join(b, a)
	//   a: "a"
	//   b: "b"
	// join(a, b) is "a"
	// join(b, a) is "b"
}

func ExampleKit() {
	type Page struct {
		Title string
		Tags  []string
	}
	// The author wants the newest tags in order, and sorts them in place.
	newest := merge.Func("newest", func(c merge.Case[[]string]) ([]string, error) {
		tags := c.Sides[0].Value
		slices.Sort(tags)
		return tags, nil
	})
	pages := merge.MustCompile(merge.Options[Page]{Overrides: []merge.Override[Page]{
		merge.Field(func(p *Page) *[]string { return &p.Tags }, newest),
	}})
	kit := &mergetest.Kit[Page]{
		Plan: pages,
		Edits: []func(*Page){
			func(p *Page) { p.Title = "Home" },
			func(p *Page) { p.Tags = append(p.Tags, "b") },
			func(p *Page) { p.Tags = append(p.Tags, "a") },
		},
	}
	// In a test: kit.Check(t)
	fmt.Println(kit.Run(1, 100))
	// Output:
	// mergetest: broken law: what is given is left alone
	//   base unknown
	//   side 0, by a at 1: {Tags:["b" "a"]}
	//   side 1, by a at 1: {}
	// merging changed side 0
	// from {Tags:["b" "a"]}
	// to   {Tags:["a" "b"]}
}

func ExampleRecordKit() {
	type Job struct {
		From, To int      // hours
		Tags     []string `merge:"set"`
	}
	// The author forgot that From and To belong together: without group=span
	// each is merged alone.
	kit := &mergetest.RecordKit[Job]{
		Plan: merge.MustCompile(merge.Options[Job]{Record: true}),
		Edit: func(t *rapid.T, _ vclock.Replica, j *Job) {
			j.From = rapid.IntRange(1, 3).Draw(t, "from")
			j.To = j.From + 1
		},
		Invariant: func(j Job) error {
			if j.From > j.To {
				return errors.New("it ends before it begins")
			}
			return nil
		},
	}
	// In a test: kit.Check(t)
	fmt.Println(kit.Run(1, 100))
	// Output:
	// mergetest: broken law: the invariant holds wherever writes were merged that each kept it
	//   1. a: Update From 0 → 3, To 0 → 4
	//   2. a: Touch "From"
	//   3. b: Update From 0 → 1, To 0 → 2
	// every replica, after all have merged all, shows {From:3 To:2}: it ends before it begins
}
