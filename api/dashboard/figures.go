package dashboard

import (
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// reportView is the report as the overview shows it.
type reportView struct {
	monitoring.Report
	Figures []figureView
	Mails   []mailView
	// MailsTotal is how many e-mails there were, AdoptedTotal how many of them to adopted vendors.
	MailsTotal, AdoptedTotal int
	Plots                    []plotView
	Totals                   []totalsView
	Statuses                 []trial.Status
}

// totalsView is how many trials of a cohort there are, by status.
type totalsView struct {
	Cohort trial.Cohort
	Counts []int
	Total  int
}

// figureView is a figure with what it means.
type figureView struct {
	monitoring.Figure
	// Title is the definition's, with the cohort where the figure is of one.
	Title   string
	Meaning monitoring.Definition
}

// mailView is one fate of e-mails, and how many shared it.
type mailView struct {
	Name, Meaning string
	Count         int
	// Adopted is how many of them went to adopted vendors.
	Adopted int
	// Share is 0 to 100.
	Share float64
	Bad   bool
}

func newReportView(r *monitoring.Report) *reportView {
	if r == nil {
		return nil
	}
	view := &reportView{Report: *r, Figures: figureViews(r.Figures), Plots: plots(r.Days), Statuses: trial.Statuses()}
	view.Mails, view.MailsTotal = mailViews(r.Mails)
	adopted, total := mailViews(r.AdoptedMails)
	for i, v := range adopted {
		view.Mails[i].Adopted = v.Count
	}
	view.AdoptedTotal = total
	for _, c := range trial.Cohorts() {
		s := totalsView{Cohort: c}
		for _, status := range trial.Statuses() {
			s.Counts = append(s.Counts, r.Trials[c][status])
			s.Total += r.Trials[c][status]
		}
		view.Totals = append(view.Totals, s)
	}
	return view
}

func figureViews(figures []monitoring.Figure) []figureView {
	definitions := monitoring.Definitions()
	views := make([]figureView, 0, len(figures))
	for _, f := range figures {
		i := slices.IndexFunc(definitions, func(d monitoring.Definition) bool { return d.ID == f.ID })
		if i < 0 {
			continue // of a version that knows more
		}
		v := figureView{Figure: f, Title: definitions[i].Title, Meaning: definitions[i]}
		if f.Cohort != "" {
			v.Title += ", " + string(f.Cohort)
		}
		views = append(views, v)
	}
	return views
}

// Judged tells whether enough was seen to say where the figure stands; it has no value where not.
func (v figureView) Judged() bool { return v.Level != monitoring.TooFew && v.Value != nil }

// TooFew says how much is missing.
func (v figureView) TooFew() string {
	return fmt.Sprintf("too few to judge (%d of %d)", v.Denominator, v.Meaning.Needed)
}

// Shown is the figure's value; empty where it has none.
func (v figureView) Shown() string {
	if v.Value == nil {
		return ""
	}
	return v.inUnits(*v.Value)
}

// Interval is the figure's 95 % interval; empty where it has none.
func (v figureView) Interval() string {
	if v.Low == nil || v.High == nil {
		return ""
	}
	return fmt.Sprintf("%s to %s", v.inUnits(*v.Low), v.inUnits(*v.High))
}

// Counted says of how many the figure is made.
func (v figureView) Counted() string {
	if v.ID == monitoring.ResponseTime {
		if v.Denominator == 1 {
			return "1 call"
		}
		return grouped(v.Denominator) + " calls"
	}
	return fmt.Sprintf("%s of %s", grouped(v.Numerator), grouped(v.Denominator))
}

// Outstanding says of how many nothing final is known; empty where of all.
func (v figureView) Outstanding() string {
	switch {
	case v.Pending == 0:
		return ""
	case v.ID == monitoring.ConversionRate:
		return grouped(v.Pending) + " of them still run"
	}
	return grouped(v.Pending) + " pending"
}

// Aim says the target and the floor.
func (v figureView) Aim() string {
	if v.Meaning.LessIsBetter {
		return fmt.Sprintf("target at most %s, limit %s", v.inUnits(v.Meaning.Target), v.inUnits(v.Meaning.Floor))
	}
	return fmt.Sprintf("target at least %s, floor %s", v.inUnits(v.Meaning.Target), v.inUnits(v.Meaning.Floor))
}

// Verdict says where the figure stands.
func (v figureView) Verdict() string {
	switch v.Level {
	case monitoring.OnTarget:
		return "on target"
	case monitoring.BelowTarget:
		return "misses its target"
	case monitoring.PastFloor:
		if v.Meaning.LessIsBetter {
			return "past its limit"
		}
		return "below its floor"
	case monitoring.TooFew:
	}
	return v.TooFew()
}

// Sentence says all that matters of it.
func (v figureView) Sentence() string {
	return fmt.Sprintf("%s (%s); %s.", v.Shown(), v.Counted(), v.Aim())
}

func (v figureView) inUnits(x float64) string {
	if v.ID == monitoring.ResponseTime {
		return fmt.Sprintf("%.3g s", x)
	}
	return percent(x)
}

func mailViews(f monitoring.Funnel) (views []mailView, total int) {
	views = []mailView{
		{Name: "being sent", Meaning: "claimed by a worker, or to be tried again", Count: f.Claimed},
		{Name: "accepted", Meaning: "SES has them, and has not said more", Count: f.Accepted},
		{Name: "delayed", Meaning: "on their way for longer than usual", Count: f.Delayed},
		{Name: "unknown", Meaning: "may or may not have been accepted", Count: f.Unknown},
		{Name: "delivered", Meaning: "reported delivered", Count: f.Delivered},
		{Name: "complained of", Meaning: "delivered, and marked as unwanted", Count: f.Complained, Bad: true},
		{Name: "bounced", Meaning: "the recipient's server refused them", Count: f.Bounced, Bad: true},
		{Name: "rejected", Meaning: "SES found them harmful", Count: f.Rejected, Bad: true},
		{Name: "refused", Meaning: "SES refused them for good", Count: f.Refused, Bad: true},
	}
	for _, v := range views {
		total += v.Count
	}
	if total == 0 {
		return views, 0
	}
	for i := range views {
		views[i].Share = 100 * float64(views[i].Count) / float64(total)
	}
	return views, total
}
