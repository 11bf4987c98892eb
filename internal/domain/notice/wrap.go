package notice

import (
	"strings"
	"unicode/utf8"
)

// Wrapped breaks a paragraph between its words into lines of at most width characters; a longer word stays whole.
func Wrapped(paragraph string, width int) string {
	var out strings.Builder
	column := 0
	for word := range strings.FieldsSeq(paragraph) {
		length := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+length > width:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += length
	}
	return out.String()
}
