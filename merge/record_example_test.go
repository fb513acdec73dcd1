package merge_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// A Contact is kept in two regions.
type Contact struct {
	Name   string
	Street string   `merge:"group=address"` // street and city belong together
	City   string   `merge:"group=address"`
	Calls  int      `merge:"additive"`
	Tags   []string `merge:"set"`
}

var contacts = merge.MustCompile(merge.Options[Contact]{Record: true})

// A still clock reads the same time always.
type still hlc.Timestamp

func (c still) Next(after hlc.Timestamp) (hlc.Timestamp, error) {
	return max(hlc.Timestamp(c), after+1), nil
}

// noonAt returns a writer whose clock stands still at noon plus a number of
// seconds. Programs use an [hlc.Clock].
func noonAt(region vclock.Replica, seconds int) lww.Writer {
	t := time.Date(2026, 11, 23, 12, 0, seconds, 0, time.UTC)
	return lww.Writer{Replica: region, Clock: still(hlc.At(t))}
}

// Two regions edit one contact at the same time. Edits to different fields both
// survive, the address stays one address, and both calls count.
func ExampleRecord() {
	eu, us := contacts.NewRecord(), contacts.NewRecord()
	_ = eu.Update(noonAt("eu", 0), func(c *Contact) error {
		*c = Contact{Name: "Ann", Street: "1 Main St", City: "Leeds", Calls: 5}
		return nil
	})
	us.Merge(eu)

	_ = eu.Update(noonAt("eu", 1), func(c *Contact) error {
		c.Street, c.City = "2 High St", "York"
		c.Calls++
		return nil
	})
	_ = us.Update(noonAt("us", 2), func(c *Contact) error {
		c.Name, c.City = "Ann Lee", "Bath"
		c.Calls++
		c.Tags = append(c.Tags, "vip")
		return nil
	})
	fmt.Print(eu.Explain(us))
	eu.Merge(us)
	us.Merge(eu)
	v, _ := eu.Get()
	fmt.Printf("%+v\n", v)
	fmt.Println(eu.Equal(us), eu.Stamp("City"))
	// Output:
	// City      group=address  "Bath" from us@2026-11-23T12:00:02Z over eu@2026-11-23T12:00:01Z by 1s; lost "York" of eu@2026-11-23T12:00:01Z
	// Street    group=address  "1 Main St" from us@2026-11-23T12:00:02Z over eu@2026-11-23T12:00:01Z by 1s; lost "2 High St" of eu@2026-11-23T12:00:01Z
	// Calls     additive       7 from us@2026-11-23T12:00:02Z, eu@2026-11-23T12:00:01Z
	// Name      lww            "Ann Lee" from us@2026-11-23T12:00:02Z over eu@2026-11-23T12:00:00Z by 2s; lost "Ann" of eu@2026-11-23T12:00:00Z
	// Tags.vip  set            "vip" from us@2026-11-23T12:00:02Z
	// {Name:Ann Lee Street:1 Main St City:Bath Calls:7 Tags:[vip]}
	// true 2026-11-23T12:00:02.000000000Z@us
}

// A shop takes an item off its list while the other region raises the quantity. With keep the
// item stays, with all that is known of it, and the report says why.
func ExampleRecord_keep() {
	type item struct {
		SKU, Name string
		Qty       int
	}
	type list struct {
		Items []item `merge:"keyed=SKU,keep"`
	}
	eu := merge.MustCompile(merge.Options[list]{Record: true}).NewRecord()
	_ = eu.Update(noonAt("eu", 0), func(l *list) error {
		l.Items = []item{{"tea", "Green tea", 1}}
		return nil
	})
	us := eu.Clone()
	_ = eu.Update(noonAt("eu", 2), func(l *list) error { l.Items = nil; return nil })
	_ = us.Update(noonAt("us", 1), func(l *list) error { l.Items[0].Qty = 3; return nil })

	fmt.Print(eu.Explain(us))
	eu.Merge(us)
	fmt.Println(eu)
	// Output:
	// Items.tea  keyed=SKU,keep  {"SKU":"tea","Name":"Green tea","Qty":3} from us@2026-11-23T12:00:01Z, changed by somebody who had not seen the delete
	// {Items:[{SKU:tea Name:Green tea Qty:3}]}
}

