package mergetest_test

import (
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/merge/mergetest"
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
