package trial_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// world is everything around one trial: the clock, the flags, billing's
// record, the mailbox, and the workflow that does what is due when it happens
// to be awake. It keeps its own account of what must hold.
type world struct {
	t      *rapid.T
	now    time.Time
	state  trial.State
	events []trial.Event
	// database is the state folded from the events as they are stored.
	database trial.State
	facts    trial.StepFacts // all but Now

	// ever has every step that was in a schedule, by key.
	ever map[string]trial.Step
	// mailed counts the e-mails of a step, by key, and mailings those of a mailing after the start.
	mailed   map[string]int
	mailings map[trial.Kind]int
	// notified is when the vendor was notified of the trial's end, by revision.
	notified map[int]time.Time
	// revisedAt is when the schedule was last replanned.
	revisedAt time.Time
	// policies are those that the trial has had, the first one first; planned is the revision of the last move to one, movedAt its time.
	policies []trial.Policy
	planned  int
	movedAt  time.Time
	// kept are the mailings after the start that were to come at that move and stayed so, with their revision; late those of them that were
	// due then, and not only by the times of that move's policy.
	kept map[trial.Kind]int
	late map[trial.Kind]bool
	// sinceNewEnd are the kinds, but for those after the start, whose e-mail went out since the trial's end was last changed.
	sinceNewEnd map[trial.Kind]bool
	// taken are the ids of requests that were carried out.
	taken map[string]bool
}

func newWorld(t *rapid.T) *world {
	r := trial.Registration{
		VendorID: "v1",
		Cohort:   rapid.SampledFrom([]trial.Cohort{trial.Automated, trial.Automated, trial.Automated, trial.Control}).Draw(t, "cohort"),
		Policy:   policies().Draw(t, "policy"),
		Day:      rapid.SampledFrom([]time.Duration{trial.RealDay, trial.RealDay, 2 * time.Second}).Draw(t, "day"),
		Zone:     rapid.SampledFrom(append(zones, "", "")).Draw(t, "zone"),
		At:       years().Draw(t, "registered"),
	}
	w := &world{t: t, ever: map[string]trial.Step{}, mailed: map[string]int{}, mailings: map[trial.Kind]int{}, notified: map[int]time.Time{}, taken: map[string]bool{}}
	w.policies, w.sinceNewEnd = []trial.Policy{r.Policy}, map[trial.Kind]bool{}
	w.facts = trial.StepFacts{AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
	w.now = r.At.Add(w.span(r.Day, "delay")) // a vendor may be taken in late
	w.revisedAt = r.At.Truncate(time.Millisecond)
	w.apply(trial.Start(r, w.now))
	return w
}

// policies are valid ones, most of them short, so that steps crowd.
func policies() *rapid.Generator[trial.Policy] {
	return rapid.Custom(func(t *rapid.T) trial.Policy {
		p := trial.Policy{Name: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "name"), LengthDays: rapid.IntRange(1, 20).Draw(t, "length"), GraceDays: rapid.IntRange(0, 4).Draw(t, "grace"), SendHour: rapid.IntRange(0, 23).Draw(t, "hour")}
		for days := p.LengthDays; days > 0; days-- {
			if len(p.ReminderDays) < 4 && rapid.IntRange(0, 2).Draw(t, "reminder") == 0 {
				p.ReminderDays = append(p.ReminderDays, days)
			}
		}
		p.QuietDays = rapid.SampledFrom([][]trial.QuietDay{nil, nil, nil, {"sat", "sun"}, {"mon", "tue", "wed", "fri", "sat", "sun"}}).Draw(t, "quiet")
		p.Mailings = mailings(t, p.LengthDays)
		require.NoError(t, p.Validate())
		return p
	})
}

// mailings are up to four valid ones.
func mailings(t *rapid.T, length int) []trial.Mailing {
	var all []trial.Mailing
	for i := range rapid.SampledFrom([]int{0, 0, 1, 2, 4}).Draw(t, "mailings") {
		m := trial.Mailing{
			ID: trial.Kind(fmt.Sprintf("m%d", i)), After: rapid.SampledFrom(trial.Anchors()).Draw(t, "after"), Template: "t",
			Unless: rapid.SampledFrom([][]trial.Condition{{"converted"}, {"converted"}, {"converted", "extended"}}).Draw(t, "unless"),
		}
		most := 10 // after the expiry
		switch {
		case m.After == trial.AfterStart && length == 1: // no day lies within it
			m.Hours = rapid.IntRange(1, 23).Draw(t, "hours")
		case m.After == trial.AfterStart:
			most = length - 1
		case m.After == trial.BeforeEnd:
			most = length
		}
		switch {
		case m.Hours > 0:
		case rapid.Bool().Draw(t, "in days"):
			m.Days = rapid.IntRange(1, most).Draw(t, "days")
		default:
			m.Hours = rapid.IntRange(1, 24*most-1).Draw(t, "hours")
		}
		all = append(all, m)
	}
	return all
}

