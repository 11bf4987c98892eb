// Simulate shows what the judgements of rollouts and experiments do in worlds whose truth is
// known: how often they are wrong, and how soon they are right. With -csv it judges
// real vendors instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/simulation"
)

func main() {
	runs := flag.Int("runs", 80, "how many `times` to live through each world, thrice that where a case has only one")
	csv := flag.String("csv", "", "judge the real vendors of this `file`: vendor_id,registered_at,origin,segment,converted_at")
	only := flag.String("only", "", "live through the cases with this in their `name` alone")
	harness.Main("simulate", func(ctx context.Context, out io.Writer) error {
		if *runs < 1 {
			return fmt.Errorf("-runs must be at least 1, is %d", *runs)
		}
		check := func() (bool, error) { return simulate(ctx, out, *runs, *only) }
		if *csv != "" {
			check = func() (bool, error) { return reality(out, *csv) }
		}
		if all, err := check(); err != nil || all {
			return err
		}
		return errors.New("not everything showed that must")
	})
}

// experimentRuns is how many experiments are lived through for each rollout: they are quick.
const experimentRuns = 13

// simulate tells whether everything showed that must.
func simulate(ctx context.Context, out io.Writer, runs int, only string) (bool, error) {
	began, all := time.Now(), true
	const form = "| %-66s | %-32s | %-66s | %-3s |\n"
	fmt.Fprintf(out, form, "case", "must show", "shown", "ok")
	fmt.Fprintf(out, form, "---", "---", "---", "---")
	show := func(name string, runs int, check func(context.Context, int) (simulation.Row, error)) error {
		if !strings.Contains(name, only) {
			return nil
		}
		row, err := check(ctx, runs)
		if err != nil {
			return err
		}
		must, verdict := row.Must, "yes"
		if !row.OK {
			all, verdict = false, "NO"
		}
		if must == "" {
			must, verdict = "(for information)", ""
		}
		fmt.Fprintf(out, form, row.Name, must, row.Shown, verdict)
		return nil
	}
	for _, c := range simulation.Cases() {
		if err := show(c.Name, runs*max(3, len(c.Cells)), c.Check); err != nil {
			return false, err
		}
	}
	for _, c := range simulation.ExperimentCases() {
		if err := show(c.Name, runs*experimentRuns*len(c.Worlds), c.Check); err != nil {
			return false, err
		}
	}
	fmt.Fprintf(out, "\n%d runs of each world, thrice that where a case has only one, %d of an experiment's, in %s.\n",
		runs, runs*experimentRuns, time.Since(began).Round(time.Second))
	return all, nil
}

// reality judges real vendors, once with each limit.
func reality(out io.Writer, csv string) (bool, error) {
	file, err := os.Open(csv)
	if err != nil {
		return false, fmt.Errorf("opening the vendors: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	vendors, err := simulation.ReadVendors(file)
	if err != nil {
		return false, fmt.Errorf("reading the vendors of %s: %w", csv, err)
	}
	rows := append(simulation.Reality(vendors), simulation.RealExperiment(vendors))
	all := true
	fmt.Fprintf(out, "%s\n", vendors.Explanation())
	for _, r := range rows {
		must := r.Must + ": yes"
		switch {
		case r.Must == "":
			must = "(for information)"
		case !r.OK:
			all, must = false, r.Must+": NO"
		}
		fmt.Fprintf(out, "%s\n  must show: %s\n  shown:     %s\n", r.Name, must, r.Shown)
	}
	return all, nil
}
