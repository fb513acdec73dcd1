package merge_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// TestReportOfOrder has two sides put a list in order: where one of the orders is given up,
// the report says so, once for the list; where it is not there is no line.
func TestReportOfOrder(t *testing.T) {
	typed := merge.MustCompile(merge.Options[playlist]{})
	docs := merge.MustCompile(merge.Options[object]{Paths: map[string]string{"Songs": "keyed=ID"}})
	for _, tt := range []struct {
		name       string
		base, a, b string // the keys, b being newer
		known      bool
		want       string
		lost       []string // orders
	}{
		{"one moved", "123", "231", "123", true, "231", nil},
		{"both alike", "123", "231", "231", true, "231", nil},
		{"both moved", "123", "231", "312", true, "123", []string{"order 3 1 2", "order 2 3 1"}},
		{"moved beside an addition", "123", "231", "1234", true, "1234", []string{"order 2 3 1"}},
		{"moved beside a removal", "123", "231", "12", true, "12", []string{"order 2 3 1"}},
		{"both at the end", "12", "123", "124", true, "1234", nil},
		{"in front and at the end", "12", "312", "124", true, "1234", []string{"order 3 1 2"}},
		{"no base", "", "12", "21", false, "21", []string{"order 1 2"}},
		{"no base, no contradiction", "", "12", "13", false, "132", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := func(keys string) []song {
				var out []song
				for _, k := range keys {
					out = append(out, song{ID: string(k)})
				}
				return out
			}
			var base *playlist
			if tt.known {
				base = &playlist{list(tt.base)}
			}
			got, report, err := typed.Explain(
				base,
				merge.Side[playlist]{Value: playlist{list(tt.a)}, Stamp: stamp(1, "a")},
				merge.Side[playlist]{Value: playlist{list(tt.b)}, Stamp: stamp(2, "b")},
			)
			require.NoError(t, err)
			require.Equal(t, list(tt.want), got.Songs)
			lost := lostOrders(t, report)
			require.Equal(t, tt.lost, lost)

			document := func(keys string) object {
				songs := []any{}
				for _, k := range keys {
					songs = append(songs, object{"ID": string(k)})
				}
				return object{"Songs": songs}
			}
			var doc *object
			if tt.known {
				d := document(tt.base)
				doc = &d
			}
			merged, report, err := docs.Explain(
				doc,
				merge.Side[object]{Value: document(tt.a), Stamp: stamp(1, "a")},
				merge.Side[object]{Value: document(tt.b), Stamp: stamp(2, "b")},
			)
			require.NoError(t, err)
			require.Equal(t, document(tt.want), merged)
			require.Equal(t, tt.lost, lostOrders(t, report))
			_, err = json.Marshal(report)
			require.NoError(t, err)
		})
	}
}

// lostOrders returns the orders that a report says were lost, newest first.
func lostOrders(t *testing.T, report merge.Report) []string {
	t.Helper()
	var lost []string
	for _, c := range report.Changes {
		if _, ok := c.Result.(merge.Order); !ok {
			continue
		}
		require.Equal(t, "Songs", c.Path)
		for _, x := range c.Candidates {
			if x.Lost {
				lost = append(lost, x.Value.(merge.Order).String())
			}
		}
	}
	return lost
}
