package vendorpage_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/vendorpage"
	"marketplace.example/trials/internal/domain/wording"
	"marketplace.example/trials/internal/platform/config"
)

var began = time.Date(2026, time.March, 2, 10, 0, 0, 0, time.UTC)

func lookOf(t *testing.T, folder string) vendorpage.Look {
	t.Helper()
	m, err := config.Config{MailTemplates: folder}.Mail()
	require.NoError(t, err)
	m.Brand.Name, m.Brand.Support = "Nordic & Søn", "help@nordic.example"
	return vendorpage.Look{Brand: m.Brand, Words: m.Words}
}

func running(change ...func(*trial.State)) *trial.State {
	p := trial.DefaultPolicy()
	p.Mailings = []trial.Mailing{{ID: "win-back", Template: "win-back", After: trial.AfterExpiry, Days: 7}}
	s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, Zone: "America/Sao_Paulo", At: began})
	for _, c := range change {
		c(&s)
	}
	return &s
}

func guide(t *testing.T, l vendorpage.Look, locale string, s *trial.State, now time.Time) vendorpage.Guide {
	t.Helper()
	return vendorpage.NewGuide(l, vendorpage.Facts{Vendor: trial.Vendor{Email: "a@example.com", Locale: locale, Zone: "Asia/Tokyo"}, Trial: s, Now: now},
		func(kind string) string { return "https://nordic.example/" + kind })
}

func TestTheTimetableIsOnTheVendorsClock(t *testing.T) {
	t.Parallel()
	g := guide(t, lookOf(t, ""), "pt-BR", running(), began.Add(time.Hour))
	require.Equal(t, "Seu teste vai até segunda-feira, 16 de março de 2026. Se até lá você não tiver escolhido um plano, ainda poderá vender até "+
		"quinta-feira, 19 de março de 2026; depois disso, as vendas ficam pausadas. Seus produtos, pedidos e configurações são mantidos.", g.Status)
	require.Equal(t, []vendorpage.Dated{{"O teste termina", "segunda-feira, 16 de março de 2026 às 07:00"}}, g.Dates)
	require.Equal(t, "America/Sao Paulo", g.Zone, "the trial's, not where the vendor is now")
	require.Equal(t, []vendorpage.Dated{
		{"Um e-mail lembra você de que o teste termina", "segunda-feira, 9 de março de 2026"},
		{"Um e-mail lembra você de que o teste termina", "sexta-feira, 13 de março de 2026"},
		{"Um e-mail lembra você de que o teste termina", "domingo, 15 de março de 2026"},
		{"O teste termina", "segunda-feira, 16 de março de 2026 às 07:00"},
		{"Vendas pausadas", "quinta-feira, 19 de março de 2026 às 07:00"},
		{"Um e-mail sobre o seu teste", "quinta-feira, 26 de março de 2026"},
	}, g.Next)
	require.Equal(t, "https://nordic.example/reminder", g.PlansURL)
	require.Equal(t, vendorpage.MailsOn, g.Mails)
}

