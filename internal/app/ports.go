package app

import (
	"context"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Store is what the use cases need of the database. An error that a caller may be shown is a *trial.Error; where the database is
// away its code is trial.CodeUnavailable.
type Store interface {
	VendorStore
	TrialReader
	FlagStore
	MailStore
	RolloutStore
	MonitoringStore
	AlertStore
	TokenStore
	SessionStore
	AuditStore
	BulkStore
	KeyStore
	FeedbackStore
	ExperimentStore
	// Ping tells whether the database answers.
	Ping(ctx context.Context) error
}

// VendorReader reads the vendors.
type VendorReader interface {
	// Vendor returns a vendor; one that does not exist is a *trial.Error with trial.CodeNotFound.
	Vendor(ctx context.Context, id string) (trial.Vendor, error)
}

// SuppressionReader lists whom no e-mail may go to.
type SuppressionReader interface {
	// SuppressedVendors lists up to limit vendors to whose present address no e-mail may go, by a cause or by any (empty), the latest
	// first. after is the next of the page before, which is empty on the last one; a wrong one is a *trial.Error.
	SuppressedVendors(ctx context.Context, cause trial.Cause, after string, limit int) (page []trial.SuppressedVendor, next string, err error)
}

// VendorStore keeps the vendors.
type VendorStore interface {
	VendorReader
	SuppressionReader
	// RegisterVendor takes a vendor in, and tells whether that is new. Where the vendor was taken in before, the stored one is
	// returned and nothing changes.
	RegisterVendor(ctx context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error)
	// RecordConversion keeps billing's word. The first counts: it is returned, and created tells whether this was it.
	RecordConversion(ctx context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error)
	// FindVendors are up to limit vendors that a valid search means, without name and address; more tells whether there are others.
	FindVendors(ctx context.Context, s trial.VendorSearch, limit int) (found []trial.Vendor, more bool, err error)
	// VendorOnRecord is Vendor, or what is kept of one whose document is gone or says that it is none any more: without name and
	// address.
	VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error)
	// Suppress stops e-mail to a vendor, whether its document is there or not, and tells whether that is new. since is the
	// moment that is kept then: a later one than given where the vendor asked to be written to again by a clock that is ahead.
	Suppress(ctx context.Context, id string, s trial.Suppression) (since time.Time, isNew bool, err error)
	// Resubscribe keeps that a vendor asks for e-mail again: it takes back that it unsubscribed.
	Resubscribe(ctx context.Context, id string, at time.Time) error
	// LiftSuppression keeps that a person has lifted what stops e-mail to one address of a vendor, given by its hash.
	LiftSuppression(ctx context.Context, id, hash string, at time.Time) error
	// Suppressions are all that stop e-mail to a vendor, at whichever address, and what of that was ended.
	Suppressions(ctx context.Context, vendorID string) ([]trial.Suppression, error)
	// EraseVendor removes a vendor's name, address and texts. The first erasure counts, and is returned.
	EraseVendor(ctx context.Context, id string, e trial.Erasure) (first trial.Erasure, err error)
	// Send returns an e-mail by its key, nil where there is none.
	Send(ctx context.Context, key string) (*trial.Send, error)
	// MailVersion returns a version of an e-mail's template as it was kept, and whether it was.
	MailVersion(ctx context.Context, hash string) (content []byte, found bool, err error)
	// Sends are all e-mails to a vendor, in the order of their keys.
	Sends(ctx context.Context, vendorID string) ([]trial.Send, error)
}

// TrialReader reads the trials, which their workflows write.
type TrialReader interface {
	// Trial returns a trial's state; false where its workflow has not begun yet.
	Trial(ctx context.Context, vendorID string) (trial.State, bool, error)
	// Trials lists up to limit trials in the order of their ids, after the id given; next is the id to go on after, empty at the
	// end.
	Trials(ctx context.Context, filter trial.Filter, after string, limit int) (page []trial.State, next string, err error)
	// Events lists a trial's events in order, from a number on.
	Events(ctx context.Context, vendorID string, fromSeq int) ([]trial.Event, error)
}

