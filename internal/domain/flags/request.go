package flags

// Request is a person's request to a rollout: the payload of its signals. Its
// reason is stored in histories: no names or addresses in it.
type Request struct {
	// ID makes the request idempotent; with an empty ID each
	// arrival counts.
	ID     string `json:"id"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	// Seen is the mark of the state that the request was made for; empty for any.
	Seen string `json:"seen,omitempty"`
	// Percentage is the one to roll back to (0: disable), or to set.
	Percentage float64 `json:"percentage"`
	// InFlight is Keep or Release, with rollback; empty means Keep.
	InFlight InFlight `json:"inFlight"`
	// Subject is the criterion or the check, with tick and waive.
	Subject string `json:"subject"`
	// Met is whether the criterion holds, with tick.
	Met bool `json:"met"`
	// FlagsVersion is the flags' version that the requester had read, with MayRaise; 0 if unknown.
	FlagsVersion int `json:"flagsVersion,omitempty"`
}

// Exceeded reports whether the flags admit more than the requested rollback.
func (r Request) Exceeded(enabled bool, percentage float64) bool {
	return enabled && (percentage > r.Percentage || r.Percentage == 0)
}

// InFlight says what happens to automated trials at a rollback.
type InFlight string

// What can happen to them.
const (
	// Keep leaves them automated; where automation is disabled they are held.
	Keep InFlight = "keep"
	// Release hands them over: they go on unautomated.
	Release InFlight = "release"
)

// Automatic is the author of what the rollout decides by itself.
const Automatic = "rollout"
