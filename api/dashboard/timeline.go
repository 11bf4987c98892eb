package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// timeline is a trial over time, as a picture to scale and as a table.
type timeline struct {
	// Zone is the vendor's, empty where it is not known: its clock is UTC then.
	Zone string
	// Moments are what happened and what comes, in order.
	Moments []moment
	// Spans are how the trial stands and will stand, one after the other.
	Spans []span
	// Now is the moment on the viewer's clock.
	Now      time.Time
	from, to time.Time
	loc      *time.Location
}

// moment is one thing that happened or comes. No counts from 1, and is beside it in the picture.
type moment struct {
	No int
	At time.Time
	// Local is the moment on the vendor's clock.
	Local string
	// What it is, and Fate what became of it; empty where there is nothing to say.
	What, Fate string
	// Look is its look in the picture: done, bad, left (left out or held), ahead or change.
	Look string
}

// span is a time in which the trial has a status.
type span struct {
	Status   trial.Status
	From, To time.Time
	// Ahead says that it is planned.
	Ahead bool
}

// fates are what the mail service's reports say.
var fates = map[string]string{
	"": "sent, nothing reported yet", trial.DeliveryDone: "delivered", trial.DeliveryDelay: "delayed", trial.DeliveryBounce: "bounced",
	trial.DeliveryComplaint: "delivered, and marked as spam", trial.DeliveryReject: "dropped by the mail service",
}

// newTimeline is that of a trial whose events are given the first first, with its e-mails.
func newTimeline(s trial.State, events []trial.Event, sends []trial.Send, now time.Time) timeline {
	t := timeline{Now: now, loc: time.UTC, from: s.StartedAt}
	if loc, err := time.LoadLocation(s.Zone); err == nil && trial.ValidZone(s.Zone) {
		t.Zone, t.loc = s.Zone, loc
	}
	mails := map[string]trial.Send{}
	for _, send := range sends {
		mails[send.Key] = send
	}
	for _, e := range events {
		t.Moments = append(t.Moments, momentOf(e, mails, s.VendorID, now))
	}
	for _, step := range s.Pending() {
		m := moment{At: step.At, What: string(step.Kind), Fate: "to come", Look: "ahead"}
		if s.Held != nil && s.Held.Step.Kind == step.Kind && s.Held.Step.Revision == step.Revision {
			m.Fate, m.Look = "waits: "+joined(s.Held.Reason), "left"
		}
		t.Moments = append(t.Moments, m)
	}
	slices.SortStableFunc(t.Moments, func(a, b moment) int { return a.At.Compare(b.At) })
	for i := range t.Moments {
		m := &t.Moments[i]
		m.No, m.Local = i+1, m.At.In(t.loc).Format("Mon 2006-01-02 15:04:05 MST")
	}
	t.span(s, events)
	return t
}

// momentOf is what an event was, and what became of its e-mail.
func momentOf(e trial.Event, mails map[string]trial.Send, vendorID string, now time.Time) moment {
	m := moment{At: e.At, What: happened(e, now), Look: "change"}
	switch {
	case e.Type == trial.EventHeld:
		m.Fate, m.Look = why(e), "left"
	case e.Type != trial.EventStep:
	case e.Decision.Action == trial.Skip:
		m.What, m.Fate, m.Look = string(e.Step.Kind), "left out: "+why(e), "left"
	default:
		m.What, m.Fate, m.Look = string(e.Step.Kind), "done, without an e-mail", "done"
		if send, found := mails[e.Step.Key(vendorID)]; found {
			m.Fate, m.Look = mailFate(send, now)
		} else if e.Mailed {
			m.Fate = fates[""]
		}
	}
	return m
}

func mailFate(send trial.Send, now time.Time) (fate, shape string) {
	if send.Status != trial.SendSent {
		fate = "e-mail " + joined(send.Status)
		if send.Reason != "" {
			fate += ": " + joined(send.Reason)
		}
		return fate, "bad"
	}
	fate = cmp.Or(fates[send.Delivery], send.Delivery)
	if send.DeliveryAt != nil && send.Delivery != "" {
		fate += ", " + stamp(*send.DeliveryAt, now)
	}
	if slices.Contains([]string{trial.DeliveryBounce, trial.DeliveryComplaint, trial.DeliveryReject}, send.Delivery) {
		return fate, "bad"
	}
	return fate, "done"
}

// span finds out how the trial stood and will stand, and from when to when there is anything to draw. Of one that is over, now may be
// long after that: it is left out then.
func (t *timeline) span(s trial.State, events []trial.Event) {
	var state trial.State
	for i, e := range events {
		state = state.Apply(e)
		from, to := e.At, t.Now
		if i == 0 {
			from = s.StartedAt
		}
		if i+1 < len(events) {
			to = events[i+1].At
		}
		if n := len(t.Spans); n > 0 && t.Spans[n-1].Status == state.Status {
			t.Spans[n-1].To = to
			continue
		}
		t.Spans = append(t.Spans, span{Status: state.Status, From: from, To: to})
	}
	switch s.Status {
	case trial.Active:
		t.Spans = append(t.Spans, span{trial.Active, t.Now, s.EndsAt, true}, span{trial.Grace, s.EndsAt, s.GraceEndsAt, true})
	case trial.Grace:
		t.Spans = append(t.Spans, span{trial.Grace, t.Now, s.GraceEndsAt, true})
	case trial.Converted, trial.Expired, trial.Cancelled:
		t.Spans = t.Spans[:max(len(t.Spans)-1, 0)]
	}
	t.Spans = slices.DeleteFunc(t.Spans, func(p span) bool { return !p.To.After(p.From) })
	t.to = t.from.Add(time.Second)
	for _, m := range t.Moments {
		t.from, t.to = earlier(t.from, m.At), later(t.to, m.At)
	}
	for _, p := range t.Spans {
		t.to = later(t.to, p.To)
	}
	t.to = t.to.Add(t.to.Sub(t.from) / 40) // room for what happened last
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Clock names the clock of the table's second column of moments.
func (t timeline) Clock() string {
	if loc := t.Now.Location(); loc != time.UTC {
		return "On your clock, " + loc.String()
	}
	return "UTC"
}

// Label says in words what the picture shows.
func (t timeline) Label() string {
	return fmt.Sprintf("The trial over time, from %s to %s, with %d moments; the table below has them all.", stamp(t.from, t.Now), stamp(t.to, t.Now), len(t.Moments))
}

// SVG draws the timeline: the numbers are those of the moments.
func (t timeline) SVG() template.HTML { return drawTimeline(t) }
