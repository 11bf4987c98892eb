package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// Another marketplace's policy keeps its hour on the vendor's clock, and its quiet days, in days of real length.
func TestAPolicyOfOnesOwnKeepsToTheVendorsClock(t *testing.T) {
	t.Parallel()
	month := trial.Policy{
		Name: "month", LengthDays: 30, ReminderDays: []int{7, 2}, GraceDays: 2, SendHour: 8, QuietDays: []trial.QuietDay{"sat", "sun", "2026-03-25"},
		Mailings: []trial.Mailing{
			{ID: "half-way", After: trial.AfterStart, Days: 15, Template: "half-way", Unless: []trial.Condition{trial.UnlessConverted}},
			{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "win-back", Unless: []trial.Condition{trial.UnlessConverted}},
		},
	}
	for zone, began := range map[string]string{"America/Sao_Paulo": "12:00", "Asia/Dubai": "19:00"} { // when it is 15:00 in UTC
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			loc, err := time.LoadLocation(zone)
			require.NoError(t, err)
			w := newWorldUnder(t, trial.Automated, month)
			w.vendor.Zone = zone
			require.Equal(t, trial.Expired, w.run().Status)
			var got []string
			for _, m := range w.mails {
				got = append(got, m.step+" "+m.at.In(loc).Format("Mon 2 Jan 15:04"))
			}
			require.Equal(t, []string{
				"welcome Mon 2 Mar " + began, "half-way Tue 17 Mar 08:00",
				"reminder-7d Tue 24 Mar 08:00", // the day before, as its own is quiet
				"reminder-2d Mon 30 Mar 08:00", "expiry Wed 1 Apr " + began, "grace-end Fri 3 Apr " + began, "win-back Fri 10 Apr 08:00",
			}, got)
		})
	}
}
