package value_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/rejoin-go/rejoin/internal/value"
)

func fuzzKey[K comparable](t *testing.T, p []byte) {
	t.Helper()
	if k, err := value.DecodeKey[K](p); err == nil {
		if enc := value.AppendKey(nil, k); !bytes.Equal(enc, p) {
			t.Fatalf("%T: accepted %x, which encodes as %x", k, p, enc)
		}
		if again, err := value.Normalize(k); err != nil || again != k {
			t.Fatalf("%T: decoded %v, which is not normal: %v, %v", k, k, again, err)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	f.Add([]byte("\x01"))
	f.Add([]byte("\x7f\xff\xff\xff\xff\xff\xff\xff")) // −0
	f.Add([]byte("\x01a\x80\x00"))                    // a varint that is too long
	f.Add(value.AppendKey(nil, nested{Name: "n"}))
	f.Add([]byte("\x01\x00\x00\x00\x0e\xdc\xbb\x8a\x00\x00\x00\x00\x05\xff\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzKey[bool](t, p)
		fuzzKey[int8](t, p)
		fuzzKey[uint32](t, p)
		fuzzKey[int](t, p)
		fuzzKey[float32](t, p)
		fuzzKey[float64](t, p)
		fuzzKey[string](t, p)
		fuzzKey[[3]string](t, p)
		fuzzKey[nested](t, p)
		fuzzKey[endpoint](t, p)
		fuzzKey[opaque](t, p)
		fuzzKey[texty](t, p)
		fuzzKey[time.Time](t, p)
	})
}

func fuzzKeyJSON[K comparable](t *testing.T, p []byte) {
	t.Helper()
	k, err := value.DecodeKeyJSON[K](p)
	if err != nil {
		return
	}
	if again, err := value.Normalize(k); err != nil || again != k {
		t.Fatalf("%T: read %v, which is not normal: %v, %v", k, k, again, err)
	}
	js := value.AppendKeyJSON(nil, k)
	if back, err := value.DecodeKeyJSON[K](js); err != nil || back != k {
		t.Fatalf("%T: %v is written %s and read %v, %v", k, k, js, back, err)
	}
}

func FuzzDecodeKeyJSON(f *testing.F) {
	for _, s := range []string{
		`true`, `-0`, `1e-7`, `"+Inf"`, `"12"`, `"a\u2028"`, `{"base64":"/w=="}`, `["a","b","c"]`, `{"X":1,"Y":2}`,
		`{"Host":"10.0.0.1","Port":443}`, `"2023-11-14T22:13:20.000000005Z"`, `"\ud800"`,
	} {
		f.Add([]byte(s))
	}
	f.Add(value.AppendKeyJSON(nil, nested{Name: "n"}))
	f.Fuzz(func(t *testing.T, p []byte) {
		fuzzKeyJSON[bool](t, p)
		fuzzKeyJSON[int8](t, p)
		fuzzKeyJSON[int](t, p)
		fuzzKeyJSON[float64](t, p)
		fuzzKeyJSON[string](t, p)
		fuzzKeyJSON[[3]string](t, p)
		fuzzKeyJSON[[2]byte](t, p)
		fuzzKeyJSON[nested](t, p)
		fuzzKeyJSON[endpoint](t, p)
		fuzzKeyJSON[opaque](t, p)
		fuzzKeyJSON[texty](t, p)
		fuzzKeyJSON[time.Time](t, p)
	})
}
