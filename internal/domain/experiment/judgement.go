package experiment

import "time"

// FormulaVersion names the way an experiment is judged; it is stored with it.
const FormulaVersion = "betting/1"

// Verdict is what can be said.
type Verdict string

// The verdicts. Any but NotYet, once given, stays, and is wrong in at most 1 of 20 experiments, however often they are looked at.
const (
	NotYet  Verdict = "not-yet"
	ABetter Verdict = "a-better"
	BBetter Verdict = "b-better"
	// NoDifference: none larger than Experiment.Difference is left.
	NoDifference Verdict = "no-difference"
	// Changing: what the days show contradicts itself, which happens by chance in at most 1 of 20; the difference was
	// hardly the same all along.
	Changing Verdict = "changing"
)

// Judgement is how the arms compare at one moment.
type Judgement struct {
	At      time.Time `json:"at"`
	Verdict Verdict   `json:"verdict"`
	// Since is when the verdict was first reached; nil for NotYet.
	Since *time.Time `json:"since"`
	A     Figures    `json:"a"`
	B     Figures    `json:"b"`
	// Difference is A's conversion less B's.
	Difference Interval `json:"difference"`
	// EvidenceA and EvidenceB speak for A, or B, being better: 1 without data, 40 names it.
	EvidenceA float64 `json:"evidenceA"`
	EvidenceB float64 `json:"evidenceB"`
	// MoreDays is about how many days are missing if all goes on as so far; nil if there is a verdict, or none is likely within MaxDays.
	MoreDays *int `json:"moreDays"`
}

// Figures are an arm's.
type Figures struct {
	Policy string `json:"policy"`
	// Dealt is how many vendors were dealt to it, Ripe how many of them long enough ago to be compared, Converted how many of those did.
	Dealt     int `json:"dealt"`
	Ripe      int `json:"ripe"`
	Converted int `json:"converted"`
	// Share is Converted of Ripe with its Wilson interval, for people to read; 0 to 1 without data.
	Share float64 `json:"share"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Interval is an estimate with an interval that covers the truth with 95 %, at all looks together.
type Interval struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Point is the difference as it was known at the end of a day.
type Point struct {
	Day        int       `json:"day"`
	At         time.Time `json:"at"`
	Difference Interval  `json:"difference"`
	Verdict    Verdict   `json:"verdict"`
}

// Judge compares the arms at a moment. Rows may come in any order.
func Judge(e Experiment, rows []Row, at time.Time) Judgement {
	return Judgement{At: at, Verdict: NotYet, A: Figures{Policy: e.A}, B: Figures{Policy: e.B}, Difference: Interval{Low: -1, High: 1}, EvidenceA: 1, EvidenceB: 1}
}

// Series is the difference over time, a point for each day on which vendors became ripe.
func Series(e Experiment, rows []Row, at time.Time) []Point { return nil }

// Forecast is how long an experiment would take.
type Forecast struct {
	// Difference is for the smallest difference that matters, None for no difference.
	Difference Duration `json:"difference"`
	None       Duration `json:"none"`
}

// Duration is in days from the start: by when half of the experiments, and nine of ten, have their verdict; nil beyond MaxDays.
type Duration struct {
	Median *int `json:"median"`
	Ninety *int `json:"ninety"`
	// Found is the share of all that have it within MaxDays.
	Found float64 `json:"found"`
}

// Foresee says before a start how long an experiment would take, from seeded simulation. difference and expected are Validate's.
func Foresee(difference float64, expected Expected, horizonDays int) Forecast { return Forecast{} }

// Sentence says the judgement for people.
func (j Judgement) Sentence(e Experiment) string { return "" }
