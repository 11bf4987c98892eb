package monitoring

import "time"

// State is the health of a part.
type State string

// The states. Unknown says that a part could not be checked, mostly because
// another part that it is checked through does not answer.
const (
	Healthy   State = "healthy"
	Unknown   State = "unknown"
	Degraded  State = "degraded"
	Unhealthy State = "unhealthy"
)

// The parts of the trial system.
const (
	PartMongoDB    = "mongodb"
	PartTemporal   = "temporal"
	PartWorker     = "worker"
	PartMail       = "mail"
	PartWatch      = "watch"
	PartReconciler = "reconciler"
	PartFlags      = "flags"
	// PartCertificate exists if the API serves TLS itself.
	PartCertificate = "certificate"
)

// Part is the state of one part of the system.
type Part struct {
	Name  string
	State State
	// Since is when the state began, by the facts if they say so, otherwise when it was
	// first seen.
	Since time.Time
	// Took is how long the part took to answer; zero if it is not asked itself.
	Took time.Duration
	// Message holds the figure that led to the state, Action what to do about it;
	// a healthy part has no Action.
	Message, Action string
	// Through names the part that this one is checked through, if that is
	// unavailable and nothing is known; empty otherwise.
	Through string
}

// Health is the state of the whole system.
type Health struct {
	// State is Unhealthy or Degraded if a part is, Degraded if one is
	// Unknown, otherwise Healthy.
	State  State
	At     time.Time
	Parts  []Part
	Advice []Advice
}

// Part returns the part of that name; the zero Part for an unknown name.
func (h Health) Part(name string) Part {
	for _, p := range h.Parts {
		if p.Name == name {
			return p
		}
	}
	return Part{}
}

// Assess judges the probes. before is the last assessment, the
// zero Health at first: a part whose state is unchanged keeps its Since.
func Assess(p Probes, before Health, now time.Time) Health {
	h := Health{At: now, Parts: []Part{
		mongoDB(p), temporal(p), worker(p, now), mail(p, now), watch(p, now), reconciler(p, now), flagsPart(p),
	}}
	if p.Certificate != nil {
		h.Parts = append(h.Parts, certificate(*p.Certificate, now))
	}
	for i := range h.Parts {
		part := &h.Parts[i]
		if !part.Since.IsZero() {
			continue
		}
		part.Since = now
		if known := before.Part(part.Name); known.State == part.State {
			part.Since = known.Since
		}
	}
	h.State = overall(h.Parts)
	h.Advice = Advise(p.Worker.Processes, now)
	return h
}

func overall(parts []Part) State {
	state := Healthy
	for _, p := range parts {
		switch p.State {
		case Unhealthy:
			return Unhealthy
		case Degraded, Unknown:
			state = Degraded
		case Healthy:
		}
	}
	return state
}