// A user opens a form, and saves it after others wrote. What they wrote stays,
// except where the user changed the same; and a form about a record that was
// deleted meanwhile is refused.
func ExampleRecord_Apply() {
	rec := contacts.NewRecord()
	_ = rec.Update(noonAt("eu", 0), func(c *Contact) error {
		*c = Contact{Name: "Ann", City: "Leeds", Calls: 5}
		return nil
	})
	read, token := rec.Snapshot() // the token goes into a hidden field

	_ = rec.Update(noonAt("us", 5), func(c *Contact) error {
		c.City, c.Calls = "Bath", c.Calls+10
		return nil
	})
	form := read
	form.Name, form.Calls = "Ann Lee", read.Calls+1
	fmt.Println(rec.Apply(noonAt("eu", 9), token, read, form))
	v, _ := rec.Get()
	fmt.Printf("%+v\n", v)

	_ = rec.Delete(noonAt("us", 10))
	err := rec.Apply(noonAt("eu", 11), token, read, form)
	stale, ok := errors.AsType[*merge.StaleError](err)
	fmt.Println(ok, stale)
	// Output:
	// <nil>
	// {Name:Ann Lee Street: City:Bath Calls:16 Tags:[]}
	// true merge: the record was deleted at 2026-11-23T12:00:10.000000000Z@us, after it was read
}

// A form shows two fields, and sends back what it showed, what the user made of it, and the token.
// The other fields have no part in it.
func ExampleRecord_Apply_form() {
	rec := contacts.NewRecord()
	_ = rec.Update(noonAt("eu", 0), func(c *Contact) error {
		*c = Contact{Name: "Ann", City: "Leeds", Calls: 5, Tags: []string{"new"}}
		return nil
	})
	_, token := rec.Snapshot()
	shown := Contact{Name: "Ann", Tags: []string{"new"}}
	sent := Contact{Name: "Ann Lee", Tags: []string{"new", "vip"}}

	fmt.Println(rec.Apply(noonAt("eu", 9), token, shown, sent))
	v, _ := rec.Get()
	fmt.Printf("%+v\n", v)
	// Output:
	// <nil>
	// {Name:Ann Lee Street: City:Leeds Calls:5 Tags:[new vip]}
}

// Two regions have held a row for years when they begin to use records. Each
// seeds its own with what it has, under one made-up stamp: the calls count once,
// and where the regions differ, they agree from now on.
func ExampleRecord_Seed() {
	begin := lww.Stamp{Time: hlc.At(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)), Replica: "seed"}
	eu, us := contacts.NewRecord(), contacts.NewRecord()
	_ = eu.Seed(Contact{Name: "Ann", City: "Leeds", Calls: 100}, begin)
	_ = us.Seed(Contact{Name: "Ann", City: "Leeds", Calls: 100}, begin)
	fmt.Println(eu.Equal(us))

	_ = us.Update(noonAt("us", 0), func(c *Contact) error { c.Calls++; return nil })
	_ = eu.Update(noonAt("eu", 0), func(c *Contact) error { c.Calls++; return nil })
	eu.Merge(us)
	v, _ := eu.Get()
	fmt.Println(v.Calls)
	// Output:
	// true
	// 102
}

// A Person had one name, and has two since version 2, which keeps the old field as long as
// programs of version 1 write it.
type (
	PersonV1 struct{ Name string }
	PersonV2 struct{ Name, First, Last string }
)

// split fills the new fields from the old one, under the time of the write of that. So each node
// does it by itself, whenever it likes and as often as it likes, and all get the same bytes;
// what is written to a new field later stands, and so does a later write of the old one.
func split(r *merge.Record[PersonV2]) error {
	old, _ := r.Get()
	written := r.Stamp("Name")
	if written.IsZero() {
		return nil
	}
	first, last, _ := strings.Cut(old.Name, " ")
	return r.Seed(PersonV2{First: first, Last: last}, lww.Stamp{Time: written.Time, Replica: "split"})
}

func ExampleRecord_Seed_migration() {
	v1 := merge.MustCompile(merge.Options[PersonV1]{Record: true})
	v2 := merge.MustCompile(merge.Options[PersonV2]{Record: true})
	old := v1.NewRecord()
	_ = old.Update(noonAt("ap", 0), func(p *PersonV1) error { p.Name = "Ann Lee"; return nil })
	row, _ := old.MarshalBinary()

	eu, us := v2.NewRecord(), v2.NewRecord()
	for _, node := range []*merge.Record[PersonV2]{eu, us} { // each from its own copy of the row
		fmt.Println(node.UnmarshalBinary(row), split(node))
	}
	fmt.Println(eu.Equal(us))

	_ = eu.Update(noonAt("eu", 5), func(p *PersonV2) error { p.First = "Anne"; return nil })
	_ = old.Update(noonAt("ap", 9), func(p *PersonV1) error { p.Name = "Ann Ray"; return nil }) // a program not yet replaced
	row, _ = old.MarshalBinary()
	for _, node := range []*merge.Record[PersonV2]{us, eu} {
		_, err := node.MergeBinary(row)
		fmt.Println(err, split(node))
	}
	us.Merge(eu)
	p, _ := us.Get()
	fmt.Println(p, eu.Equal(us))
	// Output:
	// <nil> <nil>
	// <nil> <nil>
	// true
	// <nil> <nil>
	// <nil> <nil>
	// {Ann Ray Ann Ray} true
}
