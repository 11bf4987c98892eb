package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// situation is one in which nothing has happened.
func situation() Situation {
	return Situation{
		ReportFacts: ReportFacts{Now: midday, Day: trial.RealDay, Policy: trial.DefaultPolicy(), Tally: Tally{}}, Counted: true,
		Repairs: map[Period]int{},
	}
}

// happened notes n of a kind, so many minutes ago.
func (s Situation) happened(minutesAgo float64, c trial.Cohort, name Name, n int) {
	s.Tally[Counter{SlotOf(minutesOn(-minutesAgo), s.Day), c, name}] += n
}

// fires reports whether a rule's alert fires.
func (s Situation) fires(t *testing.T, id RuleID, before time.Time) bool {
	t.Helper()
	o := Observe(id, s, before)
	require.NotEmpty(t, o.Text)
	a, _ := Decide(builtIn(id), NewAlert(id), o, Evaluation{At: s.Now, Day: s.Day, Alerting: true})
	return a.Status == AlertFiring
}

func TestConversionRateDroppedIsInPerCentOfTrialsThatCouldHaveEnded(t *testing.T) {
	t.Parallel()
	mature := numbered("day", dayNumber(midday, trial.RealDay)-20)
	young := numbered("day", dayNumber(midday, trial.RealDay)-3)
	for name, c := range map[string]struct {
		converted, expired, running int
		fires                       bool
		text                        string
	}{
		"at 10 %":           {3, 27, 0, false, "10.0 %: 3 of 30 automated trials that could have ended have converted"},
		"below":             {2, 28, 0, true, "6.7 %: 2 of 30 automated trials that could have ended have converted"},
		"too few to judge":  {0, 29, 0, false, "29 automated trials began long enough ago to have ended; a rate takes at least 30"},
		"few, all of them":  {3, 0, 0, false, "3 automated trials began long enough ago to have ended; a rate takes at least 30"},
		"just enough":       {0, 30, 0, true, "0.0 %: 0 of 30 automated trials that could have ended have converted"},
		"nobody was there":  {0, 0, 0, false, "0 automated trials began long enough ago to have ended; a rate takes at least 30"},
		"everybody":         {40, 0, 0, false, "100.0 %: 40 of 40 automated trials that could have ended have converted"},
		"expiry is held":    {30, 0, 370, true, "7.5 %: 30 of 400 automated trials that could have ended have converted; 370 of them still run"},
		"9.99 % is below":   {999, 9001, 0, true, "10.0 %: 999 of 10000 automated trials that could have ended have converted"},
		"10.01 % is enough": {1001, 8999, 0, false, "10.0 %: 1001 of 10000 automated trials that could have ended have converted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := situation()
			s.began(mature, trial.Automated, c.converted, c.expired, c.running)
			s.began(mature, trial.Control, 0, 1000, 0) // the other cohort does not count
			s.began(young, trial.Automated, 0, 1000, 0)
			require.Equal(t, c.fires, s.fires(t, ConversionRateDropped, midday))
			require.Equal(t, c.text, Observe(ConversionRateDropped, s, midday).Text)
		})
	}
}

// began notes trials of a day, by what became of them.
func (s Situation) began(day Period, c trial.Cohort, converted, expired, running int) {
	s.Tally[Counter{day, c, Began}] = converted + expired + running
	s.Tally[Counter{day, c, BeganConverted}] = converted
	s.Tally[Counter{day, c, BeganExpired}] = expired
}

func TestEmailDeliveryFailedIsACountOfTheLastDay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failed  int
		minutes float64
		fires   bool
	}{
		"19":                         {19, 0, false},
		"20":                         {20, 0, true},
		"20 almost a day ago":        {20, 23*60 + 59, true},
		"20 longer than a day ago":   {20, 24*60 + 10.1, false},
		"within the slot of the day": {20, 24 * 60, true},
	} {
		s := situation()
		s.happened(c.minutes, trial.Automated, MailFailed, c.failed)
		s.happened(0, trial.Automated, MailArrived, 10000)
		require.Equal(t, c.fires, s.fires(t, EmailDeliveryFailed, midday), name)
	}
}

