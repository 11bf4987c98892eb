package trial

import (
	"fmt"
	"regexp"
	"strings"
)

// WorkflowType is the name under which the trial workflow is registered.
const WorkflowType = "Trial"

// Message names are part of the contract with billing, admins and tctl.
const (
	// QueryStatus answers with an Overview.
	QueryStatus = "status"
	// QuerySchedule answers with a Timetable.
	QuerySchedule = "schedule"
	// MessageConvert is a signal only: it must never be refused.
	MessageConvert = "convert"
	// MessageExtend, like the four below, is an update and a signal of the same name.
	MessageExtend  = "extend"
	MessageShorten = "shorten"
	MessageCancel  = "cancel"
	MessageRevive  = "revive"
	// MessagePolicy moves a running trial to another policy; an update and a signal too.
	MessagePolicy = "policy"
	// MessageAdopt makes a trial automated, and MessageRelease makes it
	// unautomated; signals only, from the rollout.
	MessageAdopt   = "adopt"
	MessageRelease = "release"
	// SignalWake makes a held trial read the flags again, and any other read its vendor's zone.
	SignalWake = "wake"
	// SignalNoMail says that no e-mail may go to the vendor, for the request's reason.
	// The database decides; the signal is for the history, which outlives a database.
	SignalNoMail = "no-mail"
)

// ReasonErased is the reason of SignalNoMail where the vendor's name and address were removed.
const ReasonErased Reason = "erased"

// Search attributes set on every trial workflow.
const (
	AttributeStatus = "TrialStatus"
	AttributeCohort = "TrialCohort"
	AttributeEndsAt = "TrialEndsAt"
	AttributePolicy = "TrialPolicy"
)

const workflowIDPrefix = "trial-"

// WorkflowID is the id of a vendor's trial workflow.
func WorkflowID(vendorID string) string { return workflowIDPrefix + vendorID }

// EventKey identifies one event of a trial: "trialID/seq".
func EventKey(vendorID string, seq int) string { return fmt.Sprintf("%s/%d", vendorID, seq) }

var vendorID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ValidVendorID reports whether an id can name a trial: letters, digits,
// underscore and dash, at most 64. These need no escaping in keys,
// workflow ids and the tags of an e-mail.
func ValidVendorID(id string) bool { return vendorID.MatchString(id) }

const canaryPrefix = "canary-"

var canaryID = regexp.MustCompile(`^` + canaryPrefix + `[A-Z2-7]{26}$`)

// CanaryID is the id of a synthetic vendor; random is of crypto/rand's Text.
func CanaryID(random string) string { return canaryPrefix + random }

// IsCanary reports whether a vendor is synthetic: a canary, which the store keeps apart from all vendors. No marketplace may
// register such an id.
func IsCanary(vendorID string) bool { return canaryID.MatchString(vendorID) }

// Kind names a step.
type Kind string

// The kinds of step whose names are fixed; reminders are named by Reminder, mailings by their policy.
const (
	Welcome  Kind = "welcome"
	Expiry   Kind = "expiry"
	GraceEnd Kind = "grace-end"
)

// Reminder is the kind of the reminder days before the end, such as "reminder-7d".
func Reminder(days int) Kind { return Kind(fmt.Sprintf("reminder-%dd", days)) }

// IsReminder reports whether the step is one of the reminders.
func (k Kind) IsReminder() bool { return strings.HasPrefix(string(k), "reminder-") }

// mailOnly reports whether the step consists of its e-mail alone.
func (k Kind) mailOnly() bool { return k != Expiry && k != GraceEnd }

// Reminds reports whether the flag emailReminders governs the step: reminders and mailings.
func (k Kind) Reminds() bool { return k.IsReminder() || k.IsOwn() }
