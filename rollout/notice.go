package rollout

import "time"

// Role is whom a notice is for: the deployment strategy's contacts.
type Role string

// The roles.
const (
	LeadDeveloper Role = "lead-developer"
	DevOps        Role = "devops-engineer"
	DBA           Role = "database-administrator"
	ProductOwner  Role = "product-owner"
	Support       Role = "customer-support"
	Management    Role = "management"
)

// NoticeKind names what stakeholders are told.
type NoticeKind string

// The kinds of notice.
const (
	NoticeAnnouncement NoticeKind = "announcement"
	NoticePhase        NoticeKind = "phase"
	NoticeDaily        NoticeKind = "daily-update"
	NoticeCritical     NoticeKind = "critical"
	NoticeFinal        NoticeKind = "final-report"
	NoticeReport       NoticeKind = "report"
)

// Message is one thing that stakeholders are told, by e-mail and webhook. It
// holds figures and ids, no names or addresses.
type Message struct {
	// Key makes it once: each recipient gets one message of a key.
	Key  string     `json:"key"`
	Kind NoticeKind `json:"kind"`
	At   time.Time  `json:"at"`
	// Subject and Lead say it in a sentence each.
	Subject string   `json:"subject"`
	Lead    string   `json:"lead"`
	Lines   []string `json:"lines"`
	// Figures are shown as a table, and as bars against their limits.
	Figures []Figure `json:"figures"`
	// Timeline are the phases, for a chart of where the rollout is.
	Timeline []TimelineEntry `json:"timeline"`
}

// Figure is a rate against its limit.
type Figure struct {
	Name     string  `json:"name"`
	Estimate float64 `json:"estimate"`
	Limit    float64 `json:"limit"`
	// HighIsBad says on which side of the limit it should be.
	HighIsBad bool    `json:"highIsBad"`
	Seen      int     `json:"seen"`
	Verdict   Verdict `json:"verdict"`
	Reason    string  `json:"reason"`
}

// TimelineEntry is one phase: its percentage, and whether it is past, present or to come.
type TimelineEntry struct {
	Name       string  `json:"name"`
	Percentage float64 `json:"percentage"`
	State      string  `json:"state"` // past, present or to-come
}
