package merge_test

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/merge"
)

type stringer interface{ String() string }

type sealed struct{ m map[string]int }

func (s sealed) size() int { return len(s.m) }

// compileError returns the error of compiling T with paths.
func compileError[T any](t *testing.T, opts merge.Options[T]) string {
	t.Helper()
	_, err := merge.Compile(opts)
	require.Error(t, err)
	_, ok := errors.AsType[*merge.RuleError](err)
	require.True(t, ok)
	require.PanicsWithValue(t, err.Error(), func() { merge.MustCompile(opts) })
	return err.Error()
}

// TestCompileErrors pins what a wrong tag is told: the type, the field, the
// rule and what would be legal there.
func TestCompileErrors(t *testing.T) {
	type unknown struct {
		Stock int `merge:"sum"`
	}
	type wrongType struct {
		Price float64 `merge:"additive"`
	}
	type badRank struct {
		Tier string `merge:"rank=free"`
	}
	type twice struct {
		Tier string `merge:"rank=a<b<a"`
	}
	type noKey struct {
		Lines []line `merge:"keyed=Code"`
	}
	type unknownOfSeveral struct {
		Lines []line `merge:"keyed=SKU+Code"`
	}
	type keyTwice struct {
		Lines []line `merge:"keyed=SKU+Qty+SKU"`
	}
	type timeByFields struct {
		At time.Time `merge:"fields"`
	}
	type documentSum struct {
		Doc map[string]any `merge:"sum"`
	}
	type notList struct {
		Lines map[string]line `merge:"keyed=SKU"`
	}
	type hidden struct{ note string }
	_ = hidden{note: ""}.note
	_ = sealed{}.size()
	type withLock struct{ Mu sync.Mutex }
	type opaque struct{ State sealed }
	type function struct{ F func() }
	type iface struct{ S stringer }
	type twoRules struct {
		A int `merge:"max,min"`
	}
	type argument struct {
		A int `merge:"max=3"`
	}
	type noArgument struct {
		A string `merge:"rank"`
	}
	type noMerge struct {
		A int `merge:"join"`
	}
	type samePath struct {
		A int `json:"x"`
		B int `merge:"name=x"`
	}
	type keepWhat struct {
		A []string `merge:"set,keep"`
	}
	type nested struct {
		By map[string][]struct {
			N bool `merge:"additive"`
		}
		List []struct {
			ID string
			N  bool `merge:"additive"`
		} `merge:"keyed=ID"`
	}
	type keys struct {
		M map[stringer]int
	}
	for _, tt := range []struct{ name, got, want string }{
		{"unknown rule", compileError(t, merge.Options[unknown]{}), `merge: merge_test.unknown: field Stock: rule "sum": unknown rule; choose one of ` +
			`lww, atomic, first, immutable, max, min, nonzero, additive, group=name, manual, -`},
		{"wrong type", compileError(t, merge.Options[wrongType]{}), `merge: merge_test.wrongType: field Price: rule "additive": does not go with float64; choose one of ` +
			`lww, atomic, first, immutable, max, min, nonzero, group=name, manual, -`},
		{"rank of one", compileError(t, merge.Options[badRank]{}), `merge: merge_test.badRank: field Tier: rule "rank=free": needs at least two values: rank=a<b`},
		{"rank twice", compileError(t, merge.Options[twice]{}), `merge: merge_test.twice: field Tier: rule "rank=a<b<a": lists "a" twice`},
		{"no key", compileError(t, merge.Options[noKey]{}), `merge: merge_test.noKey: field Lines: rule "keyed=Code": merge_test.line has no field "Code" that can be a key; choose one of keyed=SKU, keyed=Qty, keyed=Price`},
		{"no such key of several", compileError(t, merge.Options[unknownOfSeveral]{}), `merge: merge_test.unknownOfSeveral: field Lines: rule "keyed=SKU+Code": merge_test.line has no field "Code" that can be a key; choose one of keyed=SKU, keyed=Qty, keyed=Price`},
		{"one key twice", compileError(t, merge.Options[keyTwice]{}), `merge: merge_test.keyTwice: field Lines: rule "keyed=SKU+Qty+SKU": names the field "SKU" twice`},
		{"time by fields", compileError(t, merge.Options[timeByFields]{}), `merge: merge_test.timeByFields: field At: rule "fields": is one value; choose one of ` +
			`lww, atomic, first, immutable, max, min, nonzero, group=name, manual, -`},
		{"unknown rule of a document", compileError(t, merge.Options[documentSum]{}), `merge: merge_test.documentSum: field Doc: rule "sum": unknown rule; choose one of ` +
			`lww, atomic, first, immutable, max, min, rank=a<b<c, nonzero, additive, union, set, keyed=Field, fields, group=name, manual, join, -`},
		{"not a list", compileError(t, merge.Options[notList]{}), `merge: merge_test.notList: field Lines: rule "keyed=SKU": needs a list of structs, not map[string]merge_test.line; choose one of ` +
			`lww, atomic, first, immutable, nonzero, fields, group=name, manual, -`},
		{"unexported", compileError(t, merge.Options[hidden]{}), `merge: merge_test.hidden: field note: is unexported, so it cannot be merged; choose one of -`},
		{"lock", compileError(t, merge.Options[withLock]{}), `merge: merge_test.withLock: field Mu: rule "lww": sync.Mutex is a lock; choose one of -`},
		{"opaque", compileError(t, merge.Options[opaque]{}), `merge: merge_test.opaque: field State.m: is unexported, so it cannot be merged; choose one of -`},
		{"function", compileError(t, merge.Options[function]{}), `merge: merge_test.function: field F: rule "lww": func() cannot be compared and copied; choose one of -`},
		{"interface", compileError(t, merge.Options[iface]{}), `merge: merge_test.iface: field S: rule "lww": merge_test.stringer is an interface with methods; choose one of -`},
		{"two rules", compileError(t, merge.Options[twoRules]{}), `merge: merge_test.twoRules: field A: rule "max,min": names two rules, max and min`},
		{"argument", compileError(t, merge.Options[argument]{}), `merge: merge_test.argument: field A: rule "max=3": max takes no argument`},
		{"no argument", compileError(t, merge.Options[noArgument]{}), `merge: merge_test.noArgument: field A: rule "rank": needs an argument: rank=a<b<c`},
		{"no Merge", compileError(t, merge.Options[noMerge]{}), `merge: merge_test.noMerge: field A: rule "join": needs a method Merge, as func (x *S) Merge(y *S) or func (x S) Merge(y S) S; choose one of ` +
			`lww, atomic, first, immutable, max, min, nonzero, additive, group=name, manual, -`},
		{"same path", compileError(t, merge.Options[samePath]{}), `merge: merge_test.samePath: field x: two fields have this path; give one of them a name= of its own`},
		{"keep", compileError(t, merge.Options[keepWhat]{}), `merge: merge_test.keepWhat: field A: rule "set,keep": keep goes with keyed or fields`},
		{"nested", compileError(t, merge.Options[nested]{}), `merge: merge_test.nested: field List.*.N: rule "additive": does not go with bool; choose one of ` +
			`lww, atomic, first, immutable, max, min, nonzero, group=name, manual, -`},
		{"map keys", compileError(t, merge.Options[keys]{}), `merge: merge_test.keys: field M: rule "lww": merge_test.stringer has no canonical form as a key or element; choose one of -`},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, tt.got) })
	}
}

