package sample

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// truth is what a rollout meets. Vendors come evenly and nothing is drawn; what is decided, the production functions decide.
type truth struct {
	plan rollout.Plan
	// days are how long ago it was announced, registrations how many come a day.
	days, registrations float64
	// bounces and breaks tell of the n-th vendor whether its e-mails and steps fail, fails of the n-th API call; nil for none.
	bounces, breaks, fails func(n int) bool
	// silent says that no delivery is reported.
	silent bool
	// outage is when the mail service begins to refuse everything, in days from the announcement; 0 for never.
	outage float64
	// canary is what canaries find broken all the time, noBackup says that no backup is on record.
	canary   string
	noBackup bool
	// asks is what a person asks of it at one moment, in days from the announcement.
	asks map[float64]asking
}

// asking is a request to the rollout.
type asking struct {
	name    string
	request flags.Request
}

// course is a rollout on its way to Now, watched every hour.
type course struct {
	truth
	now    time.Time
	hours  int
	state  rollout.State
	events []rollout.Event
	ledger rollout.Ledger
	series rollout.TimeSeries
	judged *rollout.Judgement
	// due are the outcomes to come, by hour; owed is the part of a vendor that has come.
	due  map[int][]rollout.Outcome
	owed float64
	// vendors and calls count what has come.
	vendors, calls int
}

// live is the world in which a rollout has met something.
func live(t truth) *World {
	c := &course{truth: t, now: Now.Add(-time.Duration(t.days * float64(day))), ledger: rollout.NewLedger(t.plan), due: map[int][]rollout.Outcome{}}
	c.apply(rollout.Begin(rollout.Start{ID: "rollout-of-the-pictures", Plan: t.plan, By: "owner-paul", Times: evidence.Times{Day: day, TrialDays: 17}}, c.now))
	for c.now.Before(Now) {
		c.hour()
	}
	w := Empty()
	w.Rollout, w.Judged, w.Series = c.events, c.judged, c.series
	automation := &w.Document.FeatureFlags.TrialAutomation
	automation.Enabled, automation.RolloutPercentage = c.state.Enabled, c.state.Percentage
	w.Document.UpdatedAt, w.Document.UpdatedBy = c.events[len(c.events)-1].At, flags.Automatic
	p := well(Now)
	p.Watch = monitoring.WatchProbe{Running: !c.state.Status.Final(), Began: c.events[0].At, Day: day, Last: c.judged.At}
	w.assess(p, time.Hour)
	w.evaluate(
		looks{monitoring.WatchMissed, 0, new(0.0), "0 consecutive watches are missing"},
		looks{monitoring.RolloutStuck, 0, new(0.0), "the rollout's workflow runs"},
	)
	if t.canary != "" {
		w.evaluate(looks{monitoring.CanaryFailed, 0, new(1.0), t.canary})
	}
	return w
}

func (c *course) apply(e rollout.Event) {
	c.state, c.events = c.state.Apply(e), append(c.events, e)
}

// hour lives through an hour, judges it, and lets the rollout and people act.
func (c *course) hour() {
	from := c.now
	c.now, c.hours = from.Add(time.Hour), c.hours+1
	c.register(from)
	s := rollout.Snapshot{
		RolloutID: c.state.ID, Number: c.hours, At: c.now, From: from, To: c.now, Position: c.state.Position(), Outcomes: c.due[c.hours], Calls: c.called(),
		Canary: c.canary, Enabled: c.state.Enabled, Percentage: c.state.Percentage, Version: c.state.StageSeq,
	}
	if began := c.events[0].At.Add(time.Duration(c.outage * float64(day))); c.outage > 0 && c.now.After(began) {
		s.Outage = &rollout.Outage{Cause: rollout.OutageSESRefusesAll, Since: began}
	}
	c.ledger.Apply(c.plan, s, day)
	c.judged = new(rollout.Judge(c.plan, c.state.Times, c.ledger, s))
	c.series.Add(*c.judged)
	if c.state.PreflightDue(c.now) {
		c.preflight()
	}
	if a, asked := c.asks[float64(c.hours)/24]; asked {
		a.request.By = "support-ines"
		e, err := c.state.Request(a.name, a.request, c.judged, c.now)
		if err != nil {
			panic(err) // the world is made wrongly
		}
		c.apply(*e)
	}
	for e, _ := c.state.Next(c.judged, c.now); e != nil; e, _ = c.state.Next(c.judged, c.now) {
		c.apply(*e)
	}
}

