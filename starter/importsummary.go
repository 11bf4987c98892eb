package main

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/starter/importer"
	"marketplace.example/trials/starter/vendorcsv"
)

// importSummary is the result of an import as JSON.
type importSummary struct {
	Vendors     int                  `json:"vendors"`
	Registered  int                  `json:"registered"`
	Cohorts     map[trial.Cohort]int `json:"cohorts"`
	Conversions int                  `json:"conversions"`
	Converted   int                  `json:"converted"`
	Skipped     []vendorcsv.Problem  `json:"skipped"`
	Refused     []importer.Problem   `json:"refused"`
	// BiggestLagDays is in days of the trial, the others in seconds.
	BiggestLagDays float64 `json:"biggestLagDays"`
	LatestStepDays float64 `json:"latestStepDays"`
	DaySeconds     float64 `json:"daySeconds"`
	ElapsedSeconds float64 `json:"elapsedSeconds"`
	// Complete says that nothing is left to do.
	Complete bool `json:"complete"`
	// State is the path of the journal, empty for none.
	State string `json:"state"`
}

func (a *app) printSummary(s importer.Summary, skipped []vendorcsv.Problem, state string) error {
	if a.options.json {
		return a.printValue(importSummary{
			Vendors: s.Vendors, Registered: s.Registered, Cohorts: s.Cohorts, Conversions: s.Conversions, Converted: s.Converted,
			Skipped: append([]vendorcsv.Problem{}, skipped...), Refused: append([]importer.Problem{}, s.Refused...),
			BiggestLagDays: s.BiggestLagDays(), LatestStepDays: s.InDays(s.LatestStep), DaySeconds: s.Day.Seconds(), ElapsedSeconds: s.Elapsed.Seconds(),
			Complete: s.Complete, State: state,
		})
	}
	t := table{}
	t.row("vendors", fmt.Sprint(s.Vendors))
	t.row("conversions", fmt.Sprint(s.Conversions))
	t.row("lines skipped", fmt.Sprint(len(skipped)))
	if state != "" {
		t.row("registered", fmt.Sprintf("%d (%d automated, %d control)", s.Registered, s.Cohorts[trial.Automated], s.Cohorts[trial.Control]))
		t.row("converted", fmt.Sprint(s.Converted))
		t.row("refused", fmt.Sprint(len(s.Refused)))
		t.row("biggest lag", fmt.Sprintf("%.2f days of the trial (%s)", s.BiggestLagDays(), s.BiggestLag.Round(time.Millisecond)))
		t.row("latest step seen", fmt.Sprintf("%.2f days of the trial late", s.InDays(s.LatestStep)))
		t.row("a day lasted", s.Day.String())
		t.row("took", s.Elapsed.Round(time.Second/10).String())
		t.row("state", state)
	}
	return t.write(a.out)
}
