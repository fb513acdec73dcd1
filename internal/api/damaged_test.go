package api_test

import (
	"encoding"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/merge"
	"github.com/rejoin-go/rejoin/resolver"
	"github.com/rejoin-go/rejoin/vclock"
)

// TestDamaged: what no program writes is ErrDamaged, in bytes, text and JSON.
func TestDamaged(t *testing.T) {
	types := []reflect.Type{
		reflect.TypeFor[hlc.Timestamp](), reflect.TypeFor[lww.Stamp](), reflect.TypeFor[vclock.Dot](), reflect.TypeFor[vclock.Clock](),
		reflect.TypeFor[vclock.DVV](), reflect.TypeFor[crdt.Context](), reflect.TypeFor[resolver.Context](), reflect.TypeFor[resolver.ID](),
		reflect.TypeFor[resolver.Ticket[string]](), reflect.TypeFor[merge.Token](),
	}
	for _, s := range states() {
		types = append(types, s.typ)
	}
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			x := reflect.New(typ)
			if typ == reflect.TypeFor[merge.Record[note]]() {
				x = reflect.ValueOf(plan.NewRecord())
			}
			if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](x); ok {
				require.ErrorIs(t, u.UnmarshalText([]byte("no such text")), vclock.ErrDamaged)
				require.ErrorIs(t, json.Unmarshal([]byte(`"no such text"`), u), vclock.ErrDamaged)
			}
			if u, ok := reflect.TypeAssert[json.Unmarshaler](x); ok {
				require.ErrorIs(t, u.UnmarshalJSON([]byte(`{"no":`)), vclock.ErrDamaged)
				require.ErrorIs(t, json.Unmarshal([]byte(`{"no":["such"]}`), u), vclock.ErrDamaged)
			}
			if u, ok := reflect.TypeAssert[encoding.BinaryUnmarshaler](x); ok {
				require.ErrorIs(t, u.UnmarshalBinary(nil), vclock.ErrDamaged)
			}
		})
	}
}