func (c *course) preflight() {
	facts := rollout.PreflightFacts{
		Now: c.now, Flags: flags.Initial(), Judged: c.judged, MailAnswers: true, MayMail: true,
		Backup:     rollout.BackupFacts{Kept: !c.noBackup, Answers: true, Full: c.now.Add(-2 * time.Hour)},
		Dashboards: []rollout.DashboardAnswer{{Name: "https://grafana.example.com", Status: 200}},
		Conversion: rollout.ConversionFacts{Counted: true, Converted: 61, Trials: 240},
	}
	checks := rollout.Preflight(c.state, facts)
	if rollout.SameChecks(checks, c.state.Checks) {
		c.state = c.state.Checked(c.now)
		return
	}
	c.apply(c.state.CheckedEvent(checks, c.now))
}

// register lets vendors come, and plans the trials of those that are admitted.
func (c *course) register(from time.Time) {
	if !c.state.Enabled {
		return
	}
	for c.owed += c.registrations / 24 * c.state.Percentage / 100; c.owed >= 1; c.owed-- {
		c.vendors++
		id := fmt.Sprintf("v%d", c.vendors)
		c.will(0, from, rollout.Outcome{Kind: rollout.Admitted, VendorID: id, Key: id})
		if c.vendors%4 == 0 {
			c.will(5*24, from, rollout.Outcome{Kind: rollout.Converted, VendorID: id, Key: id})
		}
		for _, step := range []struct {
			kind string
			day  int
		}{{"welcome", 0}, {"reminder-7d", 7}, {"reminder-3d", 11}, {"reminder-1d", 13}, {"expiry", 14}, {"grace-end", 17}} {
			c.step(id, id+"/"+step.kind+"/1", step.day*24, from)
		}
	}
}

// step plans a step in some hours, its e-mail, and the report on that an hour later.
func (c *course) step(vendor, key string, hours int, from time.Time) {
	o := rollout.Outcome{Kind: rollout.StepDone, VendorID: vendor, Key: key}
	if c.breaks != nil && c.breaks(c.vendors) {
		o.Kind = rollout.StepFailed
		c.will(hours, from, o)
		return
	}
	c.will(hours, from, o)
	o.Kind = rollout.MailSent
	c.will(hours, from, o)
	o.Kind = rollout.MailDelivered
	if c.bounces != nil && c.bounces(c.vendors) {
		o.Kind = rollout.MailFailed
	}
	if !c.silent {
		c.will(hours+1, from, o)
	}
}

// will plans an outcome in some hours from the present one, which began at from.
func (c *course) will(hours int, from time.Time, o rollout.Outcome) {
	o.At = from.Add(time.Duration(hours)*time.Hour + 10*time.Minute)
	c.due[c.hours+hours] = append(c.due[c.hours+hours], o)
}

// called are the API calls of an hour: 200 a day.
func (c *course) called() (calls rollout.Calls) {
	var interval rollout.Calls
	for range 9 {
		c.calls++
		about := trial.Control
		if float64(c.calls%100) < c.state.Percentage {
			about = trial.Automated
		}
		failed := c.state.Percentage > 0 && c.fails != nil && c.fails(c.calls)
		interval.Observe(rollout.Call{Route: "POST /api/vendors", Took: time.Duration(20+c.calls%40) * time.Millisecond, Failed: failed, About: about})
	}
	calls.AddInterval(interval)
	return calls
}
