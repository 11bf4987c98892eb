package sample

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// looks is how long ago somebody looked at an alert, and what was seen. A nil
// value could not be measured.
type looks struct {
	rule  monitoring.RuleID
	ago   time.Duration
	value *float64
	text  string
}

// evaluate looks at alerts, one look after the other, as a worker does.
func (w *World) evaluate(all ...looks) {
	for _, l := range all {
		rule, err := ruleOf(l.rule)
		if err != nil {
			panic(err) // the world is made wrongly
		}
		alert, e := monitoring.Decide(rule, w.AlertOf(l.rule), monitoring.Observation{Value: l.value, Text: l.text},
			monitoring.Evaluation{At: w.Moment.Add(-l.ago), Day: day, Alerting: true})
		w.SetAlert(alert, e)
	}
}

// lately is when every alert was looked at last.
const lately = 20 * time.Second

// calm looks at every alert, and finds nothing.
func (w *World) calm() {
	w.evaluate(
		looks{monitoring.ConversionRateDropped, lately, nil, "0 automated trials began long enough ago to have ended; a rate takes at least 30"},
		looks{monitoring.EmailDeliveryFailed, lately, new(0.0), "0 e-mails of the last day bounced, were rejected, or refused for good"},
		looks{monitoring.MassTrialExpiration, lately, new(0.0), "0 trials expired within an hour"},
		looks{monitoring.EmailDeliveryRateLow, lately, nil, "0 of 0 e-mails of the last day with a known outcome were delivered; at least 20 are needed to judge"},
		looks{monitoring.WatchMissed, lately, new(0.0), "no rollout runs"},
		looks{monitoring.RolloutStuck, lately, new(0.0), "no rollout runs"},
		looks{monitoring.WorkerAway, lately, new(0.0), "2 of 2 workers poll for work"},
		looks{monitoring.SESPaused, lately, new(0.0), "the mail service accepts e-mails"},
		looks{monitoring.UnknownSends, lately, new(0.0), "0 e-mails may or may not have been sent"},
		looks{monitoring.ReconcilerFinds, lately, new(0.0), "the reconciler repaired 0 trials in the last hour"},
		looks{monitoring.BackupLate, lately, nil, "not measured: no backup is on record"},
		looks{monitoring.CertificateExpires, lately, new(0.0), "no API process uses a certificate"},
		looks{monitoring.CanaryFailed, lately, new(0.0), "no rollout runs, so none is due"},
	)
}

// alarm lets alerts fire: two that nobody has seen to, one that somebody has, and
// one that is silenced. One has cleared.
func (w *World) alarm() {
	const (
		failed      = "e-mails of the last day bounced, were rejected, or refused for good"
		arrived     = "74.3 %: 26 of 35 e-mails of the last day with a known outcome were delivered"
		mended      = "the reconciler repaired 14 trials in the last hour"
		unavailable = "1 of 2 workers poll for work"
	)
	w.evaluate(
		looks{monitoring.RolloutStuck, lately, new(0.0), "the rollout's workflow runs"},
		looks{monitoring.WatchMissed, 26 * time.Hour, new(4.0), "4 consecutive watches are missing; the last ran at 13 March 2026 07:35:00 UTC"},
		looks{monitoring.WatchMissed, 25 * time.Hour, new(0.0), "0 consecutive watches are missing; the last ran at 13 March 2026 09:15:00 UTC"},
		looks{monitoring.WatchMissed, lately, new(0.0), "0 consecutive watches are missing; the last ran at 14 March 2026 10:14:00 UTC"},
		looks{monitoring.EmailDeliveryFailed, 35 * time.Minute, new(8.0), "8 " + failed},
		looks{monitoring.EmailDeliveryFailed, 20 * time.Minute, new(9.0), "9 " + failed},
		looks{monitoring.EmailDeliveryFailed, 5 * time.Minute, new(9.0), "9 " + failed},
		looks{monitoring.EmailDeliveryFailed, lately, new(9.0), "9 " + failed},
		looks{monitoring.WorkerAway, 10 * time.Minute, new(1.0), unavailable},
		looks{monitoring.WorkerAway, lately, new(1.0), unavailable},
		looks{monitoring.EmailDeliveryRateLow, 50 * time.Minute, new(74.3), arrived},
		looks{monitoring.ReconcilerFinds, 2 * time.Hour, new(14.0), mended},
	)
	w.answer(monitoring.EmailDeliveryRateLow, 44*time.Minute, monitoring.AlertRequest{Control: monitoring.ControlAcknowledge, Reason: "One provider defers; support writes to it"})
	w.answer(monitoring.ReconcilerFinds, 110*time.Minute, monitoring.AlertRequest{
		Control: monitoring.ControlSilence, Reason: "Temporal is being moved", Until: w.Moment.Add(4 * time.Hour),
	})
	w.evaluate(looks{monitoring.EmailDeliveryRateLow, lately, new(74.3), arrived}, looks{monitoring.ReconcilerFinds, lately, new(14.0), mended})
}

// answer is what an admin did so long ago.
func (w *World) answer(id monitoring.RuleID, ago time.Duration, r monitoring.AlertRequest) {
	alert, e, err := r.Change(w.AlertOf(id), monitoring.Note{At: w.Moment.Add(-ago), By: "admin", Reason: r.Reason})
	if err != nil {
		panic(err) // the world is made wrongly
	}
	w.SetAlert(alert, e)
}

// rules are the built-in ones, but for one that is configured.
func rules() []monitoring.Rule {
	all := monitoring.Rules()
	for i := range all {
		if all[i].ID == monitoring.EmailDeliveryFailed {
			all[i].Threshold = 8
		}
	}
	return all
}

func ruleOf(id monitoring.RuleID) (monitoring.Rule, error) {
	for _, r := range rules() {
		if r.ID == id {
			return r, nil
		}
	}
	return monitoring.Rule{}, &trial.Error{Code: trial.CodeNotFound, Field: "alert", Message: "there is no such alert"}
}

// AlertsView implements dashboard.Alerts.
func (w *World) AlertsView(ctx context.Context) (view *monitoring.AlertsView, err error) {
	err = w.Do(ctx, func() error {
		var alerts []monitoring.Alert
		for _, id := range monitoring.RuleIDs() {
			alerts = append(alerts, w.AlertOf(id))
		}
		view = new(monitoring.ViewOfAlerts(w.Document.FeatureFlags.Monitoring, rules(), alerts, w.Moment, day))
		return nil
	})
	return view, err
}

// ChangeAlertRecorded does what the API does, by the same domain.
func (w *World) ChangeAlertRecorded(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error {
	return w.Do(ctx, func() error {
		if _, err := ruleOf(id); err != nil {
			return err
		}
		if err := r.Validate(); err != nil {
			return err
		}
		alert, e, err := r.Change(w.AlertOf(id), monitoring.Note{At: w.Moment, By: "admin", Reason: r.Reason})
		if err != nil {
			return err
		}
		w.SetAlert(alert, e)
		w.Answered = append(w.Answered, r)
		return nil
	})
}
