package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"marketplace.example/trials/test/stack"
)

// together is how many stories are told at once. They wait most of the time,
// so that is more than there are cores; with more than these, two cores are busy
// all the time, and e-mails late.
const together = "3"

// record is the folder that the histories of rollouts and bulk operations are
// written to, for the replay tests; empty for none.
var record = flag.String("record", "", "write the histories of the stories' rollouts and bulk operations into this `folder`, for the replay tests")

// embedded is the stack that all stories share; each has a database and a
// namespace of its own on it.
var embedded *stack.Stack

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := tell(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "stories:", err)
		code = 1
	}
	os.Exit(code)
}

func tell(m *testing.M) (code int, err error) {
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", together); err != nil {
			return 1, fmt.Errorf("telling stories in parallel: %w", err)
		}
	}
	if embedded, err = stack.Start(context.Background()); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, embedded.Stop()
}
