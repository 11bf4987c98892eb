package migration

import (
	"maps"
	"slices"
	"time"
)

// Version is one migration of the database.
type Version struct {
	Number int
	What   string
}

// Versions are all migrations, in order.
func Versions() []Version {
	return []Version{{Number: 1, What: "start and registration of the marketplace's existing vendors"}}
}

// Section names the ids that a pass walks: those of one type, because a database
// compares only values of one type.
type Section string

// The sections, in the order of a pass.
const (
	TextIDs   Section = "text"
	ObjectIDs Section = "object-id"
	OtherIDs  Section = "other"
)

// after is the next section, empty after the last.
func (s Section) after() Section {
	switch s {
	case TextIDs:
		return ObjectIDs
	case ObjectIDs:
		return OtherIDs
	case OtherIDs:
	}
	return ""
}

// Counts are the results for the users of a pass.
type Counts struct {
	Users     int `json:"users"`
	Vendors   int `json:"vendors"`
	Complete  int `json:"complete"`
	Migrated  int `json:"migrated"`
	Undecided int `json:"undecided"`
	// Refused are migrated users whose change the database refused.
	Refused int `json:"refused"`
	// Reasons are those of the migrated and the undecided users.
	Reasons map[Reason]int `json:"reasons"`
}

// Note counts one decision.
func (c *Counts) Note(d Decision) {
	c.Users++
	if d.Verdict == NoVendor {
		return
	}
	if d.Reason != UnclearFlag {
		c.Vendors++
	}
	switch d.Verdict {
	case Migrate:
		c.Migrated++
	case Undecided:
		c.Undecided++
	case Complete:
		c.Complete++
		if d.Reason != WouldMail {
			return
		}
	case NoVendor:
	}
	if c.Reasons == nil {
		c.Reasons = map[Reason]int{}
	}
	c.Reasons[d.Reason]++
}

// Plus returns the sum of both.
func (c Counts) Plus(o Counts) Counts {
	sum := Counts{
		Users: c.Users + o.Users, Vendors: c.Vendors + o.Vendors, Complete: c.Complete + o.Complete,
		Migrated: c.Migrated + o.Migrated, Undecided: c.Undecided + o.Undecided, Refused: c.Refused + o.Refused, Reasons: map[Reason]int{},
	}
	maps.Copy(sum.Reasons, c.Reasons)
	for reason, n := range o.Reasons {
		sum.Reasons[reason] += n
	}
	return sum
}

// Progress is the progress of a pass over the users. It is stored before and after
// each page, so that a pass that was killed continues with its page,
// and counts it once.
type Progress struct {
	// Seq counts the changes of this version's progress, from 1.
	Seq     int `json:"seq"`
	Version int `json:"version"`
	// Pass counts from 1: a migration may be repeated.
	Pass  int   `json:"pass"`
	Terms Terms `json:"terms"`
	// Section and After are where the next page begins: after the id After of
	// the section, or at its first id.
	Section Section `json:"section"`
	After   string  `json:"after"`
	// Page is the page being carried out, nil between pages.
	Page   *Page  `json:"page"`
	Counts Counts `json:"counts"`
	// Refused are the first users whose change the database refused.
	Refused []Refusal `json:"refused,omitempty"`
	// FinishedAt is nil during the pass.
	FinishedAt *time.Time `json:"finishedAt"`
}

// Refusal is a vendor whose document the database does not let be changed: because of a validation rule
// of the marketplace, its size, or a unique index.
type Refusal struct {
	ID string `json:"id"`
	// Code is the database's.
	Code int `json:"code"`
}

// mostRefused bounds how many are listed.
const mostRefused = 100

// Page is a range of users in the order of their ids, counted before any change.
type Page struct {
	// To is the last user's id; empty if there is none.
	To     string `json:"to"`
	Counts Counts `json:"counts"`
	// Last says that it is the section's last page.
	Last bool `json:"last"`
}

// Begin returns a new pass after the previous one; zero for the first.
func Begin(v Version, before Progress, t Terms) Progress {
	return Progress{Seq: before.Seq + 1, Version: v.Number, Pass: before.Pass + 1, Terms: t, Section: TextIDs}
}

// Turn returns the progress with a page about to be carried out.
func (p Progress) Turn(page Page) Progress {
	p.Seq++
	p.Page = &page
	return p
}

// Turned returns the progress after its page was carried out, except for refused users.
func (p Progress) Turned(now time.Time, refused ...Refusal) Progress {
	page := *p.Page
	p.Seq++
	page.Counts.Refused = len(refused)
	p.Refused = append(slices.Clone(p.Refused), refused[:min(len(refused), mostRefused-len(p.Refused))]...)
	p.Page, p.After, p.Counts = nil, page.To, p.Counts.Plus(page.Counts)
	if page.Last {
		p.Section, p.After = p.Section.after(), ""
	}
	if p.Section == "" {
		p.FinishedAt = &now
	}
	return p
}
