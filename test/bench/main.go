// Bench shows that what pages and monitors read costs the same however many
// trials there are: each address is asked by turns of a system with 1,000
// trials and of one with 100,000, on the same embedded stack, and the medians
// are compared. It fails where the larger takes more than 1.2 times as long.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// limit is how many times as long the larger system may take.
const limit = 1.2

// paths are what is asked for.
var paths = []string{
	"/api/admin/monitoring/trials/health",
	"/api/admin/monitoring/trials/metrics",
	"/api/admin/monitoring/dashboard",
	"/admin/",
}

func main() {
	few := flag.Int("few", 1_000, "trials of the small system")
	many := flag.Int("many", 100_000, "trials of the large system")
	turns := flag.Int("turns", 101, "how often each address is asked")
	harness.Main("bench", func(ctx context.Context, out io.Writer) error {
		return harness.WithStack(ctx, "bench", func(env *harness.Env) error { return run(ctx, out, env, *few, *many, *turns) })
	})
}

func run(ctx context.Context, out io.Writer, env *harness.Env, few, many, turns int) error {
	small, err := populated(ctx, out, env, "few", few)
	if err != nil {
		return err
	}
	defer small.Stop()
	large, err := populated(ctx, out, env, "many", many)
	if err != nil {
		return err
	}
	defer large.Stop()
	slow := 0
	for _, path := range paths {
		ratio, err := compare(ctx, out, small, large, path, turns)
		if err != nil {
			return err
		}
		if ratio > limit {
			slow++
		}
	}
	if slow > 0 {
		return fmt.Errorf("%d of %d addresses take more than %.1f times as long", slow, len(paths), limit)
	}
	return nil
}

// populated is a system with so many trials, and without a worker.
func populated(ctx context.Context, out io.Writer, env *harness.Env, name string, trials int) (*system.System, error) {
	s, err := env.System(ctx, "bench-"+name, system.Options{})
	if err != nil {
		return nil, err
	}
	s.StopWorker() // it would look after trials that have no workflow
	began := time.Now()
	if err := populate(ctx, env.Stack.MongoDB, s.Database, trials); err != nil {
		s.Stop()
		return nil, err
	}
	fmt.Fprintf(out, "%7d trials stored in %s\n", trials, time.Since(began).Round(time.Second))
	return s, nil
}

// compare asks by turns, so that whatever else the machine does meets both, and
// answers with the ratio of the medians.
func compare(ctx context.Context, out io.Writer, small, large *system.System, path string, turns int) (float64, error) {
	var took [2][]time.Duration
	var sessions [2]http.Header
	for i, s := range []*system.System{small, large} {
		session, err := signIn(ctx, s)
		if err != nil {
			return 0, err
		}
		sessions[i] = session
	}
	for turn := range turns + 5 {
		for i, s := range []*system.System{small, large} {
			began := time.Now()
			answer, err := system.Call(ctx, http.MethodGet, s.API+path, s.Secrets.AdminToken, nil, sessions[i])
			if err != nil {
				return 0, err
			}
			if answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
				return 0, fmt.Errorf("%s answers %d: %s", path, answer.Status, answer.Body)
			}
			if bytes.Contains(answer.Body, []byte(`name="token"`)) {
				return 0, fmt.Errorf("%s asks to sign in", path)
			}
			if turn >= 5 { // the first ones open connections
				took[i] = append(took[i], time.Since(began))
			}
		}
	}
	few, many := median(took[0]), median(took[1])
	ratio := float64(many) / float64(few)
	fmt.Fprintf(out, "%-45s %8s %8s   %.2f times\n", path, few.Round(10*time.Microsecond), many.Round(10*time.Microsecond), ratio)
	return ratio, nil
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

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
