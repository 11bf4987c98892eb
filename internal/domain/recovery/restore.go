// Package recovery decides how a lost database comes back: what a restore takes from which backup, what it leaves as it
// is, what trials and rollouts catch up with from their workflows, and which e-mails are presumed sent. It reads and
// writes nothing.
package recovery

import (
	"regexp"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/flags"
)

// The collections that rules name. Of all others everything comes from the last backup before the moment.
const (
	Users           = "users"
	Trials          = "trials"
	Events          = "trial_events"
	Rollouts        = "rollouts"
	Decisions       = "decisions"
	Flags           = "flags"
	IdempotencyKeys = "idempotency_keys"
	Suppressions    = "suppressions"
	Tokens          = "tokens"
	Processes       = "processes"
	Sessions        = "sessions"
	Canaries        = "canaries"
)

// CanaryPrefix begins the names of the collections that canaries live in.
const CanaryPrefix = "canary_"

// IsCanary tells whether a collection holds canaries, or what they have shown: no backup has it, and no restore touches it.
func IsCanary(collection string) bool {
	return collection == Canaries || strings.HasPrefix(collection, CanaryPrefix)
}

// The documents that rules name: the flags, the installation's id, which has blanks as no vendor's has, and what follows
// a vendor's id in the keys of what was decided about it.
const (
	FlagsID         = "featureFlags"
	InstallationKey = "id of this installation"
	RegistrationKey = "/registration"
	ConversionKey   = "/conversion"
	ErasureKey      = "/erasure"
)

// DecidedKeys matches the keys of what was decided once: that a vendor was erased, or has converted by billing's word.
// Other keys have blanks, or end otherwise.
const DecidedKeys = `^[^/ ]+(` + ErasureKey + `|` + ConversionKey + `)$`

var decidedKeys = regexp.MustCompile(DecidedKeys)

// Document is what the rules look at of a stored document.
type Document struct {
	Collection string
	// ID is its _id; a user's is the vendor's id.
	ID string
	// Owner is the trial or rollout whose event it is, Seq the event's number and At its moment; zero for what is no event.
	Owner string
	Seq   int
	At    time.Time
	// Revoked says of a token that it opens nothing any more.
	Revoked bool
}

// IsFlags tells whether a document is the flags; what lies beside them is left alone.
func (d Document) IsFlags() bool { return d.Collection == Flags && d.ID == FlagsID }

// IsEvent tells whether a document is an event of a trial or of a rollout. Nothing deletes these.
func (d Document) IsEvent() bool { return d.Collection == Events || d.Collection == Decisions }

// IsDecided tells whether a document is kept as it stands, whatever a backup knows.
func (d Document) IsDecided() bool {
	return d.Collection == IdempotencyKeys && decidedKeys.MatchString(d.ID)
}

// IsFinal tells whether no restore undoes what a document says: who wants no e-mail, was erased or has converted, and
// which tokens are revoked. It is not deleted before a restore, and comes from the latest backup, however often one is begun.
func (d Document) IsFinal() bool {
	return d.IsDecided() || d.Collection == Suppressions || d.Collection == Tokens && d.Revoked
}

// FromBefore tells whether a document comes from the last backup before the moment. Trials and rollouts are folded from
// their events: a backup is taken while the system works, so they may tell of events that it does not have. Processes
// and sessions tell who lives, and who is signed in, now. Events come from the backup after the moment where there is one, and
// the installation keeps its id.
func (d Document) FromBefore(hasAfter bool) bool {
	switch d.Collection {
	case Trials, Rollouts, Processes, Sessions:
		return false
	case Events, Decisions:
		return !hasAfter
	}
	return d.Collection != IdempotencyKeys || d.ID != InstallationKey
}

// FromAfter tells whether a document that is no event comes from the first backup after the moment: vendors whose trials
// had started by then, which the one before may not know, and what was decided for good.
func (d Document) FromAfter(startedSince map[string]bool) bool {
	switch d.Collection {
	case Users:
		return startedSince[d.ID]
	case IdempotencyKeys:
		vendor, registered := strings.CutSuffix(d.ID, RegistrationKey)
		return registered && startedSince[vendor] || d.IsDecided()
	}
	return false
}

// StartsTrial tells whether a document is the first event of a trial, and later than a moment.
func (d Document) StartsTrial(since time.Time) bool {
	return d.Collection == Events && d.Seq == 1 && d.At.After(since)
}

// End is the number of the first event of one history that is left out when it is restored to a moment: the first after
// the moment, since what follows was decided on it. The events may come in any order.
func End(history []Document, at time.Time) int {
	end := len(history) + 1
	for _, d := range history {
		if d.At.After(at) {
			end = min(end, d.Seq)
		}
	}
	return end
}

// By is who changes the flags of a database that is restored or catches up.
const By = "restore"

// VersionsLost is more than the changes of the flags that a backup does not know of: rollouts and vendors that do must
// not take the restored flags for older ones.
const VersionsLost = 100_000

// DisabledFlags are the flags of a backup as they are restored: those who have unsubscribed since may not be known, so
// the automation is disabled, and a person is to say when it goes on.
func DisabledFlags(current flags.Document, now time.Time) flags.Document {
	c := current.Change()
	c.Off, c.TrialAutomation.Enabled = true, false
	current.Version += VersionsLost
	current, _ = current.Changed(c, By, now.UTC().Truncate(time.Millisecond))
	return current
}
