package content_test

import (
	"cmp"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/vclock"
	"github.com/rejoin-go/rejoin/vclock/content"
)

type (
	// A weight shows nothing of itself.
	weight struct{ grams int }
	// A ledger is only ever used by its pointer.
	ledger struct{ total int }
	// A rank keeps its form, and has an order of its own: the first is the largest.
	rank int
	// A label can be stored, and nothing else.
	label struct{ text string }
	// A late one is registered when it has been used.
	late struct{ n int }
)

func ofWeights() content.Codec[weight] {
	return content.Codec[weight]{
		Encode: func(w weight) ([]byte, error) { return strconv.AppendInt(nil, int64(w.grams), 10), nil },
		Decode: func(p []byte) (weight, error) {
			n, err := strconv.Atoi(string(p))
			if err == nil && n < 0 {
				err = fmt.Errorf("%d is no weight", n)
			}
			return weight{n}, err
		},
		Compare: func(a, b weight) int { return cmp.Compare(a.grams, b.grams) },
		Add:     func(a, b weight) weight { return weight{a.grams + b.grams} },
		Negate:  func(w weight) weight { return weight{-w.grams} },
	}
}

func ofLedgers() content.Codec[*ledger] {
	return content.Codec[*ledger]{
		Encode: func(l *ledger) ([]byte, error) { return strconv.AppendInt(nil, int64(l.total), 10), nil },
		Decode: func(p []byte) (*ledger, error) {
			n, err := strconv.Atoi(string(p))
			return &ledger{n}, err
		},
		Add:    func(a, b *ledger) *ledger { return &ledger{a.total + b.total} },
		Negate: func(l *ledger) *ledger { return &ledger{-l.total} },
	}
}

// What these tests hand over: no type may have been used before.
var _ = func() bool {
	content.Register(ofWeights())
	content.Register(ofLedgers())
	content.Register(content.Codec[label]{
		Encode: func(l label) ([]byte, error) { return []byte(l.text), nil },
		Decode: func(p []byte) (label, error) { return label{string(p)}, nil },
	})
	content.Register(content.Codec[rank]{Compare: func(a, b rank) int { return cmp.Compare(b, a) }})
	return true
}()

// TestRegisterRefuses what no values could be stored or added up by, and a second codec of
// a type, or the first of one that is in use.
func TestRegisterRefuses(t *testing.T) {
	type unused string
	whole := content.Codec[unused]{
		Encode: func(unused) ([]byte, error) { return nil, nil }, Decode: func([]byte) (unused, error) { return "", nil },
		Add: func(a, _ unused) unused { return a }, Negate: func(v unused) unused { return v },
	}
	for name, take := range map[string]func(c *content.Codec[unused]){
		"encode": func(c *content.Codec[unused]) { c.Encode = nil },
		"decode": func(c *content.Codec[unused]) { c.Decode = nil },
		"add":    func(c *content.Codec[unused]) { c.Add = nil },
		"negate": func(c *content.Codec[unused]) { c.Negate = nil },
	} {
		half := whole
		take(&half)
		require.PanicsWithValue(t, "content: a codec needs both Encode and Decode, both Add and Negate, or neither", func() { content.Register(half) }, name)
	}
	content.Register(whole)
	require.PanicsWithValue(t, "content: register content_test.unused: the type has a codec", func() { content.Register(whole) })

	require.Error(t, new(lww.Register[late]).Set(writer, late{1}))
	require.PanicsWithValue(t, "content: register content_test.late: the type has been used", func() {
		content.Register(content.Codec[late]{Compare: func(a, b late) int { return cmp.Compare(a.n, b.n) }})
	})
}

// holds requires that a state has v, and so has who reads its bytes.
func holds[V any](t *testing.T, v V) []byte {
	t.Helper()
	var r, peer lww.Register[V]
	require.NoError(t, r.SetAt(v, lww.Stamp{Time: 5, Replica: "eu"}))
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	require.NoError(t, peer.UnmarshalBinary(data))
	for _, s := range []*lww.Register[V]{&r, &peer} {
		got, ok := s.Get()
		require.True(t, ok)
		require.Equal(t, v, got)
	}
	return data
}

// TestCodecEncodes stores values by what was handed over, zero and nil without it, and types
// that got no encoding in the form that they have. What Decode refuses is unreadable.
func TestCodecEncodes(t *testing.T) {
	data := holds(t, weight{70})
	require.Contains(t, string(data), "70")
	require.NotContains(t, string(holds(t, weight{})), "0")
	require.Equal(t, data, holds(t, &ledger{70}))
	holds(t, (*ledger)(nil))
	holds(t, []*ledger{{1}, nil, {2}})
	require.Equal(t, holds(t, 3), holds(t, rank(3)))

	var r lww.Register[weight]
	require.NoError(t, r.SetAt(weight{5}, lww.Stamp{Time: 1, Replica: "eu"}))
	before := r
	require.ErrorIs(t, r.UnmarshalBinary(holds(t, &ledger{-7})), content.ErrUnreadable)
	require.Equal(t, before, r)
	require.ErrorIs(t, r.UnmarshalLenient(holds(t, &ledger{-7})), content.ErrUnreadable)
	got, ok := r.Get()
	require.False(t, ok)
	require.Zero(t, got)
	bad := new(content.TypeError)
	require.ErrorAs(t, r.SetAt(weight{-7}, lww.Stamp{Time: 9, Replica: "eu"}), &bad)
	require.ErrorContains(t, bad, "-7 is no weight")
}

// TestCodecMerges orders and adds up values by what was handed over.
func TestCodecMerges(t *testing.T) {
	type parcel struct {
		Heaviest weight  `merge:"max"`
		Lightest weight  `merge:"min"`
		Sum      weight  `merge:"additive"`
		Total    *ledger `merge:"additive"`
		First    rank    `merge:"max"`
		Last     rank    `merge:"min"`
	}
	of := func(n int) parcel {
		return parcel{weight{n}, weight{n}, weight{n}, &ledger{n}, rank(n), rank(n)}
	}
	base, plan := of(10), merge.MustCompile(merge.Options[parcel]{})
	side := func(n int, by vclock.Replica) merge.Side[parcel] {
		return merge.Side[parcel]{Value: of(n), Stamp: lww.Stamp{Time: 5, Replica: by}}
	}
	for _, sides := range [][]merge.Side[parcel]{{side(9, "eu"), side(12, "us")}, {side(12, "eu"), side(9, "us")}} {
		got, err := plan.Merge(&base, sides...)
		require.NoError(t, err)
		require.Equal(t, parcel{weight{12}, weight{9}, weight{11}, &ledger{11}, 9, 12}, got)
	}

	// A plan does not ask for what was not handed over.
	holds(t, label{"fragile"})
	_, err := merge.Compile(merge.Options[struct {
		Label label `merge:"additive"`
	}]{})
	require.ErrorContains(t, err, "additive")
	_, err = merge.Compile(merge.Options[struct {
		Label label `merge:"max"`
	}]{})
	require.ErrorContains(t, err, "max")
}
