// Package merge merges versions of one record field by field.
//
// A [Plan] is compiled once from the struct tags of a type and merges plain
// values: structs, maps, and documents as encoding/json makes them. Each field
// has a rule, which its tag names:
//
//	type Profile struct {
//		Name  string                            // lww: the newest change wins
//		Email string    `merge:"group=contact"` // these two move together
//		Phone string    `merge:"group=contact"`
//		Tier  string    `merge:"rank=free<pro<team"`
//		Since time.Time `merge:"min"`
//		Tags  []string  `merge:"set"`
//		Prefs map[string]string                 // key by key
//	}
//
//	var profiles = merge.MustCompile(merge.Options[Profile]{})
//
//	merged, err := profiles.Merge(&base, merge.Side[Profile]{eu, euStamp}, merge.Side[Profile]{us, usStamp})
//
// Use it where versions of one record meet, with the version that they were
// made from at hand or without it. Merge all of them in one call: each has but
// one stamp, so that once two are merged, an old field has the stamp of a new
// one. Where merges follow upon merges, or nobody has the ancestor, each field
// needs a stamp of its own: that is a [Record], the same struct and tags as a
// replicated value.
//
// # Rules
//
// A tag holds one rule, and after a comma name= for the name of the field in
// paths, by default that in JSON or in Go, and for keyed and fields keep, with
// which a changed element, entry or struct behind a pointer survives a delete
// that had not seen the change.
//
//	lww        the newest change wins; what most fields have without a tag
//	atomic     the same for lists, maps and structs, as one value; lists have it without a tag
//	first      what was set first stays
//	immutable  the same, and a second value needs a person
//	max, min   the largest or smallest change; of numbers, strings, times, and what has an order
//	rank=a<b   the change that stands furthest to the right; of strings
//	nonzero    the newest change that is not zero
//	additive   all changes add up; of integers, what has a sum, and pointers to them
//	union      lists as sets that only grow
//	set        lists as sets: additions and removals both count
//	keyed=F    lists of structs, element by element, by the key in their field F, or in several: keyed=F+G
//	fields     structs, maps, and documents, part by part; what these have without a tag
//	group=g    the fields of one group move together
//	manual     a person decides
//	join       by the type's own Merge; what types with that method have without a tag
//	-          not merged, zero in the result
//
// A type has an order by its method Compare; a program hands an order or a sum
// over for it to package [github.com/rejoin-go/rejoin/vclock/content]:
// decimals, [math/big.Int], amounts of several currencies. Custom rules are
// [Prefer], [Join] and [Func].
//
// This table says what each rule makes of changes since the base, sides being
// ordered by their stamps and then by value. Changed means different from the
// base; without a base every side counts as changed. At a mark ! a person has
// to decide and the value is provisional. One deleted is the case of an entry
// of a map, an element of a list, or a struct behind a pointer that one side
// deletes and another changes.
//
//	rule       one side changed     all agree            they differ          one deleted  base unknown         Plan
//	lww        taken                taken                newest               newer        newest               UI
//	atomic     taken                taken                newest               newer        newest               UI
//	group      taken                taken                newest               deleted      newest               UI
//	first      base, else taken     base, else taken     base, else oldest    deleted      oldest
//	immutable  base!, else taken    base!, else taken    base!, else oldest!  deleted      equal, else oldest!
//	max        taken                taken                largest              deleted      largest              UIF
//	min        taken                taken                smallest             deleted      smallest             UIF
//	rank       taken                taken                highest              deleted      highest              UIF
//	nonzero    taken unless zero    taken unless zero    newest unless zero   deleted      newest unless zero
//	additive   taken                summed               summed               deleted      equal, else newest!  UF
//	union      united               united               united               deleted      united               F
//	set        taken                taken                three-way            deleted      united               UIF
//	keyed      by element           by element           by element           deleted      united               UI
//	fields     by field             by field             by field             deleted      by field             UI
//	manual     taken                taken                newest!              deleted      equal, else newest!  UI
//	join       joined               joined               joined               deleted      joined               IF
//	Prefer     taken                taken                largest              deleted      largest              UIF
//	Join       joined               joined               joined               deleted      joined               IF
//	Func       taken                taken                asked                deleted      asked                UI
//	-          zero                 zero                 zero                 deleted      zero                 F
//
// Base and zero stand for values, set for not zero; zero is the zero value, an
// empty list or map, the zero time. For equal see below: the same instant in
// another zone is no change, and the zone of the result depends on the stamps.
// No rule depends on the order of sides, however many. The letters under Plan
// say what else holds for a merge m with one base b:
//
//	U  m(b, b, x) = x: what one side did not touch is as the other left it
//	I  m(b, x, x) = x: changes that agree are one change
//	F  m(b, x, y, z) = m(b, m(b, x, y), z): merging two by two is merging at once
//
// Rules without F decide by stamps, and a version has but one. Additive lacks I
// on purpose: of a stock of 10 two shops sell 2 each and both say 8, and 6 are
// left. It needs the latest common ancestor as the base. A keyed list in which
// two elements have one key is one value for this merge: the change of one side
// is taken, and between two that differ a person decides. All else merges.
//
// # Rules in a Record
//
// A record needs no base: it knows who wrote what, and when. This table says
// what shows when replicas that do not know of each other's writes have written
// over what all had seen. At a mark ! [Record.Check] wants a person. Where the
// table has deleted, a form saved late gets a [*StaleError] from
// [Record.Apply]. Refused are writes that could not show: nothing is written,
// with a [*WriteError].
//
//	rule       one wrote   both the same  they differ  one deleted  refused                 Merge
//	lww        taken       taken          newest       newer                                join
//	atomic     taken       taken          newest       newer                                join
//	group      taken       taken          newest       deleted                              join
//	first      taken       taken          oldest       deleted      zero, or set already    join
//	immutable  taken       taken          oldest!      deleted      zero, or set already    join
//	max        taken       taken          largest      deleted      smaller                 join
//	min        taken       taken          smallest     deleted      larger                  join
//	rank       taken       taken          highest      deleted      lower, or not listed    join
//	nonzero    taken       taken          newest       deleted      zero                    join
//	additive   summed      summed         summed       deleted      more than the type has  join
//	union      united      united         united       deleted      with less in it         join
//	set        taken       taken          three-way    deleted                              join
//	keyed      by element  by element     by element   deleted      with one key twice      join
//	fields     by field    by field       by field     deleted                              join
//	manual     taken       taken          newest!      deleted                              join
//	join       joined      joined         joined       deleted      with less in it         join
//	Prefer     taken       taken          largest      deleted      smaller                 join
//	Join       joined      joined         joined       deleted      with less in it         join
//	Func                                                                                    refused
//	-          zero        zero           zero         deleted                              join
//
// With keep, what one deletes and another changes is there, whole, as long as a
// change shows that no delete had seen. To add something to a set or list in it
// is a change, to remove something is none. What is made again after a delete
// is another one: a change of the old one that arrives later loses, and is
// reported. Such a delete leaves the bytes until [Record.CompactRows]: do not
// keep what must be gone at once. A kept map of plain values is stored as rows,
// so it gets or loses keep under another name; elsewhere keep comes and goes as
// those say who delete.
//
// For every rule with join under Merge, [Record.Merge] is commutative,
// associative and idempotent, whatever was written and deleted in whatever
// order, so that F holds where a plan does not have it; and a write that is not
// refused reads back. Three-way is what a plan makes of it with the base that
// all had seen. A [Func] needs a base. A document in a record is one value,
// with rule atomic: where its objects come and go, merging by key would leave
// halves of what was deleted. Give what has to merge within it a field of its
// own, or a map of structs.
//
// # Values and documents
//
// Nil is a value of its own for pointers, and for slices and maps that are
// merged as a whole; a list or map that is merged by parts is the same empty
// and nil, and in the result nil only if it is in every side. Zero values win
// like others, but for nonzero. Floats are compared by their bits, so that NaN
// equals itself; for max and min, NaN and nil lose to every other value. Times
// are compared as instants, and lose their monotonic reading; in a key of a map
// they are in UTC without one, and a key that marshals itself comes back equal.
// As a key or element −0 is 0. A struct that marshals itself, or is a
// [database/sql/driver.Valuer], is one value unless its tag says fields. An
// element or entry that is known to be absent from the base is merged against
// zeros.
//
// A record keeps what package vclock/content says: −0 reads 0, a time keeps its
// zone, and the type of a struct, list or map that is one value may change.
// [Record.Check] has a [*github.com/rejoin-go/rejoin/vclock/content.ValueError]
// of each that cannot be read.
//
// A map[string]any, as T or in a field, and a field of type any, are documents:
// objects are merged by key, at any depth, arrays as one value unless
// [Options.Paths] says otherwise. Numbers are compared by the shortest decimal
// text that leads back to them, as in JSON, whatever their types: an integer
// above 2⁵³ is not what became of it as a float64. Of an object and something else at one place, the newest whole value
// wins. What else YAML or a program puts there, such as a []string or a
// [time.Time], is refused with a [*DocumentError]: [Document] converts it.
//
// # Encodings
//
// Equal records of one plan have equal bytes, laid out as in FORMAT.md in the
// root of the module. Decoders of records and tokens accept exactly what encoders
// write, JSON in any order of members and with any white space, and keep what the
// plan does not know. On an error, which wraps [ErrVersion], [ErrType] or
// [ErrDamaged], they leave the receiver as it was. JSON null changes nothing.
// Encoders return an error only where a comment says so.
package merge
