package rollout

import (
	"slices"
	"time"
)

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

// Roles lists every role, in the order of the deployment strategy.
func Roles() []Role {
	return []Role{LeadDeveloper, DevOps, DBA, ProductOwner, Support, Management}
}

// Title is what people call the role.
func (r Role) Title() string {
	switch r {
	case LeadDeveloper:
		return "Lead developer"
	case DevOps:
		return "DevOps engineer"
	case DBA:
		return "Database administrator"
	case ProductOwner:
		return "Product owner"
	case Support:
		return "Customer support"
	case Management:
		return "Management"
	}
	return string(r)
}

// calledFor is what to call a role for.
func (r Role) calledFor() string {
	switch r {
	case LeadDeveloper:
		return "anything technical, at any hour during the rollout"
	case DevOps:
		return "infrastructure"
	case DBA:
		return "data"
	case ProductOwner:
		return "decisions about the feature"
	case Support:
		return "what vendors ask or complain about"
	case Management:
		return "escalation"
	}
	return ""
}

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
	// The reports on the time after the deployment.
	NoticeDailyReport   NoticeKind = "daily-report"
	NoticeWeeklyReport  NoticeKind = "weekly-report"
	NoticeMonthlyReport NoticeKind = "monthly-report"
	// NoticeAlert tells that an alert fires, NoticeAlertOver that it has cleared.
	NoticeAlert     NoticeKind = "alert"
	NoticeAlertOver NoticeKind = "alert-over"
)

// Roles are who gets notices of the kind.
func (k NoticeKind) Roles() []Role {
	switch k {
	case NoticeAnnouncement, NoticeCritical, NoticeFinal:
		return Roles()
	case NoticePhase:
		return []Role{LeadDeveloper, DevOps, DBA, ProductOwner, Support}
	case NoticeDaily:
		return []Role{LeadDeveloper, ProductOwner, Support}
	case NoticeReport:
		return []Role{LeadDeveloper, ProductOwner, Support, Management}
	case NoticeDailyReport:
		return []Role{LeadDeveloper, DevOps, ProductOwner, Support}
	case NoticeWeeklyReport:
		return []Role{LeadDeveloper, ProductOwner, Support}
	case NoticeMonthlyReport:
		return []Role{LeadDeveloper, ProductOwner, Management}
	case NoticeAlert, NoticeAlertOver: // where the message does not say to whom
		return []Role{LeadDeveloper, DevOps}
	}
	return nil
}

// Why tells a recipient why they get notices of the kind.
func (k NoticeKind) Why() string {
	switch k {
	case NoticeAnnouncement:
		return "Everybody among the rollout's contacts is told before it begins."
	case NoticePhase:
		return "Those who run the automation, decide on it or answer vendors' questions are told of each step."
	case NoticeDaily:
		return "The lead developer, the product owner and customer support get the figures once a day."
	case NoticeCritical:
		return "Everybody among the rollout's contacts is told at once when it stops or goes back, because anybody's work may be touched by it."
	case NoticeFinal:
		return "Everybody among the rollout's contacts gets the final report."
	case NoticeReport:
		return "The lead developer, the product owner, customer support and management are told when the rollout is over."
	case NoticeDailyReport:
		return "Those who run the automation, decide on it or answer vendors' questions get a report on each day of the first week."
	case NoticeWeeklyReport:
		return "The lead developer, the product owner and customer support get a report on each of the weeks 2 to 4."
	case NoticeMonthlyReport:
		return "The lead developer, the product owner and management get a report on each of the first three months."
	case NoticeAlert, NoticeAlertOver:
		return "Those whose work an alert concerns are told when it fires, again once a cooldown while it lasts, and when it is over."
	}
	return ""
}

// Message is one thing that stakeholders are told, by e-mail and webhook. It
// holds figures and ids, no names or addresses.
type Message struct {
	// Key makes it once: each recipient gets one message of a key.
	Key  string     `json:"key"`
	Kind NoticeKind `json:"kind"`
	// To are the roles that it is for; those of its kind where there are none.
	To []Role    `json:"to,omitempty"`
	At time.Time `json:"at"`
	// Subject and Lead say it in a sentence each.
	Subject string   `json:"subject"`
	Lead    string   `json:"lead"`
	Lines   []string `json:"lines"`
	// Sections are lists below the lines: dates, criteria, whom to call.
	Sections []Section `json:"sections"`
	// Figures are shown as a table, and as bars against their limits.
	Figures []Figure `json:"figures"`
	// Timeline are the phases, for a chart of where the rollout is.
	Timeline []TimelineEntry `json:"timeline"`
}

// Roles are who gets the message.
func (m Message) Roles() []Role {
	if len(m.To) > 0 {
		return m.To
	}
	return m.Kind.Roles()
}

// Section is a list of a notice.
type Section struct {
	Title string `json:"title"`
	Items []Item `json:"items"`
}

// Item is one entry of a section.
type Item struct {
	Label string `json:"label"`
	Text  string `json:"text"`
	// Verdict is set where the entry says how something stands.
	Verdict Verdict `json:"verdict,omitempty"`
}

// Flat is all that the message says beside its lead, one thing a line, for
// recipients that show no lists.
func (m Message) Flat() []string {
	lines := slices.Clone(m.Lines)
	for _, section := range m.Sections {
		for _, item := range section.Items {
			line := section.Title + ": " + item.Label + ": " + item.Text
			if item.Verdict != "" {
				line += " (" + string(item.Verdict) + ")"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// FigureUse says what a figure decides.
type FigureUse string

// The uses.
const (
	// ToGoOn is a gate's figure, of the present stage.
	ToGoOn FigureUse = "to-go-on"
	// ToGoBack is a trigger's figure, of the whole rollout.
	ToGoBack FigureUse = "to-go-back"
	// ToReview is a report's figure, of its period; nothing is decided by it.
	ToReview FigureUse = "to-review"
)

// Figure is a rate against its limit.
type Figure struct {
	Name string `json:"name"`
	// Use says whether the rollout goes on or goes back by it.
	Use      FigureUse `json:"use"`
	Estimate float64   `json:"estimate"`
	Limit    float64   `json:"limit"`
	// HighIsBad says on which side of the limit it should be.
	HighIsBad bool `json:"highIsBad"`
	Seen      int  `json:"seen"`
	// Enough is how many must have been seen before Estimate says anything; zero means one.
	Enough  int     `json:"enough,omitempty"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason"`
}

// Telling tells whether enough was seen for Estimate to say anything.
func (f Figure) Telling() bool { return telling(f.Seen, f.Enough, f.Verdict) }

// telling: what evidence has decided is told, of however few.
func telling(seen, enough int, v Verdict) bool { return seen > 0 && (seen >= enough || v == Fail) }

// TimelineEntry is one phase, or what follows the last one: its percentage, and
// whether it is past, present or to come.
type TimelineEntry struct {
	Name       string  `json:"name"`
	Percentage float64 `json:"percentage"`
	State      string  `json:"state"`
	// From is when the present one began, or when one to come begins at the
	// earliest; nil where nobody can say.
	From *time.Time `json:"from"`
}

// The states of an entry of the timeline. Where a rollout was rolled back
// completely, its stage is TimeStopped and the later ones are TimeNotReached.
const (
	TimePast       = "past"
	TimePresent    = "present"
	TimeToCome     = "to-come"
	TimeStopped    = "stopped"
	TimeNotReached = "not-reached"
)
