// Dev runs the whole product on the embedded stack until it is interrupted:
// the stack, the API and the worker, three processes, none of them restarted.
// Data, logs, addresses and tokens are kept in .dev/.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

func main() { harness.Main("dev", run) }

// description is .dev/stack.json, from which the starter and people read where
// everything is.
type description struct {
	API          string         `json:"api"`
	Dashboard    string         `json:"dashboard"`
	Temporal     string         `json:"temporal"`
	TemporalUI   string         `json:"temporalUI"`
	MongoDB      string         `json:"mongodb"`
	Mailbox      string         `json:"mailbox"`
	AdminToken   string         `json:"adminToken"`
	ServiceToken string         `json:"serviceToken"`
	Pids         map[string]int `json:"pids"`
}

func run(ctx context.Context, out io.Writer) (err error) {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	home := cmp.Or(os.Getenv("DEV_DIR"), filepath.Join(root, ".dev"))
	described := filepath.Join(home, "stack.json")
	if err := errors.Join(os.MkdirAll(filepath.Join(home, "data"), 0o700), remove(described)); err != nil {
		return fmt.Errorf("preparing %s: %w", home, err)
	}
	day, err := dayLength()
	if err != nil {
		return err
	}
	secrets, err := keptSecrets(filepath.Join(home, "secrets.json"))
	if err != nil {
		return err
	}
	ports, err := choosePorts(os.Getenv)
	if err != nil {
		return err
	}
	embedded, err := stack.Start(ctx, "--dir", filepath.Join(home, "data"),
		"--temporal-port", ports["TEMPORAL_PORT"], "--ui-port", ports["TEMPORAL_UI_PORT"],
		"--mongodb-port", ports["MONGODB_PORT"], "--mailbox-port", ports["MAILBOX_PORT"])
	if ctx.Err() != nil {
		return nil // ended before it was ready, as asked
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, embedded.Stop()) }()
	apiAddr := "127.0.0.1:" + ports["API_PORT"]
	s, err := system.Start(ctx, system.Options{
		Stack: embedded, Day: day, APIAddr: apiAddr, LogDir: home, Secrets: secrets,
		// Links in the inbox work, and canaries come.
		Env: []string{"PUBLIC_URL=http://" + apiAddr, "CANARY_ADDRESS=" + canary.Simulator},
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := describe(described, embedded, s); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(described)) }()
	greet(out, s, embedded, home)
	select {
	case <-ctx.Done():
		return nil
	case <-s.Exited():
		// Whoever ended it wants to see what the rest does without it.
		fmt.Fprintln(out, "The API or the worker has ended; the rest goes on. Interrupt to end it too.")
		<-ctx.Done()
		return nil
	}
}

func greet(out io.Writer, s *system.System, embedded *stack.Stack, home string) {
	fmt.Fprintf(out, `Everything runs, with a day of %s. Interrupt to end it; the data stays in %s.

  API           %s        (%s/api/docs)
  dashboard     %s/admin/ (sign in with adminToken)
  Web UI        %s
  inbox         %s
  database      %s
  addresses and tokens, for programs and for the starter: %s

To see the first e-mail, in this order; before the first step everybody lands in the control cohort, which gets none:
  go run ./starter flags set trialAutomation.rolloutPercentage=100
  go run ./starter vendor register --id v1 --email v1@example.com --name "First Vendor"
  go run ./starter trial status v1
The welcome is in the inbox then. Or begin as in production, from 0 %% with a rollout: go run ./starter rollout start --help
`, s.Day, home, s.API, s.API, s.API, embedded.TemporalUI, embedded.Mailbox, embedded.MongoDB, filepath.Join(home, "stack.json"))
}

func describe(path string, embedded *stack.Stack, s *system.System) error {
	api, worker := s.Pids()
	raw, err := json.MarshalIndent(description{
		API: s.API, Dashboard: s.API + "/admin/", Temporal: embedded.Temporal, TemporalUI: embedded.TemporalUI,
		MongoDB: embedded.MongoDB, Mailbox: embedded.Mailbox, AdminToken: s.Secrets.AdminToken, ServiceToken: s.Secrets.ServiceToken,
		Pids: map[string]int{"dev": os.Getpid(), "stack": embedded.Pid(), "api": api, "worker": worker},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("describing the stack: %w", err)
	}
	// Written beside and renamed, so that nobody reads half of it.
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return fmt.Errorf("describing the stack: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("describing the stack: %w", err)
	}
	return nil
}

// keptSecrets are made once: links in the mailbox stay good over a restart.
func keptSecrets(path string) (system.Secrets, error) {
	raw, err := os.ReadFile(path)
	var secrets system.Secrets
	switch {
	case err == nil:
		if err := json.Unmarshal(raw, &secrets); err != nil {
			return secrets, fmt.Errorf("reading %s: %w", path, err)
		}
		return secrets, nil
	case !errors.Is(err, fs.ErrNotExist):
		return secrets, fmt.Errorf("reading the secrets: %w", err)
	}
	secrets = system.NewSecrets()
	raw, err = json.Marshal(secrets)
	if err != nil {
		return secrets, fmt.Errorf("keeping the secrets: %w", err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return secrets, fmt.Errorf("keeping the secrets: %w", err)
	}
	return secrets, nil
}

func dayLength() (time.Duration, error) {
	given := os.Getenv("TRIAL_DAY")
	if given == "" {
		return 24 * time.Hour, nil
	}
	day, err := time.ParseDuration(given)
	if err != nil {
		return 0, fmt.Errorf("TRIAL_DAY: %w", err)
	}
	return day, nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	return nil
}
