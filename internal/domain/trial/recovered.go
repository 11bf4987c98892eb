package trial

import "time"

// RecoveredTrial is what the workflow of a trial knows, from which a restored database catches up.
type RecoveredTrial struct {
	// Events are the trial's, in order; those of earlier runs of the workflow are not among them.
	Events []Event
	// NoMail are the suppressions that the trial was told of, all of them of every address.
	NoMail []Suppression
	// Erased is the erasure of the vendor that the trial was told of; nil for none.
	Erased *Erasure
	// AtWork is when a worker took the trial up of which it is not known what came of it; zero where all
	// is known. If a step was due then, its e-mail may have left.
	AtWork time.Time
	// Unsettled are the steps being tried again whose e-mails may have left.
	Unsettled []Step
}

// ReasonErased is the reason of SignalNoMail where the vendor's name and address were removed.
const ReasonErased Reason = "erased"
