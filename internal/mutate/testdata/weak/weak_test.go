package weak

import "testing"

func TestTested(t *testing.T) {
	for _, test := range []struct {
		numbers []int
		want    int
	}{{[]int{-1}, -1}, {[]int{-2, -1}, -1}, {[]int{3, 1, 2}, 3}} {
		if n, ok := Tested(test.numbers); n != test.want || !ok {
			t.Errorf("%v: got %d, %v", test.numbers, n, ok)
		}
	}
	if _, ok := Tested(nil); ok {
		t.Error("the largest of none")
	}
	Untested([]int{1}, 0)
}
