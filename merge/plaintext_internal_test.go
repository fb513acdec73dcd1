package merge

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPlainText prints values of each kind, those that contain themselves too: nothing in the text is an address.
func TestPlainText(t *testing.T) {
	type node struct {
		Name string
		Next *node
		Kids []*node
	}
	loop := &node{Name: "x"}
	loop.Next, loop.Kids = loop, []*node{loop, {Name: "y"}}
	list := []any{1, nil}
	list[1] = list
	table := map[string]any{"n": 1}
	table["self"] = table
	shared := &node{Name: "s"}
	for want, v := range map[string]any{
		"{x ^0 [^0 {y <nil> []}]}": loop,
		"[1 ^0]":                   list,
		"map[n:1 self:^0]":         table,
		"[{s <nil> []} ^1]":        []*node{shared, shared},
		"[[1 2] [3]]":              [2][]int{{1, 2}, {3}},
		"[[1] [1]]":                [][]int{{1}, {1}},
		"[<nil> {}]":               []*struct{}{nil, {}},
		"map[a:[1] b:[]]":          map[string][]int{"b": {}, "a": {1}},
		"map[]":                    map[string]int(nil),
		"map[{1 a}:x]": map[struct {
			N int
			S string
		}]string{{1, "a"}: "x"},
		"[]": []int(nil),
		"{<nil> func() chan int}": struct {
			E error
			F func()
			C chan int
		}{F: func() {}},
		"{1h0m0s true 1.5}": struct {
			D time.Duration
			B bool
			F float64
		}{time.Hour, true, 1.5},
		"{{1 2}}": struct{ In any }{struct{ a, b int }{1, 2}},
		"[[] []]": [][]int{{}, {}},
	} {
		require.Equal(t, want, plainText(reflect.ValueOf(v)))
	}
	var none *node
	require.Equal(t, "<nil>", plainText(reflect.ValueOf(none)))
	at := time.Unix(5, 0).UTC()
	require.Equal(t, at.String(), plainText(reflect.ValueOf(at)), "by its own String")
	part := []int{1, 2}
	require.Equal(t, "[[1 2] [1]]", plainText(reflect.ValueOf([][]int{part, part[:1]})), "a list and its beginning are two")
}
