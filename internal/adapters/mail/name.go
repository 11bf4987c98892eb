package mail

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
// become single spaces, and what shows nothing is left out, but for the joiners
// that words of some scripts and many emoji are written with.
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
		words[i] = strings.TrimFunc(word, isJoiner) // which join nothing there
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// invisible tells whether a character shows nothing: controls, those that turn
// the direction of text, fillers, and what stands for broken text.
func invisible(r rune) bool {
	if isJoiner(r) || unicode.Is(unicode.Prepended_Concatenation_Mark, r) { // the latter are signs over numbers
		return false
	}
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
}

func isJoiner(r rune) bool { return unicode.Is(unicode.Join_Control, r) }

// flagTags marks the invisible letters after a black flag that make it the flag
// of a region, as of Wales.
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

// shorten cuts s to at most limit characters, and shows that it did.
func shorten(s string, limit int) string {
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	cut := strings.TrimRightFunc(string(runes[:limit-1]), func(r rune) bool { return unicode.IsSpace(r) || isJoiner(r) })
	return cut + "…"
}

// maxNameRunes keeps an absurdly long name from becoming the whole e-mail.
const maxNameRunes = 80

// greetingName is a vendor's name as an e-mail may greet with it; empty where
// there is none, or where a mail program could make a link of a part of it:
// anybody can register any address under any name, and the e-mail is ours.
func greetingName(name string) string {
	clean := oneLine(name)
	if clickable(clean) {
		return ""
	}
	return shorten(clean, maxNameRunes)
}

var (
	// linkMarks are what mail programs make links of wherever it stands: URLs,
	// addresses of other kinds, network shares, e-mail addresses.
	linkMarks = regexp.MustCompile(`(?i)://|\bwww\.|\\\\|\b(mailto|tel|sms|callto|facetime|sips?|xmpp|webcal|feed|itms(?:-\w+)?|intent|viber|tg|skype|whatsapp|bitcoin|magnet|geo|data|javascript|file|news):\S|\S@[^\s@]+\.[^\s@]`)
	// dotted is what may be a host: words with dots within, and what follows them.
	dotted = regexp.MustCompile(`([\p{L}\p{N}\p{M}_-]+(?:\.[\p{L}\p{N}\p{M}_-]+)+)\.?(:\d+|[/?#]\S)?`)
	// phone is a run of digits with what they are grouped by.
	phone = regexp.MustCompile(`\+?\p{Nd}[\p{Nd}\s()./\p{Pd}]*\p{Nd}`)
)

// leastPhone is how many digits mail programs on phones take for a number to call.
const leastPhone = 7

// clickable tells whether a mail program could make a link of a part of a text.
func clickable(text string) bool {
	// As a browser reads it: other widths and other full stops, and joiners aside.
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

// isHost tells whether words with dots within are a host, or begin with one: by what follows them,
// or since one is a top-level domain, or they are an IP address.
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
