package monitoring

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// certificateNear is how long before its expiry a certificate must be renewed: three weeks, or the last
// third of one that is valid for less than nine weeks.
const certificateNear = 21 * 24 * time.Hour

// State is a certificate's state: degraded when it must be renewed, unhealthy if clients refuse it.
func (v Validity) State(now time.Time) State {
	left := v.Until.Sub(now)
	switch {
	case left <= 0 || now.Before(v.From):
		return Unhealthy
	case left < min(certificateNear, v.Until.Sub(v.From)/3):
		return Degraded
	}
	return Healthy
}

// Certificates are those of the running API processes; never nil.
func Certificates(processes []Process, now time.Time) []Validity {
	shown := []Validity{}
	for _, p := range processes {
		if p.Certificate != nil && now.Sub(p.Last()) <= signMissing {
			shown = append(shown, *p.Certificate)
		}
	}
	return shown
}

// certificates counts the certificates that clients refuse, or soon will. Their days are always 24 hours
// long: other systems measure them.
func (s Situation) certificates() Observation {
	shown := s.Parts.Certificates
	if shown == nil {
		return unmeasured(0, "not measured: the processes could not be read")
	}
	if len(shown) == 0 {
		return observed(0, 0, "no API process uses a certificate")
	}
	bad := 0
	for _, v := range shown {
		if v.State(s.Now) != Healthy {
			bad++
		}
	}
	urgency := []State{Unhealthy, Degraded, Healthy}
	worst := slices.MinFunc(shown, func(a, b Validity) int {
		return cmp.Or(cmp.Compare(slices.Index(urgency, a.State(s.Now)), slices.Index(urgency, b.State(s.Now))), a.Until.Compare(b.Until))
	})
	return observed(float64(bad), len(shown), "%d of %d API processes have a certificate to renew: %s", bad, len(shown), certificate(worst, s.Now).Message)
}

func certificate(v Validity, now time.Time) Part {
	const day = 24 * time.Hour
	left := evidence.Counted(int(v.Until.Sub(now)/day), "day", "days")
	part := Part{Name: PartCertificate, State: v.State(now), Message: fmt.Sprintf("valid until %s, for %s", v.Until.UTC().Format(time.DateOnly), left)}
	switch {
	case part.State == Healthy:
		return part
	case now.Before(v.From):
		part.Message, part.Since = "it is not valid before "+v.From.UTC().Format(time.RFC3339), time.Time{}
	case part.State == Unhealthy:
		part.Message, part.Since = "it expired at "+v.Until.UTC().Format(time.RFC3339), v.Until
	}
	part.Action = "Renew the certificate and replace the files TLS_CERT_FILE and TLS_KEY_FILE; the API loads them without a restart."
	return part
}
