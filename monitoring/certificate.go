package monitoring

import (
	"fmt"
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
