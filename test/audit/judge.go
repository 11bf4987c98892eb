package main

import (
	"fmt"
	"io"
	"time"
)

// rules are what the judgement needs to know beside the facts.
type rules struct {
	day, slack time.Duration
	now        time.Time
}

// steps are the e-mails of the standard policy and the days on which they are due.
var steps = []struct {
	name string
	day  int
}{
	{"welcome/0", 0}, {"reminder-7d/0", 7}, {"reminder-3d/0", 11}, {"reminder-1d/0", 13}, {"expiry/0", 14}, {"grace-end/0", 17},
}

const lastDay = 17

// findings are what the audit tells.
type findings struct {
	vendors, automated, mails, unended int
	expectedShare                      float64
	states                             map[string]int
	// compared is how many figures were compared.
	compared   int
	complaints []string
}

func judge(vendors []vendor, mails map[string]map[string]int, r rules) findings {
	f := findings{states: map[string]int{}}
	for _, v := range vendors {
		f.vendors++
		f.expectedShare += v.Auto.Percentage / 100
		if v.Auto.Cohort == "automated" {
			f.automated++
		}
		f.cohort(v)
		f.state(v, r)
		f.sent(v, mails[v.ID], r)
		delete(mails, v.ID)
	}
	for id := range mails {
		f.complain("e-mails to %q, who is no vendor", id)
	}
	return f
}

// cohort checks that the stored cohort is what the stored bucket says.
func (f *findings) cohort(v vendor) {
	if (v.Auto.Bucket < v.Auto.Percentage/100) != (v.Auto.Cohort == "automated") {
		f.complain("%s: bucket %v at %v %% is in cohort %s", v.ID, v.Auto.Bucket, v.Auto.Percentage, v.Auto.Cohort)
	}
}

// state checks how the trial ended.
func (f *findings) state(v vendor, r rules) {
	f.states[v.status]++
	over := v.Start.Add(lastDay * r.day)
	if r.now.Before(over.Add(2 * r.day)) {
		f.unended++
		return
	}
	converted := v.Auto.Conversion != nil
	switch {
	case !converted && v.status != "expired":
		f.complain("%s never converted and is %q", v.ID, v.status)
	case converted && v.Auto.Conversion.At.Before(over.Add(-r.slack)) && v.status != "converted":
		f.complain("%s converted in time and is %q", v.ID, v.status)
	case converted && v.Auto.Conversion.At.After(over.Add(r.slack)) && (v.status != "expired" || !v.late):
		f.complain("%s converted late and is %q, late %t", v.ID, v.status, v.late)
	}
}

// sent checks that each due e-mail came once and no other.
func (f *findings) sent(v vendor, got map[string]int, r rules) {
	known := 0
	for _, s := range steps {
		n := got[s.name]
		known += n
		due := v.Start.Add(time.Duration(s.day) * r.day)
		must, may := v.Auto.Cohort == "automated", v.Auto.Cohort == "automated"
		if v.Auto.Conversion != nil {
			must = must && due.Before(v.Auto.Conversion.At.Add(-r.slack))
			may = may && due.Before(v.Auto.Conversion.At.Add(r.slack))
		}
		must = must && due.Before(r.now.Add(-2*r.day))
		switch {
		case n > 1:
			f.complain("%s got %s %d times", v.ID, s.name, n)
		case n == 0 && must:
			f.complain("%s did not get %s", v.ID, s.name)
		case n == 1 && !may:
			f.complain("%s should not have got %s", v.ID, s.name)
		}
	}
	total := 0
	for _, n := range got {
		total += n
	}
	f.mails += total
	if total != known {
		f.complain("%s got e-mails of unknown steps: %v", v.ID, got)
	}
}

func (f *findings) complain(format string, args ...any) {
	f.complaints = append(f.complaints, fmt.Sprintf(format, args...))
}

func (f *findings) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%d vendors, %d automated (the percentages at registration make %.0f likely), %d e-mails, %d trials not due to have ended, %d figures compared\nstates: %v\n",
		f.vendors, f.automated, f.expectedShare, f.mails, f.unended, f.compared, f.states)
	for i, c := range f.complaints {
		if i == 40 {
			_, _ = fmt.Fprintf(w, "... and %d more\n", len(f.complaints)-i)
			return
		}
		_, _ = fmt.Fprintln(w, c)
	}
}
