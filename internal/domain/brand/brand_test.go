package brand

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shop is a brand without problems; tests change what they are about.
func shop() Brand {
	return Brand{Name: "Nordic Market", Buttons: Buttons{Default: "https://nordic.example/plans?vendor={vendorId}"}}
}

func TestButtonsLeadWhereTheBrandSays(t *testing.T) {
	t.Parallel()
	b := shop()
	b.Buttons.Welcome = "https://nordic.example/{vendorId}/start"
	require.Equal(t, "https://nordic.example/v-1/start", b.Target("welcome", "v-1", ""))
	for _, kind := range []string{"reminder", "expiry", "grace-end"} {
		require.Equal(t, "https://nordic.example/plans?vendor=v-1", b.Target(kind, "v-1", ""))
	}
	require.Equal(t, "https://nordic.example/plans?vendor=a%20b%2F%26%3F%23%25", b.Target("expiry", "a b/&?#%", ""))
	require.Empty(t, Brand{}.Target("welcome", "v-1", ""))
}

func TestATargetMayHaveAToken(t *testing.T) {
	t.Parallel()
	b := shop()
	require.Nil(t, b.Buttons.Signed())
	b.Buttons.Welcome, b.Buttons.Own = "https://nordic.example/{vendorId}/start#{token}", map[string]string{"half-way": "https://nordic.example/?t={token}"}
	require.Empty(t, b.Problems())
	require.Equal(t, []string{"buttons.half-way", "buttons.welcome"}, b.Buttons.Signed())
	require.Equal(t, "https://nordic.example/%7Btoken%7D/start#a.b-c_d.e", b.Target("welcome", "{token}", "a.b-c_d.e"), "an id is no placeholder")
	require.Equal(t, "https://nordic.example/?t=a.b-c_d.e", b.Target("half-way", "v-1", "a.b-c_d.e"))
}

// The values are those of the contrast checkers that WCAG's authors link to.
func TestContrastIsWCAGs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b Color
		want string
	}{
		{"#000000", "#ffffff", "21.00"},
		{"#ffffff", "#FFFFFF", "1.00"},
		{"#777777", "#ffffff", "4.47"},
		{"#767676", "#ffffff", "4.54"},
		{"#ff0000", "#ffffff", "3.99"},
		{"#0000ff", "#ffffff", "8.59"},
		{"#00ff00", "#000000", "15.30"},
	} {
		require.Equal(t, c.want, Contrast{Ratio: ratio(c.a, c.b)}.String(), "%s on %s", c.a, c.b)
		require.InDelta(t, ratio(c.a, c.b), ratio(c.b, c.a), 0)
	}
}

func TestTheBuiltInColorsAreReadable(t *testing.T) {
	t.Parallel()
	all := Brand{}.Contrasts()
	require.Len(t, all, 2*len(textOn))
	for _, c := range all {
		require.GreaterOrEqual(t, c.Ratio, MinContrast, "%s: %s on %s", c.Scheme, c.Text, c.On)
	}
}

func TestColorsThatAreLeftOutAreBuiltIn(t *testing.T) {
	t.Parallel()
	b := shop()
	b.Colors.Light.Accent = "#0f766e"
	p := b.Palette()
	require.Equal(t, Color("#0f766e"), p.Light.Accent)
	require.Equal(t, builtIn.Light.Text, p.Light.Text)
	require.Equal(t, builtIn.Dark, p.Dark)
	require.Empty(t, b.Colors.Light.Text, "the brand itself stays as it is")
}

func TestABrandWithAllThereIsHasNoProblems(t *testing.T) {
	t.Parallel()
	require.Empty(t, shop().Problems())
	b := shop()
	b.Name = strings.Repeat("語", 60)
	b.Logo = Logo{URL: "https://cdn.nordic.example/logo.png?v=2", Alt: "Nordic Market", Width: 140}
	b.Sender = Sender{Name: "می\u200cخواهم", ReplyTo: "help@nordic.example"}
	b.Support = "help@bücher.example"
	b.PostalAddress = "Nordic Market AB\n Storgatan 1 \n\n111 22 Stockholm\n"
	b.Buttons = Buttons{
		Welcome: "http://localhost:3000/x", Reminder: "http://127.0.0.1/{vendorId}", Expiry: "http://[::1]/#/{vendorId}",
		GraceEnd: "https://nordic.example:8443/a?b={vendorId}&c={vendorId}",
	}
	require.Empty(t, b.Problems())
	require.Equal(t, []string{"Nordic Market AB", "Storgatan 1", "111 22 Stockholm"}, b.AddressLines())
}

