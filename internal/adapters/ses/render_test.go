package ses

import (
	"flag"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/wording"
	"marketplace.example/trials/internal/platform/config"
)

var update = flag.Bool("update", false, "rewrite the golden files of the rendered e-mails")

// templates is a folder of a marketplace that writes in Arabic.
const templates = "testdata/mail"

// words are those of a folder, empty for the built-in ones.
func words(folder string) *wording.Set {
	m, err := config.Config{MailTemplates: folder}.Mail()
	if err != nil {
		panic(err)
	}
	return m.Words
}

var builtIn = words("")

// nordic is a brand with all there is.
func nordic() brand.Brand {
	return brand.Brand{
		Name: "Nordic Market & Søn",
		Logo: brand.Logo{URL: "https://cdn.shop.example/logo.png?v=1&w=2", Alt: "Nordic Market & Søn", Width: 140},
		Colors: brand.Colors{
			Light: brand.Scheme{Accent: "#0f766e", Panel: "#f0fdfa"},
			Dark:  brand.Scheme{Accent: "#5eead4", OnAccent: "#042f2e"},
		},
		Sender:        brand.Sender{Name: "Nordic Market", ReplyTo: "help@shop.example"},
		Support:       "help+mail@shop.example",
		PostalAddress: "Nordic Market AB\nStorgatan 1 <2>\n111 22 Stockholm\n",
		Buttons:       brand.Buttons{Default: "https://shop.example/plans?from=mail&vendor={vendorId}"},
	}
}

// reminder is content that renders without fault; tests change what they are about.
func reminder() Content {
	return Content{
		Kind:           KindReminder,
		Words:          builtIn,
		VendorName:     "Zoë & Søn",
		DaysLeft:       3,
		GraceDays:      3,
		LengthDays:     14,
		EndsAt:         time.Date(2025, time.March, 4, 14, 0, 0, 0, time.UTC),
		Zone:           "America/New_York",
		VendorID:       "v1",
		Brand:          nordic(),
		UnsubscribeURL: "https://shop.example/unsubscribe/v1.token",
		GuideURL:       "https://shop.example/guide/v1.token",
		FeedbackURL:    "https://shop.example/feedback/v1.token",
	}
}

func render(t *testing.T, c Content) Rendered {
	t.Helper()
	r, err := Render(c)
	require.NoError(t, err)
	return r
}

func TestRenderedEmailIsAsItWasApproved(t *testing.T) {
	t.Parallel()
	branded, plain, arabic := render(t, reminder()), reminder(), reminder()
	plain.Brand = brand.Brand{}
	neutral := render(t, plain)
	arabic.Words, arabic.Locale = words(templates), "ar-EG"
	rtl := render(t, arabic)
	approved := map[string]string{
		"reminder.txt": "Subject: " + branded.Subject + "\n\n" + branded.Text, "reminder.html": branded.HTML,
		"neutral.txt": "Subject: " + neutral.Subject + "\n\n" + neutral.Text, "neutral.html": neutral.HTML,
		"arabic.txt": "Subject: " + rtl.Subject + "\n\n" + rtl.Text, "arabic.html": rtl.HTML,
	}
	for _, language := range builtIn.Languages() {
		approved["words-"+language+".txt"] = everyMail(t, language)
	}
	for name, got := range approved {
		path := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(string(want), got), name)
	}
}

// everyMail is the text of every e-mail in a language, where its words differ.
func everyMail(t *testing.T, language string) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range builtIn.Kinds() {
		for _, sample := range Samples(nordic(), builtIn, language, kind) {
			switch sample.Edge {
			case "usual", "no name", "one day left", "last day", "grace 0", "demonstration":
				r := render(t, sample.Content)
				b.WriteString("=== " + kind + ", " + sample.Edge + "\nSubject: " + r.Subject + "\n\n" + r.Text + "\n\n")
			}
		}
	}
	return b.String()
}

func TestEachKindSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change        func(*Content)
		subject       string
		text, textNot []string
	}{
		"welcome": {
			func(c *Content) { c.Kind = KindWelcome },
			"Your trial has started",
			[]string{"next 14 days", "3 days of grace", "Trial ends: Tuesday, 4 March 2025 at 09:00 (America/New York)"},
			[]string{"demonstration"},
		},
		"welcome when no reminder can come any more": {
			func(c *Content) { c.Kind, c.LengthDays = KindWelcome, 1 },
			"Your trial has started", []string{"For one day you can"}, []string{"remind", "next 1 day"},
		},
		"welcome without grace": {
			func(c *Content) { c.Kind, c.GraceDays = KindWelcome, 0 },
			"Your trial has started", []string{"selling is paused"}, []string{"grace", "0 days"},
		},
		"reminder": {func(*Content) {}, "Your trial ends in 3 days", []string{"3 days of grace"}, nil},
		"reminder a day before": {
			func(c *Content) { c.DaysLeft, c.GraceDays = 1, 1 },
			"Your trial ends tomorrow", []string{"1 day of grace"}, []string{"1 days"},
		},
		"reminder on the day": {func(c *Content) { c.DaysLeft = 0 }, "Your trial ends today", nil, []string{"0 days"}},
		"expiry": {
			func(c *Content) { c.Kind, c.GraceEndsAt = KindExpiry, c.EndsAt.Add(72*time.Hour) },
			"Your trial has ended: 3 days left to choose a plan",
			[]string{"Trial ended: Tuesday, 4 March", "You can sell until: Friday, 7 March 2025 at 09:00 (America/New York)"},
			nil,
		},
		"expiry without grace": {
			func(c *Content) { c.Kind, c.GraceDays = KindExpiry, 0 },
			"Your trial has ended", []string{"selling is paused"}, []string{"0 days", "until"},
		},
		"grace-end": {
			func(c *Content) { c.Kind = KindGraceEnd },
			"Selling is paused: how to start again", []string{"choose a plan", "Everything in it is"}, []string{"Selling paused:"},
		},
		"compressed day": {
			func(c *Content) { c.DaysLeft, c.Day, c.Zone = 1, 2*time.Second, "" },
			"Your trial ends in 1 day",
			[]string{"a day lasts 2s here", "Trial ends: 4 March 2025 at 14:00:00 (UTC)"},
			[]string{"tomorrow", "Tuesday"},
		},
		"compressed day at the end": {
			func(c *Content) { c.DaysLeft, c.Day = 0, time.Second },
			"Your trial ends now", nil, []string{"today"},
		},
		"a day of 24 hours is a day": {
			func(c *Content) { c.DaysLeft, c.Day = 1, 24*time.Hour },
			"Your trial ends tomorrow", nil, []string{"demonstration"},
		},
		"unknown zone":        {func(c *Content) { c.Zone = "Mars/Olympus" }, "Your trial ends in 3 days", []string{"at 14:00 (UTC)"}, nil},
		"the server's zone":   {func(c *Content) { c.Zone = "Local" }, "Your trial ends in 3 days", []string{"at 14:00 (UTC)"}, nil},
		"name of many spaces": {func(c *Content) { c.VendorName = " \t\r\n " }, "Your trial ends in 3 days", []string{"Hello,\n"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := reminder()
			tt.change(&c)
			r := render(t, c)
			require.Equal(t, tt.subject, r.Subject)
			for _, want := range tt.text {
				require.Contains(t, r.Text, want)
			}
			for _, not := range tt.textNot {
				require.NotContains(t, r.Text, not)
				require.NotContains(t, r.HTML, not)
			}
			require.Contains(t, r.Text, "https://shop.example/plans?from=mail&vendor=v1\n")
			require.Contains(t, r.Text, c.UnsubscribeURL)
			require.Contains(t, r.Text, "Was this e-mail helpful? "+c.FeedbackURL+"\n")
			require.Contains(t, r.HTML, `<a href="`+c.FeedbackURL+`"`)
		})
	}
}

func TestNamesCannotBecomeMarkupOrHeaders(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.VendorName = "<script>alert(1)</script>\r\nBcc: all at victim\u202egnp"
	r := render(t, c)
	require.NotContains(t, r.HTML, "<script>")
	require.Contains(t, r.HTML, "&lt;script&gt;")
	require.NotContains(t, r.Text, "\nBcc:")
	require.NotContains(t, r.Text+r.HTML, "\u202e")
	require.NotContains(t, r.Subject, "\n")

	c.VendorName = strings.Repeat("n", 5000)
	r = render(t, c)
	require.Contains(t, r.Text, "Hello "+strings.Repeat("n", 79)+"…,")
}

