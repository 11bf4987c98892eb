package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/platform/config"
)

// brandedMail is the folder that the guide tells people to copy.
const brandedMail = "../deploy/mail"

// brandFolder is a folder with a brand's file.
func brandFolder(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "brand.yaml"), []byte(text), 0o600))
	return folder
}

func TestMailsAreLookedAtBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"mail-check":         {"mail", "check", "--templates", brandedMail},
		"mail-check-neutral": {"mail", "check"},
		"mail-preview":       {"mail", "preview", "grace-end", "--text", "--templates", brandedMail},
		"mail-preview-html":  {"mail", "preview", "welcome", "--html", "--templates", brandedMail},
		"mail-preview-plain": {"mail", "preview", "expiry"},
		"mail-preview-pt":    {"mail", "preview", "expiry", "--language", "pt-BR"},
		"mail-check-own":     {"mail", "check", "--templates", "../internal/adapters/ses/testdata/mail"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run(t, args...)
			require.Equal(t, result{0, r.out, ""}, r)
			golden(t, name, r.out)
			require.Empty(t, w.Calls(), "no API is asked")
		})
	}
}

func TestMailsTakeTheirBrandFromTheEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment["MAIL_TEMPLATES"] = brandedMail
	require.Contains(t, w.run(t, "mail", "check").out, "Brand: Example Market, of ../deploy/mail.\n")
	other := brandFolder(t, "name: Other Market\nbuttons: {default: https://other.example}\n")
	require.Contains(t, w.run(t, "mail", "preview", "welcome", "--templates", other).out, "Welcome to Other Market.")
}

func TestABrandThatIsWrongIsNamedByFileAndLine(t *testing.T) {
	t.Parallel()
	folder := brandFolder(t, "name: N\nbuttons: {default: https://n.example}\ncolors:\n  light: {text: \"#777777\"}\n")
	for _, args := range [][]string{{"check"}, {"preview", "welcome"}} {
		r := newWorld(t).run(t, append([]string{"mail", "--templates", folder}, args...)...)
		require.Equal(t, exitFailure, r.code)
		require.Contains(t, r.err, filepath.Join(folder, "brand.yaml")+": line 4: colors.light.text: the contrast of text on card is 4.47")
		require.Empty(t, r.out)
	}
}

// What the reader of the file refuses is found in the e-mails too.
func TestMailCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := app{out: &out}
	built, err := config.Config{}.Mail()
	require.NoError(t, err)
	built.Brand = brand.Brand{
		Name: "N", Logo: brand.Logo{URL: "https://n.example/l.png", Width: 99}, Buttons: brand.Buttons{Default: "http://n.example"},
		Colors: brand.Colors{Dark: brand.Scheme{Muted: "#555555"}},
	}
	err = a.checkMails(built, "mail")
	require.EqualError(t, err, "the e-mails are not fit to be sent")
	require.Contains(t, out.String(), "WRONG  en, welcome, usual: a link to \"http://n.example\" leads nowhere: it must begin with https://")
	require.Contains(t, out.String(), "WRONG  de, grace-end, grace 0: the image at \"https://n.example/l.png\" has no text")
	require.Contains(t, out.String(), "WRONG  colors: muted on card, dark, has a contrast of 2.")
}

func TestMailPreviewNeedsAKind(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"farewell"}, {"welcome", "expiry"}, {"welcome", "--html", "--text"}, {"welcome", "--language", "english"}} {
		r := newWorld(t).run(t, append([]string{"mail", "preview"}, args...)...)
		require.Equal(t, exitUsage, r.code, args)
		require.Empty(t, r.out)
	}
}
