package crdt_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// A refusal is a text or bytes, and what is wrong with them.
type refusal struct{ text, want string }

// refusesJSON requires that x refuses each text in the JSON of a state of its type, in
// which a has done 1 to 3, says why, and stays as it is.
func refusesJSON[S interface {
	crdt.State[S]
	json.Unmarshaler
}](t *testing.T, x S, typ string, rows []refusal,
) {
	t.Helper()
	before := x.Clone()
	for _, row := range rows {
		err := x.UnmarshalJSON([]byte(`{"type":"` + typ + `","context":{"a":"1-3"},"state":` + row.text + `}`))
		require.ErrorContains(t, err, "crdt: decode "+typ+" from JSON: ", row.text)
		require.ErrorContains(t, err, row.want, row.text)
		require.ErrorIs(t, err, crdt.ErrDamaged, row.text)
		require.True(t, x.Equal(before), row.text)
	}
}

// TestRefusesJSON: in the JSON of every type each part is there, is there once, and is
// of the right kind.
func TestRefusesJSON(t *testing.T) {
	dots := []refusal{
		{`{}`, "cannot unmarshal"},
		{`[1]`, "cannot unmarshal"},
		{`["a"]`, "dot"},
		{`["a:4"]`, "dot a:4 is not in the context"},
		{`["b:1"]`, "dot b:1 is not in the context"},
		{`["a:1","a:1"]`, "dot a:1 appears twice"},
		{`["a:1","a:2","a:1"]`, "dot a:1 appears twice"},
	}
	refusesJSON(t, new(crdt.EWFlag).Enable("us"), "EWFlag", dots)
	for _, row := range dots {
		refusesJSON(t, new(crdt.DWFlag).Enable("us"), "DWFlag", []refusal{
			{`{"enabled":` + row.text + `,"disabled":[]}`, row.want}, {`{"enabled":[],"disabled":` + row.text + `}`, row.want},
		})
	}
	refusesJSON(t, new(crdt.DWFlag).Enable("us"), "DWFlag", []refusal{
		{`[]`, ""},
		{`{"enabled":["a:1"]}`, `no member "disabled"`},
		{`{"disabled":["a:1"]}`, `no member "enabled"`},
		{`{"enabled":[],"disabled":[],"more":[]}`, "unknown member"},
		{`{"enabled":["a:1"],"disabled":["a:1"]}`, "dot a:1 appears twice"},
	})
	refusesJSON(t, must(new(crdt.MVRegister[string]).Set("us", "x")), "MVRegister", []refusal{
		{`{}`, "is not a list"},
		{`[1]`, "item 0: "},
		{`[{"dot":"a:1"}]`, "dot and value go together"},
		{`[{"value":"x"}]`, "dot and value go together"},
		{`[{"dot":"a:1","value":"x","more":1}]`, "unknown member"},
		{`[{"dot":1,"value":"x"}]`, "item 0: "},
		{`[{"dot":"a:1","value":"x"},{"dot":"a:4","value":"x"}]`, "item 1: dot a:4 is not in the context"},
		{`[{"dot":"a:1","value":"x"},{"dot":"a:1","value":"y"}]`, "dot a:1 appears twice"},
		{`[{"dot":"a:1","value":"x","fields":1}]`, "item 0: "},
		{`[{"dot":"a:1","value":"x","bytes":1}]`, "item 0: "},
		{`[{"dot":"a:1","value":x}]`, ""},
	})
	elements := []refusal{
		{`{}`, "is not a list"},
		{`[1]`, "element 0: "},
		{`[{"element":"x","dots":["a:1"]},{"element":1,"dots":["a:2"]}]`, "element 1: "},
		{`[{"dots":["a:1"]}]`, `no member "element"`},
		{`[{"element":"x"}]`, `no member "dots"`},
		{`[{"element":"x","dots":["a:4"]}]`, "element 0: dot a:4 is not in the context"},
		{`[{"element":"x","dots":["a:1","a:1"]}]`, "dot a:1 appears twice"},
		{`[{"element":"x","dots":["a:1"]},{"element":"y","dots":["a:1"]}]`, "element 1: dot a:1 appears twice"},
		{`[{"element":"x","dots":["a:1"]},{"element":"x","dots":["a:2"]}]`, "element 1: appears twice"},
		{`[{"element":"x","dots":[]}]`, "element 0: has no dots"},
	}
	refusesJSON(t, new(crdt.ORSet[string]).Add("us", "x"), "ORSet", append([]refusal{
		{`[{"element":"x","dots":["a:1"],"removed":[]}]`, "unknown member"},
	}, elements...))
	refusesJSON(t, new(crdt.RWSet[string]).Add("us", "x"), "RWSet", []refusal{
		{`[{"element":"x","dots":["a:1"]}]`, `no member "removed"`},
		{`[{"element":"x","dots":[],"removed":[]}]`, "element 0: has no dots"},
		{`[{"element":"x","dots":["a:1"],"removed":["a:1"]}]`, "dot a:1 appears twice"},
		{`[{"element":"x","dots":["a:1"],"removed":["a:4"]}]`, "dot a:4 is not in the context"},
	})
	var m counters
	countAt(&m, "us", "k", 1)
	const one, two = `[{"replica":"a","after":"0","last":"1","sum":"2"}]`, `[{"replica":"a","after":"1","last":"2","sum":"2"}]`
	refusesJSON(t, &m, "ORMap/PNCounter", []refusal{
		{`{}`, "is not a list"},
		{`[1]`, "entry 0: "},
		{`[{"key":"k"}]`, `entry 0: no member "value"`},
		{`[{"value":` + one + `}]`, `entry 0: no member "key"`},
		{`[{"key":"k","value":` + one + `},{"key":1,"value":` + two + `}]`, "entry 1: "},
		{`[{"key":"k","value":` + one + `},{"key":"k","value":` + two + `}]`, "entry 1: key appears twice"},
		{`[{"key":"k","value":` + one + `},{"key":"l","value":` + one + `}]`, "dot a:1 stands for changes in two places"},
		{`[{"key":"k","value":[{}]}]`, "entry 0: item 0: "},
		{`[{"key":"k","value":[]}]`, "entry 0: value is empty"},
	})
}

