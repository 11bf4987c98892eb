package monitoring

import "time"

// State says how a part is.
type State string

// The states. Unknown says that nothing could be learnt of a part, mostly since
// one that it is asked through does not answer.
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
	// PartCertificate is there where the API speaks TLS itself.
	PartCertificate = "certificate"
)

// Part is how one part is.
type Part struct {
	Name  string
	State State
	// Since is when the state began: where the facts tell, then, else when it was
	// first seen.
	Since time.Time
	// Took is how long the part took to answer; zero where it is not asked itself.
	Took time.Duration
	// Message holds the figure that led to the state, Action what to do about it;
	// a healthy part needs none.
	Message, Action string
	// Through names the part that this one is known through, where nothing is known
	// of it since that one is away; empty otherwise.
	Through string
}

// Health is how the trial system is.
type Health struct {
	// State is Unhealthy or Degraded where a part is, Degraded where one is
	// Unknown, else Healthy.
	State  State
	At     time.Time
	Parts  []Part
	Advice []Advice
}

// Part is the part of that name; the zero Part for a name that there is not.
func (h Health) Part(name string) Part {
	for _, p := range h.Parts {
		if p.Name == name {
			return p
		}
	}
	return Part{}
}

// Assess judges what the probes found. before is the health assessed last, the
// zero Health at first: a part whose state is the same has had it since then.
func Assess(p Probes, before Health, now time.Time) Health {
	h := Health{At: now, Parts: []Part{
		mongoDB(p), temporal(p), worker(p, now), mail(p), watch(p, now), reconciler(p, now), flags(p),
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
