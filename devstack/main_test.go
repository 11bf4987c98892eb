package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runAsDevstack makes the test's own binary run as the program.
const runAsDevstack = "DEVSTACK_RUN_MAIN"

// deadline is how long a test waits for what must happen. Other tests may
// leave the machine little time.
const deadline = 4 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv(runAsDevstack) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a running devstack.
type process struct {
	addresses

	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	rest   *bytes.Buffer // what it prints after its addresses
	stderr *bytes.Buffer
	exited chan struct{} // closed after the process has ended
	err    error         // of Wait, once exited is closed
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), runAsDevstack+"=1")
	return cmd
}

// launch runs devstack with args and waits until it is ready.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(args...), rest: new(bytes.Buffer), stderr: new(bytes.Buffer), exited: make(chan struct{})}
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	p.cmd.Stderr = p.stderr
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})

	lines := bufio.NewReader(stdout)
	first := make(chan string, 1)
	go func() {
		defer close(p.exited)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(p.rest, lines)
		p.err = p.cmd.Wait()
	}()
	select {
	case line := <-first:
		if line == "" {
			<-p.exited
			require.FailNow(t, "devstack ended before it was ready", p.stderr.String())
		}
		require.NoError(t, json.Unmarshal([]byte(line), &p.addresses))
	case <-time.After(deadline):
		require.FailNow(t, "devstack is not ready")
	}
	return p
}

// signal tells the process to stop, and requires that it does so cleanly.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
	p.requireCleanExit()
}

func (p *process) requireCleanExit() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(deadline):
		require.FailNow(p.t, "devstack does not stop")
	}
	require.NoError(p.t, p.err, p.stderr)
	require.Empty(p.t, p.rest.String(), "it prints one line")
	require.Empty(p.t, p.warnings(), "it stops without a warning")
}

// warnings are what it has written but that a call took long, or a write of Temporal's so long that it takes hold of
// its shard anew: those are the machine's doing.
func (p *process) warnings() (all []string) {
	for line := range strings.Lines(p.stderr.String()) {
		if !strings.Contains(line, `msg="Slow gRPC call"`) && !strings.Contains(line, `error="shard status unknown"`) {
			all = append(all, line)
		}
	}
	return all
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", url, body)
	return string(body)
}

func TestEveryPartAnswersAndStopsOnInterrupt(t *testing.T) {
	t.Parallel()
	p := launch(t)
	require.Equal(t, "arn:aws:sns:us-east-1:000000000000:ses-events", p.TopicARN)
	require.Contains(t, get(t, p.TemporalUI), "<html")
	require.JSONEq(t, "[]", get(t, p.Mailbox+"/messages"))
	require.NoError(t, connect(t, p.MongoDB, "any").Database().Client().Ping(t.Context(), nil))
	for _, address := range []string{
		p.Temporal, strings.TrimPrefix(p.TemporalUI, "http://"), strings.TrimPrefix(p.Mailbox, "http://"),
		strings.Trim(strings.TrimPrefix(p.MongoDB, "mongodb:"), "/"),
	} {
		host, _, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.True(t, net.ParseIP(host).IsLoopback(), address)
	}

	p.signal(os.Interrupt)
	_, err := net.Dial("tcp", p.Temporal)
	require.Error(t, err)
}

func TestItStopsOnTerm(t *testing.T) {
	t.Parallel()
	launch(t).signal(syscall.SIGTERM)
}

func TestItStopsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	p := launch(t, "--stop-with-stdin")
	require.NoError(t, p.stdin.Close())
	p.requireCleanExit()
}

func TestItListensWhereItIsConfigured(t *testing.T) {
	t.Parallel()
	ports := quietPorts(t, 4)
	p := launch(t, "--topic-arn", "arn:aws:sns:eu-west-1:000000000000:other",
		"--temporal-port", fmt.Sprint(ports[0]), "--ui-port", fmt.Sprint(ports[1]),
		"--mongodb-port", fmt.Sprint(ports[2]), "--mailbox-port", fmt.Sprint(ports[3]))
	require.Equal(t, addresses{
		Temporal:   fmt.Sprintf("127.0.0.1:%d", ports[0]),
		TemporalUI: fmt.Sprintf("http://127.0.0.1:%d", ports[1]),
		MongoDB:    fmt.Sprintf("mongodb://127.0.0.1:%d/", ports[2]),
		Mailbox:    fmt.Sprintf("http://127.0.0.1:%d", ports[3]),
		TopicARN:   "arn:aws:sns:eu-west-1:000000000000:other",
	}, p.addresses)
	p.signal(os.Interrupt)
}

// quietPorts returns free ports below those that the system gives away, so that
// nobody takes them in between.
func quietPorts(t *testing.T, count int) []int {
	t.Helper()
	var ports []int
	for port := 20_000 + os.Getpid()%8_000; len(ports) < count; port++ {
		require.Less(t, port, 32_000, "no free ports")
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		require.NoError(t, listener.Close())
		ports = append(ports, port)
	}
	return ports
}

func TestWrongUsageIsExplained(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)

	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an unknown flag":           {[]string{"--ports", "1"}, "flag provided but not defined: -ports"},
		"an argument":               {[]string{"start"}, `unexpected argument "start"`},
		"a port that is none":       {[]string{"--ui-port", "70000"}, "--ui-port 70000: not a port"},
		"a negative rate":           {[]string{"--ses-rate", "-1"}, "--ses-rate -1: must not be negative"},
		"an unknown level":          {[]string{"--log-level", "loud"}, "log-level"},
		"a directory that is none":  {[]string{"--dir", "/dev/null/x"}, "--dir"},
		"a taken mailbox port":      {[]string{"--mailbox-port", port}, "address already in use"},
		"a taken database port":     {[]string{"--mongodb-port", port}, "address already in use"},
		"a taken port for Temporal": {[]string{"--temporal-port", port}, "address already in use"},
		"a taken Web UI port":       {[]string{"--ui-port", port}, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command(test.args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, 1, exit.ExitCode(), stderr.String())
			require.Contains(t, stderr.String(), test.want)
			require.Empty(t, stdout.String())
		})
	}
}

func TestTheStackSaysItsVersion(t *testing.T) {
	t.Parallel()
	var out, complaints bytes.Buffer
	if err := run([]string{"--version"}, strings.NewReader(""), &out, &complaints); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "devstack ") || complaints.Len() > 0 {
		t.Fatalf("it says %q, %q", out.String(), complaints.String())
	}
}
