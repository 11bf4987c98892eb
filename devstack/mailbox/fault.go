package mailbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is a way in which SendEmail misbehaves.
type Fault struct {
	// Kind is one of: throttle, fail, reject, paused, suspended, unverified,
	// limit (each refuses with SES's exception), delay (waits before it
	// does anything, and does nothing if the caller is gone by then), hangup
	// (keeps the mail, and drops the connection without an answer).
	Kind string `json:"kind"`

	// Rate is the share of affected calls, above 0 and up to 1. If omitted,
	// it is 1.
	Rate float64 `json:"rate"`

	// Delay is how long kind delay waits, such as "2s".
	Delay string `json:"delay,omitempty"`

	// Count is the maximum number of affected calls; 0 is no limit.
	Count int `json:"count,omitempty"`

	// Match limits the fault to mails with a recipient whose address contains
	// it, ignoring case. Empty affects all.
	Match string `json:"match,omitempty"`

	// Hits counts the affected calls.
	Hits int `json:"hits"`

	delay time.Duration
}

// refusals are the kinds that return an error.
var refusals = map[string]*apiError{
	"throttle": tooManyRequests(),
	"fail":     {http.StatusInternalServerError, "InternalServiceErrorException", "An internal error occurred."},
	"reject": {http.StatusBadRequest, "MessageRejected",
		"The message contains a virus."},
	"paused":    {http.StatusBadRequest, "SendingPausedException", "Email sending is disabled for this account."},
	"suspended": {http.StatusBadRequest, "AccountSuspendedException", "The account is suspended."},
	"unverified": {http.StatusBadRequest, "MailFromDomainNotVerifiedException",
		"The MAIL FROM domain is not verified."},
	"limit": {http.StatusBadRequest, "LimitExceededException", "Daily message quota exceeded."},
}

const (
	kindDelay  = "delay"
	kindHangup = "hangup"
)

// faults are the active faults.
type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// verdict is the effect of the active faults on one call.
type verdict struct {
	delay   time.Duration
	refusal *apiError // nil: the mail is accepted
	hangup  bool
}

// judge decides on a call that sends to recipients. Delays add up; of the
// others only the first match counts.
func (f *faults) judge(recipients []string) (v verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if !fault.hits(recipients) {
			continue
		}
		fault.Hits++
		switch fault.Kind {
		case kindDelay:
			v.delay += fault.delay
			continue
		case kindHangup:
			v.hangup = true
		default:
			v.refusal = refusals[fault.Kind]
		}
		return v
	}
	return v
}

func (f *Fault) hits(recipients []string) bool {
	if f.spent() || (f.Rate < 1 && rand.Float64() >= f.Rate) {
		return false
	}
	match := strings.ToLower(f.Match)
	return slices.ContainsFunc(recipients, func(to string) bool { return strings.Contains(strings.ToLower(to), match) })
}

func (f *Fault) spent() bool { return f.Count > 0 && f.Hits >= f.Count }

// whole reports whether a fault of the kind affects every call.
func (f *faults) whole(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.list, func(fault *Fault) bool {
		return fault.Kind == kind && fault.Rate >= 1 && fault.Match == "" && !fault.spent()
	})
}

// put replaces the fault with the same kind and match, or adds one.
func (f *faults) put(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.list, func(old *Fault) bool { return old.Kind == fault.Kind && old.Match == fault.Match })
	if i >= 0 {
		f.list[i] = &fault
		return
	}
	f.list = append(f.list, &fault)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// all returns the faults as they are now.
func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, 0, len(f.list))
	for _, fault := range f.list {
		all = append(all, *fault)
	}
	return all
}

// UnmarshalJSON reads a requested fault, and refuses one that
// makes no sense.
func (f *Fault) UnmarshalJSON(data []byte) error {
	type plain Fault
	request := plain{Rate: 1}
	if err := strictly(data, &request); err != nil {
		return err
	}
	_, refuses := refusals[request.Kind]
	switch {
	case !refuses && request.Kind != kindDelay && request.Kind != kindHangup:
		return fmt.Errorf("kind: %q is none of %s", request.Kind, strings.Join(kinds(), ", "))
	case request.Rate <= 0 || request.Rate > 1:
		return fmt.Errorf("rate: %v is not above 0 and up to 1", request.Rate)
	case request.Count < 0:
		return fmt.Errorf("count: %d is below 0", request.Count)
	case request.Hits != 0:
		return fmt.Errorf("hits: only counted, never set")
	case (request.Kind == kindDelay) != (request.Delay != ""):
		return fmt.Errorf("delay: belongs to the kind delay, and to no other")
	}
	if request.Delay != "" {
		delay, err := time.ParseDuration(request.Delay)
		if err != nil || delay <= 0 {
			return fmt.Errorf("delay: %q is no time such as 500ms or 2s", request.Delay)
		}
		request.delay = delay
	}
	*f = Fault(request)
	return nil
}

func kinds() []string {
	kinds := []string{kindDelay, kindHangup}
	for kind := range refusals {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

func (m *Mailbox) putFault(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	if !readJSON(w, r, &fault) {
		return
	}
	m.faults.put(fault)
	writeJSON(w, http.StatusOK, m.faults.all())
}

func (m *Mailbox) listFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, m.faults.all())
}

func (m *Mailbox) deleteFaults(w http.ResponseWriter, _ *http.Request) {
	m.faults.clear()
	w.WriteHeader(http.StatusNoContent)
}