// span is a stretch of time, from nothing to weeks, in the trial's days.
func (w *world) span(day time.Duration, label string) time.Duration {
	longest := rapid.SampledFrom([]time.Duration{0, day / 24, day / 24, day, 2 * day, 5 * day, 40 * day}).Draw(w.t, label+" up to")
	return time.Duration(rapid.Int64Range(0, int64(longest)).Draw(w.t, label))
}

// apply is the one way in which the state changes. It checks what a single
// event may do.
func (w *world) apply(e trial.Event) {
	before := w.state
	after := before.Apply(e)
	w.events = append(w.events, e)
	w.state = after
	require.Equal(w.t, len(w.events), after.Seq, "numbers without gaps")
	require.Equal(w.t, e.Seq, after.Seq)
	if e.Request != nil && e.Request.ID != "" {
		w.taken[e.Request.ID] = true
	}
	if e.EndsAt != nil {
		require.Nil(w.t, before.ConvertedAt, "a converted trial goes on")
		w.revisedAt = e.At
		if !e.EndsAt.Equal(before.EndsAt) || e.Type == trial.EventRevived {
			clear(w.sinceNewEnd)
		}
	}
	if e.Type == trial.EventMoved {
		w.moved(before, e)
	}
	if notified, ok := w.notified[before.Revision]; ok && e.Type == trial.EventRezoned {
		w.notified[after.Revision] = notified
	}
	for _, step := range after.Schedule() {
		w.ever[step.Key("v1")] = step
	}
	require.Contains(w.t, arrows(before, e), after.Status, "from %q by %s", before.Status, e.Type)

	w.database = stored(w.t, w.database).Apply(stored(w.t, e))
	same(w.t, after, w.database, "the database has another state")

	for i, r := range before.Steps {
		require.Equal(w.t, r, after.Steps[i], "records are only added to")
	}
	require.Equal(w.t, w.policies[0].Name, after.RegisteredPolicy(), "a move hides what was dealt")
	added := after.Steps[len(before.Steps):]
	for _, r := range added {
		require.Equal(w.t, e.Step == nil || r.Reason == trial.ReasonExpired, r.Outcome == trial.Superseded, "superseded by requests and the expiry alone")
		require.True(w.t, r.Reason != trial.ReasonExpired || after.Status == trial.Expired && w.anchor(r.Step.Kind) == trial.AfterStart)
	}
	if e.Step != nil && (len(added) == 0 || added[len(added)-1].Reason != trial.ReasonExpired) {
		require.LessOrEqual(w.t, len(added), 1)
	}
}

// arrows are the statuses that an event may lead to.
func arrows(before trial.State, e trial.Event) []trial.Status {
	switch {
	case e.Type == trial.EventStarted && before.Status == "":
		return []trial.Status{trial.Active}
	case e.Type == trial.EventHeld, e.Type == trial.EventRezoned, e.Type == trial.EventCancelled && before.Status == trial.Expired:
		return []trial.Status{before.Status}
	case e.Type == trial.EventStep && (before.Status.Final() || e.Step.Revision != before.Revision || e.Decision.Action == trial.Skip):
		return []trial.Status{before.Status}
	case e.Type == trial.EventStep && e.Step.Kind == trial.Expiry && before.Status == trial.Active && before.Policy.GraceDays > 0:
		return []trial.Status{trial.Grace}
	case e.Type == trial.EventStep && e.Step.Kind == trial.Expiry && before.Status == trial.Active:
		return []trial.Status{trial.Expired}
	case e.Type == trial.EventStep && e.Step.Kind == trial.GraceEnd && before.Status == trial.Grace:
		return []trial.Status{trial.Expired}
	case e.Type == trial.EventStep && before.Status == trial.Active:
		return []trial.Status{trial.Active}
	case (e.Type == trial.EventExtended || e.Type == trial.EventMoved) && (before.Status == trial.Active || before.Status == trial.Grace),
		e.Type == trial.EventShortened && before.Status == trial.Active,
		e.Type == trial.EventRevived && (before.Status == trial.Expired || before.Status == trial.Cancelled):
		return []trial.Status{trial.Active}
	case e.Type == trial.EventCancelled && !before.Status.Final():
		return []trial.Status{trial.Cancelled}
	case e.Type == trial.EventConverted && !before.Status.Final():
		return []trial.Status{trial.Converted}
	case e.Type == trial.EventConverted && before.Status == trial.Expired && e.Request.At.Before(*before.ExpiredAt),
		e.Type == trial.EventConverted && before.Status == trial.Cancelled && e.Request.At.Before(*before.CancelledAt):
		return []trial.Status{trial.Converted}
	case e.Type == trial.EventConverted && (before.Status == trial.Expired || before.Status == trial.Cancelled):
		return []trial.Status{before.Status}
	}
	return nil
}

