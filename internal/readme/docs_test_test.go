package readme_test

import (
	"fmt"
	"strings"

	"github.com/rejoin-go/rejoin/merge/mergetest"
)

func Example_mergeLaw() {
	// The larger of two numbers, made with an error: it forgets ties.
	longest := func(a, b string) string {
		if len(a) >= len(b) {
			return a
		}
		return b
	}
	err := mergetest.Join(longest, "", "a", "b", "ab")
	fmt.Println(err != nil)
	fmt.Println(strings.SplitN(err.Error(), "\n", 2)[0])
	// Output:
	// true
	// mergetest: broken law: join is commutative: join(a, b) = join(b, a)
}
