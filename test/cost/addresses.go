package cost

import (
	"cmp"
	"net/http"

	"marketplace.example/trials/internal/domain/trial"
)

// Address is something that is asked for.
type Address struct {
	// Route is that of the page, or of the API's description, that it belongs to.
	Route string
	// Path is with its query.
	Path string
	// Method is GET where it is empty, and Body what is sent.
	Method string
	Body   any
	// Grows says why it may cost more where there are more trials; empty where it must not.
	Grows string
}

func (a Address) method() string { return cmp.Or(a.Method, http.MethodGet) }

// byEmbedded is why an experiment may cost more here.
const byEmbedded = "the embedded database cannot add up an experiment's days, so the API reads them"

// Addresses are one or more of each page and of each list of the API.
func Addresses() (all []Address) {
	add := func(route string, paths ...string) {
		for _, path := range paths {
			all = append(all, Address{Route: route, Path: path})
		}
		if len(paths) == 0 {
			all = append(all, Address{Route: route, Path: route})
		}
	}
	addPages(add)
	addLists(add)
	for i := range all {
		switch all[i].Route {
		case "/admin/trials.csv":
			all[i].Grows = "it is all of the list"
		case "/admin/experiments", "/admin/experiments/{experiment}", "/admin/experiments/{experiment}/end", "/api/admin/experiments/{experimentId}":
			all[i].Grows = byEmbedded
		}
	}
	search := func(by string, value string) Address {
		return Address{Route: "/api/admin/vendors/search", Path: "/api/admin/vendors/search", Method: http.MethodPost, Body: map[string]string{by: value}}
	}
	return append(all, search("email", vendorID(7)+"@example.com"), search("name", "Shop 00000"))
}

func addPages(add func(route string, paths ...string)) {
	id, operation, session := vendorID(30), operationID(3), sessionKey(1).ID()
	for _, route := range []string{
		"/admin/", "/admin/signed-in", "/admin/evidence", "/admin/decisions", "/admin/vendors", "/admin/mail", "/admin/bulk/start", "/admin/rollout/forecast", "/admin/rollout/calendar",
		"/admin/rollout/start", "/admin/stop", "/admin/experiments", "/admin/experiments/start", "/admin/policies", "/admin/flags", "/admin/tokens", "/admin/backups", "/admin/settings",
		"/admin/canary", "/admin/sessions", "/admin/trials.csv",
	} {
		add(route)
	}
	trials := []string{"/admin/trials", "/admin/trials?after=" + vendorID(500), "/admin/trials?held=yes", "/admin/trials?held=no", "/admin/trials?policy=standard-14d",
		"/admin/trials?experiment=" + experimentID, "/admin/trials?experiment=" + experimentID + "&arm=a"}
	for _, status := range trial.Statuses() {
		trials = append(trials, "/admin/trials?status="+string(status))
	}
	for _, cohort := range trial.Cohorts() {
		trials = append(trials, "/admin/trials?cohort="+string(cohort))
	}
	add("/admin/trials", trials...)
	suppressions := []string{"/admin/suppressions"}
	for _, cause := range trial.Causes() {
		suppressions = append(suppressions, "/admin/suppressions?cause="+string(cause))
	}
	add("/admin/suppressions", suppressions...)
	add("/admin/audit", "/admin/audit", "/admin/audit?cursor=500", "/admin/audit?actor=support-1", "/admin/audit?outcome=refused", "/admin/audit?subject=trials/"+id, "/admin/audit?subject=trials")
	add("/admin/figures", "/admin/figures", "/admin/figures?days=7", "/admin/figures?days=90")
	add("/admin/trials/{id}", "/admin/trials/"+id)
	add("/admin/trials/{id}/vendor", "/admin/trials/"+id+"/vendor")
	for _, control := range []string{"extend", "shorten", "cancel", "revive", "policy"} {
		add("/admin/trials/{id}/{control:extend|shorten|cancel|revive|policy}", "/admin/trials/"+id+"/"+control)
	}
	add("/admin/trials/{id}/emails/{kind}/{revision}", "/admin/trials/"+id+"/emails/welcome/0")
	add("/admin/trials/{id}/emails/{kind}/{revision}/frame", "/admin/trials/"+id+"/emails/welcome/0/frame")
	add("/admin/trials/{id}/emails/{kind}/{revision}/resend", "/admin/trials/"+id+"/emails/welcome/0/resend")
	add("/admin/suppressions/{id}", "/admin/suppressions/"+id)
	add("/admin/mail/{kind}", "/admin/mail/welcome")
	add("/admin/mail/{kind}/frame", "/admin/mail/welcome/frame")
	add("/admin/bulk", "/admin/bulk", "/admin/bulk?cursor="+operationID(60))
	add("/admin/bulk/{operation}", "/admin/bulk/"+operation)
	add("/admin/bulk/{operation}/items", "/admin/bulk/"+operation+"/items")
	for _, control := range []string{"start", "pause", "resume", "stop", "undo"} {
		add("/admin/bulk/{operation}/{control:start|pause|resume|stop|undo}", "/admin/bulk/"+operation+"/"+control)
	}
	for _, control := range []string{"pause", "resume", "advance", "rollback", "set-percentage"} {
		add("/admin/rollout/{control:pause|resume|advance|rollback|set-percentage}", "/admin/rollout/"+control)
	}
	add("/admin/rollout/{control:waive}/{check}", "/admin/rollout/waive/backup")
	add("/admin/rollout/{control:tick}/{criterion}", "/admin/rollout/tick/feedback-positive")
	add("/admin/experiments/{experiment}", "/admin/experiments/"+experimentID)
	add("/admin/experiments/{experiment}/end", "/admin/experiments/"+experimentID+"/end")
	add("/admin/flags/{flag:trialAutomation.enabled|trialAutomation.rolloutPercentage}", "/admin/flags/trialAutomation.enabled", "/admin/flags/trialAutomation.rolloutPercentage?value=50")
	add("/admin/flags/{flag}", "/admin/flags/trialAutomation.autoExpiration", "/admin/flags/adminTools.enabled")
	add("/admin/tokens/{token:[0-9a-f]{16}}/revoke", "/admin/tokens/"+tokenID()+"/revoke")
	add("/admin/sessions/{session:[0-9a-f]{16}}/end", "/admin/sessions/"+session+"/end")
	add("/admin/alerts", "/admin/alerts", "/admin/alerts?days=90")
	add("/admin/zone", "/admin/zone")
	add("/admin/alerts/{alert}", "/admin/alerts/workerAway")
	for _, control := range []string{"acknowledge", "silence", "unsilence"} {
		add("/admin/alerts/{alert}/{control:acknowledge|silence|unsilence}", "/admin/alerts/workerAway/"+control)
	}
}

