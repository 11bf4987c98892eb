// Bench shows that what pages and lists cost the API stays the same however many trials there are: each is asked for by turns of a
// system with 1,000 trials and of one with 100,000, on the same embedded stack, and commands to the database, bytes and the API's
// processor time are compared. The database's own time does not count: the embedded one has no indexes but over _id. It fails
// where commands or bytes are more than 1.2 times as much. Processor time depends on what else the machine does: it is shown, and
// marked where it is more.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/test/cost"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// limit is how many times as much the larger system may take.
const limit = 1.2

func main() {
	few := flag.Int("few", 1_000, "trials of the small system")
	many := flag.Int("many", 100_000, "trials of the large system")
	turns := flag.Int("turns", 9, "how often each address is asked")
	only := flag.String("only", "", "ask only for addresses with this `text` in them")
	harness.Main("bench", func(ctx context.Context, out io.Writer) error {
		return harness.WithStack(ctx, "bench", func(env *harness.Env) error {
			small, err := populated(ctx, out, env, "few", *few)
			if err != nil {
				return err
			}
			defer small.Stop()
			large, err := populated(ctx, out, env, "many", *many)
			if err != nil {
				return err
			}
			defer large.Stop()
			return compare(ctx, out, small, large, *only, *turns)
		})
	})
}

func populated(ctx context.Context, out io.Writer, env *harness.Env, name string, trials int) (*cost.Subject, error) {
	began := time.Now()
	s, err := cost.Start(ctx, env.Stack, trials, func(ctx context.Context, o system.Options) (*system.System, error) {
		return env.System(ctx, "bench-"+name, o)
	})
	if err == nil {
		fmt.Fprintf(out, "%7d trials stored in %s\n", trials, time.Since(began).Round(time.Second))
	}
	return s, err
}

func compare(ctx context.Context, out io.Writer, small, large *cost.Subject, only string, turns int) error {
	fmt.Fprintf(out, "%-75s %6s %14s %20s %25s\n", "", "status", "commands", "bytes", "processor")
	grew := 0
	addresses := cost.Addresses()
	// What reads all there is comes last: the embedded database may be at it for long after the API has given up.
	slices.SortStableFunc(addresses, func(a, b cost.Address) int { return cmp.Compare(a.Grows, b.Grows) })
	for _, a := range addresses {
		if !strings.Contains(a.Path, only) {
			continue
		}
		few, many, err := cost.Compare(ctx, small, large, a, turns)
		if err != nil {
			return err
		}
		ratios := [...]float64{ratio(few.Commands, many.Commands), ratio(few.Bytes, many.Bytes), ratio(int(few.Processor), int(many.Processor))}
		note := ""
		switch worst := max(ratios[0], ratios[1], ratios[2]); {
		case few.Status != many.Status:
			note = fmt.Sprintf("FAILED: the larger answers %d", many.Status)
			grew++
		case worst > limit && a.Grows != "":
			note = "grows: " + a.Grows
		case max(ratios[0], ratios[1]) > limit:
			note = "MORE"
			grew++
		case worst > limit:
			note = "processor"
		}
		fmt.Fprintf(out, "%-75s %6d %4d %4d %4.2f %7d %7d %4.2f %8s %8s %4.2f %s\n", a.Path, few.Status, few.Commands, many.Commands, ratios[0], few.Bytes, many.Bytes, ratios[1],
			few.Processor.Round(time.Microsecond), many.Processor.Round(time.Microsecond), ratios[2], note)
	}
	if grew > 0 {
		return fmt.Errorf("%d addresses cost more than %.1f times as many commands or bytes", grew, limit)
	}
	return nil
}

// ratio is 1 where both are nothing.
func ratio(few, many int) float64 {
	if few == many {
		return 1
	}
	return float64(many) / float64(max(few, 1))
}
