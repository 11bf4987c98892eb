package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// onDatabase is an API on a store that takes its time, and whose audit record several write at once.
func onDatabase(t *testing.T) *api {
	t.Helper()
	a := makeAPI(t, options{silent: true})
	a.store.takes = 3 * time.Millisecond
	a.store.audits.appender = audit.NewAppender(a.store, func(int) {})
	return a
}

// Two hundred changes at once are all carried out and settled, and what stops something waits for none of them.
func TestWhatStopsSomethingIsNotBehindTwoHundredChanges(t *testing.T) {
	t.Parallel()
	const off = `{"enabled":false,"rolloutPercentage":0}`
	for name, stop := range map[string]struct{ method, path, body string }{
		"disabled":          {http.MethodPost, rolloutPath, off},
		"lowered":           {http.MethodPost, rolloutPath, `{"enabled":true,"rolloutPercentage":50}`},
		"disabled by patch": {http.MethodPatch, flagsPath, `{"featureFlags":{"trialAutomation":{"enabled":false}}}`},
		"revoked":           {http.MethodDelete, "/api/admin/tokens/0123456789abcdef", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				timed := func(a *api) (int, time.Duration) {
					pressed := time.Now()
					answer := a.inside(stop.method, stop.path, "", stop.body)
					return answer.Code, time.Since(pressed)
				}
				status, idle := timed(onDatabase(t))
				a := onDatabase(t)
				const many = 200
				statuses, began := make([]int, many), time.Now()
				var all sync.WaitGroup
				for i := range many {
					all.Go(func() {
						statuses[i] = a.inside(http.MethodPatch, flagsPath, "", fmt.Sprintf(`{"featureFlags":{"monitoring":{"alerting":%t}}}`, i%2 == 0)).Code
					})
				}
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // in a bubble
				amid, took := timed(a)
				require.Equal(t, status, amid)
				require.Less(t, took, 3*idle)
				all.Wait()
				require.Greater(t, time.Since(began), 10*took, "there was much to be behind")
				for _, status := range statuses {
					require.Equal(t, http.StatusOK, status)
				}
				require.Len(t, a.store.Record, 2*(many+1))
				requireWhole(t, a.store.Record)
			})
		})
	}
}

// On a slow machine the last of many changes waits for long, and has time enough left to be carried out.
func TestTheLastOfManyChangesHasTimeEnough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := onDatabase(t)
		a.store.takes = 83 * time.Millisecond
		statuses, began := make([]int, 200), time.Now()
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() {
				statuses[i] = a.inside(http.MethodPatch, flagsPath, "", fmt.Sprintf(`{"featureFlags":{"monitoring":{"alerting":%t}}}`, i%2 == 0)).Code
			})
		}
		all.Wait()
		require.Greater(t, time.Since(began), 16*time.Second)
		for _, status := range statuses {
			require.Equal(t, http.StatusOK, status)
		}
	})
}

// A database that takes what it is told and answers nothing any more holds up no answer for longer than is said, whenever
// the change came and whatever it waited for; and nothing that may be stored is called undone.
func TestAnswersComeInTimeWhereTheDatabaseDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := onDatabase(t)
		a.store.takes = 350 * time.Millisecond
		a.store.silent = time.Now().Add(20 * time.Second)
		took, answers := make([]time.Duration, 120), make([]string, 120)
		var all sync.WaitGroup
		for i := range took {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 500 * time.Millisecond) //nolint:forbidigo // in a bubble
				began := time.Now()
				answer := a.inside(http.MethodPatch, flagsPath, fmt.Sprintf("k-%d", i), fmt.Sprintf(`{"featureFlags":{"monitoring":{"alerting":%t}}}`, i%2 == 0))
				took[i], answers[i] = time.Since(began), answer.Body.String()
			})
		}
		all.Wait()
		longest := slices.Max(took)
		require.LessOrEqual(t, longest, rest.AnswersWithin)
		require.Greater(t, longest, rest.ChangeTimeout+audit.WriteLimit, "something was waited for")
		require.Contains(t, answers[slices.Index(took, longest)], "It is not known whether this was carried out")
		require.Error(t, a.app.Close(t.Context()), "what is owed cannot be written down")
	})
}

// Nothing takes longer than a change that is carried out as its time ends, whose trial does not hear of it, whose key is
// not settled, and what became of which waits for another entry.
func TestTheLongestAnswerComesInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const inTime, telling, settling, little = rest.ChangeTimeout - 100*time.Millisecond, 1500 * time.Millisecond, 5 * time.Second, 50 * time.Millisecond
		a := onDatabase(t)
		a.store.takes, a.store.erases = 0, inTime
		a.workflows.deaf = true
		a.store.VendorsByID["v-1"] = trial.Vendor{ID: "v-1", Automation: &trial.Automation{Cohort: trial.Automated}}
		began := time.Now()
		a.store.silent = began.Add(inTime)
		var other sync.WaitGroup
		other.Go(func() {
			time.Sleep(inTime + telling + settling - little) //nolint:forbidigo // in a bubble
			_, err := a.store.AppendAudit(t.Context(), audit.Entry{Action: "another"})
			require.Error(t, err)
		})
		answer := a.inside(http.MethodPost, erasePath, "k-1", `{"reason":"asked for it"}`)
		took := time.Since(began)
		other.Wait()
		require.Contains(t, answer.Body.String(), "this was carried out, but what became of it could not be put on the audit record yet")
		require.LessOrEqual(t, took, rest.AnswersWithin)
		require.Greater(t, took, rest.AnswersWithin-time.Second, "all of it was waited for")
		require.Error(t, a.app.Close(t.Context()), "what is owed cannot be written down")
	})
}

