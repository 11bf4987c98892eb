package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

func TestThePageOfTheFigures(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/figures")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `aria-current="page">Figures`)
	inOrder(t, a.text(), "The last 30 days and today", "Registrations a day", "14 Mar 2026", "Converted, by week of registration", "so far,",
		"Trials that ended a day", "Steps a day", "E-mails a day", "API, response times of the last day", "Did the e-mails help?")
	require.Contains(t, a.body, `role="img" aria-label="Registrations a day over 31 days, in all: automated `)
	require.Less(t, len(a.body), 100<<10)

	short := s.get("/admin/figures?days=7&cohort=control")
	inOrder(t, short.text(), "The last 7 days and today", "so far,", "2 Feb 2026", " % to ")
	require.NotContains(t, short.text(), "automated 0")
	require.Less(t, len(s.get("/admin/figures?days=90").body), 100<<10)
}

func TestThePageOfTheFiguresRefusesWhatItDoesNotShow(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for query, says := range map[string]string{
		"days=8": "days: must be one of [7 30 90]", "days=x": "days: must be one of [7 30 90]", "cohort=none": "cohort: must be of [automated control adopted]",
		"cohort=control&cohort=x": "cohort: must be of",
	} {
		a := s.get("/admin/figures?" + query)
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Contains(t, a.text(), says)
	}
}

func TestThePageOfTheFiguresWithoutFigures(t *testing.T) {
	t.Parallel()
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/figures").text(), "Nothing in 31 days.", "The trials of no week are over yet.", "No call in a day.",
		"automated: no vendor has answered.")
	require.Contains(t, signedIn(t, sample.Busy(), func(o *dashboard.Options) { o.Figures = nil }).get("/admin/figures").text(), "There are no figures: figures are not measured here.")
	w := sample.Busy()
	s := signedIn(t, w)
	w.Err = &trial.Error{Code: trial.CodeConflict, Message: "trial metrics are off"}
	require.Contains(t, s.get("/admin/figures").text(), "There are no figures: trial metrics are off.")
	w.Err = sample.ErrUnavailable
	require.Equal(t, http.StatusServiceUnavailable, s.get("/admin/figures").status)
}
