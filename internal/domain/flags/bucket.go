package flags

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// bucketVersion is hashed too, so that a new way of bucketing cannot be
// mistaken for the old one.
const bucketVersion = "1"

// Bucket is a vendor's fixed place in [0,1): SHA-256 over the length-prefixed
// version, salt, flag key and vendor id; the first 8 bytes big-endian, shifted
// right by 11, over 2^53. Every value is an exact float64.
func Bucket(salt, flagKey, vendorID string) float64 {
	h := sha256.New()
	for _, part := range []string{bucketVersion, salt, flagKey, vendorID} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return float64(binary.BigEndian.Uint64(h.Sum(nil))>>11) / (1 << 53)
}

// Admit decides, once for each vendor, on which side of the rollout it is, and is what is kept of that: what it was decided
// on, the policy by its name, and the moment. A higher percentage admits a superset; a lower one drops the newest slice.
func (d Document) Admit(vendorID, policy string, at time.Time) *trial.Automation {
	f := d.FeatureFlags.TrialAutomation
	a := &trial.Automation{
		Cohort: trial.Control, Bucket: Bucket(d.Salt, Key, vendorID), RolloutPercentage: f.RolloutPercentage,
		FlagsVersion: d.Version, Policy: policy, RegisteredAt: at,
	}
	if f.Enabled && a.Bucket < f.RolloutPercentage/100 {
		a.Cohort = trial.Automated
	}
	return a
}
