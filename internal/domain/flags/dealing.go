package flags

import (
	"fmt"
	"time"
)

// Dealing is a policy experiment's dealing of new vendors to its arms. It is kept with the flags, so that one write lowers them
// and ends it: no way of lowering them can miss it.
type Dealing struct {
	// Experiment is the experiment's id.
	Experiment string `json:"experiment"`
	// End is nil while it goes on; once ended, it never begins again.
	End *DealingEnd `json:"end,omitempty"`
}

// DealingEnd says how a dealing ended.
type DealingEnd struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
	// Rollback says that a rollback ended it, or the rollout; Reason says how in words.
	Rollback bool   `json:"rollback,omitempty"`
	Reason   string `json:"reason"`
}

// Ended is the dealing ended. The first end counts.
func (d Dealing) Ended(end DealingEnd) *Dealing {
	if d.End == nil {
		d.End = &end
	}
	return &d
}

// Full reports whether every new vendor is automated.
func (t TrialAutomation) Full() bool { return t.Enabled && t.RolloutPercentage == 100 }

// Deals is the id of the experiment that new vendors are dealt by; empty for none, and where the flags do not automate every
// one of them.
func (d Document) Deals() string {
	if d.Dealing == nil || d.Dealing.End != nil || !d.FeatureFlags.TrialAutomation.Full() {
		return ""
	}
	return d.Dealing.Experiment
}

// dealingAfter is the dealing after a change of the flags: ended where not every new vendor is automated any more.
func (c Change) dealingAfter(by string, at time.Time) *Dealing {
	if c.Dealing == nil || c.Dealing.End != nil || c.TrialAutomation.Full() {
		return c.Dealing
	}
	how := "the automation was disabled"
	if c.TrialAutomation.Enabled {
		how = fmt.Sprintf("the percentage was set to %v", c.TrialAutomation.RolloutPercentage)
	}
	switch {
	case c.Rollback != nil:
		how += " by a rollback"
	case c.Write != nil:
		how += " by the rollout"
	}
	return c.Dealing.Ended(DealingEnd{At: at, By: by, Rollback: c.Rollback != nil || c.Write != nil, Reason: how})
}
