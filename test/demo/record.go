package main

import (
	"context"
	"fmt"
	"path/filepath"

	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// record writes the history of every run of every case to a folder, one file a
// run, for the replay tests: these are the paths through the workflow.
func (d *demo) record(ctx context.Context, dir string) error {
	c, err := client.Dial(client.Options{HostPort: d.system.Stack.Temporal})
	if err != nil {
		return fmt.Errorf("connecting to Temporal: %w", err)
	}
	defer c.Close()
	for _, f := range d.cases {
		file := func(run int) string { return filepath.Join(dir, fmt.Sprintf("%s-%d.json", f.id, run)) }
		if err := system.Record(ctx, c, trial.WorkflowID(f.id), file); err != nil {
			return fmt.Errorf("recording %s: %w", f.id, err)
		}
	}
	return nil
}
