package notice

import (
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// Role is one of the deployment strategy's contacts, to whom notices are addressed.
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

// calledFor is the subject on which to call a role.
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
		return "vendors' questions and complaints"
	case Management:
		return "escalation"
	}
	return ""
}

// Kind names the subject of a notice to stakeholders.
type Kind string

// The kinds of notice.
const (
	NoticeAnnouncement Kind = "announcement"
	NoticePhase        Kind = "phase"
	NoticeDaily        Kind = "daily-update"
	NoticeCritical     Kind = "critical"
	NoticeFinal        Kind = "final-report"
	NoticeReport       Kind = "report"
	// The reports after the deployment.
	NoticeDailyReport   Kind = "daily-report"
	NoticeWeeklyReport  Kind = "weekly-report"
	NoticeMonthlyReport Kind = "monthly-report"
	// NoticeAlert says that an alert fires, NoticeAlertOver that it has cleared.
	NoticeAlert     Kind = "alert"
	NoticeAlertOver Kind = "alert-over"
)

// Roles are the recipients of notices of the kind.
func (k Kind) Roles() []Role {
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
	case NoticeAlert, NoticeAlertOver: // if the message names no roles
		return []Role{LeadDeveloper, DevOps}
	}
	return nil
}

// Why tells a recipient why they get notices of the kind.
func (k Kind) Why() string {
	switch k {
	case NoticeAnnouncement:
		return "All contacts of the rollout are notified before it begins."
	case NoticePhase:
		return "Those who run the automation, decide on it or answer vendors' questions are notified of each step."
	case NoticeDaily:
		return "The lead developer, the product owner and customer support get the figures once a day."
	case NoticeCritical:
		return "All contacts of the rollout are notified immediately when it stops or is rolled back, because it may affect their work."
	case NoticeFinal:
		return "All contacts of the rollout get the final report."
	case NoticeReport:
		return "The lead developer, the product owner, customer support and management are notified when the rollout is over."
	case NoticeDailyReport:
		return "Those who run the automation, decide on it or answer vendors' questions get a report on each day of the first week."
	case NoticeWeeklyReport:
		return "The lead developer, the product owner and customer support get a report on each of the weeks 2 to 4."
	case NoticeMonthlyReport:
		return "The lead developer, the product owner and management get a report on each of the first three months."
	case NoticeAlert, NoticeAlertOver:
		return "Those whose work an alert concerns are notified when it fires, again after each cooldown while it lasts, and when it is over."
	}
	return ""
}

// Message is one notice to stakeholders, sent by e-mail and webhook. It
// holds figures and ids, no names or addresses before it is Addressed.
type Message struct {
	// Key identifies it: each recipient gets one message of a key.
	Key  string `json:"key"`
	Kind Kind   `json:"kind"`
	// To are the recipients' roles; empty means those of its kind.
	To []Role    `json:"to,omitempty"`
	At time.Time `json:"at"`
	// Subject and Lead sum it up in a sentence each.
	Subject string   `json:"subject"`
	Lead    string   `json:"lead"`
	Lines   []string `json:"lines"`
	// Sections are lists below the lines: dates, criteria, whom to call.
	Sections []Section `json:"sections"`
	// Page is the dashboard's page on which a person decides, as a path until it is Addressed; empty if the message asks for
	// nobody.
	Page string `json:"page,omitempty"`
	// RolloutID is the rollout's whose phase History shows; History is read when the message is sent, nil for none.
	RolloutID string   `json:"rolloutId,omitempty"`
	History   *History `json:"-"`
	// Figures are shown as a table, and as bars against their limits.
	Figures []Figure `json:"figures"`
	// Timeline are the phases, for a chart of where the rollout is.
	Timeline []rollout.TimelineEntry `json:"timeline"`
}

// Roles are the recipients of the message.
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
	// Verdict is set if the entry has one.
	Verdict rollout.Verdict `json:"verdict,omitempty"`
	// Page is the dashboard's page for it: a path, and in a notice on its way out its URL. Empty for none.
	Page string `json:"page,omitempty"`
}

// linkedTo returns the message with the URLs of its items' pages, below the dashboard's. Without one they stay paths.
func (m Message) linkedTo(dashboard string) Message {
	m.Sections = slices.Clone(m.Sections)
	for i := range m.Sections {
		m.Sections[i].Items = slices.Clone(m.Sections[i].Items)
		for k, item := range m.Sections[i].Items {
			if item.Page != "" {
				m.Sections[i].Items[k].Page = strings.TrimRight(dashboard, "/") + item.Page
			}
		}
	}
	return m
}

// Flat is all that the message says besides its lead, one item a line, for
// recipients that show no lists.
func (m Message) Flat() []string {
	lines := slices.Clone(m.Lines)
	for _, section := range m.Sections {
		for _, item := range section.Items {
			line := section.Title + ": " + item.Label + ": " + item.Text
			if item.Verdict != "" {
				line += " (" + string(item.Verdict) + ")"
			}
			if item.Page != "" {
				line += ": " + item.Page
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
	// ToReview is a report's figure, of its period; it decides nothing.
	ToReview FigureUse = "to-review"
)

// Figure is a rate against its limit.
type Figure struct {
	Name string `json:"name"`
	// Use says what the figure decides.
	Use      FigureUse `json:"use"`
	Estimate float64   `json:"estimate"`
	Limit    float64   `json:"limit"`
	// HighIsBad says that values above Limit are bad; otherwise those below it are.
	HighIsBad bool `json:"highIsBad"`
	Seen      int  `json:"seen"`
	// Enough is how many observations it takes to compare Estimate with Limit; zero means one. Verdict may be known with fewer.
	Enough  int             `json:"enough,omitempty"`
	Verdict rollout.Verdict `json:"verdict"`
	Reason  string          `json:"reason"`
}

// Within reports whether the estimate keeps the limit.
func (f Figure) Within() bool { return rollout.Within(f.Estimate, f.Limit, f.HighIsBad) }

// Telling reports whether the sample is large enough to compare Estimate with Limit.
func (f Figure) Telling() bool { return rollout.Telling(f.Seen, f.Enough, f.Verdict) }
