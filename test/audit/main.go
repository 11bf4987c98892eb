// The audit holds what a running system did against what it should have done:
// every vendor in the database against the e-mails in the mailbox, and the
// counters behind the figures against the collections. It computes nothing with the product's own code. Run it once the trials that
// are of interest have ended; it reads .dev/stack.json.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/test/harness"
)

func main() {
	stackFile := flag.String("stack", ".dev/stack.json", "the `file` that describes the running stack")
	day := flag.Duration("day", 2*time.Second, "how long a day lasts there")
	slack := flag.Duration("slack", 0, "how near a conversion to a step makes either outcome right (default: half a day)")
	harness.Main("audit", func(ctx context.Context, out io.Writer) error {
		return run(ctx, out, *stackFile, *day, cmp.Or(*slack, *day/2))
	})
}

func run(ctx context.Context, out io.Writer, stackFile string, day, slack time.Duration) error {
	raw, err := os.ReadFile(stackFile)
	if err != nil {
		return fmt.Errorf("reading where the stack is: %w", err)
	}
	var where struct{ MongoDB, Mailbox string }
	if err := json.Unmarshal(raw, &where); err != nil {
		return fmt.Errorf("reading %s: %w", stackFile, err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(where.MongoDB))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	db := client.Database("marketplace")
	vendors, err := readVendors(ctx, db)
	if err != nil {
		return err
	}
	counted, err := countedFigures(ctx, db)
	if err != nil {
		return err
	}
	truth, err := trueFigures(ctx, db)
	if err != nil {
		return err
	}
	mails, err := countMails(ctx, where.Mailbox)
	if err != nil {
		return err
	}
	f := judge(vendors, mails, rules{day: day, slack: slack, now: time.Now()})
	f.compareFigures(counted, truth)
	f.print(out)
	if len(f.complaints) > 0 {
		return fmt.Errorf("%d complaints", len(f.complaints))
	}
	return nil
}
