package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// FigureID names a figure.
type FigureID string

// The figures.
const (
	ConversionRate    FigureID = "conversionRate"
	EmailDeliveryRate FigureID = "emailDeliveryRate"
	AutomationSuccess FigureID = "automationSuccessRate"
	ErrorRate         FigureID = "errorRate"
	ResponseTime      FigureID = "responseTime"
)

// Definition says what a figure means. The pages, the API and the guide show
// these words.
type Definition struct {
	ID    FigureID `json:"id"`
	Title string   `json:"title"`
	// Numerator, Denominator, Window and Pending say in words what is counted.
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`
	Window      string `json:"window"`
	Pending     string `json:"pending"`
	// Target is the goal, Floor the limit that must not be passed. They are shares
	// from 0 to 1, and seconds for ResponseTime. If less is better they are
	// upper limits.
	Target       float64 `json:"target"`
	Floor        float64 `json:"floor"`
	LessIsBetter bool    `json:"lessIsBetter"`
	// Needed is the sample size that the figure needs to be judged.
	Needed int `json:"needed"`
}

// WindowDays is how many days the figures look back.
const WindowDays = 30

// NeededForConversion is how many trials a conversion rate needs.
const NeededForConversion = 30

// Definitions are those of all figures, in display order. Targets
// and floors are those of the requirements.
func Definitions() []Definition {
	return []Definition{
		{
			ID: ConversionRate, Title: "Conversion rate",
			Numerator:   "trials that converted before they were over",
			Denominator: "trials that began long enough ago to have ended, but for those that were cancelled",
			Window: "trials that began in the 30 days before the last trial length and grace; of the control cohort without the days that a backfill reached. " +
				"Adopted trials had not converted when they were adopted, so fewer of them do",
			Pending: "those of these trials that still run because they were extended, held or revived; they have not converted so far",
			Target:  .30, Floor: .20, Needed: NeededForConversion,
		},
		{
			ID: EmailDeliveryRate, Title: "E-mail delivery rate",
			Numerator:   "e-mails to vendors of the cohort that were reported delivered",
			Denominator: "e-mails delivered, bounced, rejected, or refused for good",
			Window:      "e-mails of today and the 30 days before",
			Pending:     "e-mails without a final report yet",
			Target:      .95, Floor: .90, Needed: 20,
		},
		{
			ID: AutomationSuccess, Title: "Automation success rate",
			Numerator:   "steps of the cohort's automated trials that were done; of adopted trials those due since",
			Denominator: "steps that were done or finally failed",
			Window:      "steps of today and the 30 days before",
			Pending:     "nothing; steps that wait for a flag run once it is on again",
			Target:      .95, Floor: .80, Needed: 10,
		},
		{
			ID: ErrorRate, Title: "Error rate",
			Numerator:   "API calls answered with a server error",
			Denominator: "API calls of the marketplace and of admins",
			Window:      "the last hour",
			Pending:     "nothing",
			Target:      .05, Floor: .20, LessIsBetter: true, Needed: 20,
		},
		{
			ID: ResponseTime, Title: "API response time",
			Numerator:   "seconds within which 95 of 100 API calls were answered",
			Denominator: "API calls of the marketplace and of admins",
			Window:      "the last hour",
			Pending:     "nothing",
			Target:      2, Floor: 3, LessIsBetter: true, Needed: 20,
		},
	}
}

// Level compares a figure with its target and floor.
type Level string

// The levels of a figure.
const (
	// TooFew: the sample is too small to judge.
	TooFew Level = "too-few"
	// OnTarget: the target is met.
	OnTarget Level = "on-target"
	// BelowTarget: the target is missed, and the floor kept.
	BelowTarget Level = "below-target"
	// PastFloor: the floor is passed.
	PastFloor Level = "past-floor"
)

// Figure is one figure of one cohort, or of all if Cohort is empty.
type Figure struct {
	ID     FigureID     `json:"id"`
	Cohort trial.Cohort `json:"cohort,omitempty"`
	// Value is Numerator/Denominator, and seconds for ResponseTime; nil if the sample is
	// smaller than Needed. Low and High are its 95 % interval (Wilson, 1927); nil with
	// Value, and for ResponseTime.
	Value       *float64 `json:"value"`
	Low         *float64 `json:"low"`
	High        *float64 `json:"high"`
	Numerator   int      `json:"numerator"`
	Denominator int      `json:"denominator"`
	// Pending is part of Denominator for ConversionRate alone: those trials should have ended.
	Pending int `json:"pending"`
	// From and To are the window.
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Level Level     `json:"level"`
}

func (f Figure) withRate(d Definition) Figure {
	f.ID = d.ID
	if f.Denominator >= d.Needed && f.Denominator > 0 {
		value := float64(f.Numerator) / float64(f.Denominator)
		low, high := evidence.Wilson(value, float64(f.Denominator))
		f.Value, f.Low, f.High = &value, &low, &high
	}
	f.Level = d.level(f.Value, f.Denominator)
	return f
}

func (d Definition) level(value *float64, seen int) Level {
	if value == nil || seen < d.Needed {
		return TooFew
	}
	v, target, floor := *value, d.Target, d.Floor
	if d.LessIsBetter {
		v, target, floor = -v, -target, -floor
	}
	switch {
	case v >= target:
		return OnTarget
	case v >= floor:
		return BelowTarget
	}
	return PastFloor
}
