package ses

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const zwnj, zwj = "\u200c", "\u200d"

// names that mean something as they are written.
var honestNames = []string{
	"می" + zwnj + "خرم",
	"👨" + zwj + "👩" + zwj + "👧 Familie",
	"❤\ufe0f Blumen", "🏴\U000E0067\U000E0062\U000E0077\U000E006C\U000E0073\U000E007F Cymru", "1\ufe0f\u20e3 Shop", "👍🏽 Gut",
	"ක්" + zwj + "ෂ", "র\u200d্যাব", "\u0600١٢ دكان", "Zoë Ольга 店", "O’Brien & Söhne GmbH", "ᠮᠣᠩᠭᠣᠯ\u180b",
}

func TestNamesStayAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, name := range honestNames {
		require.Equal(t, name, oneLine(name))
		c := reminder()
		c.VendorName = name
		r := render(t, c)
		require.Contains(t, strings.NewReplacer("\u2068", "", "\u2069", "").Replace(r.Text), "Hello "+name+",") // without the marks of its direction
	}
}

func TestWhatShowsNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a\r\nb\x00c\u2028d\u0085e\u200bf":                     "a bc d ef",
		" Zoë  Ольга\t店 ":                                      "Zoë Ольга 店",
		"pay\u202egnp.\u202c":                                  "paygnp.",
		"A\u2066B\u2069 \u200eC\u200f \u061cD":                 "AB C D",
		"soft\u00adhy\u2060phen\ufeff":                         "softhyphen",
		"\u3164\uffa0\u115f\u1160":                             "",
		"\u2800\u2800":                                         "",
		zwj + zwnj:                                             "",
		"a " + zwj + " b" + zwnj:                               "a b",
		"tag\U000E0067\U000E007Fs":                             "tags",
		"🏴\U000E0067\U000E0062 unended":                        "🏴 unended",
		"broken\xff\xfetext\ufffd":                             "brokentext",
		"esc\x1b[31mred":                                       "esc[31mred",
		"\ufff9anno\ufffatation\ufffb":                         "annotation",
		"Ａ\u034fB":                                             "ＡB",
		"no\u00a0break\u3000space":                             "no break space",
		strings.Repeat("n", 79) + zwj + strings.Repeat("n", 9): strings.Repeat("n", 79) + zwj + strings.Repeat("n", 9),
	} {
		require.Equal(t, want, oneLine(given), "%q", given)
	}
	require.Equal(t, strings.Repeat("n", 78)+"…", shorten(strings.Repeat("n", 78)+zwj+strings.Repeat("n", 9), 80))
}

func TestOneLineIsOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOf(rapid.OneOf(rapid.Rune(), rapid.RuneFrom(nil, unicode.Cf, unicode.Cc, unicode.Zs, unicode.Zl, unicode.Other_Default_Ignorable_Code_Point)))
		s := oneLine(string(runes.Draw(t, "name")))
		require.Equal(t, s, oneLine(s))
		require.Equal(t, strings.Join(strings.Fields(s), " "), s)
		require.False(t, strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
		}))
	})
}

func TestNothingInTheGreetingIsClickable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Win at https://prize.example/x", "HTTP://PRIZE.EXAMPLE", "hxxp://prize", "ftp://prize.example", "Win at www.prize", "WWW.prize.example",
		"prize.example/x", "prize.example", "prize.com", "Prize.COM!", "(prize.com)", "prize.com.", "go to prize.co.uk now", "amazon.de Händler", "a.b.prize.io",
		"prize.рф", "приз.рф", "bücher.de", "prize。com", "prize．com", "prize｡com", "ｐｒｉｚｅ.ｃｏｍ", "prize.c" + zwnj + "om", "pri" + zwj + "ze.com", "prize.co\u200bm",
		"prize.unknowntld/x", "prize.unknowntld:8080", "prize.unknowntld?x", "prize.unknowntld#x", "10.0.0.1", "http 192.168.1.1/x", "shop.local", "prize.com-now", "prize.com-", "prize.com_", "prize.com.nowhereknown", "xn--prize.xn--p1ai", "x.onion", "Dr.No", // no is Norway's
		"me@prize.example", "Me <me@prize.example>", "me＠prize.com", "bücher@bücher.example", "mailto:me", "tel:+15551234", "SMS:12345", "javascript:alert(1)", "data:text/html,x",
		`\\server\share`, "file:///etc", "skype:me", "sip:100", "xmpp:me", "itms-apps:x", "whatsapp:1",
		"Call +1 555 123 4567", "0900 123456", "(030) 123-45-67", "555.123.4567", "555–123–4567", "0900‑123‑456", "0900―1234567", "٠٩٠٠١٢٣٤٥٦", "１２３４５６７",
	} {
		require.True(t, clickable(oneLine(name)), name)
		require.Empty(t, greetingName(name), name)
		c := reminder()
		c.VendorName = name
		r := render(t, c)
		require.True(t, strings.HasPrefix(r.Text, "Hello,\n"), name)
		require.NotContains(t, r.HTML, "prize", name)
	}
}

func TestHonestNamesAreGreetedWith(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{
		"St. John's", "A.B. Smith", "J.R.R. Tolkien", "Dr. No", "No. 7", "Nr.5", "Studio 1980", "24/7 Kiosk", "1001 Nacht", "3.14 Pie", "1.5.2024", "v2.0",
		"re:store", "Food @ Home", "@home", "A & B", "AC/DC Shop", "Müller u. Söhne", "S.p.A. Rossi", "Yahoo!", "C.H.A.O.S", "Win big", "...", "Dot. Com", "http", "www", "Web: Design",
		"Shop #1", "Preis: 5,99", "123456", "Tel Aviv Style", "Data Center", "Geo Shop", "Mo.-Fr. Shop", "St.Gallen Shop", "1.FC Köln", "Feed: Tiere", "A.-B. Kontor", "e.V. Nord",
	}, honestNames...) {
		require.False(t, clickable(name), name)
		require.Equal(t, name, greetingName(name))
	}
	require.Equal(t, strings.Repeat("n", 79)+"…", greetingName(strings.Repeat("n", 5000)))
}