func TestContentThatWouldBeUntrueIsRefusedByField(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*Content)
		field  string
	}{
		"unknown kind":         {func(c *Content) { c.Kind = "farewell" }, "kind"},
		"no end":               {func(c *Content) { c.EndsAt = time.Time{} }, "endsAt"},
		"negative days left":   {func(c *Content) { c.DaysLeft = -1 }, "daysLeft"},
		"negative grace":       {func(c *Content) { c.GraceDays = -1 }, "graceDays"},
		"negative length":      {func(c *Content) { c.LengthDays = -1 }, "lengthDays"},
		"welcome, no length":   {func(c *Content) { c.Kind, c.LengthDays = KindWelcome, 0 }, "lengthDays"},
		"negative day":         {func(c *Content) { c.Day = -1 }, "day"},
		"script behind button": {func(c *Content) { c.Brand.Buttons.Default = "javascript:alert(1)" }, "actionURL"},
		"script with a host":   {func(c *Content) { c.Brand.Buttons.Default = "javascript://shop.example/%0aalert(1)" }, "actionURL"},
		"relative unsubscribe": {func(c *Content) { c.UnsubscribeURL = "/unsubscribe/x" }, "unsubscribeURL"},
		"relative feedback":    {func(c *Content) { c.FeedbackURL = "/feedback/x" }, "feedbackURL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := reminder()
			tt.change(&c)
			r, err := Render(c)
			require.ErrorContains(t, err, "mail content: "+tt.field+":")
			require.Empty(t, r)
		})
	}
}

// Whatever the kind, the brand is in both bodies, and its button leads where the brand says.
func TestEveryKindBearsTheBrand(t *testing.T) {
	t.Parallel()
	for _, kind := range builtIn.Kinds() {
		c := reminder()
		c.Kind, c.VendorID = kind, "v/2"
		c.Brand.Buttons = brand.Buttons{Welcome: "https://w.example/{vendorId}", Reminder: "https://r.example/{vendorId}", Expiry: "https://e.example/{vendorId}", GraceEnd: "https://g.example/{vendorId}"}
		r := render(t, c)
		target := "https://" + kind[:1] + ".example/v%2F2"
		require.Contains(t, r.Text, ":\n"+target+"\n", kind)
		require.Contains(t, r.HTML, `href="`+target+`"`, kind)
		for _, text := range []string{"you sell on Nordic Market & Søn.", "Nordic Market AB", "Storgatan 1 <2>", "111 22 Stockholm", "help+mail@shop.example", c.UnsubscribeURL} {
			require.Contains(t, r.Text, text, kind)
			require.Contains(t, html.UnescapeString(r.HTML), text, kind)
		}
		require.Contains(t, r.HTML, `alt="Nordic Market &amp; Søn" width="140"`, kind)
		require.NotContains(t, r.Text+r.HTML, "the marketplace", kind)
		require.NotContains(t, r.HTML, "ZgotmplZ", kind)
	}
}

func TestColorsAreTheBrands(t *testing.T) {
	t.Parallel()
	light, dark, found := strings.Cut(render(t, reminder()).HTML, "@media (prefers-color-scheme: dark)")
	require.True(t, found)
	dark, body, _ := strings.Cut(dark, "</style>")
	require.Contains(t, light, `<meta name="color-scheme" content="light dark">`)
	require.Contains(t, dark, ".button { background-color: #5eead4 !important; }")
	require.Contains(t, dark, ".button a { color: #042f2e !important; }")
	require.Contains(t, dark, ".body { color: #d5d8de !important; }")
	require.Contains(t, body, `bgcolor="#0f766e"`)
	require.Contains(t, body, "background-color:#f0fdfa;")
	require.NotContains(t, body, "#1d4ed8", "the built-in accent")
}

func TestWithoutALogoTheNameIsThere(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.Brand.Logo = brand.Logo{}
	r := render(t, c)
	require.NotContains(t, r.HTML, "<img")
	require.Contains(t, r.HTML, ">Nordic Market &amp; Søn</p>")
}

