package wording

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func inLanguage(t *testing.T, name string) Language {
	t.Helper()
	l, err := ParseLanguage(name)
	require.NoError(t, err)
	return l
}

// The dates are those of another implementation of CLDR 48, with the clock that counts to 24.
func TestDatesAreCLDRs(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, time.March, 4, 9, 5, 7, 0, time.UTC)
	for name, want := range map[string][4]string{
		"en":      {"Tuesday, 4 March 2025", "4 March 2025", "09:05", "09:05:07"},
		"en-NZ":   {"Tuesday, 4 March 2025", "4 March 2025", "09:05", "09:05:07"},
		"en-US":   {"Tuesday, March 4, 2025", "March 4, 2025", "09:05", "09:05:07"},
		"pt":      {"terça-feira, 4 de março de 2025", "4 de março de 2025", "09:05", "09:05:07"},
		"pt-BR":   {"terça-feira, 4 de março de 2025", "4 de março de 2025", "09:05", "09:05:07"},
		"es":      {"martes, 4 de marzo de 2025", "4 de marzo de 2025", "9:05", "9:05:07"},
		"es-MX":   {"martes, 4 de marzo de 2025", "4 de marzo de 2025", "09:05", "09:05:07"},
		"fr":      {"mardi 4 mars 2025", "4 mars 2025", "09:05", "09:05:07"},
		"de":      {"Dienstag, 4. März 2025", "4. März 2025", "09:05", "09:05:07"},
		"de-CH":   {"Dienstag, 4. März 2025", "4. März 2025", "09:05", "09:05:07"},
		"pl":      {"wtorek, 4 marca 2025", "4 marca 2025", "09:05", "09:05:07"},
		"ar":      {"الثلاثاء، 4 مارس 2025", "4 مارس 2025", "09:05", "09:05:07"},
		"ar-EG":   {"الثلاثاء، ٤ مارس ٢٠٢٥", "٤ مارس ٢٠٢٥", "٠٩:٠٥", "٠٩:٠٥:٠٧"},
		"ar-SY":   {"الثلاثاء، ٤ آذار ٢٠٢٥", "٤ آذار ٢٠٢٥", "٠٩:٠٥", "٠٩:٠٥:٠٧"},
		"ar-MA":   {"الثلاثاء، 4 مارس 2025", "4 مارس 2025", "09:05", "09:05:07"},
		"he":      {"יום שלישי, 4 במרץ 2025", "4 במרץ 2025", "9:05", "9:05:07"},
		"fa":      {"سه\u200cشنبه ۴ مارس ۲۰۲۵", "۴ مارس ۲۰۲۵", "۹:۰۵", "۹:۰۵:۰۷"},
		"ja":      {"2025年3月4日火曜日", "2025年3月4日", "9:05", "9:05:07"},
		"zh-TW":   {"2025年3月4日 星期二", "2025年3月4日", "09:05", "09:05:07"},
		"sr-Latn": {"utorak, 4. mart 2025.", "4. mart 2025.", "09:05", "09:05:07"},
	} {
		l := inLanguage(t, name)
		require.Equal(t, want, [4]string{l.Day(at), l.Date(at), l.Time(at, false), l.Time(at, true)}, name)
	}
}

// Some of the library's languages lack months, or write letters of CLDR's patterns.
func TestEveryKnownLanguageHasItsOwnMonthsAndWeekdays(t *testing.T) {
	t.Parallel()
	for name := range known {
		l := inLanguage(t, name)
		seen := map[string]bool{}
		for month := range 12 {
			seen[l.Date(time.Date(2025, time.January+time.Month(month), 1, 0, 0, 0, 0, time.UTC))] = true
		}
		for day := range 7 {
			text := l.Day(time.Date(2025, time.March, 3, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 7*day+day)) // other weekdays, none of the first of a month
			seen[text] = true
			require.NotContains(t, text, "cccc", name)
			require.NotContains(t, text, "EEEE", name)
		}
		require.Len(t, seen, 19, name)
	}
}

// A clock of twelve hours is read both ways there.
func TestNoonAndMidnightAreNotTwelve(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2025, time.March, 4, 0, 0, 0, 0, time.UTC)
	for name := range known {
		l := inLanguage(t, name)
		require.NotContains(t, l.Time(midnight, false), l.digits("12"), name)
		require.Contains(t, l.Time(midnight.Add(12*time.Hour), false), l.digits("12"), name)
		require.Contains(t, l.Time(midnight.Add(23*time.Hour), false), l.digits("23"), name)
	}
}

func TestPluralFormsAreCLDRs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"en": {"one", "other"}, "pt": {"one", "other"}, "fr": {"one", "other"}, "de": {"one", "other"}, "ja": {"other"}, "he": {"one", "two", "other"},
		"pl": {"one", "few", "many"}, "cs": {"one", "few", "other"}, "ar": {"zero", "one", "two", "few", "many", "other"}, "ar-EG": {"zero", "one", "two", "few", "many", "other"},
	} {
		require.Equal(t, want, inLanguage(t, name).plurals(), name)
	}
	ar := inLanguage(t, "ar")
	for n, want := range map[int]string{0: "zero", 1: "one", 2: "two", 3: "few", 10: "few", 11: "many", 99: "many", 100: "other", 103: "few", 365: "many"} {
		require.Equal(t, want, ar.plural(n), n)
	}
	require.Equal(t, "one", inLanguage(t, "fr").plural(0), "0 jour")
	require.Equal(t, "other", inLanguage(t, "pt-PT").plural(0), "0 dias")
}

func TestLanguagesFromRightToLeft(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"ar": true, "ar-EG": true, "he": true, "fa": true, "ur": true, "en": false, "sr-Latn": false, "tr": false} {
		require.Equal(t, want, inLanguage(t, name).RightToLeft(), name)
	}
}

func TestLanguagesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": `"" is no language like pt-BR`, "english": `"english" is no language`, "pt_BR.UTF-8": "is no language", "und": "is no language", "tlh": "dates and plural forms of tlh are not known here",
	} {
		_, err := ParseLanguage(name)
		require.ErrorContains(t, err, want, name)
	}
}

func TestALanguageTakesFromThoseAboveIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"pt-BR": {"pt-BR", "pt"}, "es-MX": {"es-MX", "es-419", "es"}, "en-AU": {"en-AU", "en-001", "en"}, "ar-EG": {"ar-EG", "ar"}, "zh-TW": {"zh-TW", "zh-Hant"}, "de": {"de"},
	} {
		require.Equal(t, want, inLanguage(t, name).chain(), name)
	}
}
