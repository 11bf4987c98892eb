package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// alertSettings are the fields of a rule that a file may set.
type alertSettings struct {
	Threshold *float64 `yaml:"threshold"`
	Severity  *string  `yaml:"severity"`
	Cooldown  *int     `yaml:"cooldown"`
}

// ReadAlerts reads the alerts' configuration, shaped as in the requirements, in
// JSON or YAML. The built-in rules give the defaults. Errors name the
// line and the field.
func ReadAlerts(r io.Reader) ([]monitoring.Rule, error) {
	var file struct {
		Alerts map[string]alertSettings `yaml:"alerts"`
	}
	lines, err := decodeYAML(r, &file)
	if err != nil {
		return nil, err
	}
	if file.Alerts == nil {
		return nil, errors.New("alerts: is missing")
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(file.Alerts)) {
		if !slices.Contains(monitoring.RuleIDs(), monitoring.RuleID(name)) {
			problems = append(problems, fmt.Errorf("%s: is not an alert; the alerts are %v", lines.at("alerts."+name), monitoring.RuleIDs()))
		}
	}
	rules := monitoring.Rules()
	for i := range rules {
		path := "alerts." + string(rules[i].ID)
		if lines[path+".cooldown"].float {
			problems = append(problems, errors.New(lines.at(path+".cooldown")+": must be a whole number"))
			continue
		}
		rules[i] = file.Alerts[string(rules[i].ID)].applyTo(rules[i])
		if field, ok := errors.AsType[*trial.Error](rules[i].Validate()); ok {
			problems = append(problems, fmt.Errorf("%s: %s", lines.at(path+"."+field.Field), field.Message))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return rules, nil
}

// applyTo returns a rule with these settings.
func (s alertSettings) applyTo(r monitoring.Rule) monitoring.Rule {
	if s.Threshold != nil {
		r.Threshold = *s.Threshold
	}
	if s.Severity != nil {
		r.Severity = monitoring.Severity(*s.Severity)
	}
	if s.Cooldown != nil {
		r.Cooldown = *s.Cooldown
	}
	return r
}

// AlertRules are the rules of the alerts: the built-in ones, changed by the file.
func (c Config) AlertRules() ([]monitoring.Rule, error) {
	if c.AlertsConfig == "" {
		return monitoring.Rules(), nil
	}
	return readFile(c.AlertsConfig, ReadAlerts)
}
