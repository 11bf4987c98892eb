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
  - name: season
    lengthDays: 40
    graceDays: 2
    sendHour: 8
    quietDays: []
    steps:
      - {id: welcome}
      - {id: half-way, after: start, days: 20, template: half-way}
      - {id: reminder-5d, after: beforeEnd, days: 5}
      - {id: expiry}
      - {id: grace-end}
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
	s := begin(t, system.Options{Day: 2 * day, Env: []string{"POLICIES=" + policies, "MAIL_TEMPLATES=" + mail}})
	register := func(name string, more ...string) (id string) {
		id = s.vendor(name)
		s.starter(append([]string{"vendor", "register", "--id", id, "--email", email(id), "--name", name}, more...)...)
		return id
	}
	caio := register("caio", "--policy", "month")
	require.Contains(t, s.starter("trial", "policy", caio, "season", "--reason", "Asked by sales"), "policy season, revision 1")
	bia := register("bia", "--attribute", "country=BR", "--locale", "pt-BR", "--timezone", "America/Sao_Paulo")
	amal := register("amal", "--attribute", "country=AE", "--locale", "ar-AE", "--timezone", "Asia/Dubai")
	dina := register("dina", "--locale", "ar")
	require.Contains(t, s.starter("policy", "show", "--vendor", bia), "a rule chose it")
	require.Contains(t, s.starter("policy", "show", "--vendor", caio), "it was registered with month: its registration named it")
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
	s.movedWell(caio)
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

// movedWell checks that a trial that was moved from the policy month to season soon after its start has had that one's e-mails
// at its times. Half-way, which both have, has kept its key.
func (s *scenario) movedWell(id string) {
	s.t.Helper()
	s.awaitStatus(wholeLife, id, trial.Expired)
	require.Equal(s.t, []string{"welcome/0", "half-way/0", "reminder-5d/1", "expiry/1", "grace-end/1"}, s.mails(id))
	k := s.known(id)
	require.Equal(s.t, "season", k.Trial.Policy)
	require.Equal(s.t, "month", k.Trial.RegisteredPolicy)
	due := map[trial.Kind]int{}
	for _, r := range k.Trial.Steps {
		if r.Outcome == trial.Ran {
			due[r.Step.Kind] = int(r.Step.At.Sub(k.Trial.StartedAt) / s.Day)
			require.False(s.t, r.At.Before(r.Step.At), r.Step.Kind)
		}
	}
	require.Equal(s.t, map[trial.Kind]int{"welcome": 0, "half-way": 20, "reminder-5d": 35, "expiry": 40, "grace-end": 42}, due)
}
