package test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

func TestAVendorInsertedStraightIntoTheCollectionIsTakenIn(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	object := bson.NewObjectID()
	keys := map[string]any{s.vendor("kelly"): s.vendor("kelly"), object.Hex(): object}
	for id, key := range keys {
		s.insert(bson.M{"_id": key, "isVendor": true, "email": email(id), "name": "Kelly", "createdAt": time.Now(), "shop": bson.M{"plan": "free"}})
	}
	buyer := s.vendor("buyer")
	s.insert(bson.M{"_id": buyer, "isVendor": false, "email": email(buyer), "name": "Buyer"})
	for id, key := range keys {
		s.takenIn(key, id)
	}
	require.Equal(t, 2, s.count(bson.M{"trialAutomation": bson.M{"$exists": true}}), "a buyer has no trial")
	require.False(t, s.hasStarted(buyer))
}

func (s *scenario) insert(doc bson.M) {
	s.t.Helper()
	_, err := s.database.Collection("users").InsertOne(s.ctx, doc)
	require.NoError(s.t, err)
}

// takenIn checks that the vendor has a trial like everybody's, and that of its
// document nothing else was touched.
func (s *scenario) takenIn(key any, id string) {
	s.t.Helper()
	s.awaitMail(aSweep, id, "welcome/0")
	var doc struct {
		Name, Email    string
		Shop           bson.M
		CreatedAt      time.Time                       `bson:"createdAt"`
		TrialStartDate time.Time                       `bson:"trialStartDate"`
		Automation     struct{ Cohort, Status string } `bson:"trialAutomation"`
	}
	require.NoError(s.t, s.database.Collection("users").FindOne(s.ctx, bson.M{"_id": key}).Decode(&doc))
	require.Equal(s.t, doc.CreatedAt, doc.TrialStartDate)
	require.Equal(s.t, "automated", doc.Automation.Cohort)
	require.Equal(s.t, "active", doc.Automation.Status)
	require.Equal(s.t, bson.M{"plan": "free"}, doc.Shop)
	require.Equal(s.t, email(id), doc.Email)
	s.convert(id)
	s.awaitStatus(soon, id, trial.Converted)
}

func TestFlagsDoWhatTheirNamesSay(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	s.patch("trialAutomation", "emailReminders", false)
	s.patch("trialAutomation", "autoExpiration", false)
	held := s.vendor("held")
	s.register(held)
	s.patch("trialAutomation", "rolloutPercentage", 0)
	control := s.vendor("control")
	s.register(control)

	s.untracked()
	s.adminToolsOff()

	s.awaitHeld(wholeLife, []string{held}, trial.ReasonExpirationOff)
	require.Equal(t, []string{"welcome/0"}, s.mails(held), "reminders were skipped")
	for _, kind := range []trial.Kind{"reminder-7d", "reminder-3d", "reminder-1d"} {
		require.Equal(t, trial.ReasonRemindersOff, reasons(s.known(held).Trial)[kind])
	}
	s.patch("trialAutomation", "autoExpiration", true)
	s.awaitStatus(wholeLife, held, trial.Expired)
	require.Equal(t, []string{"welcome/0", "expiry/0", "grace-end/0"}, s.mails(held))
	s.awaitStatus(wholeLife, control, trial.Expired)
	require.Empty(t, s.mails(control), "the control cohort hears nothing")
}

// untracked shows that with conversionTracking off a conversion ends the
// trial, and the figures leave it out.
func (s *scenario) untracked() {
	s.t.Helper()
	s.patch("trialAutomation", "conversionTracking", false)
	id := s.vendor("bruno")
	s.register(id)
	s.convert(id)
	s.awaitStatus(soon, id, trial.Converted)
	events := s.known(id).Events
	last := events[len(events)-1]
	require.Equal(s.t, trial.EventConverted, last.Type)
	require.True(s.t, last.Untracked)
}

