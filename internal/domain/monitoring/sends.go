package monitoring

import (
	"cmp"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// The counters of e-mails, by the day of their claim. Each e-mail
// counts in exactly one of them.
const (
	// MailClaimed: being sent, or to be retried.
	MailClaimed Name = "mailClaimed"
	// MailUnknown: it may or may not have been accepted.
	MailUnknown Name = "mailUnknown"
	// MailRefused: the mail service refused it for good.
	MailRefused Name = "mailRefused"
	// MailAccepted: accepted, without a report since.
	MailAccepted Name = "mailAccepted"
	// MailDelayed: accepted, and reported to be delayed.
	MailDelayed Name = "mailDelayed"
	// MailDelivered, MailBounced, MailComplained and MailRejected: its final
	// report. A complaint implies that it was delivered.
	MailDelivered  Name = "mailDelivered"
	MailBounced    Name = "mailBounced"
	MailComplained Name = "mailComplained"
	MailRejected   Name = "mailRejected"
)

// The counters of e-mails with a known outcome, by the slot of their
// claim.
const (
	// MailFailed counts those that were refused, bounced or rejected.
	MailFailed Name = "mailFailed"
	// MailArrived counts those that were delivered, complaints included.
	MailArrived Name = "mailArrived"
)

// MailResent counts e-mails that were sent again without knowing whether the
// previous attempt was accepted.
const MailResent Name = "mailResent"

// OfSend is an e-mail's contribution to the counters, given the length of a day.
// E-mails go to automated vendors only, adopted ones included. The zero Send adds nothing.
func OfSend(s trial.Send, day time.Duration) Tally {
	if s.Key == "" {
		return Tally{}
	}
	on, cohort, name := DayOf(s.ClaimedAt, day), cmp.Or(s.Cohort, trial.Automated), mailName(s)
	t := Tally{{on, cohort, name}: 1}
	if s.Resends > 0 {
		t[Counter{on, cohort, MailResent}] = s.Resends
	}
	switch name { //nolint:exhaustive // the others have no final report
	case MailRefused, MailBounced, MailRejected:
		t[Counter{SlotOf(s.ClaimedAt, day), cohort, MailFailed}] = 1
	case MailDelivered, MailComplained:
		t[Counter{SlotOf(s.ClaimedAt, day), cohort, MailArrived}] = 1
	}
	return t
}

func mailName(s trial.Send) Name {
	switch s.Delivery {
	case "delay":
		return MailDelayed
	case "delivery":
		return MailDelivered
	case "bounce":
		return MailBounced
	case "complaint":
		return MailComplained
	case "reject":
		return MailRejected
	}
	switch s.Status {
	case trial.SendSent:
		return MailAccepted
	case trial.SendRefused:
		return MailRefused
	case trial.SendUnknown:
		return MailUnknown
	case trial.SendClaimed, trial.SendReleased: // under way
	}
	return MailClaimed
}
