package experiment

import (
	"cmp"
	"slices"
	"time"
)

// Row is the evidence of one admission day. There is at most one for each of MaxDays, however many vendors are dealt.
type Row struct {
	// Day counts days of Experiment.Day from the start, from 0: see DayOf.
	Day int   `json:"day"`
	A   Count `json:"a"`
	B   Count `json:"b"`
}

// Count is how many vendors were dealt to an arm on a day, and how many of them have converted within the horizon so far.
// Those who cancelled or were moved to another policy stay in the arm that they were dealt to; those whose conversion is untracked
// are left out.
type Count struct {
	Dealt     int `json:"dealt"`
	Converted int `json:"converted"`
}

// DayOf is the day of a moment, for Row.Day: of the trial's start where a vendor is counted.
func (e Experiment) DayOf(at time.Time) int { return int(at.Sub(e.StartedAt) / e.Day) }

// Counts reports whether a conversion counts: it came within the horizon of its trial's start.
func (e Experiment) Counts(startedAt, convertedAt time.Time) bool {
	return convertedAt.Sub(startedAt) <= time.Duration(e.HorizonDays)*e.Day
}

// merged has the rows in order, one for each day.
func merged(rows []Row) []Row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Day, b.Day) })
	kept := rows[:0]
	for _, r := range rows {
		if n := len(kept); n > 0 && kept[n-1].Day == r.Day {
			kept[n-1].A.add(r.A)
			kept[n-1].B.add(r.B)
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

func (c *Count) add(more Count) {
	c.Dealt += more.Dealt
	c.Converted += more.Converted
}
