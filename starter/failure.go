package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// usageError says that the command was used wrongly, and did nothing.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

func isUsage(err error) bool {
	var usage *usageError
	return errors.As(err, &usage)
}

func checkVendorID(id string) error {
	if !trial.ValidVendorID(id) {
		return usagef("id: %.80q is not 1 to 64 letters, digits, underscores and dashes", id)
	}
	return nil
}

// explain is an error as one clear sentence for a person.
func (a *app) explain(err error) string {
	var refused *client.Error
	var unreachable *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &refused):
		return strings.Replace(err.Error(), refused.Error(), describeRefusal(refused), 1)
	case errors.As(err, &unreachable):
		return strings.Replace(err.Error(), unreachable.Error(), describeUnreachable(unreachable), 1)
	}
	return err.Error()
}

// describeRefusal is the text of the API's problem document, with the names of the wrong fields.
func describeRefusal(refused *client.Error) string {
	p := refused.Problem
	text := p.Title
	if p.Detail != nil && *p.Detail != "" {
		text = *p.Detail
	}
	if p.Field != nil && *p.Field != "" && !strings.HasPrefix(text, *p.Field) {
		text = *p.Field + ": " + text
	}
	if p.Errors != nil {
		for _, e := range *p.Errors {
			if !strings.Contains(text, e.Message) {
				text += "; " + e.Field + ": " + e.Message
			}
		}
	}
	text = strings.TrimSuffix(printable(text), ".")
	if p.RequestId != "" {
		text += fmt.Sprintf(" (request %s)", printable(p.RequestId))
	}
	if p.Status == http.StatusUnauthorized {
		text += "; see --help for where the tokens are taken from"
	}
	return text
}

// describeUnreachable says that the API did not answer, without the internals of the call.
func describeUnreachable(e *url.Error) string {
	where := e.URL
	if u, err := url.Parse(e.URL); err == nil {
		where = u.Scheme + "://" + u.Host
	}
	var connection *net.OpError
	switch {
	case e.Timeout():
		return fmt.Sprintf("the API at %s did not answer in time", where)
	case errors.As(e.Err, &connection):
		return fmt.Sprintf("the API at %s cannot be reached: %s", where, connection.Err)
	}
	return fmt.Sprintf("the API at %s cannot be reached: %s", where, e.Err)
}

// uncertain tells whether the API may have carried out a request that failed.
func uncertain(err error) bool {
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return refused.Status >= http.StatusInternalServerError
	}
	var unreachable *url.Error
	return errors.As(err, &unreachable)
}
