package merge

// Options say what the tags of T do not.
type Options[T any] struct {
	// Overrides are custom rules for fields and types, by [Field] and [Type].
	Overrides []Override[T]
	// Paths gives rules by path, in the syntax of the tag: for documents and for types
	// whose tags one cannot write. A star stands for any key of a map, any element of
	// a keyed list, and any key of an object that has no rule of its own there.
	Paths map[string]string
	// Check reports what is wrong with a merged value as a whole: [Plan.Merge] then
	// falls back to the newest side that passes. It must not modify its argument and
	// must depend on nothing else. Nil means that every value is right.
	Check func(*T) error
	// Record says that the plan is for records too: [Compile] then refuses what a
	// [Record] cannot carry, and [Plan.NewRecord] makes records.
	Record bool
}
