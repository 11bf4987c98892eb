package experiment

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
)

// View is an experiment as it is shown: without its salt, which says to which arm an id would be dealt.
type View struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Status       Status      `json:"status"`
	ArmA         string      `json:"armA"`
	ArmB         string      `json:"armB"`
	Difference   float64     `json:"difference"`
	Expected     Expected    `json:"expected"`
	HorizonDays  int         `json:"horizonDays"`
	StartedAt    time.Time   `json:"startedAt"`
	StartedBy    string      `json:"startedBy"`
	DealingEnded *DealingEnd `json:"dealingEnded"`
	Ended        *End        `json:"ended"`
	// Judgement is how the arms compare, and Sentence says it; nil and empty in lists.
	Judgement *Judgement `json:"judgement,omitempty"`
	Sentence  string     `json:"sentence,omitempty"`
	// Next says what can be done, or what a pick means for the policies' file; empty in lists.
	Next string `json:"next,omitempty"`
	// Series is the difference over time; none in lists.
	Series []Point `json:"series,omitempty"`
}

// Under is the experiment with the end of its dealing as the flags know it; a person's end puts that on its record.
func (e Experiment) Under(doc flags.Document) Experiment {
	d := doc.Dealing
	switch {
	case e.DealingEnded != nil:
	case d == nil || d.Experiment != e.ID:
		e.DealingEnded = &DealingEnd{At: e.StartedAt, Cause: ByFlags,
			Reason: "the flags know nothing of it: its start broke off, or the database was restored; end it, and start another"}
	case d.End != nil:
		e.DealingEnded = &DealingEnd{At: d.End.At.UTC(), By: d.End.By, Cause: ByFlags, Reason: d.End.Reason}
		if d.End.Rollback {
			e.DealingEnded.Cause = ByRollback
		}
	}
	return e
}

// Listed is the experiment as lists show it.
func (e Experiment) Listed() View {
	return View{
		ID: e.ID, Name: e.Name, Status: e.Status(), ArmA: e.ArmA, ArmB: e.ArmB, Difference: e.Difference, Expected: e.Expected, HorizonDays: e.HorizonDays,
		StartedAt: e.StartedAt, StartedBy: e.StartedBy, DealingEnded: e.DealingEnded, Ended: e.Ended,
	}
}

// View is the experiment with its figures now, and after a person has ended it as of that moment. offered are the policies at
// present; only Next depends on them.
func (e Experiment) View(rows []Row, offered policy.Set, now time.Time) View {
	if e.Ended != nil {
		now = e.Ended.At // what came later has decided nothing
	}
	judged, v := Judge(e, rows, now), e.Listed()
	v.Judgement, v.Sentence, v.Series, v.Next = &judged, judged.Sentence(e), Series(e, rows, now), e.next(offered)
	if e.Ended != nil && judged.Verdict == NotYet {
		v.Sentence = "It was ended without a verdict."
	}
	return v
}

// Mark identifies what a person was shown, so that no form acts on something else.
func (v View) Mark() string {
	if v.Judgement == nil {
		return v.ID + "/" + string(v.Status)
	}
	return fmt.Sprintf("%s/%s/%s", v.ID, v.Status, v.Judgement.Verdict)
}

// next says what a person can do about the experiment.
func (e Experiment) next(offered policy.Set) string {
	standard, amiss := offered.Default, e.Amiss(offered.Policies)
	switch {
	case e.Status() == Dealing && amiss != "":
		return fmt.Sprintf("Nobody is dealt at present: %s. New vendors get %s. Bring the policy back as it was then and restart API and worker, or end the experiment.",
			amiss, standard)
	case e.Status() == Dealing:
		return "New vendors are dealt to both arms until a person ends it, or the percentage falls below 100."
	case e.Status() == Waiting:
		return fmt.Sprintf("No new vendor is dealt any more: %s. They get %s; those dealt are still compared, until a person ends it.",
			e.DealingEnded.Reason, standard)
	case e.Ended.Picked == "":
		return fmt.Sprintf("No arm was picked. New vendors get %s.", standard)
	case e.Policy(e.Ended.Picked) == standard:
		return fmt.Sprintf("%s is the default, so there is nothing to change.", standard)
	}
	picked := e.Policy(e.Ended.Picked)
	return fmt.Sprintf("Nothing changes by itself: new vendors get %s. For %s, write \"default: %s\" in the file that POLICIES names, and restart API and worker.",
		standard, picked, picked)
}

// Outlook says before a start how long an experiment would take.
type Outlook struct {
	HorizonDays int     `json:"horizonDays"`
	Difference  float64 `json:"difference"`
	// Rows are the forecasts at some rates.
	Rows []OutlookRow `json:"rows"`
	// NoStart is why it could not start now; empty where it could.
	NoStart string `json:"noStart"`
}

// OutlookRow is the forecast at one rate.
type OutlookRow struct {
	Expected
	Forecast

	// Recent says that the rate is that of the last four weeks.
	Recent bool `json:"recent"`
}

// Text is a duration in words.
func (d Duration) Text() string {
	switch {
	case d.Ninety != nil:
		return fmt.Sprintf("%d days (9 of 10 by day %d)", *d.Median, *d.Ninety)
	case d.Median != nil:
		return fmt.Sprintf("%d days (but only %.0f %% at all)", *d.Median, 100*d.Found)
	}
	return fmt.Sprintf("not to be expected (%.0f %% at all)", 100*d.Found)
}
