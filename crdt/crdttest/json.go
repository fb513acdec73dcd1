package crdttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rejoin-go/rejoin/internal/lawkit"
)

// checkJSON checks the JSON of s, and decodes it into used, too.
func (k *Kit[S]) checkJSON(s, used S) *LawError {
	if !k.format.json {
		return nil
	}
	back := k.New()
	p, err := json.Marshal(s)
	if err != nil {
		return broken(RoundTrip, "encoding %s as JSON: %v", k.show(s), err)
	}
	if err := json.Unmarshal(p, back); err != nil {
		return broken(RoundTrip, "decoding the JSON form %s: %v", p, err)
	}
	if !back.Equal(s) || !s.Equal(back) {
		return broken(RoundTrip, "encoded as JSON: %s\ndecoded: %s\nJSON: %s", k.show(s), k.show(back), p)
	}
	out, err := json.Marshal(back)
	if err != nil || !bytes.Equal(out, p) {
		return broken(Canonical, "the JSON form of equal states differs: %s, %s (error %v)", p, out, err)
	}
	if failure := k.checkAlike("a state", s, "one decoded from its JSON", back); failure != nil {
		return failure
	}
	return k.checkUsed(s, used, p, decodeJSON)
}

// decodeJSON hands p, which is JSON, to UnmarshalJSON.
func decodeJSON(s any, p []byte) error { return s.(json.Unmarshaler).UnmarshalJSON(p) }

// checkHostileJSON decodes damaged JSON of s into states equal to s, and into
// another, by turns.
func (k *Kit[S]) checkHostileJSON(s S) *LawError {
	if !k.format.json {
		return nil
	}
	p, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	other := k.New()
	k.poke(other)
	receivers := []S{s, other}
	for i, in := range damagedJSON(p) {
		if failure := k.tryJSON(receivers[i%2].Clone(), in); failure != nil {
			return failure
		}
	}
	return k.checkHeedless(s)
}

// tryJSON decodes in, which may be any JSON: into is as it was if there is an error,
// and else a state like any other.
func (k *Kit[S]) tryJSON(into S, in []byte) (failure *LawError) {
	defer func() {
		if v := recover(); v != nil {
			failure = broken(Panics, "decoding the JSON %s panics: %v%s", readable(in), v, lawkit.Origin())
		}
	}()
	before, text := into.Clone(), bytes.Clone(in)
	err := decodeJSON(into, text)
	switch {
	case !bytes.Equal(text, in):
		return broken(Hostile, "decoding the JSON %s changed the input to %s", readable(in), readable(text))
	case err != nil && (!into.Equal(before) || k.key(into) != k.key(before)):
		return broken(Hostile, "decoding the JSON %s: error %q, and %s", readable(in), err,
			fmt.Sprintf("the receiver changed from %s to %s", k.texts(before, into)...))
	case err != nil:
		return nil
	}
	out, err := json.Marshal(into)
	flip(text)
	if again, _ := json.Marshal(into); !bytes.Equal(again, out) {
		return broken(Aliasing, "a decoded state keeps its input: changing that changes the state to %s", k.show(into))
	}
	back := k.New()
	if err == nil {
		err = json.Unmarshal(out, back)
	}
	if err == nil && k.format.binary && back.Equal(into) {
		if out, err = encode(into); err == nil {
			back = k.New()
			err = decode(back, out)
		}
	}
	if err != nil || !back.Equal(into) {
		return broken(Hostile, "decoding the JSON %s: no error, but the result, %s, encoded and decoded again is %s (error %v)",
			readable(in), k.show(into), k.show(back), err)
	}
	join(before, into)
	join(into, before)
	return nil
}

// checkHeedless checks that JSON of three kinds does not all make the same of a state:
// such a decoder lets errors pass.
func (k *Kit[S]) checkHeedless(s S) *LawError {
	var results []S
	for _, text := range []string{"1", "true", `"?"`} {
		x := s.Clone()
		if decodeJSON(x, []byte(text)) != nil {
			return nil
		}
		results = append(results, x)
	}
	if results[0].Equal(results[1]) && results[1].Equal(results[2]) {
		return broken(Hostile, "decoding the JSON 1, true and \"?\": no error, and the result is always %s", k.show(results[0]))
	}
	return nil
}

// damagedJSON returns JSON that is nearly p, such of which a type might not think, and p
// with other kinds of values in it. It depends on p only. What is no JSON is left out:
// [json.Unmarshal] hands that to nobody.
func damagedJSON(p []byte) [][]byte {
	var all [][]byte
	for _, text := range []string{"1", `"?"`, "null", "[]", "{}", `{"?":1}`} {
		all = append(all, []byte(text))
	}
	add := func(parts ...[]byte) { all = append(all, bytes.Join(parts, nil)) }
	intN := dice(p)
	stride := (len(p) + 3) / 4
	for i := 0; i < len(p); i += stride {
		i := min(i+intN(stride), len(p)-1)
		add(p[:i], []byte{`09a"{}[],:`[intN(10)]}, p[i+1:])
	}
	// The value of a member becomes that of another one.
	members := bytes.Count(p, []byte(":"))
	for range min(3, members) {
		i := 0
		for range 1 + intN(members) {
			i += 1 + bytes.IndexByte(p[i:], ':')
		}
		add(p[:i], []byte([]string{"1", `"?"`, "[]", "{}", "null"}[intN(5)]+`,"":`), p[i:])
	}
	return slices.DeleteFunc(all, func(p []byte) bool { return !json.Valid(p) })
}
