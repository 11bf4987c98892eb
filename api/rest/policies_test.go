package rest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// offered are the built-in policy, and one of 30 days for Brazil.
func offered() policy.Set {
	set := policy.BuiltIn()
	set.Policies = append(set.Policies, trial.Policy{
		Name: "brazil-30d", LengthDays: 30, ReminderDays: []int{10, 2}, GraceDays: 5, SendHour: 8, QuietDays: []trial.QuietDay{"sun"},
		Mailings: []trial.Mailing{{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "win-back", Unless: trial.Conditions()}},
	})
	set.Rules = []policy.Rule{{When: map[string]string{"country": "BR"}, Policy: "brazil-30d"}}
	return set
}

func TestPoliciesAreListed(t *testing.T) {
	t.Parallel()
	require.Equal(t, policy.BuiltIn(), into[policy.Set](newAPI(t).get("/api/admin/policies", adminToken), http.StatusOK))
	a := makeAPI(t, options{policies: new(offered())})
	require.Equal(t, offered(), into[policy.Set](a.get("/api/admin/policies", adminToken), http.StatusOK))
}

func TestAVendorGetsItsPolicyAtItsRegistration(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	with := func(id, more string) string {
		return strings.NewReplacer("v-1", id, "}", more+"}").Replace(`{"id":"v-1","email":"v-1@example.com","name":"A shop"}`)
	}
	for id, c := range map[string]struct {
		more string
		name string
		by   trial.PolicyBy
	}{
		"v-default": {"", "standard-14d", trial.PolicyByDefault},
		"v-named":   {`,"policy":"brazil-30d"`, "brazil-30d", trial.PolicyNamed},
		"v-rule":    {`,"attributes":{"country":"BR","plan":"pro"}`, "brazil-30d", trial.PolicyByRule},
		"v-neither": {`,"attributes":{"country":"US"}`, "standard-14d", trial.PolicyByDefault},
	} {
		got := into[rest.VendorTrial](a.post("/api/vendors", serviceToken, with(id, c.more)), http.StatusCreated)
		want, _ := offered().Of(c.name)
		require.Equal(t, want, got.Policy.Terms, id)
		require.Equal(t, string(c.by), got.Policy.By, id)
		require.Equal(t, c.name, got.Trial.Policy, id)
		require.Equal(t, present.AddDate(0, 0, want.LengthDays), got.Trial.EndsAt, id)
		stored := a.store.VendorsByID[id].Automation
		require.Equal(t, c.name, stored.Policy, id)
		require.Equal(t, got, into[rest.VendorTrial](a.get("/api/vendors/"+id, serviceToken), http.StatusOK), id)
		require.Equal(t, got, into[rest.VendorTrial](a.post("/api/vendors", serviceToken, with(id, c.more)), http.StatusOK), id)
		a.post("/api/vendors", serviceToken, with(id, `,"attributes":{"country":"AR"}`)).problem(http.StatusConflict)
	}
	require.Equal(t, trial.Attributes{"country": "BR", "plan": "pro"}, a.store.VendorsByID["v-rule"].Automation.Attributes)

	export := into[rest.VendorExport](a.get("/api/admin/vendors/v-rule/export", adminToken), http.StatusOK)
	require.Equal(t, trial.Attributes{"country": "BR", "plan": "pro"}, export.Registration.Attributes)
	require.Equal(t, http.StatusOK, a.post("/api/admin/vendors/v-rule/erase", adminToken, `{"reason":"asked for it"}`).status)
	export = into[rest.VendorExport](a.get("/api/admin/vendors/v-rule/export", adminToken), http.StatusOK)
	require.Nil(t, export.Registration.Attributes)
}

func TestARegistrationWithAPolicyThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	before, _ := a.store.written()
	p := a.post("/api/vendors", serviceToken, `{"id":"v-1","email":"a@example.com","name":"A","policy":"gold"}`).problem(http.StatusBadRequest)
	require.Contains(t, *p.Detail, "standard-14d, brazil-30d")
	require.Equal(t, "policy", *p.Field)
	for _, attributes := range []string{`{"Country":"BR"}`, `{"contact":"a@example.com"}`, `{"country":""}`, `{"country":"B\nR"}`, `{"country":7}`} {
		require.Equal(t, http.StatusBadRequest,
			a.post("/api/vendors", serviceToken, `{"id":"v-1","email":"a@example.com","name":"A","attributes":`+attributes+`}`).status, attributes)
	}
	after, _ := a.store.written()
	require.Equal(t, before, after)
}

func TestATrialIsMovedToAnotherPolicy(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	ends := a.register().Trial.EndsAt
	const path = "/api/admin/trials/v-1/policy"
	moved := into[rest.Trial](a.ask(path, "k-1", `{"policy":"brazil-30d","reason":"asked by sales"}`), http.StatusOK)
	require.Equal(t, "brazil-30d", moved.Policy)
	require.Equal(t, "standard-14d", moved.RegisteredPolicy)
	require.Equal(t, ends.AddDate(0, 0, 16).Add(-time.Hour), moved.EndsAt, "the clocks in Paris change in between")
	require.Equal(t, moved, into[rest.Trial](a.ask(path, "k-1", `{"policy":"brazil-30d","reason":"asked by sales"}`), http.StatusOK))
	a.ask(path, "k-1", `{"policy":"standard-14d","reason":"asked by sales"}`).problem(http.StatusUnprocessableEntity)

	record := a.store.Record[1]
	require.JSONEq(t, `{"policy":"brazil-30d"}`, string(record.Asked))
	require.Contains(t, record.Before, `"policy":"standard-14d"`)
	require.Contains(t, record.After, `"policy":"brazil-30d"`)
	shown := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Equal(t, offered().Policies[1], shown.Policy.Terms)
	require.Equal(t, "standard-14d", *shown.Policy.Registered)

	before, _ := a.store.written()
	p := a.ask(path, "k-2", `{"policy":"gold","reason":"r"}`).problem(http.StatusBadRequest)
	require.Equal(t, "policy", *p.Field)
	require.Contains(t, *p.Detail, "is none of the policies: standard-14d, brazil-30d")
	p = a.ask(path, "k-3", `{"policy":"brazil-30d","reason":"r"}`).problem(http.StatusConflict)
	require.Contains(t, *p.Detail, "has this policy already")
	after, _ := a.store.written()
	require.Equal(t, before, after)
}

func TestABulkOperationMovesToAPolicyThatIsOffered(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	a.register()
	for body, field := range map[string]string{
		`{"action":"policy","ids":["v-1"],"policy":"gold","reason":"r"}`:                "policy",
		`{"action":"policy","ids":["v-1"],"reason":"r"}`:                                "policy",
		`{"action":"cancel","ids":["v-1"],"policy":"brazil-30d","reason":"r"}`:          "policy",
		`{"action":"policy","ids":["v-1"],"policy":"brazil-30d","days":3,"reason":"r"}`: "days",
	} {
		require.Equal(t, field, *a.ask("/api/admin/bulk", "k-"+field, body).problem(http.StatusBadRequest).Field, body)
	}
	view := into[rest.BulkView](a.ask("/api/admin/bulk", "k-1", `{"action":"policy","ids":["v-1"],"policy":"brazil-30d","reason":"r"}`), http.StatusAccepted)
	require.Equal(t, &offered().Policies[1], view.Operation.Policy, "as it was when it was asked for")
}
