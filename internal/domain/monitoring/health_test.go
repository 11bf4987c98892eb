package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
)

var now = time.Date(2026, 3, 10, 3, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

// well are the probes of a system that is well while a rollout runs.
func well() Probes {
	quick := Reply{Took: 3 * time.Millisecond}
	return Probes{
		MongoDB: quick, Temporal: quick, Flags: quick,
		Worker: WorkerProbe{
			Queue: quick, TaskQueue: TaskQueue{Polled: ago(20 * time.Second), Waiting: 1},
			Noted: quick, Processes: []Process{{Role: RoleWorker, Instance: "w1", Samples: []Sample{{At: ago(5 * time.Second)}}}},
		},
		Mail:       MailProbe{Reply: quick, MailAccount: MailAccount{Sending: true, Sent: 100, Quota: 1000}},
		Watch:      WatchProbe{Reply: quick, Running: true, Began: ago(time.Hour), Day: 24 * time.Hour, Last: ago(time.Minute)},
		Reconciler: ReconcilerProbe{Reply: quick, Last: ago(10 * time.Second)},
	}
}

func TestASystemThatIsWell(t *testing.T) {
	t.Parallel()
	h := Assess(well(), Health{}, now)
	require.Equal(t, Healthy, h.State)
	require.Equal(t, now, h.At)
	require.Len(t, h.Parts, 7)
	for _, p := range h.Parts {
		require.Equal(t, Healthy, p.State, "%+v", p)
		require.NotEmpty(t, p.Message, p.Name)
		require.Empty(t, p.Action, p.Name)
		require.Equal(t, now, p.Since, p.Name)
	}
}

// sampled lets the worker have sampled itself so long ago.
func sampled(p *Probes, d time.Duration) { p.Worker.Processes[0].Samples[0].At = ago(d) }

func TestEachPartAtItsEdges(t *testing.T) {
	t.Parallel()
	missed := 3*rollout.WatchEvery(24*time.Hour) + rollout.WatchSlack
	cases := map[string]struct {
		part    string
		change  func(*Probes)
		state   State
		message string
		overall State
	}{
		"MongoDB is quick enough": {PartMongoDB, func(p *Probes) { p.MongoDB.Took = slowMongoDB }, Healthy, "answered after 500ms", Healthy},
		"MongoDB is slow":         {PartMongoDB, func(p *Probes) { p.MongoDB.Took = slowMongoDB + time.Millisecond }, Degraded, "answered after 501ms, which is later than 500ms", Degraded},
		"MongoDB is away":         {PartMongoDB, func(p *Probes) { p.MongoDB = Reply{Took: 1200 * time.Millisecond, Failure: NoAnswer} }, Unhealthy, "no answer after 1.2s", Unhealthy},
		"MongoDB refuses us":      {PartMongoDB, func(p *Probes) { p.MongoDB.Failure = Broken }, Unhealthy, "answered with an error after 3ms", Unhealthy},

		"Temporal is quick enough":      {PartTemporal, func(p *Probes) { p.Temporal.Took = slowTemporal }, Healthy, "answered after 600ms", Healthy},
		"Temporal is slow":              {PartTemporal, func(p *Probes) { p.Temporal.Took = slowTemporal + time.Millisecond }, Degraded, "answered after 601ms, which is later than 600ms", Degraded},
		"Temporal is away":              {PartTemporal, func(p *Probes) { p.Temporal.Failure = NoAnswer }, Unhealthy, "no answer after 3ms", Unhealthy},
		"Temporal knows no namespace":   {PartTemporal, func(p *Probes) { p.Temporal.Failure = NotThere }, Unhealthy, "it answers, but does not have our namespace", Unhealthy},
		"the queue cannot be described": {PartWorker, func(p *Probes) { p.Worker.Queue.Failure = NoAnswer }, Unknown, "unknown, because Temporal does not report who polls the task queue", Degraded},

		"no worker ever polled":             {PartWorker, func(p *Probes) { p.Worker.Polled = time.Time{} }, Unhealthy, "no worker has polled the task queue in the last minutes", Unhealthy},
		"an idle worker polls rarely":       {PartWorker, func(p *Probes) { p.Worker.Polled = ago(pollMissing) }, Healthy, "last polled 1m10s ago, 1 task waits", Healthy},
		"a worker that lives does not poll": {PartWorker, func(p *Probes) { p.Worker.Polled = ago(pollMissing + time.Second) }, Unhealthy, "no worker has polled the task queue for 1m11s", Unhealthy},
		"a worker was just stopped":         {PartWorker, func(p *Probes) { p.Worker.Polled = ago(45 * time.Second); sampled(p, 45*time.Second) }, Healthy, "last polled 45s ago, 1 task waits", Healthy},
		"a worker has been stopped":         {PartWorker, func(p *Probes) { p.Worker.Polled = ago(46 * time.Second); sampled(p, 50*time.Second) }, Unhealthy, "no worker has given a sign of life for 46s", Unhealthy},
		"samples stopped, polls did not":    {PartWorker, func(p *Probes) { sampled(p, time.Hour) }, Healthy, "last polled 20s ago, 1 task waits", Healthy},
		"the database does not say the samples": {PartWorker, func(p *Probes) {
			p.Worker.Polled, p.Worker.Noted.Failure = ago(time.Minute), NoAnswer
			p.Worker.Processes = nil
		}, Healthy, "last polled 1m0s ago, 1 task waits", Healthy},
		"only the API gives signs of life": {PartWorker, func(p *Probes) { p.Worker.Polled = ago(time.Minute); p.Worker.Processes[0].Role = RoleAPI }, Unhealthy, "no worker has given a sign of life for 1m0s", Unhealthy},
		"a task waits for a minute":        {PartWorker, func(p *Probes) { p.Worker.Oldest = taskWaits }, Healthy, "last polled 20s ago, 1 task waits", Healthy},
		"tasks wait for longer":            {PartWorker, func(p *Probes) { p.Worker.Oldest, p.Worker.Waiting = taskWaits+time.Second, 40 }, Degraded, "40 tasks wait for a worker, the first for 1m1s", Degraded},

		"SES is silent":           {PartMail, func(p *Probes) { p.Mail.Failure = NoAnswer }, Unknown, "SES does not report the account's status: no answer", Degraded},
		"SES paused us":           {PartMail, func(p *Probes) { p.Mail.Sending = false }, Unhealthy, "SES has paused sending for the account", Unhealthy},
		"just below the quota":    {PartMail, func(p *Probes) { p.Mail.Sent = 799 }, Healthy, "sending is enabled, 799 of 1000 e-mails in 24 hours (80 %)", Healthy},
		"near the quota":          {PartMail, func(p *Probes) { p.Mail.Sent = 800 }, Degraded, "sending is enabled, 800 of 1000 e-mails in 24 hours (80 %)", Degraded},
		"at the quota":            {PartMail, func(p *Probes) { p.Mail.Sent = 1000 }, Unhealthy, "the day's quota is used up: 1000 of 1000 e-mails in 24 hours", Unhealthy},
		"an account with nothing": {PartMail, func(p *Probes) { p.Mail.Sent, p.Mail.Quota = 0, 0 }, Unhealthy, "the day's quota is used up: 0 of 0 e-mails in 24 hours", Unhealthy},
		"an account without end":  {PartMail, func(p *Probes) { p.Mail.Quota = -1 }, Healthy, "sending is enabled, 100 e-mails in 24 hours without a limit", Healthy},

		"the templates were broken": {PartMail, func(p *Probes) {
			p.Worker.Processes[0].Fault = "mail/en/welcome.yaml: line 3: subject: is empty"
		}, Degraded, "the changed MAIL_TEMPLATES is wrong: mail/en/welcome.yaml: line 3: subject: is empty", Degraded},
		"a worker that is gone had broken ones": {PartMail, func(p *Probes) {
			p.Worker.Processes[0].Fault = "x"
			sampled(p, 46*time.Second)
		}, Healthy, "sending is enabled, 100 of 1000 e-mails in 24 hours (10 %)", Healthy},

		"the rollout's workflow is gone":     {PartWatch, func(p *Probes) { p.Rollout.Gone = true }, Unhealthy, "the database says that a rollout runs, but its workflow is gone", Unhealthy},
		"the rollout's tasks fail":           {PartWatch, func(p *Probes) { p.Rollout.Attempts = 7 }, Unhealthy, "the rollout's workflow fails its tasks, 7 attempts so far: requests to it wait", Unhealthy},
		"a worker was stopped":               {PartWatch, func(p *Probes) { p.Rollout.Attempts = 2 }, Healthy, "last ran 1m0s ago", Healthy},
		"a rollout ended, with its workflow": {PartWatch, func(p *Probes) { p.Watch, p.Rollout.Gone = WatchProbe{}, true }, Healthy, "no rollout runs", Healthy},
		"no rollout runs":                    {PartWatch, func(p *Probes) { p.Watch = WatchProbe{} }, Healthy, "no rollout runs", Healthy},
		"a rollout has just begun":           {PartWatch, func(p *Probes) { p.Watch.Began, p.Watch.Last = ago(time.Second), time.Time{} }, Healthy, "a rollout has begun, its first watch is due", Healthy},
		"the first watch does not come":      {PartWatch, func(p *Probes) { p.Watch.Last = time.Time{} }, Unhealthy, "a rollout runs, and its watch has not run for 1h0m0s; it is due every 10m0s", Unhealthy},
		"the watch is just in time":          {PartWatch, func(p *Probes) { p.Watch.Last = ago(missed) }, Healthy, "last ran 30m20s ago", Healthy},
		"the watch is missing":               {PartWatch, func(p *Probes) { p.Watch.Last = ago(missed + time.Second) }, Unhealthy, "a rollout runs, and its watch has not run for 30m21s; it is due every 10m0s", Unhealthy},
		"the watch cannot be read":           {PartWatch, func(p *Probes) { p.Watch.Failure = NoAnswer }, Unknown, "unknown, because MongoDB does not answer", Degraded},

		"no sweep yet":               {PartReconciler, func(p *Probes) { p.Reconciler.Last = time.Time{} }, Unknown, "no sweep is on record", Degraded},
		"a sweep is just in time":    {PartReconciler, func(p *Probes) { p.Reconciler.Last = ago(sweepLate) }, Healthy, "the last sweep ended 2m0s ago; it is due every 30 s", Healthy},
		"a sweep is late":            {PartReconciler, func(p *Probes) { p.Reconciler.Last = ago(sweepLate + time.Second) }, Degraded, "the last sweep ended 2m1s ago; it is due every 30 s", Degraded},
		"a sweep is nearly missing":  {PartReconciler, func(p *Probes) { p.Reconciler.Last = ago(sweepMissing) }, Degraded, "the last sweep ended 11m0s ago; it is due every 30 s", Degraded},
		"a sweep is missing":         {PartReconciler, func(p *Probes) { p.Reconciler.Last = ago(sweepMissing + time.Second) }, Unhealthy, "the last sweep ended 11m1s ago; it is due every 30 s", Unhealthy},
		"the flags cannot be read":   {PartFlags, func(p *Probes) { p.Flags.Failure = Broken }, Unhealthy, "the flag document cannot be read", Unhealthy},
		"the flags are not answered": {PartFlags, func(p *Probes) { p.Flags.Failure = NoAnswer }, Unknown, "unknown, because MongoDB does not answer", Degraded},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			probes := well()
			c.change(&probes)
			h := Assess(probes, Health{}, now)
			part := h.Part(c.part)
			require.Equal(t, c.state, part.State)
			require.Equal(t, c.message, part.Message)
			require.Equal(t, c.state == Healthy, part.Action == "", "what to do: %q", part.Action)
			require.Equal(t, c.overall, h.State)
		})
	}
}

