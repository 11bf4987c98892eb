package system_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/system"
)

func TestAGateHoldsUpEachDirection(t *testing.T) {
	t.Parallel()
	proxy, err := system.NewProxy(t.Context(), echo(t))
	require.NoError(t, err)
	t.Cleanup(proxy.Shut)
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", proxy.Addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })

	ask(t, c) // it is open
	proxy.Delay(60*time.Millisecond, 0)
	require.GreaterOrEqual(t, ask(t, c), 60*time.Millisecond)
	proxy.Delay(60*time.Millisecond, 70*time.Millisecond)
	require.GreaterOrEqual(t, ask(t, c), 130*time.Millisecond)
}

// ask sends a word, and takes the time until it comes back.
func ask(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	_, err := c.Write([]byte("word"))
	require.NoError(t, err)
	word := make([]byte, 4)
	_, err = io.ReadFull(c, word)
	require.NoError(t, err)
	require.Equal(t, "word", string(word))
	return time.Since(began)
}

// echo is a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}