func TestWhatTheGuideSaysByStatus(t *testing.T) {
	t.Parallel()
	l := lookOf(t, "")
	for name, c := range map[string]struct {
		state       *trial.State
		after       time.Duration
		text, plans string
		next        int
	}{
		"active":    {running(), 0, "Your trial runs until Monday, 16 March 2026.", "reminder", 6},
		"no grace":  {running(func(s *trial.State) { s.Policy.GraceDays, s.GraceEndsAt = 0, s.EndsAt }), 0, "by then, selling is paused", "reminder", 6},
		"overdue":   {running(), 15 * trial.RealDay, "You can still sell. Choose a plan", "reminder", 0},
		"grace":     {running(func(s *trial.State) { s.Status = trial.Grace }), 15 * trial.RealDay, "still sell until Thursday, 19 March 2026", "expiry", 2},
		"expired":   {running(func(s *trial.State) { s.Status, s.ExpiredAt = trial.Expired, new(s.GraceEndsAt) }), 18 * trial.RealDay, "selling is paused. Your products", "grace-end", 1},
		"paid late": {running(func(s *trial.State) { s.Status, s.ConvertedAt, s.ConvertedLate = trial.Expired, new(began), true }), 18 * trial.RealDay, "You have chosen a plan.", "", 0},
		"converted": {running(func(s *trial.State) { s.Status, s.ConvertedAt = trial.Converted, new(began) }), 0, "You have chosen a plan.", "", 0},
		"cancelled": {running(func(s *trial.State) { s.Status = trial.Cancelled }), 0, "Your trial was cancelled.", "grace-end", 0},
		"not begun": {nil, 0, "Your trial is being set up.", "welcome", 0},
	} {
		g := guide(t, l, "en", c.state, began.Add(time.Hour+c.after))
		require.Contains(t, g.Status, c.text, name)
		require.Equal(t, c.plans != "", g.ShowPlans, name)
		require.Equal(t, c.plans, strings.TrimPrefix(g.PlansURL, "https://nordic.example/"), name)
		require.Len(t, g.Next, c.next, name)
	}
}

// Nobody is promised e-mails that will not come.
func TestTheTimetableOfWhoGetsNoEMails(t *testing.T) {
	t.Parallel()
	v := trial.Vendor{Email: "a@example.com", Locale: "de", Suppression: &trial.Suppression{Reason: trial.ReasonUnsubscribed}}
	target := func(string) string { return "" }
	g := vendorpage.NewGuide(lookOf(t, ""), vendorpage.Facts{Vendor: v, Trial: running(), Now: began}, target)
	require.Equal(t, vendorpage.MailsOff, g.Mails)
	require.Equal(t, []string{"Testphase endet", "Verkauf pausiert"}, []string{g.Next[0].Text, g.Next[1].Text})
	require.Len(t, g.Next, 2)
	v.Email = ""
	require.Equal(t, vendorpage.MailsFail, vendorpage.NewGuide(lookOf(t, ""), vendorpage.Facts{Vendor: v, Now: began}, target).Mails)
}

// Every language says everything, whole and in its own direction.
func TestPagesInEveryLanguage(t *testing.T) {
	t.Parallel()
	l := lookOf(t, filepath.Join("..", "..", "adapters", "ses", "testdata", "mail"))
	for locale, direction := range map[string]string{"en": "ltr", "de-AT": "ltr", "es-MX": "ltr", "fr-CA": "ltr", "pt-BR": "ltr", "ar-EG": "rtl"} {
		g := guide(t, l, locale, running(), began)
		require.Equal(t, direction, g.Direction)
		require.True(t, strings.HasPrefix(locale, g.Language), "%s is in %s", locale, g.Language)
		for name, text := range g.Say {
			if text == "" {
				require.Contains(t, []string{wording.PageActive, wording.PageGrace}, name, locale)
			}
			require.NotContains(t, text, "{", name)
		}
		require.NotEmpty(t, g.Status)
		require.NotEmpty(t, g.Question)
		require.Contains(t, g.Support, "help@nordic.example")
	}
	require.Equal(t, "en", vendorpage.New(l, "ja").Language)
	require.Equal(t, "en", vendorpage.New(l, "").Language)
	require.Contains(t, guide(t, l, "ar-EG", running(), began).Dates[0].At, "٢٠٢٦", "the numbers of the country")
}

func TestACompressedTrialIsToldToTheSecond(t *testing.T) {
	t.Parallel()
	s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: 2 * time.Second, At: began})
	g := guide(t, vendorpage.Look{Brand: brand.Brand{}, Words: lookOf(t, "").Words}, "en", &s, began)
	require.Equal(t, "2 March 2026 at 10:00:28", g.Dates[0].At)
	require.Empty(t, g.Support)
}
