package sample

import (
	"fmt"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// Now is when all worlds are looked at.
var Now = time.Date(2026, 3, 14, 10, 20, 0, 0, time.UTC)

const day = 24 * time.Hour

// Empty is the world right after it was set up.
func Empty() *World {
	w := &World{Store: memory.NewStore(), Moment: Now, Counted: monitoring.ReportFacts{Now: Now, Day: day, Policy: trial.DefaultPolicy()}}
	w.Figures = monitoring.Make(w.Counted)
	w.Now = func() time.Time { return w.Moment }
	w.Canaries = canary.View{Configured: true, EverySeconds: canary.Every(day).Seconds()}
	w.assess(well(Now), 6*day)
	w.calm()
	return w
}

// Broken is the world whose database is away.
func Broken() *World {
	w := Busy()
	w.Err, w.BackupsErr = ErrUnavailable, ErrUnavailable
	p := well(Now)
	p.MongoDB = monitoring.Reply{Took: 1200 * time.Millisecond, Failure: monitoring.NoAnswer}
	w.assess(p, 4*time.Minute)
	return w
}

// Busy is a world in the middle of its rollout, and not all is well.
func Busy() *World {
	w := Empty()
	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 25
	w.Offered = offered()
	w.Counted.Offered, w.Counted.Tally, w.Counted.Calls = w.Offered.Policies, tally(), calls()
	w.Figures = monitoring.Make(w.Counted)
	w.Judged = judgement()
	w.Series = series(*w.Judged)
	w.Rollout = events(w.Judged)
	for i := range 60 {
		w.addTrial(fmt.Sprintf("vendor-%03d", i+1), i)
	}
	w.suppress()
	p := well(Now)
	p.Mail.Sent = 41200
	p.Watch = monitoring.WatchProbe{Running: true, Began: w.Rollout[0].At, Day: day, Last: w.Judged.At}
	p.Worker.Processes = []monitoring.Process{busyProcess()}
	w.assess(p, 50*time.Minute)
	w.alarm()
	w.issue()
	w.record()
	w.operate()
	w.Canaries = canaries()
	w.administer()
	return w
}

// well are probes that find everything well.
func well(now time.Time) monitoring.Probes {
	soon := monitoring.Reply{Took: 3 * time.Millisecond}
	return monitoring.Probes{
		MongoDB: soon, Temporal: monitoring.Reply{Took: 6 * time.Millisecond}, Flags: soon,
		Worker:     monitoring.WorkerProbe{Queue: soon, Noted: soon, TaskQueue: monitoring.TaskQueue{Polled: now.Add(-4 * time.Second)}},
		Mail:       monitoring.MailProbe{Reply: soon, MailAccount: monitoring.MailAccount{Sending: true, Sent: 320, Quota: 50_000}},
		Watch:      monitoring.WatchProbe{Reply: soon},
		Reconciler: monitoring.ReconcilerProbe{Reply: soon, Last: now.Add(-11 * time.Second)},
	}
}

// busyProcess uses more of its processors than it should.
func busyProcess() monitoring.Process {
	p := monitoring.Process{Role: monitoring.RoleWorker, Instance: "worker-2"}
	for i := range monitoring.KeptSamples {
		back := time.Duration(monitoring.KeptSamples-1-i) * monitoring.SampleEvery
		p.Observe(monitoring.Sample{At: Now.Add(-back - 2*time.Second), CPU: 0.78, Memory: 0.41})
	}
	return p
}

// assess judges what probes found, which has been so for a while.
func (w *World) assess(p monitoring.Probes, since time.Duration) {
	before := w.Assessed
	for _, ago := range []time.Duration{since, 0} {
		before = monitoring.Assess(p, before, Now.Add(-ago))
	}
	w.Assessed = before
}

// offered are the built-in policy, and one of 30 days with e-mails of its own for Brazil.
func offered() policy.Set {
	set, unless := policy.BuiltIn(), []trial.Condition{trial.UnlessConverted}
	set.Policies = append(set.Policies, trial.Policy{
		Name: "brazil-30d", LengthDays: 30, ReminderDays: []int{10, 2}, GraceDays: 5, SendHour: 8, QuietDays: []trial.QuietDay{"sun", "2026-12-25"},
		Mailings: []trial.Mailing{
			{ID: "tips", After: trial.AfterStart, Hours: 6, Template: "tips", Unless: unless},
			{ID: "half-way", After: trial.AfterStart, Days: 15, Template: "half-way", Unless: append(unless, trial.UnlessExtended)},
			{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "win-back", Unless: unless},
		},
	})
	set.Rules = []policy.Rule{{When: map[string]string{"country": "BR", "plan": "pro"}, Policy: "brazil-30d"}}
	return set
}

// tally counts what a marketplace of some 30 registrations a day comes to.
func tally() monitoring.Tally {
	t := monitoring.Tally{}
	add := func(back int, c trial.Cohort, name monitoring.Name, n int) {
		t[monitoring.Counter{Period: monitoring.DayOf(Now.Add(-time.Duration(back)*day), day), Cohort: c, Name: name}] += n
		if strings.HasPrefix(string(name), string(monitoring.Began)) && !strings.Contains(string(name), "Age") {
			for under, share := range map[string]int{"standard-14d": n - n/5, "brazil-30d": n/5 - n/30} {
				t[monitoring.Counter{Period: monitoring.DayOf(Now.Add(-time.Duration(back)*day), day), Cohort: c, Name: name.Under(under)}] += share
			}
		}
	}
	for back := range 60 {
		wave := (back*7)%11 - 5
		control, automated := 30+wave, 0
		if back < 8 {
			automated = 3 + (back*5)%6
			control -= automated
		}
		add(back, trial.Control, monitoring.Began, control)
		add(back, trial.Automated, monitoring.Began, automated)
		for age := 1; age < min(back-1, 15); age++ {
			add(back, trial.Control, monitoring.ConvertedAtAge(age), control*2/7*age/15-control*2/7*(age-1)/15)
		}
		if back < 8 && back > 3 {
			add(back, trial.Automated, monitoring.BeganConverted, 1)
			add(back, trial.Automated, monitoring.ConvertedAtAge(back-3), 1)
		}
		if back >= 18 {
			add(back, trial.Control, monitoring.BeganConverted, control*2/7)
			add(back, trial.Control, monitoring.BeganExpired, control-control*2/7)
		}
		if back < 31 {
			add(back, trial.Control, monitoring.ConvertedInTime, 8+wave/2)
			add(back, trial.Control, monitoring.EnteredExpiry, 21-wave)
		}
	}
	for back := range 8 {
		add(back, trial.Automated, monitoring.StepsDone, 6+3*(7-back))
		add(back, trial.Automated, monitoring.StepsFailed, back%3/2)
		add(back, trial.Automated, monitoring.MailDelivered, 5+2*(7-back))
		add(back, trial.Automated, monitoring.MailAccepted, 1)
	}
	add(0, trial.Automated, monitoring.MailBounced, 9)
	add(0, trial.Automated, monitoring.MailComplained, 1)
	for status, n := range map[trial.Status][2]int{trial.Active: {41, 402}, trial.Grace: {0, 88}, trial.Converted: {6, 1204}, trial.Expired: {0, 2981}, trial.Cancelled: {1, 17}} {
		t[monitoring.Counter{Period: monitoring.Current, Cohort: trial.Automated, Name: monitoring.Running(status)}] = n[0]
		t[monitoring.Counter{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(status)}] = n[1]
	}
	for under, n := range map[string]int{"standard-14d": 403, "brazil-30d": 120} {
		t[monitoring.Counter{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.StillRunning.Under(under)}] = n
	}
	return t
}

func calls() rollout.Calls {
	c := rollout.Calls{Failed: 4, Took: map[int]int{}}
	for i := range 640 {
		c.Took[rollout.TookBucket(time.Duration(20+i%180)*time.Millisecond)]++
	}
	return c
}

func judgement() *rollout.Judgement {
	return &rollout.Judgement{
		Formula: "evidence/1", At: Now.Add(-6 * time.Minute), Snapshot: 812, Enabled: true, Percentage: 25, Version: 14,
		Position: rollout.Position{StageSeq: 4, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Percentage: 25},
		Gates: []rollout.GateResult{
			{Gate: rollout.GateEmail, Verdict: rollout.Fail, Evidence: 24, Needed: 20, Estimate: .875, Limit: .95, Seen: 104, Enough: 1, Reason: "87.5 % of 104 e-mails were delivered, the limit is 95 %"},
			{Gate: rollout.GateAutomation, Verdict: rollout.Pass, Evidence: .02, Needed: 20, Estimate: .986, Limit: .95, Seen: 140, Enough: 1, Odds: 1e-4, Reason: "98.6 % of 140 steps were done"},
			{Gate: rollout.GateAPI, Verdict: rollout.Pass, Evidence: 1e-9, Needed: 20, Limit: .05, Seen: 640, Enough: 1, Odds: 1e-9, Reason: "640 calls, 95 of 100 within 0.2 s"},
			{Gate: rollout.GateErrors, Verdict: rollout.Pass, Evidence: 1e-8, Needed: 20, Estimate: .006, Limit: .05, Seen: 640, Enough: 1, Reason: "4 of 640 calls failed"},
			{Gate: rollout.GateConversion, Verdict: rollout.Insufficient, Evidence: 1, Needed: 20, Limit: .2, Enough: 30, Reason: "0 of 30 automated trials are over; that is known from 24 March on"},
		},
		Triggers: []rollout.TriggerResult{
			{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Evidence: 3.1, Needed: 20, Estimate: .885, Limit: .9, Seen: 104, Reason: "12 of 104 e-mails failed, evidence 3.1 of the 20 that are needed"},
			{Trigger: rollout.TriggerErrors, Remedy: rollout.Immediate, Evidence: 1e-6, Needed: 100, Estimate: .014, Limit: .2, Seen: 140, Reason: "2 of 140 steps failed, evidence 0.0 of the 100 that are needed"},
			{Trigger: rollout.TriggerPerformance, Remedy: rollout.Partial, Evidence: .3, Needed: 20, Estimate: .041, Limit: .05, Seen: 640, Reason: "calls take as long as before the rollout"},
			{Trigger: rollout.TriggerConversion, Remedy: rollout.Immediate, Evidence: 1, Needed: 20, Limit: .1, Reason: "no automated trial is over yet", DecidableFrom: new(Now.Add(10 * day))},
		},
	}
}

// events are the rollout so far: into its third phase.
func events(j *rollout.Judgement) []rollout.Event {
	began := Now.Add(-6*day - 2*time.Hour)
	start := rollout.Start{ID: "rollout-20260308-082000", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: day, TrialDays: 17}}
	all := []rollout.Event{rollout.Begin(start, began)}
	add := func(at time.Time, e rollout.Event) {
		e.Seq, e.At = len(all)+1, at
		if e.By == "" {
			e.By = "rollout"
		}
		all = append(all, e)
	}
	enter := func(at time.Time, phase int, reason string, judged *rollout.Judgement) {
		percentage := start.Plan.Phases[phase].Percentage
		add(at, rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: phase}, Percentage: &percentage, Reason: reason, Judgement: judged})
	}
	enter(began.Add(day), 0, "Entered phase 1 of 6, validation (0 %).", nil)
	add(began.Add(day), rollout.Event{Type: rollout.EventPreflight, Reason: "The preflight checks were made.", Checks: []rollout.Check{
		{ID: rollout.CheckMigration, Verdict: rollout.Pass, Reason: "every vendor has a trial's start"},
		{ID: rollout.CheckHealth, Verdict: rollout.Pass, Reason: "all parts answer"},
		{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "no backup is on record"},
	}})
	add(began.Add(day+3*time.Hour), rollout.Event{Type: rollout.EventWaived, By: "admin", Subject: rollout.CheckBackup, Reason: "the managed database is backed up by its provider"})
	enter(began.Add(3*day), 1, "Entered phase 2 of 6, limited (10 %): its time is over and all gates pass.", j)
	add(began.Add(4*day), rollout.Event{Type: rollout.EventPaused, By: "admin", Cause: rollout.PausedByAdmin, Reason: "Paused: support wants to read the first answers"})
	add(began.Add(4*day+5*time.Hour), rollout.Event{Type: rollout.EventResumed, By: "admin", Reason: "Resumed: nothing unusual was found"})
	enter(Now.Add(-20*time.Hour), 2, "Entered phase 3 of 6, expansion-25 (25 %): its time is over and all gates pass.", j)
	return all
}

