package trial_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestALocaleIsALanguageOfBCP47(t *testing.T) {
	t.Parallel()
	for _, valid := range []string{"en", "pt-BR", "PT-br", "pt_BR", "es-419", "zh-Hant-TW", "sr-Latn", "ar-EG-u-nu-latn", "gsw"} {
		require.True(t, trial.ValidLocale(valid), valid)
	}
	for _, invalid := range []string{
		"", " ", "und", "english", "Deutsch", "pt BR", "pt-", "-", "xx-YY", "en-ZZZZZ", "../etc/passwd", "en\n", "en;q=0.8", "de,en", "C", "C.UTF-8", "pt_BR.UTF-8",
		"en-x-" + strings.Repeat("a", 8) + strings.Repeat("-aaaaaaaa", 4), strings.Repeat("e", 1<<20),
	} {
		require.False(t, trial.ValidLocale(invalid), invalid)
	}
}