// TestOptionErrors is TestCompileErrors for what the options say.
func TestOptionErrors(t *testing.T) {
	type rec struct {
		A    int
		B    int `merge:"max"`
		P    *line
		Doc  map[string]any
		Time time.Time
		None struct{}
	}
	larger := merge.Prefer("larger", cmp.Compare[int])
	field := func(at func(*rec) *int) merge.Options[rec] {
		return merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Field(at, larger)}}
	}
	on := func(r merge.Rule[int]) merge.Options[rec] {
		return merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Field(func(r *rec) *int { return &r.A }, r)}}
	}
	other := 0
	for _, tt := range []struct {
		name string
		opts merge.Options[rec]
		want string
	}{
		{"no such path", merge.Options[rec]{Paths: map[string]string{"C": "max"}}, `field C: rule "max": no field has this path`},
		{"tag and path", merge.Options[rec]{Paths: map[string]string{"B": "min"}}, `field B: rule "max": has a rule in its tag and another in the options`},
		{"tag and field", field(func(r *rec) *int { return &r.B }), `field B: rule "max": has a rule in its tag and another in the options`},
		{"behind a pointer", field(func(r *rec) *int { return &r.P.Qty }), `rule "larger": the accessor given to Field panics on a zero merge_test.rec`},
		{"elsewhere", field(func(*rec) *int { return &other }), `rule "larger": the accessor given to Field returns no address inside merge_test.rec`},
		{"wrong type by path", merge.Options[rec]{Paths: map[string]string{"Time": "union"}}, `field Time: rule "union": does not go with time.Time`},
		{"not for documents", merge.Options[rec]{Paths: map[string]string{"Doc.a": "join"}}, `a: join is not for documents; choose one of lww`},
		{"no size", merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Field(func(r *rec) *struct{} { return &r.None }, merge.Join("j", func(a, _ struct{}) struct{} { return a }))}}, "has no size"},
		{"two of a type", merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Type[rec](larger), merge.Type[rec](larger)}}, "int has two rules"},
		{"inside one value", merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Type[rec](merge.Join("or", func(a, _ int8) int8 { return a }))}}, "applies to no field: every int8 is inside"},
		{"nil compare", on(merge.Prefer[int]("larger", nil)), `merge: merge_test.rec: field A: rule "larger": Prefer was given a nil function`},
		{"nil join", on(merge.Join[int]("or", nil)), `field A: rule "or": Join was given a nil function`},
		{"nil func", on(merge.Func[int]("ask", nil).Always()), `field A: rule "ask": Func was given a nil function`},
		{"no name", on(merge.Prefer("", cmp.Compare[int])), `field A: Prefer was given no name`},
		{"zero rule", on(merge.Rule[int]{}), `field A: Rule[int] is zero; make one by Prefer, Join or Func`},
		{"zero rule, always", on(merge.Rule[int]{}.Always()), `field A: Rule[int] is zero`},
		{"zero rule of a type", merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Type[rec](merge.Rule[int]{})}}, `for int: Rule[int] is zero`},
		{"nil function of a type", merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Type[rec](merge.Join[int]("or", nil))}}, `rule "or": for int: Join was given a nil function`},
		{"no rule", merge.Options[rec]{Overrides: []merge.Override[rec]{{}}}, "an override without a rule"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Contains(t, compileError(t, tt.opts), tt.want) })
	}
	_, err := merge.Compile(merge.Options[rec]{Paths: map[string]string{`a."b`: "max"}})
	require.ErrorContains(t, err, `path "a.\"b" has an open quote`)
	for paths, want := range map[[2]string]string{
		{"A", "sum"}:     `merge: merge_test.rec: path "A": unknown rule "sum"; choose one of lww, atomic`,
		{"A", ""}:        `path "A": unknown rule ""; choose one of lww`,
		{"A", "name=x"}:  `path "A": unknown rule "name=x"; choose one of lww`,
		{"A", "max=3"}:   `path "A": rule "max=3": max takes no argument`,
		{`"A"b`, "max"}:  `path "\"A\"b" has text after a quote`,
		{"A..b", "max"}:  `path "A..b" has an empty name`,
		{"A.", "max"}:    `path "A." has an empty name`,
		{"", "max"}:      `path "" has an empty name`,
		{"Doc.*", "sum"}: `path "Doc.*": unknown rule "sum"`,
	} {
		_, err = merge.Compile(merge.Options[rec]{Paths: map[string]string{paths[0]: paths[1]}})
		require.ErrorContains(t, err, want)
	}
	opts := on(merge.Rule[int]{})
	opts.Overrides = append(opts.Overrides, merge.Override[rec]{}, merge.Type[rec](larger), merge.Type[rec](larger), field(func(*rec) *int { return &other }).Overrides[0], on(larger).Overrides[0])
	_, err = merge.Compile(opts)
	for _, want := range []string{"Rule[int] is zero", "an override without a rule", "int has two rules", "returns no address inside", `field A: rule "larger": has two overrides`} {
		require.ErrorContains(t, err, want, "all that is wrong is told at once")
	}
}

