package example

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Width is that of the terminal that text is made for.
const Width = 100

// Short cuts s to at most n runes.
func Short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// Plural returns n and the noun, in the plural unless n is 1.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Wrap writes head and text in lines of at most [Width] columns, the further ones
// indented by the width of head. A word that is longer stays whole.
func Wrap(b *strings.Builder, head, text string) {
	column := utf8.RuneCountInString(head)
	indent := strings.Repeat(" ", column)
	b.WriteString(head)
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > Width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += n
	}
	b.WriteString("\n")
}

// Row writes one row of a table. Each cell is one or more lines of text; the
// first column is of width first, and the others share the rest of the terminal.
func Row(b *strings.Builder, first int, cells ...[]string) {
	column := (Width - first) / (len(cells) - 1)
	for i := range slices.MaxFunc(cells, func(x, y []string) int { return len(x) - len(y) }) {
		var line strings.Builder
		for j, c := range cells {
			text, w := "", column
			if j == 0 {
				w = first
			}
			if i < len(c) {
				text = Short(c[i], w-2)
			}
			line.WriteString(text + strings.Repeat(" ", w-utf8.RuneCountInString(text)))
		}
		fmt.Fprintln(b, strings.TrimRight(line.String(), " "))
	}
}
