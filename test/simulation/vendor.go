package simulation

import (
	"math"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// steps are a trial's, by the day on which they fall due; each sends an e-mail.
var steps = []struct {
	key string
	day float64
}{
	{"/welcome/1", 0}, {"/reminder-7d/1", 7}, {"/reminder-3d/1", 11}, {"/reminder-1d/1", 13}, {"/expiry/1", 14}, {"/grace-end/1", 17},
}

// ripening is how conversions come: the share of them by each age, in days, and
// evenly in between.
var ripening = []evidence.CurvePoint{
	{Age: 0, Share: 0}, {Age: 1, Share: 0.15}, {Age: 3, Share: 0.35}, {Age: 7, Share: 0.6},
	{Age: 10, Share: 0.75}, {Age: 14, Share: 0.95}, {Age: 17, Share: 1},
}

// withGrace is the age at which they end: trial and grace. In worlds whose trials
// are shorter they come the faster.
const withGrace = 17

// ripensAt is the age by which a share of the conversions has come.
func ripensAt(share float64) float64 {
	for i := 1; i < len(ripening); i++ {
		a, b := ripening[i-1], ripening[i]
		if share <= b.Share {
			return a.Age + (b.Age-a.Age)*(share-a.Share)/(b.Share-a.Share)
		}
	}
	return ripening[len(ripening)-1].Age
}

// Ripening is the true curve of conversions, as a judge would be given it, with
// every share later by some days; earlier where negative.
func Ripening(later float64) evidence.Curve {
	const points = 200
	curve := make(evidence.Curve, 0, points)
	for i := 1; i <= points; i++ {
		share := float64(i) / points
		curve = append(curve, evidence.CurvePoint{Age: ripensAt(share) + later, Share: share})
	}
	return curve
}

// arrivals lets the vendors of an interval register, and admits them as the
// flags say.
func (r *run) arrivals(from, to time.Time) {
	current := flags.Document{FeatureFlags: flags.Initial(), Salt: r.salt}
	current.FeatureFlags.TrialAutomation.Enabled = r.state.Enabled
	current.FeatureFlags.TrialAutomation.RolloutPercentage = r.state.Percentage
	if r.Registered != nil {
		for ; r.vendors < len(r.Registered) && dawn.Add(r.Registered[r.vendors].After).Before(to); r.vendors++ {
			v := r.Registered[r.vendors]
			if at := dawn.Add(v.After); !at.Before(from) && current.Admit(v.ID, "", at).Cohort == trial.Automated {
				r.live(v.ID, at, v.Converts)
			}
		}
		return
	}
	for range r.poisson(r.PerDay / float64(r.Watches)) {
		r.vendors++
		id := "v" + strconv.Itoa(r.vendors)
		if current.Admit(id, "", from).Cohort != trial.Automated {
			continue
		}
		converts := -1.0
		if r.random.Float64() < r.Conversion {
			converts = r.ripens()
		}
		r.live(id, from.Add(time.Duration(r.random.Float64()*float64(to.Sub(from)))), converts)
	}
}

// past draws the vendors from before, all of whose trials are over.
func (r *run) past() []evidence.Lifetime {
	var lifetimes []evidence.Lifetime
	for converted := 0; converted < r.Before; {
		life := evidence.Lifetime{Age: r.Times.TrialDays, Whole: true}
		if r.random.Float64() < r.Conversion {
			life.Age, life.Converted = r.ripens(), true
			converted++
		}
		lifetimes = append(lifetimes, life)
	}
	return lifetimes
}

// ripens draws the age at which a vendor converts.
func (r *run) ripens() float64 { return ripensAt(r.random.Float64()) * r.Times.TrialDays / withGrace }

// poisson draws a number with a mean that is not large.
func (r *run) poisson(mean float64) int {
	n, left := 0, math.Exp(-mean)
	for p := r.random.Float64(); p > left; p *= r.random.Float64() {
		n++
	}
	return n
}

// live draws the whole trial of an admitted vendor.
func (r *run) live(id string, at time.Time, converts float64) {
	r.will(rollout.Outcome{Kind: rollout.Admitted, VendorID: id, Key: id, At: at})
	if converts >= 0 {
		r.will(rollout.Outcome{Kind: rollout.Converted, VendorID: id, Key: id, At: at.Add(time.Second + time.Duration(converts*float64(day)))})
	}
	// A fate of -1 is none: each e-mail, each step has its own.
	mailFate, stepFate, suppressed := -1.0, -1.0, false
	if r.random.Float64() < r.Clustering {
		mailFate = r.random.Float64()
	}
	if r.random.Float64() < r.StepClustering {
		stepFate = r.random.Float64()
	}
	for _, step := range steps {
		if converts >= 0 && step.day > converts {
			return
		}
		due := at.Add(time.Duration(step.day * float64(day)))
		key, truth := id+step.key, r.truth(due)
		if r.refused(due) || r.fate(stepFate) < truth.Failing {
			r.will(rollout.Outcome{Kind: rollout.StepFailed, VendorID: id, Key: key, At: due})
			continue
		}
		r.will(rollout.Outcome{Kind: rollout.StepDone, VendorID: id, Key: key, At: due})
		if suppressed {
			continue
		}
		r.will(rollout.Outcome{Kind: rollout.MailSent, VendorID: id, Key: key, At: due})
		failed := r.fate(mailFate) >= truth.Delivered
		r.report(id, key, due, failed)
		// An address that is dead bounces hard, and gets no more e-mail.
		suppressed = failed && mailFate >= 0
	}
}

func (r *run) fate(drawn float64) float64 {
	if drawn >= 0 {
		return drawn
	}
	return r.random.Float64()
}

// One failed e-mail in twenty is never heard of; of the others the mail service
// tells within the hour, and of what has arrived within minutes.
const (
	silent       = 0.05
	tellsFailure = 30 * time.Minute
	tellsArrival = 20 * time.Minute
)

// report lets the mail service tell what became of an e-mail.
func (r *run) report(id, key string, sent time.Time, failed bool) {
	if r.Mute > 0 && !sent.Before(r.at(r.Mute-1)) {
		return
	}
	kind, mean := rollout.MailDelivered, tellsArrival
	if failed {
		if r.random.Float64() < silent {
			return
		}
		kind, mean = rollout.MailFailed, tellsFailure
	}
	at := sent.Add(time.Second + time.Duration(r.random.ExpFloat64()*float64(mean)))
	if r.refused(at) {
		_, at = r.refuses() // its reports wait as well
	}
	r.will(rollout.Outcome{Kind: kind, VendorID: id, Key: key, At: at})
}

// will keeps an outcome for the watch that sees it.
func (r *run) will(o rollout.Outcome) {
	o.At = o.At.Truncate(time.Millisecond)
	k := int(o.At.Sub(dawn) * time.Duration(r.Watches) / day)
	if k < len(r.due) {
		r.due[k] = append(r.due[k], o)
	}
}