// TestContextJSON: the numbers that a replica has seen ascend, with gaps between.
func TestContextJSON(t *testing.T) {
	flag := func(context string) (*crdt.EWFlag, error) {
		f := new(crdt.EWFlag)
		return f, f.UnmarshalJSON([]byte(`{"type":"EWFlag","context":` + context + `,"state":[]}`))
	}
	for _, text := range []string{`{}`, `{"a":"1"}`, `{"a":"2"}`, `{"a":"1,3"}`, `{"a":"1-3,5-9,11","b":"281474976710655"}`, `{"a":"4294967296-4294967299"}`} {
		f, err := flag(text)
		require.NoError(t, err)
		require.Equal(t, `{"type":"EWFlag","context":`+text+`,"state":[]}`, string(must(f.MarshalJSON())))
	}
	for text, want := range map[string]string{
		`[]`:                        "context: ",
		`{"":"1"}`:                  "invalid replica",
		`{"a":1}`:                   "context: ",
		`{"a":""}`:                  `"" is not the number of a dot`,
		`{"a":"x"}`:                 `"x" is not the number of a dot`,
		`{"a":"0"}`:                 `"0" is not the number of a dot`,
		`{"a":"01"}`:                `"01" is not the number of a dot`,
		`{"a":"-1"}`:                `"" is not the number of a dot`,
		`{"a":"1-"}`:                `"" is not the number of a dot`,
		`{"a":"1-x"}`:               `"x" is not the number of a dot`,
		`{"a":"281474976710656"}`:   `"281474976710656" is not the number of a dot`,
		`{"a":"1-281474976710656"}`: `"281474976710656" is not the number of a dot`,
		`{"a":"2-1"}`:               `numbers "2-1" do not ascend`,
		`{"a":"2-2"}`:               `numbers "2-2" do not ascend`,
		`{"a":"1,2"}`:               `numbers "2" do not follow those before`,
		`{"a":"1-3,4-5"}`:           `numbers "4-5" do not follow those before`,
		`{"a":"3,1"}`:               `numbers "1" do not follow those before`,
		`{"a":"3,3"}`:               `numbers "3" do not follow those before`,
	} {
		_, err := flag(text)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "context: ", text)
	}
	for text, want := range map[string]string{
		`{"context":{},"state":[]}`:                           `no member "type"`,
		`{"type":"EWFlag","state":[]}`:                        `no member "context"`,
		`{"type":"EWFlag","context":{}}`:                      `no member "state"`,
		`{"type":"EWFlag","context":{},"state":[],"more":[]}`: "unknown member",
		`{"type":1,"context":{},"state":[]}`:                  "",
	} {
		require.ErrorContains(t, new(crdt.EWFlag).UnmarshalJSON([]byte(text)), want, text)
	}
}
