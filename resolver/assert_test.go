package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/hlc"
	"github.com/rejoin-go/rejoin/lww"
	"github.com/rejoin-go/rejoin/resolver"
)

// TestAssertion writes what is there already, which is no write, and touches it, which is
// one: it stands beside what somebody else wrote meanwhile.
func TestAssertion(t *testing.T) {
	eu := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}}
	us := resolver.Writer{Writer: lww.Writer{Replica: "us", Clock: new(hlc.Clock)}}
	type order struct{ Lines []string }
	var here, there resolver.Siblings[order]
	first, err := here.Write(eu, resolver.Context{}, order{[]string{"milk"}})
	require.NoError(t, err)
	there.Merge(&here)

	again, err := here.Write(eu, here.Context(), order{[]string{"milk"}})
	require.NoError(t, err)
	require.Equal(t, first.Version.Stamp, again.Version.Stamp)
	require.True(t, again.Context.Equal(here.Context()))
	again, err = here.Edit(eu, here.Context(), order{[]string{"milk"}}, order{[]string{"milk"}})
	require.NoError(t, err)
	require.Equal(t, first.Version.Stamp, again.Version.Stamp)
	require.True(t, here.Equal(&there))

	touched, err := here.Touch(eu, here.Context())
	require.NoError(t, err)
	require.True(t, first.Version.Stamp.Before(touched.Version.Stamp))
	require.Equal(t, order{[]string{"milk"}}, touched.Version.Value)
	_, err = there.Delete(us, there.Context())
	require.NoError(t, err)
	here.Merge(&there)
	require.Equal(t, 2, here.Len(), "a delete that had not seen it does not beat it")
	_, err = here.Touch(eu, here.Context())
	require.ErrorIs(t, err, resolver.ErrNotSingle)

	// Of two versions each may be written again: the other one goes.
	_, err = here.Write(eu, here.Context(), order{[]string{"milk"}})
	require.NoError(t, err)
	require.Equal(t, 1, here.Len())
	require.NotEqual(t, touched.Version.Stamp, here.Versions()[0].Stamp)

	// Who was shown nothing does not say what is there.
	_, err = here.Write(eu, resolver.Context{}, order{[]string{"milk"}})
	require.NoError(t, err)
	require.Equal(t, 2, here.Len())

	gone, err := there.Delete(us, there.Context())
	require.NoError(t, err)
	require.Equal(t, there.Versions()[0].Stamp, gone.Version.Stamp)
}

// TestAssertionAboutMore writes what is there under a context that has seen more than the set
// has: that replaces what is to come.
func TestAssertionAboutMore(t *testing.T) {
	eu := resolver.Writer{Writer: lww.Writer{Replica: "eu", Clock: new(hlc.Clock)}}
	us := resolver.Writer{Writer: lww.Writer{Replica: "us", Clock: new(hlc.Clock)}}
	var here, there resolver.Siblings[string]
	_, err := here.Write(eu, resolver.Context{}, "a")
	require.NoError(t, err)
	there.Merge(&here)
	_, err = there.Write(us, resolver.Context{}, "b")
	require.NoError(t, err)
	_, err = here.Write(eu, there.Context(), "a")
	require.NoError(t, err)
	here.Merge(&there)
	require.Equal(t, 1, here.Len())
	require.Equal(t, "a", here.Versions()[0].Value)
}