// With MongoDB away it alone is named; what is known through it is not blamed.
func TestOnlyTheCulpritIsUnhealthy(t *testing.T) {
	t.Parallel()
	unavailable := Reply{Took: 1200 * time.Millisecond, Failure: NoAnswer}
	p := well()
	p.MongoDB, p.Flags, p.Watch.Reply, p.Reconciler.Reply, p.Worker.Noted = unavailable, unavailable, unavailable, unavailable, unavailable
	p.Worker.Processes, p.Reconciler.Last = nil, time.Time{}
	states := map[string]State{}
	for _, part := range Assess(p, Health{}, now).Parts {
		states[part.Name] = part.State
	}
	require.Equal(t, map[string]State{
		PartMongoDB: Unhealthy, PartTemporal: Healthy, PartWorker: Healthy, PartMail: Healthy, PartWatch: Unknown, PartReconciler: Unknown, PartFlags: Unknown,
	}, states)
}

func TestSinceWhen(t *testing.T) {
	t.Parallel()
	first := Assess(well(), Health{}, now)
	p := well()
	p.MongoDB.Failure = NoAnswer
	second := Assess(p, first, now.Add(time.Second))
	require.Equal(t, now.Add(time.Second), second.Part(PartMongoDB).Since, "the state has changed")
	require.Equal(t, now, second.Part(PartTemporal).Since, "the state is the same")
	third := Assess(p, second, now.Add(2*time.Second))
	require.Equal(t, now.Add(time.Second), third.Part(PartMongoDB).Since)

	p = well()
	p.Worker.Polled = ago(5 * time.Minute)
	require.Equal(t, ago(5*time.Minute), Assess(p, first, now).Part(PartWorker).Since, "the facts tell since when")
}
