package app

import (
	"context"
	"slices"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// ForecastExperiment says how long an experiment would take, and whether it could start: at the rate that is expected, and without
// one at the measured rate and those of the requirements. The name may be empty.
func (a *App) ForecastExperiment(ctx context.Context, asked NewExperiment) (experiment.Outlook, error) {
	f := experiment.Outlook{Difference: asked.Difference, Rows: []experiment.OutlookRow{}}
	rates := []float64{}
	if asked.PerDay != nil {
		rates = append(rates, *asked.PerDay)
	} else {
		recent, err := a.recentRate(ctx)
		if err != nil {
			return f, err
		}
		if recent > 0 {
			rates = append(rates, recent)
		}
		rates = append(rates, comparedRates...)
	}
	if asked.Name == "" {
		asked.Name = "forecast"
	}
	for i, rate := range rates {
		asked.PerDay = &rate
		request, e, err := a.planned(ctx, asked)
		if err != nil {
			return f, err
		}
		made, err := a.experimentForecasts.of(ctx, []any{request, e.HorizonDays}, func(context.Context) (experiment.Forecast, error) {
			return request.Forecast(e.HorizonDays), nil
		})
		if err != nil {
			return f, err
		}
		f.HorizonDays = e.HorizonDays
		f.Rows = append(f.Rows, experiment.OutlookRow{Expected: request.Expected, Forecast: made, Recent: i == 0 && len(rates) > len(comparedRates)})
	}
	err := a.noStart(ctx, &f)
	return f, err
}

// planned is the request for an experiment as it could be started were everything as it must be, and the experiment.
func (a *App) planned(ctx context.Context, asked NewExperiment) (experiment.Request, experiment.Experiment, error) {
	expected, err := a.expected(ctx, asked.PerDay, asked.Conversion)
	if err != nil {
		return experiment.Request{}, experiment.Experiment{}, err
	}
	request := experiment.Request{Name: asked.Name, ArmA: asked.A, ArmB: asked.B, Difference: asked.Difference, Expected: expected}
	situation := experiment.Situation{Offered: a.Policies.Policies, Day: a.Day}
	situation.Flags.FeatureFlags.TrialAutomation.Enabled = true
	situation.Flags.FeatureFlags.TrialAutomation.ConversionTracking = true
	situation.Flags.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	e, err := experiment.Start("", "", "", request, situation, a.Present())
	return request, e, err
}

// noStart says in a forecast why the experiment could not start now.
func (a *App) noStart(ctx context.Context, f *experiment.Outlook) error {
	situation, err := a.situation(ctx)
	if err != nil {
		return err
	}
	if refusal := situation.CanStart(); refusal != nil {
		f.NoStart = ErrorOf(refusal).Message
	}
	return nil
}

// expected is what an experiment is planned with: what is given, else what was measured.
func (a *App) expected(ctx context.Context, perDay, conversion *float64) (experiment.Expected, error) {
	var e experiment.Expected
	if perDay != nil {
		e.PerDay = *perDay
	} else {
		recent, err := a.recentRate(ctx)
		if err != nil {
			return e, err
		}
		if recent == 0 {
			return e, trial.Invalid("expected.perDay", "must be given: no vendor registered in the last four weeks")
		}
		e.PerDay = recent
	}
	if conversion != nil {
		e.Conversion = *conversion
		return e, nil
	}
	var err error
	e.Conversion, err = a.measuredConversion(ctx)
	return e, err
}

// measuredConversion is the share of automated trials that have converted, of those that began long enough ago.
func (a *App) measuredConversion(ctx context.Context) (float64, error) {
	tally, err := a.Store.Counters(ctx, monitoring.Periods(a.Present(), a.Day, a.Policies.Longest()))
	if err != nil {
		return 0, err
	}
	report := monitoring.Make(monitoring.ReportFacts{Now: a.Present(), Day: a.Day, Policy: a.Policies.Longest(), Tally: tally})
	i := slices.IndexFunc(report.Figures, func(f monitoring.Figure) bool {
		return f.ID == monitoring.ConversionRate && f.Cohort == trial.Automated
	})
	if i < 0 || report.Figures[i].Numerator == 0 || report.Figures[i].Numerator == report.Figures[i].Denominator {
		return 0, trial.Invalid("expected.conversion", "must be given: no share of automated trials that converted is known yet")
	}
	return float64(report.Figures[i].Numerator) / float64(report.Figures[i].Denominator), nil
}
