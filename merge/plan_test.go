package merge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
)

// stamp returns the stamp of replica r at second s.
func stamp(s int64, r vclock.Replica) lww.Stamp {
	return lww.Stamp{Time: hlc.At(time.Unix(s, 0)), Replica: r}
}

type address struct{ Street, City, Zip string }

type line struct {
	SKU   string
	Qty   int `merge:"additive"`
	Price int64
}

type order struct {
	ID      string `merge:"immutable"`
	Email   string `merge:"group=contact"`
	Phone   string `merge:"group=contact"`
	Note    string
	Stock   int64     `merge:"additive"`
	Tier    string    `merge:"rank=free<pro<team"`
	Seen    time.Time `merge:"max"`
	Tags    []string  `merge:"set"`
	Prefs   map[string]string
	Address address
	Gift    *bool
	Lines   []line `merge:"keyed=SKU"`
	Any     map[string]any
	_       int
}

func TestMerge(t *testing.T) {
	p := merge.MustCompile(merge.Options[order]{})
	base := order{
		ID: "o1", Email: "a@x", Phone: "1", Stock: 10, Tier: "free", Seen: time.Unix(10, 0),
		Tags: []string{"a", "b"}, Prefs: map[string]string{"k": "v", "l": "w"},
		Lines: []line{{"s1", 10, 5}, {"s2", 1, 7}},
		Any:   map[string]any{"x": 1.0, "o": map[string]any{"p": "q"}},
	}
	eu, us := base, base
	eu.Email, eu.Stock, eu.Tier, eu.Seen = "b@x", 8, "team", time.Unix(30, 0)
	eu.Tags, eu.Prefs = []string{"a", "c"}, map[string]string{"k": "v2", "l": "w"}
	eu.Lines = []line{{"s1", 8, 5}, {"s2", 1, 8}}
	eu.Any = map[string]any{"x": 2.0, "o": map[string]any{"p": "q"}}
	us.Phone, us.Stock, us.Tier, us.Seen, us.Note = "2", 8, "pro", time.Unix(20, 0), "hi"
	us.Address.City, us.Prefs = "Bonn", map[string]string{"k": "v"}
	us.Lines = []line{{"s3", 3, 3}, {"s1", 7, 5}}
	us.Any = map[string]any{"x": 1.0, "o": map[string]any{"p": "r", "n": nil}}
	sides := []merge.Side[order]{{eu, stamp(1, "eu")}, {us, stamp(2, "us")}}
	got, err := p.Merge(&base, sides...)
	require.NoError(t, err)
	require.Equal(t, order{
		ID: "o1", Email: "a@x", Phone: "2", Note: "hi", Stock: 6, Tier: "team", Seen: time.Unix(30, 0),
		Tags: []string{"a", "c"}, Prefs: map[string]string{"k": "v2"}, Address: address{City: "Bonn"},
		Lines: []line{{"s3", 3, 3}, {"s1", 5, 5}},
		Any:   map[string]any{"x": 2.0, "o": map[string]any{"p": "r", "n": nil}},
	}, got)
	again, err := p.Merge(&base, sides[1], sides[0])
	require.NoError(t, err)
	require.Equal(t, got, again)
	t.Log("\n" + p.String())
}
