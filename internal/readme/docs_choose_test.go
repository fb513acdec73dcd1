package readme_test

import (
	"errors"
	"fmt"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
)

func Example_choose() {
	type Product struct {
		Title  string
		Price  int64    `merge:"group=offer"` // price and currency move together
		Money  string   `merge:"group=offer"`
		Stock  int64    `merge:"additive"` // all sales count
		Labels []string `merge:"set"`      // added and removed one by one
		Buyers []string `merge:"union"`    // only ever grows
	}
	plan := merge.MustCompile[Product](merge.Options[Product]{Record: true})
	eu := lww.Writer{Replica: "eu", Clock: &hlc.Clock{}}
	us := lww.Writer{Replica: "us", Clock: &hlc.Clock{}}

	inEU := plan.NewRecord()
	err := inEU.Update(eu, func(p *Product) error {
		*p = Product{Title: "Lamp", Price: 4900, Money: "EUR", Stock: 10, Labels: []string{"new"}}
		return nil
	})
	inUS := inEU.Clone()

	// Both sell, one changes the offer, the other the title and the labels.
	err = errors.Join(err, inEU.Update(eu, func(p *Product) error {
		p.Stock -= 2
		p.Price, p.Money = 5500, "USD"
		return nil
	}))
	err = errors.Join(err, inUS.Update(us, func(p *Product) error {
		p.Stock -= 3
		p.Title, p.Labels = "Desk lamp", []string{"new", "sale"}
		return nil
	}))

	inEU.Merge(inUS)
	inUS.Merge(inEU)
	p, _ := inUS.Get()
	fmt.Println(p.Title, p.Price, p.Money, p.Stock, p.Labels, err)
	fmt.Println(inEU.Equal(inUS))
	// Output:
	// Desk lamp 5500 USD 5 [new sale] <nil>
	// true
}
