package monitoring

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// certificateNear is how long before its end a certificate has to be renewed: three weeks, or the last
// third of one that is good for less than nine.
const certificateNear = 21 * 24 * time.Hour

// State is how a certificate is: degraded while it is to be renewed, unhealthy where clients refuse it.
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

// Certificates are those that the API processes show which are there; never nil.
func Certificates(processes []Process, now time.Time) []Validity {
	shown := []Validity{}
	for _, p := range processes {
		if p.Certificate != nil && now.Sub(p.Last()) <= signMissing {
			shown = append(shown, *p.Certificate)
		}
	}
	return shown
}

// certified counts the certificates that clients refuse, or will before long. Their days are real ones, however long one
// of the product is: others measure them.
func (s Situation) certified() Observation {
	shown := s.Parts.Certificates
	if shown == nil {
		return unmeasured(0, "not measured: the processes could not be read")
	}
	if len(shown) == 0 {
		return observed(0, 0, "no API process shows a certificate")
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
	return observed(float64(bad), len(shown), "%d of %d API processes show a certificate to be renewed: %s", bad, len(shown), certificate(worst, s.Now).Message)
}

func certificate(v Validity, now time.Time) Part {
	const day = 24 * time.Hour
	part := Part{Name: PartCertificate, State: v.State(now), Message: fmt.Sprintf("good until %s, for %d days", v.Until.UTC().Format(time.DateOnly), v.Until.Sub(now)/day)}
	switch {
	case part.State == Healthy:
		return part
	case now.Before(v.From):
		part.Message, part.Since = "it is not good before "+v.From.UTC().Format(time.RFC3339), time.Time{}
	case part.State == Unhealthy:
		part.Message, part.Since = "it expired at "+v.Until.UTC().Format(time.RFC3339), v.Until
	}
	part.Action = "Renew the certificate and replace the files TLS_CERT_FILE and TLS_KEY_FILE; the API takes them without a restart."
	return part
}
