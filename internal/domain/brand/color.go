package brand

import (
	"math"
	"regexp"
	"strconv"
)

// Color is a color in sRGB, written #rrggbb.
type Color string

// Colors are those for the two color schemes of mail programs.
type Colors struct {
	Light Scheme `yaml:"light"`
	Dark  Scheme `yaml:"dark"`
}

// Scheme is the colors of an e-mail. An empty one is the built-in color.
type Scheme struct {
	Background Color `yaml:"background"` // around the card
	Card       Color `yaml:"card"`       // behind the text
	Panel      Color `yaml:"panel"`      // behind the dates
	Border     Color `yaml:"border"`     // lines
	Heading    Color `yaml:"heading"`    // the heading, and dates
	Text       Color `yaml:"text"`
	Muted      Color `yaml:"muted"`    // the footer, and time zones
	Accent     Color `yaml:"accent"`   // the name at the top, and behind the button's text
	OnAccent   Color `yaml:"onAccent"` // the button's text
}

// builtIn are the colors of the neutral brand.
var builtIn = Colors{
	Light: Scheme{
		Background: "#f3f4f6", Card: "#ffffff", Panel: "#f3f5f9", Border: "#e1e4e9",
		Heading: "#15181d", Text: "#363b44", Muted: "#5d6470", Accent: "#1d4ed8", OnAccent: "#ffffff",
	},
	Dark: Scheme{
		Background: "#14161a", Card: "#1f2228", Panel: "#292d35", Border: "#343943",
		Heading: "#f3f4f6", Text: "#d5d8de", Muted: "#a3a9b4", Accent: "#7aa2ff", OnAccent: "#0b1220",
	},
}

// Palette is the brand's colors, with the built-in ones where it has none.
func (b Brand) Palette() Colors {
	return Colors{Light: b.Colors.Light.or(builtIn.Light), Dark: b.Colors.Dark.or(builtIn.Dark)}
}

// colored is a color of a scheme and its field's name.
type colored struct {
	name  string
	color *Color
}

func (s *Scheme) fields() []colored {
	return []colored{
		{"background", &s.Background},
		{"card", &s.Card},
		{"panel", &s.Panel},
		{"border", &s.Border},
		{"heading", &s.Heading},
		{"text", &s.Text},
		{"muted", &s.Muted},
		{"accent", &s.Accent},
		{"onAccent", &s.OnAccent},
	}
}

func (s *Scheme) named(name string) Color {
	for _, f := range s.fields() {
		if f.name == name {
			return *f.color
		}
	}
	return ""
}

// or is the scheme with another's colors where it has none.
func (s Scheme) or(other Scheme) Scheme {
	others := other.fields()
	for i, own := range s.fields() {
		if *own.color == "" {
			*own.color = *others[i].color
		}
	}
	return s
}

// MinContrast is the least contrast of text that is not large, by success criterion 1.4.3 of WCAG 2.2.
const MinContrast = 4.5

// Contrast is how well a color of text is read on another: from 1, not at all, to 21, black on white.
type Contrast struct {
	Scheme   string // light or dark
	Text, On string // names of colors
	Ratio    float64
}

// textOn lists where the layout writes in a color on another.
var textOn = []struct{ text, on string }{
	{"heading", "card"},
	{"text", "card"},
	{"muted", "card"},
	{"accent", "card"},
	{"heading", "panel"},
	{"text", "panel"},
	{"muted", "panel"},
	{"onAccent", "accent"},
}

// Contrasts are those of every text in an e-mail. The brand's colors must be well formed.
func (b Brand) Contrasts() []Contrast {
	palette := b.Palette()
	var all []Contrast
	for _, scheme := range []struct {
		name   string
		colors Scheme
	}{{"light", palette.Light}, {"dark", palette.Dark}} {
		for _, pair := range textOn {
			all = append(all, Contrast{scheme.name, pair.text, pair.on, ratio(scheme.colors.named(pair.text), scheme.colors.named(pair.on))})
		}
	}
	return all
}

// ratio is the contrast ratio of two colors, (L1 + 0.05) / (L2 + 0.05) for the lighter's and the darker's relative
// luminance: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
func ratio(a, b Color) float64 {
	lighter, darker := a.luminance(), b.luminance()
	if lighter < darker {
		lighter, darker = darker, lighter
	}
	return (lighter + 0.05) / (darker + 0.05)
}

// luminance is the relative luminance, from 0 for black to 1 for white:
// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance.
func (c Color) luminance() float64 {
	return 0.2126*c.channel(0) + 0.7152*c.channel(1) + 0.0722*c.channel(2)
}

// channel is red, green or blue without the gamma of sRGB.
func (c Color) channel(i int) float64 {
	n, _ := strconv.ParseUint(string(c[1+2*i:3+2*i]), 16, 8) // it is well formed
	v := float64(n) / 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

var colorForm = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func (c Color) valid() bool { return colorForm.MatchString(string(c)) }
