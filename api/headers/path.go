package headers

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// PlainPath tells whether everybody who reads a URL's path reads the same: it hides no separator in
// an escape, has no segment that stands for another one, and is text.
func PlainPath(u *url.URL) bool {
	escaped := strings.ToLower(u.EscapedPath())
	if strings.Contains(escaped, "%2f") || strings.Contains(escaped, "%5c") || strings.ContainsAny(u.Path, "\\\x00") || !utf8.ValidString(u.Path) {
		return false
	}
	segments := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	if last := len(segments) - 1; segments[last] == "" {
		segments = segments[:last] // the path ends with a separator
	}
	return !slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
}
