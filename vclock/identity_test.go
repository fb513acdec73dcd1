package vclock_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/vclock"
)

// What a replica writes as after each way of coming back.
func ExampleIdentity() {
	id := vclock.NewIdentity("eu")
	id, me := id.Start(0)
	fmt.Println(me, "- the first start")
	id = id.Stop(40)

	id, me = id.Start(40)
	fmt.Println(me, "- a clean restart")

	id, me = id.Start(55)
	fmt.Println(me, "- a crash: it never stopped")
	id = id.Stop(70)

	id, me = id.Start(60)
	fmt.Println(me, "- a restored database, or a standby that lacks ten commits")

	// The machine was restored, to when it had stopped as eu.
	old := vclock.Identity{Name: "eu", Stopped: true, Commits: 40}
	us := vclock.NewMatrix("us", "eu")
	eu := vclock.NewMatrix("eu", "us")
	fmt.Println(eu.Begin(me, 100))
	_, _ = us.Merge(eu)
	_, me = old.Above(us).Start(40)
	fmt.Println(me, "- a restored machine: the members were asked")
	fmt.Println(id)
	// Output:
	// eu - the first start
	// eu - a clean restart
	// eu#1 - a crash: it never stopped
	// eu#2 - a restored database, or a standby that lacks ten commits
	// <nil>
	// eu#3 - a restored machine: the members were asked
	// eu#2
}

func TestIdentity(t *testing.T) {
	require.Panics(t, func() { vclock.NewIdentity("") })
	id, me := vclock.NewIdentity("eu").Start(7)
	require.Equal(t, vclock.Replica("eu#1"), me, "a store that is not empty is somebody's")
	require.Equal(t, "eu#1", id.String())
	require.Equal(t, "eu", vclock.NewIdentity("eu").String())

	id, _ = vclock.NewIdentity("eu").Start(0)
	_, me = id.Start(0)
	require.Equal(t, vclock.Replica("eu#1"), me, "it never stopped: an empty store may have lost all that it wrote")
}
