package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// soukPolicies are another marketplace's: a month with e-mails of its own, and a short trial for one country.
const soukPolicies = `policies:
  - name: month
    lengthDays: 30
    graceDays: 2
    sendHour: 8
    quietDays: []
    steps:
      - {id: welcome}
      - {id: half-way, after: start, days: 15, template: half-way}
      - {id: reminder-7d, after: beforeEnd, days: 7}
      - {id: reminder-2d, after: beforeEnd, days: 2}
      - {id: expiry}
      - {id: grace-end}
      - {id: win-back, after: afterExpiry, days: 7, template: win-back}
  - name: brazil
    lengthDays: 4
    graceDays: 0
    sendHour: 8
    quietDays: []
    steps: [{id: welcome}, {id: reminder-2d, after: beforeEnd, days: 2}, {id: expiry}]
rules:
  - {when: {country: BR}, policy: brazil}
default: month
`

// soukMail is a folder with that marketplace's brand, and its words in Arabic and English.
func soukMail(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../internal/adapters/ses/testdata/mail")))
	for name, text := range map[string]string{
		"ar/half-way.yaml": "subject: انقضى نصف فترتك التجريبية\nparagraphs: [\"تستمر فترتك التجريبية حتى {endDate}.\"]\nbutton: اختيار باقة\n",
		"ar/win-back.yaml": "subject: متجرك في انتظارك\nparagraphs: [كل شيء محفوظ كما تركته.]\nbutton: العودة إلى البيع\n",
		"en/win-back.yaml": "subject: Your shop is waiting\nparagraphs: [Everything is as you left it.]\nbutton: Sell again\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), []byte(text), 0o600))
	}
	return folder
}

// From a file of policies and a folder of words to the right e-mails, in the right language, without touching code.
func TestAMarketplaceMakesItItsOwn(t *testing.T) {
	policies, mail := filepath.Join(t.TempDir(), "policies.yaml"), soukMail(t)
	require.NoError(t, os.WriteFile(policies, []byte(soukPolicies), 0o600))
	s := begin(t, system.Options{Day: 2 * day, Env: []string{"POLICIES=" + policies}, WorkerEnv: []string{"MAIL_TEMPLATES=" + mail}})
	register := func(name string, more ...string) (id string) {
		id = s.vendor(name)
		s.starter(append([]string{"vendor", "register", "--id", id, "--email", email(id), "--name", name}, more...)...)
		return id
	}
	bia := register("bia", "--attribute", "country=BR", "--locale", "pt-BR", "--timezone", "America/Sao_Paulo")
	amal := register("amal", "--attribute", "country=AE", "--locale", "ar-AE", "--timezone", "Asia/Dubai")
	dina := register("dina", "--locale", "ar")
	require.Contains(t, s.starter("policy", "show", "--vendor", bia), "a rule chose it")
	require.Contains(t, s.starter("policy", "list"), "vendors with country=BR get brazil")
	require.Contains(t, s.starter("policy", "check", policies, "--templates", mail), "half-way")

	s.awaitStatus(wholeLife, bia, trial.Expired)
	require.Equal(t, []string{"welcome/0", "reminder-2d/0", "expiry/0"}, s.mails(bia))
	require.Equal(t, "brazil", s.known(bia).Trial.Policy)
	welcome := s.messages(bia + "/welcome")[0]
	require.Equal(t, "Seu período de teste começou", welcome.Subject)
	require.Contains(t, welcome.HTML, `lang="pt`)
	require.Contains(t, welcome.HTML, "https://souk.example/plans?vendor="+bia, "the button leads where the brand says")
	require.Contains(t, welcome.HTML, "Souk Al Nour")

	s.awaitStatus(wholeLife, dina, trial.Expired)
	s.convert(dina)
	s.awaitMail(wholeLife, amal, "win-back")
	life := []string{"welcome/0", "half-way/0", "reminder-7d/0", "reminder-2d/0", "expiry/0", "grace-end/0", "win-back/0"}
	require.Equal(t, life, s.mails(amal), "each once, in order")
	require.Equal(t, life[:len(life)-1], s.mails(dina), "who has converted is not asked to come back")
	for kind, subject := range map[string]string{
		"welcome": "Your trial has started", "half-way": "انقضى نصف فترتك التجريبية", "reminder-2d": "تنتهي فترتك التجريبية بعد يومين", "win-back": "متجرك في انتظارك",
	} {
		m := s.messages(amal + "/" + kind)[0]
		require.Equal(t, subject, m.Subject)
		direction := `dir="rtl"`
		if kind == "welcome" { // the marketplace has no Arabic words for it
			direction = `dir="ltr"`
		}
		require.Contains(t, m.HTML, direction, kind)
	}
	require.Equal(t, trial.Expired, s.known(amal).Trial.Status)
}