func (s *scenario) adminToolsOff() {
	s.t.Helper()
	id := s.vendor("elisa")
	s.register(id)
	s.patch("adminTools", "trialExtension", false)
	s.forbidden(id, "extend", "adminTools.trialExtension")
	s.patch("adminTools", "enabled", false)
	s.forbidden(id, "cancel", "adminTools.enabled")
	require.Equal(s.t, trial.Active, s.known(id).Trial.Status)
	s.patch("adminTools", "enabled", true)
	a, err := s.steer(id, "cancel", 0)
	s.answered(http.StatusOK, a, err)
	s.awaitStatus(soon, id, trial.Cancelled)
}

// steer asks as an admin for a change of a trial.
func (s *scenario) steer(id, message string, days int) (system.Answer, error) {
	body := map[string]any{"reason": "asked in a scenario"}
	if days > 0 {
		body["days"] = days
	}
	return s.Admin(s.ctx, http.MethodPost, "/api/admin/trials/"+id+"/"+message, body)
}

func (s *scenario) forbidden(id, message, flag string) {
	s.t.Helper()
	days := 0
	if message == "extend" {
		days = 3
	}
	a, err := s.steer(id, message, days)
	s.answered(http.StatusForbidden, a, err)
	require.Contains(s.t, readProblem(s.t, a).Detail, flag)
}

func TestLateConversionAndRevive(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("hugo")
	s.register(id)
	s.awaitStatus(wholeLife, id, trial.Expired)

	a, err := s.steer(id, "revive", 2)
	s.answered(http.StatusOK, a, err)
	var o trial.Overview
	require.NoError(t, a.Into(&o))
	require.Equal(t, trial.Active, o.Status)
	require.Equal(t, 1, o.Revision)
	eventually(t, wholeLife, func() error {
		if o := s.known(id).Trial; o.Status != trial.Expired || o.Revision != 1 {
			return fmt.Errorf("the revived trial is %s", o.Status)
		}
		return nil
	})
	revived := slices.Concat(whole, []string{"reminder-1d/1", "expiry/1", "grace-end/1"})
	require.Equal(t, revived, s.mails(id))

	s.convert(id)
	eventually(t, soon, func() error {
		if !s.known(id).Trial.ConvertedLate {
			return fmt.Errorf("the late conversion of %s is not on record", id)
		}
		return nil
	})
	require.Equal(t, trial.Expired, s.known(id).Trial.Status, "a late conversion revives nothing")
	a, err = s.steer(id, "revive", 2)
	s.answered(http.StatusConflict, a, err)
	require.Equal(t, revived, s.mails(id))
}

func TestMigrationValidationQueries(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	s.StopWorker() // before the deployment nobody looks after vendors
	for i := range 3 {
		id := s.vendor(fmt.Sprintf("old%d", i))
		s.insert(bson.M{"_id": id, "isVendor": true, "email": email(id), "name": "Old", "createdAt": time.Now()})
	}
	s.insert(bson.M{"_id": s.vendor("buyer"), "isVendor": false, "email": email("buyer")})
	automated := bson.M{"trialAutomation": bson.M{"$exists": true}}
	undated := bson.M{"isVendor": true, "trialStartDate": bson.M{"$exists": false}}
	require.Equal(t, 0, s.count(automated))
	require.Equal(t, 3, s.count(undated))

	require.NoError(t, s.StartWorker(s.ctx))
	eventually(t, aSweep, func() error {
		if n := s.count(undated); n > 0 {
			return fmt.Errorf("%d vendors have no trial's start", n)
		}
		return nil
	})
	require.Equal(t, 3, s.count(automated))
}

// count is what the requirements' `find(query).count()` answers: the command count.
func (s *scenario) count(query bson.M) int {
	s.t.Helper()
	var answer struct {
		N int `bson:"n"`
	}
	command := bson.D{{Key: "count", Value: "users"}, {Key: "query", Value: query}}
	require.NoError(s.t, s.database.RunCommand(s.ctx, command).Decode(&answer))
	return answer.N
}
