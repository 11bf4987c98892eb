// Package stack starts the embedded stack for tests: Temporal, a database that
// speaks MongoDB's protocol, and the SES mailbox, in one child process.
package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Environment variables that put a server of one's own in a part's place.
const (
	EnvMongoDB  = "TEST_MONGODB_URI"
	EnvTemporal = "TEST_TEMPORAL_ADDRESS"
)

const (
	// startLimit is generous: on a busy machine the first start reads a binary
	// of 250 MB from disk.
	startLimit = 3 * time.Minute
	// stopLimit is how long the stack may take to stop by itself.
	stopLimit = 20 * time.Second
)

const module = "marketplace.example/trials"

// Stack is the running stack and where its parts are.
type Stack struct {
	Temporal   string `json:"temporal"` // host:port
	TemporalUI string `json:"temporalUI"`
	MongoDB    string `json:"mongodb"` // a connection string
	Mailbox    string `json:"mailbox"`
	// TopicARN is the SNS topic that the mailbox publishes its events to.
	TopicARN string `json:"topicARN"`

	command *exec.Cmd
	stdin   io.Closer
	stderr  *tail
}

// Start runs the stack and returns when every part answers. It builds nothing.
// It ends with Stop, and also when the calling process dies. args are more of
// the program's flags.
func Start(ctx context.Context, args ...string) (*Stack, error) {
	binary, err := find()
	if err != nil {
		return nil, err
	}
	s := &Stack{stderr: &tail{}}
	// Not bound to ctx: that would kill the stack instead of stopping it.
	s.command = exec.Command(binary, append([]string{"--stop-with-stdin", "--log-level", "error"}, args...)...)
	s.command.Stderr = s.stderr
	s.command.SysProcAttr = ChildAttributes()
	stdin, err := s.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	s.stdin = stdin
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	if err := ReadyLine(ctx, stdout, startLimit, s); err != nil {
		stopped := s.Stop() // first, so that all it had to say is there
		return nil, errors.Join(fmt.Errorf("start the stack: %w\n%s", err, s.stderr), stopped)
	}
	s.override()
	return s, nil
}

// ReadyLine decodes the line of JSON that a program prints once it is ready. What it prints after that is left to be read.
func ReadyLine(ctx context.Context, stdout io.Reader, limit time.Duration, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	read := make(chan []byte, 1)
	failed := make(chan error, 1)
	go func() {
		if line, err := bufio.NewReader(stdout).ReadBytes('\n'); err != nil {
			failed <- err
		} else {
			read <- line
		}
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("it did not get ready: %w", ctx.Err())
	case err := <-failed:
		return fmt.Errorf("it did not say where it is: %w", err)
	case line := <-read:
		if err := json.Unmarshal(line, into); err != nil {
			return fmt.Errorf("it did not say where it is: %w", err)
		}
		return nil
	}
}

// override puts the servers that the environment names in the place of ours.
func (s *Stack) override() {
	if uri := os.Getenv(EnvMongoDB); uri != "" {
		s.MongoDB = uri
	}
	if address := os.Getenv(EnvTemporal); address != "" {
		s.Temporal, s.TemporalUI = address, ""
	}
}

// Pid is the stack's process id.
func (s *Stack) Pid() int { return s.command.Process.Pid }

// Kill ends the stack as a crash would.
func (s *Stack) Kill() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait() // says that it was killed
	s.command = nil
}

// Stop ends the stack and waits until it is gone. It may be called again.
func (s *Stack) Stop() error {
	if s.command == nil {
		return nil
	}
	_ = s.stdin.Close()
	kill := time.AfterFunc(stopLimit, func() { _ = s.command.Process.Kill() })
	defer kill.Stop()
	err := s.command.Wait()
	s.command = nil
	if err != nil {
		return fmt.Errorf("stop the stack: %w\n%s", err, s.stderr)
	}
	return nil
}

// find looks for the built stack.
func find() (string, error) {
	root, err := Root()
	if err != nil {
		return "", fmt.Errorf("find the stack: %w", err)
	}
	binary := filepath.Join(root, ".build", "devstack")
	if _, err := os.Stat(binary); err != nil {
		return "", fmt.Errorf("find the stack: %w; run `make devstack`", err)
	}
	return binary, nil
}

// Root is the folder of the module, found upwards from the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the root: %w", err)
	}
	for {
		// Modules lie nested in it, with a go.mod of their own.
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("finding the root: not inside module %s", module)
		}
		dir = parent
	}
}
