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
		"a short one, to renew": {5 * day, day, Degraded, "for 1 days"},
		"one of the future":     {-day, 89 * day, Unhealthy, "it is not good before"},
	} {
		health := Assess(Probes{Certificate: &Validity{now.Add(-c.age), now.Add(c.left)}}, Health{}, now)
		part := health.Part(PartCertificate)
		require.Equal(t, c.want, part.State, name)
		require.Contains(t, part.Message, c.message, name)
		require.Equal(t, c.want != Healthy, part.Action != "", name)
	}
	require.Empty(t, Assess(Probes{}, Health{}, now).Part(PartCertificate), "the API does not speak TLS itself")
}
