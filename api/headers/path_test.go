package headers_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/headers"
)

func TestAPathThatCanBeReadInTwoWaysIsNotPlain(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"": true, "/": true, "/api/docs": true, "/admin/": true, "/api/vendors/v%2D1": true, "/api/vendors/%C3%A9": true, "/unsubscribe/a.b.c": true, "/a/..b/...": true,
		"/api%2fdocs": false, "/api%2Fdocs": false, "/api/admin%2ftokens": false, "/api%5cdocs": false, `/api\docs`: false, "/api//docs": false, "///": false,
		"/api/./docs": false, "/api/../docs": false, "/api/%2e%2e/docs": false, "/api/%2e/docs": false, "/api/..": false, "/admin/..": false,
		"/api/docs%00": false, "/api/%c0%af": false, "/api/%c0%ae%c0%ae/docs": false, "/api/%ff": false, "/api%2f..%2fdocs": false,
	} {
		u, err := url.Parse(path)
		require.NoError(t, err, path)
		require.Equal(t, want, headers.PlainPath(u), path)
	}
}
