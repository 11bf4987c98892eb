package cost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// Subject is a system with so many trials and without a worker, which would look after trials that have no workflow.
type Subject struct {
	*system.System
	meter   *Meter
	session http.Header
	// idle is the share of a processor that the API uses when nothing is asked of it.
	idle float64
}

// Start starts a system on a stack, behind a Meter, and fills its database.
func Start(ctx context.Context, embedded *stack.Stack, trials int, start func(context.Context, system.Options) (*system.System, error)) (*Subject, error) {
	m, err := NewMeter(ctx, embedded.MongoDB)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, system.Options{APIEnv: []string{"MONGODB_URI=" + m.URI}})
	if err != nil {
		return nil, err
	}
	s.StopWorker()
	if err := populate(ctx, embedded.MongoDB, s.Database, trials); err != nil {
		s.Stop()
		return nil, err
	}
	session, err := signIn(ctx, s)
	if err != nil {
		s.Stop()
		return nil, err
	}
	subject := &Subject{System: s, meter: m, session: session}
	if err := subject.rest(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return subject, nil
}

// rest finds out what the API uses when nothing is asked of it: it notes how it is, and the driver watches the server.
func (s *Subject) rest(ctx context.Context) error {
	const long = 5 * time.Second
	api, _ := s.Pids()
	before, err := processor(api)
	if err != nil {
		return err
	}
	if err := harness.Sleep(ctx, long); err != nil {
		return err
	}
	after, err := processor(api)
	s.idle = float64(after-before) / float64(long)
	return err
}

// Cost is what an address costs at one system.
type Cost struct {
	Usage
	// Processor is the API's, less what it would have used in the same time at rest: where the database takes longer, that is more.
	Processor time.Duration
	// Status is the answer's.
	Status int
}

// Ask asks for an address once. Bytes are those of the answer too.
func (s *Subject) Ask(ctx context.Context, a Address) (Cost, error) {
	api, _ := s.Pids()
	token := s.Secrets.AdminToken
	if strings.HasPrefix(a.Path, "/admin/") {
		token = ""
	}
	before, err := processor(api)
	if err != nil {
		return Cost{}, err
	}
	s.meter.Drain()
	began := time.Now()
	answer, err := system.Call(ctx, a.method(), s.API+a.Path, token, a.Body, s.session)
	if err != nil {
		return Cost{}, err
	}
	c := Cost{Usage: s.meter.Drain(), Status: answer.Status}
	after, err := processor(api)
	c.Processor, c.Bytes = max(0, after-before-time.Duration(s.idle*float64(time.Since(began)))), c.Bytes+len(answer.Body)
	if err == nil && answer.Status >= http.StatusInternalServerError && answer.Status != http.StatusServiceUnavailable {
		err = fmt.Errorf("%s is answered %d: %s", a.Path, answer.Status, answer.Body)
	}
	if strings.Contains(string(answer.Body), `name="token"`) {
		err = fmt.Errorf("%s asks to sign in", a.Path)
	}
	return c, err
}

// Compare asks two systems for an address by turns, so that whatever else the machine does meets both. Of commands and bytes it
// takes the fewest, as what a process does beside only adds; of the processor's time the median.
func Compare(ctx context.Context, few, many *Subject, a Address, turns int) (small, large Cost, err error) {
	var all [2][]Cost
	for turn := range turns + 1 {
		for i, s := range []*Subject{few, many} {
			c, err := s.Ask(ctx, a)
			if err != nil {
				return small, large, err
			}
			if turn > 0 { // the first may open connections
				all[i] = append(all[i], c)
			}
		}
	}
	return least(all[0]), least(all[1]), nil
}

func least(all []Cost) (c Cost) {
	c = slices.MinFunc(all, func(a, b Cost) int { return a.Bytes - b.Bytes })
	var took []time.Duration
	for _, one := range all {
		c.Commands = min(c.Commands, one.Commands)
		took = append(took, one.Processor)
	}
	slices.Sort(took)
	c.Processor = took[len(took)/2]
	return c
}

// signIn is the header that shows the pages to an admin.
func signIn(ctx context.Context, s *system.System) (http.Header, error) {
	form := url.Values{"token": {s.Secrets.AdminToken}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.API+"/admin/sign-in", strings.NewReader(form))
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.Do(r)
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	_ = res.Body.Close()
	if len(res.Cookies()) != 1 {
		return nil, fmt.Errorf("signing in: %s and no session", res.Status)
	}
	session := res.Cookies()[0]
	return http.Header{"Cookie": {session.Name + "=" + session.Value}}, nil
}
