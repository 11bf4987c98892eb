package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"marketplace.example/trials/test/stack"
)

// together is how many scenarios run at once. They wait most of the time,
// so that is more than there are cores; with more than these, two cores are busy
// all the time, and e-mails late.
const together = "4"

// record is the folder that the histories of rollouts and bulk operations are
// written to, for the replay tests; empty for none.
var record = flag.String("record", "", "write the histories of the scenarios' rollouts and bulk operations into this `folder`, for the replay tests")

// embedded is the stack that all scenarios share; each has a database and a
// namespace of its own on it.
var embedded *stack.Stack

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runScenarios(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
		code = 1
	}
	os.Exit(code)
}

func runScenarios(m *testing.M) (code int, err error) {
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", together); err != nil {
			return 1, fmt.Errorf("running scenarios in parallel: %w", err)
		}
	}
	if embedded, err = stack.Start(context.Background()); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, embedded.Stop()
}