// The pages are told what is known of a change that could not be carried out, or not be put on record.
func TestThePagesShowWhatIsKnownOfAFailedChange(t *testing.T) {
	t.Parallel()
	for says, trouble := range map[string]func(*api){
		"This could not be put on the audit record, so nothing was done; try again.": func(a *api) {
			a.store.audits.fails = func(audit.Entry) error { return errUnavailable }
		},
		"This was carried out, but what became of it could not be put on the audit record yet; repeating it is safe.": func(a *api) {
			a.store.audits.fails = outcomesUnavailable
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := makeAPI(t, options{silent: true})
			trouble(a)
			err := a.app.ChangeAlertRecorded(t.Context(), monitoring.WorkerAway, monitoring.AlertRequest{ID: "k-2", Control: monitoring.ControlUnsilence, Reason: "r"})
			require.Equal(t, says, app.Certain(app.ErrorOf(err)))
			_ = a.app.Close(t.Context()) // what is owed may not be written
		})
	}
}

// The rollout's own stops go first too, over the routes and from the pages.
func TestPauseAndRollbackAreNotBehindOtherChanges(t *testing.T) {
	t.Parallel()
	for _, pages := range []bool{false, true} {
		for _, name := range []string{rollout.SignalPause, rollout.SignalRollback} {
			synctest.Test(t, func(t *testing.T) {
				a := onDatabase(t)
				a.store.takes = 0
				a.enter(t)
				a.store.takes = 3 * time.Millisecond
				var all sync.WaitGroup
				for i := range 200 {
					all.Go(func() {
						a.inside(http.MethodPatch, flagsPath, "", fmt.Sprintf(`{"featureFlags":{"monitoring":{"alerting":%t}}}`, i%2 == 0))
					})
				}
				time.Sleep(100 * time.Millisecond) //nolint:forbidigo // in a bubble
				pressed := time.Now()
				if pages {
					require.NoError(t, a.app.SteerRolloutRecorded(t.Context(), "current", name, flags.Request{ID: "k-1", Reason: "harm"}))
				} else {
					body := map[string]string{rollout.SignalPause: because, rollout.SignalRollback: `{"percentage":0,"reason":"harm"}`}[name]
					answer := a.inside(http.MethodPost, rolloutsPath+"/current/"+name, "k-1", body)
					require.Equal(t, http.StatusAccepted, answer.Code, answer.Body)
				}
				require.Less(t, time.Since(pressed), 200*time.Millisecond)
				all.Wait()
				requireWhole(t, a.store.Record)
			})
		}
	}
}

// An outcome that cannot be written at once is written as soon as that is possible, and once: also
// where it had arrived and only its answer was lost.
func TestAnOutcomeThatCannotBeWrittenIsWrittenLater(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*audits, func(audit.Entry) error){
		"it did not arrive": func(s *audits, f func(audit.Entry) error) { s.fails = f },
		"it had arrived":    func(s *audits, f func(audit.Entry) error) { s.lost = f },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := makeAPI(t, options{silent: true})
				trouble(&a.store.audits, outcomesUnavailable)
				answer := a.inside(http.MethodPatch, flagsPath, "", changing["patchFeatureFlags"])
				require.Equal(t, http.StatusServiceUnavailable, answer.Code)
				require.Contains(t, answer.Body.String(), "this was carried out")
				time.Sleep(time.Minute) //nolint:forbidigo // in a bubble
				synctest.Wait()
				a.store.Lock() // it is tried meanwhile
				trouble(&a.store.audits, nil)
				a.store.Unlock()
				time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble
				synctest.Wait()
				record := a.store.Record
				require.Len(t, record, 2)
				requireWhole(t, record)
				require.Equal(t, audit.Done, record[1].Outcome)
				require.NoError(t, a.app.Close(t.Context()))
			})
		})
	}
}

// outcomesUnavailable has the database be away when an outcome is to be written.
func outcomesUnavailable(e audit.Entry) error {
	if e.Outcome != audit.Pending {
		return errUnavailable
	}
	return nil
}

