// Bulk extends many trials in one operation on the embedded stack, kills the
// worker three times on the way, and undoes it. It fails where a trial was not extended
// exactly once, has no outcome, or does not get its old end back.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/bulkdrill"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// patience bounds an operation, and the beginning of a trial.
const patience = 2 * time.Hour

func main() {
	n := flag.Int("n", 10_000, "how many trials")
	automated := flag.Int("automated", 100, "how many of them are automated; each gets a welcome, at the rate of the mail service")
	perMinute := flag.Int("per-minute", 6_000, "the operation's rate")
	record := flag.String("record", "", "write the histories of the operations into this `folder`, for the replay tests")
	harness.Main("bulk", func(ctx context.Context, out io.Writer) error {
		return harness.WithStack(ctx, "bulk", func(env *harness.Env) error { return run(ctx, out, env, *n, *automated, *perMinute, *record) })
	})
}

func run(ctx context.Context, out io.Writer, env *harness.Env, n, automated, perMinute int, record string) error {
	began := time.Now()
	printf := func(format string, args ...any) {
		fmt.Fprintf(out, "%6s  %s\n", time.Since(began).Round(time.Second), fmt.Sprintf(format, args...))
	}
	s, err := env.System(ctx, "bulk", system.Options{Day: trial.RealDay})
	if err != nil {
		return err
	}
	defer s.Stop()
	printf("the system runs, its logs are in %s", s.LogDir)
	for _, share := range []struct{ from, to, percentage int }{{0, min(automated, n), 100}, {min(automated, n), n, 0}} {
		if err := register(ctx, s, share.from, share.to, share.percentage); err != nil {
			return err
		}
	}
	printf("%d trials have begun", n)
	temporal, err := client.Dial(client.Options{HostPort: env.Stack.Temporal, Namespace: s.Namespace})
	if err != nil {
		return fmt.Errorf("connecting to Temporal: %w", err)
	}
	defer temporal.Close()
	d := &bulkdrill.Drill{System: s, IDs: ids(0, n), PerMinute: perMinute, Wait: patience, Printf: printf}
	if err := d.Run(ctx, temporal); err != nil || record == "" {
		return err
	}
	return system.RecordBulk(ctx, temporal, func(operation, run int) string {
		return filepath.Join(record, fmt.Sprintf("bulk-of-%d-%d-%d.json.gz", n, operation, run))
	})
}

// register registers vendors while so many of a hundred are automated.
func register(ctx context.Context, s *system.System, from, to, percentage int) error {
	body := map[string]any{"enabled": true, "rolloutPercentage": percentage}
	if err := system.Check(s.Admin(ctx, http.MethodPost, "/api/admin/feature-flags/trial-automation/rollout", body)); err != nil {
		return err
	}
	d := &bulkdrill.Drill{System: s, IDs: ids(from, to), Wait: patience}
	return d.Register(ctx)
}

func ids(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("bulk-%05d", i))
	}
	return all
}
