package config_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"

	"marketplace.example/trials/internal/platform/config"
)

// chatty makes the test binary a process whose libraries print.
const chatty = "CONFIG_TEST_CHATTY"

func TestMain(m *testing.M) {
	if os.Getenv(chatty) != "" {
		os.Exit(chat())
	}
	os.Exit(m.Run())
}

// chat logs as libraries do, and then says on the third file that it got that far.
func chat() int {
	logger, err := config.Config{LogLevel: "debug", LogFormat: "json"}.Logger()
	if err != nil {
		return 1
	}
	config.TakeOver(logger)
	for range 100 {
		log.Print("standard log\nof two lines")
		slog.Warn("slog")
		slog.Default().With("k", "v").Info("slog with")
		otel.Handle(errors.New("the collector does not answer"))
		grpclog.Error("connection refused")
		grpclog.Warningf("transport %d", 1)
		fmt.Fprintln(os.Stdout, "{}")
	}
	logger.Info("the end")
	if _, err := os.NewFile(3, "result").WriteString("went on"); err != nil {
		return 1
	}
	return 0
}

func talk(t *testing.T, stdout, stderr *os.File) string {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close() //nolint:errcheck // a test's pipe
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), chatty+"=1")
	child.Stdout, child.Stderr, child.ExtraFiles = stdout, stderr, []*os.File{write}
	require.NoError(t, child.Start())
	require.NoError(t, write.Close())
	var result bytes.Buffer
	_, err = result.ReadFrom(read)
	require.NoError(t, err)
	require.NoError(t, child.Wait())
	return result.String()
}

// Whatever libraries have to say, each line is JSON.
func TestEveryLineOfALibraryIsJSON(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	defer file.Close() //nolint:errcheck // a test's file
	require.Equal(t, "went on", talk(t, file, file))
	_, err = file.Seek(0, 0)
	require.NoError(t, err)
	lines := bufio.NewScanner(file)
	said := map[string]bool{}
	for lines.Scan() {
		var line struct{ Msg, Error string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		said[line.Msg+line.Error] = true
	}
	require.NoError(t, lines.Err())
	for _, want := range []string{"standard log\nof two lines", "slog", "slog with", "telemetrythe collector does not answer", "connection refused", "transport 1", "the end"} {
		require.True(t, said[want], "%s in %v", want, said)
	}
}

// Nobody reads the log any more, which ends nothing.
func TestAProcessGoesOnWithoutAReaderOfItsLog(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer write.Close() //nolint:errcheck // nobody reads it
	require.NoError(t, read.Close())
	require.Equal(t, "went on", talk(t, write, write))
}