// A process may end while an outcome is being written down.
func TestClosingWhileAnOutcomeIsBeingWrittenDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := makeAPI(t, options{silent: true})
		a.store.audits.fails = outcomesUnavailable
		require.Equal(t, http.StatusServiceUnavailable, a.inside(http.MethodPatch, flagsPath, "", changing["patchFeatureFlags"]).Code)
		a.store.Lock()
		a.store.audits.fails, a.store.takes = nil, 500*time.Millisecond
		a.store.Unlock()
		time.Sleep(1200 * time.Millisecond) //nolint:forbidigo // in a bubble: the next attempt is under way
		require.NoError(t, a.app.Close(t.Context()))
		synctest.Wait()
		require.Len(t, a.store.Record, 2)
		requireWhole(t, a.store.Record)
	})
}

// A process that ends writes down what it still can.
func TestClosingWritesDownWhatIsOwed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := makeAPI(t, options{silent: true})
		a.store.audits.fails = outcomesUnavailable
		a.inside(http.MethodPatch, flagsPath, "", changing["patchFeatureFlags"])
		a.store.audits.fails = nil
		require.NoError(t, a.app.Close(t.Context()))
		require.Len(t, a.store.Record, 2)
		requireWhole(t, a.store.Record)
		synctest.Wait()
	})
}

// What panics has failed, and its entry says so.
func TestAChangeThatPanicsIsSettled(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.store.breaks = "secret of the inside"
	a.ask(extendPath, "k-1", threeDays).problem(http.StatusInternalServerError)
	require.Len(t, a.store.Record, 2)
	requireWhole(t, a.store.Record)
	require.Equal(t, audit.Failed, a.store.Record[1].Outcome)
}

// While adminTools.enabled is false admins change nothing but what stops something, answer alerts, and
// may switch it on again.
func TestWithoutAdminToolsOnlyStoppingRemains(t *testing.T) {
	t.Parallel()
	remain := map[string]bool{"rollBackRollout": true, "pauseRollout": true, "acknowledgeAlert": true, "pauseBulkOperation": true, "stopBulkOperation": true, "revokeToken": true}
	changesOf(t, func(a *api, operation string, r request) {
		a.store.Document.FeatureFlags.AdminTools.Enabled = false
		before := a.store.Document
		writes, content := a.store.written()
		answer := a.call(r)
		if remain[operation] {
			require.NotEqual(t, http.StatusForbidden, answer.status, "%s: %s", operation, answer.body)
			return
		}
		if operation == "patchFeatureFlags" { // it lowers
			require.Equal(t, http.StatusOK, answer.status, "%s", answer.body)
			return
		}
		p := answer.problem(http.StatusForbidden)
		require.Contains(t, *p.Detail, "adminTools.enabled is false", operation)
		again, after := a.store.written()
		require.Equal(t, writes, again, operation)
		require.Equal(t, content, after, operation)
		require.Equal(t, before, a.store.Document, operation)
		require.Equal(t, audit.Refused, a.store.Record[1].Outcome, operation)
	})
}

func TestWithoutAdminToolsTheFlagsAreOnlyLowered(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"trialAutomation":{"enabled":false}}`:                                      http.StatusOK,
		`{"trialAutomation":{"rolloutPercentage":10}}`:                               http.StatusOK,
		`{"trialAutomation":{"emailReminders":false}}`:                               http.StatusOK,
		`{"adminTools":{"enabled":true}}`:                                            http.StatusOK,
		`{"adminTools":{"enabled":true},"trialAutomation":{"enabled":false}}`:        http.StatusOK,
		`{"trialAutomation":{"rolloutPercentage":30}}`:                               http.StatusForbidden,
		`{"adminTools":{"enabled":true},"trialAutomation":{"rolloutPercentage":30}}`: http.StatusForbidden,
		`{"trialAutomation":{"enabled":false,"rolloutPercentage":30}}`:               http.StatusOK,
		`{"trialAutomation":{"conversionTracking":false}}`:                           http.StatusForbidden,
		`{"monitoring":{"alerting":false}}`:                                          http.StatusForbidden,
		`{"adminTools":{"bulkOperations":false}}`:                                    http.StatusForbidden,
	} {
		a := newAPI(t)
		a.store.Document.FeatureFlags.TrialAutomation.Enabled = true
		a.store.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 25
		a.store.Document.FeatureFlags.AdminTools.Enabled = false
		answer := a.call(request{method: http.MethodPatch, path: flagsPath, token: adminToken, body: `{"featureFlags":` + body + `}`})
		require.Equal(t, want, answer.status, "%s: %s", body, answer.body)
	}
	for body, want := range map[string]int{
		`{"enabled":false,"rolloutPercentage":0}`: http.StatusOK, `{"enabled":false,"rolloutPercentage":100}`: http.StatusOK, `{"enabled":true,"rolloutPercentage":24}`: http.StatusOK,
		`{"enabled":true,"rolloutPercentage":26}`: http.StatusForbidden,
	} {
		a := newAPI(t)
		a.store.Document.FeatureFlags.TrialAutomation.Enabled = true
		a.store.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 25
		a.store.Document.FeatureFlags.AdminTools.Enabled = false
		require.Equal(t, want, a.post(rolloutPath, adminToken, body).status, body)
	}
}
