package lww_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/antientropy"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	var a, b lww.Map[string, string]
	var s, u lww.Set[int]
	at := func(n int, r vclock.Replica) lww.Stamp { return lww.Stamp{Time: hlc.Timestamp(n + 1), Replica: r} }
	for i := range 3000 {
		key := fmt.Sprintf("key-%d", i)
		_, err := a.PutAt(key, "v", at(i, "a"))
		require.NoError(t, err)
		_, err = s.AddAt(i, at(i, "a"))
		require.NoError(t, err)
	}
	b.Merge(&a)
	u.Merge(&s)
	for i := range 20 {
		_, err := a.PutAt(fmt.Sprintf("key-%d", 7*i), "w", at(5000+i, "a"))
		require.NoError(t, err)
		_, err = b.DeleteAt(fmt.Sprintf("key-%d", 11*i), at(6000+i, "b"))
		require.NoError(t, err)
		_, err = u.RemoveAt(i, at(6000+i, "b"))
		require.NoError(t, err)
	}
	maps, bytes := []*lww.Map[string, string]{&a, &b}, 0
	msg := antientropy.Collect(a.Digest()).Ask(1)
	for to := 1; msg != nil; to = 1 - to {
		bytes += len(msg)
		reply, send, err := antientropy.Collect(maps[to].Digest()).Answer(msg)
		require.NoError(t, err)
		require.LessOrEqual(t, len(send), 40)
		maps[1-to].Merge(maps[to].Missing(append([]string{"no id", "\x00"}, send...)))
		msg = reply
	}
	require.True(t, a.Equal(&b))
	require.Less(t, bytes, 4000)

	ids := []string{}
	for id := range u.Digest() {
		ids = append(ids, id)
	}
	part := u.Missing(append([]string{"no number"}, append(ids, ids[0])...)) // one is no id, one comes twice
	require.True(t, part.Equal(&u))
	require.True(t, s.Merge(part))
	require.True(t, s.Equal(&u))
	for range u.Digest() {
		break
	}
}

// Two maps find the keys in which they differ, and send the versions of those.
func ExampleMap_Missing() {
	var eu, us lww.Map[string, int]
	for i := range 1000 {
		if _, err := eu.PutAt(fmt.Sprint("sku-", i), i, lww.Stamp{Time: hlc.Timestamp(i + 1), Replica: "eu"}); err != nil {
			panic(err)
		}
	}
	us.Merge(&eu)
	if _, err := us.DeleteAt("sku-7", lww.Stamp{Time: 2000, Replica: "us"}); err != nil {
		panic(err)
	}

	maps := []*lww.Map[string, int]{&eu, &us}
	msg := antientropy.Collect(eu.Digest()).Ask(1)
	for to := 1; msg != nil; to = 1 - to {
		reply, send, err := antientropy.Collect(maps[to].Digest()).Answer(msg)
		if err != nil {
			panic(err)
		}
		maps[1-to].Merge(maps[to].Missing(send)) // sent along with the reply
		msg = reply
	}
	fmt.Println(eu.Len(), eu.Equal(&us))
	// Output: 999 true
}
