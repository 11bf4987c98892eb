package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"marketplace.example/trials/internal/platform/config/secretfile"
)

const redacted = "[redacted]"

// readSecretFiles reads the files named by ADMIN_TOKEN_FILE and the like into the
// variables without that suffix. Blanks and line ends around a secret are dropped.
func readSecretFiles(variables map[string]string) error {
	var problems []error
	for _, v := range Variables() {
		path, named := variables[v.FileName()]
		if !v.Secret || !named {
			continue
		}
		if _, both := variables[v.Name]; both {
			problems = append(problems, fmt.Errorf("%s and %s are both set: keep one", v.Name, v.FileName()))
			continue
		}
		read := secretfile.Line
		if v.list() {
			read = secretfile.List
		}
		value, err := read(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", v.FileName(), err))
			continue
		}
		variables[v.Name] = value
	}
	return errors.Join(problems...)
}

// checkSecrets refuses secrets that would be refused in a file.
func checkSecrets(variables map[string]string) error {
	var problems []error
	for _, v := range Variables() {
		if value, set := variables[v.Name]; set && v.Secret {
			check := secretfile.Check
			if v.list() {
				check = secretfile.CheckList
			}
			if err := check(strings.TrimSpace(value)); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", v.Name, err))
			}
		}
	}
	return errors.Join(problems...)
}

// String returns the configuration without its secrets, for logs and error messages.
func (c Config) String() string { return fmt.Sprintf("%+v", plain(c.withoutSecrets())) }

// GoString is String, so that %#v shows no secret either.
func (c Config) GoString() string { return c.String() }

// MarshalJSON omits the secrets, so that a structured log may contain a Config.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(plain(c.withoutSecrets())) }

// plain is a Config without methods, so that printing one does not call itself.
type plain Config

func (c Config) withoutSecrets() Config {
	fields := reflect.ValueOf(&c).Elem()
	for _, v := range Variables() {
		if !v.Secret || !v.isSetIn(c) {
			continue
		}
		switch field := fields.Field(v.field); field.Kind() {
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{redacted}))
		default:
			field.SetString(redacted)
		}
	}
	return c
}