// FlagReader reads the feature flags.
type FlagReader interface {
	Flags(ctx context.Context) (flags.Document, error)
}

// FlagStore keeps the feature flags.
type FlagStore interface {
	FlagReader
	// UpdateFlags lets change alter the flags and stores them as the next version; an error of change is returned and changes
	// nothing. change may be called again where somebody else was faster.
	UpdateFlags(ctx context.Context, by string, change func(*flags.Change) error) (flags.Document, error)
}

// RolloutReader reads the latest rollout and how one is judged.
type RolloutReader interface {
	// CurrentRollout returns the latest rollout, and whether there is one.
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	// LatestJudgement returns the latest judgement of a rollout, nil before the first.
	LatestJudgement(ctx context.Context, id string) (*rollout.Judgement, error)
}

// DecisionReader reads what was decided.
type DecisionReader interface {
	// Decisions lists a rollout's events in order, from a number on.
	Decisions(ctx context.Context, id string, fromSeq, limit int) ([]rollout.Event, error)
}

// RolloutStore reads the rollouts, which their workflows write as long as they run, and notes how the API does.
type RolloutStore interface {
	RolloutReader
	DecisionReader
	// Rollout returns a rollout; one that does not exist is a *trial.Error with trial.CodeNotFound.
	Rollout(ctx context.Context, id string) (rollout.State, error)
	// AppendDecision stores an event and the state after it, and returns the event that is stored under its number where there
	// was one already.
	AppendDecision(ctx context.Context, e rollout.Event, after rollout.State) (existing *rollout.Event, err error)
	// Report returns a report, and whether it was made.
	Report(ctx context.Context, rolloutID, id string) (r report.Report, notified, found bool, err error)
	// ObserveCall notes an API call, for the rollout's judgement.
	ObserveCall(c rollout.Call)
}

// MonitoringStore reads what was counted.
type MonitoringStore interface {
	// Counters are the counters of some periods; those that are 0 may be missing.
	Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error)
	// Calls are the API calls between two moments, where a day lasts so long.
	Calls(ctx context.Context, from, to time.Time, day time.Duration) (rollout.Calls, error)
}

// SystemHealth tells how the trial system is.
type SystemHealth interface {
	// Health answers within two seconds, whatever is away; its error is that the caller gave up.
	Health(ctx context.Context) (monitoring.Health, error)
}

// AlertReader reads what happened to the alerts.
type AlertReader interface {
	// AlertEvents are up to limit of an alert's events from a number on, in order.
	AlertEvents(ctx context.Context, id monitoring.RuleID, fromSeq, limit int) ([]monitoring.AlertEvent, error)
}

// AlertStore keeps the alerts, which the worker judges and admins answer to.
type AlertStore interface {
	AlertReader
	// Alert is how the alert of a rule stands.
	Alert(ctx context.Context, id monitoring.RuleID) (monitoring.Alert, error)
	// ChangeAlert lets change decide on an alert, and stores what happened and then how it stands; an error of change is returned
	// and changes nothing. change is called again where something else happened meanwhile.
	ChangeAlert(ctx context.Context, id monitoring.RuleID,
		change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error)) (monitoring.Alert, error)
}

// AuditReader reads the record of what was changed.
type AuditReader interface {
	// AuditEntries lists up to limit entries that a filter means, latest first, of those before a number (0: from the latest on);
	// next is the number to go on before, 0 at the end.
	AuditEntries(ctx context.Context, f audit.Filter, before, limit int) (entries []audit.Entry, next int, err error)
}

// AuditStore keeps the record of what was changed.
type AuditStore interface {
	AuditReader
	// AppendAudit puts an entry at the record's end, and answers with it as it stands there: number and hashes are the store's to
	// give. Those of an urgent context (lanes.Urgent) go first.
	AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error)
	// SettleAudit puts on record what became of a pending entry, unless something settles it already.
	SettleAudit(ctx context.Context, settled audit.Entry) error
}

// FeedbackReader reads what vendors answered.
type FeedbackReader interface {
	// Feedback are a vendor's answers, in the order of their kinds.
	Feedback(ctx context.Context, vendorID string) ([]feedback.Answer, error)
}