// An inside is embedded, and has what is promoted.
type inside struct {
	ID   string
	Tags []string
}

type Outside struct{ Code string }

// TestCompileTellsAll: one mistake does not hide those after it, nor the fields.
func TestCompileTellsAll(t *testing.T) {
	type wrong struct {
		_      int
		hidden int `merge:"-"`
		First  int `merge:"sum"`
		second int
		votes
		Third  int    `merge:"max=3"`
		Fourth string `merge:"name=First"`
		Last   func()
	}
	_ = wrong{}.hidden + wrong{}.second
	got := compileError(t, merge.Options[wrong]{})
	for _, want := range []string{
		`field First: rule "sum": unknown rule`, `field second: is unexported`, `field votes: is an embedded unexported type that cannot be merged field by field`, `field Third: rule "max=3": max takes no argument`,
		`field Last: rule "lww": func() cannot be compared`,
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "hidden")
	type right struct {
		_      int
		hidden int `merge:"-"`
		inside
		Outside
		Lines []struct {
			Func  func() `merge:"-"`
			Names []string
			*Outside
			inside
			Key string
		} `merge:"name=l,keep,keyed=ID"`
		Last int `merge:"name=z,max"`
	}
	_ = right{}.hidden
	p := merge.MustCompile(merge.Options[right]{})
	require.Equal(t, `ID                lww
Tags              atomic
Code              lww
l                 keyed=ID,keep
l.*.Func          -
l.*.Names         atomic
l.*.Outside.Code  lww
l.*.ID            lww
l.*.Tags          atomic
l.*.Key           lww
z                 max
`, p.String())
	type promoted struct {
		Lines []struct {
			*Outside
			Tags []string
			N    int
		} `merge:"keyed=Code"`
	}
	require.Contains(t, compileError(t, merge.Options[promoted]{}), `has no field "Code" that can be a key; choose one of keyed=N`)
}

