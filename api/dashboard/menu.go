package dashboard

import "slices"

// menuEntry is a page that every page leads to.
type menuEntry struct{ Section, Title, Path string }

// menuGroup are entries behind one word; those of a group without one are there at once.
type menuGroup struct {
	Title   string
	Entries []menuEntry
}

// menu is the navigation. On a phone it has one line: so few entries are there at once.
var menu = []menuGroup{
	{"", []menuEntry{{"overview", "Overview", ""}, {"trials", "Trials", "trials"}}},
	{"Rollout", []menuEntry{{"figures", "Figures", "figures"}, {"evidence", "Evidence", "evidence"}, {"decisions", "Decisions", "decisions"}, {"experiments", "Experiments", "experiments"}, {"canary", "Canary", "canary"}}},
	{"E-mails", []menuEntry{{"mail", "E-mails", "mail"}, {"suppressions", "No e-mail", "suppressions"}, {"policies", "Policies", "policies"}}},
	{"System", []menuEntry{
		{"alerts", "Alerts", "alerts"}, {"bulk", "Bulk", "bulk"}, {"flags", "Flags", "flags"}, {"tokens", "Tokens", "tokens"}, {sessionsSection, "Sessions", "sessions"}, {"backups", "Backups", "backups"},
		{"settings", "Settings", "settings"}, {"audit", "Audit", "audit"},
	}},
}

// Holds tells whether a section is one of the group's.
func (g menuGroup) Holds(section string) bool {
	for _, e := range g.Entries {
		if e.Section == section {
			return true
		}
	}
	return false
}

// sessionsSection is the only one that is for admins alone.
const sessionsSection = "sessions"

// Shown are the entries that whoever looks may use.
func (g menuGroup) Shown(admin bool) []menuEntry {
	return slices.DeleteFunc(slices.Clone(g.Entries), func(e menuEntry) bool { return e.Section == sessionsSection && !admin })
}

// Menu is the navigation, for the frame of a page.
func (frame) Menu() []menuGroup { return menu }
