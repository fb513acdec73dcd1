package mergetest

import (
	"cmp"
	"reflect"
	"strconv"
	"strings"

	"github.com/rejoin-go/rejoin/internal/value"
)

// compareText orders by length first, as people order what is simple.
func compareText(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }

// changes tells how v became w, as in "Stock 0 → 2, Tags nil → [x]".
func changes(v, w any) string {
	var all []string
	differences(reflect.ValueOf(v), reflect.ValueOf(w), "", &all)
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// differences lists the exported fields in which v and w, of one type, differ.
func differences(v, w reflect.Value, path string, all *[]string) {
	if (printer{key: true}).text(v, 0) == (printer{key: true}).text(w, 0) {
		return
	}
	join := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	n := len(*all)
	switch {
	case v.Kind() == reflect.Struct && !marshals(v.Type()):
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				differences(v.Field(i), w.Field(i), join(f.Name), all)
			}
		}
	case v.Kind() == reflect.Pointer && !v.IsNil() && !w.IsNil() && !value.CodecOf(v.Type()).Encodes():
		differences(v.Elem(), w.Elem(), path, all)
	case v.Kind() == reflect.Slice && v.Len() == w.Len():
		for i := range v.Len() {
			differences(v.Index(i), w.Index(i), join(strconv.Itoa(i)), all)
		}
	}
	if len(*all) == n {
		*all = append(*all, strings.TrimSpace(path+" "+printer{}.text(v, 0)+" → "+printer{}.text(w, 0)))
	}
}