// TestCompileChoices: where no rule can merge a type as a whole, only those are told that go into it.
func TestCompileChoices(t *testing.T) {
	type opaque struct{ F func() }
	type struct1 struct {
		V opaque `merge:"keyed=F"`
	}
	type struct2 struct {
		V map[string]func() `merge:"max"`
	}
	type struct3 struct {
		V map[string]int `merge:"join"`
	}
	type struct4 struct {
		V []line `merge:"sum"`
	}
	type struct5 struct {
		V []plainStamp `merge:"sum"`
	}
	type struct6 struct {
		V *opaque `merge:"join"`
	}
	type struct7 struct {
		V *int `merge:"sum"`
	}
	type struct8 struct {
		V **int `merge:"additive"`
	}
	type struct9 struct {
		V []byte `merge:"set"`
	}
	const whole = "lww, atomic, first, immutable, "
	require.Contains(t, compileError(t, merge.Options[struct1]{}), "choose one of fields, -")
	require.Contains(t, compileError(t, merge.Options[struct2]{}), "choose one of -")
	require.Contains(t, compileError(t, merge.Options[struct3]{}), "choose one of "+whole+"nonzero, fields, group=name, manual, -")
	require.Contains(t, compileError(t, merge.Options[struct4]{}), "choose one of "+whole+"nonzero, union, set, keyed=Field, group=name, manual, -")
	require.Contains(t, compileError(t, merge.Options[struct5]{}), "choose one of "+whole+"nonzero, union, set, group=name, manual, -")
	require.Contains(t, compileError(t, merge.Options[struct6]{}), "choose one of fields, -")
	require.Contains(t, compileError(t, merge.Options[struct7]{}), "choose one of "+whole+"max, min, nonzero, additive, group=name, manual, -")
	require.Contains(t, compileError(t, merge.Options[struct8]{}), "does not go with **int; choose one of "+whole+"nonzero, group=name, manual, -")
	require.Contains(t, compileError(t, merge.Options[struct9]{}), "does not go with []uint8; choose one of "+whole+"nonzero, group=name, manual, -")
}

