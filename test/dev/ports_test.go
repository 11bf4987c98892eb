package main

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATakenPortIsNamedWithTheVariableThatHelps(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	for _, l := range listeners {
		settings := map[string]string{}
		for _, other := range listeners {
			settings[other.variable] = "0"
		}
		ports, err := choosePorts(func(name string) string { return settings[name] })
		require.NoError(t, err)
		require.Equal(t, settings, ports)

		settings[l.variable] = port
		_, err = choosePorts(func(name string) string { return settings[name] })
		require.ErrorContains(t, err, "port "+port+", for "+l.what+", is taken")
		require.ErrorContains(t, err, l.variable+"=")
		require.NotContains(t, err.Error(), "\n", "said once")
	}
}

func TestPortsThatCannotBeAreNamed(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"API_PORT": "eighty", "TEMPORAL_PORT": "70000", "TEMPORAL_UI_PORT": "-1", "MONGODB_PORT": "0", "MAILBOX_PORT": "0"}
	_, err := choosePorts(func(name string) string { return settings[name] })
	require.Len(t, strings.Split(err.Error(), "\n"), 3)
	require.ErrorContains(t, err, `API_PORT="eighty" is not a port`)
	require.ErrorContains(t, err, `TEMPORAL_PORT="70000" is not a port`)
	require.ErrorContains(t, err, `TEMPORAL_UI_PORT="-1" is not a port`)
}