// A button that leads to the API, or nowhere, is worse than none.
func TestTheNeutralBrandHasNoButton(t *testing.T) {
	t.Parallel()
	for _, kind := range builtIn.Kinds() {
		c := reminder()
		c.Kind, c.Brand, c.FeedbackURL = kind, brand.Brand{}, ""
		r := render(t, c)
		require.Equal(t, 2, strings.Count(r.HTML, "href="), kind)
		require.Equal(t, 2, strings.Count(r.Text, "https://"), kind)
		require.Contains(t, r.Text, "Your trial at a glance: "+c.GuideURL, kind)
		require.Contains(t, r.Text, "Stop e-mails about your trial: "+c.UnsubscribeURL, kind)
		require.NotContains(t, r.HTML, `class="button"`, kind)
		require.NotContains(t, r.Text+r.HTML, "helpful", kind)
		require.Contains(t, r.Text, "you sell on the marketplace.", kind)
	}
}

func TestAVendorIsWrittenToInItsLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string][4]string{
		"pt-BR": {"pt", "Seu período de teste termina em 3 dias", "Olá, Zoë & Søn!", "O teste termina: terça-feira, 4 de março de 2025 às 09:00 (America/New York)"},
		"es-MX": {"es", "Tu periodo de prueba termina en 3 días", "Hola, Zoë & Søn:", "La prueba termina: martes, 4 de marzo de 2025, 09:00 (America/New York)"},
		"fr":    {"fr", "Votre période d’essai se termine dans 3 jours", "Bonjour Zoë & Søn,", "L’essai se termine\u00a0: mardi 4 mars 2025 à 09:00 (America/New York)"},
		"de-AT": {"de", "Ihre Testphase endet in 3 Tagen", "Guten Tag, Zoë & Søn!", "Testphase endet: Dienstag, 4. März 2025 um 09:00 Uhr (America/New York)"},
		"en-US": {"en", "Your trial ends in 3 days", "Hello Zoë & Søn,", "Trial ends: Tuesday, March 4, 2025 at 09:00 (America/New York)"},
		"ja":    {"en", "Your trial ends in 3 days", "Hello Zoë & Søn,", "Trial ends: Tuesday, 4 March 2025 at 09:00 (America/New York)"},
		"c'est": {"en", "Your trial ends in 3 days", "Hello Zoë & Søn,", "Trial ends: Tuesday, 4 March 2025 at 09:00 (America/New York)"},
	} {
		c := reminder()
		c.Locale = locale
		r := render(t, c)
		require.Contains(t, r.HTML, `<html lang="`+want[0]+`" dir="ltr">`, locale)
		require.Equal(t, want[1], r.Subject)
		require.Contains(t, r.Text, want[2])
		require.Contains(t, r.Text, want[3])
	}
}

// Names and addresses that are written the other way round keep their order, and leave the rest in its own.
func TestWritingFromRightToLeftIsMirrored(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.Words, c.Locale, c.DaysLeft = words(templates), "ar", 11
	r := render(t, c)
	require.Contains(t, r.HTML, `<html lang="ar" dir="rtl">`)
	require.Contains(t, r.HTML, `<table role="presentation" class="page" lang="ar" dir="rtl"`, "mail programs drop what the html element says")
	require.Equal(t, "تنتهي فترتك التجريبية بعد 11 يومًا", r.Subject)
	require.Contains(t, r.Text, "مرحبًا \u2068Zoë & Søn\u2069،")
	require.Contains(t, r.Text, "\n\u2068Storgatan 1 <2>\u2069")
	require.NotContains(t, render(t, reminder()).Text, "\u2068")

	english := reminder()
	english.VendorName = "متجر زينب 24"
	require.Contains(t, render(t, english).Text, "Hello \u2068متجر زينب 24\u2069,")
}

func TestAKindOfOnesOwnIsWritten(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.Words, c.Kind, c.Locale, c.DaysLeft = words(templates), "half-way", "ar", 7
	r := render(t, c)
	require.Equal(t, "Half of your trial is over: 7 days to go", r.Subject)
	require.Contains(t, r.Text, "Your trial lasts until Tuesday, 4 March 2025.")
	require.Contains(t, r.Text, "See the plans:\nhttps://shop.example/plans?from=mail&vendor=v1\n")
	require.Contains(t, r.Text, "Trial ends: ")
	c.Ended = true
	require.Contains(t, render(t, c).Text, "Trial ended: ")
}

// A vendor that calls itself like a field is called so.
func TestANameIsNoTemplate(t *testing.T) {
	t.Parallel()
	c := reminder()
	c.VendorName = "{support} {{.Brand}} {daysLeft}"
	r := render(t, c)
	require.Contains(t, r.Text, "Hello {support} {{.Brand}} {daysLeft},")
}
