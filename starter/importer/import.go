package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"marketplace.example/trials/client"
)

// DefaultPatience is how long a request is retried before the import stops.
const DefaultPatience = 2 * time.Minute

// watchEvery is the longest interval between calls of Watch.
const watchEvery = 200 * time.Millisecond

// Import is one run of a plan. All fields but Day, Watch and Report are required.
type Import struct {
	API      *client.ClientWithResponses
	Plan     Plan
	Identity Identity
	Journal  *Journal
	// Day is the length of a day; 0 takes the running system's.
	Day time.Duration
	// Concurrency bounds the concurrent requests; at least 1.
	Concurrency int
	// Patience is how long a request is retried before the import stops.
	Patience time.Duration
	// Watch receives the progress, several times a second.
	Watch func(Progress)
	// Report receives a line for each vendor that the system refuses, and for anything unexpected.
	Report func(string)
}

// task is one request to send.
type task struct {
	registration *Registration
	convert      bool
	due          time.Time
}

// outcome is the result of a task.
type outcome struct {
	task   *task
	answer registered // of a registration
	at     time.Time
	err    error
}

// run is a running Import. Only its loop accesses it; requests run concurrently.
type run struct {
	*Import
	caller *caller
	// began is when the clock showed the plan's beginning.
	began       time.Time
	next        int // the first registration that is not started
	conversions queue
	inFlight    map[*task]bool
	outcomes    chan outcome
	summary     Summary
	oddDay      bool
	failure     error
	probe       probe
}

// Run imports the plan from where its journal ends. The Summary is right even with an error, which is a failure of the whole
// system or the context's end. The import can then be run again.
func (r *Import) Run(ctx context.Context) (Summary, error) {
	started := time.Now()
	run := &run{
		Import: r, caller: &caller{api: r.API, patience: r.Patience},
		inFlight: make(map[*task]bool), outcomes: make(chan outcome, r.Concurrency),
		summary: NewSummary(r.Plan),
	}
	run.probe = probe{caller: run.caller, seen: make(chan time.Duration, 1)}
	if len(r.Plan.Registrations) == 0 {
		return run.summary, errors.New("there is no vendor to register")
	}
	err := run.prepare(ctx)
	if err == nil {
		err = run.loop(ctx)
	}
	run.summary.Elapsed = time.Since(started)
	run.summary.Day = run.Day
	run.summary.Complete = err == nil
	run.showProgress()
	return run.summary, err
}

// prepare reads the journal, learns the length of a day, and sets the clock.
func (r *run) prepare(ctx context.Context) error {
	if err := r.forget(ctx); err != nil {
		return err
	}
	if r.Day != 0 && r.Journal.Day != 0 && r.Day != r.Journal.Day {
		return fmt.Errorf("%w: a day lasted %s in it, and %s is asked for", ErrOtherImport, r.Journal.Day, r.Day)
	}
	r.Day = cmp.Or(r.Day, r.Journal.Day)
	if r.Journal.Day == 0 {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	r.recall()
	r.setClock()
	return nil
}

// setClock continues the clock from where it stopped: the next registration is due now. If every vendor is registered, the clock
// runs from the last one's registration.
func (r *run) setClock() {
	r.skipDone()
	if !r.began.IsZero() {
		return
	}
	at, last := time.Now(), len(r.Plan.Registrations)-1
	if r.next <= last {
		last = r.next
	} else if made := r.Journal.Entry(r.Plan.Registrations[last].VendorID).RegisteredAt; made != nil {
		at = *made
	}
	r.began = at.Add(-Compress(r.Plan.Registrations[last].After, r.Day))
}

// forget clears a journal of a system that has lost its data since.
func (r *run) forget(ctx context.Context) error {
	for _, registration := range r.Plan.Registrations {
		entry := r.Journal.Entry(registration.VendorID)
		if entry.RegisteredAt == nil {
			continue
		}
		known, err := r.caller.knows(ctx, registration.VendorID)
		if err != nil || known {
			return err
		}
		r.report("The system does not know vendor %s, which was registered before: its data is new, so the import begins anew.", registration.VendorID)
		return r.Journal.Clear()
	}
	return nil
}

// begin starts a journal. If the length of a day is not given, the answer to the first registration says it.
func (r *run) begin(ctx context.Context) error {
	if r.Day > 0 {
		return r.Journal.begin(r.Identity, r.Day)
	}
	var refusals []outcome
	for i := range r.Plan.Registrations {
		registration := &r.Plan.Registrations[i]
		o := outcome{task: &task{registration: registration, due: time.Now()}}
		o.answer, o.err = r.caller.register(ctx, registration.VendorID)
		switch {
		case o.err != nil && personal(o.err):
			refusals = append(refusals, o)
			continue
		case o.err != nil:
			return o.err
		case o.answer.day <= 0:
			return errors.New("the system does not tell how long its day lasts: say it with --day")
		}
		r.Day = o.answer.day
		r.began = o.task.due.Add(-Compress(registration.After, r.Day))
		return r.beginWith(append(refusals, o))
	}
	return errors.New("the system refused every vendor; the first: " + refusals[0].err.Error())
}

func (r *run) beginWith(outcomes []outcome) error {
	if err := r.Journal.begin(r.Identity, r.Day); err != nil {
		return err
	}
	for _, o := range outcomes {
		if err := r.Journal.add(o.entry()); err != nil {
			return err
		}
		if o.err != nil {
			r.reportRefusal(o)
		}
	}
	return nil
}

// recall counts what was done before, and queues the remaining conversions.
func (r *run) recall() {
	for i := range r.Plan.Registrations {
		registration := &r.Plan.Registrations[i]
		entry := r.Journal.Entry(registration.VendorID)
		r.summary.count(entry)
		if entry.RegisteredAt != nil {
			r.expectConversion(registration, *entry.RegisteredAt)
		}
	}
}

// skipDone moves next to the first registration that is neither done nor refused.
func (r *run) skipDone() {
	for r.next < len(r.Plan.Registrations) {
		entry := r.Journal.Entry(r.Plan.Registrations[r.next].VendorID)
		if entry.RegisteredAt == nil && entry.Refused == nil {
			return
		}
		r.next++
	}
}

// expectConversion queues a vendor's conversion at its distance from the registration.
func (r *run) expectConversion(registration *Registration, registeredAt time.Time) {
	entry := r.Journal.Entry(registration.VendorID)
	if !registration.Converts || entry.Converted || entry.Refused != nil {
		return
	}
	due := registeredAt.Add(Compress(registration.ConvertsAfter, r.Day))
	r.conversions.push(&task{registration: registration, convert: true, due: due})
}

// loop sends each request at its moment until none is left.
func (r *run) loop(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		wake := r.dispatch(ctx)
		if len(r.inFlight) == 0 && (r.failure != nil || ctx.Err() != nil || r.upcoming() == nil) {
			return cmp.Or(r.failure, ctx.Err())
		}
		timer := time.NewTimer(wake)
		select {
		case o := <-r.outcomes:
			r.settle(o)
		case late := <-r.probe.seen:
			r.probe.note(late)
			r.summary.LatestStep = max(r.summary.LatestStep, late)
		case <-timer.C:
		case <-ticker.C:
			r.probe.ask(ctx, time.Now())
		case <-r.interrupted(ctx):
		}
		timer.Stop()
		r.showProgress()
	}
}

