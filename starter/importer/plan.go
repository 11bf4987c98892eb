// Package importer repeats recorded registrations and conversions on a compressed clock: what happened on one day happens again
// within one day of the running system, in the same order.
//
// Registrations keep their distance from the first one. A conversion keeps its distance from its own
// vendor's registration, as that was really made: when the system falls behind, or the import was
// stopped for an hour, every vendor still converts at its moment.
package importer

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"marketplace.example/trials/starter/vendorcsv"
)

const realDay = 24 * time.Hour

// Registration is one vendor to register.
type Registration struct {
	Line     int
	VendorID string
	// After is the distance from the import's beginning, in recorded time. It orders a plan.
	After time.Duration
	// Converts says that the vendor converts. ConvertsAfter is the distance from its registration in recorded time, 0 for
	// right after it.
	Converts      bool
	ConvertsAfter time.Duration
}

// Plan is what to import, in order.
type Plan struct {
	Registrations []Registration
	// Begins is the recorded moment at which the import's clock begins.
	Begins time.Time
}

// Selection selects what to import of a file. The zero value takes everything.
type Selection struct {
	// From and To are dates of registration, both included; zero means unbounded. All conversions of the selected vendors
	// belong to the plan, even those after To.
	From, To time.Time
	// Limit takes only the first vendors; 0 takes all.
	Limit int
}

// NewPlan orders the rows by date. Rows of one date keep their order, and are spread evenly over it, since the file has no time
// of day. The first registration is due at once.
func NewPlan(rows []vendorcsv.Row, s Selection) Plan {
	rows = s.take(rows)
	if len(rows) == 0 {
		return Plan{}
	}
	plan := Plan{Begins: rows[0].RegisteredAt, Registrations: make([]Registration, 0, len(rows))}
	for len(rows) > 0 {
		date := rows[0].RegisteredAt
		n := 1
		for n < len(rows) && rows[n].RegisteredAt.Equal(date) {
			n++
		}
		for i, row := range rows[:n] {
			at := date.Add(realDay / time.Duration(n) * time.Duration(i))
			plan.Registrations = append(plan.Registrations, register(row, at, plan.Begins))
		}
		rows = rows[n:]
	}
	return plan
}

func (s Selection) take(all []vendorcsv.Row) []vendorcsv.Row {
	var rows []vendorcsv.Row
	for _, row := range all {
		early := row.RegisteredAt.Before(s.From)
		late := !s.To.IsZero() && row.RegisteredAt.After(s.To)
		if !early && !late {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b vendorcsv.Row) int { return a.RegisteredAt.Compare(b.RegisteredAt) })
	if s.Limit > 0 && len(rows) > s.Limit {
		rows = rows[:s.Limit]
	}
	return rows
}

func register(row vendorcsv.Row, at, begins time.Time) Registration {
	r := Registration{Line: row.Line, VendorID: row.ID, After: at.Sub(begins)}
	if !row.ConvertedAt.IsZero() {
		r.Converts = true
		r.ConvertsAfter = max(0, row.ConvertedAt.Sub(at))
	}
	return r
}

// Conversions is how many of the vendors convert.
func (p Plan) Conversions() int {
	n := 0
	for _, r := range p.Registrations {
		if r.Converts {
			n++
		}
	}
	return n
}

// Length is the recorded time from the beginning to the last registration or conversion.
func (p Plan) Length() time.Duration {
	if len(p.Registrations) == 0 {
		return 0
	}
	last := slices.MaxFunc(p.Registrations, func(a, b Registration) int {
		return cmp.Compare(a.After+a.ConvertsAfter, b.After+b.ConvertsAfter)
	})
	return last.After + last.ConvertsAfter
}

// Compress is the duration of recorded time, at least 0, on a clock whose day lasts day, at most a real one. It keeps the order.
func Compress(recorded, day time.Duration) time.Duration {
	high, low := bits.Mul64(uint64(recorded), uint64(day)) //nolint:gosec // G115: neither is negative
	compressed, _ := bits.Div64(high, low, uint64(realDay))
	return time.Duration(compressed) //nolint:gosec // G115: no more than recorded
}

// Expand is the recorded time that passes while the system's clock advances by elapsed.
func Expand(elapsed, day time.Duration) time.Duration {
	return time.Duration(float64(elapsed) / float64(day) * float64(realDay))
}
