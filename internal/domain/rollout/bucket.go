package rollout

import (
	"crypto/sha256"
	"encoding/binary"
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

// Admission is whether a vendor is automated, and what that was decided on.
type Admission struct {
	Automated         bool    `json:"automated"`
	Bucket            float64 `json:"bucket"`
	RolloutPercentage float64 `json:"rolloutPercentage"`
	FlagsVersion      int     `json:"flagsVersion"`
}

// Admit decides, once for each vendor, on which side of the rollout it is.
// A higher percentage admits a superset; a lower one drops the newest slice.
func (d Document) Admit(vendorID string) Admission {
	f := d.FeatureFlags.TrialAutomation
	bucket := Bucket(d.Salt, FlagKey, vendorID)
	return Admission{
		Automated: f.Enabled && bucket < f.RolloutPercentage/100,
		Bucket:    bucket, RolloutPercentage: f.RolloutPercentage, FlagsVersion: d.Version,
	}
}
