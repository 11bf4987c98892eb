package rollout

import (
	"hash/fnv"
	"maps"
	"time"
)

// OpenEvidence is what a ledger holds for each vendor and e-mail, and grows with their number. It is dealt into parts of a bounded
// size to be stored.
type OpenEvidence struct {
	// EmailVendors and StepVendors were observed since this stage's start.
	EmailVendors map[string]bool `json:"emailVendors,omitempty"`
	StepVendors  map[string]bool `json:"stepVendors,omitempty"`
	// EmailDays and StepDays are the vendors' days that may still change.
	EmailDays map[string]VendorDay `json:"emailDays,omitempty"`
	StepDays  map[string]VendorDay `json:"stepDays,omitempty"`
	// Awaited are the times of e-mails sent that have no report yet, by key.
	Awaited map[string]time.Time `json:"awaited,omitempty"`
	// Settled are the times of recently reported e-mails, by key: their sending may
	// become known later than their delivery.
	Settled map[string]time.Time `json:"settled,omitempty"`
	// Delivered are the settled e-mails that were delivered, by key, with the time of sending: a delivered e-mail may still
	// bounce.
	Delivered map[string]time.Time `json:"delivered,omitempty"`
	// DayOf is the admission day of vendors not converted yet.
	DayOf map[string]int `json:"dayOf,omitempty"`
	// LeftOut is the admission day of vendors whose trials were cancelled: until they are revived, conversion counts
	// them no more than the figure and the alert do.
	LeftOut map[string]int `json:"leftOut,omitempty"`
}

// NewOpenEvidence is that of nobody, to be added to.
func NewOpenEvidence() OpenEvidence {
	return OpenEvidence{
		EmailVendors: map[string]bool{}, StepVendors: map[string]bool{}, EmailDays: map[string]VendorDay{}, StepDays: map[string]VendorDay{},
		Awaited: map[string]time.Time{}, Settled: map[string]time.Time{}, Delivered: map[string]time.Time{}, DayOf: map[string]int{},
	}
}

// Len counts the entries.
func (o OpenEvidence) Len() int {
	return len(o.EmailVendors) + len(o.StepVendors) + len(o.EmailDays) + len(o.StepDays) + len(o.Awaited) + len(o.Settled) +
		len(o.Delivered) + len(o.DayOf) + len(o.LeftOut)
}

// Deal deals the entries into parts, each by its key alone: among so many parts, a key is always in the same one.
func (o OpenEvidence) Deal(parts int) []OpenEvidence {
	dealt := make([]OpenEvidence, parts)
	deal(o.EmailVendors, dealt, func(p *OpenEvidence) *map[string]bool { return &p.EmailVendors })
	deal(o.StepVendors, dealt, func(p *OpenEvidence) *map[string]bool { return &p.StepVendors })
	deal(o.EmailDays, dealt, func(p *OpenEvidence) *map[string]VendorDay { return &p.EmailDays })
	deal(o.StepDays, dealt, func(p *OpenEvidence) *map[string]VendorDay { return &p.StepDays })
	deal(o.Awaited, dealt, func(p *OpenEvidence) *map[string]time.Time { return &p.Awaited })
	deal(o.Settled, dealt, func(p *OpenEvidence) *map[string]time.Time { return &p.Settled })
	deal(o.Delivered, dealt, func(p *OpenEvidence) *map[string]time.Time { return &p.Delivered })
	deal(o.DayOf, dealt, func(p *OpenEvidence) *map[string]int { return &p.DayOf })
	deal(o.LeftOut, dealt, func(p *OpenEvidence) *map[string]int { return &p.LeftOut })
	return dealt
}

func deal[V any](all map[string]V, parts []OpenEvidence, of func(*OpenEvidence) *map[string]V) {
	for key, value := range all {
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(key)) // never fails
		part := of(&parts[int(hash.Sum32())%len(parts)])
		if *part == nil {
			*part = map[string]V{}
		}
		(*part)[key] = value
	}
}

// Add adds a part's entries.
func (o *OpenEvidence) Add(part OpenEvidence) {
	maps.Copy(o.EmailVendors, part.EmailVendors)
	maps.Copy(o.StepVendors, part.StepVendors)
	maps.Copy(o.EmailDays, part.EmailDays)
	maps.Copy(o.StepDays, part.StepDays)
	maps.Copy(o.Awaited, part.Awaited)
	maps.Copy(o.Settled, part.Settled)
	maps.Copy(o.Delivered, part.Delivered)
	maps.Copy(o.DayOf, part.DayOf)
	if o.LeftOut == nil && len(part.LeftOut) > 0 {
		o.LeftOut = map[string]int{}
	}
	maps.Copy(o.LeftOut, part.LeftOut)
}

const (
	// mostInPart is how many entries a part may come to hold: a hundred bytes each, or twice that with long ids.
	mostInPart = 1000
	// leastInPart is below which there are fewer parts, so that few entries are not read one by one.
	leastInPart = mostInPart / 8
)

// Parts is into how many parts that many entries are dealt, where there are now so many. It changes seldom, since all are stored
// anew then.
func Parts(entries, now int) int {
	parts := max(now, 1)
	for entries > parts*mostInPart {
		parts *= 2
	}
	for parts > 1 && entries < parts*leastInPart {
		parts /= 2
	}
	return parts
}