// wake does everything that is due, as the workflow does, and checks what may
// be done at one wake-up.
func (w *world) wake() {
	var ran []string
	for range 1000 {
		step, ok := w.state.Next()
		if !ok || step.At.After(w.now) {
			require.LessOrEqual(w.t, len(ran), 1, "e-mails at one moment: %v", ran)
			return
		}
		facts := w.facts
		facts.Now = w.now
		facts.Converted = facts.Converted && w.state.ConvertedAt == nil
		before := w.state
		d := trial.Decide(before, step, facts)
		w.mayBe(step, d, facts)
		if d.Action == trial.Hold {
			if held := before.Held; held == nil || held.Reason != d.Reason {
				w.apply(before.StepEvent(step, d, facts, false))
			}
			require.LessOrEqual(w.t, len(ran), 1, "e-mails at one moment: %v", ran)
			return
		}
		if d.Mail {
			w.mails(step)
			ran = append(ran, step.Key("v1"))
		}
		if d.Action == trial.Run && step.Kind == trial.Expiry {
			w.notified[step.Revision] = w.now
		}
		w.apply(before.StepEvent(step, d, facts, d.Mail))
		require.Equal(w.t, step.Key("v1"), w.state.Steps[len(before.Steps)].Step.Key("v1"), "what is not held is over")
	}
	require.Fail(w.t, "due steps without end")
}

// mayBe checks one decision against the promises, in its own words.
func (w *world) mayBe(step trial.Step, d trial.Decision, f trial.StepFacts) {
	key := step.Key("v1")
	ending := step.Kind == trial.Expiry || step.Kind == trial.GraceEnd
	if d.Mail {
		require.Equal(w.t, trial.Run, d.Action)
		require.True(w.t, f.AutomationEnabled, "%s mailed while disabled", key)
		require.False(w.t, f.Converted, "%s mailed to a converted vendor", key)
		require.Equal(w.t, trial.Automated, w.state.Cohort)
		require.Empty(w.t, f.NoMail, "%s mailed to a closed address", key)
		require.Equal(w.t, w.anchor(step.Kind) == trial.AfterExpiry, w.state.Status == trial.Expired, "%s mailed after the end", key)
		require.False(w.t, w.state.Status == trial.Converted || w.state.Status == trial.Cancelled || w.state.ConvertedAt != nil, "%s mailed after the end", key)
		require.True(w.t, f.EmailReminders || w.plain(step.Kind), "%s mailed with reminders off", key)
		require.Zero(w.t, w.mailed[key], "%s mailed twice", key)
		if w.anchor(step.Kind) == trial.AfterStart {
			require.Zero(w.t, w.mailings[step.Kind], "%s mailed twice", key)
			require.True(w.t, w.planned == 0 || step.At.After(w.movedAt) || w.late[step.Kind], "%s mailed though planned before the move", key)
		}
		require.False(w.t, w.sinceNewEnd[step.Kind] && w.anchor(step.Kind) != trial.AfterStart, "%s mailed twice about one end", key)
		if !w.plain(step.Kind) {
			require.False(w.t, w.quiet(step.At), "%s mailed on a quiet day, %s", key, step.At)
		}
		if anchor := w.anchor(step.Kind); anchor == trial.AfterStart || anchor == trial.BeforeEnd {
			require.Equal(w.t, trial.Active, w.state.Status)
			require.True(w.t, w.now.Before(w.state.EndsAt), "%s mailed when it is over", key)
		}
		if step.Kind.IsReminder() {
			require.Equal(w.t, trial.Active, w.state.Status)
			require.True(w.t, w.now.Before(w.state.EndsAt), "%s mailed when it is over", key)
			require.True(w.t, step.At.After(w.revisedAt), "%s mailed though planned before the change", key)
		}
	}
	if d.Action == trial.Run && ending {
		require.True(w.t, w.state.Cohort == trial.Control || f.AutomationEnabled && f.AutoExpiration, "%s ran against the flags", key)
		require.False(w.t, f.Converted, "%s ran for a converted vendor", key)
	}
	if d.Action == trial.Skip && ending {
		require.Equal(w.t, trial.ReasonAlreadyConverted, d.Reason, "%s is never overtaken", key)
	}
	if d.Action == trial.Run && step.Kind == trial.GraceEnd {
		notified, ok := w.notified[step.Revision]
		require.True(w.t, ok, "grace without an end before it")
		// Clocks that go forward take an hour, and an hour is tolerated.
		// Events round the time of a notification to whole milliseconds.
		least := time.Duration(w.state.Policy.GraceDays)*w.state.Day - w.state.Day/24 - time.Millisecond
		if w.state.Zone != "" {
			least -= w.state.Day / 24
		}
		if w.state.Zone == "Pacific/Apia" {
			least -= trial.RealDay // it skipped one in 2011
		}
		require.GreaterOrEqual(w.t, w.now.Sub(notified), least, "less than the whole grace")
	}
}

