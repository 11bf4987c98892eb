package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestACertificateIsWarnedOfWeeksBeforeItExpires(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		age, left time.Duration
		want      State
		message   string
	}{
		"months to go":          {30 * day, 60 * day, Healthy, "for 60 days"},
		"three weeks to go":     {69 * day, 21 * day, Healthy, "for 21 days"},
		"less":                  {69*day + 1, 21*day - 1, Degraded, "for 20 days"},
		"the last hour":         {89 * day, time.Hour, Degraded, "for 0 days"},
		"expired":               {90 * day, 0, Unhealthy, "it expired at 2026-03-09T12:00:00Z"},
		"a short one, fresh":    {day, 5 * day, Healthy, "for 5 days"},
		"a short one, to renew": {5 * day, day, Degraded, "for 1 day"},
		"one of the future":     {-day, 89 * day, Unhealthy, "it is not valid before"},
	} {
		health := Assess(Probes{Certificate: &Validity{now.Add(-c.age), now.Add(c.left)}}, Health{}, now)
		part := health.Part(PartCertificate)
		require.Equal(t, c.want, part.State, name)
		require.Contains(t, part.Message, c.message, name)
		require.Equal(t, c.want != Healthy, part.Action != "", name)
	}
	require.Empty(t, Assess(Probes{}, Health{}, now).Part(PartCertificate), "the API does not speak TLS itself")
}

// certificates are valid for 90 days; the numbers are the days left at midday.
func certificates(daysLeft ...int) []Validity {
	var all []Validity
	for _, days := range daysLeft {
		until := midday.AddDate(0, 0, days)
		all = append(all, Validity{until.AddDate(0, 0, -90), until})
	}
	return all
}

func TestTheAlertTellsOfTheCertificateThatEndsFirst(t *testing.T) {
	t.Parallel()
	s := situation()
	s.Parts.Certificates = certificates(60, 12)
	o := Observe(CertificateExpires, s, midday)
	require.Equal(t, 2, o.Seen)
	require.Equal(t, "1 of 2 API processes have a certificate to renew: valid until "+midday.AddDate(0, 0, 12).Format(time.DateOnly)+", for 12 days", o.Text)

	s.Parts.Certificates = append(certificates(60), Validity{midday.AddDate(0, 0, 1), midday.AddDate(0, 0, 90)})
	require.Contains(t, Observe(CertificateExpires, s, midday).Text, "1 of 2 API processes have a certificate to renew: it is not valid before ")
}

func TestCertificatesAreThoseOfProcessesThatAreThere(t *testing.T) {
	t.Parallel()
	at := func(ago time.Duration) []Sample { return []Sample{{At: midday.Add(-ago)}} }
	shown := certificates(60, 12)
	require.Equal(t, shown[:1], Certificates([]Process{
		{Role: RoleAPI, Samples: at(signMissing), Certificate: &shown[0]},
		{Role: RoleAPI, Samples: at(signMissing + 1), Certificate: &shown[1]}, // gone
		{Role: RoleWorker, Samples: at(0)},
	}, midday))
	require.NotNil(t, Certificates(nil, midday))
}
