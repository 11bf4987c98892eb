package config

import (
	"fmt"
	"reflect"
	"strings"

	"marketplace.example/trials/internal/domain/monitoring"
)

// Settings are all variables with their effective values, in the order of Config's fields, as the process read them. They hold no
// secret.
func (c Config) Settings() []monitoring.Setting { return c.SettingsFrom(environment()) }

// SettingsFrom is Settings of a Config that was read from these variables.
func (c Config) SettingsFrom(variables map[string]string) []monitoring.Setting {
	var settings []monitoring.Setting
	for _, v := range Variables() {
		s := monitoring.Setting{Name: v.Name, Secret: v.Secret, Source: monitoring.NotSet}
		switch {
		case variables[v.Name] != "":
			s.Source = monitoring.FromEnvironment
		case v.Secret && variables[v.FileName()] != "":
			s.Source, s.File = monitoring.FromFile, variables[v.FileName()]
		case v.Default != "":
			s.Source = monitoring.FromDefault
		}
		if !v.Secret {
			s.Value = v.valueIn(c)
		}
		settings = append(settings, s)
	}
	return settings
}

// valueIn is the variable's value, as it would be written in the environment.
func (v Variable) valueIn(c Config) string {
	value := reflect.ValueOf(c).Field(v.field).Interface()
	if list, ok := value.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(value)
}
