package lww_test

import (
	"bytes"
	"testing"

	"github.com/rejoin-go/rejoin/lww"
)

// fuzzBinary checks that what a decoder accepts is the encoding of what it made
// of it, and that the state is one that merges.
func fuzzBinary[S any, P coded[S]](t *testing.T, p []byte) {
	t.Helper()
	var s S
	if P(&s).UnmarshalBinary(p) != nil {
		return
	}
	enc, err := P(&s).MarshalBinary()
	if err != nil || !bytes.Equal(enc, p) {
		t.Fatalf("%T: accepted %x, which encodes as %x, %v", s, p, enc, err)
	}
	var used S
	for range 3 {
		requireReused[S, P](t, &used, p)
	}
	fuzzState[S, P](t, &s)
}

// fuzzJSON checks that what a decoder accepts survives another round.
func fuzzJSON[S any, P coded[S]](t *testing.T, p []byte) {
	t.Helper()
	var s S
	if P(&s).UnmarshalJSON(p) == nil {
		fuzzState[S, P](t, &s)
	}
}

func fuzzState[S any, P coded[S]](t *testing.T, s *S) {
	t.Helper()
	var empty S
	if P(&empty).Merge(s); !P(&empty).Equal(s) {
		t.Fatalf("%T: the empty state joined with a state is not that state", s)
	}
	if P(s).Merge(&empty) {
		t.Fatalf("%T: merging is not idempotent", s)
	}
	checkCoded[S, P](t, s)
}

func seed(f *testing.F, states ...interface {
	MarshalBinary() ([]byte, error)
	MarshalJSON() ([]byte, error)
},
) {
	f.Helper()
	for _, s := range states {
		enc, err := s.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		js, err := s.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(enc)
		f.Add(js)
	}
}

func FuzzMapBinary(f *testing.F) {
	m, _, _ := samples(f)
	seed(f, m, new(lww.Map[string, string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzBinary[lww.Map[string, string]](t, p)
		fuzzBinary[lww.Map[column, []string]](t, p)
		fuzzBinary[lww.Map[int16, bool]](t, p)
	})
}

func FuzzMapJSON(f *testing.F) {
	m, _, _ := samples(f)
	seed(f, m, new(lww.Map[string, string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzJSON[lww.Map[string, string]](t, p)
		fuzzJSON[lww.Map[int16, any]](t, p)
	})
}

func FuzzSetBinary(f *testing.F) {
	_, s, _ := samples(f)
	seed(f, s, new(lww.Set[string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzBinary[lww.Set[int64]](t, p)
		fuzzBinary[lww.Set[string]](t, p)
	})
}

func FuzzSetJSON(f *testing.F) {
	_, s, _ := samples(f)
	seed(f, s, new(lww.Set[string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzJSON[lww.Set[int64]](t, p)
		fuzzJSON[lww.Set[string]](t, p)
	})
}

func FuzzRegisterBinary(f *testing.F) {
	_, _, r := samples(f)
	seed(f, r, new(lww.Register[string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzBinary[lww.Register[[]string]](t, p)
		fuzzBinary[lww.Register[string]](t, p)
		fuzzBinary[lww.Register[float32]](t, p)
	})
}

func FuzzRegisterJSON(f *testing.F) {
	_, _, r := samples(f)
	seed(f, r, new(lww.Register[string]))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzJSON[lww.Register[[]string]](t, p)
		fuzzJSON[lww.Register[string]](t, p)
		fuzzJSON[lww.Register[int64]](t, p)
	})
}
