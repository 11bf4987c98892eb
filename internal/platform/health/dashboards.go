package health

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// dashboardLimit is how long a dashboard may take to answer. Nobody waits for it but a preflight.
const dashboardLimit = 5 * time.Second

// Dashboards are the URLs at which dashboards say whether they work, by a status of 2xx.
type Dashboards []string

// Ask asks every dashboard once, concurrently, and returns what each answers, in their order. It follows no redirect: most lead to
// a page for signing in, which says nothing of the dashboards behind it.
func (d Dashboards) Ask(ctx context.Context) []rollout.DashboardAnswer {
	ctx, cancel := context.WithTimeout(ctx, dashboardLimit)
	defer cancel()
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// Preflights are an hour apart: a kept connection would be dead by then.
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
	}
	answers := make([]rollout.DashboardAnswer, len(d))
	var asking sync.WaitGroup
	for i, address := range d {
		asking.Go(func() {
			answers[i] = rollout.DashboardAnswer{Name: dashboardName(address), Status: status(ctx, client, address)}
		})
	}
	asking.Wait()
	return answers
}

// dashboardName is a dashboard's address without the scheme.
func dashboardName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Host + strings.TrimSuffix(u.Path, "/")
}

// status is the status of the answer; 0 for none.
func status(ctx context.Context, client *http.Client, address string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0
	}
	request.Header.Set("User-Agent", "trials")
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close() // its content does not matter
	return response.StatusCode
}
