package notice

import (
	"slices"
	"strings"
)

// The dashboard's pages on which people decide.
const (
	// PageOverview has the controls, the preflight and what is wrong.
	PageOverview = "/admin/"
	// PageEvidence has the controls, and what the gates and triggers have seen over time.
	PageEvidence = "/admin/evidence"
)

// Addressed completes a message as it is sent: its pages get their addresses, below the dashboard's, and one that asks for a
// person gets whoever of people is on call. The result has a name and a number or an address in it, so
// it is for sending only: no history or log may hold it.
func (m Message) Addressed(dashboard string, people []Stakeholder) Message {
	m = m.linkedTo(dashboard)
	if m.Page == "" {
		return m
	}
	m.Page = strings.TrimRight(dashboard, "/") + m.Page
	if items := onCall(people); len(items) > 0 {
		m.Sections = slices.Insert(slices.Clone(m.Sections), 0, Section{Title: "On call", Items: items})
	}
	return m
}

// onCall are those whom the list marks; without any the lead developers, who may be called at any hour during a rollout.
func onCall(people []Stakeholder) []Item {
	marked := func(s Stakeholder) bool { return s.OnCall }
	if !slices.ContainsFunc(people, marked) {
		marked = func(s Stakeholder) bool { return s.Role == LeadDeveloper && s.Name != "" }
	}
	var items []Item
	for _, s := range people {
		item := Item{Label: s.Name, Text: s.Role.Title()}
		for _, reach := range []string{s.Phone, s.Email} {
			if reach != "" {
				item.Text += ", " + reach
			}
		}
		if marked(s) && !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	return items
}
