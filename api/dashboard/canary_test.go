package dashboard_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/test/sample"
)

// cage has canaries, and counts how many are asked for.
type cage struct {
	view  canary.View
	asked int
}

func (c *cage) CanaryView(context.Context) (canary.View, error) { return c.view, nil }
func (c *cage) StartCanaryRecorded(context.Context) error       { c.asked++; return nil }

func TestTheCanarysPage(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	c := &cage{}
	s := signedIn(t, w, func(o *dashboard.Options) { o.Canaries = c })
	require.Contains(t, s.get("/admin/canary").text(), "CANARY_ADDRESS is off")

	c.view = canary.View{Configured: true, EverySeconds: 1800}
	inOrder(t, s.get("/admin/canary").text(), "one begins every 30 minutes", "Start a canary now", "None has ended yet.")

	began := w.Moment.Add(-5 * time.Minute)
	c.view.Results = []canary.Result{{
		ID: "canary-1", BeganAt: began, EndedAt: began.Add(time.Minute), Fault: canary.MailRefused, Reason: "the mail service does not accept the e-mail welcome",
		Parts: []canary.Part{{Name: "registration", State: canary.Done, Took: 21 * time.Millisecond}, {Name: "step/welcome", State: canary.Failed, Text: "refused"}},
	}, {ID: "canary-2", BeganAt: began.Add(-time.Hour), EndedAt: began.Add(-57 * time.Minute)}}
	c.view.Fault, c.view.Reason = canary.MailRefused, "the mail service does not accept the e-mail welcome"
	inOrder(t, s.get("/admin/canary").text(), "Wrong Mail refused", "does not accept the e-mail welcome.", "The latest", "5 minutes ago", "took 1 min 0 s: mail refused.", "Registration done 21 ms", "Step: welcome failed", "refused",
		"The last 2", "mail refused", "3 min 0 s", "nothing broken")

	require.Equal(t, http.StatusSeeOther, s.post("/admin/canary", url.Values{}).status)
	require.Equal(t, 1, c.asked)
}

func TestWithoutCanariesThereIsNoPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Equal(t, http.StatusNotFound, s.get("/admin/canary").status)
}
