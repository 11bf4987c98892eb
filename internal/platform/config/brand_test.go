package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/platform/config"
)

func TestABrandIsRead(t *testing.T) {
	t.Parallel()
	read, err := config.Config{MailTemplates: mailTemplates}.Mail()
	require.NoError(t, err)
	example := read.Brand
	require.NotEmpty(t, example.Logo.Alt, "the example has all there is")
	require.NotEmpty(t, example.Sender.ReplyTo)
	require.NotEmpty(t, example.Colors.Dark.OnAccent)

	least, err := config.ReadBrand(strings.NewReader("name: Nordic Market\nbuttons: {default: \"https://n.example/{vendorId}\"}\n"))
	require.NoError(t, err)
	require.Equal(t, brand.Brand{Name: "Nordic Market", Buttons: brand.Buttons{Default: "https://n.example/{vendorId}"}}, least)

	neutral, err := config.Config{}.Mail()
	require.NoError(t, err)
	require.Zero(t, neutral.Brand)
}

func TestAWrongBrandIsNamedByLine(t *testing.T) {
	t.Parallel()
	const head = "name: Nordic Market\nbuttons:\n  default: https://n.example/plans\n"
	for name, c := range map[string]struct{ text, problem string }{
		"nothing":            {"", "has no fields"},
		"broken syntax":      {head + "sender: {name: [\n", "line 4: "},
		"unknown":            {head + "slogan: x\n", "line 4: slogan: is not a field here"},
		"target of its own":  {head + "  farewell: http://n.example\n", "line 4: buttons.farewell: must begin with https://"},
		"twice":              {head + "name: M\n", "line 4: name: is already set on line 1"},
		"no target":          {"name: N\nbuttons:\n  welcome: https://n.example\n", "line 2: buttons.expiry: is missing"},
		"no buttons":         {"name: N\n", "buttons.welcome: is missing"},
		"target in clear":    {head + "  expiry: http://n.example\n", "line 4: buttons.expiry: must begin with https://"},
		"a second header":    {head + "sender:\n  name: \"N\\r\\nBcc: x@zq-secret.example\"\n", "line 5: sender.name: contains line breaks"},
		"header in an entry": {head + "sender:\n  replyTo: |\n    a@zq-secret.example\n    Bcc: b@n.example\n", "line 5: sender.replyTo: is not a bare"},
		"logo without text":  {head + "logo:\n  url: https://n.example/l.png\n  width: 100\n", "line 4: logo.alt: is missing"},
		"half a pixel":       {head + "logo:\n  url: https://n.example/l.png\n  alt: N\n  width: 99.5\n", "line 7: logo.width: must be a whole number"},
		"color unquoted":     {head + "colors:\n  light:\n    accent: #1d4ed8\n", "line 6: colors.light.accent: is missing its value"},
		"color as a list":    {head + "colors:\n  light:\n    accent: [1]\n", "line 6: colors.light.accent"},
		"little contrast":    {head + "colors:\n  light:\n    text: \"#777777\"\n", "line 6: colors.light.text: the contrast of text on card is 4.47"},
		"of two lines":       {head + "colors:\n  dark:\n    heading: \"#555555\"\n    text: \"#555555\"\n", "line 7: colors.dark.text: the contrast"},
		"an alias":           {head + "support: &a a@n.example\n", "line 4: support: is or has an alias"},
		"too large":          {head + strings.Repeat("#", 1<<20), "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := config.ReadBrand(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.problem)
			require.NotContains(t, err.Error(), "zq-secret", "no value is repeated")
			require.Zero(t, b)
		})
	}
}

func TestAWrongBrandKeepsAProcessFromStarting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "brand.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: N\nbuttons: {default: /plans}\n"), 0o600))

	_, err := config.Parse(with(complete(), "MAIL_TEMPLATES", folder), config.Worker)

	require.ErrorContains(t, err, "MAIL_TEMPLATES: "+file+": line 2: buttons.default: is not a URL")
}
