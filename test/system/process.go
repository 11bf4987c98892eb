package system

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"marketplace.example/trials/test/stack"
)

const (
	readyLimit = 5 * time.Minute
	stopLimit  = 3 * time.Minute
)

// process is one running program of ours.
type process struct {
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
	once sync.Once
}

// launch starts a program and waits for the line of JSON that says where it
// listens: under its name, and its metrics under theirs.
func launch(ctx context.Context, bin, name, logDir string, env []string) (*process, map[string]string, error) {
	log, err := os.OpenFile(filepath.Join(logDir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{cmd: exec.Command(filepath.Join(bin, name)), log: log, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = stack.ChildAttributes()
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("starting %s: %w", name, err)
	}
	said := map[string]string{}
	err = stack.ReadyLine(ctx, stdout, readyLimit, &said)
	go func() {
		_, _ = io.Copy(log, stdout) // whatever else it prints belongs in the log
		_ = p.cmd.Wait()
		close(p.done)
	}()
	if err != nil {
		p.kill()
		return nil, nil, fmt.Errorf("starting %s: %w (see %s)", name, err, log.Name())
	}
	return p, said, nil
}

// stop asks the process to end, and kills it where it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		p.kill()
	}
	p.once.Do(func() { _ = p.log.Close() })
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	p.once.Do(func() { _ = p.log.Close() })
}

func (p *process) pid() int { return p.cmd.Process.Pid }