// TestPlanString lists the rules of a plan, those of what is in a document too.
func TestPlanString(t *testing.T) {
	type rec struct {
		Doc   map[string]any
		Lines []line `merge:"keyed=SKU,keep"`
		Gone  int    `merge:"-"`
	}
	p := merge.MustCompile(merge.Options[rec]{Paths: map[string]string{
		"Doc": "fields,keep", "Doc.a.b": "max", `Doc."a.b"`: "set", "Doc.*.n": "additive", "Doc.l": "keyed=k", "Doc.l.*": "fields,keep", "Lines.*.Price": "max",
	}})
	require.Equal(t, `Doc            fields,keep
Doc.a.b        max
Doc."a.b"      set
Doc.l          keyed=k
Doc.l.*        fields,keep
Doc.*.n        additive
Lines          keyed=SKU,keep
Lines.*.SKU    lww
Lines.*.Qty    additive
Lines.*.Price  max
Gone           -
`, p.String())
	require.False(t, p.Custom())
	require.Zero(t, p.Fingerprint(), "it is for no records")
	custom := merge.MustCompile(merge.Options[rec]{Overrides: []merge.Override[rec]{merge.Type[rec](merge.Prefer("larger", cmp.Compare[int64]))}})
	require.True(t, custom.Custom())
}

// TestCustom puts each kind of custom rule on fields, on a type, and on the
// entries of a map.
func TestCustom(t *testing.T) {
	type stock struct {
		Price  money
		Notes  string
		Bits   uint8
		Budget int
		ByShop map[string]money
	}
	var calls []string
	budget := merge.Func("budget", func(c merge.Case[int]) (int, error) {
		calls = append(calls, c.Path)
		if c.Base == nil {
			return 0, errors.New("no base")
		}
		total := *c.Base
		for i, s := range c.Sides {
			if i > 0 && c.Sides[i-1].Stamp.Before(s.Stamp) {
				return 0, errors.New("sides are newest first")
			}
			total += s.Value - *c.Base
		}
		return total, nil
	})
	opts := func(budget merge.Rule[int]) merge.Options[stock] {
		return merge.Options[stock]{Overrides: []merge.Override[stock]{
			merge.Type[stock](merge.Prefer("dearer", money.Compare)),
			merge.Field(func(s *stock) *uint8 { return &s.Bits }, merge.Join("or", func(a, b uint8) uint8 { return a | b })),
			merge.Field(func(s *stock) *int { return &s.Budget }, budget),
		}}
	}
	p := merge.MustCompile(opts(budget))
	require.Equal(t, "Price     dearer\nNotes     lww\nBits      or\nBudget    budget\nByShop    fields\nByShop.*  dearer\n", p.String())
	base := stock{Price: money{5}, Bits: 1, Budget: 10, ByShop: map[string]money{"a": {1}}}
	one, two := base, base
	one.Price, one.Bits, one.Budget, one.ByShop = money{9}, 3, 8, map[string]money{"a": {4}}
	two.Price, two.Bits, two.Budget, two.ByShop = money{7}, 5, 7, map[string]money{"a": {3}, "b": {2}}
	got := merge2(t, p, &base, one, two)
	require.Equal(t, stock{Price: money{9}, Bits: 7, Budget: 5, ByShop: map[string]money{"a": {4}, "b": {2}}}, got)
	require.Equal(t, []string{"Budget", "Budget"}, calls)

	calls = nil
	two.Budget = 8
	require.Equal(t, 8, merge2(t, p, &base, one, two).Budget, "agreeing changes are not asked about")
	require.Empty(t, calls)
	require.Equal(t, 6, merge2(t, merge.MustCompile(opts(budget.Always())), &base, one, two).Budget)

	calls = nil
	alone, err := merge.MustCompile(opts(budget.Always())).Merge(nil, merge.Side[stock]{Value: one, Stamp: stamp(1, "a")})
	require.NoError(t, err)
	require.Equal(t, one, alone, "one version is nothing to decide")
	require.Empty(t, calls)

	two.Budget = 7
	out, report, err := p.Explain(nil, merge.Side[stock]{Value: one, Stamp: stamp(1, "a")}, merge.Side[stock]{Value: two, Stamp: stamp(2, "b")})
	conflict, ok := errors.AsType[*merge.ConflictError](err)
	require.True(t, ok)
	require.EqualError(t, err, "merge: conflict: Budget: no base")
	require.Equal(t, report, conflict.Report)
	require.Equal(t, 7, out.Budget, "provisional: the newest")
}

