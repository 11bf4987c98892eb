package rollout

// Claim is which rollout a request to start one began, by the request's key. The
// first claim of a key counts.
type Claim struct {
	RolloutID string `json:"rolloutId"`
	// Request is a hash of what was asked for.
	Request string `json:"request"`
}