func TestProblemsNameTheirField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change         func(*Brand)
		field, problem string
	}{
		"no name":           {func(b *Brand) { b.Name = "" }, "name", "is missing"},
		"a long name":       {func(b *Brand) { b.Name = strings.Repeat("n", 61) }, "name", "more than 60"},
		"two lines":         {func(b *Brand) { b.Name = "Nordic\nMarket" }, "name", "line breaks"},
		"blanks around":     {func(b *Brand) { b.Name = " Nordic" }, "name", "blank"},
		"a second header":   {func(b *Brand) { b.Sender.Name = "Nordic\r\nBcc: all@nordic.example" }, "sender.name", "line breaks"},
		"a separator":       {func(b *Brand) { b.Sender.Name = "Nordic\u2028Market" }, "sender.name", "line breaks"},
		"turned text":       {func(b *Brand) { b.Sender.Name = "Nordic\u202eMarket" }, "sender.name", "cannot be seen"},
		"broken text":       {func(b *Brand) { b.Sender.Name = "Nordic\xff" }, "sender.name", "cannot be seen"},
		"a long sender":     {func(b *Brand) { b.Sender.Name = strings.Repeat("n", 61) }, "sender.name", "more than 60"},
		"a header to reply": {func(b *Brand) { b.Sender.ReplyTo = "a@nordic.example\r\nBcc: b@nordic.example" }, "sender.replyTo", "bare e-mail"},
		"two to reply":      {func(b *Brand) { b.Sender.ReplyTo = "a@nordic.example, b@nordic.example" }, "sender.replyTo", "bare e-mail"},
		"support by name":   {func(b *Brand) { b.Support = "Help <help@nordic.example>" }, "support", "bare e-mail"},
		"a long address":    {func(b *Brand) { b.PostalAddress = strings.Repeat("a", 301) }, "postalAddress", "more than 300"},
		"a list of places":  {func(b *Brand) { b.PostalAddress = strings.Repeat("a\n", 7) }, "postalAddress", "more than 6 lines"},
		"a bell":            {func(b *Brand) { b.PostalAddress = "a\ab" }, "postalAddress", "control characters"},
		"logo, no text":     {func(b *Brand) { b.Logo = Logo{URL: "https://n.example/l.png", Width: 99} }, "logo.alt", "is missing"},
		"logo, no width":    {func(b *Brand) { b.Logo = Logo{URL: "https://n.example/l.png", Alt: "N"} }, "logo.width", "16 to 520"},
		"a wide logo":       {func(b *Brand) { b.Logo = Logo{URL: "https://n.example/l.png", Alt: "N", Width: 521} }, "logo.width", "16 to 520"},
		"logo of nothing":   {func(b *Brand) { b.Logo = Logo{Alt: "N", Width: 99} }, "logo.url", "is missing"},
		"logo in the clear": {func(b *Brand) { b.Logo = Logo{URL: "http://n.example/l.png", Alt: "N", Width: 99} }, "logo.url", "must begin with https://"},
		"logo within":       {func(b *Brand) { b.Logo = Logo{URL: "data:image/png;base64,AA", Alt: "N", Width: 99} }, "logo.url", "is not a URL"},
		"logo that tells":   {func(b *Brand) { b.Logo = Logo{URL: "https://n.example/{vendorId}", Alt: "N", Width: 99} }, "logo.url", "placeholder"},
		"no buttons":        {func(b *Brand) { b.Buttons = Buttons{} }, "buttons.grace-end", "would lead nowhere"},
		"one button short": {func(b *Brand) {
			b.Buttons = Buttons{Welcome: "https://n.example", Reminder: "https://n.example", GraceEnd: "https://n.example"}
		}, "buttons.expiry", "would lead nowhere"},
		"in the clear":      {func(b *Brand) { b.Buttons.Default = "http://n.example" }, "buttons.default", "must begin with https://"},
		"near this machine": {func(b *Brand) { b.Buttons.Default = "http://localhost.n.example" }, "buttons.default", "must begin with https://"},
		"a script":          {func(b *Brand) { b.Buttons.Expiry = "javascript://n.example/%0aalert(1)" }, "buttons.expiry", "must begin with https://"},
		"relative":          {func(b *Brand) { b.Buttons.Expiry = "/plans" }, "buttons.expiry", "is not a URL"},
		"no host":           {func(b *Brand) { b.Buttons.Expiry = "https:///plans" }, "buttons.expiry", "is not a URL"},
		"a login":           {func(b *Brand) { b.Buttons.Expiry = "https://a:b@n.example" }, "buttons.expiry", "login"},
		"a blank":           {func(b *Brand) { b.Buttons.Expiry = "https://n.example/a b" }, "buttons.expiry", "blanks"},
		"a line break":      {func(b *Brand) { b.Buttons.Expiry = "https://n.example/a\nb" }, "buttons.expiry", "blanks"},
		"a long target":     {func(b *Brand) { b.Buttons.Expiry = "https://n.example/" + strings.Repeat("a", 1000) }, "buttons.expiry", "more than 1000"},
		"the vendor's name": {func(b *Brand) { b.Buttons.Expiry = "https://n.example/{vendorName}" }, "buttons.expiry", "placeholder other than"},
		"a brace":           {func(b *Brand) { b.Buttons.Expiry = "https://n.example/{" }, "buttons.expiry", "placeholder other than"},
		"a host by vendor":  {func(b *Brand) { b.Buttons.Expiry = "https://{vendorId}.n.example/" }, "buttons.expiry", "in its host"},
		"a host by token":   {func(b *Brand) { b.Buttons.Expiry = "https://{token}.n.example/" }, "buttons.expiry", "in its host"},
		"logo with a token": {func(b *Brand) { b.Logo = Logo{URL: "https://n.example/{token}", Alt: "N", Width: 99} }, "logo.url", "placeholder"},
		"half an escape":    {func(b *Brand) { b.Buttons.Expiry = "https://n.example/%a{vendorId}" }, "buttons.expiry", "belongs to no escape"},
		"no escape":         {func(b *Brand) { b.Buttons.Expiry = "https://n.example/%{vendorId}" }, "buttons.expiry", "belongs to no escape"},
		"color by name":     {func(b *Brand) { b.Colors.Light.Text = "black" }, "colors.light.text", "is not a color"},
		"color with more":   {func(b *Brand) { b.Colors.Dark.Accent = "#ffffff;x" }, "colors.dark.accent", "is not a color"},
		"pale text":         {func(b *Brand) { b.Colors.Light.Text = "#777777" }, "colors.light.text", "of text on card is 4.47, and must be at least 4.5"},
		"pale accent":       {func(b *Brand) { b.Colors.Light.Accent = "#facc15" }, "colors.light.accent", "of accent on card is 1."},
		"button's text":     {func(b *Brand) { b.Colors.Light.Accent = "#facc15" }, "colors.light.accent", "of onAccent on accent is 1."},
		"a dark panel":      {func(b *Brand) { b.Colors.Light.Panel = "#363b44" }, "colors.light.panel", "of text on panel is 1.00"},
		"dark on dark":      {func(b *Brand) { b.Colors.Dark.Muted = "#555555" }, "colors.dark.muted", "of muted on card is 2."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shop()
			c.change(&b)
			var found []string
			for _, p := range b.Problems() {
				found = append(found, p.Error())
			}
			require.NotEmpty(t, found)
			for _, one := range found {
				if strings.HasPrefix(one, c.field+": ") && strings.Contains(one, c.problem) {
					return
				}
			}
			require.Fail(t, "not named", "%s: %s is not among %q", c.field, c.problem, found)
		})
	}
}