// addTrial adds a vendor with a trial of its own age.
func (w *World) addTrial(id string, i int) {
	cohort := trial.Control
	if i%3 == 0 {
		cohort = trial.Automated
	}
	began := Now.Add(-time.Duration(i%16)*day - 3*time.Hour)
	v := trial.Vendor{ID: id, Name: fmt.Sprintf("Casa Azul %d", i+1), Email: fmt.Sprintf("azul%d@nordic.example", i+1), Zone: "Europe/Lisbon", StartedAt: began, Automation: &trial.Automation{Cohort: cohort, RegisteredAt: began}}
	registration := v.Registration(trial.DefaultPolicy(), day)
	history := []trial.Event{trial.Start(registration, began)}
	state := trial.Fold(history)
	for {
		next, more := state.Next()
		if !more || next.At.After(Now) {
			break
		}
		facts := trial.StepFacts{Now: next.At.Add(2 * time.Second), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		decision := trial.Decide(state, next, facts)
		e := state.StepEvent(next, decision, facts, decision.Mail)
		history, state = append(history, e), state.Apply(e)
		if decision.Mail {
			w.addSend(state, next, facts.Now)
		}
	}
	w.VendorsByID[id], w.States[id], w.History[id] = v, state, history
}

// addSend adds the e-mail of a step of a trial, which is as it stands after it.
func (w *World) addSend(s trial.State, step trial.Step, at time.Time) {
	id := s.VendorID
	key, settled := step.Key(id), at.Add(time.Second)
	hash, fields := w.written(s, step, at)
	w.Sends[key] = trial.Send{
		Key: key, VendorID: id, Kind: step.Kind, Revision: step.Revision, Status: trial.SendSent, Attempt: 1,
		ClaimedAt: at, SettledAt: &settled, Delivery: "delivery", DeliveryAt: &settled, Template: hash, Fields: fields,
	}
}
