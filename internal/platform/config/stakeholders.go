package config

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// Limits of the list of stakeholders.
const (
	maxStakeholders    = 200
	maxStakeholderName = 80
	maxWebhook         = 2000
	maxPhone           = 40
)

// ReadStakeholders reads the recipients of a rollout's notices, such as the file in STAKEHOLDERS.
// Errors name the line and the entry, and no address.
func ReadStakeholders(r io.Reader) ([]notice.Stakeholder, error) {
	var file struct {
		Stakeholders []notice.Stakeholder `yaml:"stakeholders"`
	}
	lines, err := decodeYAML(r, &file)
	if err != nil {
		return nil, err
	}
	if file.Stakeholders == nil {
		return nil, errors.New("stakeholders: is missing; write [] for nobody")
	}
	if len(file.Stakeholders) > maxStakeholders {
		return nil, fmt.Errorf("stakeholders: has %d entries, at most %d are possible", len(file.Stakeholders), maxStakeholders)
	}
	var problems []error
	for i, s := range file.Stakeholders {
		field, err := checkStakeholder(s)
		if err == nil && slices.ContainsFunc(file.Stakeholders[:i], func(o notice.Stakeholder) bool {
			return o.Role == s.Role && o.Email == s.Email && o.Webhook == s.Webhook
		}) {
			err = errors.New("is a duplicate")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", lines.at(fmt.Sprintf("stakeholders[%d]%s", i, field)), err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return file.Stakeholders, nil
}

// checkStakeholder returns what is wrong with an entry, and the wrong field.
func checkStakeholder(s notice.Stakeholder) (field string, err error) {
	switch {
	case s.Role == "":
		return ".role", errors.New("is missing")
	case !slices.Contains(notice.Roles(), s.Role):
		return ".role", fmt.Errorf("%.40q is not a role; the roles are %v", s.Role, notice.Roles())
	case utf8.RuneCountInString(s.Name) > maxStakeholderName:
		return ".name", fmt.Errorf("has more than %d characters", maxStakeholderName)
	case s.OnCall && s.Name == "":
		return ".name", errors.New("is missing: notices name the person on call")
	case utf8.RuneCountInString(s.Phone) > maxPhone || strings.Trim(s.Phone, "+0123456789 ()/.-") != "":
		return ".phone", errors.New("is not a number like +1 555 0100")
	case s.Email == "" && s.Webhook == "":
		return "", errors.New("has neither an email nor a webhook")
	}
	if s.Email != "" {
		if _, err := trial.MailAddress(s.Email); err != nil {
			return ".email", fmt.Errorf("is not a bare e-mail address like po@example.com: it %w", err)
		}
	}
	if s.Webhook != "" {
		return ".webhook", checkWebhook(s.Webhook)
	}
	return "", nil
}

// checkWebhook validates an address that notices are posted to. Its errors do not
// repeat it: such addresses often contain a token.
func checkWebhook(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil, parsed.Hostname() == "", len(address) > maxWebhook:
		return errors.New("is not a URL like https://chat.example.com/hooks/abc")
	case parsed.User != nil, parsed.Fragment != "":
		return errors.New("must contain no login and no #")
	case parsed.Scheme == "https", parsed.Scheme == "http" && isLoopback(parsed.Hostname()):
		return nil
	}
	return errors.New("must begin with https://; http:// is for this machine only")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ReadStakeholders returns the recipients of a rollout's notices: nobody if no file is named.
func (c Config) ReadStakeholders() ([]notice.Stakeholder, error) {
	if c.Stakeholders == "" {
		return nil, nil
	}
	return readFile(c.Stakeholders, ReadStakeholders)
}

// readFile reads a file that a variable names.
func readFile[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	var none T
	if err := checkReadableFile(path); err != nil {
		return none, err
	}
	file, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return none, err
	}
	defer file.Close() //nolint:errcheck // nothing was written

	value, err := read(file)
	if err != nil {
		return none, fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}