// FeedbackCounter counts what vendors answered.
type FeedbackCounter interface {
	// CountFeedback counts the answers that a filter takes, by phase and cohort.
	CountFeedback(ctx context.Context, f feedback.Filter) ([]feedback.Count, error)
}

// FeedbackStore keeps what vendors answered.
type FeedbackStore interface {
	FeedbackReader
	FeedbackCounter
	// PutFeedback keeps an answer in place of the vendor's earlier one about the same kind of e-mail; of a vendor that is erased
	// without the text.
	PutFeedback(ctx context.Context, vendorID string, a feedback.Answer) error
}

// LatestExperiment reads the latest policy experiment.
type LatestExperiment interface {
	// LatestExperiment returns it, and whether there is one.
	LatestExperiment(ctx context.Context) (e experiment.Experiment, found bool, err error)
}

// ExperimentReader reads the policy experiments.
type ExperimentReader interface {
	LatestExperiment
	// Experiments are the latest experiments, the latest first, at most a hundred.
	Experiments(ctx context.Context) ([]experiment.Experiment, error)
	// ExperimentRows are what became of an experiment's vendors, by the day on which their trials began.
	ExperimentRows(ctx context.Context, e experiment.Experiment) ([]experiment.Row, error)
}

// ExperimentStore keeps the policy experiments.
type ExperimentStore interface {
	ExperimentReader
	// AddExperiment stores a new experiment, unless the latest one has not ended or another is added at the same time: that is a
	// *trial.Error with trial.CodeConflict.
	AddExperiment(ctx context.Context, e experiment.Experiment) error
	// EndExperiment stores an experiment as a person has ended it. The first end counts, and is returned.
	EndExperiment(ctx context.Context, ended experiment.Experiment) (first experiment.Experiment, err error)
}

// TokenReader reads the tokens that were issued.
type TokenReader interface {
	// Tokens are all tokens, those that open nothing any more too.
	Tokens(ctx context.Context) ([]access.Token, error)
}

// TokenStore keeps the tokens that were issued.
type TokenStore interface {
	TokenReader
	// AddToken stores a new token under its key.
	AddToken(ctx context.Context, key access.Key, t access.Token) error
	// RevokeToken has a token open nothing from now on. The first revocation counts. One that does not exist is a *trial.Error
	// with trial.CodeNotFound.
	RevokeToken(ctx context.Context, id, by string, at time.Time) (access.Token, error)
}

// SessionReader reads the sessions of those who signed in at an identity provider.
type SessionReader interface {
	// Sessions lists up to limit sessions that are good at a moment, the latest first. after is the next of the page before, which is
	// empty on the last one; a wrong one is a *trial.Error.
	Sessions(ctx context.Context, now time.Time, after string, limit int) (page []access.Session, next string, err error)
	// SessionByID returns a session, good or over; one that does not exist is a *trial.Error with trial.CodeNotFound.
	SessionByID(ctx context.Context, id string) (access.Session, error)
	// SessionsOf are those of a person, by the subject, that are good at a moment: some of them where they are many.
	SessionsOf(ctx context.Context, subject string, now time.Time) ([]access.Session, error)
}

// SessionStore keeps them.
type SessionStore interface {
	SessionReader
	// EndSession has a session open nothing from now on, and answers with it. The first end counts. One that does not exist is a
	// *trial.Error with trial.CodeNotFound.
	EndSession(ctx context.Context, id, by string, at time.Time) (access.Session, error)
}

// KeyStore keeps what the keys of requests were used for.
type KeyStore interface {
	// ClaimKey keeps which request a key is used for. The first counts; it is returned, and mine tells whether it is this one.
	ClaimKey(ctx context.Context, key string, c idempotency.Claim) (first idempotency.Claim, mine bool, err error)
	// SettleKey keeps that the request of a key was carried out, or frees the key of one that was refused.
	SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error
}