// TestCheck falls back to the newest side that passes.
func TestCheck(t *testing.T) {
	type span struct{ From, To int }
	opts := merge.Options[span]{Check: func(s *span) error {
		if s.From > s.To {
			return fmt.Errorf("from %d is after to %d", s.From, s.To)
		}
		return nil
	}}
	p := merge.MustCompile(opts)
	base := span{3, 5}
	early, late := merge.Side[span]{Value: span{3, 4}, Stamp: stamp(1, "a")}, merge.Side[span]{Value: span{5, 5}, Stamp: stamp(2, "b")}
	got, report, err := p.Explain(&base, late, early)
	require.NoError(t, err)
	require.Equal(t, span{5, 5}, got)
	require.Equal(t, "from 5 is after to 4", report.Check)
	require.Equal(t, merge.Fallback, report.Changes[1].Outcome)
	require.True(t, report.Changes[1].Candidates[0].Lost)

	broken := merge.Side[span]{Value: span{9, 5}, Stamp: stamp(3, "c")}
	got, err = p.Merge(&base, early, broken, late)
	require.NoError(t, err)
	require.Equal(t, span{5, 5}, got, "a side that fails is passed over")

	got, err = p.Merge(&base, broken)
	require.EqualError(t, err, "merge: conflict: check failed: from 9 is after to 5")
	require.Equal(t, span{9, 5}, got)

	opts.Paths = map[string]string{"From": "additive"}
	_, err = merge.MustCompile(opts).Merge(&base, late, early)
	require.EqualError(t, err, "merge: conflict: check failed: from 5 is after to 4", "no side alone holds what both added")
}

// TestCheckOfADocument: rules that add nothing up leave a whole side as a way out, and one that does not, in a
// document as well.
func TestCheckOfADocument(t *testing.T) {
	for rule, falls := range map[string]bool{"max": true, "set": true, "manual": true, "additive": false} {
		for _, path := range []string{"V.a.b", "V.*.b", "V.a"} {
			p := merge.MustCompile(merge.Options[box[map[string]any]]{Paths: map[string]string{path: rule}, Check: func(b *box[map[string]any]) error {
				if len(b.V) > 1 {
					return errors.New("too many")
				}
				return nil
			}})
			got, err := p.Merge(&box[map[string]any]{}, merge.Side[box[map[string]any]]{Value: box[map[string]any]{map[string]any{"x": 1}}, Stamp: stamp(1, "a")}, merge.Side[box[map[string]any]]{Value: box[map[string]any]{map[string]any{"y": 1}}, Stamp: stamp(2, "b")})
			require.Equal(t, falls, err == nil, "%s of %s", rule, path)
			if falls {
				require.Equal(t, map[string]any{"y": 1}, got.V)
			}
		}
	}
}

// TestTypeReach puts a rule for a type in force for fields and entries, not for
// pointers and elements of keyed lists.
func TestTypeReach(t *testing.T) {
	type part struct{ ID, N int }
	type whole struct {
		Field part
		Map   map[string]part
		Ref   *part
		List  []part `merge:"keyed=ID"`
	}
	type list struct {
		List []part `merge:"keyed=ID"`
	}
	larger := merge.Prefer("larger", func(a, b part) int { return a.N - b.N })
	p, err := merge.Compile(merge.Options[whole]{Overrides: []merge.Override[whole]{merge.Type[whole](larger)}})
	require.NoError(t, err)
	require.Regexp(t, `(?s)Field +larger\n.*Map\.\* +larger\nRef +lww\n.*List\.\*\.N +lww\n`, p.String())
	_, err = merge.Compile(merge.Options[list]{Overrides: []merge.Override[list]{merge.Type[list](larger)}})
	require.ErrorContains(t, err, "is an element of a keyed list")
}
