package vendorpage

import (
	"time"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/wording"
)

// MaxText is how many characters a vendor may write.
const MaxText = feedback.MaxText

// Facts are what a vendor's guide is made of.
type Facts struct {
	Vendor trial.Vendor
	// Trial is nil where its workflow has not begun.
	Trial *trial.State
	Now   time.Time
}

// Mails says whether e-mails reach a vendor.
type Mails string

// What becomes of e-mails to a vendor.
const (
	MailsOn    Mails = "on"
	MailsOff   Mails = "off"   // the vendor wants none
	MailsFail  Mails = "fail"  // the address takes none
	MailsAsk   Mails = "ask"   // nor that, and the vendor may ask for them: an e-mail was called spam, perhaps by mistake
	MailsAsked Mails = "asked" // nor that, and the vendor has asked
)

// Guide is the page that tells a vendor of its trial.
type Guide struct {
	Page

	// Status says how the trial stands.
	Status string
	// Dates are those of the trial, Zone the vendor's, on whose clock all are.
	Dates []Dated
	Zone  string
	// Next is what is to come, in order; empty for nothing.
	Next []Dated
	// ShowPlans says that there is a plan to choose, PlansURL where; empty for no button.
	ShowPlans bool
	PlansURL  string
	Mails     Mails
}

// Dated is a day or a moment, and what is then.
type Dated struct{ Text, At string }

// NewGuide returns the guide of a vendor. Target is where the button of an e-mail of a kind leads it.
func NewGuide(l Look, f Facts, target func(kind string) string) Guide {
	clock, state := f.clock(), f.Trial
	page, w := newPage(l, f.Vendor.Locale, func(v wording.Voice) map[string]string {
		dates := map[string]string{}
		if state != nil {
			dates[wording.FieldEndDate] = v.Day(state.EndsAt, clock)
			if state.Policy.GraceDays > 0 {
				dates[wording.FieldGraceEndDate] = v.Day(graceEnd(*state), clock)
			}
		}
		return dates
	})
	name := f.status()
	g := Guide{Page: page, Status: page.Say[name], Zone: w.ZoneName(clock), Mails: f.mails()}
	if kind, open := plansOf[name]; open {
		g.ShowPlans, g.PlansURL = true, target(kind)
	}
	if state == nil || name == wording.PageConverted || name == wording.PageCancelled {
		return g
	}
	dated := func(label wording.Text, at time.Time) {
		g.Dates = append(g.Dates, Dated{label.Say(w.Dates, wording.Values{}), w.Moment(at, clock)})
	}
	switch name {
	case wording.PageActive, wording.PageOverdue:
		dated(w.TrialEnds, state.EndsAt)
	case wording.PageGrace:
		dated(w.TrialEnded, state.EndsAt)
		dated(w.SellUntil, graceEnd(*state))
	default:
		dated(w.TrialEnded, state.EndsAt)
	}
	g.Next = f.next(w, clock, page.Say)
	return g
}

// plansOf are the kinds of e-mail whose button leads to the plans, by how the trial stands; none where there is nothing to choose.
var plansOf = map[string]string{
	wording.PageActive: "reminder", wording.PageOverdue: "reminder", wording.PageGrace: "expiry", wording.PageExpired: "grace-end",
	wording.PageCancelled: "grace-end", wording.PageUnknown: "welcome",
}

// status is the name of the text that says how the trial stands.
func (f Facts) status() string {
	s := f.Trial
	switch {
	case s != nil && s.ConvertedAt != nil, f.Vendor.Automation != nil && f.Vendor.Automation.Conversion != nil:
		return wording.PageConverted
	case s == nil:
		return wording.PageUnknown
	case s.Status == trial.Active && !f.Now.Before(s.EndsAt): // its expiry is held, or comes late
		return wording.PageOverdue
	}
	return map[trial.Status]string{
		trial.Active: wording.PageActive, trial.Grace: wording.PageGrace, trial.Expired: wording.PageExpired,
		trial.Converted: wording.PageConverted, trial.Cancelled: wording.PageCancelled,
	}[s.Status]
}

func (f Facts) mails() Mails {
	switch f.Vendor.NoMail() {
	case "":
		return MailsOn
	case trial.ReasonSuppressedAddress:
		return f.failing()
	case trial.ReasonUnsubscribed:
		return MailsOff
	default:
		return MailsFail
	}
}

// failing is what becomes of e-mails to an address that bounced or complained.
func (f Facts) failing() Mails {
	mails := MailsFail
	for _, s := range f.Vendor.Stops {
		switch {
		case s.Why() == trial.CauseBounce:
		case s.Asked:
			mails = MailsAsked
		default:
			return MailsAsk
		}
	}
	return mails
}

// next is what is to come, on the vendor's clock: e-mails by their day, since they may come a little later, the rest to the minute.
// Of what is overdue nobody knows when it comes.
func (f Facts) next(w wording.PageWords, clock wording.Clock, words map[string]string) []Dated {
	var all []Dated
	if f.status() == wording.PageOverdue {
		return nil
	}
	label := func(t wording.Text) string { return t.Say(w.Dates, wording.Values{}) }
	for _, step := range f.Trial.Pending() {
		switch {
		case !step.At.After(f.Now):
		case step.Kind == trial.Expiry:
			all = append(all, Dated{label(w.TrialEnds), w.Moment(step.At, clock)})
			if f.Trial.Policy.GraceDays == 0 {
				all = append(all, Dated{label(w.SellingPaused), w.Moment(step.At, clock)})
			}
		case step.Kind == trial.GraceEnd:
			all = append(all, Dated{label(w.SellingPaused), w.Moment(step.At, clock)})
		case f.mails() != MailsOn:
		case step.Kind.IsReminder():
			all = append(all, Dated{words["reminder"], w.Day(step.At, clock)})
		default:
			all = append(all, Dated{words["mail"], w.Day(step.At, clock)})
		}
	}
	return all
}

func (f Facts) clock() wording.Clock {
	if f.Trial == nil {
		return wording.Clock{Zone: f.Vendor.Zone}
	}
	return wording.Clock{Zone: f.Trial.Zone, Compressed: f.Trial.Day != trial.RealDay}
}

// graceEnd is when selling is paused.
func graceEnd(s trial.State) time.Time {
	if s.ExpiredAt != nil { // it may have been held or late
		return *s.ExpiredAt
	}
	return s.GraceEndsAt
}
