package value

import (
	"cmp"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// A decimal is the value of a number: digits × 10^exp, the digits without
// zeros at either end. Zero has no digits.
type decimal struct {
	class  int8 // NaN, −Inf, finite, +Inf in this order
	neg    bool
	digits string
	exp    int64
}

const (
	classNaN int8 = iota
	classMinusInf
	classFinite
	classPlusInf
)

// maxExponent bounds the exponent of a json.Number.
const maxExponent = 1 << 30

// DecimalOf returns the value of a number of any of the types that
// [documentKind] takes for one. It reports false for a json.Number that is
// malformed or out of range.
func DecimalOf(x any) (decimal, bool) { //nolint:revive // callers compare it, and need not name its type
	switch x := x.(type) {
	case float64:
		return decimalOfFloat(x, 64), true
	case float32:
		return decimalOfFloat(float64(x), 32), true
	case json.Number:
		if !validNumber(string(x)) {
			return decimal{}, false
		}
		return parseDecimal(string(x))
	}
	v := reflect.ValueOf(x)
	if v.CanInt() {
		return parseDecimal(strconv.FormatInt(v.Int(), 10))
	}
	return parseDecimal(strconv.FormatUint(v.Uint(), 10))
}

// validNumber reports whether s is a number in JSON.
func validNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s)) && strings.TrimSpace(s) == s
}

func decimalOfFloat(f float64, size int) decimal {
	switch {
	case math.IsNaN(f):
		return decimal{class: classNaN}
	case math.IsInf(f, -1):
		return decimal{class: classMinusInf}
	case math.IsInf(f, 1):
		return decimal{class: classPlusInf}
	}
	d, _ := parseDecimal(strconv.FormatFloat(f, 'e', -1, size))
	return d
}

// parseDecimal parses a number in JSON or as [strconv.FormatFloat] writes it.
func parseDecimal(s string) (decimal, bool) {
	d := decimal{class: classFinite}
	s, d.neg = strings.CutPrefix(s, "-")
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exp, err := strconv.ParseInt(s[i+1:], 10, 64)
		if err != nil || exp > maxExponent || exp < -maxExponent {
			return decimal{}, false
		}
		s, d.exp = s[:i], exp
	}
	whole, frac, _ := strings.Cut(s, ".")
	d.exp -= int64(len(frac))
	s = strings.TrimLeft(whole+frac, "0")
	d.digits = strings.TrimRight(s, "0")
	d.exp += int64(len(s) - len(d.digits))
	if d.digits == "" {
		return decimal{class: classFinite}, true
	}
	return d, true
}

func (d decimal) Compare(e decimal) int {
	sign := func(d decimal) int {
		switch {
		case d.digits == "":
			return 0
		case d.neg:
			return -1
		}
		return 1
	}
	if c := cmp.Or(cmp.Compare(d.class, e.class), cmp.Compare(sign(d), sign(e))); c != 0 {
		return c
	}
	// Magnitudes as 0.digits × 10^(len+exp).
	c := cmp.Or(cmp.Compare(int64(len(d.digits))+d.exp, int64(len(e.digits))+e.exp), cmp.Compare(d.digits, e.digits))
	return c * sign(d)
}

func (d decimal) String() string {
	switch {
	case d.class != classFinite:
		return [...]string{classNaN: "NaN", classMinusInf: "-Inf", classPlusInf: "+Inf"}[d.class]
	case d.digits == "":
		return "0"
	}
	s := d.digits
	if d.neg {
		s = "-" + s
	}
	if d.exp != 0 {
		s += "e" + strconv.FormatInt(d.exp, 10)
	}
	return s
}

// Integer returns the value of d if it is an integer that fits an int64.
func (d decimal) Integer() (int64, bool) {
	if d.class != classFinite || d.exp < 0 || int64(len(d.digits))+d.exp > 19 {
		return 0, false
	}
	s := d.digits + strings.Repeat("0", int(d.exp))
	if d.neg {
		s = "-" + s
	}
	v, err := strconv.ParseInt(cmp.Or(s, "0"), 10, 64)
	return v, err == nil
}
