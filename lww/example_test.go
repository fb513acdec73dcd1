package lww_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/vclock"
)

// region returns a writer whose wall clock shows the given time of day.
func region(name vclock.Replica, clock string) lww.Writer {
	wall, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		panic(err)
	}
	wall = wall.AddDate(2026, 10, 22)
	return lww.Writer{Replica: name, Clock: &hlc.Clock{Physical: func() time.Time { return wall }}}
}

// The clock of us is two seconds fast. It writes at what is really 10:00:00; eu
// has seen that and corrects it at 10:00:01. By wall clocks the correction would
// be the older write.
func Example() {
	us, eu := region("us", "10:00:02"), region("eu", "10:00:01")

	var atUS, atEU lww.Map[string, string]
	delta, err := atUS.Put(us, "email", "ann@exmaple.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	atEU.Merge(delta)
	if _, err := atEU.Put(eu, "email", "ann@example.com"); err != nil {
		fmt.Println(err)
		return
	}

	atUS.Merge(&atEU)
	email, _ := atUS.At("email")
	fmt.Println(email)
	fmt.Println(atUS.Stamp("email").After(delta.Stamp("email")))
	// Output:
	// ann@example.com
	// true
}

// Two regions set a feature flag without knowing of each other. The later stamp
// wins in both.
func ExampleRegister() {
	us, eu := region("us", "10:00:00"), region("eu", "10:00:05")

	var atUS, atEU lww.Register[bool]
	if err := errors.Join(atUS.Set(us, true), atEU.Set(eu, false)); err != nil {
		fmt.Println(err)
		return
	}
	atUS.Merge(&atEU)
	atEU.Merge(&atUS)

	on, ok := atUS.Get()
	fmt.Println(on, ok, atUS.Stamp().Replica, atUS.Equal(&atEU))
	// Output: false true eu true
}

// A Map is a Cassandra row: the regions write different columns of one row, and
// one of them deletes a column that the other wrote before.
func ExampleMap() {
	us, eu := region("us", "10:00:00"), region("eu", "10:00:05")

	var atUS, atEU lww.Map[string, string]
	_, err1 := atUS.Put(us, "name", "Ann")
	_, err2 := atUS.Put(us, "phone", "555-0100")
	_, err3 := atEU.Put(eu, "email", "ann@example.com")
	_, err4 := atEU.Delete(eu, "phone")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("eu tells us about", atUS.Changed(&atEU))
	atUS.Merge(&atEU)
	atEU.Merge(&atUS)

	row := maps.Collect(atUS.All())
	for _, column := range slices.Sorted(maps.Keys(row)) {
		fmt.Println(column, row[column])
	}
	fmt.Println(atUS.Equal(&atEU))
	// Output:
	// eu tells us about [email phone]
	// email ann@example.com
	// name Ann
	// true
}

// A role is revoked in one region and confirmed in another, later. To add what is there
// would be no write.
func ExampleSet() {
	us, eu := region("us", "10:00:00"), region("eu", "10:00:05")

	var atUS, atEU lww.Set[string]
	grant, err1 := atUS.Add(us, "admin")
	atEU.Merge(grant)
	_, err2 := atUS.Remove(us, "admin")
	_, err3 := atEU.Touch(eu, "admin")
	if err := errors.Join(err1, err2, err3); err != nil {
		fmt.Println(err)
		return
	}
	atUS.Merge(&atEU)
	fmt.Println(atUS.Contains("admin"))
	// Output: true
}

// A tombstone is dropped once everybody has seen the delete. A backup from
// before it, restored later, does not bring the key back.
func ExampleMap_Compact() {
	eu := region("eu", "10:00:00")

	var m lww.Map[string, string]
	_, err1 := m.Put(eu, "name", "Ann")
	_, err2 := m.Put(eu, "phone", "555-0100")
	backup := m.Clone()
	_, err3 := m.Delete(eu, "phone")
	seenByAll := m.Latest() // the floor of a vclock.Matrix in a running system
	if err := errors.Join(err1, err2, err3, m.Compact(seenByAll)); err != nil {
		fmt.Println(err)
		return
	}

	for _, s := range m.Stragglers(backup) {
		fmt.Println("stays deleted:", s.Key, s.Value)
	}
	backup.Merge(&m)
	_, ok := backup.At("phone")
	fmt.Println(ok, backup.Equal(&m))
	// Output:
	// stays deleted: phone 555-0100
	// false true
}

// A peer whose clock is a day ahead is refused before its state is merged.
func ExampleMap_Ahead() {
	now := hlc.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))

	var peer lww.Map[string, string]
	_, err := peer.PutAt("email", "ann@example.com", lww.Stamp{Time: now + hlc.Timestamp(24*time.Hour), Replica: "us"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range peer.Ahead(now, time.Minute) {
		fmt.Println("refused:", e.Key, e.Stamp)
	}
	// Output: refused: email 2026-11-24T10:00:00.000000000Z@us
}

// A profile is a row of a database. A request changes its bytes, and a peer's delta is
// merged into them.
func ExamplePutBinary() {
	eu := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
	us := lww.Writer{Replica: "us", Clock: new(hlc.Clock)}
	var profile, peer lww.Map[string, string]
	delta, _ := peer.Put(us, "phone", "555-0100")
	arrived, _ := delta.MarshalBinary()

	row, _ := profile.MarshalBinary()
	row, err := lww.PutBinary(nil, row, eu, "city", "Lisbon")
	if err == nil {
		row, err = lww.MergeBinary[string, string](nil, row, arrived)
	}
	if err == nil {
		row, err = lww.DeleteBinary[string, string](nil, row, eu, "city")
	}

	err = errors.Join(err, profile.UnmarshalBinary(row))
	fmt.Println(maps.Collect(profile.All()), err)
	// Output: map[phone:555-0100] <nil>
}
