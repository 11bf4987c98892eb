package rollout

import (
	"fmt"
	"time"
)

// ReportKind names the length of a report's period.
type ReportKind string

// The kinds of report after the rollout has reached its last percentage.
const (
	ReportDaily   ReportKind = "daily"
	ReportWeekly  ReportKind = "weekly"
	ReportMonthly ReportKind = "monthly"
)

// How many reports there are: each day of the first week, then weeks, and months
// as long as they are still compared with the rollout.
const (
	dailyReports     = 7
	firstWeekly      = 2
	lastWeekly       = 4
	monthlyReports   = 3
	reportWeek       = 7
	reportMonth      = 30
	reportsPerDay    = 24
	leastReportEvery = 5 * time.Second
)

// ReportEvery is how often to check whether a report is due: every hour of a
// day of 24.
func ReportEvery(day time.Duration) time.Duration { return max(day/reportsPerDay, leastReportEvery) }

// Period is the time that one report covers. The report compares it with the
// equally long time before.
type Period struct {
	Kind ReportKind `json:"kind"`
	// Number counts the days, weeks or months since the rollout reached its last
	// percentage, from 1.
	Number int `json:"number"`
	// From is included, To is not.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// ID names the period's report among those of its rollout.
func (p Period) ID() string { return fmt.Sprintf("%s-%d", p.Kind, p.Number) }

// Name is what people call the period.
func (p Period) Name() string {
	switch p.Kind {
	case ReportDaily:
		return fmt.Sprintf("day %d", p.Number)
	case ReportWeekly:
		return fmt.Sprintf("week %d", p.Number)
	case ReportMonthly:
		return fmt.Sprintf("month %d", p.Number)
	}
	return p.ID()
}

// Periods are the times that a rollout's reports cover, in the order in
// which they end; none before it reached its last percentage. A rollout that
// was rolled back completely has those that ended before.
func (s State) Periods() []Period {
	if s.DeployedAt == nil {
		return nil
	}
	var all []Period
	add := func(kind ReportKind, number, length int) {
		from := s.DeployedAt.Add(Days(float64((number-1)*length), s.Times.Day))
		p := Period{Kind: kind, Number: number, From: from, To: from.Add(Days(float64(length), s.Times.Day))}
		if s.Status != RolledBack || s.EndedAt == nil || !p.To.After(*s.EndedAt) {
			all = append(all, p)
		}
	}
	for n := 1; n <= dailyReports; n++ {
		add(ReportDaily, n, 1)
	}
	for n := firstWeekly; n <= lastWeekly; n++ {
		add(ReportWeekly, n, reportWeek)
	}
	for n := 1; n <= monthlyReports; n++ {
		add(ReportMonthly, n, reportMonth)
	}
	return all
}

// ReportsDue are the periods that are over, in the order in which they ended,
// whether or not their reports exist already.
func (s State) ReportsDue(now time.Time) []Period {
	var due []Period
	for _, p := range s.Periods() {
		if !p.To.After(now) {
			due = append(due, p)
		}
	}
	return due
}
