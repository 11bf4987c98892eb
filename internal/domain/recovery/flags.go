package recovery

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// By is who changes the flags of a database that is restored or catches up.
const By = "restore"

// VersionsLost is more than the changes of the flags that a backup does not know of: rollouts and vendors that do must
// not take the restored flags for older ones.
const VersionsLost = 100_000

// DisabledFlags are the flags of a backup as they are restored: those who have unsubscribed since may not be known, so
// the automation is disabled, and a person is to say when it goes on.
func DisabledFlags(flags rollout.Document, now time.Time) rollout.Document {
	c := flags.Change()
	c.Off, c.TrialAutomation.Enabled = true, false
	flags.Version += VersionsLost
	flags, _ = flags.Changed(c, By, now.UTC().Truncate(time.Millisecond))
	return flags
}
