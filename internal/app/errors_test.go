package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// Callers are told what is meant for them, and of nothing else more than that it went wrong.
func TestErrorsBecomeWhatCallersSee(t *testing.T) {
	t.Parallel()
	refused := trial.Invalid("days", "must be 1 to %d", 60)
	for name, c := range map[string]struct {
		err    error
		code   trial.Code
		detail string
	}{
		"a refusal":            {fmt.Errorf("asking the trial: %w", refused), trial.CodeInvalid, "days: must be 1 to 60"},
		"the caller has gone":  {fmt.Errorf("reading: %w", context.Canceled), app.CodeGivenUp, "the request was given up"},
		"the time is over":     {fmt.Errorf("reading: %w", context.DeadlineExceeded), trial.CodeUnavailable, "it took too long; try again"},
		"anything else":        {errors.New("connecting to 10.0.0.1"), app.CodeInternal, "something went wrong here; the request id finds it in the logs"},
		"nothing was begun":    {app.Untouched("too many wait"), trial.CodeUnavailable, "too many wait, so nothing was done; try again"},
		"the first of several": {errors.Join(refused, trial.Conflict("no")), trial.CodeInvalid, "days: must be 1 to 60"},
	} {
		e := app.ErrorOf(c.err)
		require.Equal(t, c.code, e.Code, name)
		require.Equal(t, c.detail, e.Error(), name)
	}
	require.Equal(t, "Too many wait, so nothing was done; try again.", app.Certain(app.ErrorOf(app.Untouched("too many wait"))))
	require.Empty(t, app.Certain(app.ErrorOf(context.DeadlineExceeded)), "nobody knows")
}
