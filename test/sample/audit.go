package sample

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/rollout"
)

// issue makes the tokens of two people.
func (w *World) issue() {
	for name, role := range map[string]access.Role{"support-ines": access.Operator, "owner-paul": access.Viewer} {
		key := access.KeyOf("the token of " + name)
		token, err := access.Issue(key, access.Request{Name: name, Role: role, ExpiresAt: w.Moment.Add(90 * day)}, "admin", w.Moment.Add(-30*day))
		if err != nil {
			panic(err) // the world is made wrongly
		}
		w.Issued[key] = token
	}
}

// OperatorsToken is the id of the token of the busy world's operator.
func OperatorsToken() string { return access.KeyOf("the token of support-ines").ID() }

// Note puts an entry on record, as it was so long ago.
func (w *World) Note(ago time.Duration, e audit.Entry) audit.Entry {
	e.At = w.Moment.Add(-ago)
	return w.AddEntry(e)
}

// Ask puts on record that somebody asked for something, and what became of it.
func (w *World) Ask(ago time.Duration, asked audit.Entry, outcome audit.Outcome, detail string, before, after audit.JSON) {
	asked.RequestID = fmt.Sprintf("SAMPLEREQUESTOFNUMBER%05d", len(w.Record)+1)
	asked.Outcome = audit.Pending
	settled := asked
	settled.Settles = w.Note(ago, asked).Seq
	settled.Outcome, settled.Detail, settled.Before, settled.After = outcome, detail, before, after
	w.Note(ago-40*time.Millisecond, settled)
}

// record is what people and the rollout have done: things done, refused and broken
// off, and one of which nobody knows what became of it.
func (w *World) record() {
	for i := range 12 {
		id := fmt.Sprintf("trials/vendor-%03d", 40+i)
		w.Ask(7*day-time.Duration(i)*time.Hour, audit.Entry{Actor: "support-ines", Action: "extendTrial", Subject: id, Reason: "The import of their catalogue took a week", Key: fmt.Sprint("import-", i),
			Asked: `{"days":7}`}, audit.Done, "", `{"endsAt":"2026-03-18T07:20:00Z","revision":0,"status":"active"}`, `{"endsAt":"2026-03-25T07:20:00Z","revision":1,"status":"active"}`)
	}
	var before rollout.State
	for i, e := range w.Rollout {
		after := before.Apply(e)
		entry := audit.Entry{Actor: e.By, Action: "rollout/" + string(e.Type), Subject: "rollouts/" + after.ID, Reason: e.Reason, Outcome: audit.Done, After: audit.Document(after.Summary())}
		if i > 0 {
			entry.Before = audit.Document(before.Summary())
		}
		w.Note(w.Moment.Sub(e.At), entry)
		before = after
	}
	w.Ask(5*time.Hour, audit.Entry{Actor: "admin", Action: "patchFeatureFlags", Subject: "feature-flags", Asked: `{"featureFlags":{"monitoring":{"alerting":true}}}`}, audit.Done, "",
		`{"trialAutomation":{"enabled":true,"rolloutPercentage":25},"monitoring":{"alerting":false,"enabled":true}}`,
		`{"trialAutomation":{"enabled":true,"rolloutPercentage":25},"monitoring":{"alerting":true,"enabled":true}}`)
	w.Ask(2*time.Hour, audit.Entry{Actor: "support-ines", Action: "reviveTrial", Subject: "trials/vendor-013", Reason: "They were on holiday", Asked: `{"days":3}`},
		audit.Refused, "the trial is active: only an expired trial can be revived", "", "")
	w.Note(50*time.Minute, audit.Entry{Actor: "support-ines", Action: "cancelTrial", Subject: "trials/vendor-007", Reason: "Closed their shop", RequestID: "SAMPLEREQUESTOFNUMBER09999", Outcome: audit.Pending})
	w.Ask(44*time.Minute, audit.Entry{Actor: "admin", Action: "acknowledgeAlert", Subject: "monitoring/alerts/emailDeliveryRateLow", Reason: "One provider defers; support writes to it"},
		audit.Done, "", `{"status":"firing"}`, `{"acknowledged":true,"status":"firing"}`)
	w.Ask(9*time.Minute, audit.Entry{Actor: "support-ines", Action: "extendTrial", Subject: "trials/vendor-013", Reason: "They asked for three days more", Asked: `{"days":3}`},
		audit.Failed, "the workflow could not be reached: try again under the same Idempotency-Key", `{"endsAt":"2026-03-16T07:20:00Z","revision":0,"status":"active"}`, "")
	w.Note(8*time.Second, audit.Entry{Actor: "admin", Action: "pauseRollout", Subject: "rollouts/" + before.ID, Reason: "A worker is missing", RequestID: "SAMPLEREQUESTOFNUMBER10000", Outcome: audit.Pending})
}
