package mailbox

import (
	"cmp"
	"maps"
	"strings"
	"time"
)

// forwardedTo is the address that mail is forwarded to.
const forwardedTo = "owner@elsewhere.example"

// accountID is the AWS account that everything here claims to belong to.
const accountID = "000000000000"

// defaultConfigurationSet is the identity's, used if a request names none.
// SES publishes events only for mails with a configuration set.
const defaultConfigurationSet = "default"

// delayedFor is how much later than its first attempt a delayed mail is delivered,
// according to its events; nobody waits for it.
const delayedFor = 5 * time.Minute

// object is a JSON object.
type object = map[string]any

// event is what SES publishes about a mail, in the form that its documentation
// gives for SNS: the details of a DeliveryDelay are its member deliveryDelay.
func event(kind string, about, details object) object {
	return object{"eventType": kind, "mail": about, strings.ToLower(kind[:1]) + kind[1:]: details}
}

// events returns what happens to m, in order.
func events(m *Message) (all []object) {
	about := mailOf(m)
	sorted := byOutcome(m.To)
	if len(sorted[rejected]) > 0 { // the message is bad, for any recipient
		return []object{event("Reject", about, object{"reason": "Bad content"})}
	}
	add := func(kind string, details object) { all = append(all, event(kind, about, details)) }
	add("Send", object{})
	if to := sorted[suppressed]; len(to) > 0 {
		add("Bounce", permanentBounce("Suppressed", m.At, to,
			"Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address."))
	}
	if to := sorted[bounced]; len(to) > 0 {
		add("Bounce", hardBounce(m.At, to))
	}
	if to := sorted[delivered]; len(to) > 0 {
		add("Delivery", deliveryTo(m.At, 0, to))
	}
	if to := sorted[delayed]; len(to) > 0 {
		add("DeliveryDelay", delayOf(m.At, to))
		add("Delivery", deliveryTo(m.At, delayedFor, to))
	}
	if to := sorted[complained]; len(to) > 0 {
		add("Delivery", deliveryTo(m.At, 0, to))
		add("Complaint", complaintOf(m.At, to))
	}
	if to := sorted[answered]; len(to) > 0 {
		add("Delivery", deliveryTo(m.At, 0, to))
		add("Bounce", automaticReply(m.At, to))
	}
	if to := sorted[forwarded]; len(to) > 0 {
		add("Delivery", deliveryTo(m.At, 0, to))
		add("Bounce", hardBounce(m.At, []string{forwardedTo}))
	}
	return all
}

func mailOf(m *Message) object {
	_, domain := split(m.From)
	tags := map[string][]string{
		"ses:configuration-set": {cmp.Or(m.configurationSet, defaultConfigurationSet)},
		"ses:from-domain":       {domain},
		"ses:caller-identity":   {"devstack"},
		"ses:source-ip":         {"127.0.0.1"},
		"ses:operation":         {"SendEmail"},
	}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	header := func(name, value string) object { return object{"name": name, "value": value} }
	headers := []object{header("From", m.From), header("Subject", m.Subject)}
	for _, to := range m.To {
		headers = append(headers, header("To", to))
	}
	for name, value := range m.Headers {
		headers = append(headers, header(name, value))
	}
	return object{
		"timestamp":        timestamp(m.At),
		"source":           m.From,
		"sourceArn":        "arn:aws:ses:us-east-1:" + accountID + ":identity/" + domain,
		"sendingAccountId": accountID,
		"messageId":        m.ID,
		"destination":      m.To,
		"headersTruncated": false,
		"headers":          headers,
		"commonHeaders":    object{"from": []string{m.From}, "to": m.To, "messageId": m.ID, "subject": m.Subject},
		"tags":             tags,
	}
}

func deliveryTo(at time.Time, after time.Duration, to []string) object {
	const handling = 120 * time.Millisecond
	return object{
		"timestamp":            timestamp(at.Add(after + handling)),
		"processingTimeMillis": (after + handling).Milliseconds(),
		"recipients":           to,
		"smtpResponse":         "250 2.6.0 Message received",
		"reportingMTA":         "a8-1.smtp-out.amazonses.com",
	}
}

func hardBounce(at time.Time, to []string) object {
	details := permanentBounce("General", at, to, "smtp; 550 5.1.1 user unknown")
	details["reportingMTA"] = "dns; a8-1.smtp-out.amazonses.com"
	return details
}

func permanentBounce(subType string, at time.Time, to []string, diagnosis string) object {
	return object{
		"feedbackId": newMessageID(at), "bounceType": "Permanent", "bounceSubType": subType, "timestamp": timestamp(at),
		"bouncedRecipients": recipients(to, object{"action": "failed", "status": "5.1.1", "diagnosticCode": diagnosis}),
	}
}

// automaticReply is how SES reports an out-of-office message.
func automaticReply(at time.Time, to []string) object {
	return object{
		"feedbackId": newMessageID(at), "bounceType": "Transient", "bounceSubType": "General", "timestamp": timestamp(at.Add(time.Second)),
		"bouncedRecipients": recipients(to, object{"action": "failed", "status": "", "diagnosticCode": ""}),
	}
}

// recipients are addresses, each with what is to tell of it.
func recipients(to []string, details object) []object {
	all := make([]object, len(to))
	for i, address := range to {
		all[i] = maps.Clone(details)
		all[i]["emailAddress"] = address
	}
	return all
}

func complaintOf(at time.Time, to []string) object {
	return object{
		"feedbackId": newMessageID(at), "complaintSubType": nil, "complainedRecipients": recipients(to, object{}), "timestamp": timestamp(at),
		"userAgent": "Amazon SES Mailbox Simulator", "complaintFeedbackType": "abuse", "arrivalDate": timestamp(at),
	}
}

func delayOf(at time.Time, to []string) object {
	return object{
		"timestamp": timestamp(at), "delayType": "MailboxFull", "expirationTime": timestamp(at.Add(14 * time.Hour)),
		"delayedRecipients": recipients(to, object{"status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 mailbox full"}),
	}
}

// timestamp formats t as SES and SNS do.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
