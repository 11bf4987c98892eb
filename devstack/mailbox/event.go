package mailbox

import "time"

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

// event is what SES publishes about a mail, in the form that its documentation
// gives for SNS.
type event struct {
	EventType     string         `json:"eventType"`
	Mail          eventMail      `json:"mail"`
	Send          *struct{}      `json:"send,omitempty"`
	Delivery      *delivery      `json:"delivery,omitempty"`
	Bounce        *bounce        `json:"bounce,omitempty"`
	Complaint     *complaint     `json:"complaint,omitempty"`
	Reject        *reject        `json:"reject,omitempty"`
	DeliveryDelay *deliveryDelay `json:"deliveryDelay,omitempty"`
}

type eventMail struct {
	Timestamp        string              `json:"timestamp"`
	Source           string              `json:"source"`
	SourceARN        string              `json:"sourceArn"`
	SendingAccountID string              `json:"sendingAccountId"`
	MessageID        string              `json:"messageId"`
	Destination      []string            `json:"destination"`
	HeadersTruncated bool                `json:"headersTruncated"`
	Headers          []eventHeader       `json:"headers"`
	CommonHeaders    commonHeaders       `json:"commonHeaders"`
	Tags             map[string][]string `json:"tags"`
}

type eventHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type commonHeaders struct {
	From      []string `json:"from"`
	To        []string `json:"to"`
	MessageID string   `json:"messageId"`
	Subject   string   `json:"subject"`
}

type delivery struct {
	Timestamp            string   `json:"timestamp"`
	ProcessingTimeMillis int64    `json:"processingTimeMillis"`
	Recipients           []string `json:"recipients"`
	SMTPResponse         string   `json:"smtpResponse"`
	ReportingMTA         string   `json:"reportingMTA"`
}

type bounce struct {
	FeedbackID        string             `json:"feedbackId"`
	BounceType        string             `json:"bounceType"`
	BounceSubType     string             `json:"bounceSubType"`
	BouncedRecipients []bouncedRecipient `json:"bouncedRecipients"`
	Timestamp         string             `json:"timestamp"`
	ReportingMTA      string             `json:"reportingMTA,omitempty"`
}

type bouncedRecipient struct {
	EmailAddress   string `json:"emailAddress"`
	Action         string `json:"action"`
	Status         string `json:"status"`
	DiagnosticCode string `json:"diagnosticCode"`
}

type complaint struct {
	FeedbackID            string              `json:"feedbackId"`
	ComplaintSubType      *string             `json:"complaintSubType"`
	ComplainedRecipients  []complainRecipient `json:"complainedRecipients"`
	Timestamp             string              `json:"timestamp"`
	UserAgent             string              `json:"userAgent"`
	ComplaintFeedbackType string              `json:"complaintFeedbackType"`
	ArrivalDate           string              `json:"arrivalDate"`
}

type complainRecipient struct {
	EmailAddress string `json:"emailAddress"`
}

type reject struct {
	Reason string `json:"reason"`
}

type deliveryDelay struct {
	Timestamp         string             `json:"timestamp"`
	DelayType         string             `json:"delayType"`
	ExpirationTime    string             `json:"expirationTime"`
	DelayedRecipients []delayedRecipient `json:"delayedRecipients"`
}

type delayedRecipient struct {
	EmailAddress   string `json:"emailAddress"`
	Status         string `json:"status"`
	DiagnosticCode string `json:"diagnosticCode"`
}

// events returns what happens to m, in order.
func events(m *Message) []event {
	about := mailOf(m)
	sorted := byOutcome(m.To)
	if len(sorted[rejected]) > 0 { // the message is bad, for any recipient
		return []event{{EventType: "Reject", Mail: about, Reject: &reject{Reason: "Bad content"}}}
	}
	all := []event{{EventType: "Send", Mail: about, Send: &struct{}{}}}
	if to := sorted[suppressed]; len(to) > 0 {
		all = append(all, event{EventType: "Bounce", Mail: about, Bounce: suppressedBounce(m.At, to)})
	}
	if to := sorted[bounced]; len(to) > 0 {
		all = append(all, event{EventType: "Bounce", Mail: about, Bounce: hardBounce(m.At, to)})
	}
	if to := sorted[delivered]; len(to) > 0 {
		all = append(all, event{EventType: "Delivery", Mail: about, Delivery: deliveryTo(m.At, 0, to)})
	}
	if to := sorted[delayed]; len(to) > 0 {
		all = append(all,
			event{EventType: "DeliveryDelay", Mail: about, DeliveryDelay: delayOf(m.At, to)},
			event{EventType: "Delivery", Mail: about, Delivery: deliveryTo(m.At, delayedFor, to)})
	}
	if to := sorted[complained]; len(to) > 0 {
		all = append(all,
			event{EventType: "Delivery", Mail: about, Delivery: deliveryTo(m.At, 0, to)},
			event{EventType: "Complaint", Mail: about, Complaint: complaintOf(m.At, to)})
	}
	if to := sorted[answered]; len(to) > 0 {
		all = append(all,
			event{EventType: "Delivery", Mail: about, Delivery: deliveryTo(m.At, 0, to)},
			event{EventType: "Bounce", Mail: about, Bounce: automaticReply(m.At, to)})
	}
	if to := sorted[forwarded]; len(to) > 0 {
		all = append(all,
			event{EventType: "Delivery", Mail: about, Delivery: deliveryTo(m.At, 0, to)},
			event{EventType: "Bounce", Mail: about, Bounce: hardBounce(m.At, []string{forwardedTo})})
	}
	return all
}