// ask sends a request and checks that a refusal or a repetition changes nothing.
func (w *world) ask(message string, r trial.Request) {
	before := stored(w.t, w.state)
	e, err := w.state.Request(message, r, w.now)
	same(w.t, before, w.state, "asking changed something")
	switch {
	case err != nil:
		var refusal *trial.Error
		require.ErrorAs(w.t, err, &refusal)
		require.Nil(w.t, e)
		require.NotEqual(w.t, trial.MessageConvert, message, "a conversion is never refused")
	case e == nil:
		require.True(w.t, w.taken[r.ID] || message == trial.MessageConvert && w.state.ConvertedAt != nil, "%s vanished", message)
	default:
		require.False(w.t, w.taken[r.ID] && message != trial.MessageConvert, "%s carried out twice", r.ID)
		zone := w.state.Zone
		if e.EndsAt != nil && rapid.Bool().Draw(w.t, "the vendor has moved") {
			zone = rapid.SampledFrom(zones).Draw(w.t, "zone by then")
			e.Zone = zone
		}
		w.apply(*e)
		require.Equal(w.t, zone, w.state.Zone)
		if e.EndsAt != nil {
			require.True(w.t, w.state.EndsAt.After(e.At), "a new end in the past")
		}
	}
}

// holds checks the invariants of a trial.
func (w *world) holds() {
	s := w.state
	same(w.t, w.database, stored(w.t, s), "a state that is stored is another")
	records := map[string]int{}
	for _, r := range s.Steps {
		key := r.Step.Key("v1")
		records[key]++
		require.Equal(w.t, 1, records[key], "%s is over twice", key)
		_, known := w.ever[key]
		require.True(w.t, known, "%s is over, though it never was", key)
		require.Equal(w.t, trial.Skip, trial.Decide(s, r.Step, w.facts).Action, "%s is over", key)
	}
	pending := map[string]bool{}
	for _, step := range s.Pending() {
		pending[step.Key("v1")] = true
	}
	for key := range w.ever {
		require.NotEqual(w.t, pending[key], records[key] == 1, "%s is lost, or both over and pending", key)
	}
	for key, n := range w.mailed {
		require.LessOrEqual(w.t, n, 1, key)
	}
	w.plannedWell()

	next, ok := s.Next()
	require.Equal(w.t, ok, len(pending) > 0)
	if s.Over() {
		require.Empty(w.t, pending)
		require.Nil(w.t, s.Held)
	} else if !ok {
		require.True(w.t, w.facts.Converted, "a trial that nothing will ever wake")
	}
	if s.Held != nil {
		require.True(w.t, pending[s.Held.Step.Key("v1")], "what is held is still to come")
	}
	// A new end may plan reminders before the start, which come to nothing.
	if s.Held != nil && s.Held.Step.Kind != trial.Welcome && w.anchor(s.Held.Step.Kind) != trial.AfterStart {
		require.Equal(w.t, next.Key("v1"), s.Held.Step.Key("v1"), "what is held is what is next")
	}
	require.Equal(w.t, s.Status == trial.Expired, s.ExpiredAt != nil)
	require.Equal(w.t, s.Status == trial.Cancelled, s.CancelledAt != nil)
	require.Equal(w.t, s.Status == trial.Converted, s.ConvertedAt != nil && !s.ConvertedLate)
	require.NotEmpty(w.t, s.Details())
}