func TestEmailDeliveryRateLowIsInPerCentOfTheLastDaysMails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arrived, failed int
		fires           bool
	}{
		"12 % bounce":      {22, 3, true},
		"95 %":             {19, 1, false},
		"94 %":             {94, 6, true},
		"too few to judge": {0, 19, false},
		"just enough":      {0, 20, true},
		"none":             {0, 0, false},
	} {
		s := situation()
		s.happened(30, trial.Automated, MailArrived, c.arrived)
		s.happened(600, trial.Automated, MailFailed, c.failed)
		s.happened(2*24*60, trial.Automated, MailFailed, 1000)
		require.Equal(t, c.fires, s.fires(t, EmailDeliveryRateLow, midday), name)
	}
	s := situation()
	s.happened(30, trial.Automated, MailArrived, 22)
	s.happened(30, trial.Automated, MailFailed, 3)
	require.Equal(t, "88.0 %: 22 of 25 e-mails of the last day with a known outcome were delivered", Observe(EmailDeliveryRateLow, s, midday).Text)
}

func TestMassTrialExpirationIsACountOfAnHour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		minutes []float64 // 30 each, half of them of each cohort
		looked  float64   // minutes ago
		fires   bool
	}{
		"60 at once":         {[]float64{0, 0}, 1, true},
		"60 within the hour": {[]float64{1, 58}, 1, true},
		"60 over more than the hour and its slot": {[]float64{1, 75}, 1, false},
		"30":                   {[]float64{0}, 1, false},
		"60 long ago":          {[]float64{200, 200}, 1, false},
		"between two looks":    {[]float64{75, 75}, 60, true},
		"long before the look": {[]float64{300, 300}, 1000, false},
	} {
		s := situation()
		for _, m := range c.minutes {
			s.happened(m, trial.Automated, EnteredExpiry, 15)
			s.happened(m, trial.Control, EnteredExpiry, 15)
		}
		require.Equal(t, c.fires, s.fires(t, MassTrialExpiration, minutesOn(-c.looked)), name)
	}
	for n, fires := range map[int]bool{49: false, 50: true} {
		s := situation()
		s.happened(0, trial.Control, EnteredExpiry, n)
		require.Equal(t, fires, s.fires(t, MassTrialExpiration, midday), n)
	}
}

// Where a day lasts seconds, an hour is shorter than a slot and than the time
// between two looks: nothing is missed for that.
func TestShortDaysMissNothing(t *testing.T) {
	t.Parallel()
	s := situation()
	s.Day = 2 * time.Second
	s.Tally[Counter{SlotOf(midday.Add(-15*time.Second), s.Day), trial.Control, EnteredExpiry}] = 60
	require.True(t, s.fires(t, MassTrialExpiration, midday.Add(-20*time.Second)))
	require.True(t, s.fires(t, MassTrialExpiration, midday.Add(-10*time.Second)), "counters are written late")
	require.False(t, s.fires(t, MassTrialExpiration, midday.Add(-8*time.Second)))
}

// Every counter that an observation reads is among those that are asked for.
func TestAllCountersThatAreReadAreAskedFor(t *testing.T) {
	t.Parallel()
	for _, day := range []time.Duration{trial.RealDay, time.Hour, time.Minute, 2 * time.Second, 100 * time.Millisecond} {
		s := situation()
		s.Day = day
		asked := map[Period]bool{}
		for _, p := range AlertPeriods(midday, day, s.Policy) {
			require.False(t, asked[p], "%s is asked for twice", p)
			asked[p] = true
		}
		last := rollout.Interval(midday, day)
		for _, p := range slots(last-slotsIn(day, day), last) {
			require.True(t, asked[p], day)
		}
		first := rollout.Interval(midday.Add(-lookBackFor(day)), day)
		for _, p := range slots(first-slotsIn(hour(day), day), last) {
			require.True(t, asked[p], day)
		}
		require.Less(t, len(asked), 250)
	}
	require.Len(t, FindPeriods(midday, trial.RealDay), 7)
}

func TestTheOtherRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id       RuleID
		change   func(*Situation)
		fires    bool
		measured bool
	}{
		"nobody says who polls":         {WorkerAway, func(*Situation) {}, false, false},
		"all workers are there":         {WorkerAway, func(s *Situation) { s.Parts.Workers, s.Parts.WorkersNeeded = new(2), 2 }, false, true},
		"more than needed":              {WorkerAway, func(s *Situation) { s.Parts.Workers, s.Parts.WorkersNeeded = new(3), 2 }, false, true},
		"one is away":                   {WorkerAway, func(s *Situation) { s.Parts.Workers, s.Parts.WorkersNeeded = new(1), 2 }, true, true},
		"all are away":                  {WorkerAway, func(s *Situation) { s.Parts.Workers, s.Parts.WorkersNeeded = new(0), 1 }, true, true},
		"SES does not answer":           {SESPaused, func(*Situation) {}, false, false},
		"SES sends":                     {SESPaused, func(s *Situation) { s.Parts.MaySend = new(true) }, false, true},
		"SES is paused":                 {SESPaused, func(s *Situation) { s.Parts.MaySend = new(false) }, true, true},
		"SES refuses all":               {SESPaused, func(s *Situation) { s.Parts.MaySend, s.Parts.MailRefusedSince = new(true), minutesOn(-5) }, true, true},
		"SES refuses all, says nothing": {SESPaused, func(s *Situation) { s.Parts.MailRefusedSince = minutesOn(-5) }, true, true},
		"the rollout cannot be read":    {WatchMissed, func(*Situation) {}, false, false},
		"no rollout":                    {WatchMissed, func(s *Situation) { s.Parts.Watched = new(time.Time{}) }, false, true},
		"watched lately":                {WatchMissed, func(s *Situation) { s.Parts.Watched = new(minutesOn(-30)) }, false, true},
		"three watches missed":          {WatchMissed, func(s *Situation) { s.Parts.Watched = new(minutesOn(-30).Add(-rollout.WatchSlack)) }, true, true},
		"a rollout nobody can read":     {RolloutStuck, func(s *Situation) { s.Parts.Rollout = &WorkflowRun{Gone: true} }, false, false},
		"a workflow nobody can see":     {RolloutStuck, func(s *Situation) { s.Parts.Watched = new(minutesOn(-5)) }, false, false},
		"none to run, and none runs":    {RolloutStuck, func(s *Situation) { s.Parts.Watched, s.Parts.Rollout = new(time.Time{}), &WorkflowRun{Gone: true} }, false, true},
		"its workflow runs":             {RolloutStuck, func(s *Situation) { s.Parts.Watched, s.Parts.Rollout = new(minutesOn(-5)), &WorkflowRun{Attempts: 3} }, false, true},
		"its workflow fails":            {RolloutStuck, func(s *Situation) { s.Parts.Watched, s.Parts.Rollout = new(minutesOn(-5)), &WorkflowRun{Attempts: 4} }, true, true},
		"its workflow is gone":          {RolloutStuck, func(s *Situation) { s.Parts.Watched, s.Parts.Rollout = new(minutesOn(-5)), &WorkflowRun{Gone: true} }, true, true},
		"no backups":                    {BackupLate, func(*Situation) {}, false, false},
		"backed up":                     {BackupLate, func(s *Situation) { s.Parts.BackedUp = new(minutesOn(-5*60 + 1)) }, false, true},
		"backed up long ago":            {BackupLate, func(s *Situation) { s.Parts.BackedUp = new(minutesOn(-5 * 60)) }, true, true},
		"none is due":                   {BackupLate, func(s *Situation) { s.Parts.BackedUp = new(time.Time{}) }, false, true},
		"backed up, in short days":      {BackupLate, func(s *Situation) { s.Day, s.Parts.BackedUp = 2*time.Second, new(midday.Add(-149*time.Second)) }, false, true},
		"not backed up, in short days":  {BackupLate, func(s *Situation) { s.Day, s.Parts.BackedUp = 2*time.Second, new(midday.Add(-150*time.Second)) }, true, true},
		"nobody could be asked":         {CertificateExpires, func(*Situation) {}, false, false},
		"none is shown":                 {CertificateExpires, func(s *Situation) { s.Parts.Certificates = []Validity{} }, false, true},
		"all are good":                  {CertificateExpires, func(s *Situation) { s.Parts.Certificates = certificates(21) }, false, true},
		"one of two is to be renewed":   {CertificateExpires, func(s *Situation) { s.Parts.Certificates = certificates(21, 20) }, true, true},
		"one has expired":               {CertificateExpires, func(s *Situation) { s.Parts.Certificates = certificates(-1) }, true, true},
		"4 unknown":                     {UnknownSends, func(s *Situation) { s.Tally[Counter{DayOf(midday, s.Day), trial.Automated, MailUnknown}] = 4 }, false, true},
		"5 unknown":                     {UnknownSends, func(s *Situation) { s.Tally[Counter{DayOf(midday, s.Day), trial.Automated, MailUnknown}] = 5 }, true, true},
		"9 found": {ReconcilerFinds, func(s *Situation) {
			s.Repairs[SlotOf(minutesOn(-5), s.Day)], s.Repairs[SlotOf(minutesOn(-50), s.Day)] = 4, 5
		}, false, true},
		"10 found": {ReconcilerFinds, func(s *Situation) {
			s.Repairs[SlotOf(minutesOn(-5), s.Day)], s.Repairs[SlotOf(minutesOn(-50), s.Day)] = 5, 5
		}, true, true},
		"10 found long ago":      {ReconcilerFinds, func(s *Situation) { s.Repairs[SlotOf(minutesOn(-80), s.Day)] = 10 }, false, true},
		"not counted":            {UnknownSends, func(s *Situation) { s.Counted = false }, false, false},
		"not counted, but asked": {SESPaused, func(s *Situation) { s.Counted, s.Parts.MaySend = false, new(false) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := situation()
			c.change(&s)
			require.Equal(t, c.fires, s.fires(t, c.id, midday))
			require.Equal(t, c.measured, Observe(c.id, s, midday).Value != nil)
		})
	}
	for _, id := range []RuleID{ConversionRateDropped, EmailDeliveryFailed, EmailDeliveryRateLow, MassTrialExpiration, UnknownSends} {
		s := situation()
		s.Counted = false
		require.Nil(t, Observe(id, s, midday).Value, id)
	}
	require.Equal(t, "not measured", Observe("other", situation(), midday).Text)
}

func TestASendCountsInItsSlotOnceItsOutcomeIsKnown(t *testing.T) {
	t.Parallel()
	slot := func(delivery string, status trial.SendStatus) (arrived, failed int) {
		tally := OfSend(trial.Send{Key: "k", ClaimedAt: midday, Status: status, Delivery: delivery}, trial.RealDay)
		return tally[Counter{SlotOf(midday, trial.RealDay), trial.Automated, MailArrived}], tally[Counter{SlotOf(midday, trial.RealDay), trial.Automated, MailFailed}]
	}
	for delivery, want := range map[string][2]int{"delivery": {1, 0}, "complaint": {1, 0}, "bounce": {0, 1}, "reject": {0, 1}, "delay": {0, 0}, "": {0, 0}} {
		arrived, failed := slot(delivery, trial.SendSent)
		require.Equal(t, want, [2]int{arrived, failed}, delivery)
	}
	_, failed := slot("", trial.SendRefused)
	require.Equal(t, 1, failed)
}
