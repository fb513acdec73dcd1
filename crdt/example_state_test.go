package crdt_test

import (
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
)

// A HighScore is the best result that a player ever had. It is replicated without
// further ado because the larger of two numbers is the larger in every order.
type HighScore struct{ points int }

// Report records a result and returns the delta, which is a HighScore too.
func (h *HighScore) Report(points int) *HighScore {
	h.points = max(h.points, points)
	return &HighScore{points}
}

func (h *HighScore) Merge(o *HighScore) bool {
	changed := o.points > h.points
	h.points = max(h.points, o.points)
	return changed
}

func (h *HighScore) Equal(o *HighScore) bool { return h.points == o.points }
func (h *HighScore) Clone() *HighScore       { return &HighScore{h.points} }

// A type of your own needs three methods to be a value in a map of this package,
// where each player has one. Package crdttest checks that they are right.
func ExampleState() {
	type Scores = crdt.GMap[string, *HighScore]
	var eu, us Scores

	report := func(m *Scores, player string, points int) *Scores {
		return m.Update(player, func(h *HighScore) *HighScore { return h.Report(points) })
	}
	report(&eu, "ada", 300)
	report(&us, "ada", 250)
	delta := report(&us, "bob", 120)

	fmt.Println(eu.Merge(delta), eu.Merge(&us), us.Merge(&eu))
	for _, player := range []string{"ada", "bob"} {
		best, _ := us.At(player)
		fmt.Println(player, best.points)
	}
	// Output:
	// true false true
	// ada 300
	// bob 120
}