// anchor is what a mailing counts from; empty for other kinds.
func (w *world) anchor(kind trial.Kind) trial.Anchor {
	m, _ := w.state.Policy.Mailing(kind)
	return m.After
}

// plain reports whether a step is neither a reminder nor a mailing.
func (w *world) plain(kind trial.Kind) bool {
	return slices.Contains([]trial.Kind{trial.Welcome, trial.Expiry, trial.GraceEnd}, kind)
}

// quiet reports whether a time falls on a quiet day.
func (w *world) quiet(at time.Time) bool {
	loc, err := time.LoadLocation(w.state.Zone)
	require.NoError(w.t, err)
	weekday := []trial.QuietDay{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[at.In(loc).Weekday()]
	return w.state.Day == trial.RealDay && slices.Contains(w.state.Policy.QuietDays, weekday)
}

// mails counts an e-mail.
func (w *world) mails(step trial.Step) {
	w.mailed[step.Key("v1")]++
	w.mailings[step.Kind]++
	if step.Kind != trial.Welcome && w.anchor(step.Kind) != trial.AfterStart {
		w.sinceNewEnd[step.Kind] = true
	}
}

// revisionOfStart is the revision that a mailing after the start has.
func (w *world) revisionOfStart(kind trial.Kind) int {
	if revision, ok := w.kept[kind]; ok {
		return revision
	}
	return w.planned
}

// plannedWell checks the schedule, and that steps ran in its order.
func (w *world) plannedWell() {
	s := w.state
	want := map[trial.Kind]bool{trial.Expiry: true}
	want[trial.GraceEnd] = s.Policy.GraceDays > 0
	welcomed := slices.ContainsFunc(s.Steps, func(r trial.StepRecord) bool { return r.Step.Kind == trial.Welcome })
	want[trial.Welcome] = s.Cohort == trial.Automated && (s.Revision == 0 || !welcomed)
	for _, days := range s.Policy.ReminderDays {
		want[trial.Kind(fmt.Sprintf("reminder-%dd", days))] = s.Cohort == trial.Automated
	}
	for _, m := range s.Policy.Mailings {
		revision := w.revisionOfStart(m.ID)
		over := slices.ContainsFunc(s.Steps, func(r trial.StepRecord) bool { return r.Step.Kind == m.ID && r.Step.Revision == revision })
		want[m.ID] = s.Cohort == trial.Automated && (m.After != trial.AfterStart || s.Revision == revision || !over)
	}
	var last time.Time
	got := map[trial.Kind]bool{trial.GraceEnd: false, trial.Welcome: false}
	for kind := range want {
		got[kind] = false
	}
	for _, step := range s.Schedule() {
		require.False(w.t, got[step.Kind], "%s planned twice", step.Kind)
		got[step.Kind] = true
		switch {
		case step.Kind == trial.Welcome: // which belongs to the first
			require.Zero(w.t, step.Revision)
		case w.anchor(step.Kind) == trial.AfterStart:
			require.Equal(w.t, w.revisionOfStart(step.Kind), step.Revision)
		default:
			require.Equal(w.t, s.Revision, step.Revision)
		}
		require.False(w.t, step.At.Before(last), "the schedule is not sorted")
		before := step.Kind.IsReminder() || w.anchor(step.Kind) == trial.BeforeEnd
		require.True(w.t, step.At.Before(s.EndsAt) || !before, "%s behind the end", step.Kind)
		last = step.At
	}
	require.Equal(w.t, want, got)
	ran := map[int]time.Time{}
	for _, r := range s.Steps {
		earlier := r.Step.Revision < w.planned && !w.plain(r.Step.Kind)                      // of a policy with other anchors
		if r.Outcome == trial.Ran && !earlier && w.anchor(r.Step.Kind) != trial.AfterStart { // a move changes the times of those to come
			require.False(w.t, r.Step.At.Before(ran[r.Step.Revision]), "%s ran out of order", r.Step.Kind)
			ran[r.Step.Revision] = r.Step.At
		}
	}
}

// stored is a value as it is after being stored as JSON.
func stored[T any](t *rapid.T, v T) T {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var c T
	require.NoError(t, json.Unmarshal(b, &c))
	return c
}

// same compares whole states.
func same(t *rapid.T, want, got trial.State, why string) {
	if !reflect.DeepEqual(want, got) {
		require.Fail(t, why, cmp.Diff(want, got))
	}
}
