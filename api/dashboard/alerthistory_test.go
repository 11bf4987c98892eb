package dashboard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
)

// eventsOf are an alert's events, numbered from seq on.
func eventsOf(seq int, all ...monitoring.AlertEvent) []monitoring.AlertEvent {
	for i := range all {
		all[i].Seq = seq + i
	}
	return all
}

func TestBarsOfAnAlert(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-30T12:00:00Z")
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	event := func(what monitoring.AlertEventType, hours int) monitoring.AlertEvent {
		return monitoring.AlertEvent{Type: what, At: ago(hours)}
	}
	silenced := func(hours, until int) monitoring.AlertEvent {
		e := event(monitoring.AlertSilenced, hours)
		e.Until = new(ago(until))
		return e
	}
	fired, cleared, again, seen, loud := monitoring.AlertFired, monitoring.AlertCleared, monitoring.AlertRepeated, monitoring.AlertAcknowledged, monitoring.AlertUnsilenced
	from := ago(100)
	for name, c := range map[string]struct {
		events            []monitoring.AlertEvent
		firings, silences []alertSpan
		marks, known      int
		listed            int
		words             string
	}{
		"nothing":             {nil, nil, nil, 0, 100, 0, "did not fire"},
		"before the range":    {eventsOf(1, event(fired, 130), event(cleared, 120)), nil, nil, 0, 100, 0, "did not fire"},
		"across its start":    {eventsOf(1, event(fired, 130), event(cleared, 90)), []alertSpan{{from, ago(90), false}}, nil, 0, 100, 1, "fired once"},
		"all along":           {eventsOf(1, event(fired, 130)), []alertSpan{{from, now, true}}, nil, 0, 100, 0, "fired once, and does now"},
		"twice, acknowledged": {eventsOf(1, event(fired, 50), event(again, 49), event(cleared, 40), event(fired, 30), event(seen, 29)), []alertSpan{{ago(50), ago(40), false}, {ago(30), now, true}}, nil, 1, 100, 5, "fired 2 times, and does now, was acknowledged"},
		"silence runs out":    {eventsOf(1, silenced(60, 50), event(fired, 40)), []alertSpan{{ago(40), now, true}}, []alertSpan{{ago(60), ago(50), false}}, 0, 100, 2, "fired once, and does now, was silenced"},
		"silence holds":       {eventsOf(1, silenced(10, -10)), nil, []alertSpan{{ago(10), now, true}}, 0, 100, 1, "did not fire, was silenced"},
		"silence renewed, ended": {eventsOf(1, silenced(60, 20), silenced(50, 10), event(loud, 30)), nil, []alertSpan{{ago(60), ago(50), false}, {ago(50), ago(30), false}},
			0, 100, 3, "did not fire, was silenced"},
		"silence of before the range": {eventsOf(1, silenced(130, 120), event(loud, 90)), nil, nil, 0, 100, 1, "did not fire"},
		"the earlier left out":        {eventsOf(7, event(again, 50), event(cleared, 40)), []alertSpan{{ago(50), ago(40), false}}, nil, 0, 50, 2, "fired once"},
	} {
		row := newAlertRow(monitoring.AlertView{}, c.events, from, now)
		require.Equal(t, c.firings, row.Firings, name)
		require.Equal(t, c.silences, row.Silences, name)
		require.Len(t, row.Marks, c.marks, name)
		require.Equal(t, ago(c.known), row.Known, name)
		require.Len(t, row.events, c.listed, name)
		require.Equal(t, c.words, row.Words(), name)
	}
}

func TestThePictureOfAlertsIsToScale(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-11-30T12:00:00Z")
	p := alertsPicture{From: now.AddDate(0, 0, -10), Now: now}
	half := now.AddDate(0, 0, -5)
	p.Rows = []alertRow{{Known: p.From, Firings: []alertSpan{{half, now, true}, {p.From, p.From, false}}, Silences: []alertSpan{{p.From, now, false}}, Marks: []time.Time{half}}}
	svg := string(p.SVG())
	middle := chartWidth / 2
	require.Contains(t, svg, fmt.Sprintf(`M %d `, middle), "half of the range is half of the picture")
	require.Equal(t, 1, strings.Count(svg, "alert-firing"))
	require.Contains(t, svg, fmt.Sprintf(`L %d `, alertsMargin+leastAlert), "what was short is seen")
	for _, class := range []string{"alert-fired", "alert-silenced", "timeline-mark-acknowledged"} {
		require.Equal(t, 1, strings.Count(svg, class), class)
	}
	require.Contains(t, p.Label(), "1 of 1 alerts, 2 times in all")
}
