package merge_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

// A service listens at ports, which are told apart by number and protocol, as
// those of Kubernetes.
type service struct {
	Ports []port `merge:"keyed=Port+protocol"`
}

type port struct {
	Name     string
	Port     int
	Protocol string `json:"protocol"`
	Target   int
}

// TestKeyedBySeveral keeps one port under two protocols apart, in plans, records
// and documents.
func TestKeyedBySeveral(t *testing.T) {
	base := service{Ports: []port{{"dns", 53, "UDP", 53}}}
	x := service{Ports: []port{{"dns", 53, "UDP", 5353}}}
	y := service{Ports: []port{{"dns", 53, "UDP", 53}, {"dns-tcp", 53, "TCP", 53}}}
	want := []port{{"dns", 53, "UDP", 5353}, {"dns-tcp", 53, "TCP", 53}}

	p := recordPlan(t, merge.Options[service]{})
	got, report, err := p.Explain(&base, merge.Side[service]{Value: x, Stamp: stamp(1, "x")}, merge.Side[service]{Value: y, Stamp: stamp(2, "y")})
	require.NoError(t, err)
	require.Equal(t, want, got.Ports)
	require.Equal(t, "Ports.53+UDP.Target", report.Changes[0].Path)

	a := p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(s *service) { *s = base })))
	b := a.Clone()
	require.NoError(t, a.Update(writer("eu"), set(func(s *service) { *s = x })))
	require.NoError(t, b.Update(writer("us"), set(func(s *service) { *s = y })))
	require.Equal(t, []string{"Ports.53+TCP.Name", "Ports.53+TCP.Target"}, a.Changed(b))
	a.Merge(b)
	require.Equal(t, want, value(t, a).Ports)
	require.False(t, a.Stamp("Ports.53+UDP.Target").IsZero())
	require.NoError(t, a.Touch(writer("eu"), "Ports.53+TCP.Name"))
	err = a.Update(writer("eu"), set(func(s *service) { s.Ports = append(s.Ports, port{"again", 53, "TCP", 1}) }))
	require.EqualError(t, err, `merge: write to Ports: rule "keyed=Port+protocol": two elements have the key 53+TCP`)
	js, err := a.MarshalJSON()
	require.NoError(t, err)
	back := p.NewRecord()
	require.NoError(t, back.UnmarshalJSON(js))
	require.True(t, back.Equal(a))
	require.Equal(t, want, value(t, back).Ports)

	docs := merge.MustCompile(merge.Options[map[string]any]{Paths: map[string]string{"ports": "keyed=port+protocol"}})
	entry := func(protocol string, target int) any {
		return map[string]any{"port": 53, "protocol": protocol, "target": target}
	}
	list := func(of ...any) map[string]any { return map[string]any{"ports": of} }
	was := list(entry("UDP", 53))
	doc, report, err := docs.Explain(&was,
		merge.Side[map[string]any]{Value: list(entry("UDP", 5353)), Stamp: stamp(1, "x")},
		merge.Side[map[string]any]{Value: list(entry("UDP", 53), entry("TCP", 53)), Stamp: stamp(2, "y")})
	require.NoError(t, err)
	require.Equal(t, list(entry("UDP", 5353), entry("TCP", 53)), doc)
	require.Equal(t, "ports.53+UDP.target", report.Changes[0].Path)
}

// TestKeyedBySeveralNames names keys with a plus sign, and refuses fields that
// there are not.
func TestKeyedBySeveralNames(t *testing.T) {
	type word struct{ A, B, Text string }
	type words struct {
		Of []word `merge:"keyed=A+B"`
	}
	p := recordPlan(t, merge.Options[words]{})
	a, b := p.NewRecord(), p.NewRecord()
	require.NoError(t, a.Update(writer("eu"), set(func(w *words) { w.Of = []word{{"x+y", "z", "1"}, {"x", "y+z", "2"}} })))
	require.ElementsMatch(t, []string{`Of."\"x+y\"+z".Text`, `Of."x+\"y+z\"".Text`}, changedPaths(b.Explain(a)))

	type twice struct {
		Of []word `merge:"keyed=A+A"`
	}
	_, err := merge.Compile(merge.Options[twice]{})
	require.ErrorContains(t, err, `names the field "A" twice`)
	type none struct {
		Of []word `merge:"keyed=A+C"`
	}
	_, err = merge.Compile(merge.Options[none]{})
	require.ErrorContains(t, err, `has no field "C" that can be a key`)
}

func changedPaths(r merge.Report) []string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, c.Path)
	}
	return out
}