// BulkReader reads the bulk operations.
type BulkReader interface {
	// Bulk returns an operation; one that does not exist is a *trial.Error with trial.CodeNotFound.
	Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error)
	// Bulks lists operations, the latest first, from before an id on.
	Bulks(ctx context.Context, before string, limit int) (page []bulk.View, next string, err error)
	BulkItem(ctx context.Context, id string, number int) (bulk.Item, bool, error)
}

// BulkStore keeps the bulk operations.
type BulkStore interface {
	BulkReader
	// AddBulk and AddBulkItems store what is not there yet.
	AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error
	AddBulkItems(ctx context.Context, id string, items []bulk.Item) error
	// BulkParts are a vendor's part in all operations.
	BulkParts(ctx context.Context, vendorID string) ([]bulk.Part, error)
}

// Rollouts reaches the rollout's workflow.
type Rollouts interface {
	// StartRollout starts a rollout; the same one again is left alone. While another runs it is a *trial.Error with
	// trial.CodeConflict.
	StartRollout(ctx context.Context, start rollout.Start) error
	// Steer sends a request to the running rollout; without one it is a *trial.Error with trial.CodeConflict.
	Steer(ctx context.Context, name string, r flags.Request) error
}

// Bulks reaches the workflows of the bulk operations.
type Bulks interface {
	// StartBulk starts an operation that is stored; one that runs is left alone.
	StartBulk(ctx context.Context, o bulk.Operation) error
	// SteerBulk sends an operation what an admin asks of it.
	SteerBulk(ctx context.Context, o bulk.Operation, c bulk.Control) error
}

// MailStore keeps what is heard of e-mails.
type MailStore interface {
	// SendEvent records what the mail service reported of a send and returns the send, nil where there is none with that key.
	// Events may come twice and in any order.
	SendEvent(ctx context.Context, key string, attempt int, messageID, delivery string, at time.Time) (*trial.Send, error)
	// SeenMessage keeps that a message was handled, and tells whether this was the first time.
	SeenMessage(ctx context.Context, messageID string, at time.Time) (isFirst bool, err error)
}

// Trials reaches the workflows.
type Trials interface {
	// Start starts a trial's workflow; one that runs already is left alone.
	Start(ctx context.Context, r trial.Registration) (started bool, err error)
	// Convert tells a trial of its vendor's conversion.
	Convert(ctx context.Context, vendorID string, r trial.Request) error
	// Ask sends a message and returns the trial after it. A *trial.Error is the trial's refusal, or trial.CodeUnavailable.
	Ask(ctx context.Context, message, vendorID string, r trial.Request) (trial.Overview, error)
	// NoMail tells a trial that no e-mail may go to its vendor; the reason is the request's.
	NoMail(ctx context.Context, vendorID string, r trial.Request) error
	// FlagsChanged lets trials that wait for a flag look at the flags again.
	FlagsChanged(ctx context.Context) error
	// Check tells whether the workflows can be reached.
	Check(ctx context.Context) error
}

// MailMessage is a message of the mail service whose signature holds.
type MailMessage struct {
	// ID is the same when the message is delivered again.
	ID string
	// Confirmed says that it asked to confirm a subscription, and was done.
	Confirmed bool
	// Event is set where the message is about an e-mail of ours.
	Event *MailEvent
}

// OfCanary tells whether the message is about an e-mail to a canary.
func (m MailMessage) OfCanary() bool {
	if m.Event == nil {
		return false
	}
	id, _, _ := strings.Cut(m.Event.Key, "/")
	return trial.IsCanary(id)
}

// MailEvent is what the mail service reports of one send.
type MailEvent struct {
	// Key is the send's, Attempt the one that the e-mail left with.
	Key     string
	Attempt int
	// MessageID is the mail service's name for the e-mail.
	MessageID string
	// Delivery is one of the trial.Delivery constants; empty where the mail service only took the e-mail.
	Delivery string
	At       time.Time
	// Suppress says that no e-mail may go to the send's address any more, and AddressHash stands for the address by the event's
	// word; it may be empty.
	Suppress    bool
	AddressHash string
	// Cause is whether the address bounced or complained, SentAt when the mail service took the e-mail; empty and zero for unknown.
	Cause  trial.Cause
	SentAt time.Time
}
