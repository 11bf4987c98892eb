package dashboard

import (
	"net/http"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
)

// forecastView is what the page shows on which a rollout is considered before it starts.
type forecastView struct {
	frame
	rollout.Forecast
	// Starts says that the reader may start a rollout.
	Starts bool
}

// forecast is not kept up to date in the browser: it changes with the plan, and once a day.
func (d *dashboard) forecast(w http.ResponseWriter, r *http.Request) {
	f, err := d.Forecasts.Forecast(r.Context(), nil, nil)
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	d.show(w, r, http.StatusOK, "forecast", forecastView{
		d.frame(r.Context(), "What a rollout risks", "overview"), f, access.Of(r.Context()).Role.Covers(startsRollouts),
	})
}
