package merge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

type Profile struct {
	Name  string
	Email string    `merge:"group=contact"`
	Phone string    `merge:"group=contact"`
	Tier  string    `merge:"rank=free<pro<team"`
	Seen  time.Time `merge:"max"`
	Tags  []string  `merge:"set"`
	Prefs map[string]string
}

func at(text string, replica vclock.Replica) lww.Stamp {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return lww.Stamp{Time: hlc.At(t), Replica: replica}
}

// Two regions edit one profile while apart: one moves the customer to the team
// tier and retags him, the other, later, corrects name and telephone.
func ExamplePlan() {
	profiles := merge.MustCompile(merge.Options[Profile]{})

	base := Profile{
		Name: "ada", Email: "ada@example.com", Phone: "1", Tier: "free",
		Tags: []string{"trial"}, Prefs: map[string]string{"lang": "en"},
	}
	eu, us := base, base
	eu.Tier, eu.Tags, eu.Prefs = "team", []string{"customer"}, map[string]string{"lang": "en", "theme": "dark"}
	eu.Email = "ada@example.org"
	us.Name, us.Phone, us.Tier = "Ada", "2", "pro"

	merged, err := profiles.Merge(&base,
		merge.Side[Profile]{Value: eu, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[Profile]{Value: us, Stamp: at("2026-11-23T10:00:02Z", "us")},
	)
	fmt.Println(err)
	fmt.Println(merged.Name, merged.Email, merged.Phone, merged.Tier, merged.Tags, merged.Prefs)
	// Output:
	// <nil>
	// Ada ada@example.com 2 team [customer] map[lang:en theme:dark]
}

// Explain says who won, who lost, by which rule and by what margin.
func ExamplePlan_Explain() {
	profiles := merge.MustCompile(merge.Options[Profile]{})
	base := Profile{Name: "ada", Email: "ada@example.com", Phone: "1", Tier: "free"}
	eu, us := base, base
	eu.Name, eu.Email, eu.Tier = "Ada L.", "ada@example.org", "team"
	us.Name, us.Phone, us.Tags = "Ada", "2", []string{"vip"}

	_, report, _ := profiles.Explain(&base,
		merge.Side[Profile]{Value: eu, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[Profile]{Value: us, Stamp: at("2026-11-23T10:00:02Z", "us")},
	)
	fmt.Print(report)
	// Output:
	// Name   lww                 "Ada" from us@2026-11-23T10:00:02Z over eu@2026-11-23T10:00:00Z by 2s; lost "Ada L." of eu@2026-11-23T10:00:00Z
	// Email  group=contact       "ada@example.com" from us@2026-11-23T10:00:02Z over eu@2026-11-23T10:00:00Z by 2s; lost "ada@example.org" of eu@2026-11-23T10:00:00Z
	// Phone  group=contact       "2" from us@2026-11-23T10:00:02Z
	// Tier   rank=free<pro<team  "team" from eu@2026-11-23T10:00:00Z
	// Tags   set                 ["vip"] from us@2026-11-23T10:00:02Z
}

// Stock that two shops sell from is counted, not overwritten: both sold two.
func ExamplePlan_Merge_additive() {
	type Stock struct {
		OnHand int `merge:"additive"`
	}
	stocks := merge.MustCompile(merge.Options[Stock]{})
	left, err := stocks.Merge(&Stock{10},
		merge.Side[Stock]{Value: Stock{8}, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[Stock]{Value: Stock{8}, Stamp: at("2026-11-23T10:00:01Z", "us")},
	)
	fmt.Println(left.OnHand, err)
	// Output: 6 <nil>
}

// A conflict that no rule may decide comes back with a provisional value.
func ExampleConflictError() {
	type Contract struct {
		Customer string
		Terms    string `merge:"manual"`
	}
	contracts := merge.MustCompile(merge.Options[Contract]{})
	provisional, err := contracts.Merge(&Contract{"acme", "30 days"},
		merge.Side[Contract]{Value: Contract{"acme", "60 days"}, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[Contract]{Value: Contract{"acme", "14 days"}, Stamp: at("2026-11-23T10:00:01Z", "us")},
	)
	fmt.Println(provisional.Terms)
	fmt.Println(err)
	// Output:
	// 14 days
	// merge: conflict: Terms: the sides differ
}

// Documents have no tags: their rules go by path.
func ExampleOptions_paths() {
	carts := merge.MustCompile(merge.Options[map[string]any]{Paths: map[string]string{
		"lines":       "keyed=sku",
		"lines.*.qty": "additive",
		"notes":       "union",
	}})
	parse := func(s string) (doc map[string]any) {
		_ = json.Unmarshal([]byte(s), &doc)
		return doc
	}
	base := parse(`{"lines": [{"sku": "pen", "qty": 1}], "notes": []}`)
	eu := parse(`{"lines": [{"sku": "pen", "qty": 3}], "notes": ["gift"]}`)
	us := parse(`{"lines": [{"sku": "pen", "qty": 2}, {"sku": "ink", "qty": 1}], "notes": ["call"]}`)
	merged, err := carts.Merge(&base,
		merge.Side[map[string]any]{Value: eu, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[map[string]any]{Value: us, Stamp: at("2026-11-23T10:00:01Z", "us")},
	)
	text, _ := json.Marshal(merged)
	fmt.Println(string(text), err)
	// Output: {"lines":[{"qty":4,"sku":"pen"},{"qty":1,"sku":"ink"}],"notes":["call","gift"]} <nil>
}

// A custom rule is checked by the compiler: one for another type does not fit.
func ExampleField() {
	type Bid struct {
		Item   string
		Amount int
	}
	bids := merge.MustCompile(merge.Options[Bid]{Overrides: []merge.Override[Bid]{
		merge.Field(func(b *Bid) *int { return &b.Amount }, merge.Prefer("highest bid", cmp.Compare[int])),
	}})
	won, err := bids.Merge(&Bid{"lamp", 10},
		merge.Side[Bid]{Value: Bid{"lamp", 30}, Stamp: at("2026-11-23T10:00:00Z", "eu")},
		merge.Side[Bid]{Value: Bid{"lamp", 20}, Stamp: at("2026-11-23T10:00:01Z", "us")},
	)
	fmt.Println(won.Amount, err)
	fmt.Print(bids)
	// Output:
	// 30 <nil>
	// Item    lww
	// Amount  highest bid
}

// A rule for a type holds wherever values of the type are merged: in fields,
// maps and lists.
func ExampleType() {
	type Hotel struct {
		Room  time.Duration
		Extra map[string]time.Duration
	}
	longer := merge.Prefer("longer", cmp.Compare[time.Duration])
	hotels := merge.MustCompile(merge.Options[Hotel]{Overrides: []merge.Override[Hotel]{merge.Type[Hotel](longer)}})
	fmt.Print(hotels)
	// Output:
	// Room     longer
	// Extra    fields
	// Extra.*  longer
}

// A Func sees the base and every side, and may leave the decision to a person.
func ExampleFunc() {
	type Page struct{ Text string }
	tails := merge.Func("append", func(c merge.Case[string]) (string, error) {
		if c.Base == nil {
			return "", fmt.Errorf("no ancestor of %s", c.Path)
		}
		var text strings.Builder
		text.WriteString(*c.Base)
		for _, s := range c.Sides {
			tail, ok := strings.CutPrefix(s.Value, *c.Base)
			if !ok {
				return "", fmt.Errorf("%s did not only append", s.Stamp.Replica)
			}
			text.WriteString(tail)
		}
		return text.String(), nil
	})
	pages := merge.MustCompile(merge.Options[Page]{Overrides: []merge.Override[Page]{
		merge.Field(func(p *Page) *string { return &p.Text }, tails),
	}})
	eu := merge.Side[Page]{Value: Page{"one two"}, Stamp: at("2026-11-23T10:00:00Z", "eu")}
	us := merge.Side[Page]{Value: Page{"one three"}, Stamp: at("2026-11-23T10:00:01Z", "us")}
	page, err := pages.Merge(&Page{"one"}, eu, us)
	fmt.Println(page.Text, err)
	us.Value.Text = "1"
	page, err = pages.Merge(&Page{"one"}, eu, us)
	fmt.Println(page.Text, err)
	// Output:
	// one three two <nil>
	// 1 merge: conflict: Text: us did not only append
}
