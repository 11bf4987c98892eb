package report

import (
	"fmt"
	"strings"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
)

// Message is the report as a notice to stakeholders; s is the rollout's state
// when it was made.
func (r Report) Message(s rollout.State) notice.Message {
	return notice.Message{
		Key: s.ID + "/report/" + r.ID, At: r.At, Kind: reportNotices[r.Kind],
		Subject: fmt.Sprintf("Trial rollout: %s report, %s", r.Kind, r.name()),
		Lead:    r.Summary, Lines: append([]string{fmt.Sprintf("From %s to %s, compared with the equally long time before.", s.FormatTime(r.From), s.FormatTime(r.To))}, r.Findings...),
		Sections: r.sections(s), Figures: r.figures(),
	}
}

var reportNotices = map[rollout.ReportKind]notice.Kind{
	rollout.ReportDaily: notice.NoticeDailyReport, rollout.ReportWeekly: notice.NoticeWeeklyReport, rollout.ReportMonthly: notice.NoticeMonthlyReport,
}

func (r Report) sections(s rollout.State) []notice.Section {
	var sections []notice.Section
	if len(r.Days) > 1 {
		byDay := notice.Section{Title: "Day by day"}
		for i, t := range r.Days {
			byDay.Items = append(byDay.Items, notice.Item{Label: s.FormatTime(r.From.Add(rollout.Days(float64(i), s.Times.Day))), Text: t.line()})
		}
		sections = append(sections, byDay)
	}
	if e := r.Experiment; e != nil {
		sections = append(sections, e.section())
	}
	done := notice.Section{Title: "What people did"}
	for _, u := range r.Use {
		done.Items = append(done.Items, notice.Item{Label: strings.ToUpper(u.What[:1]) + u.What[1:], Text: rollout.TimesInWords(u.Times)})
	}
	if len(r.Use) == 0 {
		done.Items = []notice.Item{{Label: "Nothing", Text: "nobody changed the rollout or a trial"}}
	}
	tasks := notice.Section{Title: "Tasks that this report supports"}
	for _, t := range rollout.TasksOf(s, r.At) {
		if t.Report != r.Kind {
			continue
		}
		text := "open: tick it off as " + t.ID + " when it is done"
		if t.Status == rollout.TaskDone {
			text = "done: " + t.Reason
		}
		tasks.Items = append(tasks.Items, notice.Item{Label: t.Text, Text: text})
	}
	return append(sections, done, tasks)
}

// section is the experiment with its arms.
func (e Experiment) section() notice.Section {
	s := notice.Section{Title: "Policy experiment " + e.Name, Items: []notice.Item{{Label: "Verdict", Text: e.Sentence}}}
	for i, f := range [...]experiment.Figures{e.A, e.B} {
		text := fmt.Sprintf("%s dealt, none compared yet", evidence.Counted(f.Dealt, "vendor", "vendors"))
		if f.Ripe > 0 {
			text = fmt.Sprintf("%s dealt, %d compared, %d of them converted: %s (%s to %s)", evidence.Counted(f.Dealt, "vendor", "vendors"), f.Ripe, f.Converted,
				evidence.Percent(f.Share), evidence.Percent(f.Low), evidence.Percent(f.High))
		}
		s.Items = append(s.Items, notice.Item{Label: fmt.Sprintf("%c, %s", 'A'+i, f.Policy), Text: text})
	}
	return s
}

// line is a day in one line.
func (t Tally) line() string {
	text := t.CohortTally.line("admitted")
	if t.Adopted.any() {
		text += "; by the backfill " + t.Adopted.line("adopted")
	}
	return text + fmt.Sprintf("; %s, 95 %% up to %d ms", evidence.Counted(t.Calls, "API call", "API calls"), t.P95MS)
}

func (c CohortTally) line(came string) string {
	return fmt.Sprintf("%d %s, %d converted, %d expired; e-mails %d sent, %d delivered, %d failed; steps %d done, %d failed",
		c.Admitted, came, c.Converted, c.Expired, c.MailSent, c.MailDelivered, c.MailFailed, c.StepsDone, c.StepsFailed)
}

// figures are the period's shares against the limits of the gates.
func (r Report) figures() []notice.Figure {
	t := r.Total
	figures := t.figures("")
	if t.Adopted.any() {
		figures = append(figures, t.Adopted.figures(", adopted vendors")...)
	}
	return append(figures,
		reviewed(rollout.GateAPI.Name(), t.slow(), rollout.SlowShare, true),
		reviewed(rollout.GateErrors.Name(), t.failed(), rollout.LimitErrors, true),
		notice.Figure{
			Name: rollout.GateConversion.Name(), Use: notice.ToReview, Limit: rollout.LimitConversion, Verdict: rollout.Insufficient,
			Reason: t.ends() + "; a rate needs trials that began long enough ago to have ended",
		},
	)
}

// figures are a cohort's shares; whose names it.
func (c CohortTally) figures(whose string) []notice.Figure {
	return []notice.Figure{
		reviewed(rollout.GateEmail.Name()+whose, c.delivered(), rollout.LimitEmail, false),
		reviewed(rollout.GateAutomation.Name()+whose, c.succeeded(), rollout.LimitAutomation, false),
	}
}

// reviewed compares a share with its limit. It decides nothing, so chance
// is ignored.
func reviewed(name string, p part, limit float64, highIsBad bool) notice.Figure {
	f := notice.Figure{
		Name: name, Use: notice.ToReview, Estimate: p.share(), Limit: limit, HighIsBad: highIsBad, Seen: p.all,
		Verdict: rollout.Insufficient, Reason: "no data in this period",
	}
	if p.all > 0 {
		f.Verdict = rollout.VerdictOf(p.share() == limit || p.share() > limit != highIsBad)
		f.Reason = fmt.Sprintf("%d of %d", p.some, p.all)
	}
	return f
}
