package ses

import (
	"net"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/unicode/norm"
)

// oneLine makes s fit for a header or a greeting: line ends and other spaces
// become single spaces, and invisible characters are removed, except for the joiners
// of some scripts and many emoji.
func oneLine(s string) string {
	runes := []rune(s)
	flags := flagTags(runes)
	clean := make([]rune, 0, len(runes))
	for i, r := range runes {
		switch {
		case unicode.IsSpace(r) || r == '\u2800': // the Braille pattern without dots
			clean = append(clean, ' ')
		case !invisible(r) || flags[i]:
			clean = append(clean, r)
		}
	}
	words := strings.Fields(string(clean))
	for i, word := range words {
		words[i] = strings.TrimFunc(word, isJoiner) // joiners at the ends join nothing
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// invisible reports whether a character shows nothing: controls, those that change
// the direction of text, fillers, and replacements of broken text.
func invisible(r rune) bool {
	if isJoiner(r) || unicode.Is(unicode.Prepended_Concatenation_Mark, r) { // the latter are signs over numbers
		return false
	}
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

func isJoiner(r rune) bool { return unicode.Is(unicode.Join_Control, r) }

// flagTags marks the invisible letters after a black flag that make it the flag
// of a region, such as Wales.
func flagTags(runes []rune) map[int]bool {
	const blackFlag, firstTag, lastTag, endTag = '\U0001F3F4', '\U000E0020', '\U000E007E', '\U000E007F'
	marked := make(map[int]bool)
	for i, r := range runes {
		if r != blackFlag {
			continue
		}
		end := i + 1
		for end < len(runes) && runes[end] >= firstTag && runes[end] <= lastTag {
			end++
		}
		if end > i+1 && end < len(runes) && runes[end] == endTag {
			for j := i + 1; j <= end; j++ {
				marked[j] = true
			}
		}
	}
	return marked
}

// shorten cuts s to at most limit characters, with an ellipsis if it did.
func shorten(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	cut := strings.TrimRightFunc(string(runes[:limit-1]), func(r rune) bool { return unicode.IsSpace(r) || isJoiner(r) })
	return cut + "…"
}

// maxNameRunes keeps an absurdly long name from filling the whole e-mail.
const maxNameRunes = 80

// greetingName is a vendor's name for the greeting; empty if there is
// none, or if a mail program could turn a part of it into a link:
// anybody can register any address under any name, and the e-mail is ours.
func greetingName(name string) string {
	clean := oneLine(name)
	if clickable(clean) {
		return ""
	}
	return shorten(clean, maxNameRunes)
}

var (
	// linkMarks match what mail programs turn into links anywhere: URLs,
	// addresses of other kinds, network shares, e-mail addresses.
	linkMarks = regexp.MustCompile(`(?i)://|\bwww\.|\\\\|\b(mailto|tel|sms|callto|facetime|sips?|xmpp|webcal|feed|itms(?:-\w+)?|intent|viber|tg|skype|whatsapp|bitcoin|magnet|geo|data|javascript|file|news):\S|\S@[^\s@]+\.[^\s@]`)
	// dotted matches possible hosts: words with dots within, and what follows them.
	dotted = regexp.MustCompile(`([\p{L}\p{N}\p{M}_-]+(?:\.[\p{L}\p{N}\p{M}_-]+)+)\.?(:\d+|[/?#]\S)?`)
	// phone matches a run of digits with their separators.
	phone = regexp.MustCompile(`\+?\p{Nd}[\p{Nd}\s()./\p{Pd}]*\p{Nd}`)
)

// leastPhone is how many digits a mail program on a phone takes for a phone number.
const leastPhone = 7

// clickable reports whether a mail program could turn a part of a text into a link.
func clickable(text string) bool {
	// As a browser reads it: with other widths and full stops, and without joiners.
	text = strings.Map(func(r rune) rune {
		switch {
		case isJoiner(r):
			return -1
		case r == '。':
			return '.'
		}
		return r
	}, norm.NFKC.String(text))
	if linkMarks.MatchString(text) {
		return true
	}
	for _, found := range dotted.FindAllStringSubmatch(text, -1) {
		if isHost(found[1], found[2] != "") {
			return true
		}
	}
	return slices.ContainsFunc(phone.FindAllString(text, -1), func(run string) bool {
		return countDigits(run) >= leastPhone
	})
}

// isHost reports whether words with dots within are a host, or begin with one: because of what follows them,
// because one is a top-level domain, or because they are an IP address.
func isHost(words string, continued bool) bool {
	parts := strings.Split(words, ".")
	top := parts[len(parts)-1]
	switch {
	case net.ParseIP(words) != nil:
		return true
	case strings.TrimFunc(top, unicode.IsDigit) == "": // a number
		return false
	case continued:
		return true
	}
	return slices.ContainsFunc(parts[1:], func(part string) bool {
		before, _, _ := strings.Cut(strings.ReplaceAll(part, "_", "-"), "-") // a link may end there
		return isTopLevel(part) || isTopLevel(before)
	})
}

func isTopLevel(part string) bool {
	ascii, err := idna.ToASCII(strings.ToLower(part))
	if err != nil {
		return false
	}
	_, known := publicsuffix.PublicSuffix(ascii)
	return known || slices.Contains(specialDomains, ascii)
}

// specialDomains are top-level domains that are in no registry (RFC 6761, 6762, 7686).
var specialDomains = []string{"example", "internal", "invalid", "local", "localhost", "onion", "test"}

func countDigits(s string) int {
	n := 0
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
