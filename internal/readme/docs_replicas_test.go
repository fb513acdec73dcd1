package readme_test

import (
	"fmt"

	"github.com/rejoin-go/rejoin/vclock"
)

func Example_members() {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")

	fmt.Println(eu.Admit("ap")) // eu sponsors: first admit, then copy the state
	ap, err := eu.For("ap")
	fmt.Println(err, ap.Usable())

	eu.Record(10) // a message: state and matrix, to every member, who then know ap
	_, err = us.Merge(eu)
	us.Record(20)
	_, err2 := ap.Merge(us)
	fmt.Println(err, err2, ap.Usable())
	// Output:
	// <nil>
	// <nil> vclock: "ap" is not confirmed by all members yet
	// <nil> <nil> <nil>
}
