package simulation

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/starter/vendorcsv"
)

// The real vendors that are judged registered from January 2018 on, when the
// marketplace began to convert.
var (
	realFrom = time.Date(2018, time.January, 1, 0, 0, 0, 0, time.UTC)
	realTo   = time.Date(2018, time.March, 1, 0, 0, 0, 0, time.UTC)
)

// Real are the vendors of a real marketplace around a rollout.
type Real struct {
	// Registered came in January and February 2018.
	Registered []Registration
	// History came before, and are as was known when January began.
	History []evidence.Lifetime
}

// ReadVendors reads real vendors from CSV, as starter import does. Here a line that cannot be used is an error.
func ReadVendors(from io.Reader) (Real, error) {
	var vendors Real
	rows, problems, err := vendorcsv.Read(from)
	if err == nil && len(problems) > 0 {
		err = errors.New(problems[0].String())
	}
	if err != nil {
		return vendors, err
	}
	for _, row := range rows {
		v := Registration{ID: row.ID, After: row.RegisteredAt.Sub(realFrom), Converts: -1}
		// What comes after trial and grace converts no trial.
		if after := row.ConvertedAt.Sub(row.RegisteredAt).Hours() / 24; !row.ConvertedAt.IsZero() && after <= withGrace {
			v.Converts = max(0, after)
		}
		switch {
		case v.After < 0:
			vendors.History = append(vendors.History, v.lived(-v.After))
		case row.RegisteredAt.Before(realTo):
			vendors.Registered = append(vendors.Registered, v)
		}
	}
	if len(vendors.Registered) == 0 {
		return vendors, errors.New("no vendor registered in January or February 2018")
	}
	slices.SortStableFunc(vendors.Registered, func(a, b Registration) int { return cmp.Compare(a.After, b.After) })
	spreadDays(vendors.Registered)
	return vendors, nil
}

// lived is what was known of a vendor's trial so long after its registration.
func (v Registration) lived(ago time.Duration) evidence.Lifetime {
	watched := ago.Hours() / 24
	life := evidence.Lifetime{Age: min(watched, withGrace), Whole: watched >= withGrace}
	if v.Converts >= 0 && v.Converts < watched {
		life.Age, life.Converted = v.Converts, true
	}
	return life
}

// spreadDays spreads each day's registrations over it, since only the date is
// known; conversions stay when they were.
func spreadDays(vendors []Registration) {
	for first := 0; first < len(vendors); {
		last := first
		for last < len(vendors) && vendors[last].After == vendors[first].After {
			last++
		}
		for i := first; i < last; i++ {
			share := float64(i-first) / float64(last-first)
			vendors[i].After += time.Duration(share * float64(day))
			if vendors[i].Converts >= 0 {
				vendors[i].Converts = max(0, vendors[i].Converts-share)
			}
		}
		first = last
	}
}

// Reality lives through a rollout with real registrations and conversions and
// everything else healthy, with each limit of conversion in several deals of
// vendors. It begins with the curve that production would learn from the past.
func Reality(vendors Real) []Row {
	longest := vendors.Registered[len(vendors.Registered)-1].After.Hours()/24 + withGrace + 1
	rows := make([]Row, 0, 4)
	for _, c := range []struct {
		limit, last float64
		must        string
	}{
		{0.10, 0, "rolled back by conversion"}, {0.10, longest, "rolled back by conversion"}, {0.03, 0, "not rolled back"}, {0.03, longest, "not rolled back"},
	} {
		w := Healthy(0)
		w.Registered, w.Plan.Triggers.Conversion = vendors.Registered, c.limit
		w.Times = w.Times.WithConversionCurve(vendors.History)
		name := fmt.Sprintf("limit %v %%, default guard, until day %v, in doubt until day %v", 100*c.limit, w.length(), w.last())
		if c.last > 0 {
			until(&w, c.last)
			name = fmt.Sprintf("limit %v %%, guard until the last trial is over, day %.0f", 100*c.limit, c.last)
		}
		row := Row{Name: name, Must: c.must}
		row.Shown, row.OK = dealt(w, c.must != "not rolled back")
		rows = append(rows, row)
	}
	return rows
}

// Explanation says how conversion is judged, in a sentence.
func (r Real) Explanation() string {
	return evidence.Times{TrialDays: withGrace}.WithConversionCurve(r.History).Explanation()
}

// deals is in how many ways the vendors are dealt to the first phases.
const deals = 20

func dealt(w World, back bool) (shown string, ok bool) {
	var taken []Result
	var last Result
	for deal := range uint64(deals) {
		last = Run(w, deal)
		if last.Trigger == rollout.TriggerConversion {
			taken = append(taken, last)
		} else if last.Trigger != "" {
			return fmt.Sprintf("rolled back by %s on day %.1f", last.Trigger, last.Day), false
		}
	}
	if len(taken) == 0 {
		return fmt.Sprintf("not rolled back in %d of %d deals; %d of %d ended trials converted", deals, deals, last.Converted, last.Trials), !back
	}
	slices.SortFunc(taken, func(a, b Result) int { return cmp.Compare(a.Day, b.Day) })
	m := taken[len(taken)/2]
	return fmt.Sprintf("rolled back in %d of %d deals, in the middle one on day %.2f (%s), after %d ended trials, %d of them converted (days %.2f to %.2f)",
		len(taken), deals, m.Day, realFrom.Add(time.Duration(m.Day*float64(day))).Format("2 January 2006"), m.Trials, m.Converted,
		taken[0].Day, taken[len(taken)-1].Day), back && len(taken) == deals
}
