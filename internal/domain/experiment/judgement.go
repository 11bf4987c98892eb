package experiment

import (
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

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
	// Changing: what early and late days show contradicts each other, so the difference was hardly the same all along. The
	// interval is then that of all vendors together.
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

// Judge compares the arms at a moment. Rows may come in any order, and a day in several. It takes milliseconds, for 400 days of
// any number of vendors tens of them.
func Judge(e Experiment, rows []Row, at time.Time) Judgement {
	j, rows := e.judge(), merged(rows)
	p, since := j.begin(), (*time.Time)(nil)
	e.walk(j, rows, at, func(ripe time.Time, now progress) {
		if p.verdict != now.verdict {
			since = &ripe
		}
		p = now
	})
	result := Judgement{
		At: at, Verdict: p.verdict, Since: since, Difference: p.interval(),
		A: figures(e.ArmA, p.total.dealtA, p.total.convertedA), B: figures(e.ArmB, p.total.dealtB, p.total.convertedB),
		EvidenceA: evidence.FromLog(p.evidenceA), EvidenceB: evidence.FromLog(p.evidenceB),
	}
	for _, r := range rows {
		result.A.Dealt += r.A.Dealt
		result.B.Dealt += r.B.Dealt
	}
	if p.verdict == NotYet {
		result.MoreDays = e.moreDays(j, p, rows, at)
	}
	return result
}

// Series is the difference over time, a point for each admission day whose vendors are ripe. Its last one agrees with Judge.
func Series(e Experiment, rows []Row, at time.Time) []Point {
	points := []Point{}
	e.walk(e.judge(), merged(rows), at, func(ripe time.Time, p progress) {
		points = append(points, Point{Day: e.DayOf(ripe), At: ripe, Difference: p.interval(), Verdict: p.verdict})
	})
	return points
}

func (e Experiment) judge() judge { return newJudge(e.Difference, e.Expected.Conversion) }

// walk looks at the evidence as each admission day becomes ripe, up to a moment.
func (e Experiment) walk(j judge, rows []Row, at time.Time, visit func(ripe time.Time, p progress)) {
	p := j.begin()
	curve, today := evidence.Matured(float64(e.HorizonDays)), e.today(at)
	for _, r := range rows {
		if curve.At(evidence.AdmissionDay{Day: r.Day}.Age(today)) <= 0 {
			return
		}
		p.total.add(r.A, r.B)
		p = j.interim(p, true)
		visit(e.ripeAt(r.Day), p)
	}
}

// today counts days from the start, with fractions.
func (e Experiment) today(at time.Time) float64 { return float64(at.Sub(e.StartedAt)) / float64(e.Day) }

// ripeAt is when all vendors of an admission day have had the horizon.
func (e Experiment) ripeAt(day int) time.Time {
	return e.StartedAt.Add(time.Duration(day+1+e.HorizonDays) * e.Day)
}

func figures(policy string, ripe, converted float64) Figures {
	f := Figures{Policy: policy, Ripe: int(ripe), Converted: int(converted)}
	f.Share = evidence.Ratio(f.Converted, f.Ripe)
	f.Low, f.High = evidence.Wilson(f.Share, ripe)
	f.Low, f.High = round(f.Low), round(f.High)
	return f
}
