package trial

import "time"

// SendStatus is what is known of one e-mail.
type SendStatus string

// The states of a send.
const (
	// SendClaimed: one worker is sending it, or died while it was.
	SendClaimed SendStatus = "claimed"
	// SendReleased: definitely not accepted; it may be claimed again.
	SendReleased SendStatus = "released"
	// SendUnknown: it may or may not have been accepted.
	SendUnknown SendStatus = "unknown"
	// SendSent: accepted by the mail service.
	SendSent SendStatus = "sent"
	// SendRefused: refused for good.
	SendRefused SendStatus = "refused"
)

// What the mail service reports of an e-mail that it took.
const (
	// DeliveryDelay: not delivered yet, for a passing reason.
	DeliveryDelay = "delay"
	// DeliveryGeneralBounce: something came back that does not say what failed. It
	// may be an automatic reply, so a delivery outweighs it; alone it is a bounce.
	DeliveryGeneralBounce = "general-bounce"
	// DeliveryDone: the recipient's server took it.
	DeliveryDone = "delivery"
	// DeliveryBounce: it was not delivered, and will not be.
	DeliveryBounce = "bounce"
	// DeliveryComplaint: it was delivered, and the recipient called it spam.
	DeliveryComplaint = "complaint"
	// DeliveryReject: the mail service dropped it.
	DeliveryReject = "reject"
)

// Send is one e-mail and what is known of it, keyed like its step.
type Send struct {
	// Key is the step's: "trialID/kind/revision".
	Key      string     `json:"key"`
	VendorID string     `json:"vendorId"`
	Kind     Kind       `json:"kind"`
	Revision int        `json:"revision"`
	Status   SendStatus `json:"status"`
	// Attempt counts claims from 1. Resends counts those made without knowing
	// whether the one before had been accepted.
	Attempt int `json:"attempt"`
	Resends int `json:"resends"`
	// ClaimedAt is when the present attempt began, SettledAt when its outcome
	// was known.
	ClaimedAt time.Time  `json:"claimedAt"`
	SettledAt *time.Time `json:"settledAt"`
	MessageID string     `json:"messageId"`
	// Reason is the code of a refusal or of what left it unknown.
	Reason string `json:"reason"`
	// AddressHash is where it went, for suppression after a bounce.
	AddressHash string `json:"addressHash"`
	// Delivery is the weightiest report of the mail service: one of the Delivery
	// constants but DeliveryGeneralBounce; empty until there is one.
	Delivery   string     `json:"delivery"`
	DeliveryAt *time.Time `json:"deliveryAt"`
}

// SendAction is what to do about a step's e-mail.
type SendAction string

// The actions on a send.
const (
	// SendNow: claim it (again) and send.
	SendNow SendAction = "send"
	// SendResend: nothing was heard of it for the whole waiting time; send once more.
	SendResend SendAction = "resend"
	// SendDone: it went out.
	SendDone SendAction = "done"
	// SendGiveUp: it was refused for good.
	SendGiveUp SendAction = "give-up"
	// SendWait: it may have gone out; ask again at the moment given.
	SendWait SendAction = "wait"
)

// DecideSend says what to do about an e-mail of which current is known (nil:
// nothing). wait is how long a send whose outcome is unknown may still be
// settled by an event; the moment is set with SendWait only.
func DecideSend(current *Send, now time.Time, wait time.Duration) (SendAction, time.Time) {
	if current == nil {
		return SendNow, time.Time{}
	}
	switch current.Status {
	case SendReleased:
		return SendNow, time.Time{}
	case SendSent:
		return SendDone, time.Time{}
	case SendRefused:
		return SendGiveUp, time.Time{}
	case SendClaimed, SendUnknown:
		if until := current.ClaimedAt.Add(wait); until.After(now) {
			return SendWait, until
		}
	}
	return SendResend, time.Time{}
}
