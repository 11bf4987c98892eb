package stack

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	for _, part := range []string{s.MongoDB, s.Mailbox, s.TemporalUI, "tcp://" + s.Temporal} {
		u, err := url.Parse(part)
		require.NoError(t, err)
		require.NoError(t, dial(t.Context(), u.Host), part)
	}
	require.True(t, strings.HasPrefix(s.TopicARN, "arn:aws:sns:"))

	mailbox, err := url.Parse(s.Mailbox)
	require.NoError(t, err)
	require.NoError(t, s.Stop())
	require.Error(t, dial(t.Context(), mailbox.Host), "nothing is left of it")
	require.NoError(t, s.Stop(), "it may be stopped again")
}

func dial(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestOverride(t *testing.T) {
	t.Setenv(EnvMongoDB, "mongodb://elsewhere/")
	t.Setenv(EnvTemporal, "elsewhere:7233")
	s := Stack{Temporal: "here:1", TemporalUI: "http://here", MongoDB: "mongodb://here/", Mailbox: "http://here"}
	s.override()
	require.Equal(t, Stack{Temporal: "elsewhere:7233", MongoDB: "mongodb://elsewhere/", Mailbox: "http://here"}, s)
}

func TestItSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := Start(t.Context())
	require.ErrorContains(t, err, "not inside module")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+module+"\n"), 0o600))
	inside := filepath.Join(dir, "some", "package")
	require.NoError(t, os.MkdirAll(inside, 0o700))
	t.Chdir(inside)
	_, err = Start(t.Context())
	require.ErrorContains(t, err, "make devstack")

	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".build"), 0o700))
	broken := "#!/bin/sh\necho 'no port is free' >&2\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".build", "devstack"), []byte(broken), 0o700))
	_, err = Start(t.Context())
	require.ErrorContains(t, err, "no port is free", "its own words are shown")
}
