package httpserver

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1",
		"10.0.0.7:1": "10.0.0.7:1", "[::1]:1": "[::1]:1", "api:8080": "api:8080",
	} {
		require.Equal(t, want, local(address), address)
	}
}
