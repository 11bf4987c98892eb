package system

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"marketplace.example/trials/test/stack"
)

// Options say how to run the system. The zero value is: a day is a day, the
// database and namespace are the defaults, the API takes a free port.
type Options struct {
	// Stack is the running stack to use.
	Stack *stack.Stack
	// Day is TRIAL_DAY.
	Day time.Duration
	// Database and Namespace keep systems on one stack apart.
	Database, Namespace string
	// APIAddr is where the API listens, a free port of the loopback by default.
	APIAddr string
	// LogDir takes the processes' logs.
	LogDir string
	// Secrets are the tokens; made anew where empty.
	Secrets Secrets
	// Env is added to the environment of the processes, as NAME=value.
	Env []string
	// APIEnv is added to the API's alone.
	APIEnv []string
	// WorkerEnv is added to that of a worker that is started from then on.
	WorkerEnv []string
	// WorkerBin is the folder of a worker that is started from then on; that of Build by default.
	WorkerBin string
}

// Secrets are the tokens of one system.
type Secrets struct {
	AdminToken   string `json:"adminToken"`
	ServiceToken string `json:"serviceToken"`
	LinkSecret   string `json:"linkSecret"`
}

// NewSecrets makes them up.
func NewSecrets() Secrets {
	return Secrets{AdminToken: secret(), ServiceToken: secret(), LinkSecret: secret()}
}

func secret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}

// System is the running product.
type System struct {
	Options
	// API is the API's address as a URL.
	API string
	// APIMetrics and WorkerMetrics are where each shows its metrics, as URLs;
	// empty unless METRICS_ADDR is set.
	APIMetrics, WorkerMetrics string

	bin         string
	env         []string
	api, worker *process
	// subscription is the mailbox's id of the API's.
	subscription string
	inbox        inbox
}

// configurationSet is the system's own, so that systems which share a mailbox are
// not told of each other's e-mails.
func (s *System) configurationSet() string { return cmp.Or(s.Database, "trials") }

// Start builds what is needed, sets the stores up, and starts the API and the worker.
func Start(ctx context.Context, o Options) (*System, error) {
	s := &System{Options: o}
	if s.Secrets == (Secrets{}) {
		s.Secrets = NewSecrets()
	}
	if s.APIAddr == "" {
		s.APIAddr = "127.0.0.1:0"
	}
	bin, err := Build(ctx)
	if err != nil {
		return nil, err
	}
	s.bin = bin
	if err := s.environment(); err != nil {
		return nil, err
	}
	if err := s.Setup(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(s.StartAPI(ctx), s.StartWorker(ctx)); err != nil {
		s.Stop()
		return nil, err
	}
	if err := errors.Join(s.subscribe(ctx), s.skipMessages(ctx)); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *System) environment() error {
	mailbox, err := url.Parse(s.Stack.Mailbox)
	if err != nil {
		return fmt.Errorf("reading the mailbox's address: %w", err)
	}
	s.env = []string{
		"MONGODB_URI=" + s.Stack.MongoDB, "TEMPORAL_ADDRESS=" + s.Stack.Temporal,
		"ADMIN_TOKEN=" + s.Secrets.AdminToken, "SERVICE_TOKEN=" + s.Secrets.ServiceToken, "LINK_SECRET=" + s.Secrets.LinkSecret,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=embedded", "AWS_SECRET_ACCESS_KEY=embedded", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL_SESV2=" + s.Stack.Mailbox, "MAIL_FROM=Marketplace <trials@marketplace.example>",
		"SES_CONFIGURATION_SET=" + s.configurationSet(), "SNS_TOPIC_ARN=" + s.Stack.TopicARN, "SNS_CERTIFICATE_HOST=" + mailbox.Host,
		"WORKER_ADDR=127.0.0.1:0", "PUBLIC_URL=https://marketplace.example",
		"CANARY_ADDRESS=off", // it takes longer than a phase of most tests' plans
	}
	add := func(name, value string) {
		if value != "" {
			s.env = append(s.env, name+"="+value)
		}
	}
	add("TEMPORAL_UI_URL", s.Stack.TemporalUI)
	add("MONGODB_DATABASE", s.Database)
	add("TEMPORAL_NAMESPACE", s.Namespace)
	if s.Day != 0 {
		add("TRIAL_DAY", s.Day.String())
	}
	s.env = append(s.env, s.Env...)
	return nil
}

// Setup runs `starter setup`, as a deployment does.
func (s *System) Setup(ctx context.Context) error {
	if s.Namespace != "" {
		if err := registerNamespace(ctx, s.Stack.Temporal, s.Namespace); err != nil {
			return err
		}
	}
	_, err := s.Starter(ctx, "setup", "--wait", "60s")
	return err
}

// Starter runs the command-line tool against this system and returns what it printed.
func (s *System) Starter(ctx context.Context, args ...string) (string, error) {
	return Persist(ctx, func(more ...string) (string, error) {
		args := slices.Concat(args, more)
		cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "starter"), args...)
		cmd.Env = append(append(os.Environ(), s.env...), "API_URL="+s.API)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("starter %v: %w\n%s", args, err, out)
		}
		return string(out), err
	})
}

// StartAPI starts the API, on the port it had before if it had one.
func (s *System) StartAPI(ctx context.Context) error {
	p, said, err := launch(ctx, s.bin, "api", s.LogDir, slices.Concat(s.env, s.APIEnv, []string{"API_ADDR=" + s.APIAddr}))
	if err != nil {
		return err
	}
	s.api, s.API, s.APIMetrics = p, said["api"], said["metrics"]
	if u, err := url.Parse(s.API); err == nil {
		s.APIAddr = u.Host
	}
	return nil
}

// StartWorker starts the worker.
func (s *System) StartWorker(ctx context.Context) error {
	p, said, err := launch(ctx, cmp.Or(s.WorkerBin, s.bin), "worker", s.LogDir, slices.Concat(s.env, []string{"DASHBOARD_URLS=" + s.API + "/readyz"}, s.WorkerEnv))
	if err != nil {
		return err
	}
	s.worker, s.WorkerMetrics = p, said["metrics"]
	return nil
}

// StopWorker lets the worker finish what is under way; KillWorker does not.
func (s *System) StopWorker() { s.worker.stop() }

// KillWorker ends the worker as a crash would.
func (s *System) KillWorker() { s.worker.kill() }

// StopAPI lets the API finish what is under way; KillAPI does not.
func (s *System) StopAPI() { s.api.stop() }

// KillAPI ends the API as a crash would.
func (s *System) KillAPI() { s.api.kill() }

// Pids are the process ids of the API and the worker.
func (s *System) Pids() (api, worker int) { return s.api.pid(), s.worker.pid() }

// Exited is closed when the API or the worker ends by itself.
func (s *System) Exited() <-chan struct{} {
	exited := make(chan struct{})
	go func() {
		select {
		case <-s.api.done:
		case <-s.worker.done:
		}
		close(exited)
	}()
	return exited
}

// Stop ends both; the stack is left to whoever started it.
func (s *System) Stop() {
	s.unsubscribe()
	for _, p := range []*process{s.worker, s.api} {
		if p != nil {
			p.stop()
		}
	}
}
