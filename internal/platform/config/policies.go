package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// wholeNumber are the fields of the file that hold one.
var wholeNumber = regexp.MustCompile(`\.(lengthDays|graceDays|sendHour|days|hours)$`)

// ReadPolicies reads the policies, such as the file in POLICIES. Errors name the line and the field, all that are wrong.
func ReadPolicies(r io.Reader) (policy.Set, error) {
	var file policy.File
	lines, err := decodeYAML(r, &file)
	if err != nil {
		return policy.Set{}, err
	}
	var problems []error
	for _, path := range slices.Sorted(maps.Keys(lines)) {
		if lines[path].float && wholeNumber.MatchString(path) {
			problems = append(problems, errors.New(lines.at(path)+": must be a whole number"))
		}
	}
	if len(problems) > 0 {
		return policy.Set{}, errors.Join(problems...)
	}
	set, err := file.Set()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return set, err
	}
	for _, one := range joined.Unwrap() {
		if field, ok := errors.AsType[*trial.Error](one); ok {
			one = fmt.Errorf("%s: %s", lines.at(field.Field), field.Message)
		}
		problems = append(problems, one)
	}
	return policy.Set{}, errors.Join(problems...)
}

// ReadPolicies returns the policies that vendors get: the file's, or the built-in one.
func (c Config) ReadPolicies() (policy.Set, error) {
	if c.Policies == "" {
		return policy.BuiltIn(), nil
	}
	return readFile(c.Policies, ReadPolicies)
}
