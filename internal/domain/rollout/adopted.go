package rollout

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// AdoptedTally counts what became of the vendors that a backfill automated, from their adoption on.
type AdoptedTally struct {
	Vendors   int `json:"vendors"`
	Converted int `json:"converted"`
	// Expired are trials that ended without a conversion.
	Expired int `json:"expired"`
	// MailDelivered and MailFailed are as the mail service reported; e-mails without a report are in neither.
	MailDelivered int `json:"mailDelivered"`
	MailFailed    int `json:"mailFailed"`
	StepsDone     int `json:"stepsDone"`
	StepsFailed   int `json:"stepsFailed"`
}

// add counts an outcome, before the ledger takes it in: settled are the e-mails already reported on, delivered those of them
// that arrived.
func (t *AdoptedTally) add(o Outcome, settled, delivered map[string]time.Time) {
	_, known := settled[o.Key]
	_, arrived := delivered[o.Key]
	switch o.Kind { //nolint:exhaustive // the others are not counted
	case Adopted:
		t.Vendors++
	case Converted:
		t.Converted++
	case Expired:
		t.Expired++
	case StepDone:
		t.StepsDone++
	case StepFailed:
		t.StepsFailed++
	case MailDelivered:
		if !known {
			t.MailDelivered++
		}
	case MailFailed:
		if known && arrived {
			t.MailDelivered--
		}
		if !known || arrived {
			t.MailFailed++
		}
	}
}

// Sentence sums the tally up; empty if nobody was adopted.
func (t AdoptedTally) Sentence() string {
	if t == (AdoptedTally{}) {
		return ""
	}
	return fmt.Sprintf("%s adopted by the backfill. Since then: %s delivered, %d failed; %s done, %d failed; %s, %s expired.",
		evidence.Counted(t.Vendors, "vendor was", "vendors were"), evidence.Counted(t.MailDelivered, "e-mail", "e-mails"), t.MailFailed,
		evidence.Counted(t.StepsDone, "step", "steps"), t.StepsFailed,
		evidence.Counted(t.Converted, "conversion", "conversions"), evidence.Counted(t.Expired, "trial", "trials"))
}
