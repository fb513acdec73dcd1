// Package weak is what TestMutate mutates: Tested is, Untested is not.
package weak

// Tested returns the largest number, and whether there is one.
func Tested(numbers []int) (largest int, ok bool) {
	for i, n := range numbers {
		if i == 0 || n > largest {
			largest = n
		}
	}
	return largest, len(numbers) > 0
}

// Untested adds numbers up to a limit.
func Untested(numbers []int, limit int) int {
	sum := 0
	for _, n := range numbers {
		if sum+n > limit {
			break
		}
		sum += n
	}
	return sum
}
