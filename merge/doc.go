// Package merge merges versions of one record field by field.
//
// A [Plan] is compiled once from the struct tags of a type and merges plain
// values: structs, maps, and documents as encoding/json makes them. Each field
// has a rule, which a tag names:
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
// Use it where versions of a value meet that descend from a version one still
// has, or at least from one another's times. Merge all of them in one call; if
// merges follow upon merges, the stamps of single fields are needed.
package merge
