package readme_test

import (
	"fmt"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

func Example_round() {
	eu, us := vclock.NewMatrix("eu", "us"), vclock.NewMatrix("us", "eu")
	var rights, rightsInUS crdt.RWSet[string]
	var flags, flagsInUS lww.Map[string, bool]
	at := func(t uint64) lww.Stamp { return lww.Stamp{Time: hlc.Timestamp(t), Replica: "eu"} }
	rights.Add("eu", "ann")
	rights.Remove("eu", "ann")
	_, err := flags.DeleteAt("beta", at(5))

	// A round begins: note what has garbage, and shut it.
	round := vclock.NewRound[string, crdt.Context](eu)
	round.Note("rights", rights.Context())
	fmt.Println(err, round.Shut(eu, 10))

	// States are exchanged as ever, each with its matrix: first the states, then the matrix.
	eu.Record(11)
	rightsInUS.Merge(&rights)
	flagsInUS.Merge(&flags)
	_, err = us.Merge(eu)
	us.Record(12)
	fmt.Println(err, round.Waits(eu))

	rights.Merge(&rightsInUS)
	flags.Merge(&flagsInUS)
	_, err = eu.Merge(us)
	eu.Record(13)

	if permit, ok := round.Done(eu); ok { // with eu, and all below, in one transaction
		rights.Close(permit.Over)
		rights.Compact(permit.Seen["rights"])
		err = flags.Compact(hlc.Timestamp(permit.Horizon))
	}
	fmt.Println(err, rights.Stats().Residues, flags.Horizon() == 11)
	// Output:
	// <nil> <nil>
	// <nil> [us]
	// <nil> 0 true
}

func Example_rows() {
	type line struct {
		SKU string
		Qty int
	}
	type cart struct {
		Lines []line `merge:"keyed=SKU"`
	}
	r := merge.MustCompile(merge.Options[cart]{Record: true}).NewRecord()
	w := lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}
	m := vclock.NewMatrix("eu") // with the states of other members their matrices would come
	var deleted, reading uint64 // are kept with m

	for i := range 1000 {
		err := r.Update(w, func(c *cart) error {
			c.Lines = []line{{SKU: fmt.Sprint(i), Qty: 1}} // instead of the one before
			return nil
		})
		m.Record(uint64(r.Latest()))
		if err == nil && m.Floor() >= reading {
			err = r.CompactRows(hlc.Timestamp(deleted), hlc.Timestamp(m.Floor()))
			deleted, reading = m.Horizon() // the next pair
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	bytes, err := r.MarshalBinary()
	fmt.Println(err, len(bytes) < 150)
	// Output:
	// <nil> true
}