// interrupted is the context's end, nil once it has ended.
func (r *run) interrupted(ctx context.Context) <-chan struct{} {
	if ctx.Err() != nil {
		return nil
	}
	return ctx.Done()
}

// dispatch sends the requests that are due, up to Concurrency, and returns the longest time until the next look.
func (r *run) dispatch(ctx context.Context) time.Duration {
	for len(r.inFlight) < r.Concurrency && r.failure == nil && ctx.Err() == nil {
		t := r.upcoming()
		if t == nil {
			break
		}
		if wait := time.Until(t.due); wait > 0 {
			return wait
		}
		r.start(ctx, t)
	}
	return time.Hour // an outcome comes earlier
}

// upcoming is the next task, nil if none is left.
func (r *run) upcoming() *task {
	var registration *task
	if r.next < len(r.Plan.Registrations) {
		next := &r.Plan.Registrations[r.next]
		registration = &task{registration: next, due: r.began.Add(Compress(next.After, r.Day))}
	}
	conversion := r.conversions.first()
	if conversion == nil || registration != nil && registration.due.Before(conversion.due) {
		return registration
	}
	return conversion
}

// start sends a task's request beside the loop.
func (r *run) start(ctx context.Context, t *task) {
	if t.convert {
		r.conversions.pop()
	} else {
		r.next++
		r.skipDone()
	}
	r.inFlight[t] = true
	go func() {
		o := outcome{task: t}
		if t.convert {
			o.err = r.caller.convert(ctx, t.registration.VendorID, t.dueAt())
		} else {
			o.answer, o.err = r.caller.register(ctx, t.registration.VendorID)
		}
		o.at = time.Now()
		r.outcomes <- o
	}()
}

// dueAt is the conversion's moment, zero for right after the registration.
func (t *task) dueAt() time.Time {
	if t.registration.ConvertsAfter == 0 {
		return time.Time{}
	}
	return t.due.UTC()
}

// settle records the result of a task.
func (r *run) settle(o outcome) {
	delete(r.inFlight, o.task)
	if errors.Is(o.err, context.Canceled) {
		return // the import was stopped: the next run repeats the task
	}
	if o.err != nil && !personal(o.err) {
		r.failure = cmp.Or(r.failure, fmt.Errorf("line %d, vendor %s: %w", o.task.registration.Line, o.task.registration.VendorID, o.err))
		return
	}
	entry := o.entry()
	if err := r.Journal.add(entry); err != nil {
		r.failure = cmp.Or(r.failure, err)
		return
	}
	r.summary.count(entry)
	r.summary.BiggestLag = max(r.summary.BiggestLag, o.at.Sub(o.task.due))
	switch {
	case o.err != nil:
		r.reportRefusal(o)
	case !o.task.convert:
		r.checkDay(o.answer)
		r.probe.follow(o.task.registration.VendorID, o.answer.at, r.Day)
		r.expectConversion(o.task.registration, o.answer.at)
	}
}

// checkDay reports once that the system's day differs from the import's: then the trials do not end as recorded.
func (r *run) checkDay(answer registered) {
	if !answer.fresh || answer.day <= 0 || answer.day == r.Day || r.oddDay {
		return
	}
	r.oddDay = true
	r.report("A day of the system lasts %s, one of this import %s: conversions come at the wrong moments of the trials.", answer.day, r.Day)
}