func addLists(add func(route string, paths ...string)) {
	id := vendorID(30)
	for _, route := range []string{
		"/api/admin/monitoring/dashboard", "/api/admin/monitoring/trials/metrics", "/api/admin/monitoring/trials/health", "/api/admin/monitoring/alerts", "/api/admin/policies",
		"/api/admin/experiments", "/api/admin/monitoring/canary", "/api/admin/feature-flags", "/api/admin/tokens", "/healthz", "/readyz", "/api/openapi.yaml", "/api/docs",
	} {
		add(route)
	}
	add("/api/vendors/{id}", "/api/vendors/"+id)
	add("/api/vendors/{id}/feedback", "/api/vendors/"+id+"/feedback")
	add("/api/admin/vendors/{id}/export", "/api/admin/vendors/"+id+"/export")
	add("/api/admin/suppressions", "/api/admin/suppressions", "/api/admin/suppressions?cause=bounce&limit=60")
	add("/api/admin/trials", "/api/admin/trials", "/api/admin/trials?status=active", "/api/admin/trials?cohort=control&limit=200", "/api/admin/trials?cursor="+vendorID(500))
	add("/api/admin/trials/{id}", "/api/admin/trials/"+id)
	add("/api/admin/trials/{id}/emails/{kind}/{revision}", "/api/admin/trials/"+id+"/emails/welcome/0")
	add("/api/admin/bulk", "/api/admin/bulk")
	add("/api/admin/bulk/{operationId}", "/api/admin/bulk/"+operationID(3))
	add("/api/admin/bulk/{operationId}/items", "/api/admin/bulk/"+operationID(3)+"/items")
	add("/api/admin/monitoring/alerts/{alert}/history", "/api/admin/monitoring/alerts/workerAway/history")
	add("/api/admin/experiments/{experimentId}", "/api/admin/experiments/"+experimentID)
	add("/api/admin/audit", "/api/admin/audit", "/api/admin/audit?actor=support-1", "/api/admin/audit?limit=100&cursor=600")
	add("/api/admin/rollouts/{rolloutId}", "/api/admin/rollouts/current", "/api/admin/rollouts/"+rolloutID)
	add("/api/admin/rollouts/{rolloutId}/feedback", "/api/admin/rollouts/"+rolloutID+"/feedback")
	add("/api/admin/rollouts/{rolloutId}/decisions", "/api/admin/rollouts/"+rolloutID+"/decisions")
	add("/api/admin/rollouts/{rolloutId}/reports", "/api/admin/rollouts/"+rolloutID+"/reports")
	add("/api/admin/rollouts/{rolloutId}/reports/{reportId}", "/api/admin/rollouts/"+rolloutID+"/reports/none")
	// What vendors open is found by what their links say; a wrong one is as far as the API reads without.
	add("/unsubscribe/{token}", "/unsubscribe/none")
	add("/feedback/{token}", "/feedback/none")
	add("/guide/{token}", "/guide/none")
}
