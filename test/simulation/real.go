package simulation

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"marketplace.example/trials/rollout"
)

// The real vendors that are judged registered from January 2018 on, when the
// marketplace began to convert.
var (
	realFrom = time.Date(2018, time.January, 1, 0, 0, 0, 0, time.UTC)
	realTo   = time.Date(2018, time.March, 1, 0, 0, 0, 0, time.UTC)
)

// ReadVendors reads the registrations of January and February 2018 from CSV with
// the columns vendor_id, registered_at, origin, segment, converted_at.
func ReadVendors(from io.Reader) ([]Registration, error) {
	r := csv.NewReader(from)
	r.FieldsPerRecord = 5
	if _, err := r.Read(); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	var vendors []Registration
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading a vendor: %w", err)
		}
		v, date, err := registration(record)
		if err != nil {
			return nil, err
		}
		if !date.Before(realFrom) && date.Before(realTo) {
			vendors = append(vendors, v)
		}
	}
	if len(vendors) == 0 {
		return nil, errors.New("no vendor registered in January or February 2018")
	}
	slices.SortStableFunc(vendors, func(a, b Registration) int { return cmp.Compare(a.After, b.After) })
	spreadDays(vendors)
	return vendors, nil
}

func registration(record []string) (Registration, time.Time, error) {
	v := Registration{ID: record[0], Converts: -1}
	date, err := time.Parse(time.DateOnly, record[1])
	if err != nil {
		return v, date, fmt.Errorf("vendor %.40q: reading registered_at: %w", v.ID, err)
	}
	v.After = date.Sub(realFrom)
	if record[4] == "" {
		return v, date, nil
	}
	converted, err := time.Parse(time.RFC3339, record[4])
	if err != nil {
		return v, date, fmt.Errorf("vendor %.40q: reading converted_at: %w", v.ID, err)
	}
	// What comes after trial and grace converts no trial.
	if after := converted.Sub(date).Hours() / 24; after <= withGrace {
		v.Converts = max(0, after)
	}
	return v, date, nil
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
// everything else healthy, with each limit of conversion in several deals of vendors.
func Reality(vendors []Registration) ([]Row, error) {
	longest := vendors[len(vendors)-1].After.Hours()/24 + withGrace + 1
	rows := make([]Row, 0, 4)
	for _, c := range []struct {
		limit, last float64
		must        string
	}{
		{0.10, 0, ""}, {0.10, longest, "taken back by conversion"}, {0.03, 0, "not taken back"}, {0.03, longest, "not taken back"},
	} {
		w := Healthy(0)
		w.Registered, w.Plan.Triggers.Conversion = vendors, c.limit
		name := fmt.Sprintf("limit %v %%, default guard, until day %v", 100*c.limit, w.length())
		if c.last > 0 {
			until(&w, c.last)
			name = fmt.Sprintf("limit %v %%, guard until the last trial is over, day %.0f", 100*c.limit, c.last)
		}
		row := Row{Name: name, Must: c.must}
		var err error
		if row.Shown, row.OK, err = dealt(w, c.must != "not taken back"); err != nil {
			return nil, err
		}
		row.OK = row.OK || c.must == ""
		rows = append(rows, row)
	}
	return rows, nil
}

// deals is in how many ways the vendors are dealt to the first phases.
const deals = 20

func dealt(w World, back bool) (shown string, ok bool, err error) {
	var taken []Result
	var last Result
	for deal := range uint64(deals) {
		if last, err = Run(w, deal); err != nil {
			return "", false, fmt.Errorf("judging real vendors: %w", err)
		}
		if last.Trigger == rollout.TriggerConversion {
			taken = append(taken, last)
		} else if last.Trigger != "" {
			return fmt.Sprintf("taken back by %s on day %.1f", last.Trigger, last.Day), false, nil
		}
	}
	if len(taken) == 0 {
		return fmt.Sprintf("not taken back in %d of %d deals; %d of %d ended trials converted", deals, deals, last.Converted, last.Trials), !back, nil
	}
	slices.SortFunc(taken, func(a, b Result) int { return cmp.Compare(a.Day, b.Day) })
	m := taken[len(taken)/2]
	return fmt.Sprintf("taken back in %d of %d deals, in the middle one on day %.2f (%s), after %d ended trials, %d of them converted (days %.2f to %.2f)",
		len(taken), deals, m.Day, realFrom.Add(time.Duration(m.Day*float64(day))).Format("2 January 2006"), m.Trials, m.Converted,
		taken[0].Day, taken[len(taken)-1].Day), back && len(taken) == deals, nil
}