func mailOf(m *Message) eventMail {
	_, domain := split(m.From)
	set := m.configurationSet
	if set == "" {
		set = defaultConfigurationSet
	}
	tags := map[string][]string{
		"ses:configuration-set": {set},
		"ses:from-domain":       {domain},
		"ses:caller-identity":   {"devstack"},
		"ses:source-ip":         {"127.0.0.1"},
		"ses:operation":         {"SendEmail"},
	}
	for name, value := range m.Tags {
		tags[name] = []string{value}
	}
	headers := []eventHeader{{"From", m.From}, {"Subject", m.Subject}}
	for _, to := range m.To {
		headers = append(headers, eventHeader{"To", to})
	}
	for name, value := range m.Headers {
		headers = append(headers, eventHeader{name, value})
	}
	return eventMail{
		Timestamp:        timestamp(m.At),
		Source:           m.From,
		SourceARN:        "arn:aws:ses:us-east-1:" + accountID + ":identity/" + domain,
		SendingAccountID: accountID,
		MessageID:        m.ID,
		Destination:      m.To,
		Headers:          headers,
		CommonHeaders:    commonHeaders{From: []string{m.From}, To: m.To, MessageID: m.ID, Subject: m.Subject},
		Tags:             tags,
	}
}

func deliveryTo(at time.Time, after time.Duration, to []string) *delivery {
	const handling = 120 * time.Millisecond
	return &delivery{
		Timestamp:            timestamp(at.Add(after + handling)),
		ProcessingTimeMillis: (after + handling).Milliseconds(),
		Recipients:           to,
		SMTPResponse:         "250 2.6.0 Message received",
		ReportingMTA:         "a8-1.smtp-out.amazonses.com",
	}
}

func hardBounce(at time.Time, to []string) *bounce {
	return &bounce{
		FeedbackID: newMessageID(at), BounceType: "Permanent", BounceSubType: "General", Timestamp: timestamp(at),
		BouncedRecipients: bouncedAs(to, "5.1.1", "smtp; 550 5.1.1 user unknown"),
		ReportingMTA:      "dns; a8-1.smtp-out.amazonses.com",
	}
}

// automaticReply is how SES reports an out-of-office message.
func automaticReply(at time.Time, to []string) *bounce {
	return &bounce{
		FeedbackID: newMessageID(at), BounceType: "Transient", BounceSubType: "General", Timestamp: timestamp(at.Add(time.Second)),
		BouncedRecipients: bouncedAs(to, "", ""),
	}
}

func suppressedBounce(at time.Time, to []string) *bounce {
	return &bounce{
		FeedbackID: newMessageID(at), BounceType: "Permanent", BounceSubType: "Suppressed", Timestamp: timestamp(at),
		BouncedRecipients: bouncedAs(to, "5.1.1",
			"Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address."),
	}
}

func bouncedAs(to []string, status, diagnosis string) []bouncedRecipient {
	recipients := make([]bouncedRecipient, len(to))
	for i, address := range to {
		recipients[i] = bouncedRecipient{EmailAddress: address, Action: "failed", Status: status, DiagnosticCode: diagnosis}
	}
	return recipients
}

func complaintOf(at time.Time, to []string) *complaint {
	recipients := make([]complainRecipient, len(to))
	for i, address := range to {
		recipients[i] = complainRecipient{address}
	}
	return &complaint{
		FeedbackID: newMessageID(at), ComplainedRecipients: recipients, Timestamp: timestamp(at),
		UserAgent: "Amazon SES Mailbox Simulator", ComplaintFeedbackType: "abuse", ArrivalDate: timestamp(at),
	}
}

func delayOf(at time.Time, to []string) *deliveryDelay {
	recipients := make([]delayedRecipient, len(to))
	for i, address := range to {
		recipients[i] = delayedRecipient{address, "4.2.2", "smtp; 452 4.2.2 mailbox full"}
	}
	return &deliveryDelay{
		Timestamp: timestamp(at), DelayType: "MailboxFull", ExpirationTime: timestamp(at.Add(14 * time.Hour)),
		DelayedRecipients: recipients,
	}
}

// timestamp formats t as SES and SNS do.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
